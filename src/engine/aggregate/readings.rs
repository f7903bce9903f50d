//! All readings and all windows of a stage as they are now: for its reconciliation.

use super::inputs::WindowInputs;
use super::judge::Why;
use super::scan::{Ranges, slice};
use crate::engine::cores::in_portions;
use crate::engine::pipeline::BATCH_BYTES;
use crate::error::Result;
use crate::ledger::windows::{StandingWindow, standing_of_all};
use crate::record::RecordNumber;
use crate::stage::{Reading, WindowRow};
use crate::store::{PackedRows, RowRef, Salted};

/// Number of rows of the target that are read at a time.
const PAGE: usize = 1_000;

/// What becomes of a reading.
#[derive(Clone, Debug)]
pub(crate) enum ReadingFate<'r> {
    /// It is counted in the window that it names.
    Counted(Box<Reading<'r>>),
    /// `where` leaves it out.
    Filtered,
    /// It came late, and is left out.
    Late,
    /// It is refused.
    Refused,
}

/// What of a stage's windows stands.
pub(crate) struct StandingWindows<'w> {
    /// What the ledger says; `None` for a row that the stage has not written.
    pub(crate) window: Option<StandingWindow>,
    /// The row; `None` if there is none.
    pub(crate) row: Option<&'w Salted>,
}

impl WindowInputs<'_> {
    /// Reads all readings. `work` is done on every core, with some of them; `take` takes what came of it, in order. Returns
    /// `false` if it had to stop.
    pub(crate) fn all_readings<T: Send>(
        &self,
        work: impl Fn(&[RowRef<'_>]) -> T + Sync,
        mut take: impl FnMut(T) -> Result<()>,
    ) -> Result<bool> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (mut ranges, mut rows) = (Ranges::all(), PackedRows::default());
        loop {
            if self.bounds.interrupts().is_some() {
                return Ok(false);
            }
            ranges.read((self.reader, &self.source), slice(), &mut rows)?;
            if rows.is_empty() {
                return Ok(true);
            }
            let views: Vec<RowRef<'_>> = rows.views(0..rows.len()).collect();
            for done in in_portions(&views, views.len().div_ceil(cores), &work)? {
                take(done)?;
            }
        }
    }

    /// Returns what becomes of a reading.
    pub(crate) fn fate<'r>(&self, row: RowRef<'r>) -> ReadingFate<'r> {
        let judge = self.judge();
        if self.before.waived.contains(row.number) {
            return ReadingFate::Filtered;
        }
        match judge.reading(row) {
            Ok(None) => ReadingFate::Filtered,
            Err(_) => ReadingFate::Refused,
            Ok(Some(reading)) => match judge.late(&reading, row.number) {
                None => ReadingFate::Counted(Box::new(reading)),
                Some(Why::Filtered(_)) => ReadingFate::Late,
                Some(Why::Refused(_)) => ReadingFate::Refused,
            },
        }
    }

    /// Calls `tell` with what the ledger says of each window and its row, in the order of their numbers, and with each row
    /// of the target that is no window that the ledger knows. Returns `false` if it had to stop.
    pub(crate) fn all_windows(
        &self,
        mut tell: impl FnMut(&StandingWindows<'_>) -> Result<()>,
    ) -> Result<bool> {
        let of = (self.judge().context.project, self.stage.number());
        self.reader.read(|connection| {
            let (mut rows, mut after, mut stopped) = (
                Vec::new().into_iter().peekable(),
                RecordNumber::BEFORE_FIRST,
                false,
            );
            let mut next = |below: Option<RecordNumber>| -> Result<Option<Salted>> {
                if rows.peek().is_none() {
                    let page = self.target.after(connection, after, PAGE, BATCH_BYTES)?;
                    after = page.last().map_or(after, |last: &Salted| last.record.number);
                    rows = page.into_iter().peekable();
                }
                Ok(rows.next_if(|row| below.is_none_or(|below| row.record.number <= below)))
            };
            standing_of_all(connection, of.0, of.1, |window| {
                stopped |= self.bounds.interrupts().is_some();
                if stopped {
                    return Ok(());
                }
                let mut own = None;
                while let Some(row) = next(Some(window.record))? {
                    if row.record.number == window.record {
                        own = Some(row);
                        break;
                    }
                    tell(&StandingWindows {
                        window: None,
                        row: Some(&row),
                    })?;
                }
                tell(&StandingWindows {
                    window: Some(window),
                    row: own.as_ref(),
                })
            })?;
            while !stopped && let Some(row) = next(None)? {
                tell(&StandingWindows {
                    window: None,
                    row: Some(&row),
                })?;
                stopped |= self.bounds.interrupts().is_some();
            }
            Ok(!stopped)
        })
    }

    /// Returns the numbers of rows of the source and of the target, whether or not the ledger knows them.
    pub(crate) fn counts(&self) -> Result<(u64, u64)> {
        self.reader
            .read(|connection| Ok((self.source.count(connection)?, self.target.count(connection)?)))
    }

    /// Returns the window of a row; `None` if it is none of the stage.
    pub(crate) fn window_in(&self, id: &str, data: &str) -> Option<WindowRow> {
        let window = self.aggregate.window_in(data)?;
        (id == self.aggregate.window_id(&window.group, window.measured.start)).then_some(window)
    }

    /// Returns the windows that stand refused, by their ids.
    pub(crate) fn refused_ids(&self) -> impl Iterator<Item = String> + '_ {
        let refused = self.refused.all();
        refused.map(|(key, _)| self.aggregate.window_id(&key.group, key.start))
    }

    /// Returns until when windows are written; `None` if the stage holds none back.
    pub(crate) fn written_until(&self) -> Result<Option<i64>> {
        self.held_until()
    }
}

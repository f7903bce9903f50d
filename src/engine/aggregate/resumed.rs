//! What an interrupted pass has done.

use std::collections::BTreeMap;

use rusqlite::Connection;
use sha2::Digest as _;

use super::judge::Tally;
use super::keys::WindowKey;
use super::making::Making;
use super::whole::Summary;
use crate::aggregate::Windows;
use crate::digest::hex;
use crate::error::{Error, Result};
use crate::ledger::aggregated::{AggregateNote, Noted, ReadingCounts, WindowFigures, note_of};
use crate::ledger::processed::first_id;
use crate::ledger::read::PassSummary;
use crate::ledger::windows::left_by;
use crate::record::{RecordNumber, RecordSet};
use crate::stage::{Aggregate, Stage};
use crate::store::Table;

/// The code of the warning that no reading has a value at a path.
const ABSENT: &str = "aggregate.absent";

/// What an interrupted pass has done; nothing for one that begins.
#[derive(Debug, Default)]
pub(super) struct Resumed {
    /// The last reading up to which entries are written.
    scanned: RecordNumber,
    /// Whether entries of all readings are written that are gone.
    pub(super) has_added_deleted: bool,
    note: Option<AggregateNote>,
    /// The last window that is written.
    reached: Option<WindowKey>,
    /// The resume point after it.
    cursor: Option<String>,
    /// The readings that the pass has left out because they came late.
    pub(super) left: RecordSet,
}

/// The resume point of a pass. It is published with every proof, so it names what was reached by number alone.
#[derive(serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Cursor {
    /// The last reading up to which entries are written.
    Scanned(RecordNumber),
    /// The same, of readings that are gone.
    Deleted(RecordNumber),
    /// The last window that is written.
    Window(RecordNumber),
    /// The last row that was no window of any group: they come before all windows.
    Gone(RecordNumber),
}

impl Resumed {
    /// Reads it.
    pub(super) fn read(
        connection: &Connection,
        interrupted: Option<&PassSummary>,
        aggregate: &Aggregate,
        target: &Table,
    ) -> Result<Self> {
        let Some(interrupted) = interrupted else {
            return Ok(Self::default());
        };
        let mut resumed = Self {
            note: note_of(connection, interrupted.row.pass)?,
            left: left_by(connection, interrupted.row.pass)?,
            ..Self::default()
        };
        if let Some(cursor) = &interrupted.cursor {
            match serde_json::from_str(cursor).map_err(|_| unread())? {
                Cursor::Scanned(number) => resumed.scanned = number,
                Cursor::Deleted(_) => {
                    (resumed.scanned, resumed.has_added_deleted) = (RecordNumber::MAX, true);
                }
                Cursor::Gone(number) => resumed.reached = Some(WindowKey::of_number(number)),
                Cursor::Window(number) => {
                    let key = key_of(connection, aggregate, target, number)?;
                    resumed.reached = Some(key.ok_or_else(unread)?);
                }
            }
        }
        if resumed.reached.is_some() {
            resumed.cursor.clone_from(&interrupted.cursor);
        }
        Ok(resumed)
    }

    /// Returns whether it has begun to write windows.
    pub(super) fn is_writing(&self) -> bool {
        self.note.is_some()
    }

    /// Returns the windows that the pass makes again because their place was free when it noted it.
    pub(super) fn again(&self) -> Option<RecordSet> {
        let note = self.note.as_ref()?;
        Some(note.aggregate.again.iter().copied().collect())
    }

    /// Returns whether it has written the entry of a reading.
    pub(super) fn has_written(&self, reading: RecordNumber) -> bool {
        self.is_writing() || reading <= self.scanned
    }

    pub(super) fn reached(&self) -> Option<WindowKey> {
        self.reached.clone()
    }

    /// Returns the resume point after the last window that is written.
    pub(super) fn cursor(&self) -> Option<String> {
        self.cursor.clone()
    }

    /// Renders the resume point after the entries of readings.
    pub(super) fn after_reading(reading: RecordNumber, is_gone: bool) -> String {
        if is_gone {
            Cursor::Deleted(reading).to_json()
        } else {
            Cursor::Scanned(reading).to_json()
        }
    }

    /// Renders the resume point after a window that has this number.
    pub(super) fn after_window(key: &WindowKey, number: RecordNumber) -> String {
        if *key == WindowKey::of_number(number) {
            Cursor::Gone(number).to_json()
        } else {
            Cursor::Window(number).to_json()
        }
    }

    /// Returns the note of the pass, and its warnings, unless it stands already.
    ///
    /// # Errors
    /// If the source has changed since it was noted.
    pub(super) fn note(
        &self,
        tally: &Tally,
        making: &Making<'_>,
        summary: Summary,
        (is_whole, again): (bool, RecordSet),
        stage: &Stage,
    ) -> Result<Option<(String, BTreeMap<String, u64>)>> {
        let digest = hex(&summary.digest.finalize());
        if let Some(note) = &self.note {
            if note.aggregate.digest == digest {
                return Ok(None);
            }
            let message = format!(
                "`{}` was changed outside the ledger since stage {} began to write its windows",
                stage.source(),
                stage.number()
            );
            let hint = "run `counterfoil verify` to see what was changed; `counterfoil rollback` undoes what the stage has \
                        written";
            return Err(Error::invalid(message, hint));
        }
        let figures = &making.figures;
        let note = AggregateNote {
            readings: tally.counts(),
            aggregate: Noted {
                whole: is_whole,
                figures: WindowFigures {
                    made: figures.windows,
                    empty: figures.empty,
                    open: figures.open,
                    anomalies: figures.anomalies,
                    held: figures.held,
                    gaps: figures.gaps,
                },
                newest: (making.newest > i64::MIN).then(|| Windows::utc(making.newest)),
                waiting: summary.held.ranges().to_vec(),
                held_readings: summary.held_readings,
                again: again.iter().collect(),
                absent: if is_whole {
                    absent(making.aggregate, tally)
                } else {
                    Vec::new()
                },
                digest,
            },
        };
        let mut warnings = making.codes.clone();
        if !note.aggregate.absent.is_empty() {
            warnings.insert(ABSENT.to_owned(), note.aggregate.absent.len() as u64);
        }
        if figures.gaps > 0 {
            warnings.insert("aggregate.gap".to_owned(), figures.gaps);
        }
        Ok(Some((note.to_json(), warnings)))
    }
}

impl Cursor {
    fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a number always has a JSON text")
    }
}

/// Error for a resume point that no pass of an aggregate has written.
fn unread() -> Error {
    Error::Damaged {
        what: "the resume point of an aggregate cannot be read".to_owned(),
    }
}

/// Returns where a window stands in the order in which windows are written: by its row, or, if that is gone, by the id that it
/// began with.
fn key_of(
    connection: &Connection,
    aggregate: &Aggregate,
    target: &Table,
    number: RecordNumber,
) -> Result<Option<WindowKey>> {
    let row = target.by_number(connection, number)?.map(|row| row.record.id);
    let first = first_id(connection, number)?;
    let mut named = [row, first].into_iter().flatten();
    let key = named.find_map(|id| aggregate.window_named(&id));
    Ok(key.map(|(group, start)| WindowKey::new(&group, start)))
}

/// Returns the paths at which no reading has a value, if any is counted.
fn absent(aggregate: &Aggregate, tally: &Tally) -> Vec<String> {
    if tally.counted == 0 {
        return Vec::new();
    }
    let absent = aggregate.absent(tally.present).into_iter();
    absent.map(ToString::to_string).collect()
}

impl Tally {
    /// Returns the numbers of readings for the note of a pass.
    fn counts(&self) -> ReadingCounts {
        ReadingCounts {
            read: self.read,
            counted: self.counted,
            filtered: self.filtered,
            refused: self.refused,
        }
    }
}

//! What becomes of single readings: counted in a window, left out, or refused. Pure, so that every core can do it.

use super::dirty::Dirty;
use super::keys::WindowKey;
use super::table::{WindowTable, Windows};
use super::window::{BLOCK_BITS, BlockWindow, Window};
use crate::aggregate;
use crate::context::Context;
use crate::digest::Hash;
use crate::error::Result;
use crate::record::{RecordNumber, RecordSet};
use crate::refusal::Refusal;
use crate::stage::{Aggregate, Late, Present, Reading, Stage};
use crate::store::{RowRef, Salted};

/// How readings are judged.
pub(super) struct Judge<'a> {
    pub(super) stage: &'a Stage,
    pub(super) aggregate: &'a Aggregate,
    /// The facts of the pass, without a record.
    pub(super) context: Context<'a>,
    /// The windows that are made again; `None` for all.
    pub(super) dirty: Option<&'a Dirty>,
    pub(super) before: &'a Before,
    /// Whether values are measured, and not only readings counted.
    pub(super) measures: bool,
}

/// What the stage had done with readings before the pass.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// The readings that were written since the stage has read them.
    pub(super) touched: RecordSet,
    /// Whether the stage has read none of them before.
    pub(super) all: bool,
    /// The readings of which the stage says that they are not counted: refused, or left out because they came late.
    pub(super) out: RecordSet,
    /// Those of which it says that they are refused.
    pub(super) refused: RecordSet,
    /// Those of which it says so because they came late.
    pub(super) left: RecordSet,
    /// Those that are left out because they came late, in this pass or before.
    pub(super) late: RecordSet,
    /// The refused readings that a person has waived, and that were not written since.
    pub(super) waived: RecordSet,
    /// Whether what stands refused or left out is said anew, by another revision of the stage.
    pub(super) anew: bool,
}

impl Before {
    fn is_touched(&self, number: RecordNumber) -> bool {
        self.all || self.touched.contains(number)
    }

    /// Returns whether a reading is left out, whatever it says.
    pub(super) fn leaves_out(&self, number: RecordNumber) -> bool {
        self.late.contains(number) || self.waived.contains(number)
    }

    /// Returns whether a refusal of a reading is written: not if it stands already.
    fn writes_refusal(&self, number: RecordNumber) -> bool {
        self.anew || self.is_touched(number) || !self.out.contains(number)
    }
}

/// What becomes of a reading that is not counted, with its row.
#[derive(Debug)]
pub(super) struct Out {
    pub(super) source: Salted,
    pub(super) why: Why,
}

/// Why a reading is not counted.
#[derive(Debug)]
pub(super) enum Why {
    Refused(Refusal),
    /// With a code.
    Filtered(&'static str),
}

/// Numbers of readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) read: u64,
    pub(super) counted: u64,
    pub(super) filtered: u64,
    pub(super) refused: u64,
    /// Time of the newest reading that is counted.
    pub(super) newest: i64,
    /// The paths at which any of those that are counted has a value.
    pub(super) present: Present,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            read: 0,
            counted: 0,
            filtered: 0,
            refused: 0,
            newest: i64::MIN,
            present: Present::default(),
        }
    }
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.counted += other.counted;
        self.filtered += other.filtered;
        self.refused += other.refused;
        self.newest = self.newest.max(other.newest);
        self.present.add(other.present);
    }
}

/// What came of some rows of one block.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// In order of their numbers.
    pub(super) out: Vec<Out>,
    pub(super) tally: Tally,
}

/// The windows of a block that is being read.
pub(super) type OpenBlock = WindowTable<BlockWindow>;

/// Ends a block.
pub(super) fn ended(block: &mut OpenBlock) -> Windows<Window> {
    block.take().map(BlockWindow::end)
}

/// Returns the block of a record.
pub(super) fn block_of(number: RecordNumber) -> i64 {
    number.get() >> BLOCK_BITS
}

/// Returns the last number of a block.
pub(super) fn last_of(block: i64) -> RecordNumber {
    RecordNumber::new((block << BLOCK_BITS) + ((1 << BLOCK_BITS) - 1))
}

impl Judge<'_> {
    /// Judges rows of one block, in order of their numbers.
    pub(super) fn judge<'r>(
        &self,
        rows: impl Iterator<Item = RowRef<'r>>,
        block: &mut OpenBlock,
    ) -> Result<Judged> {
        let mut judged = Judged::default();
        for row in rows {
            judged.tally.read += 1;
            if self.before.waived.contains(row.number) {
                judged.tally.filtered += 1;
                continue;
            }
            if self.is_elsewhere(row) {
                continue;
            }
            match self.reading(row) {
                Ok(Some(reading)) => {
                    let is_left = |dirty: &Dirty| !dirty.has(&reading.group, reading.window);
                    if self.dirty.is_some_and(is_left) {
                        continue;
                    }
                    match self.late(&reading, row.number) {
                        None => self.count(row, &reading, block, &mut judged.tally)?,
                        Some(why) => self.leave(row, why, &mut judged),
                    }
                }
                Ok(None) => self.leave(row, Why::Filtered("where"), &mut judged),
                Err(refusal) => self.leave(row, Why::Refused(refusal), &mut judged),
            }
        }
        Ok(judged)
    }

    /// Returns whether a reading, of which nothing new is to be said, is in no window that is made again, as far as a glance
    /// tells: an increment reads many of these.
    fn is_elsewhere(&self, row: RowRef<'_>) -> bool {
        let Some(dirty) = self.dirty else { return false };
        let before = self.before;
        if before.anew || before.is_touched(row.number) || before.out.contains(row.number) {
            return false;
        }
        let key = self.stage.key_in(self.aggregate, row.data);
        key.is_some_and(|(group, window)| !dirty.has(&group, window))
    }

    fn count(
        &self,
        row: RowRef<'_>,
        reading: &Reading<'_>,
        block: &mut OpenBlock,
        tally: &mut Tally,
    ) -> Result<()> {
        let hash = row.hash()?;
        let most = if self.measures { usize::MAX } else { 0 };
        let measures = self.aggregate.measures().take(most);
        let was_out = self.before.out.contains(row.number);
        let (salt, count) = (row.known_salt()?, measures.len());
        let new = || BlockWindow::new(count, salt);
        let window = block.get_or_insert(&reading.group, reading.window, new);
        window.add(measures, row.number, reading, &hash, was_out);
        tally.counted += 1;
        tally.newest = tally.newest.max(reading.time);
        tally.present.add(reading.present);
        Ok(())
    }

    /// Leaves a reading out: an entry says so where it is new, and not only what `where` says of all.
    fn leave(&self, row: RowRef<'_>, why: Why, judged: &mut Judged) {
        let number = row.number;
        let is_written = match &why {
            Why::Refused(_) => {
                judged.tally.refused += 1;
                self.before.writes_refusal(number)
            }
            Why::Filtered("where") => {
                judged.tally.filtered += 1;
                self.before.out.contains(number) && (self.before.anew || self.before.is_touched(number))
            }
            Why::Filtered(_) => {
                judged.tally.filtered += 1;
                self.before.anew || self.before.is_touched(number)
            }
        };
        if is_written {
            let source = row.to_salted();
            judged.out.push(Out { source, why });
        }
    }

    /// Returns why a reading is left out although it could be counted: it came when its window was closed.
    pub(super) fn late(&self, reading: &Reading<'_>, number: RecordNumber) -> Option<Why> {
        if !self.before.late.contains(number) {
            return None;
        }
        match self.aggregate.late() {
            Late::Reopen => None,
            Late::Refuse => {
                // The beginning says which window, and unlike the group nothing that may be secret.
                let start = aggregate::Windows::utc(reading.window);
                let expected =
                    format!("a reading that comes before its window, which begins {start}, is closed");
                Some(Why::Refused(
                    Refusal::new("aggregate.late", "").expected(expected),
                ))
            }
            Late::Leave => Some(Why::Filtered("aggregate.late")),
        }
    }

    /// Returns what of a reading is aggregated; `None` if `where` leaves it out.
    pub(super) fn reading<'r>(&self, row: RowRef<'r>) -> Result<Option<Reading<'r>>, Refusal> {
        self.stage.reading_in(self.aggregate, row.data, || Context {
            id: row.id,
            salt: row.salt,
            ..self.context
        })
    }

    /// Returns the window that a reading is in.
    pub(super) fn key(&self, row: RowRef<'_>) -> Option<WindowKey> {
        let reading = self.reading(row).ok().flatten()?;
        Some(WindowKey::new(&reading.group, reading.window))
    }
}

/// Returns the commitment to a reading.
pub(super) fn hash_of(source: &Salted) -> Result<Hash> {
    RowRef::from(source).hash()
}

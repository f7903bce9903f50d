//! Reading the source, some blocks at a time: every core judges the rows of whole blocks, and what it found is put together in
//! the order of the blocks, so that nothing depends on which core was faster.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::gathered::Gathering;
use super::judge::{Judge, Judged, OpenBlock, Out, Tally, block_of, ended, last_of};
use super::keys::WindowKey;
use super::table::Windows;
use super::window::Window;
use crate::engine::bounds::Bounds;
use crate::engine::cores::in_portions;
use crate::engine::reader::ReadConnection;
use crate::error::Result;
use crate::record::RecordNumber;
use crate::store::{PackedRows, RowRef, Table};

/// Number of rows that are read at a time, for each core; and at all, where windows have so few readings that their own bytes
/// count.
const SLICE: usize = 65_536;
const SMALL_SLICE: usize = 16_384;
/// Bytes of rows that are read at a time.
const SLICE_BYTES: usize = 12 << 20;
/// Number of rows that a core takes at a time when only their windows are wanted.
const PORTION: usize = 1_000;

/// Ranges of record numbers that are read, from the first to the last.
#[derive(Clone, Debug)]
pub(super) struct Ranges {
    /// Ascending; both ends are included.
    all: Vec<(i64, i64)>,
    at: usize,
    /// The next number.
    next: i64,
}

impl Ranges {
    /// All of a table.
    pub(super) fn all() -> Self {
        Self::new(vec![(1, i64::MAX)])
    }

    pub(super) fn new(ranges: Vec<(i64, i64)>) -> Self {
        let next = ranges.first().map_or(0, |(first, _)| *first);
        Self {
            all: ranges,
            at: 0,
            next,
        }
    }

    /// Reads the next rows in place of those; none at the end.
    pub(super) fn read(
        &mut self,
        (reader, table): (&ReadConnection, &Table),
        most: usize,
        rows: &mut PackedRows,
    ) -> Result<()> {
        while let Some((_, last)) = self.all.get(self.at).copied() {
            let range = (RecordNumber::new(self.next), RecordNumber::new(last));
            reader.read(|connection| table.between(connection, range, (most, SLICE_BYTES), rows))?;
            match rows.last().map(RecordNumber::get) {
                Some(read) if read < last => self.next = read + 1,
                _ => {
                    self.at += 1;
                    self.next = self.all.get(self.at).map_or(0, |(first, _)| *first);
                }
            }
            if !rows.is_empty() {
                return Ok(());
            }
        }
        *rows = PackedRows::default();
        Ok(())
    }
}

/// What is read so far.
pub(super) struct Scan<'a> {
    ranges: Ranges,
    pub(super) gathering: Gathering<'a>,
    pub(super) tally: Tally,
    /// Bytes of the rows that were read.
    pub(super) bytes: u64,
    /// The block of the last rows, and what is known of it.
    open: Option<(i64, OpenBlock)>,
    /// Number of rows that are read next.
    slice: usize,
    /// The rows that were read last, for their memory.
    rows: PackedRows,
}

/// Returns the number of rows that are read at a time.
pub(super) fn slice() -> usize {
    SLICE * std::thread::available_parallelism().map_or(1, usize::from)
}

/// Rows of one block.
struct Part {
    block: i64,
    /// Their places.
    rows: Range<usize>,
    /// What is known of the block; taken by the core that judges the rows.
    open: Mutex<OpenBlock>,
    /// Whether no further rows of the block will come.
    ends: bool,
}

/// What came of a part.
struct Done {
    judged: Judged,
    /// Those of the block, if it has ended.
    windows: Option<Windows<Window>>,
    open: OpenBlock,
}

/// What a step of a scan has come to.
pub(super) enum Step {
    /// There is more to read. Here are the readings to write entries of, which may be none.
    More(Vec<Out>),
    /// All is read.
    Done,
    /// The pass has to stop.
    Stopped,
}

impl<'a> Scan<'a> {
    pub(super) fn new(ranges: Ranges, gathering: Gathering<'a>) -> Self {
        Self {
            ranges,
            gathering,
            tally: Tally::default(),
            bytes: 0,
            open: None,
            slice: SMALL_SLICE,
            rows: PackedRows::default(),
        }
    }

    /// Reads some rows.
    pub(super) fn step(
        &mut self,
        judge: &Judge<'_>,
        reader: &ReadConnection,
        table: &Table,
        bounds: &Bounds,
    ) -> Result<Step> {
        if bounds.interrupts().is_some() {
            return Ok(Step::Stopped);
        }
        let mut rows = std::mem::take(&mut self.rows);
        self.ranges.read((reader, table), self.slice, &mut rows)?;
        if rows.is_empty() {
            if let Some((_, mut open)) = self.open.take() {
                self.gathering.add(ended(&mut open))?;
            }
            return Ok(Step::Done);
        }
        self.bytes += rows.bytes() as u64;
        let parts = self.parts(&rows)?;
        let work = |parts: &[Part]| {
            let judged = parts.iter().map(|part| part.judged(judge, &rows));
            judged.collect::<Vec<_>>()
        };
        let done = in_portions(&parts, 1, work)?.into_iter().flatten();
        let (mut out, mut windows) = (Vec::new(), 0);
        for (part, done) in parts.iter().zip(done) {
            let done = done?;
            self.tally.add(&done.judged.tally);
            out.extend(done.judged.out);
            windows += done.open.len() + done.windows.as_ref().map_or(0, Windows::len);
            if let Some(windows) = done.windows {
                self.gathering.add(windows)?;
            }
            self.open = (!part.ends).then_some((part.block, done.open));
        }
        self.slice = if windows > rows.len() / 4 {
            SMALL_SLICE
        } else {
            slice()
        };
        self.rows = rows;
        Ok(Step::More(out))
    }

    /// Splits rows by block. The last block may have more of them.
    fn parts(&mut self, rows: &PackedRows) -> Result<Vec<Part>> {
        let mut parts: Vec<(i64, Range<usize>)> = Vec::new();
        let mut at = 0;
        while let Some(number) = rows.number(at) {
            let end = rows.after(last_of(block_of(number)));
            parts.push((block_of(number), at..end));
            at = end;
        }
        let mut open = OpenBlock::default();
        if let Some((block, mut before)) = self.open.take() {
            if parts.first().is_some_and(|(first, _)| *first == block) {
                open = before;
            } else {
                self.gathering.add(ended(&mut before))?;
            }
        }
        let last = parts.len() - 1;
        let parts = parts.into_iter().enumerate().map(|(at, (block, rows))| Part {
            block,
            rows,
            open: Mutex::new(std::mem::take(&mut open)),
            ends: at < last,
        });
        Ok(parts.collect())
    }
}

impl Part {
    fn judged(&self, judge: &Judge<'_>, rows: &PackedRows) -> Result<Done> {
        let mut open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        let judged = judge.judge(rows.views(self.rows.clone()), &mut open)?;
        let windows = self.ends.then(|| ended(&mut open));
        Ok(Done {
            judged,
            windows,
            open,
        })
    }
}

/// Returns the windows that the readings of some ranges are in; `None` if the pass has to stop, or if there are more than
/// so many.
pub(super) fn windows_of(
    judge: &Judge<'_>,
    mut ranges: Ranges,
    (reader, table): (&ReadConnection, &Table),
    bounds: &Bounds,
    most: usize,
) -> Result<Option<HashSet<WindowKey>>> {
    let (mut keys, mut rows) = (HashSet::new(), PackedRows::default());
    loop {
        ranges.read((reader, table), slice(), &mut rows)?;
        if rows.is_empty() {
            return Ok(Some(keys));
        }
        let views: Vec<RowRef<'_>> = rows.views(0..rows.len()).collect();
        let work = |views: &[RowRef<'_>]| {
            let found = views.iter().filter_map(|row| judge.key(*row));
            found.collect::<HashSet<_>>()
        };
        for found in in_portions(&views, PORTION, work)? {
            keys.extend(found);
        }
        if keys.len() > most || bounds.interrupts().is_some() {
            return Ok(None);
        }
    }
}

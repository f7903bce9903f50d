//! Source records paired with what a stage made of them: as it read them, and as it left them, whatever happened since.

use std::collections::{HashMap, VecDeque};
use std::vec::IntoIter;

use rusqlite::Connection;

use super::fate::{fate, is_about_another, is_followed, is_follower, is_skipped, of_standing};
use super::outcome::DifferenceCause;
use super::since::{ChangedBy, RowSince, RowState, Rows, Version, before_of};
use crate::digest::Salt;
use crate::engine::BATCH_BYTES;
use crate::error::Result;
use crate::ledger::members::source_of_row;
use crate::ledger::processed::{
    displaced_by, entries_between, first_id, processed_by, put_by_hand, refused_before, times,
};
use crate::ledger::read::{RecordedEntry, newest_of_stage, salt};
use crate::ledger::{EntryOutcome, row_in};
use crate::record::{BatchId, PassId, Record, RecordNumber};
use crate::stage::{OnConflict, Stage};
use crate::store::Salted;

/// Number of records that are examined together.
const SLICE: usize = 1_000;

/// The part of a stage to reconcile.
pub(crate) struct ReconcileRequest<'w> {
    /// The passes that processed the records.
    pub(crate) passes: &'w [PassId],
    /// Whether these are all passes; then records that none of them has processed are also searched for.
    pub(crate) whole: bool,
    /// Whether a stage that aggregates is read whole: not after each pass, because an increment reads little.
    pub(crate) reads_all: bool,
    pub(crate) examples: usize,
}

/// A source record paired with its results.
#[derive(Default)]
pub(super) struct PairedRecord {
    /// Its id, on whichever side it has one.
    pub(super) id: String,
    /// What the stage read.
    pub(super) source: Option<Piece>,
    /// What the stage left of it in the target.
    pub(super) targets: Vec<Piece>,
    /// Its fate according to its entries, regardless of the amounts; `None` if it was written.
    pub(super) fate: Option<DifferenceCause>,
    /// Whether both sides are the same row.
    pub(super) in_place: bool,
    /// Numbers of the parts that were left out because another record has their place.
    pub(super) skipped: Vec<i64>,
    /// Whether a row of it does not match the entries: then they explain nothing.
    pub(super) behind: bool,
    /// Salt of its number.
    pub(super) salt: Option<Salt>,
    /// Value of `now()` when it was processed; if it was not, the time of the command.
    pub(super) now_us: i64,
}

impl PairedRecord {
    /// Returns whether what a stage in place read can no longer be determined, because its row was changed without a
    /// ledger entry.
    pub(super) fn is_lost(&self) -> bool {
        self.behind && self.source.is_none() && self.in_place
    }
}

/// A record on one side.
pub(super) struct Piece {
    /// The record as the stage read or left it; `None` if it had nothing there.
    pub(super) was: Option<Record>,
    /// Its change since.
    pub(super) since: Option<Changed>,
}

/// A change of a record according to another writer's entry.
pub(super) struct Changed {
    pub(super) cause: DifferenceCause,
    /// The record after the change.
    pub(super) now: Option<Record>,
    /// Id of the record that caused the change.
    pub(super) by: Option<String>,
}

/// The entries of a source record in the newest batch that has any.
type Group = Vec<RecordedEntry>;

/// The records of a stage in the order of their numbers.
pub(super) struct RecordPairing<'l> {
    connection: &'l Connection,
    source: Rows<'l>,
    target: Rows<'l>,
    in_place: bool,
    /// Remaining records with entries, each with its batch.
    processed: IntoIter<(RecordNumber, BatchId)>,
    /// Entries of the next records.
    groups: VecDeque<Group>,
    /// Set if every record of the source after this one is examined.
    from: Option<RecordNumber>,
    /// Remaining rows of the target that no stage wrote.
    by_hand: IntoIter<RecordNumber>,
    /// Value of `now()` in each batch.
    times: HashMap<BatchId, i64>,
    now_us: i64,
}

impl<'l> RecordPairing<'l> {
    pub(super) fn new(
        connection: &'l Connection,
        project: &str,
        stage: &Stage,
        wanted: &ReconcileRequest<'_>,
        now_us: i64,
    ) -> Result<Self> {
        let mut processed = processed_by(connection, wanted.passes)?;
        if stage.on_conflict() == OnConflict::Replace && !wanted.whole {
            with_displaced(connection, project, stage, wanted, &mut processed)?;
        }
        let in_place = stage.in_place();
        Ok(Self {
            connection,
            source: Rows::new(connection, stage.source(), (!in_place).then_some(stage.number()))?,
            target: Rows::new(connection, stage.target(), None)?,
            in_place,
            processed: processed.into_iter(),
            groups: VecDeque::new(),
            from: wanted.whole.then_some(RecordNumber::BEFORE_FIRST),
            by_hand: if wanted.whole && !in_place {
                put_by_hand(connection, stage.target())?.into_iter()
            } else {
                Vec::new().into_iter()
            },
            times: times(connection, wanted.passes)?,
            now_us,
        })
    }

    /// Returns the next records; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Vec<PairedRecord>>> {
        let pairs = match self.from {
            Some(from) => self.beside_the_source(from)?,
            None => self.of_groups()?,
        };
        if pairs.is_empty() {
            return self.without_a_source();
        }
        let numbers: Vec<RecordNumber> = pairs
            .iter()
            .filter_map(|(_, group)| group.as_ref())
            .flatten()
            .map(RecordedEntry::number)
            .collect();
        let mut rows = self
            .target
            .table
            .by_numbers(self.connection, &numbers, usize::MAX)?
            .into_iter();
        let mut processed = Vec::with_capacity(pairs.len());
        for (source, group) in pairs {
            let Some(group) = group else {
                processed.extend(source.map(|source| not_processed(source.record, self.now_us)));
                continue;
            };
            let rows: Vec<Option<Salted>> = rows.by_ref().take(group.len()).collect();
            let now_us = self.times.get(&group[0].batch).copied().unwrap_or(self.now_us);
            processed.push(PairedRecord {
                now_us,
                ..self.processed(source, &group, rows)?
            });
        }
        Ok(Some(processed))
    }

    /// Returns the next rows of the target that have no source.
    fn without_a_source(&mut self) -> Result<Option<Vec<PairedRecord>>> {
        let Some(number) = self.by_hand.next() else {
            return Ok(None);
        };
        let rows = self.target.table.by_number(self.connection, number)?;
        let mut processed = Vec::new();
        if let Some(row) = rows {
            let id = row.record.id.clone();
            let seen = RowState {
                batch: BatchId::BEFORE_FIRST,
                record: number,
                row: number,
                hash: None,
            };
            let found = self.target.since(&seen, Some(row))?;
            processed.push(PairedRecord {
                id,
                behind: !found.known,
                targets: self.piece(number, found)?.into_iter().collect(),
                now_us: self.now_us,
                ..PairedRecord::default()
            });
        }
        Ok(Some(processed))
    }

    /// Returns the next source records, each with its entries if it has any, and entries whose source is gone.
    fn beside_the_source(&mut self, from: RecordNumber) -> Result<Vec<(Option<Salted>, Option<Group>)>> {
        let rows = if self.source.table.exists(self.connection)? {
            self.source
                .table
                .after(self.connection, from, SLICE, BATCH_BYTES)?
        } else {
            Vec::new()
        };
        let mut pairs = Vec::with_capacity(rows.len());
        if rows.is_empty() {
            // The rest no longer has a source.
            self.from = None;
            return self.of_groups();
        }
        for row in rows {
            let number = row.record.number;
            self.from = Some(number);
            while let Some(group) = self.next_group(|record| record < number)? {
                pairs.push((None, Some(group)));
            }
            let group = self.next_group(|record| record == number)?;
            pairs.push((Some(row), group));
        }
        Ok(pairs)
    }

    /// Returns the next entries, each with its source if there is one.
    fn of_groups(&mut self) -> Result<Vec<(Option<Salted>, Option<Group>)>> {
        let mut groups = Vec::new();
        while let Some(group) = self.next_group(|_| groups.len() < SLICE)? {
            groups.push(group);
        }
        let numbers: Vec<RecordNumber> = groups.iter().map(|group| group[0].entry.record).collect();
        let rows = self
            .source
            .table
            .by_numbers(self.connection, &numbers, BATCH_BYTES)?;
        for left in groups.drain(rows.len()..).rev() {
            self.groups.push_front(left);
        }
        Ok(rows.into_iter().zip(groups.into_iter().map(Some)).collect())
    }

    /// Returns the entries of the next record, if it is wanted.
    fn next_group(&mut self, is_wanted: impl Fn(RecordNumber) -> bool) -> Result<Option<Group>> {
        if self.groups.is_empty() {
            self.read_groups()?;
        }
        let is_next = self
            .groups
            .front()
            .is_some_and(|group| is_wanted(group[0].entry.record));
        Ok(if is_next { self.groups.pop_front() } else { None })
    }

    /// Reads the entries of the next records, range by range: most of them are adjacent in one batch.
    fn read_groups(&mut self) -> Result<()> {
        let next: Vec<(RecordNumber, BatchId)> = self.processed.by_ref().take(SLICE).collect();
        for stretch in next.chunk_by(|one, other| one.1 == other.1) {
            let (first, batch) = stretch[0];
            let last = stretch[stretch.len() - 1].0;
            let mut wanted = stretch.iter().map(|(record, _)| *record).peekable();
            let entries = entries_between(self.connection, batch, first, last)?;
            for group in entries.chunk_by(|one, other| one.entry.record == other.entry.record) {
                let record = group[0].entry.record;
                while wanted.next_if(|wanted| *wanted < record).is_some() {}
                if wanted.next_if_eq(&record).is_some() {
                    self.groups.push_back(group.to_vec());
                }
            }
        }
        Ok(())
    }

    fn salt(&self, source: Option<&Salted>, record: RecordNumber) -> Result<Option<Salt>> {
        match source.and_then(|source| source.salt) {
            None => salt(self.connection, record),
            found => Ok(found),
        }
    }

    /// Returns a source record with its results.
    fn processed(
        &self,
        source: Option<Salted>,
        group: &[RecordedEntry],
        rows: Vec<Option<Salted>>,
    ) -> Result<PairedRecord> {
        let record = group[0].entry.record;
        let mut processed = PairedRecord {
            salt: self.salt(source.as_ref(), record)?,
            fate: fate(self.connection, group)?,
            in_place: self.in_place,
            ..PairedRecord::default()
        };
        let mut own = None;
        for ((at, recorded), row) in group.iter().enumerate().zip(rows) {
            if is_about_another(recorded)
                || is_followed(recorded, &group[at + 1..])
                || is_follower(self.connection, recorded)?
            {
                continue;
            }
            if processed.fate.is_none() && is_skipped(recorded) {
                processed.skipped.push(recorded.entry.part);
            }
            let found = self.target.since(&left_by(recorded), row)?;
            if !found.known {
                processed.behind = true;
            }
            if self.in_place {
                own = Some((recorded, found.was.clone()));
            }
            if let Some(fate) = processed
                .fate
                .filter(|_| found.stands().is_some() && !self.in_place)
            {
                let (fate, is_known) =
                    of_standing(self.connection, self.target.table.name(), fate, recorded)?;
                processed.fate = Some(fate);
                processed.behind |= !is_known;
            }
            processed.targets.extend(self.piece(recorded.number(), found)?);
        }
        if let Some((recorded, was)) = own {
            self.read_in_place(&mut processed, recorded, was)?;
        } else {
            self.read_source(&mut processed, source, group)?;
        }
        let pieces = processed.source.iter().chain(&processed.targets);
        let named = pieces.flat_map(|piece| {
            piece
                .was
                .iter()
                .chain(piece.since.iter().filter_map(|since| since.now.as_ref()))
        });
        processed.id = match named.map(|record| record.id.clone()).next() {
            Some(id) => id,
            None => self.name(record)?,
        };
        Ok(processed)
    }

    /// Reads what the source held for a copied record when its stage read it, and what it has held since.
    fn read_source(
        &self,
        processed: &mut PairedRecord,
        source: Option<Salted>,
        group: &[RecordedEntry],
    ) -> Result<()> {
        let (record, batch) = (group[0].entry.record, group[0].batch);
        let input = group.iter().find_map(|recorded| recorded.entry.input);
        // A waiver drops what was refused, whatever the source has become meanwhile.
        let refused = match processed.fate {
            Some(DifferenceCause::Waived) => refused_before(self.connection, batch, record)?,
            _ => None,
        };
        let seen = RowState {
            batch: refused.map_or(batch, |(batch, _)| batch),
            record,
            row: record,
            hash: input,
        };
        let found = self.source.since(&seen, source)?;
        processed.behind |= !found.known;
        processed.source = self.piece(record, found)?;
        Ok(())
    }

    /// Reads what a stage in place read of a record, from what it left.
    fn read_in_place(
        &self,
        processed: &mut PairedRecord,
        recorded: &RecordedEntry,
        was: Version,
    ) -> Result<()> {
        if processed.behind {
            // What it was is lost together with what the stage had left.
            return Ok(());
        }
        let entry = &recorded.entry;
        let read = match before_of(recorded, was.as_ref()) {
            Some(read) => Some(read),
            None if entry.outcome == EntryOutcome::Filtered && was.is_some() => was,
            // The record came from quarantine, or was waived there.
            None => refused_before(self.connection, recorded.batch, entry.record)?
                .as_ref()
                .and_then(|(_, input)| row_in(input)),
        };
        processed.source = self.piece(entry.record, RowSince::nothing(read))?;
        Ok(())
    }

    /// Returns one side of a record; `None` if there was nothing and still is nothing.
    fn piece(&self, number: RecordNumber, found: RowSince) -> Result<Option<Piece>> {
        let since = match found.changed {
            None => None,
            Some((by, now)) => {
                let (cause, replaced_by) = match by {
                    ChangedBy::Hand => (DifferenceCause::EditedSince, None),
                    ChangedBy::Before => (DifferenceCause::NotProcessed, None),
                    ChangedBy::Replacing(record) => (DifferenceCause::Replaced, Some(self.name(record)?)),
                };
                Some(Changed {
                    cause,
                    now: now.map(|(id, data)| record(number, id, data)),
                    by: replaced_by,
                })
            }
        };
        let was = found.was.map(|(id, data)| record(number, id, data));
        Ok((was.is_some() || since.is_some()).then_some(Piece { was, since }))
    }

    /// Returns a name for a record of which no row exists.
    fn name(&self, record: RecordNumber) -> Result<String> {
        let id = first_id(self.connection, record)?;
        Ok(id.unwrap_or_else(|| format!("record {record}")))
    }
}

/// Adds what earlier passes of the stage had processed and records of these passes replaced: that was lost through
/// them.
fn with_displaced(
    connection: &Connection,
    project: &str,
    stage: &Stage,
    wanted: &ReconcileRequest<'_>,
    processed: &mut Vec<(RecordNumber, BatchId)>,
) -> Result<()> {
    let mut added = Vec::new();
    for recorded in displaced_by(connection, wanted.passes)? {
        let row = recorded.number();
        let mut newest = newest_of_stage(connection, project, stage.number(), row)?;
        if newest.is_empty() {
            // The row is a part of another record.
            let source = source_of_row(connection, row)?;
            newest = newest_of_stage(connection, project, stage.number(), source)?;
        }
        added.extend(newest.first().map(|newest| (newest.entry.record, newest.batch)));
    }
    processed.append(&mut added);
    processed.sort_unstable();
    // The newest batch of each record comes last.
    processed.reverse();
    processed.dedup_by_key(|(record, _)| *record);
    processed.reverse();
    Ok(())
}

/// Returns the state in which an entry left its row.
fn left_by(recorded: &RecordedEntry) -> RowState {
    RowState {
        batch: recorded.batch,
        record: recorded.entry.record,
        row: recorded.number(),
        hash: recorded.entry.after,
    }
}

fn record(number: RecordNumber, id: String, data: String) -> Record {
    Record { number, id, data }
}

fn not_processed(source: Record, now_us: i64) -> PairedRecord {
    PairedRecord {
        id: source.id.clone(),
        source: Some(Piece {
            was: Some(source),
            since: None,
        }),
        fate: Some(DifferenceCause::NotProcessed),
        now_us,
        ..PairedRecord::default()
    }
}

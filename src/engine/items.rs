//! Reading the records of a pass, each with what the target holds for it.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::claims::Claims;
use super::foreseen::PlannedRows;
use super::item::{Home, Item, Numbering, TargetRow, TargetState};
use super::pipeline::BATCH_BYTES;
use crate::digest::Hash;
use crate::error::Result;
use crate::ledger::processed::refused_image;
use crate::ledger::read::{RecordedEntry, newest_of_stage, salt};
use crate::ledger::selection::RecordSelection;
use crate::ledger::stage_input::StageInput;
use crate::ledger::{EntryOutcome, places, rows, whole_record};
use crate::record::{Record, RecordNumber, RecordSet};
use crate::stage::Stage;
use crate::store::{Salted, Table};

/// Reads the records of a pass of a stage, a batch at a time.
pub(super) struct Items<'a> {
    pub(super) project: &'a str,
    pub(super) stage: &'a Stage,
    pub(super) source: Table,
    pub(super) target: Table,
    pub(super) selection: RecordSelection,
    /// Maximum number of records in a batch.
    pub(super) batch_size: usize,
    /// Whether only this pass writes to the target, under ids that are already unique: no look-up is needed.
    pub(super) alone: bool,
    /// What the target may hold for its records.
    pub(super) found: TargetState,
    /// Owner of its records' numbers in the target.
    pub(super) numbers: Numbering,
    /// Records of a source in place that the plan would settle: earlier refusals of them no longer count.
    pub(super) planned: RecordSet,
    /// Owners of rows that are only planned.
    pub(super) planned_rows: PlannedRows,
    /// Rows that the pass removed from a database in place and whose records it has not reached yet.
    pub(super) set_aside: BTreeMap<RecordNumber, Salted>,
    /// Number of bytes of the records that were read.
    pub(super) bytes: u64,
}

impl Items<'_> {
    /// Reads the next batch of source records, with what the target holds for them.
    pub(super) fn next(&mut self, connection: &Connection, claims: &Claims) -> Result<Vec<Item>> {
        let mut items = match &self.selection {
            RecordSelection::Table { after } => self.of_table(connection, *after)?,
            list => self.of_list(connection, list.listed())?,
        };
        match &mut self.selection {
            RecordSelection::Table { after } => *after = items.last().map_or(*after, |last| last.number),
            RecordSelection::List { read, .. } => *read += items.len(),
            RecordSelection::Touched(_) => {}
        }
        self.bytes += items.iter().map(|item| item.len() as u64).sum::<u64>();
        if !self.alone {
            let (mut at, mut standing) = (0, 0);
            while at < items.len() && standing < BATCH_BYTES {
                self.stand(connection, claims, &mut items[at])?;
                standing += items[at].standing_bytes();
                at += 1;
            }
            self.unread(&items.split_off(at));
        }
        Ok(items)
    }

    fn of_table(&self, connection: &Connection, after: RecordNumber) -> Result<Vec<Item>> {
        let found = self
            .source
            .after(connection, after, self.batch_size, BATCH_BYTES)?;
        Ok(beside_those_set_aside(
            found,
            after,
            self.batch_size,
            &self.set_aside,
        ))
    }

    fn of_list(&self, connection: &Connection, records: &[RecordNumber]) -> Result<Vec<Item>> {
        let (mut items, mut size) = (Vec::new(), 0);
        for number in records.iter().take(self.batch_size) {
            if size >= BATCH_BYTES {
                break;
            }
            let item = match self.set_aside.get(number) {
                Some(aside) => Item::absent(*number, Some(aside.clone())),
                None => self.listed(connection, *number)?,
            };
            size += item.len();
            items.push(item);
        }
        Ok(items)
    }

    /// Reads a record of the source out of turn.
    pub(super) fn listed(&self, connection: &Connection, number: RecordNumber) -> Result<Item> {
        let settled = self.planned.contains(number);
        listed(
            connection,
            StageInput::new(self.project, self.stage),
            &self.source,
            settled,
            number,
        )
    }

    /// Leaves the last records that were read to the next batch.
    pub(super) fn unread(&mut self, items: &[Item]) {
        let Some(first) = items.first() else { return };
        match &mut self.selection {
            RecordSelection::Table { after } => *after = first.number.previous(),
            RecordSelection::List { read, .. } => *read -= items.len(),
            RecordSelection::Touched(_) => {}
        }
        self.bytes -= items.iter().map(|item| item.len() as u64).sum::<u64>();
    }

    /// Finds what the target holds for a source record: in place the record itself; in a copy the row of the same
    /// number, or those that an earlier pass of the stage wrote for it.
    fn stand(&self, connection: &Connection, claims: &Claims, item: &mut Item) -> Result<()> {
        if self.stage.in_place() {
            item.stands_in_place();
            return Ok(());
        }
        let earlier = if self.found == TargetState::Passes {
            newest_of_stage(connection, self.project, self.stage.number(), item.number)?
        } else {
            Vec::new()
        };
        for home in self.homes(connection, item.number, &earlier)? {
            let Some(standing) = self.standing(connection, claims, home, &earlier)? else {
                continue;
            };
            if home.row == item.number && !self.is_own(connection, &standing, &earlier)? {
                item.number_taken = true;
            } else {
                item.standing.push(standing);
            }
        }
        Ok(())
    }

    /// Returns the rows of the target that may belong to a record: those of its earlier entries, the planned ones, and
    /// the row of its own number, if that may be its.
    fn homes(
        &self,
        connection: &Connection,
        record: RecordNumber,
        earlier: &[RecordedEntry],
    ) -> Result<Vec<Home>> {
        let mut homes: Vec<Home> = earlier
            .iter()
            .filter(|recorded| !is_of_another(recorded))
            .filter_map(|recorded| {
                let (part, row) = (recorded.entry.part, recorded.entry.target?);
                Some(Home { part, row })
            })
            .collect();
        // The removal of a stale row has a separate entry beside that of the refusal.
        homes.sort_by_key(|home| (home.row, home.part));
        homes.dedup_by_key(|home| home.row);
        let planned = self.planned_rows.of((self.stage.number(), record));
        homes.extend(planned.iter().filter(|home| home.row != record));
        let has_been_one = earlier
            .iter()
            .any(|recorded| recorded.entry.part == 0 && recorded.entry.target.is_none());
        let may_be_one = if self.stage.derives() {
            // The owner of the number decides where a single result goes.
            (self.numbers == Numbering::Shared || self.is_left(connection, record)?)
                && homes.iter().all(|home| home.row != record)
        } else {
            homes.is_empty()
        };
        if has_been_one || may_be_one {
            homes.push(Home { part: 0, row: record });
        }
        Ok(homes)
    }

    /// Returns whether a row with a record's number exists before a first pass: it can only be one that a rollback had
    /// to leave.
    fn is_left(&self, connection: &Connection, number: RecordNumber) -> Result<bool> {
        Ok(self.found == TargetState::Rows && self.target.by_number(connection, number)?.is_some())
    }

    /// Returns whether a record's number belongs to it in the target, and not to a record that another stage brought
    /// there from the same source. This also holds if no row has the number at the moment because a stage in place
    /// refused it.
    fn is_own(
        &self,
        connection: &Connection,
        standing: &TargetRow,
        earlier: &[RecordedEntry],
    ) -> Result<bool> {
        let of = (self.stage.number(), standing.target);
        if let Some(owner) = self.planned_rows.owner(standing.target) {
            return Ok(owner == of);
        }
        let hash = standing.hash();
        let is_as_written = |hash| {
            earlier
                .iter()
                .any(|recorded| is_as_written(recorded, standing, hash))
        };
        if hash.is_some_and(is_as_written) || (hash.is_none() && self.numbers == Numbering::Own) {
            return Ok(true);
        }
        let changes = rows::changes_of_row(connection, self.target.name(), standing.target)?;
        let writer = rows::owner(&changes);
        let is_own =
            writer.map(|(project, number, record)| (project, (number, record)) == (self.project, of));
        Ok(is_own.unwrap_or(hash.is_none()))
    }

    /// Returns the content of a row, or its content once the batches in progress are committed; `None` if the row never
    /// existed.
    fn standing(
        &self,
        connection: &Connection,
        claims: &Claims,
        home: Home,
        earlier: &[RecordedEntry],
    ) -> Result<Option<TargetRow>> {
        let Home { part, row } = home;
        if let Some(on_the_way) = claims.row(row) {
            return Ok(Some(TargetRow {
                part,
                ..on_the_way.clone()
            }));
        }
        let Some(salt) = salt(connection, row)? else {
            return Ok(None);
        };
        let found = self.target.by_number(connection, row)?;
        let mut standing = TargetRow {
            part,
            target: row,
            salt,
            row: found.map(|found| found.record),
            edited: false,
        };
        standing.edited = self.is_edited(connection, &standing, earlier)?;
        Ok(Some(standing))
    }

    /// Returns whether a row was changed by hand since the stage wrote it.
    fn is_edited(
        &self,
        connection: &Connection,
        standing: &TargetRow,
        earlier: &[RecordedEntry],
    ) -> Result<bool> {
        let Some(hash) = standing.hash() else {
            return Ok(false);
        };
        if earlier
            .iter()
            .any(|recorded| is_as_written(recorded, standing, hash))
        {
            return Ok(false);
        }
        let changes = rows::changes_of_row(connection, self.target.name(), standing.target)?;
        // A row that a rollback had to leave still belongs to the stage, though none of its entries stands; any other
        // row without an entry of the stage does not.
        let of = (self.project, self.stage.number(), standing.target);
        if earlier.is_empty() && rows::owner(&changes) != Some(of) {
            return Ok(false);
        }
        let is_edited = rows::is_edited(&changes, StageInput::new(self.project, self.stage));
        // The stage must not overwrite a row that was changed without a ledger entry.
        let is_planned = self.planned_rows.owner(standing.target).is_some();
        let is_known = is_planned || changes.first().is_some_and(|newest| newest.after == Some(hash));
        Ok(is_edited || !is_known)
    }
}

/// Returns whether a row is as an entry of its own record left it.
fn is_as_written(recorded: &RecordedEntry, standing: &TargetRow, hash: Hash) -> bool {
    let settled = matches!(
        recorded.entry.outcome,
        EntryOutcome::Written | EntryOutcome::Unchanged
    );
    recorded.number() == standing.target
        && recorded.entry.after == Some(hash)
        && settled
        && !is_about_a_place(recorded)
}

/// Returns whether an entry is about a row that belonged to another record, and not about a part of its own record.
fn is_of_another(recorded: &RecordedEntry) -> bool {
    let reason = recorded.entry.reason.as_deref();
    reason.and_then(places::code).as_deref() == Some(places::REPLACED)
}

fn is_about_a_place(recorded: &RecordedEntry) -> bool {
    let reason = recorded.entry.reason.as_deref();
    reason.is_some_and(|reason| places::code(reason).is_some_and(|code| code.starts_with("target.")))
}

/// Merges the rows of a table after a number with the rows that the pass has set aside, in order: those are read in
/// their turn although they are no longer in the table.
fn beside_those_set_aside(
    found: Vec<Salted>,
    after: RecordNumber,
    batch_size: usize,
    set_aside: &BTreeMap<RecordNumber, Salted>,
) -> Vec<Item> {
    let size: usize = found.iter().map(|found| found.record.data.len()).sum();
    let is_end = found.len() < batch_size && size < BATCH_BYTES;
    let last = found.last().map_or(after, |last| last.record.number);
    let mut items: Vec<Item> = found
        .into_iter()
        // Those are in the table until the batch that removes them is committed.
        .filter(|found| !set_aside.contains_key(&found.record.number))
        .map(Item::present)
        .collect();
    let turns = set_aside.range(after.next()..);
    let turns = turns.take_while(|(number, _)| is_end || **number <= last);
    items.extend(turns.map(|(number, aside)| Item::absent(*number, Some(aside.clone()))));
    items.sort_by_key(|item| item.number);
    items
}

/// Returns a source record as a pass of a stage would read it; `None` if there is none.
pub(crate) fn source_as_read(
    connection: &Connection,
    project: &str,
    stage: &Stage,
    number: RecordNumber,
) -> Result<Option<Record>> {
    let source = Table::from_name(stage.source())?;
    let item = listed(
        connection,
        StageInput::new(project, stage),
        &source,
        false,
        number,
    )?;
    Ok(item.source.map(|source| source.record))
}

/// Returns a record of a list: from the source or, if a stage in place removed it, from its image, unless that is
/// `settled`; without a source if it was deleted since.
fn listed(
    connection: &Connection,
    stage: StageInput<'_>,
    source: &Table,
    settled: bool,
    number: RecordNumber,
) -> Result<Item> {
    if let Some(found) = source.by_number(connection, number)? {
        return Ok(Item::present(found));
    }
    let image = if stage.in_place && !settled {
        let of_stage = (stage.project, stage.number);
        match refused_image(connection, of_stage, stage.source, number)? {
            Some(image) => Some(image),
            None => places::image_set_aside(connection, stage, number)?,
        }
    } else {
        None
    };
    let source = match image {
        None => None,
        Some(body) => {
            let record = whole_record(number, &body)?;
            let salt = salt(connection, number)?;
            Some(Salted { record, salt })
        }
    };
    Ok(Item::absent(number, source))
}

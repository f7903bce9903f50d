//! Reading the records of a pass, each with what the target holds for it.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::item::{Found, Item, Numbers, Standing};
use super::transform::Transforming;
use crate::digest::Hash;
use crate::error::Result;
use crate::ledger::feed::Fed;
use crate::ledger::read::{Stub, newest_of_stage, refused_image, salt};
use crate::ledger::selection::Selection;
use crate::ledger::{EntryOutcome, whole_record};
use crate::ledger::{places, rows};
use crate::pipeline::BATCH_BYTES;
use crate::record::Record;
use crate::record::RecordSet;
use crate::stage::Stage;
use crate::store::{Salted, Table};

impl Transforming<'_> {
    /// The next batch of source records, with what the target holds for them.
    pub(super) fn items(&mut self, connection: &Connection) -> Result<Vec<Item>> {
        let mut items = match &mut self.selection {
            Selection::Table { after } => {
                let found = self
                    .source
                    .after(connection, *after, self.batch_size, BATCH_BYTES)?;
                let items = beside_those_set_aside(found, *after, self.batch_size, &self.set_aside);
                *after = items.last().map_or(*after, |last| last.number);
                items
            }
            Selection::List { records, read } => {
                let (mut items, mut size) = (Vec::new(), 0);
                while *read < records.len() && items.len() < self.batch_size && size < BATCH_BYTES {
                    let number = records[*read];
                    *read += 1;
                    let of = (self.context.project, self.stage);
                    let item = match self.set_aside.get(&number) {
                        Some(aside) => Item::absent(number, Some(aside.clone())),
                        None => listed(connection, of, &self.source, &self.planned, number)?,
                    };
                    size += item.len();
                    items.push(item);
                }
                items
            }
        };
        self.bytes += items.iter().map(|item| item.len() as u64).sum::<u64>();
        if !self.alone {
            let (mut at, mut standing) = (0, 0);
            while at < items.len() && standing < BATCH_BYTES {
                self.stand(connection, &mut items[at])?;
                standing += items[at].standing_bytes();
                at += 1;
            }
            self.unread(&items.split_off(at));
        }
        Ok(items)
    }

    /// Leaves the last records that were read to the next batch.
    pub(super) fn unread(&mut self, items: &[Item]) {
        let Some(first) = items.first() else { return };
        match &mut self.selection {
            Selection::Table { after } => *after = first.number - 1,
            Selection::List { read, .. } => *read -= items.len(),
        }
        self.bytes -= items.iter().map(|item| item.len() as u64).sum::<u64>();
    }

    /// Finds what the target holds for a source record: in place the record itself; in a copy the row of the same number,
    /// or those that an earlier pass of the stage wrote for it.
    fn stand(&self, connection: &Connection, item: &mut Item) -> Result<()> {
        let number = item.number;
        if self.stage.in_place() {
            let own = item
                .source
                .clone()
                .and_then(|source| Some((source.salt?, source.record)));
            item.standing.extend(own.map(|(salt, row)| Standing {
                part: 0,
                target: number,
                salt,
                row: item.present.then_some(row),
                edited: false,
            }));
            return Ok(());
        }
        let earlier = if self.found == Found::Passes {
            newest_of_stage(connection, self.context.project, self.stage.number(), number)?
        } else {
            Vec::new()
        };
        let mut homes: Vec<(i64, i64)> = earlier
            .iter()
            .filter(|stub| !is_of_another(stub))
            .filter_map(|stub| Some((stub.entry.part, stub.entry.target?)))
            .collect();
        // The removal of a stale row has an entry beside that of the refusal.
        homes.sort_by_key(|(part, row)| (*row, *part));
        homes.dedup_by_key(|(_, row)| *row);
        let planned = self.planned_rows.of((self.stage.number(), number));
        homes.extend(planned.iter().filter(|(_, row)| *row != number));
        let has_been_one = earlier
            .iter()
            .any(|stub| stub.entry.part == 0 && stub.entry.target.is_none());
        let may_be_one = if self.stage.derives() {
            // Whose number it is decides where a single result goes.
            (self.numbers == Numbers::Shared || self.is_left(connection, number)?)
                && homes.iter().all(|(_, row)| *row != number)
        } else {
            homes.is_empty()
        };
        if has_been_one || may_be_one {
            homes.push((0, number));
        }
        for (part, target) in homes {
            let Some(standing) = self.standing(connection, (part, target), &earlier)? else {
                continue;
            };
            if target == number && !self.is_own(connection, &standing, &earlier)? {
                item.number_taken = true;
            } else {
                item.standing.push(standing);
            }
        }
        Ok(())
    }

    /// Whether a row of a record's number stands there before a first pass: it can only be one that a rollback had to leave.
    fn is_left(&self, connection: &Connection, number: i64) -> Result<bool> {
        Ok(self.found == Found::Rows && self.target.by_number(connection, number)?.is_some())
    }

    /// Whether a record's number is its own in the target, and not that of what another stage has brought there from the
    /// same source; also where no row has it at the moment, because a stage in place has refused that one.
    fn is_own(&self, connection: &Connection, standing: &Standing, earlier: &[Stub]) -> Result<bool> {
        let of = (self.stage.number(), standing.target);
        if let Some(owner) = self.planned_rows.owner(standing.target) {
            return Ok(owner == of);
        }
        let hash = standing.hash();
        let is_as_written = |hash| earlier.iter().any(|stub| is_as_written(stub, standing, hash));
        if hash.is_some_and(is_as_written) || (hash.is_none() && self.numbers == Numbers::Own) {
            return Ok(true);
        }
        let changes = rows::changes_of_row(connection, self.target.name(), standing.target)?;
        let writer = rows::owner(&changes);
        let is_own =
            writer.map(|(project, number, record)| (project, (number, record)) == (self.context.project, of));
        Ok(is_own.unwrap_or(hash.is_none()))
    }

    fn standing(
        &self,
        connection: &Connection,
        (part, target): (i64, i64),
        earlier: &[Stub],
    ) -> Result<Option<Standing>> {
        if let Some(on_the_way) = self.claims.row(target) {
            return Ok(Some(Standing {
                part,
                ..on_the_way.clone()
            }));
        }
        let Some(salt) = salt(connection, target)? else {
            return Ok(None);
        };
        let row = self.target.by_number(connection, target)?;
        let mut standing = Standing {
            part,
            target,
            salt,
            row: row.map(|found| found.record),
            edited: false,
        };
        standing.edited = self.is_edited(connection, &standing, earlier)?;
        Ok(Some(standing))
    }

    /// Whether somebody has changed a row by hand since the stage wrote it.
    fn is_edited(&self, connection: &Connection, standing: &Standing, earlier: &[Stub]) -> Result<bool> {
        let Some(hash) = standing.hash() else {
            return Ok(false);
        };
        if earlier.iter().any(|stub| is_as_written(stub, standing, hash)) {
            return Ok(false);
        }
        let changes = rows::changes_of_row(connection, self.target.name(), standing.target)?;
        // What a rollback had to leave there is still the stage's, though no entry of it stands; anything else that it has
        // no entry of is not.
        let of = (self.context.project, self.stage.number(), standing.target);
        if earlier.is_empty() && rows::owner(&changes) != Some(of) {
            return Ok(false);
        }
        let is_edited = rows::is_edited(&changes, Fed::of(self.context.project, self.stage));
        // What was changed behind the ledger is no more the stage's to write over.
        let is_planned = self.planned_rows.owner(standing.target).is_some();
        let is_known = is_planned || changes.first().is_some_and(|newest| newest.after == Some(hash));
        Ok(is_edited || !is_known)
    }
}

/// Whether a row is as an entry of its own record has left it.
fn is_as_written(stub: &Stub, standing: &Standing, hash: Hash) -> bool {
    let settled = matches!(
        stub.entry.outcome,
        EntryOutcome::Written | EntryOutcome::Unchanged
    );
    stub.number() == standing.target && stub.entry.after == Some(hash) && settled && !is_about_a_place(stub)
}

/// Whether an entry is about a row that was another record's, and not about a part of its own record.
fn is_of_another(stub: &Stub) -> bool {
    let reason = stub.entry.reason.as_deref();
    reason.and_then(places::code).as_deref() == Some(places::REPLACED)
}

fn is_about_a_place(stub: &Stub) -> bool {
    let reason = stub.entry.reason.as_deref();
    reason.is_some_and(|reason| places::code(reason).is_some_and(|code| code.starts_with("target.")))
}

/// The rows of a table after a number, and in their order the rows that the pass has set aside: those are read in their
/// turn though they are not in the table any more.
fn beside_those_set_aside(
    found: Vec<Salted>,
    after: i64,
    batch_size: usize,
    set_aside: &BTreeMap<i64, Salted>,
) -> Vec<Item> {
    let size: usize = found.iter().map(|found| found.record.data.len()).sum();
    let is_end = found.len() < batch_size && size < BATCH_BYTES;
    let last = found.last().map_or(after, |last| last.record.record);
    let mut items: Vec<Item> = found
        .into_iter()
        // Those are in the table until the batch that takes them out is committed.
        .filter(|found| !set_aside.contains_key(&found.record.record))
        .map(Item::present)
        .collect();
    let turns = set_aside.range(after.saturating_add(1)..);
    let turns = turns.take_while(|(number, _)| is_end || **number <= last);
    items.extend(turns.map(|(number, aside)| Item::absent(*number, Some(aside.clone()))));
    items.sort_by_key(|item| item.number);
    items
}

/// A source record as a pass of a stage would read it; `None` where there is none.
pub(crate) fn source_as_read(
    connection: &Connection,
    project: &str,
    stage: &Stage,
    number: i64,
) -> Result<Option<Record>> {
    let source = Table::of(stage.source())?;
    let item = listed(connection, (project, stage), &source, &RecordSet::new(), number)?;
    Ok(item.source.map(|source| source.record))
}

/// A record of a list: from the source, or where a stage in place had taken it out, from its image; without a source where
/// it was deleted since.
pub(super) fn listed(
    connection: &Connection,
    (project, stage): (&str, &Stage),
    source: &Table,
    planned: &RecordSet,
    number: i64,
) -> Result<Item> {
    if let Some(found) = source.by_number(connection, number)? {
        return Ok(Item::present(found));
    }
    let image = if stage.in_place() && !planned.contains(number) {
        match refused_image(connection, (project, stage.number()), stage.source(), number)? {
            Some(image) => Some(image),
            None => places::image_set_aside(connection, Fed::of(project, stage), number)?,
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

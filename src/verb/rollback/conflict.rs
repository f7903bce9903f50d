//! Which records a rollback could not restore, found before anything is written: the rollback is simulated in a
//! temporary file, with the rows that something else has changed since.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use super::plan::{BatchRange, Chosen, stretches};
use super::restore;
use super::since::{ChangesSince, Deferred, Overwritten, set_aside};
use super::undo::{ID_TAKEN, cursor_place, in_order};
use crate::engine::BATCH_BYTES;
use crate::error::{Conflict, Result};
use crate::ledger::members::entries_together;
use crate::ledger::read::{
    BEHIND_ALL, PassSummary, Place, RecordedEntry, entries_before, entries_of_record, entry_at, salt,
};
use crate::ledger::since::has_change;
use crate::ledger::undone;
use crate::record::{BatchId, PassId, RecordNumber, RecordSet, RunId};
use crate::store::overlay_rows::{OverlayRows, Then};
use crate::store::{Store, Table};

/// Maximum number of entries that are inspected together.
const SLICE: usize = 5_000;

/// Number of records of a pass that cannot be restored, and the first of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Conflicts {
    pub(super) count: u64,
    pub(super) first: Option<Conflict>,
}

/// What is in the way of undoing an entry.
enum InTheWay {
    /// Its row was changed since.
    Changed,
    /// Another record has its old id.
    Taken(String),
}

/// Finds the records of each pass that would not be as the pass left them, or whose old id another record would have.
pub(super) fn find(store: &Store, chosen: &[Chosen]) -> Result<Vec<Conflicts>> {
    let connection = store.connection();
    let passes_undone: Vec<&PassSummary> = chosen.iter().map(|chosen| &chosen.pass).collect();
    let since = ChangesSince::new(connection, &passes_undone)?;
    let mut trials: HashMap<&str, RollbackReplay<'_>> = HashMap::new();
    for Chosen { pass, only } in chosen {
        let Some(database) = pass.row.target.as_deref() else {
            continue;
        };
        if !trials.contains_key(database) {
            let changed = since.changed(connection, database)?;
            let in_place = in_place_on(database, &passes_undone);
            let trial = RollbackReplay::new(connection, Table::from_name(database)?, changed, in_place)?;
            trials.insert(database, trial);
        }
        if let (Some(record), Some(trial)) = (only, trials.get_mut(database)) {
            // The pass itself may have changed the row again for another record: that change stays.
            let entries = entries_together(connection, pass.row.pass, *record)?;
            trial.changed.extend(entries.iter().map(RecordedEntry::number));
        }
    }
    trials.retain(|_, trial| trial.changed.len() > 0 || trial.in_place.len() > 1);
    let mut found = vec![Conflicts::default(); chosen.len()];
    let mut passes = Vec::with_capacity(chosen.len());
    for chosen in chosen {
        passes.push(ReplayedPass::new(connection, chosen, &since)?);
    }
    for BatchRange { pass, down_to, .. } in stretches(connection, &passes_undone)? {
        let database = chosen[pass].pass.row.target.as_deref().unwrap_or_default();
        let Some(trial) = trials.get_mut(database) else {
            continue;
        };
        loop {
            // Taking the file's lock for each statement is slow; holding it for all of them would delay others'
            // commits.
            let reading = connection.unchecked_transaction()?;
            let mut entries = passes[pass].next(connection, down_to)?;
            if entries.is_empty() {
                break;
            }
            for group in entries.chunk_by_mut(|left, right| left.place() == right.place()) {
                in_order(group);
                if let Some(conflict) = trial.undo(group, &passes[pass])? {
                    found[pass].count += 1;
                    found[pass].first.get_or_insert(conflict);
                }
            }
            reading.commit()?;
        }
    }
    Ok(found)
}

/// Returns the undone passes that worked in place on a database, ascending: rows that the older ones did not touch stay
/// as the undoing of a newer one leaves them, and can block the undoing of the older ones.
fn in_place_on(database: &str, undone: &[&PassSummary]) -> Vec<PassId> {
    let is_in_place = |pass: &&&PassSummary| {
        pass.row.source == pass.row.target && pass.row.target.as_deref() == Some(database)
    };
    let mut passes: Vec<PassId> = undone
        .iter()
        .filter(is_in_place)
        .map(|pass| pass.row.pass)
        .collect();
    passes.sort_unstable();
    passes
}

/// Describes a conflict, with the record's id.
fn describe(
    connection: &Connection,
    target: &Table,
    number: RecordNumber,
    in_the_way: InTheWay,
) -> Result<Conflict> {
    let row = target.by_number(connection, number)?;
    Ok(Conflict {
        database: target.name().to_owned(),
        record: number,
        id: row.map(|row| row.record.id),
        taken: match in_the_way {
            InTheWay::Taken(id) => Some(id),
            InTheWay::Changed => None,
        },
    })
}

/// Returns the first records that a rollback's run left as they are.
pub(super) fn left(store: &Store, run: RunId, count: usize) -> Result<Vec<Conflict>> {
    let connection = store.connection();
    let mut left = Vec::new();
    for refused in undone::left(connection, run, count)? {
        let table = store.table(&refused.database)?;
        let entries = entries_of_record(connection, refused.pass, refused.record)?;
        let part = entries
            .iter()
            .filter(|recorded| recorded.entry.part == refused.part);
        let in_the_way = match part.clone().find_map(restore::old_id) {
            Some(id) if refused.code == ID_TAKEN => InTheWay::Taken(id.to_owned()),
            _ => InTheWay::Changed,
        };
        left.push(describe(connection, &table, refused.number, in_the_way)?);
    }
    Ok(left)
}

/// A pass that is being undone in the simulation.
struct ReplayedPass {
    pass: PassId,
    /// For the rollback of a single record, the number in its entries.
    only: Option<RecordNumber>,
    before: Place,
    done: HashSet<(RecordNumber, i64)>,
    overwritten: Overwritten,
    deferred: Deferred,
}

impl ReplayedPass {
    fn new(connection: &Connection, Chosen { pass, only }: &Chosen, since: &ChangesSince) -> Result<Self> {
        // An interrupted rollback continues where it stopped; that of a single record is one batch.
        let open = match only {
            Some(_) => None,
            None => undone::open_rollback(connection, pass.row.pass)?,
        };
        let cursor = open.as_ref().and_then(|open| open.cursor.as_deref());
        let mut deferred = since.deferred(connection, pass)?;
        if let Some(record) = only {
            deferred.extend(set_aside(connection, pass.row.pass, *record)?);
        }
        Ok(Self {
            pass: pass.row.pass,
            only: *only,
            before: cursor.and_then(cursor_place).unwrap_or(BEHIND_ALL),
            done: undone::singly(connection, pass.row.pass)?,
            overwritten: since.overwritten(pass),
            deferred,
        })
    }

    /// Returns the next entries down to a batch, newest first; none once it is reached.
    fn next(&mut self, connection: &Connection, down_to: BatchId) -> Result<Vec<RecordedEntry>> {
        let place = (self.before, down_to);
        let entries = match self.only {
            None => entries_before(connection, self.pass, place, SLICE, BATCH_BYTES)?,
            Some(record) if self.before == BEHIND_ALL => entries_together(connection, self.pass, record)?,
            Some(_) => Vec::new(),
        };
        if let Some(last) = entries.last() {
            self.before = last.place();
        }
        Ok(entries)
    }

    fn is_to_undo(&self, recorded: &RecordedEntry) -> bool {
        !self.done.contains(&(recorded.entry.record, recorded.entry.part))
            && !self.overwritten.is_over(recorded)
            && recorded.entry.before != recorded.entry.after
    }
}

/// A database that is being rolled back in the simulation. It keeps only rows that a remaining change has touched:
/// every change of any other row since then is undone.
struct RollbackReplay<'t> {
    connection: &'t Connection,
    target: Table,
    changed: RecordSet,
    /// Undone passes that worked in place, ascending, and how far each is undone already.
    in_place: Vec<PassId>,
    done: HashMap<PassId, HashSet<(RecordNumber, i64)>>,
    /// Rows that differ from their current state.
    rows: OverlayRows,
    /// Other rows that would stay in their current state.
    settled: RecordSet,
}

impl<'t> RollbackReplay<'t> {
    fn new(
        connection: &'t Connection,
        target: Table,
        changed: RecordSet,
        in_place: Vec<PassId>,
    ) -> Result<Self> {
        Ok(Self {
            connection,
            target,
            changed,
            in_place,
            done: HashMap::new(),
            rows: OverlayRows::new()?,
            settled: RecordSet::new(),
        })
    }

    /// Undoes the entries of one record as far as possible; returns the first that cannot be undone.
    fn undo(&mut self, entries: &[RecordedEntry], pass: &ReplayedPass) -> Result<Option<Conflict>> {
        let mut first = None;
        for recorded in entries.iter().filter(|recorded| pass.is_to_undo(recorded)) {
            let mut put_off = Vec::new();
            for key in pass.deferred.get(&recorded.key()).into_iter().flatten() {
                put_off.push(entry_at(self.connection, *key)?);
            }
            let Some(in_the_way) = self.undo_one(recorded, &put_off, pass)? else {
                continue;
            };
            if first.is_none() {
                first = Some(describe(
                    self.connection,
                    &self.target,
                    recorded.number(),
                    in_the_way,
                )?);
            }
        }
        Ok(first)
    }

    fn undo_one(
        &mut self,
        recorded: &RecordedEntry,
        put_off: &[RecordedEntry],
        pass: &ReplayedPass,
    ) -> Result<Option<InTheWay>> {
        let number = recorded.number();
        let is_changed = self.changed.contains(number);
        let now = if is_changed { self.row(number)? } else { None };
        // This holds even when the row happens to be as it was before the pass: undoing what came between would restore
        // what the pass had written.
        if is_changed && now.as_ref().map(|(hash, _)| *hash) != recorded.entry.after {
            return Ok(Some(InTheWay::Changed));
        }
        let oldest = put_off.last().unwrap_or(recorded);
        let old_id = put_off.iter().rev().chain([recorded]).find_map(restore::old_id);
        let now_id = now.as_ref().map(|(_, id)| id.clone());
        let old_id = old_id.map(str::to_owned).or(now_id);
        if let Some(id) = old_id.as_ref().filter(|_| oldest.entry.before.is_some()) {
            let owner = self.owner(id)?;
            // When a single record is undone, all others stay.
            let stays = |owner: RecordNumber| {
                pass.only.is_some() || self.changed.contains(owner) || self.settled.contains(owner)
            };
            if owner.is_some_and(|owner| owner != number && stays(owner)) {
                return Ok(Some(InTheWay::Taken(id.clone())));
            }
        }
        if is_changed {
            self.rows.set(number, now, oldest.entry.before.zip(old_id))?;
        } else if self.stays_in_place(pass.pass, number)? {
            let now = self.row(number)?;
            self.rows.set(number, now, oldest.entry.before.zip(old_id))?;
            self.settled.insert(number);
        }
        Ok(None)
    }

    /// Returns whether older passes in place are undone after the given one, and none of them changed the row.
    fn stays_in_place(&mut self, newer: PassId, number: RecordNumber) -> Result<bool> {
        let older = self.in_place.partition_point(|pass| *pass < newer);
        if older == 0 || self.in_place.get(older) != Some(&newer) {
            return Ok(false);
        }
        let (older, done) = (&self.in_place[..older], &mut self.done);
        let changed = has_change(self.connection, number, |pass, part| {
            if older.binary_search(&pass).is_err() {
                return Ok(false);
            }
            let done = match done.entry(pass) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(undone::singly(self.connection, pass)?),
            };
            Ok(!done.contains(&(number, part)))
        })?;
        Ok(!changed)
    }

    fn row(&self, number: RecordNumber) -> Result<Then> {
        if let Some(then) = self.rows.get(number)? {
            return Ok(then);
        }
        let Some(found) = self.target.by_number(self.connection, number)? else {
            return Ok(None);
        };
        let salt = salt(self.connection, number)?.unwrap_or_default();
        Ok(restore::hash(&salt, Some(&found.record)).map(|hash| (hash, found.record.id)))
    }

    fn owner(&self, id: &str) -> Result<Option<RecordNumber>> {
        self.rows.owner(id, || self.target.number_of(self.connection, id))
    }
}

//! Which records a rollback could not restore, found before anything is written.

use std::collections::HashSet;

use super::plan;
use super::restore;
use crate::error::Result;
use crate::ledger::read::{BEHIND_ALL, PassSummary, Place, Stub, salt, stubs_before, stubs_of_record};
use crate::ledger::{ImageKind, split_whole};
use crate::pipeline::BATCH_BYTES;
use crate::store::{Store, Table};

/// The most stubs that are looked at together.
const SLICE: usize = 5_000;

/// How many records cannot be restored, and the first of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Conflicts {
    pub(super) count: u64,
    pub(super) first: Option<i64>,
}

/// The records of a pass that something that stays has changed since, or whose old id something that stays has taken,
/// so that undoing the pass would not find what it left. `before` is where an interrupted rollback has come to.
pub(super) fn find(
    store: &Store,
    pass: &PassSummary,
    only: Option<i64>,
    before: Option<Place>,
    undone: &[i64],
) -> Result<Conflicts> {
    let connection = store.connection();
    let mut found = Conflicts::default();
    let changed = plan::changed_since(connection, pass, undone)?;
    if changed.is_empty() {
        return Ok(found);
    }
    let target = store.table(pass.row.target.as_deref().unwrap_or_default())?;
    let done = plan::undone_singly(connection, pass.row.pass)?;
    let overwritten = plan::overwritten(connection, pass, undone)?;
    let stands = |stub: &&Stub| {
        let number = stub.entry.target.unwrap_or(stub.entry.record);
        !done.contains(&(stub.entry.record, stub.entry.part))
            && overwritten.get(&number).is_none_or(|batch| *batch <= stub.batch)
    };
    let mut before = before.unwrap_or(BEHIND_ALL);
    loop {
        let stubs = match only {
            Some(record) => stubs_of_record(connection, pass.row.pass, record)?,
            None => stubs_before(connection, pass.row.pass, (before, 0), SLICE, BATCH_BYTES)?,
        };
        // A record whose stubs are cut by the end of a slice is looked at again, whole, with the next one.
        let key = |stub: &Stub| (stub.batch, stub.entry.record);
        let Some(last) = stubs.last().map(key) else {
            return Ok(found);
        };
        let ends = only.is_some() || stubs.first().map(key) == Some(last);
        before = if ends {
            last
        } else {
            (last.0, last.1.saturating_add(1))
        };
        for group in stubs.chunk_by(|left, right| key(left) == key(right)) {
            if !ends && key(&group[0]) == last {
                continue;
            }
            let mut conflict = false;
            for stub in group.iter().filter(stands) {
                conflict |= conflicts(store, &target, stub, &changed, undone)?;
            }
            if conflict {
                found.count += 1;
                found.first.get_or_insert(group[0].entry.record);
            }
        }
        if only.is_some() {
            return Ok(found);
        }
    }
}

fn conflicts(
    store: &Store,
    target: &Table,
    stub: &Stub,
    changed: &HashSet<i64>,
    undone: &[i64],
) -> Result<bool> {
    let connection = store.connection();
    let entry = &stub.entry;
    if entry.before == entry.after {
        return Ok(false);
    }
    let number = entry.target.unwrap_or(entry.record);
    if changed.contains(&number) {
        let left = plan::left_by_newer(connection, (target.name(), number), undone, stub.batch)?;
        let now = if let Some(left) = left {
            left
        } else {
            let row = target.by_number(connection, number)?.map(|found| found.record);
            restore::hash(&salt(connection, number)?.unwrap_or_default(), row.as_ref())
        };
        // Even where the row is by chance as it was before the pass: undoing what came between would bring back what
        // the pass had written.
        if now != entry.after {
            return Ok(true);
        }
    }
    let old_id = match &stub.image {
        Some((ImageKind::Whole | ImageKind::Refused, body)) => split_whole(body).map(|(id, _)| id),
        _ => None,
    };
    let Some(old_id) = old_id.filter(|_| entry.before.is_some()) else {
        return Ok(false);
    };
    let owner = target.number_of(connection, old_id)?;
    Ok(owner.is_some_and(|owner| owner != number && changed.contains(&owner)))
}

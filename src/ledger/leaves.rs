//! The leaves of the tree, rendered again on demand: they are not stored.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::read::entry;
use super::renamed::{AcceptedName, HeadTexts, StageNames};
use super::{Batch, BatchKind, leaf_hash};
use crate::digest::Hash;
use crate::error::Result;
use crate::record::{BatchId, RecordNumber};

/// Calls `tell` with every leaf in tree order, up to the batch after which the tree has `size` leaves.
pub(crate) fn leaves(connection: &Connection, size: u64, mut tell: impl FnMut(Hash)) -> Result<()> {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let mut batches =
        connection.prepare("SELECT batch FROM ledger_batch WHERE tree_size<=?1 ORDER BY batch")?;
    let mut entries = connection.prepare(
        "SELECT record,part,outcome,target,input,before,after,reason FROM ledger_entry WHERE batch=?1",
    )?;
    let numbers: Vec<BatchId> = batches
        .query_map([size], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let names = StageNames::accepted(connection)?;
    for number in numbers {
        let mut batch = Batch::new(BatchKind::Data);
        let mut rows = entries.query([number])?;
        while let Some(row) = rows.next()? {
            batch.entries.push(entry(row, 0)?);
        }
        batch.seal(number).leaves.into_iter().for_each(&mut tell);
        tell(leaf_hash(&hashed_header(connection, &names, number)?));
    }
    Ok(())
}

/// Returns the text of a batch's header, which is its last leaf, and the entry that accepts its name if that differs
/// from the ledger's.
pub(crate) fn header(connection: &Connection, batch: BatchId) -> Result<(String, Option<AcceptedName>)> {
    let names = StageNames::accepted(connection)?;
    Ok(match rendered_header(connection, &names, batch)? {
        HeadTexts::Accepted(text, name) => (text, Some(name)),
        hashed => (hashed.into_text(), None),
    })
}

fn hashed_header(connection: &Connection, names: &StageNames, batch: BatchId) -> Result<String> {
    Ok(rendered_header(connection, names, batch)?.into_text())
}

fn rendered_header(connection: &Connection, names: &StageNames, batch: BatchId) -> Result<HeadTexts> {
    let mut statement =
        connection.prepare_cached("SELECT head, header_text FROM ledger_header WHERE batch=?1")?;
    let (head, text): (Hash, String) = statement.query_row([batch], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(names.hashed(batch, &head, text))
}

/// An entry as a leaf.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) text: String,
    /// Its index in the tree.
    pub(crate) index: u64,
    /// The index of its batch's header.
    pub(crate) header_index: u64,
}

/// Returns the leaf of an entry; `None` if there is no such entry.
pub(crate) fn leaf(
    connection: &Connection,
    (batch, record, part): (BatchId, RecordNumber, i64),
) -> Result<Option<Leaf>> {
    let sql = "SELECT l.leaf_text, b.tree_size-b.entries-1
       + (SELECT count(*) FROM ledger_entry e WHERE e.batch=?1 AND (e.record,e.part)<(?2,?3)), b.tree_size-1
     FROM ledger_leaf l JOIN ledger_batch b USING(batch) WHERE l.batch=?1 AND l.record=?2 AND l.part=?3";
    let leaf = connection
        .prepare_cached(sql)?
        .query_row(params![batch, record, part], |row| {
            Ok(Leaf {
                text: row.get(0)?,
                index: row.get::<_, i64>(1)?.unsigned_abs(),
                header_index: row.get::<_, i64>(2)?.unsigned_abs(),
            })
        });
    Ok(leaf.optional()?)
}

//! Checkpoints: the ledger's size and root at one moment, as the text that is signed, and the table that keeps the
//! notes.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::digest::Hash;
use crate::error::Result;
use crate::note::Note;
use crate::record::BatchId;

/// Size and root of a ledger's tree. Its text has the format of <https://c2sp.org/tlog-checkpoint>: origin, size and
/// root in base64, each on a separate line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// Identifies the ledger: the UUID of its first run.
    pub origin: String,
    /// Number of leaves: entries and batch headers.
    pub size: u64,
    /// Root hash over these leaves.
    pub root: Hash,
}

impl Checkpoint {
    /// Returns the text that is signed.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            BASE64_STANDARD.encode(self.root)
        )
    }

    /// Parses a checkpoint's text; returns `None` if it is not one. Lines after the third are extensions, which are
    /// ignored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let is_plain =
            size == "0" || (!size.starts_with('0') && size.bytes().all(|byte| byte.is_ascii_digit()));
        if origin.is_empty() || !is_plain {
            return None;
        }
        Some(Self {
            origin: origin.to_owned(),
            size: size.parse().ok()?,
            root: BASE64_STANDARD.decode(root).ok()?.try_into().ok()?,
        })
    }

    /// Returns the checkpoint in a note without checking its signatures; `None` if the note has none.
    #[must_use]
    pub fn from_note(note: &str) -> Option<Self> {
        Self::parse(Note::parse(note).ok()?.text)
    }

    /// Returns the ledger's current checkpoint; `None` for a store without a ledger.
    pub(crate) fn from_ledger(connection: &Connection) -> Result<Option<Self>> {
        let sql = "SELECT (SELECT uuid FROM ledger_run WHERE run=1), tree_size, tree_root FROM ledger_batch
         ORDER BY batch DESC LIMIT 1";
        let newest = connection.prepare_cached(sql)?.query_row([], |row| {
            Ok(Self {
                origin: row.get(0)?,
                size: row.get::<_, i64>(1)?.unsigned_abs(),
                root: row.get(2)?,
            })
        });
        Ok(newest.optional()?)
    }
}

/// A batch after which the tree had some size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) batch: BatchId,
    pub(crate) root: Hash,
}

/// Returns the batch after which the tree had this size. Sizes grow with the batches, so a few look-ups find it.
pub(crate) fn batch_of_size(connection: &Connection, size: u64) -> Result<Option<Closed>> {
    let mut statement = connection.prepare_cached(
        "SELECT batch, tree_size, tree_root FROM ledger_batch WHERE batch<=?1 ORDER BY batch DESC LIMIT 1",
    )?;
    let last: BatchId =
        connection.query_row("SELECT coalesce(max(batch),0) FROM ledger_batch", [], |row| {
            row.get(0)
        })?;
    let (mut from, mut to) = (1, last.get());
    while from <= to {
        let middle = from + (to - from) / 2;
        let found = statement
            .query_row([middle], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?))
            })
            .optional()?;
        let Some((batch, found_size, root)): Option<(BatchId, i64, Hash)> = found else {
            from = middle + 1;
            continue;
        };
        match found_size.unsigned_abs().cmp(&size) {
            std::cmp::Ordering::Equal => return Ok(Some(Closed { batch, root })),
            std::cmp::Ordering::Less => from = middle + 1,
            std::cmp::Ordering::Greater => to = batch.get() - 1,
        }
    }
    Ok(None)
}

/// Returns the kept notes of larger trees, smallest first.
pub(crate) fn notes_after(connection: &Connection, size: u64) -> Result<Vec<String>> {
    let sql = "SELECT note FROM ledger_checkpoint WHERE tree_size>?1 ORDER BY tree_size";
    let mut statement = connection.prepare_cached(sql)?;
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let notes = statement.query_map([size], |row| row.get(0))?;
    Ok(notes.collect::<rusqlite::Result<_>>()?)
}

/// Returns the newest note that the store keeps.
pub(crate) fn newest_note(connection: &Connection) -> Result<Option<String>> {
    let sql = "SELECT note FROM ledger_checkpoint ORDER BY tree_size DESC LIMIT 1";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))
        .optional()?)
}

/// Returns the note of the smallest checkpoint at or after a size.
pub(crate) fn first_note_of(connection: &Connection, size: u64) -> Result<Option<String>> {
    let sql = "SELECT note FROM ledger_checkpoint WHERE tree_size>=?1 ORDER BY tree_size LIMIT 1";
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    Ok(connection
        .prepare_cached(sql)?
        .query_row([size], |row| row.get(0))
        .optional()?)
}

/// Returns all notes that the store keeps, each with the size that it is kept under, smallest first.
pub(crate) fn notes_with_sizes(connection: &Connection) -> Result<Vec<(u64, String)>> {
    let mut statement =
        connection.prepare("SELECT tree_size, note FROM ledger_checkpoint ORDER BY tree_size")?;
    // Not a size at all: no note has this one.
    let size = |size: i64| u64::try_from(size).unwrap_or(u64::MAX);
    let notes = statement.query_map([], |row| Ok((size(row.get(0)?), row.get(1)?)))?;
    Ok(notes.collect::<rusqlite::Result<_>>()?)
}

/// Returns the size of the ledger when a restored store or another key was last accepted; 0 if never.
pub(crate) fn accepted(connection: &Connection) -> Result<u64> {
    let sql = "SELECT coalesce(max(b.tree_size),0) FROM ledger_batch b JOIN ledger_pass p USING(pass)
     WHERE p.kind='edit' AND p.target IS NULL AND json_extract(b.body,'$.accepted') IS NOT NULL";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get::<_, i64>(0))?
        .unsigned_abs())
}

/// Returns the sizes of the checkpoints that the store keeps, smallest first.
pub(crate) fn sizes(connection: &Connection) -> Result<Vec<u64>> {
    let mut statement = connection.prepare("SELECT tree_size FROM ledger_checkpoint ORDER BY tree_size")?;
    let sizes = statement.query_map([], |row| row.get::<_, i64>(0))?;
    let sizes: Vec<i64> = sizes.collect::<rusqlite::Result<_>>()?;
    Ok(sizes.into_iter().map(i64::unsigned_abs).collect())
}

/// Keeps a note in the store.
pub(crate) fn insert_note(connection: &Connection, size: u64, note: &str) -> Result<()> {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    connection.execute("INSERT INTO ledger_checkpoint VALUES(?1,?2)", params![size, note])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_as_it_was_written_and_nothing_else_is() {
        let checkpoint = Checkpoint {
            origin: "0b5c1e9a-5743".to_owned(),
            size: 20_023,
            root: [7; 32],
        };
        let text = checkpoint.to_text();
        assert_eq!(Checkpoint::parse(&text), Some(checkpoint.clone()));
        assert_eq!(Checkpoint::parse(&format!("{text}extension\n")), Some(checkpoint));
        for other in [
            String::new(),
            text.trim_end().to_owned(),
            text.replace("20023", "020023"),
            text.replace("20023", "-1"),
            text.replace("20023", "20023 "),
            text.replace("20023", "99999999999999999999999"),
            text.replace('=', ""),
            format!("\n{text}"),
        ] {
            assert_eq!(Checkpoint::parse(&other), None, "{other:?}");
        }
    }
}

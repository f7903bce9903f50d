//! The changes of a row since a stage read or left it, from the ledger's entries. Nothing is taken for granted: a row
//! that does not match its entries was changed without a ledger entry.

use std::cell::OnceCell;
use std::collections::HashMap;

use rusqlite::Connection;

use crate::digest::{Hash, commitment};
use crate::error::Result;
use crate::ledger::processed::{BatchWriter, TARGET_REPLACED, changes_elsewhere, changes_of, writers};
use crate::ledger::read::{EntryKey, RecordedEntry, entry_at, salt};
use crate::ledger::row_before;
use crate::record::{BatchId, RecordNumber};
use crate::store::{Salted, Table};

/// A row at some time: its id and data; `None` if there was none.
pub(super) type Version = Option<(String, String)>;

/// The writer that changed a row since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChangedBy {
    /// A load or an edit.
    Hand,
    /// A record that took its place in the target.
    Replacing(RecordNumber),
    /// A writer to the source of a stage, before it: what it wrote waits for the stage.
    Before,
}

/// The state of a row to look for.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowState {
    /// The batch that read or left it.
    pub(super) batch: BatchId,
    /// The record under whose number it was read or left.
    pub(super) record: RecordNumber,
    /// The row's own number.
    pub(super) row: RecordNumber,
    /// Commitment to the row; `None` for no row.
    pub(super) hash: Option<Hash>,
}

/// A row as it was, and its changes since.
#[derive(Debug)]
pub(super) struct RowSince {
    /// The row as it was or, if that can no longer be determined, as it is.
    pub(super) was: Version,
    /// The last writer that changed it, if that matters here, and the version that it left.
    pub(super) changed: Option<(ChangedBy, Version)>,
    /// Whether the row matches the entries, and they lead back to what it was.
    pub(super) known: bool,
}

/// The ledger's record of the rows of a database, as one side of a stage.
pub(super) struct Rows<'l> {
    connection: &'l Connection,
    pub(super) table: Table,
    /// For the source of a copying stage, the stage; otherwise it is the target.
    source_of: Option<u32>,
    writers: HashMap<BatchId, BatchWriter>,
    /// Read only if a row has changed.
    elsewhere: OnceCell<Vec<(RecordNumber, EntryKey)>>,
}

impl<'l> Rows<'l> {
    pub(super) fn new(connection: &'l Connection, database: &str, source_of: Option<u32>) -> Result<Self> {
        Ok(Self {
            connection,
            table: Table::from_name(database)?,
            source_of,
            writers: writers(connection, database)?,
            elsewhere: OnceCell::new(),
        })
    }

    /// Returns the connection that reads the ledger.
    pub(super) fn connection(&self) -> &'l Connection {
        self.connection
    }

    /// Returns the changes of a row since it was seen, from the current row and the images since.
    pub(super) fn since(&self, seen: &RowState, row: Option<Salted>) -> Result<RowSince> {
        let now = row.as_ref().and_then(Salted::hash);
        let salted = row.as_ref().and_then(|row| row.salt);
        let is = row.map(|row| (row.record.id, row.record.data));
        if now == seen.hash {
            return Ok(RowSince::nothing(is));
        }
        let later = self.later(seen)?;
        if later.first().map_or(seen.hash, |recorded| recorded.entry.after) != now {
            return Ok(RowSince::behind_the_ledger(is));
        }
        let (was, changed) = match self.back(seen, &later, is.clone()) {
            Back::Led(was, changed) => (was, changed),
            Back::Stopped(stands) => return Ok(RowSince::nothing(stands)),
            Back::Broken => return Ok(RowSince::behind_the_ledger(is)),
        };
        let holds = match (&was, seen.hash) {
            (Some((id, data)), Some(hash)) => {
                let salt = match salted {
                    Some(salt) => salt,
                    None => salt(self.connection, seen.row)?.unwrap_or_default(),
                };
                commitment(&salt, id, data) == hash
            }
            (was, hash) => was.is_none() && hash.is_none(),
        };
        Ok(if holds {
            RowSince {
                was,
                changed,
                known: true,
            }
        } else {
            RowSince::behind_the_ledger(is)
        })
    }

    /// Follows the entries backwards, newest first, to what a row was.
    fn back(&self, seen: &RowState, later: &[RecordedEntry], is: Version) -> Back {
        let (mut version, mut changed, mut at) = (is, None, 0);
        loop {
            let state = later.get(at).map_or(seen.hash, |recorded| recorded.entry.after);
            if state == seen.hash {
                return Back::Led(version, changed);
            }
            // Changes that were undone since have no effect.
            if let Some(same) = later.iter().rposition(|recorded| recorded.entry.after == state) {
                at = same.max(at);
            }
            let Some(recorded) = later.get(at) else {
                return Back::Broken;
            };
            if recorded.image.is_none() && recorded.entry.before.is_some() {
                // A rollback keeps no image of what it undid.
                return if changed.is_none() && is_chain(&later[at..], seen.hash) {
                    Back::Stopped(version)
                } else {
                    Back::Broken
                };
            }
            if changed.is_none() {
                changed = self.by(recorded).map(|by| (by, version.clone()));
            }
            version = before_of(recorded, version.as_ref());
            at += 1;
        }
    }

    /// Returns the writer that changed the row, if it has to be reported: a later stage's changes do not matter here.
    fn by(&self, recorded: &RecordedEntry) -> Option<ChangedBy> {
        let writer = self.writers.get(&recorded.batch);
        match (writer, self.source_of) {
            (Some(BatchWriter::Hand), _) => Some(ChangedBy::Hand),
            (Some(BatchWriter::InPlace(number)), Some(stage)) if *number > stage => None,
            (_, Some(_)) => Some(ChangedBy::Before),
            (_, None) => {
                let replaces = recorded.entry.has_code(TARGET_REPLACED);
                replaces.then_some(ChangedBy::Replacing(recorded.entry.record))
            }
        }
    }

    /// Returns the entries that have changed a row since, newest first.
    fn later(&self, seen: &RowState) -> Result<Vec<RecordedEntry>> {
        let mut later = changes_of(self.connection, self.table.name(), seen.row, seen.batch)?;
        if self.elsewhere.get().is_none() {
            let found = changes_elsewhere(self.connection, self.table.name())?;
            self.elsewhere.get_or_init(|| found);
        }
        let elsewhere = self.elsewhere.get().map_or(&[][..], Vec::as_slice);
        let from = elsewhere.partition_point(|(row, _)| *row < seen.row);
        let of_row = elsewhere[from..].iter().take_while(|(row, _)| *row == seen.row);
        for (_, key) in of_row.filter(|(_, (batch, record, _))| (*batch, *record) > (seen.batch, seen.record))
        {
            later.push(entry_at(self.connection, *key)?);
        }
        later.sort_unstable_by_key(|recorded| std::cmp::Reverse(recorded.key()));
        Ok(later)
    }
}

/// Where the entries lead.
enum Back {
    /// To the row as it was, past the writer that changed it.
    Led(Version, Option<(ChangedBy, Version)>),
    /// To a rollback and no further: the row as the rollback left it.
    Stopped(Version),
    /// Nowhere.
    Broken,
}

/// Returns whether each entry found what the previous one left, down to a state.
fn is_chain(later: &[RecordedEntry], to: Option<Hash>) -> bool {
    let left = later
        .iter()
        .skip(1)
        .map(|recorded| recorded.entry.after)
        .chain([to]);
    later
        .iter()
        .zip(left)
        .all(|(recorded, left)| recorded.entry.before == left)
}

impl RowSince {
    /// Makes the result for a row that nothing has changed.
    pub(super) fn nothing(was: Version) -> Self {
        Self {
            was,
            changed: None,
            known: true,
        }
    }

    fn behind_the_ledger(is: Version) -> Self {
        Self {
            was: is,
            changed: None,
            known: false,
        }
    }

    /// Returns the current version.
    pub(super) fn stands(&self) -> &Version {
        self.changed.as_ref().map_or(&self.was, |(_, version)| version)
    }
}

/// Returns a row before an entry's change, from the row after it.
pub(super) fn before_of(recorded: &RecordedEntry, after: Option<&(String, String)>) -> Version {
    match &recorded.image {
        None if recorded.entry.before == recorded.entry.after => after.cloned(),
        image => row_before(
            image.as_ref(),
            after.map(|(id, data)| (id.as_str(), data.as_str())),
        ),
    }
}

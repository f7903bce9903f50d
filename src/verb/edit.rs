//! The verb `edit`: puts, deletes or inserts single records, each with its entry and its before image. Other programs
//! change a database through this verb, so that the ledger records the change and the stages process it.

use std::collections::HashSet;

use crate::digest::commitment;
use crate::engine::{BATCH_BYTES, Run, RunInfo, shape_for_writing};
use crate::error::{Error, Result};
use crate::ledger::places::kept;
use crate::ledger::read::{LedgerTable, largest};
use crate::ledger::{
    Batch, BatchKind, Change, Counts, Entry, EntryOutcome, Image, ImageKind, NewRecord, PassKind,
    TableChange, before_image, whole,
};
use crate::record::{RecordNumber, RunId, admit_record};
use crate::store::{Salted, Store, Table};

/// One edit of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A record that must not exist yet.
    Insert {
        /// Id of the record.
        id: String,
        /// Data of the record: a JSON object that must pass admission.
        data: String,
    },
    /// A record that may exist; an existing one keeps its number.
    Put {
        /// Id of the record.
        id: String,
        /// Data of the record: a JSON object that must pass admission.
        data: String,
    },
    /// A record that must exist.
    Delete {
        /// Id of the record.
        id: String,
    },
}

/// What an edit did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct EditReport {
    /// Number of the run; `None` when there was nothing to edit.
    pub run: Option<RunId>,
    /// Outcomes of the edits.
    pub counts: Counts,
}

/// Executes the edits, all or nothing, in one batch. A database that does not exist is created.
///
/// # Errors
/// [`Error::Invalid`] for data that is not a record, an id that exists (`Insert`) or is edited twice in one call;
/// [`Error::NoSuchRecord`] for a `Delete` of a record that does not exist. On an error nothing is written.
pub fn edit(store: &mut Store, database: &str, edits: &[Edit], run_info: &RunInfo) -> Result<EditReport> {
    Table::from_name(database)?;
    let mut run = Run::begin(store, run_info)?;
    if edits.is_empty() {
        return Ok(EditReport::default());
    }
    let counts = in_one_batch(&mut run, database, edits)?;
    let number = run.number();
    run.finish()?;
    Ok(EditReport {
        run: Some(number),
        counts,
    })
}

/// Executes any number of edits in one run, in batches of the size that the store's options set: each batch all or
/// nothing. When one fails, the batches before it stay. [`Database::insert_all`](crate::Database::insert_all) and
/// [`Store::insert_all`] call this function.
///
/// # Errors
/// The errors of [`edit`], and the first error that `edits` yields.
pub fn edit_all(
    store: &mut Store,
    database: &str,
    mut edits: impl Iterator<Item = Result<Edit>>,
    run_info: &RunInfo,
) -> Result<EditReport> {
    Table::from_name(database)?;
    let most = store.options().batch_size.max(1);
    let mut run = Run::begin(store, run_info)?;
    let mut counts = Counts::default();
    let mut next = || -> Result<bool> {
        let edits = next_edits(&mut edits, most)?;
        if edits.is_empty() {
            return Ok(false);
        }
        counts.add(&in_one_batch(&mut run, database, &edits)?);
        Ok(true)
    };
    let ended = loop {
        match next() {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let number = run.has_written().then(|| run.number());
    if number.is_some() {
        // Committed batches are signed even if a later one fails.
        run.finish()?;
    }
    ended.map(|()| EditReport { run: number, counts })
}

/// Returns the edits of the next batch: at most `most`, and no more than a batch may use of memory.
fn next_edits(edits: &mut impl Iterator<Item = Result<Edit>>, most: usize) -> Result<Vec<Edit>> {
    let (mut taken, mut bytes) = (Vec::new(), 0);
    while taken.len() < most && bytes < BATCH_BYTES {
        let Some(edit) = edits.next().transpose()? else {
            break;
        };
        bytes += edit.bytes();
        taken.push(edit);
    }
    Ok(taken)
}

/// Executes edits as one pass of one batch, all or nothing.
fn in_one_batch(run: &mut Run<'_>, database: &str, edits: &[Edit]) -> Result<Counts> {
    let table = Table::from_name(database)?;
    let mut pass = run.new_pass(PassKind::Edit, None)?;
    pass.row.target = Some(database.to_owned());
    // The batch is the whole pass: a kill leaves all of it or nothing, and the same edits again mean the same.
    let mut batch = Batch::new(BatchKind::End);
    batch.shape = shape_for_writing(run.connection(), database)?;
    let exists = batch.shape.first() != Some(&TableChange::CreateTable);
    let mut newest = largest(run.connection(), LedgerTable::Record)?;
    let mut seen: HashSet<&str> = HashSet::new();
    for edit in edits {
        let id = edit.id();
        if !seen.insert(id) {
            return Err(Error::invalid(
                format!("`{id}` is edited twice"),
                "give one edit per id",
            ));
        }
        let present = if exists && table.has_index(run.connection())? {
            table.by_id(run.connection(), id)?
        } else {
            None
        };
        one(run, database, edit, present, &mut newest, &mut batch)?;
    }
    let counts = batch.counts;
    run.commit(&mut pass, batch)?;
    Ok(counts)
}

impl Edit {
    /// Returns the approximate memory of the edit.
    fn bytes(&self) -> usize {
        match self {
            Self::Insert { id, data } | Self::Put { id, data } => id.len() + data.len(),
            Self::Delete { id } => id.len(),
        }
    }

    fn id(&self) -> &str {
        match self {
            Self::Insert { id, .. } | Self::Put { id, .. } | Self::Delete { id } => id,
        }
    }
}

fn one(
    run: &Run<'_>,
    database: &str,
    edit: &Edit,
    present: Option<Salted>,
    newest: &mut RecordNumber,
    batch: &mut Batch,
) -> Result<()> {
    match (edit, present) {
        (Edit::Delete { id }, None) => {
            return Err(Error::NoSuchRecord {
                database: database.to_owned(),
                id: id.clone(),
            });
        }
        (Edit::Insert { id, .. }, Some(_)) => {
            let message = format!("`{database}` already has a record `{id}`");
            return Err(Error::invalid(message, "use `put` to change it"));
        }
        (Edit::Delete { .. }, Some(found)) => delete(&found, batch)?,
        (Edit::Put { id, data }, Some(found)) => put(&found, id, admitted(run, id, data)?, batch)?,
        (Edit::Insert { id, data } | Edit::Put { id, data }, None) => {
            let data = admitted(run, id, data)?;
            // A write to the id of a record that a stage in place refused corrects that record, waived or not.
            let corrected = kept(run.connection(), &Table::from_name(database)?)?.holder(id);
            let (record, salt) = corrected.unwrap_or_else(|| {
                *newest = newest.next();
                (*newest, run.salt())
            });
            if corrected.is_none() {
                let (database, id) = (database.to_owned(), Some(id.clone()));
                batch.records.push(NewRecord {
                    record,
                    database,
                    id,
                    salt,
                });
            }
            let mut entry = Entry::new(record, 0, EntryOutcome::Written);
            entry.after = Some(commitment(&salt, id, &data));
            let id = id.clone();
            batch.changes.push(Change::Insert { record, id, data });
            batch.add(entry);
        }
    }
    Ok(())
}

fn delete(found: &Salted, batch: &mut Batch) -> Result<()> {
    let (old, salt) = (&found.record, found.known_salt()?);
    let mut entry = Entry::new(old.number, 0, EntryOutcome::Written);
    entry.before = Some(commitment(&salt, &old.id, &old.data));
    batch.images.push(Image {
        record: old.number,
        part: 0,
        kind: ImageKind::Whole,
        body: whole(&old.id, &old.data),
    });
    batch.changes.push(Change::Delete { record: old.number });
    batch.add(entry);
    Ok(())
}

fn put(found: &Salted, id: &str, data: String, batch: &mut Batch) -> Result<()> {
    let (old, salt) = (&found.record, found.known_salt()?);
    let outcome = if old.data == data {
        EntryOutcome::Unchanged
    } else {
        EntryOutcome::Written
    };
    let mut entry = Entry::new(old.number, 0, outcome);
    entry.before = Some(commitment(&salt, id, &old.data));
    entry.after = Some(commitment(&salt, id, &data));
    if outcome == EntryOutcome::Written {
        let (kind, body) = before_image((id, &old.data), (id, &data));
        batch.images.push(Image {
            record: old.number,
            part: 0,
            kind,
            body,
        });
        batch.changes.push(Change::Update {
            record: old.number,
            id: id.to_owned(),
            data,
        });
    }
    batch.add(entry);
    Ok(())
}

fn admitted(run: &Run<'_>, id: &str, data: &str) -> Result<String> {
    if id.is_empty() || id.contains('\0') {
        return Err(Error::invalid(
            "an id must not be empty or contain NUL",
            "give the record another id",
        ));
    }
    let admitted = admit_record(data.as_bytes(), &run.store().options().limits);
    let admitted = admitted.map_err(|malformed| {
        Error::invalid(
            format!("the data of `{id}` is not a record: {malformed}"),
            "give a JSON object",
        )
    })?;
    Ok(admitted.data)
}

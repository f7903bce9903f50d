//! The verb `prove`: proves that a record went through this ledger as its entry says, to someone who has neither the
//! store nor this program. A [`Proof`] is a text; with the verifying key it shows what was done to the record, when, by
//! whom and by which stage, and, if disclosed, what the record was.
//!
//! ```text
//! counterfoil-proof v1
//! entry ["e1",7,12,0,1,null,"9f..","","c4..",null]
//! index 30021
//! path q2PuGm...
//! opening after
//! salt 00112233445566778899aabbccddeeff
//! id "ORD-2024-001"
//! data {"id":"ORD-2024-001"}
//! block 2
//! reading 5d2f0c...
//! reading a1b7e3...
//! header ["b1",7,...]
//! index 35020
//! path 8H2wsD...
//!
//! 0b5c1e9a-...
//! 35021
//! kYcvCGuSzcLO...
//!
//! — shop wyH2xTVk...
//! ```
//!
//! Both leaves are hashed as `SHA-256(0x00 || text)`, and each path leads from there to the root in the checkpoint (RFC
//! 9162, 2.1.3.2). An opening is the input of the commitment that the entry names: `SHA-256(salt || id || 0x00 ||
//! data)`. A proof of version 2 lists the commitments of the readings that a window was made of, by blocks of 2^16 record numbers: the
//! entry's `input` is the SHA-256 over the blocks' digests, each that over its readings, as lines of hexadecimal digits.

mod check;
mod parts;
mod proved;
mod text;

use rusqlite::Connection;

use crate::digest::{Hash, Salt, commitment, digest_of_blocks};
use crate::engine::ReadConnection;
use crate::error::{Error, Result};
use crate::ledger::checkpoint::{first_note_of, newest_note, sizes};
use crate::ledger::leaves::{header, leaf, leaves};
use crate::ledger::proof::{Subtrees, consistency, inclusion, is_consistent};
use crate::ledger::read::{RecordedEntry, batches_into, entries_of_row, salt};
use crate::ledger::versions::versions;
use crate::ledger::windows::is_refused_window;
use crate::ledger::{AcceptedName, Checkpoint};
use crate::record::{BatchId, RecordNumber};
use crate::shown::word;
use crate::store::Store;

pub use check::{ProvedText, check_proof};
pub use parts::{BlockReadings, Included, NotProved, Opening, Which};
pub use proved::{Disclosed, Proved, ProvedStage};
pub use text::{Consistency, ConsistentCheckpoints, Proof};

/// What to prove about a record.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ProveOptions {
    /// Batch of the entry; `None` for the newest that wrote the record.
    pub batch: Option<BatchId>,
    /// Whether to disclose the record: its id, its data, and the salt of its commitments.
    pub disclose: bool,
    /// Whether to list the commitments of the readings that a window was made of.
    pub inputs: bool,
}

impl ProveOptions {
    /// Sets the batch of the entry to prove. Default: `None`, the newest that wrote the record.
    #[must_use]
    pub fn batch(mut self, batch: impl Into<Option<BatchId>>) -> Self {
        self.batch = batch.into();
        self
    }

    /// Puts the record itself into the proof: id, data and salt. Default: `false`.
    #[must_use]
    pub fn disclose(mut self, disclose: bool) -> Self {
        self.disclose = disclose;
        self
    }

    /// Lists the commitments of the readings that a window was made of, and proves the entry that says so unless a batch is
    /// chosen. Default: `false`.
    #[must_use]
    pub fn inputs(mut self, inputs: bool) -> Self {
        self.inputs = inputs;
        self
    }
}

impl Store {
    /// Proves that a record went through the ledger.
    ///
    /// # Errors
    /// [`Error::NoSuchRecord`]; [`Error::Invalid`] when there is no such entry, no checkpoint that covers it, or
    /// nothing to disclose.
    pub fn prove(&self, database: &str, id: &str, options: &ProveOptions) -> Result<Proof> {
        // Read one state of the store, even while others write.
        let moment = ReadConnection::of_one_state(self)?;
        let number = moment.read(|connection| number(self, connection, database, id))?;
        let made = if options.inputs {
            let made = self.commitments_of(&moment, database, number)?;
            let Some(made) = made else {
                return Err(moment.read(|connection| without_readings(connection, database, id, number))?);
            };
            Some((made.batch, made.blocks.ok_or_else(|| not_known(database, id))?))
        } else {
            None
        };
        moment.read(|connection| self.proof(connection, (database, id, number), made, options))
    }

    /// Proves what a record's entry says. `made`: what the window was made of, if that is to be listed.
    fn proof(
        &self,
        moment: &Connection,
        (database, id, number): (&str, &str, RecordNumber),
        made: Option<(BatchId, Vec<BlockReadings>)>,
        options: &ProveOptions,
    ) -> Result<Proof> {
        // The entry that says what a window was made of, also where its text has stayed or was changed by hand since.
        let batch = options.batch.or(made.as_ref().map(|(batch, _)| *batch));
        let recorded = chosen(moment, database, number, id, batch)?;
        let missing = || Error::Damaged {
            what: format!("the entry of `{id}` is not in the tree"),
        };
        let entry = leaf(moment, recorded.key())?.ok_or_else(missing)?;
        let note = first_note_of(moment, entry.header_index + 1)?.ok_or_else(|| {
            Error::invalid(
                format!("no checkpoint covers batch {} yet", recorded.batch),
                "sign one with `counterfoil checkpoint`",
            )
        })?;
        let size = Checkpoint::from_note(&note).ok_or_else(missing)?.size;
        let opening = if options.disclose {
            Some(opening(self, moment, database, number, &recorded)?)
        } else {
            None
        };
        let readings = match made {
            Some((batch, blocks)) => listed(id, blocks, batch, &recorded)?,
            None => Vec::new(),
        };
        let (header_text, _) = header(moment, recorded.batch)?;
        let paths = paths(moment, size, &[entry.index, entry.header_index])?.ok_or_else(missing)?;
        let [entry_path, header_path] = paths.try_into().map_err(|_| missing())?;
        let proof = Proof {
            entry: Included {
                text: entry.text,
                index: entry.index,
                path: entry_path,
            },
            opening,
            readings,
            header: Included {
                text: header_text,
                index: entry.header_index,
                path: header_path,
            },
            note,
        };
        if proof.leads_to_checkpoint() {
            return Ok(proof);
        }
        Err(unprovable())
    }
}

/// Returns the blocks of a window's readings if an entry was made of exactly them; `standing` is the batch that says what
/// the window was made of last.
fn listed(
    id: &str,
    blocks: Vec<BlockReadings>,
    standing: BatchId,
    recorded: &RecordedEntry,
) -> Result<Vec<BlockReadings>> {
    let batch = recorded.batch;
    let Some(input) = recorded.entry.input else {
        return Err(Error::invalid(
            format!("the entry of `{id}` in batch {batch} has no readings to list"),
            "prove it without `--inputs`",
        ));
    };
    if digest_of_blocks(&blocks) == Some(input) {
        return Ok(blocks);
    }
    let hint = if batch == standing {
        "`counterfoil apply` takes up what was written since; if nothing waits, `counterfoil verify --inputs` reports what differs"
    } else {
        "leave out `--entry` to prove what the window was made of last"
    };
    let message =
        format!("the readings of `{id}` have changed since batch {batch}, so they cannot be listed");
    Err(Error::invalid(message, hint))
}

/// Error for readings of a record that has none.
fn without_readings(
    connection: &Connection,
    database: &str,
    id: &str,
    number: RecordNumber,
) -> Result<Error> {
    if is_refused_window(connection, number)? {
        let show = format!("`counterfoil quarantine show {}` shows why", word(id));
        let message = format!("`{id}` in `{database}` stands refused: no window was made of its readings");
        return Ok(Error::invalid(message, show));
    }
    Ok(Error::invalid(
        format!("`{id}` in `{database}` is not a window of a stage that aggregates"),
        "prove it without `--inputs`",
    ))
}

/// Error for readings of a window that the stage no longer makes.
fn not_known(database: &str, id: &str) -> Error {
    Error::invalid(
        format!(
            "`{id}` in `{database}` is not a window that its stage makes now, so its readings are not known"
        ),
        "the stage was revised since; prove it without `--inputs`",
    )
}

/// Error for a ledger that differs from what was signed: a check would take the proof for forged.
fn unprovable() -> Error {
    Error::invalid(
        "the ledger does not match what was signed, so nothing in it can be proved",
        "`counterfoil verify` reports where it differs and what to do",
    )
}

impl Store {
    /// Returns the ledger's entry that accepts the name under which the header in a proof was hashed, if the ledger
    /// keeps another name.
    pub fn accepted_name(&self, proof: &Proof) -> Result<Option<AcceptedName>> {
        let connection = self.reader()?;
        let Some(batch) = proof.batch() else {
            return Ok(None);
        };
        Ok(header(&connection, batch)?.1)
    }

    /// Proves that the ledger as last signed extends the one that was signed with the given size: nothing in it was
    /// changed or removed since.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no checkpoint of that size, or none that is newer.
    pub fn prove_consistency(&self, size: u64) -> Result<Consistency> {
        let connection = self.reader()?;
        let moment = connection.unchecked_transaction()?;
        let of_size =
            |note: &String| Checkpoint::from_note(note).is_some_and(|checkpoint| checkpoint.size == size);
        let Some(old) = first_note_of(&moment, size)?.filter(of_size) else {
            let sizes = sizes(&moment)?;
            let known: Vec<String> = sizes.iter().rev().take(5).map(u64::to_string).collect();
            let message = format!("no checkpoint was signed with {size} leaves");
            return Err(Error::invalid(
                message,
                format!("the newest have {}", known.join(", ")),
            ));
        };
        let missing = || Error::Damaged {
            what: "a checkpoint covers a larger ledger than the store holds".to_owned(),
        };
        let new = newest_note(&moment)?.ok_or_else(missing)?;
        let newest = Checkpoint::from_note(&new).ok_or_else(missing)?;
        let mut subtrees = Subtrees::new(consistency(size, newest.size).ok_or_else(missing)?);
        leaves(&moment, newest.size, |leaf| subtrees.push(leaf))?;
        let path = subtrees.roots().ok_or_else(missing)?;
        let old_root = Checkpoint::from_note(&old).ok_or_else(missing)?.root;
        if !is_consistent((size, &old_root), (newest.size, &newest.root), &path) {
            return Err(unprovable());
        }
        Ok(Consistency { path, old, new })
    }
}

/// Returns the paths from several leaves to the root of the tree of a given size, in one pass over it; `None` when
/// leaves are missing.
fn paths(connection: &Connection, size: u64, indexes: &[u64]) -> Result<Option<Vec<Vec<Hash>>>> {
    let ranges: Option<Vec<_>> = indexes.iter().map(|index| inclusion(*index, size)).collect();
    let Some(ranges) = ranges else { return Ok(None) };
    let mut trees: Vec<Subtrees> = ranges.into_iter().map(Subtrees::new).collect();
    leaves(connection, size, |leaf| {
        for tree in &mut trees {
            tree.push(leaf);
        }
    })?;
    Ok(trees.iter().map(Subtrees::roots).collect())
}

/// Returns the number of a record that is, or was, in a database.
fn number(store: &Store, connection: &Connection, database: &str, id: &str) -> Result<RecordNumber> {
    if let Some(number) = store.table(database)?.number_of(connection, id)? {
        return Ok(number);
    }
    // The newest of the records that had the id.
    let had = store.find(database, id)?.records.pop();
    had.ok_or_else(|| Error::NoSuchRecord {
        database: database.to_owned(),
        id: id.to_owned(),
    })
}

fn chosen(
    connection: &Connection,
    database: &str,
    number: RecordNumber,
    id: &str,
    batch: Option<BatchId>,
) -> Result<RecordedEntry> {
    let mut entries = entries_of_row(connection, database, number)?;
    if batch.is_none() {
        // Work of other passes on a copy of the record is proved in their database.
        let written: Vec<BatchId> = batches_into(connection, database)?;
        let into = |recorded: &RecordedEntry| written.binary_search(&recorded.batch).is_ok();
        entries.retain(into);
    }
    let newest = match batch {
        Some(batch) => entries.iter().rposition(|recorded| recorded.batch == batch),
        None => entries
            .iter()
            .rposition(|recorded| recorded.entry.before != recorded.entry.after)
            .or(entries.len().checked_sub(1)),
    };
    newest.map(|at| entries.swap_remove(at)).ok_or_else(|| {
        let message = match batch {
            Some(batch) => format!("batch {batch} has no entry of `{id}` in `{database}`"),
            None => format!("there is no entry of `{id}` in `{database}`"),
        };
        let trace = format!("`counterfoil trace {database} {}`", word(id));
        Error::invalid(message, format!("{trace} lists the batches of the record"))
    })
}

/// Returns the input of an entry's commitment, from wherever it is still kept: the row, or the image of a later change.
fn opening(
    store: &Store,
    connection: &Connection,
    database: &str,
    number: RecordNumber,
    recorded: &RecordedEntry,
) -> Result<Opening> {
    let salt = salt(connection, number)?;
    let versions = versions(store, connection, database, number)?;
    let entry = &recorded.entry;
    let of = |salt: &Salt, wanted: Option<Hash>| {
        let wanted = wanted?;
        versions
            .iter()
            .find(|(id, data)| commitment(salt, id, data) == wanted)
            .cloned()
    };
    let opened = salt.and_then(|salt| {
        [
            (Which::After, entry.after),
            (Which::Input, entry.input),
            (Which::Before, entry.before),
        ]
        .into_iter()
        .find_map(|(which, wanted)| {
            of(&salt, wanted).map(|(id, data)| Opening {
                which,
                salt,
                id,
                data,
            })
        })
    });
    opened.ok_or_else(|| {
        Error::invalid(
            format!(
                "the record as of batch {} is no longer kept, because it has changed since",
                recorded.batch
            ),
            "prove a later entry, or this one without `--disclose`",
        )
    })
}

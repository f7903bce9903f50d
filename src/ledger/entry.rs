//! Entries, batches and the texts that are hashed. A batch states, as data, everything that one transaction will do.

use std::collections::BTreeMap;

use super::tree::leaf_hash;
use crate::digest::{Hash, Salt};
use crate::record::{BatchId, RecordNumber};

/// The outcome of one source record in one pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum EntryOutcome {
    /// Written to the target, or removed from it.
    Written = 1,
    /// Identical to what the target already had.
    Unchanged = 2,
    /// Left out by the stage; includes waived and skipped records.
    Filtered = 3,
    /// Refused, with its reason and its image; includes rollback conflicts.
    Refused = 4,
    /// Merged into another record.
    Merged = 5,
}

impl EntryOutcome {
    /// Returns the outcome with this number in the ledger.
    #[must_use]
    pub(crate) fn from_number(number: i64) -> Option<Self> {
        [
            Self::Written,
            Self::Unchanged,
            Self::Filtered,
            Self::Refused,
            Self::Merged,
        ]
        .into_iter()
        .find(|outcome| *outcome as i64 == number)
    }
}

/// The ledger's line for one record in one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Number of the source record; in a rollback, number of the row that it restores.
    pub(crate) record: RecordNumber,
    /// 0, or the part of a derived record, counted from 1.
    pub(crate) part: i64,
    /// The record's outcome.
    pub(crate) outcome: EntryOutcome,
    /// The number written, if it differs from the record's.
    pub(crate) target: Option<RecordNumber>,
    /// Commitment to the source record; `None` in place.
    pub(crate) input: Option<Hash>,
    /// Commitment to the target's row before; `None` for no row.
    pub(crate) before: Option<Hash>,
    /// Commitment to the target's row after; `None` for no row.
    pub(crate) after: Option<Hash>,
    /// Codes and places as JSON; never contains a value.
    pub(crate) reason: Option<String>,
}

impl Entry {
    /// Makes an entry with only its key and outcome.
    #[must_use]
    pub(crate) fn new(record: RecordNumber, part: i64, outcome: EntryOutcome) -> Self {
        Self {
            record,
            part,
            outcome,
            target: None,
            input: None,
            before: None,
            after: None,
            reason: None,
        }
    }

    /// Returns whether the reason has this code. A reason may contain more than its code.
    #[must_use]
    pub(crate) fn has_code(&self, code: &str) -> bool {
        #[derive(serde::Deserialize)]
        struct Reason<'r> {
            #[serde(borrow)]
            code: std::borrow::Cow<'r, str>,
        }
        let reason = self.reason.as_deref().map(serde_json::from_str::<Reason<'_>>);
        reason.is_some_and(|reason| reason.is_ok_and(|reason| reason.code == code))
    }

    /// Appends the text that is hashed, `ledger_leaf.leaf_text`.
    fn write_leaf_text(&self, batch: BatchId, out: &mut String) {
        let mut text = ArrayText::new("e1", out);
        text.integer(batch.get())
            .integer(self.record.get())
            .integer(self.part)
            .integer(self.outcome as i64);
        text.integer(self.target.map(RecordNumber::get))
            .hash(self.input.as_ref())
            .hash(self.before.as_ref())
            .hash(self.after.as_ref());
        text.text(self.reason.as_deref());
        text.end();
    }
}

/// Approximate length of the leaf text of a copied record.
const LEAF_BYTES: usize = 192;

/// The kind of an image that the ledger keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImageKind {
    /// `id || 0x00 || data` of the old row: exactly the bytes that its commitment covers after the salt.
    Whole = 1,
    /// A reverse patch.
    Patch = 2,
    /// An encrypted image.
    Encrypted = 3,
    /// A refused input.
    Refused = 4,
}

impl ImageKind {
    /// Returns the kind with this number in the ledger.
    #[must_use]
    pub(crate) fn from_number(number: i64) -> Option<Self> {
        [Self::Whole, Self::Patch, Self::Encrypted, Self::Refused]
            .into_iter()
            .find(|kind| *kind as i64 == number)
    }
}

/// An image to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    /// Record number of the entry.
    pub(crate) record: RecordNumber,
    /// Part of the entry.
    pub(crate) part: i64,
    /// Kind of the image.
    pub(crate) kind: ImageKind,
    /// Its bytes.
    pub(crate) body: Vec<u8>,
}

/// A new record number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewRecord {
    /// The new number.
    pub(crate) record: RecordNumber,
    /// The database where the record begins.
    pub(crate) database: String,
    /// Its id there; `None` if the input had none.
    pub(crate) id: Option<String>,
    /// Its salt.
    pub(crate) salt: Salt,
}

/// A change of one row of the pass's target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A new row.
    Insert {
        /// The number.
        record: RecordNumber,
        /// The id.
        id: String,
        /// The data.
        data: String,
    },
    /// Replaces the id or the data of a row.
    Update {
        /// The number.
        record: RecordNumber,
        /// The id.
        id: String,
        /// The data.
        data: String,
    },
    /// Removes a row.
    Delete {
        /// The number.
        record: RecordNumber,
    },
}

/// A change of the target's table as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TableChange {
    /// Creates the table without its index.
    CreateTable,
    /// Creates the unique index on ids.
    CreateIndex,
    /// Drops the index, to be built again after the rows.
    DropIndex,
}

/// The purpose of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum BatchKind {
    /// Records.
    Data,
    /// The target's index, built after the rows.
    Index,
    /// A remark.
    Note,
    /// The end of the pass.
    End,
}

impl BatchKind {
    /// Returns the name in the ledger.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Index => "index",
            Self::Note => "note",
            Self::End => "end",
        }
    }
}

/// Number of source records by outcome. `read` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// Records read: the sum of the others.
    pub read: u64,
    /// Records written.
    pub written: u64,
    /// Records that the target already had unchanged.
    pub unchanged: u64,
    /// Records filtered, waived or skipped.
    pub filtered: u64,
    /// Records refused.
    pub refused: u64,
    /// Records merged into another record.
    pub merged: u64,
}

impl Counts {
    /// Counts one source record.
    pub(crate) fn count(&mut self, outcome: EntryOutcome) {
        self.read += 1;
        *match outcome {
            EntryOutcome::Written => &mut self.written,
            EntryOutcome::Unchanged => &mut self.unchanged,
            EntryOutcome::Filtered => &mut self.filtered,
            EntryOutcome::Refused => &mut self.refused,
            EntryOutcome::Merged => &mut self.merged,
        } += 1;
    }

    /// Adds other counts to these.
    pub(crate) fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.written += other.written;
        self.unchanged += other.unchanged;
        self.filtered += other.filtered;
        self.refused += other.refused;
        self.merged += other.merged;
    }
}

/// Everything that one transaction will do, as data. The code that builds a batch opens no transaction, and the code
/// that commits it decides nothing.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// Purpose of the batch.
    pub(crate) step: BatchKind,
    /// The smallest source number in it.
    pub(crate) first_record: Option<RecordNumber>,
    /// The largest source number in it: the keyset cursor.
    pub(crate) last_record: Option<RecordNumber>,
    /// Resume point as JSON, if it is not a record number (`load`).
    pub(crate) cursor: Option<String>,
    /// Outcomes of its records.
    pub(crate) counts: Counts,
    /// A remark, as JSON.
    pub(crate) body: Option<String>,
    /// Number of the stage's warnings by code; written to the remark as `{"warnings": {code: count}}`.
    pub(crate) warnings: BTreeMap<String, u64>,
    /// Changes of the target's table, applied before the rows.
    pub(crate) shape: Vec<TableChange>,
    /// New record numbers.
    pub(crate) records: Vec<NewRecord>,
    /// Changes of rows, in order.
    pub(crate) changes: Vec<Change>,
    /// The entries.
    pub(crate) entries: Vec<Entry>,
    /// The images.
    pub(crate) images: Vec<Image>,
    /// Whether the pass must stop after this batch because a contract in the mode `refuse` was broken. The refusal's
    /// reason records it.
    pub(crate) halts: bool,
    /// Number of the refused records that only wait for rows of other databases.
    pub(crate) waiting: u64,
}

impl Batch {
    /// Makes an empty batch.
    #[must_use]
    pub(crate) fn new(step: BatchKind) -> Self {
        Self {
            step,
            first_record: None,
            last_record: None,
            cursor: None,
            counts: Counts::default(),
            body: None,
            warnings: BTreeMap::new(),
            shape: Vec::new(),
            records: Vec::new(),
            changes: Vec::new(),
            entries: Vec::new(),
            images: Vec::new(),
            halts: false,
            waiting: 0,
        }
    }

    /// Extends the range of source numbers to include a record.
    pub(crate) fn covers(&mut self, record: RecordNumber) {
        self.first_record = Some(self.first_record.map_or(record, |first| first.min(record)));
        self.last_record = Some(self.last_record.map_or(record, |last| last.max(record)));
    }

    /// Adds and counts the entry of a record that is read in the batch.
    pub(crate) fn add(&mut self, entry: Entry) {
        self.covers(entry.record);
        self.counts.count(entry.outcome);
        self.entries.push(entry);
    }

    /// Adds a field to its remark.
    pub(crate) fn remark(&mut self, name: &str, value: serde_json::Value) {
        let said = self
            .body
            .as_deref()
            .and_then(|body| serde_json::from_str(body).ok());
        let mut remark: serde_json::Map<String, serde_json::Value> = said.unwrap_or_default();
        remark.insert(name.to_owned(), value);
        self.body = Some(serde_json::Value::Object(remark).to_string());
    }

    /// Returns the approximate number of bytes that it occupies until it is written.
    pub(crate) fn bytes(&self) -> usize {
        let records = self.entries.len().max(self.changes.len());
        let rows = self.changes.iter().map(|change| match change {
            Change::Insert { data, .. } | Change::Update { data, .. } => data.len(),
            Change::Delete { .. } => 0,
        });
        let images = self.images.iter().map(|image| image.body.len());
        let reasons = self
            .entries
            .iter()
            .map(|entry| entry.reason.as_ref().map_or(0, String::len));
        rows.chain(images).chain(reasons).sum::<usize>() + records * RECORD_BYTES
    }

    /// Renders and hashes the entries under the batch's future number.
    #[must_use]
    pub(crate) fn seal(mut self, number: BatchId) -> Sealed {
        self.entries.sort_by_key(|entry| (entry.record, entry.part));
        self.images.sort_by_key(|image| (image.record, image.part));
        if !self.warnings.is_empty() {
            let warnings = serde_json::json!(self.warnings);
            self.remark("warnings", warnings);
        }
        let mut lines = String::with_capacity(self.entries.len() * LEAF_BYTES);
        let mut leaves = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let start = lines.len();
            entry.write_leaf_text(number, &mut lines);
            leaves.push(leaf_hash(&lines[start..]));
            lines.push('\n');
        }
        let entries_sha256 = crate::digest::sha256(&[lines.as_bytes()]);
        Sealed {
            batch: self,
            number,
            leaves,
            entries_sha256,
        }
    }
}

/// Bytes of memory for every record that is written, in addition to its data: its number, its entry, and the owner of
/// its id.
pub(crate) const RECORD_BYTES: usize = 1_000;

/// A batch whose entries are hashed, ready to be committed under exactly this number.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    /// The sealed batch.
    pub(crate) batch: Batch,
    /// Its number.
    pub(crate) number: BatchId,
    /// The hashes of its leaves, in tree order.
    pub(crate) leaves: Vec<Hash>,
    /// Hash over its leaf texts, each followed by LF.
    pub(crate) entries_sha256: Hash,
}

/// Appends the same text that SQLite's `json_array(...)` renders: no whitespace, minimal escapes, `null` for NULL.
pub(super) struct ArrayText<'t>(&'t mut String);

impl<'t> ArrayText<'t> {
    pub(super) fn new(tag: &str, out: &'t mut String) -> Self {
        out.push_str("[\"");
        out.push_str(tag);
        out.push('"');
        Self(out)
    }

    pub(super) fn integer(&mut self, value: impl Into<Option<i64>>) -> &mut Self {
        self.0.push(',');
        match value.into() {
            Some(value) => self.0.push_str(itoa::Buffer::new().format(value)),
            None => self.0.push_str("null"),
        }
        self
    }

    pub(super) fn text(&mut self, value: Option<&str>) -> &mut Self {
        self.0.push(',');
        match value {
            Some(value) => {
                self.0
                    .push_str(&serde_json::to_string(value).expect("a string always has a JSON text"));
            }
            None => self.0.push_str("null"),
        }
        self
    }

    /// Appends a hash in hexadecimal; a missing one becomes the empty text, like `hex(NULL)`.
    pub(super) fn hash(&mut self, value: Option<&Hash>) -> &mut Self {
        self.0.push_str(",\"");
        if let Some(hash) = value {
            let mut digits = [0; 64];
            hex::encode_to_slice(hash, &mut digits).expect("two digits for each byte");
            self.0
                .push_str(std::str::from_utf8(&digits).expect("hexadecimal digits are ASCII"));
        }
        self.0.push('"');
        self
    }

    pub(super) fn end(self) {
        self.0.push(']');
    }
}

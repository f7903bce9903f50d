//! Entries, batches and the texts that are hashed. One batch says, as data, everything that one transaction will do.

use std::collections::BTreeMap;

use super::tree::leaf_hash;
use crate::digest::{Hash, Salt};
use crate::record::{BatchId, RecordNumber};

/// What became of one source record in one pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum EntryOutcome {
    /// Written to the target, or removed from it.
    Written = 1,
    /// The target already had exactly this.
    Unchanged = 2,
    /// Left out by the stage; waived and skipped records too.
    Filtered = 3,
    /// Refused, with its reason and its image; a rollback conflict too.
    Refused = 4,
    /// Merged into another record.
    Merged = 5,
}

impl EntryOutcome {
    /// The outcome of a number in the ledger.
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
    /// The source record's number; of a rollback, the number of the row that it restores.
    pub(crate) record: RecordNumber,
    /// 0, or the part of a derived record, from 1.
    pub(crate) part: i64,
    /// What became of it.
    pub(crate) outcome: EntryOutcome,
    /// The number written, where it is another one.
    pub(crate) target: Option<RecordNumber>,
    /// The commitment to the source record; `None` in place.
    pub(crate) input: Option<Hash>,
    /// The commitment to the target's row before; `None` for no row.
    pub(crate) before: Option<Hash>,
    /// The commitment to the target's row after; `None` for no row.
    pub(crate) after: Option<Hash>,
    /// Codes and places as JSON; never a value.
    pub(crate) reason: Option<String>,
}

impl Entry {
    /// An entry with nothing but its key and outcome.
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

    /// Whether its reason has this code. A reason may say more than its code.
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

/// About as long as the leaf text of a copied record is.
const LEAF_BYTES: usize = 192;

/// What kind of image the ledger keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImageKind {
    /// `id || 0x00 || data` of the old row: exactly what its commitment covers, after the salt.
    Whole = 1,
    /// A reverse patch.
    Patch = 2,
    /// An encrypted image.
    Encrypted = 3,
    /// The refused input.
    Refused = 4,
}

impl ImageKind {
    /// The kind of a number in the ledger.
    #[must_use]
    pub(crate) fn from_number(number: i64) -> Option<Self> {
        [Self::Whole, Self::Patch, Self::Encrypted, Self::Refused]
            .into_iter()
            .find(|kind| *kind as i64 == number)
    }
}

/// An image to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    /// The entry's record.
    pub(crate) record: RecordNumber,
    /// The entry's part.
    pub(crate) part: i64,
    /// What it is.
    pub(crate) kind: ImageKind,
    /// Its bytes.
    pub(crate) body: Vec<u8>,
}

/// A new record number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewRecord {
    /// The number.
    pub(crate) record: RecordNumber,
    /// The database that it begins in.
    pub(crate) database: String,
    /// Its id there; `None` where the input gave none.
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
    /// Another id or other data for a row.
    Update {
        /// The number.
        record: RecordNumber,
        /// The id.
        id: String,
        /// The data.
        data: String,
    },
    /// The row goes.
    Delete {
        /// The number.
        record: RecordNumber,
    },
}

/// A change of the target's table itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TableChange {
    /// The table, without its index.
    CreateTable,
    /// The unique index over ids.
    CreateIndex,
    /// The index goes, to be built again after the rows.
    DropIndex,
}

/// What a batch is for.
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
    /// The word in the ledger.
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

/// How many source records had which outcome. `read` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// All of them.
    pub read: u64,
    /// Written.
    pub written: u64,
    /// Unchanged.
    pub unchanged: u64,
    /// Filtered, waived or skipped.
    pub filtered: u64,
    /// Refused.
    pub refused: u64,
    /// Merged.
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

/// Everything that one transaction will do, as data. Whoever makes it opens no transaction, and the one who commits
/// it decides nothing.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// What it is for.
    pub(crate) step: BatchKind,
    /// The smallest source number in it.
    pub(crate) first_record: Option<RecordNumber>,
    /// The largest source number in it: the keyset cursor.
    pub(crate) last_record: Option<RecordNumber>,
    /// The resume point where it is not a record number (`load`), as JSON.
    pub(crate) cursor: Option<String>,
    /// The outcomes.
    pub(crate) counts: Counts,
    /// A remark, as JSON.
    pub(crate) body: Option<String>,
    /// How often the stage warned, by code; stands in the remark as `{"warnings": {code: count}}`.
    pub(crate) warnings: BTreeMap<String, u64>,
    /// Changes of the target's table, before the rows.
    pub(crate) shape: Vec<TableChange>,
    /// New record numbers.
    pub(crate) records: Vec<NewRecord>,
    /// Changes of rows, in this order.
    pub(crate) changes: Vec<Change>,
    /// The entries.
    pub(crate) entries: Vec<Entry>,
    /// The images.
    pub(crate) images: Vec<Image>,
    /// The pass may not go on after it: a contract in the mode `refuse` was broken. It stands in the refusal's reason.
    pub(crate) halts: bool,
}

impl Batch {
    /// An empty batch.
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
        }
    }

    /// Widens the range of source numbers.
    pub(crate) fn covers(&mut self, record: RecordNumber) {
        self.first_record = Some(self.first_record.map_or(record, |first| first.min(record)));
        self.last_record = Some(self.last_record.map_or(record, |last| last.max(record)));
    }

    /// Adds the entry of a record that is read in the batch, and counts it.
    pub(crate) fn add(&mut self, entry: Entry) {
        self.covers(entry.record);
        self.counts.count(entry.outcome);
        self.entries.push(entry);
    }

    /// Adds to its remark.
    pub(crate) fn remark(&mut self, name: &str, value: serde_json::Value) {
        let said = self
            .body
            .as_deref()
            .and_then(|body| serde_json::from_str(body).ok());
        let mut remark: serde_json::Map<String, serde_json::Value> = said.unwrap_or_default();
        remark.insert(name.to_owned(), value);
        self.body = Some(serde_json::Value::Object(remark).to_string());
    }

    /// About how many bytes it is until it is written.
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

    /// Renders and hashes the entries under the number that the batch will have.
    #[must_use]
    pub(crate) fn seal(mut self, number: BatchId) -> Sealed {
        self.entries.sort_by_key(|entry| (entry.record, entry.part));
        self.images.sort_by_key(|image| (image.record, image.part));
        if !self.warnings.is_empty() {
            self.body = Some(serde_json::json!({ "warnings": self.warnings }).to_string());
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

/// So many bytes of memory go with every record that is written, beside its data: its number, its entry, and who owns
/// its id.
pub(crate) const RECORD_BYTES: usize = 1_000;

/// A batch whose entries are hashed, ready to be committed under exactly this number.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    /// The batch.
    pub(crate) batch: Batch,
    /// Its number.
    pub(crate) number: BatchId,
    /// The hashes of its leaves, in tree order.
    pub(crate) leaves: Vec<Hash>,
    /// The hash over its leaf texts, each ended by LF.
    pub(crate) entries_sha256: Hash,
}

/// Renders what SQLite's `json_array(...)` renders, at the end of a text: no blanks, texts escaped minimally, `null` for
/// NULL.
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

    /// A hash as hexadecimal text; a missing one is the empty text, as `hex(NULL)` is.
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

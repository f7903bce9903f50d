//! The newest batch, which the next one extends.

use rusqlite::{Connection, OptionalExtension as _};

use super::entry::{ArrayText, Sealed};
use super::tree::{Frontier, leaf_hash};
use crate::digest::{Hash, sha256};
use crate::error::{Error, Result};
use crate::record::{BatchId, PassId, RecordNumber, RunId};
use crate::stage::{Stage, is_same_meaning};

/// Number, head hash and tree of the newest batch. Before the first batch: 0, zeros, the empty tree.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_field_names)] // `head` is the field's name in the ledger
pub(crate) struct Head {
    /// The newest batch's number.
    pub(crate) batch: BatchId,
    /// Its head hash.
    #[expect(clippy::struct_field_names, reason = "the word of the ledger, as its column")]
    pub(crate) head: Hash,
    /// The tree after the batch's header leaf.
    pub(crate) frontier: Frontier,
    /// Commit time, in microseconds UTC.
    pub(crate) committed_us: i64,
}

impl Head {
    /// Reads it from the ledger.
    pub(crate) fn read(connection: &Connection) -> Result<Self> {
        let sql = "SELECT batch, head, tree_size, frontier, committed_us FROM ledger_batch ORDER BY batch DESC LIMIT 1";
        let row = connection
            .prepare_cached(sql)?
            .query_row([], |row| {
                let frontier: Vec<u8> = row.get(3)?;
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get::<_, i64>(2)?,
                    frontier,
                    row.get(4)?,
                ))
            })
            .optional()?;
        let Some((batch, head, size, frontier, committed_us)) = row else {
            return Ok(Self::default());
        };
        let damaged = || Error::Damaged {
            what: format!("the frontier of batch {batch} does not match its tree size"),
        };
        let frontier = u64::try_from(size)
            .ok()
            .and_then(|size| Frontier::from_bytes(size, &frontier));
        Ok(Self {
            batch,
            head,
            frontier: frontier.ok_or_else(damaged)?,
            committed_us,
        })
    }

    /// Returns the head after one more batch with this header text.
    #[must_use]
    pub(crate) fn extended(&self, sealed: &Sealed, header_text: &str, committed_us: i64) -> Self {
        let mut frontier = self.frontier.clone();
        sealed.leaves.iter().for_each(|leaf| frontier.push(*leaf));
        frontier.push(leaf_hash(header_text));
        let head = sha256(&[header_text.as_bytes(), b"\n"]);
        Self {
            batch: sealed.number,
            head,
            frontier,
            committed_us,
        }
    }
}

/// The tree after one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TreeAfter {
    pub(crate) size: u64,
    pub(crate) root: Hash,
}

/// Returns the tree after a batch; `None` if there is no such batch.
pub(crate) fn tree_after(connection: &Connection, batch: BatchId) -> Result<Option<TreeAfter>> {
    let sql = "SELECT tree_size, tree_root FROM ledger_batch WHERE batch=?1";
    let mut statement = connection.prepare_cached(sql)?;
    let tree = statement.query_row([batch], |row| {
        Ok(TreeAfter {
            size: row.get::<_, i64>(0)?.unsigned_abs(),
            root: row.get(1)?,
        })
    });
    Ok(tree.optional()?)
}

/// The parts of a header that belong to the run.
#[derive(Clone, Debug)]
pub(crate) struct RunRow {
    /// The run's number.
    pub(crate) run: RunId,
    /// Its random UUID.
    pub(crate) uuid: String,
    /// The command.
    pub(crate) command: String,
    /// The actor.
    pub(crate) actor: String,
    /// The host.
    pub(crate) host: String,
    /// Version of the tool.
    pub(crate) tool: String,
    /// The arguments, as JSON.
    pub(crate) arguments: String,
    /// Reason, in the operator's words.
    pub(crate) reason: Option<String>,
    /// Start time, in microseconds UTC.
    pub(crate) started_us: i64,
}

/// The parts of a header that belong to the stage's revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StageRow {
    /// The revision's number in this store.
    pub(crate) stage: i64,
    /// The project's name.
    pub(crate) project: String,
    /// The stage's number.
    pub(crate) number: u32,
    /// The stage's slug.
    pub(crate) slug: String,
    /// Its text as applied.
    pub(crate) source_text: String,
    /// Its hash.
    pub(crate) text_sha256: Hash,
    /// Its meaning as canonical JSON.
    pub(crate) meaning: String,
    /// The hash of the meaning.
    pub(crate) meaning_sha256: Hash,
}

impl StageRow {
    /// Makes the row of a project's stage as it is now; the number of its revision is not known yet.
    pub(crate) fn new(project: &str, stage: &Stage) -> Self {
        Self {
            stage: 0,
            project: project.to_owned(),
            number: stage.number(),
            slug: stage.slug().to_owned(),
            source_text: stage.source_text().to_owned(),
            text_sha256: stage.text_sha256(),
            meaning: stage.meaning().to_owned(),
            meaning_sha256: stage.meaning_sha256(),
        }
    }

    /// Returns whether both revisions have the same effect on every record.
    pub(crate) fn does_as(&self, other: &Self) -> bool {
        is_same_meaning(&self.meaning, &other.meaning)
    }

    /// Returns whether the stage merges records.
    pub(crate) fn merges(&self) -> bool {
        self.has("merge")
    }

    /// Returns whether the stage makes windows of its records.
    pub(crate) fn aggregates(&self) -> bool {
        self.has("aggregate")
    }

    fn has(&self, part: &str) -> bool {
        let meaning: Option<serde_json::Value> = serde_json::from_str(&self.meaning).ok();
        meaning.is_some_and(|meaning| meaning.get(part).is_some())
    }
}

/// The parts of a header that belong to the pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PassRow {
    /// The pass's number.
    pub(crate) pass: PassId,
    /// Its kind.
    pub(crate) kind: PassKind,
    /// The stage's revision.
    pub(crate) stage: Option<StageRow>,
    /// The database that it reads.
    pub(crate) source: Option<String>,
    /// The database that it writes.
    pub(crate) target: Option<String>,
    /// The pass that it rolls back.
    pub(crate) reverses: Option<PassId>,
    /// The batch after which it reads later writes; `None` if it reads the whole source.
    pub(crate) after_batch: Option<BatchId>,
    /// Value of `now()`, in microseconds UTC.
    pub(crate) now_us: i64,
}

/// The kind of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PassKind {
    /// The store's first batch.
    Init,
    /// Loads records from outside the store.
    Load,
    /// Writes records one by one.
    Edit,
    /// Applies a stage.
    Apply,
    /// Processes refused records again.
    Retry,
    /// Waives refused records: they are dropped from quarantine.
    Waive,
    /// Rolls back a pass.
    Rollback,
    /// Merges several records into one.
    Merge,
    /// Erases a record.
    Erase,
    /// Compares source and target.
    Reconcile,
}

impl PassKind {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Init, "init"),
        (Self::Load, "load"),
        (Self::Edit, "edit"),
        (Self::Apply, "apply"),
        (Self::Retry, "retry"),
        (Self::Waive, "waive"),
        (Self::Rollback, "rollback"),
        (Self::Merge, "merge"),
        (Self::Erase, "erase"),
        (Self::Reconcile, "reconcile"),
    ];

    /// Returns the name in the ledger.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("", |(_, name)| name)
    }

    /// Returns the kind with this name in the ledger.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(kind, _)| *kind)
    }
}

/// Renders the header's text: `ledger_header.header_text`.
#[must_use]
pub(crate) fn header_text(
    run: &RunRow,
    pass: &PassRow,
    sealed: &Sealed,
    committed_us: i64,
    previous_head: &Hash,
) -> String {
    let batch = &sealed.batch;
    let mut header = String::with_capacity(1024);
    let mut text = ArrayText::new("b1", &mut header);
    text.integer(sealed.number.get())
        .text(Some(&run.uuid))
        .text(Some(&run.command))
        .text(Some(&run.actor));
    text.text(Some(&run.host))
        .text(Some(&run.tool))
        .text(Some(&run.arguments))
        .text(run.reason.as_deref());
    text.integer(run.started_us);
    let stage = pass.stage.as_ref();
    text.text(stage.map(|stage| stage.project.as_str()))
        .integer(stage.map(|stage| i64::from(stage.number)));
    text.text(stage.map(|stage| stage.slug.as_str()));
    text.hash(stage.map(|stage| &stage.text_sha256))
        .hash(stage.map(|stage| &stage.meaning_sha256));
    text.integer(pass.pass.get())
        .text(Some(pass.kind.name()))
        .text(pass.source.as_deref())
        .text(pass.target.as_deref());
    text.integer(pass.reverses.map(PassId::get))
        .integer(pass.after_batch.map(BatchId::get))
        .integer(pass.now_us);
    text.text(Some(batch.step.name()))
        .integer(batch.first_record.map(RecordNumber::get))
        .integer(batch.last_record.map(RecordNumber::get));
    text.text(batch.cursor.as_deref());
    let counts = &batch.counts;
    for count in [
        counts.read,
        counts.written,
        counts.unchanged,
        counts.filtered,
        counts.refused,
        counts.merged,
    ] {
        text.integer(to_integer(count));
    }
    text.integer(to_integer(batch.entries.len() as u64))
        .integer(committed_us)
        .text(batch.body.as_deref());
    text.hash(Some(&sealed.entries_sha256)).hash(Some(previous_head));
    text.end();
    header
}

/// Converts a count to the integer that SQLite keeps.
pub(crate) fn to_integer(count: u64) -> i64 {
    i64::try_from(count).expect("a count of records is far below 2^63")
}

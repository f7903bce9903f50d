//! How to verify, and what a verification has found.

use crate::ledger::AcceptedName;
use crate::name::StageName;
use crate::observe::StopSignal;
use crate::record::{BatchId, RecordNumber};
use crate::store::SignedUpTo;

/// How to verify.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct VerifyOptions {
    /// Leave the data out and verify the ledger alone.
    pub ledger_only: bool,
    /// Names that the files of stages have, or had: what a batch may have been hashed with, though
    /// the ledger keeps another. Without them only the names that the ledger has are tried.
    pub names: Vec<StageName>,
    /// Asks the verb to stop; what was found so far is reported, and `complete` is false.
    pub stop: StopSignal,
}

impl VerifyOptions {
    /// Verifies the ledger alone and leaves the data out. Default: `false`.
    #[must_use]
    pub fn ledger_only(mut self, ledger_only: bool) -> Self {
        self.ledger_only = ledger_only;
        self
    }

    /// Sets names that files of stages have or had, by the stage's number. Default: none beside those in the ledger.
    #[must_use]
    pub fn names(mut self, names: impl IntoIterator<Item = StageName>) -> Self {
        self.names = names.into_iter().collect();
        self
    }

    /// Sets the signal that asks the verb to stop. Default: a signal that nobody sends.
    #[must_use]
    pub fn stop(mut self, stop: StopSignal) -> Self {
        self.stop = stop;
        self
    }
}

/// One thing that is not as the ledger says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// A stable code, `chain.head`, `data.differs` ...
    pub code: &'static str,
    /// The batch, where one can be named.
    pub batch: Option<BatchId>,
    /// The database, where one can be named.
    pub database: Option<String>,
    /// The record's number, where one can be named.
    pub record: Option<RecordNumber>,
    /// What was found.
    pub message: String,
}

impl Finding {
    pub(super) fn of_batch(code: &'static str, batch: BatchId, message: impl Into<String>) -> Self {
        Self {
            code,
            batch: Some(batch),
            database: None,
            record: None,
            message: message.into(),
        }
    }

    pub(super) fn of_record(
        code: &'static str,
        database: &str,
        record: RecordNumber,
        batch: Option<BatchId>,
        message: &str,
    ) -> Self {
        Self {
            code,
            batch,
            database: Some(database.to_owned()),
            record: Some(record),
            message: message.to_owned(),
        }
    }
}

/// The code of a batch that was hashed under another name of its stage, which nobody has accepted.
pub(super) const RENAMED: &str = "chain.renamed";

/// At most so many findings are listed; all are counted.
const LISTED: usize = 100;

/// What a verification found.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[non_exhaustive]
pub struct VerifyReport {
    /// The batches that were verified.
    pub batches: u64,
    /// The entries that were verified.
    pub entries: u64,
    /// The rows that were compared with the ledger, over all databases.
    pub rows: u64,
    /// The images that were compared with their commitments.
    pub images: u64,
    /// The signed checkpoints that were compared with the ledger.
    pub checkpoints: u64,
    /// Whether there are checkpoints whose signatures were not checked, because there was no key.
    pub keyless: bool,
    /// How far the store is signed; `None` where nothing of it is.
    pub signed: Option<SignedUpTo>,
    /// The tree's size after the last batch.
    pub tree_size: u64,
    /// The tree's root after the last batch, in hexadecimal.
    pub tree_root: String,
    /// How much is wrong.
    pub problems: u64,
    /// The first hundred of it.
    pub findings: Vec<Finding>,
    /// Batches that were hashed under another name of their stage than the ledger keeps, as far as that was accepted
    /// ([`accept_renamed`](crate::checkpoint::accept_renamed)): a remark, no problem.
    pub renamed: Vec<AcceptedName>,
    /// How many of the problems are such batches that nobody has accepted.
    pub unaccepted: u64,
    /// Whether everything that was asked for was verified.
    pub complete: bool,
}

impl VerifyReport {
    /// Whether everything was verified and nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.complete && self.problems == 0
    }

    pub(super) fn found(&mut self, finding: Finding) {
        self.problems += 1;
        self.unaccepted += u64::from(finding.code == RENAMED);
        if self.findings.len() < LISTED {
            self.findings.push(finding);
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.images += other.images;
        self.problems += other.problems;
        self.complete &= other.complete;
        self.findings.extend(other.findings);
        self.findings.truncate(LISTED);
    }
}

//! Options of `verify`, and what a verification found.

use crate::ledger::AcceptedName;
use crate::name::StageName;
use crate::observe::StopSignal;
use crate::record::{BatchId, RecordNumber};
use crate::store::SignedUpTo;

/// Options of [`verify`](super::verify).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct VerifyOptions {
    /// Whether to leave out the data and verify the ledger alone.
    pub ledger_only: bool,
    /// Whether to make each golden record again from its members as well.
    pub remake: bool,
    /// Whether to read the readings of all windows again as well.
    pub inputs: bool,
    /// Names that the files of stages have or had: a batch may have been hashed with one of them, though the ledger
    /// keeps another. Without them only the ledger's names are tried.
    pub names: Vec<StageName>,
    /// Signal that asks the verb to stop; the report then has the findings so far, and `complete` is false.
    pub stop: StopSignal,
}

impl VerifyOptions {
    /// Verifies the ledger alone and leaves the data out. Default: `false`.
    #[must_use]
    pub fn ledger_only(mut self, ledger_only: bool) -> Self {
        self.ledger_only = ledger_only;
        self
    }

    /// Makes each golden record again from its members, by the rules that were applied, and compares it with what the
    /// merge left. Members that have changed since make none. Default: `false`.
    #[must_use]
    pub fn remake(mut self, remake: bool) -> Self {
        self.remake = remake;
        self
    }

    /// Reads the readings of all windows again, and compares their number and their digest with what the ledger says that
    /// each window was made of. Windows whose readings were written since wait for the next `apply`. Default: `false`.
    #[must_use]
    pub fn inputs(mut self, inputs: bool) -> Self {
        self.inputs = inputs;
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

/// A deviation from what the ledger says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// Stable code, such as `chain.head` or `data.differs`.
    pub code: &'static str,
    /// Number of the batch, if one can be named.
    pub batch: Option<BatchId>,
    /// Name of the database, if one can be named.
    pub database: Option<String>,
    /// Number of the record, if one can be named.
    pub record: Option<RecordNumber>,
    /// Description of the finding.
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

/// Code of a batch that was hashed under another name of its stage, which no one has accepted.
pub(super) const RENAMED: &str = "chain.renamed";

/// Maximum number of findings that are listed; all are counted.
const LISTED: usize = 100;

/// Report of a verification.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Number of batches that were verified.
    pub batches: u64,
    /// Number of entries that were verified.
    pub entries: u64,
    /// Number of rows that were compared with the ledger, over all databases.
    pub rows: u64,
    /// Number of images that were compared with their commitments.
    pub images: u64,
    /// Number of signed checkpoints that were compared with the ledger.
    pub checkpoints: u64,
    /// Whether there are checkpoints whose signatures were not checked, because there was no key.
    pub keyless: bool,
    /// Up to which batch the store is signed; `None` when nothing is signed.
    pub signed: Option<SignedUpTo>,
    /// Size of the tree after the last batch.
    pub tree_size: u64,
    /// Root of the tree after the last batch, in hexadecimal.
    pub tree_root: String,
    /// Golden records that were made again; `None` if that was not requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remade: Option<Remade>,
    /// Windows that were compared with their readings; `None` if that was not requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<InputsVerified>,
    /// Number of problems.
    pub problems: u64,
    /// First hundred problems.
    pub findings: Vec<Finding>,
    /// Batches that were hashed under another name of their stage than the ledger keeps, as far as that was accepted
    /// ([`accept_renamed`](crate::checkpoint::accept_renamed)): a remark, not a problem.
    pub renamed: Vec<AcceptedName>,
    /// Number of problems that are such batches without acceptance.
    pub unaccepted: u64,
    /// Whether everything that was requested was verified.
    pub complete: bool,
}

/// Golden records that were made again from their members, and those that were not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Remade {
    /// Number of golden records that were made again, and compared with what the merge left.
    pub golden: u64,
    /// Number of those of which a member has changed since, or was refused: they wait for the next `apply`.
    pub waiting: u64,
    /// Number of those whose stage a program has built: the ledger's text does not define it.
    pub unknown: u64,
}

/// Windows that were compared with their readings, and those that were not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct InputsVerified {
    /// Number of windows that have exactly the readings that they were made of.
    pub windows: u64,
    /// Number of these readings.
    pub readings: u64,
    /// Number of windows whose readings were written since: they wait for the next `apply`.
    pub waiting: u64,
    /// Number of stages that a program has built: the ledger's text does not define them.
    pub unknown: u64,
}

impl VerifyReport {
    /// Returns whether everything was verified and nothing is wrong.
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
        self.remade = self.remade.or(other.remade);
        self.inputs = self.inputs.or(other.inputs);
        self.problems += other.problems;
        self.complete &= other.complete;
        self.findings.extend(other.findings);
        self.findings.truncate(LISTED);
    }
}

//! The parts of a proof, and the reasons why a text proves nothing.

use crate::digest::{Hash, Salt};
use crate::note::BadNote;

/// A leaf with its path to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Included {
    /// Text of the leaf.
    pub text: String,
    /// Index of the leaf in the tree.
    pub index: u64,
    /// Sibling hashes on the path to the root, lowest first.
    pub path: Vec<Hash>,
}

/// Selects one of an entry's commitments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// The source record.
    Input,
    /// The row before.
    Before,
    /// The row after.
    After,
}

impl Which {
    pub(super) const ALL: [Self; 3] = [Self::Input, Self::Before, Self::After];

    /// Returns its word in a proof.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Before => "before",
            Self::After => "after",
        }
    }

    /// Returns the index of the commitment in an entry's leaf.
    pub(super) fn place(self) -> usize {
        match self {
            Self::Input => 6,
            Self::Before => 7,
            Self::After => 8,
        }
    }
}

/// Input of a commitment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The commitment that is opened.
    pub which: Which,
    /// Salt of the record.
    pub salt: Salt,
    /// Id of the record.
    pub id: String,
    /// Data of the record.
    pub data: String,
}

/// The readings of a window in one block of record numbers: their commitments, in order of the numbers.
pub type BlockReadings = Vec<Hash>;

/// Why a text proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotProved {
    /// The text is not a proof.
    #[error("this is not a proof: {0}")]
    Form(String),
    /// The checkpoint is not valid.
    #[error("the checkpoint is not valid: {0}")]
    Checkpoint(BadNote),
    /// The leaf is not in the tree that was signed.
    #[error("the {0} is not in the ledger that was signed: it, its place or its path was changed")]
    NotIncluded(&'static str),
    /// The entry is not one of the batch.
    #[error("the entry and the header do not belong to the same batch")]
    OtherBatch,
    /// The disclosed record is not what the entry commits to.
    #[error("the disclosed record is not the one in the ledger: the record, its id or its salt was changed")]
    Opening,
    /// The listed readings are not those that the entry says.
    #[error("the listed readings are not those in the ledger: one was changed, added or left out")]
    Readings,
    /// The newer ledger does not extend the older one.
    #[error("the newer ledger does not extend the older one")]
    Inconsistent,
}

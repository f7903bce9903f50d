//! What a proof is made of, and why a text proves nothing.

use crate::digest::{Hash, Salt};
use crate::note::BadNote;

/// A leaf with its path to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Included {
    /// The text of the leaf.
    pub text: String,
    /// Its place in the tree.
    pub index: u64,
    /// The hashes beside the way to the root, lowest first.
    pub path: Vec<Hash>,
}

/// Which of an entry's commitments is opened.
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

    /// Its word in a proof.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Before => "before",
            Self::After => "after",
        }
    }

    /// Where the commitment stands in an entry's leaf.
    pub(super) fn place(self) -> usize {
        match self {
            Self::Input => 6,
            Self::Before => 7,
            Self::After => 8,
        }
    }
}

/// What a commitment was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Which commitment.
    pub which: Which,
    /// The record's salt.
    pub salt: Salt,
    /// The record's id.
    pub id: String,
    /// Its data.
    pub data: String,
}

/// Why a text proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotProved {
    /// It is no proof.
    #[error("this is not a proof: {0}")]
    Form(String),
    /// The checkpoint does not hold.
    #[error("the checkpoint is not valid: {0}")]
    Checkpoint(BadNote),
    /// The leaf is not in the tree that was signed.
    #[error("the {0} is not in the ledger that was signed: it, its place or its path was changed")]
    NotIncluded(&'static str),
    /// The entry is not one of the batch.
    #[error("the entry and the header do not belong to the same batch")]
    OtherBatch,
    /// What is disclosed is not what the entry commits to.
    #[error("the disclosed record is not the one in the ledger: the record, its id or its salt was changed")]
    Opening,
    /// The newer ledger does not extend the older one.
    #[error("the newer ledger does not extend the older one")]
    Inconsistent,
}

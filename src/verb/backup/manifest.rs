//! The list of what a backup holds.

use crate::record::BatchId;

/// The file that lists the others.
pub const MANIFEST: &str = "backup.json";
/// What the manifest begins with; another text is another format.
pub(super) const FORMAT: &str = "counterfoil-backup-1";
/// A list of files is never longer than this.
pub(super) const LONGEST: u64 = 16 << 20;
/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    pub(super) format: String,
    /// The ledger: the uuid of its first run.
    pub origin: String,
    /// Its newest batch.
    pub batches: BatchId,
    /// The size of its tree.
    pub tree_size: u64,
    /// The root of its tree, in hexadecimal.
    pub tree_root: String,
    /// When the backup was made, in microseconds since 1970.
    pub at_us: i64,
    /// The store's file.
    pub store: String,
    /// Every file, the store's first.
    pub files: Vec<BackedUp>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct BackedUp {
    /// Its name, relative to the backup's folder.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

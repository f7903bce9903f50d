//! The manifest of a backup: the list of its files.

use crate::record::BatchId;

/// Name of the file that lists the others.
pub const MANIFEST: &str = "backup.json";
/// Format that the manifest declares; another value means another format.
pub(super) const FORMAT: &str = "counterfoil-backup-1";
/// Maximum size of a manifest in bytes.
pub(super) const LONGEST: u64 = 16 << 20;
/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    pub(super) format: String,
    /// Identity of the ledger: the UUID of its first run.
    pub origin: String,
    /// Newest batch of the ledger.
    pub batches: BatchId,
    /// Size of the ledger's tree.
    pub tree_size: u64,
    /// Root of the ledger's tree, in hexadecimal.
    pub tree_root: String,
    /// Time of the backup, in microseconds since 1970.
    pub at_us: i64,
    /// Name of the store's file.
    pub store: String,
    /// Every file of the backup, the store first.
    pub files: Vec<BackedUp>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct BackedUp {
    /// Name of the file, relative to the backup's folder.
    pub name: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

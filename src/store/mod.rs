//! The store: the SQLite file that holds the logical databases and the ledger.

mod answers;
pub(crate) mod checkpoints;
mod copy;
mod ddl;
pub(crate) mod derived;
mod foreign;
mod header;
mod keys;
mod lock;
mod memory;
pub(crate) mod objects;
mod open;
mod open_in_memory;
mod opened;
mod options;
mod overlay;
pub(crate) mod overlay_rows;
mod packed;
mod row_view;
mod salted;
pub(crate) mod schema;
mod scratch;
mod sorter;
mod spilled;
mod table;

use std::fs::OpenOptions;
use std::path::Path;

pub use checkpoints::SignedUpTo;

pub use crate::error::{Contradiction, SchemaDifference, SqliteFailure};
pub(crate) use answers::{Answer, FieldKeys, LookupIndex};
pub(crate) use keys::RuleKeyTable;
pub(crate) use lock::StoreLock;
pub(crate) use open::OpenedFile;
pub use opened::Store;
pub use options::StoreOptions;
pub(crate) use overlay::Overlay;
pub(crate) use packed::{PackedRows, RowRef};
pub(crate) use salted::Salted;
pub use sorter::Sorter;
pub(crate) use spilled::SpilledPages;
pub(crate) use table::Table;

/// Makes a file beside the store if there is none, with the store's permissions: who may write the one may write the
/// other, and nobody else.
fn make_side_file(store: &Path, path: &Path) -> std::io::Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    match made {
        #[cfg(unix)]
        Ok(file) => {
            use std::os::unix::fs::PermissionsExt as _;
            let of_store = std::fs::metadata(store).map_or(0o600, |metadata| metadata.permissions().mode());
            // Restores permissions that this process's umask would remove.
            file.set_permissions(std::fs::Permissions::from_mode(of_store & 0o666))
        }
        #[cfg(not(unix))]
        Ok(_) => Ok(drop(store)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

//! The store: the SQLite file that holds the logical databases and the ledger.

pub(crate) mod checkpoints;
mod keys;
mod lock;
mod open;
mod overlay;
mod table;

pub use crate::error::Contradiction;
pub(crate) use keys::Keys;
pub(crate) use lock::StoreLock;
pub use open::{Store, StoreOptions};
pub(crate) use overlay::Overlay;
pub(crate) use table::{Salted, Table};

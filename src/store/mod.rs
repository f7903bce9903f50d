//! The store: the SQLite file that holds the logical databases and the ledger.

mod lock;
mod open;
mod table;

pub(crate) use lock::StoreLock;
pub use open::{Store, StoreOptions};
pub(crate) use table::{Salted, Table};

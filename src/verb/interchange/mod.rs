//! What other tools read of a store: runs as `OpenLineage` events, the life of a record as PROV-JSON.
//!
//! Neither has a value of a record: names of databases and fields, ids, numbers, counts, times and hashes. The same ledger
//! always gives the same bytes.

mod dataset;
mod openlineage;
mod prov;
mod terms;

pub use openlineage::{OpenLineage, OpenLineageOptions};
pub use prov::PROV_SECTIONS;

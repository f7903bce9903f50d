//! Exports for other tools: runs as `OpenLineage` events, the history of a record as PROV-JSON.
//!
//! Neither contains a value of a record, only names of databases and fields, ids, numbers, counts, times and hashes.
//! The same ledger always gives the same bytes.

mod dataset;
mod openlineage;
mod prov;
mod terms;

pub use openlineage::{OpenLineage, OpenLineageOptions};
pub use prov::PROV_SECTIONS;

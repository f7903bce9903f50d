//! What other tools read of a store: runs as `OpenLineage` events, the life of a record as PROV-JSON.
//!
//! Neither has a value of a record: names of databases and fields, ids, numbers, counts, times and hashes. The same ledger
//! always gives the same bytes.

mod dataset;
mod openlineage;
mod prov;

pub use openlineage::{OpenLineage, OpenLineageOptions, openlineage};
pub use prov::{PROV_SECTIONS, each_prov, prov};

/// The name of this program and its version, as a URI.
const PRODUCER: &str = concat!("urn:counterfoil:", env!("CARGO_PKG_VERSION"));

/// The outcomes of a run's part of a pass.
fn counts(counts: &crate::ledger::Counts) -> serde_json::Value {
    serde_json::to_value(counts).expect("counts are plain numbers")
}

/// A time of the ledger as RFC 3339 has it, to the microsecond.
fn time(us: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(us).unwrap_or_default();
    time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

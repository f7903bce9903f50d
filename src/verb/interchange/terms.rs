//! What every format says in the same way.

use crate::ledger::Counts;

/// The name of this program and its version, as a URI.
pub(super) const PRODUCER: &str = concat!("urn:counterfoil:", env!("CARGO_PKG_VERSION"));

/// The outcomes of a run's part of a pass.
pub(super) fn counts(counts: &Counts) -> serde_json::Value {
    serde_json::to_value(counts).expect("counts are plain numbers")
}

/// A time of the ledger as RFC 3339 has it, to the microsecond.
pub(super) fn time(us: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(us).unwrap_or_default();
    time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

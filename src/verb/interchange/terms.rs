//! Terms that all formats share.

use crate::ledger::Counts;

/// Name and version of this program, as a URI.
pub(super) const PRODUCER: &str = concat!("urn:counterfoil:", env!("CARGO_PKG_VERSION"));

/// Returns the outcomes of a run's part of a pass.
pub(super) fn counts(counts: &Counts) -> serde_json::Value {
    serde_json::to_value(counts).expect("counts are plain numbers")
}

/// Formats a time of the ledger by RFC 3339, to the microsecond.
pub(super) fn time(us: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(us).unwrap_or_default();
    time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

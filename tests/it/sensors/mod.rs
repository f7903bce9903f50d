//! Stages that aggregate: windows of readings, and totals. Late and corrected readings reopen their windows. The windows of the
//! sample were computed in rational numbers by `benches/sensors/exact.py`, which shares nothing with the program.

mod advice;
mod by_hand;
mod held;
mod hostile;
#[cfg(unix)]
mod kills;
mod late;
mod law;
mod mistakes;
mod proofs;
mod reconcile;
mod resumed;
mod same_bytes;
#[cfg(unix)]
mod sample;
mod told;
#[cfg(unix)]
mod weather;

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// Windows by sensor and beginning.
type ByWindow = BTreeMap<(String, String), Json>;

fn parsed(lines: &[impl AsRef<str>]) -> ByWindow {
    let windows = lines.iter().map(|line| {
        let window: Json = serde_json::from_str(line.as_ref()).expect("a window");
        let start = window["window"].as_str().expect("a beginning").to_owned();
        ((plain(&window["sensor_id"]), start), window)
    });
    windows.collect()
}

/// A value as text, without the quotes of a string.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A number, which may be in a string; `None` for null and for what the record does not have.
fn number(value: &Json) -> Option<f64> {
    match value {
        Json::Null => None,
        value => Some(plain(value).parse().expect("a number")),
    }
}

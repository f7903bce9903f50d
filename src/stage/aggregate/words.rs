//! The words of `[aggregate]`, with what they mean: parser, meaning and JSON Schema use the same lists.

use super::compiled::Late;
use super::draft::{EmptyWord, RuleWord};

pub(super) const ALIGN: [(&str, bool); 1] = [("day", true)];
/// The only value; the other end comes later.
pub(super) const CLOSED: [(&str, ()); 1] = [("left", ())];
/// Whether the label is the end of the window.
pub(super) const LABEL: [(&str, bool); 2] = [("left", false), ("right", true)];
pub(super) const EMPTY: [(&str, EmptyWord); 2] = [("emit", EmptyWord::Emit), ("skip", EmptyWord::Skip)];
pub(super) const LATE: [(&str, Late); 3] = [
    ("reopen", Late::Reopen),
    ("refuse", Late::Refuse),
    ("leave", Late::Leave),
];
pub(super) const RULE: [(&str, RuleWord); 2] = [("z", RuleWord::Z), ("outside", RuleWord::Outside)];
/// Whether values are decimals in strings.
pub(super) const VALUES: [(&str, bool); 2] = [("number", false), ("text", true)];
/// The only rule; `interpolate` comes later.
pub(super) const FILL: [(&str, ()); 1] = [("carry", ())];

/// The measures; `p` and a number of percent is one too.
pub(super) const TAKES: [&str; 13] = [
    "count", "sum", "mean", "min", "max", "std", "var", "median", "first", "last", "distinct", "range",
    "delta",
];
/// The measures over several windows.
pub(super) const ROLLING_TAKES: [&str; 8] = ["count", "sum", "mean", "min", "max", "std", "var", "range"];

/// The keys of `[aggregate]` and of its tables.
pub(super) const KEYS: [&str; 23] = [
    "by",
    "time",
    "every",
    "zone",
    "origin",
    "align",
    "closed",
    "label",
    "name",
    "end",
    "local",
    "rows",
    "empty",
    "gap",
    "late",
    "closed_after",
    "hold",
    "memory",
    "measures",
    "fill",
    "rolling",
    "anomaly",
    "fields",
];
pub(super) const TIME_KEYS: [&str; 3] = ["path", "formats", "zone"];
pub(super) const MEASURE_KEYS: [&str; 6] = ["as", "take", "digits", "places", "exact", "values"];
pub(super) const LIST_KEYS: [&str; 3] = ["list", "order", "limit"];
pub(super) const FILL_KEYS: [&str; 3] = ["with", "limit", "value"];
pub(super) const ROLLING_KEYS: [&str; 7] = ["of", "over", "take", "as", "min_periods", "digits", "places"];
pub(super) const ANOMALY_KEYS: [&str; 10] = [
    "name",
    "of",
    "over",
    "k",
    "min_periods",
    "min_deviation",
    "rule",
    "min",
    "max",
    "score",
];

/// Returns the word of a value.
pub(super) fn word_of<T: Copy + PartialEq>(words: &[(&'static str, T)], wanted: T) -> &'static str {
    let found = words.iter().find(|(_, value)| *value == wanted);
    found.map_or("", |(word, _)| word)
}

/// Returns the measure that other programs call so.
pub(super) fn other_take(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "avg" | "average" => "mean",
        "stddev" | "stdev" | "stddev_samp" | "sd" => "std",
        "variance" | "var_samp" => "var",
        "nunique" | "count_distinct" | "unique" => "distinct",
        "total" => "sum",
        "minimum" => "min",
        "maximum" => "max",
        "n" | "size" => "count",
        "q50" | "p50" => "median",
        "spread" => "range",
        "earliest" => "first",
        "latest" => "last",
        _ => return None,
    })
}

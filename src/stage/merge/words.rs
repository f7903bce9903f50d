//! The words of `[merge]`, with what they mean: parser, meaning and JSON Schema use the same lists.

use crate::matching::{Caution, Join, Role, Then};

pub(super) const ROLE: [(&str, Role); 4] = [
    ("identity", Role::Identity),
    ("shared", Role::Shared),
    ("unique", Role::Unique),
    ("hint", Role::Hint),
];
pub(super) const CAUTION: [(&str, Caution); 3] = [
    ("high", Caution::High),
    ("low", Caution::Low),
    ("none", Caution::None),
];
pub(super) const JOIN: [(&str, Join); 3] = [("mean", Join::Mean), ("all", Join::All), ("any", Join::Any)];
pub(super) const THEN: [(&str, Then); 2] = [("never", Then::Never), ("review", Then::Review)];
/// Whether the weights are given.
pub(super) const LEARN: [(&str, bool); 2] = [("em", false), ("given", true)];
/// The only value, written for the reader.
pub(super) const SEQUENCE: [(&str, ()); 1] = [("neutral", ())];

/// The keys of `[merge]` and of its tables.
pub(super) const KEYS: [&str; 18] = [
    "by", "identity", "shared", "learn", "classes", "caution", "auto", "review", "prior", "sequence",
    "field", "group", "block", "conflict", "weight", "cluster", "survive", "limits",
];
pub(super) const FIELD_KEYS: [&str; 10] = [
    "name",
    "value",
    "kind",
    "compare",
    "function",
    "version",
    "levels",
    "swap",
    "frequency",
    "role",
];
pub(super) const GROUP_KEYS: [&str; 2] = ["name", "levels"];
pub(super) const BLOCK_KEYS: [&str; 3] = ["key", "limit", "refine"];
pub(super) const CONFLICT_KEYS: [&str; 3] = ["name", "when", "then"];
pub(super) const WEIGHT_KEYS: [&str; 2] = ["of", "bits"];
pub(super) const CLUSTER_KEYS: [&str; 3] = ["join", "max", "one_per"];
pub(super) const LIMIT_KEYS: [&str; 2] = ["pairs", "memory"];
pub(super) const SURVIVE_KEYS: [&str; 6] = ["by", "of", "order", "whole", "function", "version"];

//! What the tests stand on.

pub(crate) mod browser;
pub(crate) mod child;
pub(crate) mod command;
pub(crate) mod comparison;
pub(crate) mod fault;
pub(crate) mod invariants;
#[cfg(feature = "cli")]
pub(crate) mod project;
pub(crate) mod scenario;
pub(crate) mod steps;

/// Whether every point, round and kill was asked for, instead of the everyday selection.
pub(crate) fn all_wanted() -> bool {
    std::env::var("COUNTERFOIL_FAULTS").is_ok_and(|wish| wish == "all")
}

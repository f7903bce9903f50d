//! What the tests stand on.

pub(crate) mod browser;
pub(crate) mod child;
pub(crate) mod clerk;
pub(crate) mod comparison;
pub(crate) mod contrast;
#[cfg(unix)]
pub(crate) mod devtools;
pub(crate) mod fault;
pub(crate) mod histories;
pub(crate) mod invariants;
pub(crate) mod people;
pub(crate) mod random;
pub(crate) mod scenario;
pub(crate) mod sensors;
pub(crate) mod steps;
pub(crate) mod world;

/// Whether every point, round and kill was asked for, instead of the everyday selection.
pub(crate) fn all_wanted() -> bool {
    std::env::var("COUNTERFOIL_FAULTS").is_ok_and(|wish| wish == "all")
}

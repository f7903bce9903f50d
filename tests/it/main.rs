//! The tests of Counterfoil's promises, one module each, in one binary.

mod decimal_conformance;
mod engine;
#[cfg(unix)]
mod faults;
mod increments;
mod layers;
mod ledger_format;
mod model;
mod support;

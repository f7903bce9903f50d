//! The tests of Counterfoil's promises, one module each, in one binary.

mod api;
mod audit;
mod command;
mod decimal_conformance;
mod engine;
mod examples;
#[cfg(unix)]
mod faults;
mod increments;
mod layers;
mod ledger_format;
mod model;
mod projects;
mod readme;
mod support;

//! The tests of Counterfoil's promises, one module each, in one binary.

// Tests are written to be read as promises; the stricter lints are for the code that keeps them.
#![allow(clippy::pedantic)]

mod api;
mod audit;
#[cfg(unix)]
mod backups;
#[cfg(unix)]
mod bounds;
mod command;
mod contracts;
#[cfg(unix)]
mod cosmetic;
mod counts;
mod csv_exchange;
mod dates;
mod decimal_conformance;
mod dependencies;
#[cfg(unix)]
mod empty_source;
mod engine;
mod envelopes;
mod evidence;
mod examples;
mod face;
#[cfg(unix)]
mod faults;
#[cfg(unix)]
mod febrl;
mod forced_back;
mod format;
mod fuzz;
#[cfg(unix)]
mod guarded;
#[cfg(unix)]
mod hidden_ids;
mod hints;
#[cfg(unix)]
mod hospital;
mod hostile_shown;
mod increments;
mod interchange;
mod layers;
mod ledger_format;
mod life;
mod loads;
mod lookups;
mod masked_loads;
mod merges;
mod model;
mod numbers;
mod old_language;
mod old_stores;
#[cfg(unix)]
mod one_stage_back;
#[cfg(unix)]
mod owners;
#[cfg(unix)]
mod places;
mod plan;
mod progress;
mod projects;
mod random_ids;
mod readme;
mod redacted_shapes;
mod report;
mod review;
#[cfg(unix)]
mod review_page;
mod sensors;
mod steps;
mod support;
mod time_of_commands;
mod traces;
mod typed_cells;
mod wrapped_inputs;

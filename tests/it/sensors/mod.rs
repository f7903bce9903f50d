//! Stages that aggregate: windows of readings, and totals.

mod law;
mod reconcile;

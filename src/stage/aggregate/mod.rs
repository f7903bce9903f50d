//! `[aggregate]`: readings become windows, or lines become totals.
//!
//! This part knows what a stage says about its aggregate, what of a reading is measured, and how a window is written.
//! `aggregate/` measures.

mod advice;
mod build;
mod charted;
mod compile;
mod compile_measures;
mod compile_series;
mod compile_windows;
mod compiled;
mod draft;
mod exclusions;
mod group;
mod lineage;
mod meaning;
mod named;
mod plan;
mod present;
mod pure;
mod read;
mod read_measures;
mod read_series;
mod read_values;
mod reading;
mod reconciled;
mod refused;
mod schema;
mod window;
mod words;

pub(super) use advice::ShownValue;
pub use build::{AggregateAnomaly, AggregateBuilder, AggregateMeasure, AggregateRolling};
pub(crate) use charted::Charted;
pub use compiled::Aggregate;
pub(crate) use compiled::Late;
pub(super) use exclusions::exclusions;
pub(crate) use present::Present;
pub(super) use read::read;
pub(crate) use reading::Reading;
pub(crate) use reconciled::{READINGS, SummedField};
pub(super) use schema::schema;
pub(crate) use window::WindowRow;

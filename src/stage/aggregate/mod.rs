//! `[aggregate]`: readings become windows, or lines become totals.
//!
//! This part knows what a stage says about its aggregate, what of a reading is measured, and how a window is written.
//! `aggregate/` measures.

mod compiled;
mod reading;
mod reconciled;
mod window;

pub use compiled::Aggregate;
pub(crate) use compiled::Late;
pub(crate) use reading::Reading;
pub(crate) use reconciled::{READINGS, SummedField};
pub(crate) use window::{RefusedWindow, WindowRow};

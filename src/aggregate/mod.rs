//! Windows over readings: which window an instant is in, exact measures of many numbers, and what follows from one window
//! to the next. Works on numbers and texts, without documents; nothing here is a float.

mod day;
mod every;
mod exact;
mod measure;
mod partial;
mod series;
mod time;
mod windows;

pub(crate) use every::{Every, Unit};
pub(crate) use exact::Exact;
pub(crate) use measure::{Measure, Order, Rounded, Take};
pub(crate) use partial::{Measurement, Partial, Rejected, TooMany};
pub(crate) use series::{
    Anomaly, Empty, Fill, FillWith, LookBack, Measured, Over, Rolling, Rule, Series, SeriesRules, Shown,
};
pub(crate) use time::TimeReader;
pub(crate) use windows::Windows;

//! Exact decimals of any length, and what is calculated of many: sums, means, deviations. Each result is rounded once.

mod decimal;
mod moments;
mod rounding;
mod whole;

#[cfg(test)]
pub(in crate::aggregate) mod tests;

pub(crate) use decimal::Exact;
pub(crate) use moments::Moments;
pub(crate) use rounding::quotient;
pub(crate) use whole::{Whole, power};

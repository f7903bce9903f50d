//! Matching as a whole.

mod clusters;
mod people;
mod same_bytes;
mod small_sets;

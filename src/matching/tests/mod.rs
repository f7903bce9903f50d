//! Matching as a whole.

mod clusters;
mod limits;
mod people;
mod same_bytes;
mod small_sets;

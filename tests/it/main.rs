//! The tests of Counterfoil's promises, one module each, in one binary.

#[cfg(unix)]
mod faults;
mod support;

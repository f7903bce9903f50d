//! Faults to survive; `tests/faults/README.md` says which, how, and what must hold after each.

pub(crate) mod crash;
mod disk;
mod expressions;
mod injection;
mod input;
mod numbers;
mod power;
mod repetition;

// These ask for exit codes and messages, so that they need the command itself.
#[cfg(feature = "cli")]
mod locks;
#[cfg(feature = "cli")]
mod names;
#[cfg(feature = "cli")]
mod signals;
#[cfg(feature = "cli")]
mod sizes;
#[cfg(feature = "cli")]
mod stage_files;

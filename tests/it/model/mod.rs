//! Random histories against a naive model.
//!
//! The law: whatever was loaded, corrected, deleted, changed by hand, applied, interrupted, stopped at its limit of errors,
//! revised, retried, waived and rolled back, in any order and with batches of any size,
//! - the next `apply` ends, and the one after it finds nothing to do;
//! - every target is then what the stages make of their sources from scratch, or `deviations` names exactly the rows that
//!   are not (`scratch.rs` computes what they make: maps and loops, no ledger, no pass and no increment);
//! - the outcomes of every batch add up, the ledger is sound by its own hashes, and the data is what it says;
//! - a plan tells beforehand what an apply does: the same outcomes of every stage;
//! - what a rollback refuses, it refuses before anything is written; what it leaves as it is, with `skip`, `merge` or `force`,
//!   it has told beforehand; and rolling back the newest run gives what was there before it;
//! - after everything is rolled back the sources are as before, byte for byte, the targets are empty, and applying again
//!   gives the same again.
//!
//! After every step the store is copied, the copy is brought up to date, and the law is asked of it.
//!
//! Some dozens of cases every day; `COUNTERFOIL_MODEL_CASES` asks for more, `COUNTERFOIL_MODEL_LAYOUT` for one arrangement of stages.
//! That the law can be broken is shown by building with a fault: `RUSTFLAGS='--cfg counterfoil_fault="waiting"'` makes it
//! fail within a few dozen cases; `"overtaken"` is rarer, and found by `places.rs`.

mod beyond_conflicts;
mod history;
mod law;
mod regressions;
mod scratch;
mod watching;

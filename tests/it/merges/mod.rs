//! Merge stages: several records become one golden record, and every promise of the ledger holds for it.

mod law;
mod story;

//! The verbs of review: list the pairs of a merge that wait for a person, compare them field by field, and decide them.
//! A queue is not a separate table but a view over the ledger: the newest entries of the members list the pairs, less
//! those that a standing decision settles. A decision is an entry too, which every later pass of the stage honours.

mod compared;
mod decide;
mod pair;
mod queue;
mod unmerge;

pub use compared::{ComparedField, ComparedMember, ComparedPair, OtherField};
pub use decide::{DecisionReport, MAX_NOTE_BYTES, RefusedDecision, decide};
pub use pair::{Decision, PairDecision, PairNote, QueuedPair, Side};
pub use queue::QueueFilter;
pub use unmerge::{Unmerge, UnmergeConflict, UnmergeOptions, UnmergeReport, unmerge};

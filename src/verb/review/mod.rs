//! The verbs of review: list the pairs of a merge that wait for a person, compare them field by field, and decide them.
//! A queue is not a separate table but a view over the ledger: the newest entries of the members list the pairs, less
//! those that a standing decision settles. A decision is an entry too, which every later pass of the stage honours.

mod bad_lines;
mod calibration;
mod compare;
mod compared;
mod comparing;
mod decide;
mod deciding;
mod decision;
mod estimate;
mod explained;
mod figures;
mod page;
mod pair;
mod queue;
#[cfg(test)]
mod samples;
mod sampling;
mod sheet;
mod strata;
mod unmerge;
mod values;
mod why;

pub use calibration::{Calibration, Estimate, LabelledSample, LabelledStratum, LineTried};
pub use compare::reveal;
pub use compared::{ComparedField, ComparedMember, ComparedPair, OtherField};
pub use decide::decide;
pub use decision::{DecisionReport, MAX_NOTE_BYTES, RefusedDecision, ReplacedDecision};
pub use explained::{ExplainedRecord, NearPair};
pub use figures::{Share, Tenths};
pub use page::{PageMode, PageOptions, page};
pub use pair::{Decision, PairDecision, PairName, PairNote, QueuedPair, Side};
pub use queue::QueueFilter;
pub use sampling::{PairSample, SampledStratum};
pub use sheet::{SheetRow, read_sheet, write_sheet};
pub use unmerge::{Unmerge, UnmergeConflict, UnmergeOptions, UnmergeReport, unmerge};

//! The engine beneath the verbs: what to do next ([`decide`]), the batches that do it ([`each`]), and where they go
//! ([`sink`]: a [`Run`] commits them, a plan overlays them on the store).

mod aggregate;
mod ahead;
mod batches;
mod bounds;
mod claims;
mod cores;
mod decide;
mod drift;
mod each;
mod fate;
mod foreseen;
mod item;
mod items;
mod limits;
mod lookups;
mod merge;
mod pass;
mod pipeline;
mod place;
mod prepared;
mod reader;
pub(crate) mod reconcile;
mod run;
mod set_rules;
mod sink;
mod stage_pass;
mod stopped;
mod transformed;
mod unfinished;

pub use bounds::Stopped;
pub use run::RunInfo;
pub use stage_pass::PassReport;
pub use unfinished::UnfinishedPass;

pub(crate) use unfinished::{name_running, reading_options, unfinished_in, writing_options};

pub(crate) use aggregate::{ReadingFate, Sorted, Sorting, Waiting, WindowInputs};
pub(crate) use batches::StageBatches;
pub(crate) use bounds::Bounds;
pub(crate) use claims::Claims;
pub(crate) use cores::in_portions;
pub(crate) use decide::{
    Due, Facts, Increment, LedgerFacts, Next, RetryItem, Work, is_overtaken, next, retries,
};
pub(crate) use drift::check_drift;
pub(crate) use each::Beginning;
pub(crate) use foreseen::{Foreseen, ForeseenPlaces, PlannedRows};
pub(crate) use item::{Home, TargetRow};
pub(crate) use items::source_as_read;
pub(crate) use limits::PassLimits;
pub(crate) use lookups::{Answers, looking_up};
pub(crate) use merge::decided::{refuse_contradiction, versions};
pub(crate) use merge::{MergeAsJudged, golden, is_member};
pub(crate) use pass::Pass;
pub(crate) use pipeline::{BATCH_BYTES, Producer, drive, drive_to_end};
pub(crate) use prepared::{PreparedTarget, shape_for_writing};
pub(crate) use reader::ReadConnection;
pub(crate) use run::Run;
pub(crate) use sink::Sink;
pub(crate) use stage_pass::{end_retries_of_many, run_pass, supersede};
pub(crate) use stopped::StoppedStages;

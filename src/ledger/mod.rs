//! The ledger: append-only, committed together with the data, verifiable with stock tools.

pub(crate) mod absences;
pub(crate) mod aggregated;
pub(crate) mod append;
pub(crate) mod by_hand;
pub(crate) mod chain;
pub(crate) mod checkpoint;
pub(crate) mod cross_reference;
pub(crate) mod decisions;
mod entry;
pub(crate) mod golden;
pub(crate) mod head;
mod ids;
pub(crate) mod image;
pub(crate) mod leaves;
pub(crate) mod life;
pub(crate) mod lookups;
mod match_figures;
pub(crate) mod member_of;
pub(crate) mod members;
pub(crate) mod merged;
pub(crate) mod open;
pub(crate) mod origins;
pub(crate) mod out;
pub(crate) mod past;
pub(crate) mod placed;
pub(crate) mod places;
pub(crate) mod processed;
pub(crate) mod proof;
pub(crate) mod quarantine;
pub(crate) mod read;
pub(crate) mod readings;
pub(crate) mod reconciled;
pub(crate) mod refusals;
pub(crate) mod refused_lines;
pub(crate) mod refusers;
pub(crate) mod renamed;
pub(crate) mod review;
pub(crate) mod revisions;
pub(crate) mod row_entries;
pub(crate) mod rows;
pub(crate) mod run_outcome;
pub(crate) mod run_record;
pub(crate) mod runs;
pub(crate) mod seal;
pub(crate) mod selection;
pub(crate) mod since;
pub(crate) mod sql;
pub(crate) mod stage_history;
pub(crate) mod stage_input;
mod state;
mod tree;
pub(crate) mod undone;
pub(crate) mod versions;
pub(crate) mod windows;

pub use aggregated::{AggregateOutcome, ReadingCounts, WindowFigures};
pub use checkpoint::Checkpoint;
pub use entry::Counts;
pub use head::PassKind;
pub use match_figures::{AbsentValue, KeyPairs, MatchFigures, ScoreBar, ScoreLine, ScoreLines, ScoredPair};
pub use merged::{Matching, MergeOutcome, ReviewQueue, SourceWins};
pub use renamed::{AcceptedName, Renamed};
pub use state::StageState;

pub(crate) use entry::{
    Batch, BatchKind, Change, Entry, EntryOutcome, Image, ImageKind, NewRecord, RECORD_BYTES, Sealed,
    TableChange,
};
pub(crate) use head::{Head, PassRow, RunRow, StageRow, header_text};
pub(crate) use image::{
    apply_patch, before_image, id_in, row_before, row_in, undo_fields, whole, whole_record,
};
pub(crate) use match_figures::{many, part};
pub(crate) use stage_history::StageHistory;
pub(crate) use state::{PassState, StageEvent, next_pass, next_stage};
pub(crate) use tree::{Frontier, leaf_hash};

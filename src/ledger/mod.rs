//! The ledger: append-only, committed together with the data, verifiable with stock tools.

pub(crate) mod append;
pub(crate) mod carried;
pub(crate) mod checkpoint;
mod entry;
pub(crate) mod feed;
mod head;
mod image;
pub(crate) mod leaves;
pub(crate) mod open;
pub(crate) mod out;
pub(crate) mod past;
pub(crate) mod places;
pub(crate) mod proof;
pub(crate) mod read;
pub(crate) mod reconciled;
pub(crate) mod renamed;
pub(crate) mod rows;
pub(crate) mod runs;
pub(crate) mod selection;
pub(crate) mod sql;
pub(crate) mod stage_history;
mod state;
mod tree;

pub use checkpoint::Checkpoint;
pub use entry::Counts;
pub use head::PassKind;
pub use renamed::{AcceptedName, Renamed};
pub use state::StageState;

pub(crate) use entry::{
    Batch, Change, Entry, EntryOutcome, Image, ImageKind, NewRecord, RECORD_BYTES, Sealed, Shape, Step,
};
pub(crate) use head::{Head, PassRow, RunRow, StageRow, header_text};
pub(crate) use image::{
    apply_patch, before_image, id_in, row_before, row_in, undo_fields, whole, whole_record,
};
pub(crate) use stage_history::StageHistory;
pub(crate) use state::{PassState, StageEvent, next_pass, next_stage};
pub(crate) use tree::{Frontier, leaf_hash};

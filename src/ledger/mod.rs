//! The ledger: append-only, committed together with the data, verifiable with stock tools.

pub(crate) mod append;
mod entry;
pub(crate) mod feed;
mod head;
mod image;
pub(crate) mod read;
mod state;
mod tree;

pub use entry::{
    Batch, Change, Counts, Entry, EntryOutcome, Image, ImageKind, NewRecord, Sealed, Shape, Step,
};
pub use head::{Head, PassKind, PassRow, RunRow, StageRow, header_text};
pub use image::{apply_patch, before_image, split_whole, undo_fields, whole};
pub use state::{PassState, StageEvent, StageState, next_pass, next_stage};
pub use tree::{Frontier, leaf_hash};

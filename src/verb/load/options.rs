//! How to load.

use crate::engine::RunInfo;
use crate::input::{Cells, Format};
use crate::observe::StopSignal;
use crate::path::Path;

/// How to load.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own, with yes or no"
)]
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The top-level field that holds the id.
    pub id_field: String,
    /// How the records lie in the bytes; `None`: guessed from the input's name and first bytes.
    pub format: Option<Format>,
    /// How the cells of a CSV are read, and what becomes of them where records have other values than texts.
    pub cells: Cells,
    /// Where the list of records stands in a JSON object, as a JSON Pointer.
    pub records: Option<String>,
    /// Whether each record stands in an envelope with its id, as `export --with-id` writes it.
    pub with_id: bool,
    /// Write over a record that exists with other data; its before image is kept. Otherwise it is refused
    /// (`load.exists`), and so is in either case what has other data than a record which the same input has brought.
    pub replace: bool,
    /// Let stages in place process a record again that replaces one which they have changed already: it is in the shape
    /// from before them. Otherwise it stands as it is, in the shape that they have given the others.
    pub reprocess: bool,
    /// Give up an unfinished load of the same input, or of the same name, and begin again.
    pub restart: bool,
    /// Load once more what was loaded to its end before.
    pub again: bool,
    /// What stages redact, beside those that the ledger has: where the id is among it, a refused record is kept without.
    pub redact: Vec<Path>,
    /// The most records in a batch; `None`: what the store's options say.
    pub batch_size: Option<usize>,
    /// What stands in the ledger about this run.
    pub purpose: RunInfo,
    /// Asks the verb to stop.
    pub stop: StopSignal,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            id_field: "id".to_owned(),
            format: None,
            cells: Cells::default(),
            records: None,
            with_id: false,
            replace: false,
            reprocess: false,
            restart: false,
            again: false,
            redact: Vec::new(),
            batch_size: None,
            purpose: RunInfo::new("load"),
            stop: StopSignal::default(),
        }
    }
}

//! Options of [`load`](super::load).

use crate::engine::RunInfo;
use crate::input::{Cells, Format};
use crate::observe::StopSignal;
use crate::path::Path;

/// Options of [`load`](super::load).
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own, with yes or no"
)]
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoadOptions {
    /// Top-level field that holds the id.
    pub id_field: String,
    /// Format of the input; `None` guesses it from the input's name and first bytes.
    pub format: Option<Format>,
    /// How the cells of a CSV are read, and how they become values other than texts.
    pub cells: Cells,
    /// Place of the list of records in a JSON object, as a JSON Pointer.
    pub records: Option<String>,
    /// Whether each record is in an envelope with its id, as `export --with-id` writes it.
    pub with_id: bool,
    /// Whether a record replaces an existing one that has other data; the ledger keeps the before image. Otherwise the
    /// record is refused (`load.exists`). In either case a record is refused when the same input brought one with the
    /// same id and other data.
    pub replace: bool,
    /// Whether stages in place process a record again that replaces one they changed: the new record has the shape from
    /// before them. Otherwise it stays as it is, and must have the shape that they gave the others.
    pub reprocess: bool,
    /// Whether to give up an unfinished load of the same input, or of the same name, and begin again.
    pub restart: bool,
    /// Whether to load again what was loaded to its end before.
    pub again: bool,
    /// Fields that stages redact, beside those in the ledger: if the id is among them, a refused record is kept without
    /// it.
    pub redact: Vec<Path>,
    /// Maximum number of records in a batch; `None` uses the store's options.
    pub batch_size: Option<usize>,
    /// What the ledger records about this run.
    pub run_info: RunInfo,
    /// Signal that asks the verb to stop.
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
            run_info: RunInfo::new("load"),
            stop: StopSignal::default(),
        }
    }
}

impl LoadOptions {
    /// Names the top-level field that holds the id. Default: `id`.
    #[must_use]
    pub fn id_field(mut self, id_field: impl Into<String>) -> Self {
        self.id_field = id_field.into();
        self
    }

    /// Sets the format of the input. Default: `None`, guessed from the input's name and first bytes.
    #[must_use]
    pub fn format(mut self, format: impl Into<Option<Format>>) -> Self {
        self.format = format.into();
        self
    }

    /// Sets how the cells of a CSV are read. Default: [`Cells::default`].
    #[must_use]
    pub fn cells(mut self, cells: Cells) -> Self {
        self.cells = cells;
        self
    }

    /// Sets the place of the list of records in a JSON object, as a JSON Pointer. Default: `None`, the input is the
    /// list.
    #[must_use]
    pub fn records(mut self, records: impl Into<Option<String>>) -> Self {
        self.records = records.into();
        self
    }

    /// Expects each record in an envelope with its id. Default: `false`.
    #[must_use]
    pub fn with_id(mut self, with_id: bool) -> Self {
        self.with_id = with_id;
        self
    }

    /// Replaces existing records that have other data. Default: `false`, the new records are refused.
    #[must_use]
    pub fn replace(mut self, replace: bool) -> Self {
        self.replace = replace;
        self
    }

    /// Lets stages in place process a replaced record again. Default: `false`.
    #[must_use]
    pub fn reprocess(mut self, reprocess: bool) -> Self {
        self.reprocess = reprocess;
        self
    }

    /// Gives up an unfinished load of the same input or name and begins again. Default: `false`.
    #[must_use]
    pub fn restart(mut self, restart: bool) -> Self {
        self.restart = restart;
        self
    }

    /// Loads an input again that was loaded to its end before. Default: `false`.
    #[must_use]
    pub fn again(mut self, again: bool) -> Self {
        self.again = again;
        self
    }

    /// Names fields that stages redact: if the id is among them, a refused record is kept without it. Default: none
    /// beside those in the ledger.
    #[must_use]
    pub fn redact(mut self, redact: impl IntoIterator<Item = Path>) -> Self {
        self.redact = redact.into_iter().collect();
        self
    }

    /// Sets the maximum number of records in a batch. Default: `None`, as the store's options say.
    #[must_use]
    pub fn batch_size(mut self, batch_size: impl Into<Option<usize>>) -> Self {
        self.batch_size = batch_size.into();
        self
    }

    /// Sets what the ledger keeps about this run. Default: the command `load`, no arguments, no reason.
    #[must_use]
    pub fn run_info(mut self, run_info: RunInfo) -> Self {
        self.run_info = run_info;
        self
    }

    /// Sets the signal that asks the verb to stop. Default: a signal that is never sent.
    #[must_use]
    pub fn stop(mut self, stop: StopSignal) -> Self {
        self.stop = stop;
        self
    }
}

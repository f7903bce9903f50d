//! How an input is read: its format and the options given for it.

use super::bytes::{BYTE_ORDER_MARK, is_blank};
use super::cells::Cells;
use super::incoming::MAX_ID_BYTES;
use crate::record::Limits;

/// The format of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// NDJSON: one JSON object on each line; blank lines are skipped.
    Lines,
    /// One JSON array of objects, read element by element.
    Array,
    /// CSV (RFC 4180) with a header row; every value becomes a JSON text, an empty field `""`, unless [`Cells`] say
    /// otherwise. Empty lines are skipped.
    Csv,
}

impl Format {
    /// Whether a file's extension means that its cells are separated by tabs.
    pub(crate) fn is_by_tabs(file_name: &str) -> bool {
        let extension = file_name.rsplit_once('.').map(|(_, extension)| extension);
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case("tsv"))
    }

    /// Guesses the format from the file's extension (`.csv`, `.tsv`, `.ndjson`, `.jsonl`). For any other name, or none,
    /// the first byte that is not blank decides: `[` begins an array, anything else is NDJSON.
    #[must_use]
    pub fn guess(file_name: Option<&str>, first_bytes: &[u8]) -> Self {
        let extension = file_name
            .and_then(|name| name.rsplit_once('.'))
            .map(|(_, extension)| extension.to_ascii_lowercase());
        match extension.as_deref() {
            Some("csv" | "tsv") => return Self::Csv,
            Some("ndjson" | "jsonl") => return Self::Lines,
            _ => {}
        }
        let text = first_bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(first_bytes);
        match text.iter().find(|byte| !is_blank(**byte)) {
            Some(b'[') => Self::Array,
            _ => Self::Lines,
        }
    }
}

/// How an input is read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// The format.
    pub format: Format,
    /// The limits on the size and depth of a record.
    pub limits: Limits,
    /// The top-level field that holds the id: a text, or a number without fraction and exponent.
    pub id_field: String,
    /// How the cells of a CSV are read.
    pub cells: Cells,
    /// The JSON Pointer of the list of an array, where it is inside an object. What follows the list is not read.
    pub records: Option<String>,
    /// Whether each record of an NDJSON input or an array is in an envelope, `{"id":ID,"data":DATA}`, which contains
    /// the id.
    pub with_id: bool,
}

impl Options {
    /// Returns the limits on the text read for one record: they do not count its envelope.
    pub(crate) fn read_limits(&self) -> Limits {
        let envelope = if self.with_id { ENVELOPE_BYTES } else { 0 };
        Limits {
            bytes: self.limits.bytes.saturating_add(envelope),
            depth: self.limits.depth.saturating_add(usize::from(self.with_id)),
        }
    }

    /// Creates options for a format, with the default limits and the id in `id`.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            limits: Limits::default(),
            id_field: "id".to_owned(),
            cells: Cells::default(),
            records: None,
            with_id: false,
        }
    }

    /// Limits the size and depth of a record. Default: 16 MiB, 128 levels.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Names the top-level field that holds the id. Default: `id`.
    #[must_use]
    pub fn id_field(mut self, id_field: impl Into<String>) -> Self {
        self.id_field = id_field.into();
        self
    }

    /// Sets how the cells of a CSV are read. Default: [`Cells::default`].
    #[must_use]
    pub fn cells(mut self, cells: Cells) -> Self {
        self.cells = cells;
        self
    }

    /// Sets the JSON Pointer of the list of an array. Default: `None`, the input is the list.
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
}

/// The most that an envelope adds to its record: each byte of the id may take six when escaped.
const ENVELOPE_BYTES: usize = 6 * MAX_ID_BYTES + 64;

/// The names that [`describe`] returns.
pub(crate) const TOLD: [&str; 7] = [
    "separator",
    "raw",
    "null",
    "missing",
    "types",
    "records",
    "with-id",
];

/// Returns the options that differ from the default, by the names under which a resume point stores them.
pub(crate) fn describe(options: &Options) -> Vec<(&'static str, String)> {
    if options.format == Format::Csv {
        return options.cells.describe();
    }
    let list = options.records.iter().filter(|_| options.format == Format::Array);
    let list = list.map(|list| ("records", list.clone()));
    list.chain(options.with_id.then(|| ("with-id", "true".to_owned())))
        .collect()
}

//! Incoming records: a stream of bytes (NDJSON, one JSON array, or CSV) becomes records, each through the
//! [door](crate::record::admit) and with its id, or refused with its line.
//!
//! A malformed record never harms its neighbours, and memory is bounded by the longest record allowed, not by the
//! input. The [position](Position) after each record is a resume point: byte offset, line, and the SHA-256 of
//! everything before it.
//!
//! ```
//! use counterfoil::input::{Format, Options, Reader};
//!
//! let file = "{\"id\": \"a\", \"total\": 6.00}\n{\"id\": \n{\"id\": 7}\n";
//! let reader = Reader::new(file.as_bytes(), Options::new(Format::Lines))?;
//! let mut seen = Vec::new();
//! for incoming in reader {
//!     let incoming = incoming?;
//!     seen.push(match incoming.body {
//!         Ok(ready) => format!("{}: {}", ready.id, ready.data),
//!         Err(rejected) => format!("line {}: {}", incoming.line, rejected.refusal.code),
//!     });
//! }
//! assert_eq!(seen, ["a: {\"id\":\"a\",\"total\":6.00}", "line 2: json.syntax", "7: {\"id\":7}"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is common to all formats: a UTF-8 byte order mark at the very start is skipped; a line ends with a line
//! feed, with or without a carriage return before it; an empty input is a success with no records.

mod array;
mod cells;
mod envelope;
mod gathered;
mod half_read;
mod identity;
mod lines;
mod quotes;
mod reader;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod wrapped;

use std::{fmt, io};

pub use cells::{Cells, Types, option};
pub(crate) use cells::{TOLD, told};
pub(crate) use envelope::{ID as ENVELOPE_ID, begins as begins_with_envelopes};
pub use reader::Reader;
pub use source::Position;
pub(crate) use wrapped::noticed;

use crate::record::Limits;
use crate::refusal::Refusal;

/// How the records lie in the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// NDJSON: one JSON object on each line; blank lines are skipped.
    Lines,
    /// One JSON array of objects, read element by element.
    Array,
    /// CSV (RFC 4180) with a header row; every value becomes a JSON text, an empty field `""`, unless
    /// [`Cells`] say otherwise. Empty lines are
    /// skipped.
    Csv,
}

impl Format {
    /// Whether a file's name says that its cells are separated by tabs.
    pub(crate) fn is_by_tabs(file_name: &str) -> bool {
        let extension = file_name.rsplit_once('.').map(|(_, extension)| extension);
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case("tsv"))
    }

    /// The format that a file's name says (`.csv`, `.tsv`, `.ndjson`, `.jsonl`); for any other name, or none, the first
    /// byte that is not blank decides: `[` begins an array, anything else is NDJSON.
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
        let text = first_bytes
            .strip_prefix(source::BYTE_ORDER_MARK)
            .unwrap_or(first_bytes);
        match text.iter().find(|byte| !source::is_blank(**byte)) {
            Some(b'[') => Self::Array,
            _ => Self::Lines,
        }
    }
}

/// How an input is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How the records lie in the bytes.
    pub format: Format,
    /// How large and how deep a record may be.
    pub limits: Limits,
    /// The top-level field that holds the id: a text, or a number without fraction and exponent.
    pub id_field: String,
    /// How the cells of a CSV are read.
    pub cells: Cells,
    /// Where the list of an array stands, as a JSON Pointer, where an object is around it. What follows the list is not
    /// looked at.
    pub records: Option<String>,
    /// Whether each record of an NDJSON or of an array stands in an envelope, `{"id":ID,"data":DATA}`, which says the id.
    pub with_id: bool,
}

impl Options {
    /// How large and how deep what is read for one record may be: its envelope is none of it.
    pub(crate) fn read_limits(&self) -> Limits {
        let envelope = if self.with_id { ENVELOPE_BYTES } else { 0 };
        Limits {
            bytes: self.limits.bytes.saturating_add(envelope),
            depth: self.limits.depth.saturating_add(usize::from(self.with_id)),
        }
    }

    /// A format with the default limits and the id in `id`.
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
}

/// One record of the input, or what stood in its place.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The line of the input on which it began, from 1.
    pub line: u64,
    /// Where the input stands after it: the point to resume at once it is committed.
    pub end: Position,
    /// The record, or why it is none.
    pub body: Result<Ready, Rejected>,
}

/// A record that came through the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The id: not empty, no NUL, at most [`MAX_ID_BYTES`].
    pub id: String,
    /// The JSON object without insignificant whitespace, otherwise as written.
    pub data: String,
}

/// What stood where a record was expected. Its debug form shows neither the bytes nor the id.
#[derive(Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Why, with the line.
    pub refusal: Refusal,
    /// The bytes exactly as read, without the line's end. Of what is longer than the limit, the first 64 KiB
    /// (or the limit, where that is less); the refusal then tells the length and the SHA-256 of everything up to the
    /// line feed, or in an array up to the comma or bracket behind the element.
    pub raw: Box<[u8]>,
    /// The id, where it could be read all the same: it stands whole in the bytes, before whatever is wrong with them.
    pub id: Option<Box<str>>,
}

impl fmt::Debug for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected")
            .field("refusal", &self.refusal)
            .field("raw_bytes", &self.raw.len())
            .finish_non_exhaustive()
    }
}

/// The longest id, in bytes of UTF-8.
pub const MAX_ID_BYTES: usize = 1024;

/// The most that an envelope adds to its record: each byte of the id may be written as six.
const ENVELOPE_BYTES: usize = 6 * MAX_ID_BYTES + 64;

/// Where an earlier read of the same input stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Bytes consumed: the end of a record.
    pub offset: u64,
    /// The line on which the next byte stands, from 1.
    pub line: u64,
    /// The SHA-256 of all bytes before `offset`, in lower-case hexadecimal.
    pub prefix_sha256: String,
}

/// Why an input cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The input cannot be read.
    #[error("the input cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The header row of a CSV cannot give the names of the fields.
    #[error("the header row {0}")]
    Header(#[from] HeaderError),
    /// There is no list where it was looked for.
    #[error("there is no list at `{pointer}`")]
    NoList {
        /// The JSON Pointer.
        pointer: String,
    },
}

/// Why reading cannot go on where an earlier read stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// The bytes before the resume point are not those of the earlier read.
    #[error("the first {offset} bytes of the input are not those that were read before")]
    Changed {
        /// The resume point, in bytes.
        offset: u64,
    },
    /// The input ends before the resume point.
    #[error("the input has {length} bytes, but {offset} were read before")]
    Shorter {
        /// The resume point, in bytes.
        offset: u64,
        /// The bytes there are.
        length: u64,
    },
    /// The input is unchanged so far, but cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl From<io::Error> for ResumeError {
    fn from(error: io::Error) -> Self {
        Self::Open(OpenError::Io(error))
    }
}

/// What is wrong with the header row of a CSV. Columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// A column has no name.
    #[error("gives no name to column {column}")]
    NoName {
        /// The column.
        column: usize,
    },
    /// Two columns have one name.
    #[error("gives column {first} and column {second} the same name")]
    SameName {
        /// The name.
        name: String,
        /// The first column of that name.
        first: usize,
        /// The second one.
        second: usize,
    },
    /// No column has the name that the ids are under.
    #[error("has no column `{id_field}` for the ids among its {}: name one with `--id`, or is there no header row?", columns.len())]
    NoId {
        /// The name that was looked for.
        id_field: String,
        /// The columns that there are.
        columns: Vec<String>,
    },
    /// The header is one column that holds what separates the columns of other tables.
    #[error("is one column with `{}` in it, which probably separates the columns", separator.escape_default())]
    Separated {
        /// What it holds.
        separator: char,
    },
    /// The header is not UTF-8.
    #[error("is not valid UTF-8")]
    NotUtf8,
    /// The header is longer than a record may be, or ends inside quotes.
    #[error("has no end within {limit} bytes")]
    NoEnd {
        /// The longest record allowed, in bytes.
        limit: usize,
    },
}

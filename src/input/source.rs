//! The interface between what provides records and what consumes them. `load` reads through a [`RecordSource`] and
//! does not know the implementation: a file or a stream ([`Records`](super::Records)) is one.
//!
//! A source is opened once, at its beginning or after a [`Cursor`], and read page by page. Everything that it returns
//! includes the position after it, so that the consumer can stop, and resume, after any record.

use serde_json::{Map, Value as Json};

use super::bytes::{Position, Resume};
use crate::refusal::Refusal;

/// Provides records in a fixed order; each has passed [admission](crate::record::admit) and has an id, or is rejected.
pub(crate) trait RecordSource: Send {
    /// Begins at the first record, or resumes after a cursor. Call it once, before the first page.
    ///
    /// # Errors
    /// [`SourceError::Changed`] where what was read before has changed; any other error where nothing can be read.
    fn open(&mut self, at: Option<&Cursor>) -> Result<OpenSource, SourceError>;

    /// Returns the next records, within the limit. A page may hold fewer than the limit allows, even none: only
    /// [`last`](Page::last) shows that nothing follows it.
    ///
    /// # Errors
    /// When no more can be read.
    fn page(&mut self, limit: PageLimit) -> Result<Page, SourceError>;
}

/// An opened source.
#[derive(Clone, Debug)]
pub(crate) struct OpenSource {
    /// Its position, before the first record that it returns.
    pub(crate) cursor: Cursor,
    /// The names of its columns, where its records are rows of texts that are converted to values; `None` where each
    /// value has its own kind.
    pub(crate) columns: Option<Vec<String>>,
}

/// How much to read at once. The record that reaches the limit of bytes still belongs to the page, so that the longest
/// record fits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageLimit {
    pub(crate) records: usize,
    pub(crate) bytes: usize,
}

/// Records that were read at once, in order.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) incoming: Vec<SourceRecord>,
    /// The position after the page; after the last page, the end.
    pub(crate) cursor: Cursor,
    /// Whether this is the last page.
    pub(crate) last: bool,
}

/// One record of a source, or the rejection in its place.
#[derive(Clone, Debug)]
pub(crate) enum SourceRecord {
    /// An admitted record.
    Record {
        raw: String,
        id: String,
        at: SourcePlace,
    },
    /// A rejected record.
    Rejected {
        /// The bytes as read, as far as they are kept.
        raw: Box<[u8]>,
        /// Why, with the line.
        refusal: Refusal,
        /// The id, where it could still be read.
        id: Option<Box<str>>,
        at: SourcePlace,
    },
}

impl SourceRecord {
    /// Returns the number of bytes kept.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Record { raw, .. } => raw.len(),
            Self::Rejected { raw, .. } => raw.len(),
        }
    }
}

/// The place of a record in its source.
#[derive(Clone, Debug)]
pub(crate) struct SourcePlace {
    /// The line, from 1; in a source without lines, the number of the record.
    pub(crate) line: u64,
    /// Whether nothing else is on that line.
    pub(crate) is_alone: bool,
    /// The position after it.
    pub(crate) end: Cursor,
}

/// A position in a source, between two records. Its fields are built only where a ledger stores them.
#[derive(Clone, Debug)]
pub(crate) enum Cursor {
    /// A position between two bytes of an input, with the hash of what precedes it.
    Bytes(Position),
    /// A position in the fields of the source, as the ledger has stored it: the source uses the fields that it knows.
    Fields(Map<String, Json>),
}

impl Cursor {
    /// Returns the fields that the ledger stores.
    pub(crate) fn fields(&self) -> Map<String, Json> {
        match self {
            Self::Bytes(position) => position.resume().fields(),
            Self::Fields(fields) => fields.clone(),
        }
    }

    /// Returns what was read before it, where the source is an input of bytes.
    pub(crate) fn read_before(&self) -> Option<Resume> {
        match self {
            Self::Bytes(position) => Some(position.resume()),
            Self::Fields(_) => None,
        }
    }
}

/// Why a source cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SourceError {
    /// The source cannot be read at all, or no further.
    #[error("{0}")]
    Unreadable(String),
    /// The source must be read differently: the options of `load` that do so.
    #[error("{problem}")]
    Otherwise {
        code: &'static str,
        problem: String,
        options: Vec<String>,
    },
    /// What was read before differs from the present beginning of the source.
    #[error("the first {offset} bytes have changed since they were read")]
    Changed { offset: u64 },
    /// The cursor does not belong to a source of this kind.
    #[error("the cursor cannot be read")]
    Foreign,
}

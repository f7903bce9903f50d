//! The seam between what brings records and what takes them in. `load` reads through a [`Source`] and knows nothing of what
//! stands behind it: a file or a stream ([`Records`](super::Records)) is one implementation.
//!
//! A source is opened once, at its beginning or behind a [`Cursor`], and read page by page. Everything that it gives says
//! where the source stands behind it, so that what takes it in may stop, and be gone on with, behind any record.

use serde_json::{Map, Value as Json};

use super::bytes::{Position, Resume};
use crate::refusal::Refusal;

/// Brings records, each through the [door](crate::record::admit) and with its id, in an order that is always the same.
pub(crate) trait RecordSource: Send {
    /// Begins at the first record, or goes on behind a cursor; to be called once, before the first page.
    ///
    /// # Errors
    /// [`SourceError::Changed`] where what was read before is not what is there now; any other where nothing can be read.
    fn open(&mut self, at: Option<&Cursor>) -> Result<OpenSource, SourceError>;

    /// The next records, within the limit. A page may hold fewer than the limit allows, none included: only
    /// [`last`](Page::last) says that nothing comes after it.
    ///
    /// # Errors
    /// When nothing more can be read.
    fn page(&mut self, limit: PageLimit) -> Result<Page, SourceError>;
}

/// A source that has been opened.
#[derive(Clone, Debug)]
pub(crate) struct OpenSource {
    /// Where it stands: before the first record that it gives.
    pub(crate) cursor: Cursor,
    /// The names of its columns, where its records are rows of texts, to be read as values; `None` where each value has its
    /// own kind.
    pub(crate) columns: Option<Vec<String>>,
}

/// How much is asked for at once. The record that reaches the bytes still belongs to the page, so that the longest one fits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageLimit {
    pub(crate) records: usize,
    pub(crate) bytes: usize,
}

/// Records that were read at once, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) incoming: Vec<SourceRecord>,
    /// Where the source stands behind the page; behind the last one, its end.
    pub(crate) cursor: Cursor,
    /// Whether nothing comes after it.
    pub(crate) last: bool,
}

/// One record of a source, or what stood in its place.
#[derive(Clone, Debug)]
pub(crate) enum SourceRecord {
    /// A record, as the door has let it in.
    Record {
        raw: String,
        id: String,
        at: SourcePlace,
    },
    /// What is no record.
    Rejected {
        /// The bytes as read, as far as they are kept.
        raw: Box<[u8]>,
        /// Why, with the line.
        refusal: Refusal,
        /// The id, where it could be read all the same.
        id: Option<Box<str>>,
        at: SourcePlace,
    },
}

impl SourceRecord {
    /// How many bytes are kept of it.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Record { raw, .. } => raw.len(),
            Self::Rejected { raw, .. } => raw.len(),
        }
    }
}

/// Where something stands in its source.
#[derive(Clone, Debug)]
pub(crate) struct SourcePlace {
    /// Its line, from 1; of a source without lines, the how manyth it is.
    pub(crate) line: u64,
    /// Whether nothing else stands on that line.
    pub(crate) is_alone: bool,
    /// Where the source stands behind it.
    pub(crate) end: Cursor,
}

/// Where a source stands between two records. Its fields are put together only where a ledger keeps them.
#[derive(Clone, Debug)]
pub(crate) enum Cursor {
    /// Between two bytes of an input, with what comes before them.
    Bytes(Position),
    /// As a source names it, and as the ledger has kept it: the source takes the fields that are its own.
    Fields(Map<String, Json>),
}

impl Cursor {
    /// What the ledger keeps of it.
    pub(crate) fn fields(&self) -> Map<String, Json> {
        match self {
            Self::Bytes(position) => position.resume().fields(),
            Self::Fields(fields) => fields.clone(),
        }
    }

    /// What was read before it, where the source is an input of bytes.
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
    /// It cannot be read at all, or no further.
    #[error("{0}")]
    Unreadable(String),
    /// It is meant to be read otherwise: the options of `load` that do.
    #[error("{problem}")]
    Otherwise {
        code: &'static str,
        problem: String,
        options: Vec<String>,
    },
    /// What was read before is not what it begins with now.
    #[error("the first {offset} bytes have changed since they were read")]
    Changed { offset: u64 },
    /// The cursor is none that such a source has given.
    #[error("the cursor cannot be read")]
    Foreign,
}

//! Why an input cannot be read, or cannot be resumed.

use std::io;

/// Why an input cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The input cannot be read.
    #[error("the input cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The header row of a CSV file is not a valid list of field names.
    #[error("the header row {0}")]
    Header(#[from] HeaderError),
    /// The given place does not contain a list.
    #[error("there is no list at `{pointer}`")]
    NoList {
        /// The JSON Pointer.
        pointer: String,
    },
}

/// Why reading cannot resume where an earlier read stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// The bytes before the resume point differ from those of the earlier read.
    #[error("the first {offset} bytes of the input have changed since they were read")]
    Changed {
        /// The resume point, in bytes.
        offset: u64,
    },
    /// The input ends before the resume point.
    #[error("the input has {length} bytes, but {offset} were already read")]
    Shorter {
        /// The resume point, in bytes.
        offset: u64,
        /// The actual length, in bytes.
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

/// What is wrong with the header row of a CSV file. Columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// A column has no name.
    #[error("does not name column {column}")]
    NoName {
        /// The column.
        column: usize,
    },
    /// Two columns have the same name.
    #[error("gives column {first} and column {second} the same name")]
    SameName {
        /// The name.
        name: String,
        /// The first column with that name.
        first: usize,
        /// The second column with that name.
        second: usize,
    },
    /// No column has the name of the id field.
    #[error("has no column `{id_field}` for the ids (columns: {}): name the id column with `--id`; or is the header row missing?", columns.len())]
    NoId {
        /// The name of the id field.
        id_field: String,
        /// The existing columns.
        columns: Vec<String>,
    },
    /// The header is one column that contains another common separator.
    #[error("is a single column that contains `{}`, which is probably the separator", separator.escape_default())]
    Separated {
        /// The separator that it contains.
        separator: char,
    },
    /// The header is not UTF-8.
    #[error("is not valid UTF-8")]
    NotUtf8,
    /// The header is longer than the limit of a record, or ends inside quotes.
    #[error("does not end within {limit} bytes")]
    NoEnd {
        /// The limit, in bytes.
        limit: usize,
    },
}

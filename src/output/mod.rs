//! Outgoing records: NDJSON, exactly as stored, or CSV for spreadsheets.
//!
//! ```
//! use counterfoil::output::{CsvWriter, NdjsonWriter, RecordWriter};
//! use counterfoil::record::{Record, RecordNumber};
//!
//! let order = Record {
//!     number: RecordNumber::new(1),
//!     id: "ORD-1".to_owned(),
//!     data: r#"{"total":6.00,"note":"a, b"}"#.to_owned(),
//! };
//!
//! let mut lines = Vec::new();
//! NdjsonWriter::new(&mut lines).write(&order)?;
//! assert_eq!(lines, b"{\"total\":6.00,\"note\":\"a, b\"}\n");
//!
//! let mut table = Vec::new();
//! let mut writer = CsvWriter::new(&mut table);
//! writer.write(&order)?;
//! writer.finish()?;
//! drop(writer);
//! assert_eq!(table, b"total,note\n6.00,\"a, b\"\n");
//! # Ok::<(), counterfoil::output::OutputError>(())
//! ```

mod guard;
mod ndjson;
mod table;

pub(crate) use guard::{bare, guarded};
pub use ndjson::NdjsonWriter;
pub use table::{Blanks, CsvWriter, column};
pub(crate) use table::{cell, found};

use std::io;

use crate::record::{Malformed, Record};

/// Writes records one by one in an output format.
pub trait RecordWriter {
    /// Writes one record.
    fn write(&mut self, record: &Record) -> Result<(), OutputError>;

    /// Flushes buffered output. Call it once, after the last record.
    fn finish(&mut self) -> Result<(), OutputError>;
}

/// Why a record could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The output cannot be written.
    #[error("the output cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The record's data is not a JSON object, which happens only after damage.
    #[error("record `{id}` is not a JSON object: {fault}")]
    Damaged {
        /// The record's id.
        id: String,
        /// What is wrong with its data.
        fault: Malformed,
    },
    /// A record has a text equal to the one that represents `null` or a missing field.
    #[error("record `{id}` has the text for {stands_for} as a value in `{column}`")]
    Taken {
        /// The record's id.
        id: String,
        /// The column.
        column: String,
        /// What the text represents.
        stands_for: &'static str,
    },
    /// A later record has a field that the first record, which determines the columns, does not have.
    #[error(
        "record `{id}` has a field `{field}` that the first record does not have; name the columns to write"
    )]
    NoColumn {
        /// The record's id.
        id: String,
        /// The field.
        field: String,
    },
}

//! Incoming records: a stream of bytes (NDJSON, one JSON array, or CSV) becomes records with an id, each of which
//! passes [admission](crate::record::admit) or is rejected with its line.
//!
//! A malformed record never affects its neighbours, and memory is bounded by the limit of one record, not by the input.
//! The [position](Position) after each record is a resume point: byte offset, line, and the SHA-256 of everything
//! before it.
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
//! Common to all formats: a UTF-8 byte order mark at the very start is skipped; a line ends with a line feed, with or
//! without a carriage return before it; an empty input is valid and has no records.

mod array;
mod bytes;
mod cells;
mod envelope;
mod fault;
mod gathered;
mod half_read;
mod id;
mod identity;
mod incoming;
mod lines;
mod options;
mod quotes;
mod reader;
mod records;
pub(crate) mod source;
mod table;
#[cfg(test)]
mod tests;
mod wrapped;

pub use bytes::{Position, Resume};
pub use cells::{Cells, Types, option};
pub(crate) use envelope::{ID as ENVELOPE_ID, begins as begins_with_envelopes};
pub use fault::{HeaderError, OpenError, ResumeError};
pub(crate) use id::read_id;
pub use incoming::{Incoming, MAX_ID_BYTES, Ready, Rejected};
pub use options::{Format, Options};
pub(crate) use options::{TOLD, describe};
pub use reader::Reader;
pub(crate) use records::Records;
pub(crate) use wrapped::noticed;

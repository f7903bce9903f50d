//! The items that a reader returns: records, and rejections in their place.

use std::fmt;

use super::bytes::Position;
use crate::refusal::Refusal;

/// One record of the input, or the rejection in its place.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Incoming {
    /// The line of the input on which it begins, from 1.
    pub line: u64,
    /// The position after it: the point to resume at once it is committed.
    pub end: Position,
    /// The record, or why it was rejected.
    pub body: Result<Ready, Rejected>,
}

/// A record that passed admission.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ready {
    /// The id: not empty, no NUL, at most [`MAX_ID_BYTES`].
    pub id: String,
    /// The JSON object without insignificant whitespace, otherwise as written.
    pub data: String,
}

/// A rejected record. Its debug output shows neither the bytes nor the id.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejected {
    /// Why it was rejected, with the line.
    pub refusal: Refusal,
    /// The bytes exactly as read, without the line ending. Of a record that exceeds the limit, the first 64 KiB (or the
    /// limit, where that is less); the refusal then gives the length and the SHA-256 of everything up to the line feed,
    /// or in an array up to the comma or bracket after the element.
    pub raw: Box<[u8]>,
    /// The id, where it could still be read: it is intact in the bytes before the error.
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

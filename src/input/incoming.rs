//! What comes out of an input: records, and what stood in the place of one.

use std::fmt;

use super::bytes::Position;
use crate::refusal::Refusal;

/// One record of the input, or what stood in its place.
#[derive(Clone, Debug)]
#[non_exhaustive]
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
#[non_exhaustive]
pub struct Ready {
    /// The id: not empty, no NUL, at most [`MAX_ID_BYTES`].
    pub id: String,
    /// The JSON object without insignificant whitespace, otherwise as written.
    pub data: String,
}

/// What stood where a record was expected. Its debug form shows neither the bytes nor the id.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
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

//! The bytes of an input, with the offset, line and running hash of what was consumed.

use std::io::{self, BufRead as _, BufReader, Chain, Cursor, Read};

use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

use crate::digest::{self, Hash};

pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Large enough that reading costs little compared with parsing.
const BUFFER_BYTES: usize = 64 * 1024;

/// Insignificant whitespace of JSON.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// A position in an input, between two records.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Position {
    /// Number of bytes consumed.
    pub offset: u64,
    /// The line of the next byte, from 1.
    pub line: u64,
    prefix: Sha256,
}

impl Position {
    /// Returns the SHA-256 of all bytes before `offset`.
    #[must_use]
    pub fn prefix_sha256(&self) -> Hash {
        self.prefix.clone().finalize().into()
    }

    /// Returns this position as a resume point.
    #[must_use]
    pub fn resume(&self) -> Resume {
        Resume {
            offset: self.offset,
            line: self.line,
            prefix_sha256: digest::hex(&self.prefix_sha256()),
        }
    }
}

/// The point where an earlier read of the same input stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Number of bytes consumed; this offset is the end of a record.
    pub offset: u64,
    /// The line of the next byte, from 1.
    pub line: u64,
    /// The SHA-256 of all bytes before `offset`, in lower-case hexadecimal.
    pub prefix_sha256: String,
}

impl Resume {
    /// Returns the fields that the ledger stores.
    pub(super) fn fields(self) -> Map<String, Json> {
        let Self {
            offset,
            line,
            prefix_sha256,
        } = self;
        let fields = [
            ("offset", offset.into()),
            ("line", line.into()),
            ("prefix_sha256", prefix_sha256.into()),
        ];
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect()
    }

    /// Reads the fields that the ledger has stored; `None` where they are not a position in an input of bytes.
    pub(super) fn from_fields(fields: &Map<String, Json>) -> Option<Self> {
        Some(Self {
            offset: fields.get("offset")?.as_u64()?,
            line: fields.get("line")?.as_u64()?,
            prefix_sha256: fields.get("prefix_sha256")?.as_str()?.to_owned(),
        })
    }
}

/// An input, byte by byte.
pub(super) struct Bytes<R> {
    input: BufReader<Chain<Cursor<Vec<u8>>, R>>,
    position: Position,
    last: Option<u8>,
}

impl<R: Read> Bytes<R> {
    /// Starts an input, skipping a byte order mark.
    pub(super) fn new(mut input: R) -> io::Result<Self> {
        // A pipe may deliver the mark in pieces, so its three bytes are read before anything is decided.
        let mut head = Vec::with_capacity(BYTE_ORDER_MARK.len());
        input
            .by_ref()
            .take(BYTE_ORDER_MARK.len() as u64)
            .read_to_end(&mut head)?;
        let marked = head == BYTE_ORDER_MARK;
        let mut bytes = Self {
            input: BufReader::with_capacity(BUFFER_BYTES, Cursor::new(head).chain(input)),
            position: Position {
                offset: 0,
                line: 1,
                prefix: Sha256::new(),
            },
            last: None,
        };
        if marked {
            bytes.fill()?;
            bytes.consume(BYTE_ORDER_MARK.len());
        }
        Ok(bytes)
    }

    pub(super) fn position(&self) -> &Position {
        &self.position
    }

    pub(super) fn line(&self) -> u64 {
        self.position.line
    }

    /// Returns the last byte consumed.
    pub(super) fn last(&self) -> Option<u8> {
        self.last
    }

    /// Returns the next bytes; empty only at the end of the input.
    pub(super) fn fill(&mut self) -> io::Result<&[u8]> {
        while let Err(error) = self.input.fill_buf() {
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        Ok(self.input.buffer())
    }

    /// Consumes bytes that [`fill`](Self::fill) returned.
    pub(super) fn consume(&mut self, count: usize) {
        let bytes = &self.input.buffer()[..count];
        self.position.prefix.update(bytes);
        self.position.offset += count as u64;
        self.position.line += bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        self.last = bytes.last().copied().or(self.last);
        self.input.consume(count);
    }

    /// Skips all bytes that `skipped` accepts, and returns the next byte without consuming it; `None` at the end.
    pub(super) fn skip(&mut self, skipped: fn(u8) -> bool) -> io::Result<Option<u8>> {
        loop {
            let bytes = self.fill()?;
            let blank = bytes.iter().take_while(|byte| skipped(**byte)).count();
            let next = bytes.get(blank).copied();
            self.consume(blank);
            if next.is_some() || blank == 0 {
                return Ok(next);
            }
        }
    }

    /// Skips to a byte offset; false where the input ends before it.
    pub(super) fn skip_to(&mut self, offset: u64) -> io::Result<bool> {
        while self.position.offset < offset {
            let wanted = usize::try_from(offset - self.position.offset).unwrap_or(usize::MAX);
            let count = self.fill()?.len().min(wanted);
            if count == 0 {
                return Ok(false);
            }
            self.consume(count);
        }
        Ok(true)
    }
}

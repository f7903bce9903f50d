//! The bytes of one record as they are read, up to a limit.

use sha2::{Digest as _, Sha256};

use super::Rejected;
use crate::digest;
use crate::refusal::Refusal;

/// How much is kept of a record that exceeds the limit.
const KEPT_OF_OVERLONG: usize = 64 * 1024;

pub(super) struct Gathered {
    kept: Vec<u8>,
    length: u64,
    limit: usize,
    /// The hash of all bytes, once they exceed the limit.
    overlong: Option<Sha256>,
}

impl Gathered {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            kept: Vec::new(),
            length: 0,
            limit,
            overlong: None,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        // A carriage return before the line feed does not belong to the record, and is recognised only at the end.
        if self.overlong.is_none() && self.kept.len() + bytes.len() <= self.limit.saturating_add(1) {
            self.kept.extend_from_slice(bytes);
            return;
        }
        let whole = self
            .overlong
            .get_or_insert_with(|| Sha256::new_with_prefix(&self.kept));
        whole.update(bytes);
        let room = self.limit.min(KEPT_OF_OVERLONG).saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&bytes[..room.min(bytes.len())]);
        self.kept.truncate(self.limit.min(KEPT_OF_OVERLONG));
    }

    /// Whether the bytes so far already exceed the limit.
    pub(super) fn is_overlong(&self) -> bool {
        self.overlong.is_some()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.kept
    }

    /// Returns the bytes without the line ending, or the rejection of a record that exceeds the limit.
    pub(super) fn finish(mut self, line: u64) -> Result<Vec<u8>, Rejected> {
        if self.overlong.is_none() {
            let end = self.kept.strip_suffix(b"\n").unwrap_or(&self.kept);
            let end = end.strip_suffix(b"\r").unwrap_or(end).len();
            self.kept.truncate(end);
            if end <= self.limit {
                return Ok(self.kept);
            }
            self.length = end as u64;
        }
        let whole = self
            .overlong
            .unwrap_or_else(|| Sha256::new_with_prefix(&self.kept));
        let expected = format!(
            "at most {} bytes, not {} (SHA-256 {})",
            self.limit,
            self.length,
            digest::hex(&whole.finalize())
        );
        self.kept.truncate(self.limit.min(KEPT_OF_OVERLONG));
        Err(rejected("json.size", expected, line, self.kept))
    }
}

/// Returns a rejection of the whole record.
pub(super) fn rejected(code: &'static str, expected: impl Into<String>, line: u64, raw: Vec<u8>) -> Rejected {
    let mut refusal = Refusal::new(code, "").expected(expected);
    refusal.line = Some(line);
    Rejected {
        refusal,
        raw: raw.into(),
        id: None,
    }
}

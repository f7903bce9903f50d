//! Limits of one evaluation: beyond them the record is refused, so that no stage file can hang a run.

use super::fault::Fault;

/// Maximum number of steps; reading a large value counts as several.
pub(super) const OPERATIONS: usize = 200_000;
/// Maximum length in bytes of a text that an expression builds.
const TEXT_BYTES: usize = 1 << 20;
/// Maximum length of a list that an expression builds.
const LIST_LENGTH: usize = 100_000;
/// Maximum nesting of an expression.
pub(super) const DEPTH: usize = 100;
/// Maximum nesting of lists and objects that an expression builds.
const VALUE_DEPTH: usize = 128;
/// Maximum length in bytes of a list or object when written out: parts are shared, so a small memory can mean a huge
/// text.
const VALUE_BYTES: usize = 16 << 20;

/// Size of a value when written out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    pub(super) depth: usize,
    pub(super) bytes: usize,
}

impl Extent {
    /// A value that holds both.
    pub(super) fn with(self, part: Self) -> Self {
        Self {
            depth: self.depth.max(part.depth + 1),
            bytes: self.bytes.saturating_add(part.bytes).saturating_add(1),
        }
    }

    pub(super) fn checked(self) -> Result<Self, Fault> {
        if self.depth > VALUE_DEPTH {
            return Err(Fault::limit("lists and objects nested at most 128 levels"));
        }
        if self.bytes > VALUE_BYTES {
            return Err(Fault::limit("a value of at most 16 MiB"));
        }
        Ok(self)
    }
}

pub(super) fn text(bytes: usize) -> Result<(), Fault> {
    if bytes > TEXT_BYTES {
        return Err(Fault::limit("a string of at most 1 MiB"));
    }
    Ok(())
}

pub(super) fn list(length: usize) -> Result<(), Fault> {
    if length > LIST_LENGTH {
        return Err(Fault::limit("a list of at most 100000 elements"));
    }
    Ok(())
}

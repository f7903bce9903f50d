//! What stops an evaluation. Never holds a value of the record: only codes, pointers and words of the stage file.

use std::borrow::Cow;

use super::origin::SourcePosition;
use crate::refusal::Refusal;

/// Why an evaluation cannot continue, before its place in the file is known.
#[derive(Debug)]
pub(super) struct Fault(Box<Details>);

#[derive(Debug)]
struct Details {
    code: Cow<'static, str>,
    /// Place in the document, as a JSON Pointer; empty if unknown.
    pointer: String,
    expected: Option<Cow<'static, str>>,
    /// Place in the stage file; the innermost place wins.
    spot: Option<SourcePosition>,
}

impl Fault {
    pub(super) fn new(code: &'static str, expected: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Details {
            code: Cow::Borrowed(code),
            pointer: String::new(),
            expected: Some(expected.into()),
            spot: None,
        }))
    }

    /// Creates the fault of `refuse`; both texts come from the stage file.
    pub(super) fn declared(code: String, pointer: String) -> Self {
        Self(Box::new(Details {
            code: Cow::Owned(code),
            pointer,
            expected: None,
            spot: None,
        }))
    }

    pub(super) fn types(expected: impl Into<Cow<'static, str>>) -> Self {
        Self::new("expression.types", expected)
    }

    pub(super) fn limit(expected: &'static str) -> Self {
        Self::new("expression.limit", expected)
    }

    /// Chooses the fault of one comparison to report, regardless of order: that values could not be compared is more
    /// specific than that their types differ.
    pub(super) fn weightier(self, other: Self) -> Self {
        let rank = |fault: &Self| (fault.is_of_types(), fault.0.expected.clone());
        if rank(&other) < rank(&self) { other } else { self }
    }

    pub(super) fn is_of_types(&self) -> bool {
        self.0.code == "expression.types"
    }

    /// Adds the place in the stage file, unless an inner part has set it.
    pub(super) fn at(mut self, spot: SourcePosition) -> Self {
        self.0.spot.get_or_insert(spot);
        self
    }

    /// Adds the place in the document, unless an inner part has set it.
    pub(super) fn pointing(mut self, pointer: impl FnOnce() -> Option<String>) -> Self {
        if self.0.pointer.is_empty() {
            self.0.pointer = pointer().unwrap_or_default();
        }
        self
    }

    /// The refusal of the record.
    pub(super) fn refusal(self, file: &str, start: SourcePosition) -> Refusal {
        let spot = self.0.spot.unwrap_or(start);
        let refusal =
            Refusal::new(self.0.code, self.0.pointer).rule(&format!("{file}:{}:{}", spot.line, spot.column));
        match self.0.expected {
            Some(expected) => refusal.expected(expected),
            None => refusal,
        }
    }
}

//! Refusals: why a record was refused, with codes and places, never a value.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::path::{Path, Segment};
use crate::record::{Document, MaskRelation, RecordNumber};

/// Whether a code is reserved for the ledger itself: for a record that waits for its place, a waiver, a deletion. No
/// other refusal may use it.
pub(crate) fn is_reserved(code: &str) -> bool {
    code.starts_with("target.") || matches!(code, "waived" | "source.deleted")
}

/// The code of a record that waits for a row of another database.
pub(crate) const WAITING: &str = "lookup.waiting";

/// Why one record was refused. The ledger stores it as JSON, so it must never hold a value of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Refusal {
    /// A stable code: `<op>.<reason>`, or the value of an op's `refuse_as`.
    pub code: Cow<'static, str>,
    /// All violations of the record, at least one.
    pub violations: Vec<Violation>,
    /// The line of the input, for records rejected at admission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The last line, for a row that spans several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_line: Option<NonZeroU64>,
    /// Whether the pass must stop: a contract in the mode `refuse` was violated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub halts: bool,
    /// The row of the target that occupies the record's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Box<Holder>>,
}

/// A row of the target that occupies the place of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Holder {
    /// The row's number.
    pub record: RecordNumber,
    /// SHA-256(salt of that number || the id that the row had), in hexadecimal digits: it shows whether the row still
    /// has that id, without revealing it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_sha256: Option<String>,
}

/// Identifies one of the records that a record is split into (`derive`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Part {
    /// Its number, from 1, as entries of the ledger count parts.
    pub number: i64,
    /// Its place in the source record, as a JSON Pointer, where the stage derives from a list that no earlier operation
    /// has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<String>,
    /// The earlier part with the same id, or with the same key under a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<i64>,
}

impl Part {
    /// Creates a part of which only the number is known.
    pub(crate) fn numbered(number: i64) -> Self {
        Self {
            number,
            child: None,
            other: None,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "part {}", self.number)?;
        match &self.child {
            Some(child) => write!(f, " ({child})"),
            None => Ok(()),
        }
    }
}

/// One violation by a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Violation {
    /// A stable code.
    pub code: Cow<'static, str>,
    /// The place in the document, as a JSON Pointer; empty for the whole document.
    pub pointer: String,
    /// What was expected, in the words of the stage, without any value of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The rule or the place in the stage file that refused, for example `0001_orders.toml:12:3` or a rule's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Whether the record already violated the contract before the stage.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub preexisting: bool,
    /// The part concerned, where a record is split into several. The pointer is relative to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Box<Part>>,
    /// The record in the stage's target that already has the value that must be unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Box<Holder>>,
}

impl Violation {
    /// Creates a violation at a place.
    pub fn new(code: impl Into<Cow<'static, str>>, pointer: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            pointer: pointer.into(),
            expected: None,
            rule: None,
            preexisting: false,
            part: None,
            holder: None,
        }
    }

    /// Sets the part of a derived record that it concerns, unless it is already set.
    #[must_use]
    pub(crate) fn of_part(mut self, part: &Part) -> Self {
        self.part.get_or_insert_with(|| Box::new(part.clone()));
        self
    }

    /// Sets the record that already has the value that must be unique.
    #[must_use]
    pub(crate) fn held_by(mut self, record: RecordNumber) -> Self {
        self.holder = Some(Box::new(Holder {
            record,
            id_sha256: None,
        }));
        self
    }

    /// Returns the place in words: the part, and the place in it.
    #[must_use]
    pub fn place(&self) -> Cow<'_, str> {
        match (self.pointer.is_empty(), &self.part) {
            (true, None) => Cow::Borrowed("the record"),
            (true, Some(part)) => Cow::Owned(part.to_string()),
            (false, None) => Cow::Borrowed(&self.pointer),
            (false, Some(part)) => Cow::Owned(format!("{} of {part}", self.pointer)),
        }
    }

    /// Sets what was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Sets the rule that refused.
    #[must_use]
    pub fn rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// Marks that the record violated the contract before the stage.
    #[must_use]
    pub fn preexisting(mut self) -> Self {
        self.preexisting = true;
        self
    }
}

impl Violation {
    /// Shortens the place where it enters a redacted value: the names below are values of the record too. For a part,
    /// the redacted path may be relative to the part or to the source record.
    fn cut(&mut self, redacted: &[Path], standing: impl Fn(&Path, &[Segment]) -> MaskRelation) {
        let hidden = |pointer: &str| {
            let place = pointer.parse::<Path>().ok()?;
            let steps = redacted
                .iter()
                .filter_map(|path| match standing(path, place.segments()) {
                    MaskRelation::Hidden(steps) => Some(steps),
                    _ => None,
                });
            steps.min()
        };
        let child = self.part.as_ref().and_then(|part| part.child.as_deref());
        let of_part = child.and_then(|child| {
            let steps = hidden(&format!("{child}{}", self.pointer))?;
            Some(steps.saturating_sub(child.matches('/').count()))
        });
        // Shortens only where the place continues below the redacted value.
        let steps = [hidden(&self.pointer), of_part].into_iter().flatten().min();
        let end = steps.and_then(|steps| self.pointer.match_indices('/').nth(steps));
        if let Some((length, _)) = end {
            self.pointer.truncate(length);
        }
    }

    /// Shortens the place in a document where it enters a redacted value.
    pub(crate) fn cut_in(&mut self, document: &Document, redacted: &[Path]) {
        self.cut(redacted, |path, place| {
            MaskRelation::within(document, path, place)
        });
    }
}

/// Shortens a place where it enters a redacted value: the names below are values of the record too.
pub(crate) fn cut_pointer(pointer: &str, redacted: &[Path]) -> String {
    let mut violation = Violation::new("", pointer);
    violation.cut(redacted, MaskRelation::new);
    violation.pointer
}

impl Refusal {
    /// Shortens places where they enter a redacted value, as far as is known without the record.
    pub(crate) fn cut_at(mut self, redacted: &[Path]) -> Self {
        for violation in &mut self.violations {
            violation.cut(redacted, MaskRelation::new);
        }
        self
    }

    /// Creates a refusal with one violation, under the same code.
    pub fn new(code: impl Into<Cow<'static, str>>, pointer: impl Into<String>) -> Self {
        Violation::new(code, pointer).into()
    }

    /// Sets what was expected, for the last violation.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        if let Some(last) = self.violations.last_mut() {
            last.expected = Some(expected.into());
        }
        self
    }

    /// Sets the part of a derived record, for every violation without one.
    #[must_use]
    pub(crate) fn of_part(mut self, part: &Part) -> Self {
        self.violations = self
            .violations
            .into_iter()
            .map(|violation| violation.of_part(part))
            .collect();
        self
    }

    /// Sets the rule that refused, for every violation without one.
    #[must_use]
    pub fn rule(mut self, rule: &str) -> Self {
        for violation in self
            .violations
            .iter_mut()
            .filter(|violation| violation.rule.is_none())
        {
            violation.rule = Some(rule.to_owned());
        }
        self
    }

    /// Gives the refusal another code (`refuse_as`); the violations keep theirs.
    #[must_use]
    pub fn named(mut self, code: &str) -> Self {
        self.code = Cow::Owned(code.to_owned());
        self
    }

    /// Returns whether the record only waits for rows of other databases to exist: it is refused, but nothing is wrong.
    pub(crate) fn waits(&self) -> bool {
        self.violations.iter().all(|violation| violation.code == WAITING)
    }

    /// Returns the lines of the input, in words: `line 3`, `lines 3 to 9`.
    #[must_use]
    pub fn lines_text(&self) -> Option<String> {
        let line = self.line?;
        Some(match self.last_line {
            Some(last) => format!("lines {line} to {last}"),
            None => format!("line {line}"),
        })
    }

    /// Returns the reason as stored in the ledger.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a refusal always has a JSON text")
    }
}

impl From<Violation> for Refusal {
    fn from(violation: Violation) -> Self {
        Self {
            code: violation.code.clone(),
            violations: vec![violation],
            line: None,
            last_line: None,
            halts: false,
            holder: None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        for violation in &self.violations {
            write!(f, " at {}", violation.place())?;
            if violation.preexisting {
                f.write_str(" (already before the stage)")?;
            }
            if let Some(expected) = &violation.expected {
                write!(f, ": expected {expected}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

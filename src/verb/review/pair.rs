//! A pair of members of a merge: how it waits, and what is decided about it.

use crate::matching::{Bits, Probability};
use crate::record::{BatchId, RecordNumber};

/// What a person says about a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The two are one: the next pass of the stage merges them.
    Accept,
    /// The two are not one, as they are now: nothing merges them, and the pair is shown again if one of them changes.
    Reject,
    /// The two are not one, whatever becomes of them: nothing merges them, and the pair is not shown again.
    Never,
    /// A remark: the pair still waits.
    Note,
    /// A label for calibration: the two are one. It decides nothing.
    Same,
    /// A label for calibration: the two are not one. It decides nothing.
    Different,
}

impl Decision {
    /// Reads the word of a sheet; `None` if it is none. A [note](Self::Note) has no word.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "accept" => Self::Accept,
            "reject" => Self::Reject,
            "never" => Self::Never,
            "same" => Self::Same,
            "different" => Self::Different,
            _ => return None,
        })
    }
}

/// A decision about a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PairDecision {
    /// One of the two, by its number.
    pub a: RecordNumber,
    /// The other one.
    pub b: RecordNumber,
    /// What is decided.
    pub decision: Decision,
    /// The text for the ledger: why, or the remark.
    pub note: Option<String>,
    /// The version of the pair that the person has seen ([`QueuedPair::version`]); the decision is refused if one of the
    /// two has changed since, or something else was decided about them. `None`: whatever they are now.
    pub version: Option<String>,
    /// The ids that the person has seen beside the numbers, of `a` and of `b`; the decision is refused if the two have others,
    /// because then it was meant for another pair. `None` checks nothing, and neither does a masked id.
    pub ids: Option<[String; 2]>,
}

impl PairDecision {
    /// A decision about a pair as it is now.
    #[must_use]
    pub fn new(a: RecordNumber, b: RecordNumber, decision: Decision) -> Self {
        Self {
            a,
            b,
            decision,
            note: None,
            version: None,
            ids: None,
        }
    }

    /// Sets the text for the ledger.
    #[must_use]
    pub fn note(mut self, note: impl Into<Option<String>>) -> Self {
        self.note = note.into();
        self
    }

    /// Sets the version of the pair that the person has seen.
    #[must_use]
    pub fn version(mut self, version: impl Into<Option<String>>) -> Self {
        self.version = version.into();
        self
    }

    /// Sets the ids that the person has seen beside the numbers.
    #[must_use]
    pub fn ids(mut self, ids: impl Into<Option<[String; 2]>>) -> Self {
        self.ids = ids.into();
        self
    }
}

/// One member of a pair.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Side {
    /// Number of the record.
    pub record: RecordNumber,
    /// Its id; `None` if it has no row and no known id.
    pub id: Option<String>,
}

/// A remark about a pair.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct PairNote {
    /// What it says.
    pub text: String,
    /// Who wrote it.
    pub actor: String,
    /// When, ISO 8601 in UTC.
    pub at: String,
}

/// A pair that waits for a decision.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct QueuedPair {
    /// Number of the stage.
    pub stage: u32,
    /// Database of the two.
    pub source: String,
    /// The member with the smaller number.
    pub a: Side,
    /// The other one.
    pub b: Side,
    /// Why it waits: `near`, `chain`, `conflict`, `joins` or `contract`.
    pub band: String,
    /// The score when it was listed; `None` in the band `contract`.
    pub bits: Option<Bits>,
    /// The probability that the two are one, when it was listed; `None` in the band `contract`.
    pub probability: Option<Probability>,
    /// The batch since which it waits.
    pub since: BatchId,
    /// Time of that batch, ISO 8601 in UTC.
    pub at: String,
    /// The newest remark.
    pub note: Option<PairNote>,
    /// Eight hexadecimal digits that stand for what the two members are now and what is decided about them: a decision that
    /// names them is refused if either has changed.
    pub version: String,
}

impl QueuedPair {
    /// Returns the name of the pair on screens: `4+9`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}+{}", self.a.record, self.b.record)
    }

    /// Returns the name of the pair in a sheet: `4+9.1f3a9c02`, with the version that a decision is about.
    #[must_use]
    pub fn versioned_name(&self) -> String {
        format!("{}.{}", self.name(), self.version)
    }
}

/// The name of a pair as people write it: `4+9`, or `4+9.1f3a9c02` with the version that a file has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PairName {
    /// The smaller number.
    pub a: RecordNumber,
    /// The larger one.
    pub b: RecordNumber,
    /// The version, if it has one.
    pub version: Option<String>,
}

/// Digits of a version.
const VERSION_DIGITS: usize = 8;

impl PairName {
    /// Reads a name; `None` for any other text. Two records of one number are no pair.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (numbers, version) = match name.split_once('.') {
            Some((numbers, version)) => (numbers, Some(version.to_ascii_lowercase())),
            None => (name, None),
        };
        let is_version = |version: &String| {
            version.len() == VERSION_DIGITS && version.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        if !version.as_ref().is_none_or(is_version) {
            return None;
        }
        let (a, b) = numbers.split_once('+')?;
        let (a, b) = (number(a)?, number(b)?);
        (a != b).then(|| Self {
            a: a.min(b),
            b: a.max(b),
            version,
        })
    }
}

fn number(text: &str) -> Option<RecordNumber> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_digits).map(RecordNumber::new)
}

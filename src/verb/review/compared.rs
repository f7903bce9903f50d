//! A pair compared field by field, as people see it: redacted values masked. Its JSON is read again.

use super::pair::Side;
use crate::matching::{Bits, Probability};
use crate::record::{BatchId, RecordNumber};

/// A pair of members, compared field by field with the recorded model of the stage.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct ComparedPair {
    /// Number of the stage.
    pub stage: u32,
    /// One member.
    pub a: ComparedMember,
    /// The other one.
    pub b: ComparedMember,
    /// The score: the binary logarithm of the odds that the two are one. Prior and fields add up to it.
    pub bits: Bits,
    /// The probability that the two are one.
    pub probability: Probability,
    /// The score before any field is looked at.
    pub prior: Bits,
    /// What each compared field says, in the order of the stage.
    pub fields: Vec<ComparedField>,
    /// Values of the two records that are not compared.
    pub others: Vec<OtherField>,
    /// From this probability on, pairs are merged.
    pub auto: Probability,
    /// From this probability on, pairs are shown to a person.
    pub review: Probability,
    /// The golden record that both are in; `None` if they are in two, or in none.
    pub together: Option<RecordNumber>,
    /// Why the two are not merged, or why they are, a sentence each, the weightiest first.
    pub why: Vec<String>,
    /// The batch that keeps the model.
    pub model_batch: BatchId,
}

/// A member of a compared pair.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "FlatMember")]
#[non_exhaustive]
pub struct ComparedMember {
    /// The record.
    #[serde(flatten)]
    pub side: Side,
    /// Database in which the record began.
    pub system: Option<String>,
    /// The golden record that it is in.
    pub golden: Option<RecordNumber>,
    /// Number of members of that golden record.
    pub members: u64,
}

/// A member as JSON has it. Numbers keep their text, and so cannot be read through a flattened part.
#[derive(serde::Deserialize)]
struct FlatMember {
    record: RecordNumber,
    id: Option<String>,
    system: Option<String>,
    golden: Option<RecordNumber>,
    members: u64,
}

impl From<FlatMember> for ComparedMember {
    fn from(member: FlatMember) -> Self {
        let FlatMember {
            record,
            id,
            system,
            golden,
            members,
        } = member;
        Self {
            side: Side { record, id },
            system,
            golden,
            members,
        }
    }
}

/// What one field says about a pair.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct ComparedField {
    /// Name of the field or group in the stage.
    pub name: String,
    /// `identity`, `shared`, `unique`, `hint` or `none`.
    pub role: String,
    /// The value of the first member as people may see it; `None` if it is absent.
    pub a: Option<String>,
    /// The value of the second member as people may see it; `None` if it is absent.
    pub b: Option<String>,
    /// Whether the values are masked.
    pub redacted: bool,
    /// How alike the two are (`equal`, `similar`, `different` ...); `None` if a value is absent.
    pub level: Option<String>,
    /// What this adds to the score.
    pub bits: Bits,
}

/// A value of the two records that is not compared.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct OtherField {
    /// Path of the value.
    pub path: String,
    /// Of the first member, as people may see it; `None` if it is absent.
    pub a: Option<String>,
    /// Of the second member, as people may see it; `None` if it is absent.
    pub b: Option<String>,
    /// Whether the values are masked.
    pub redacted: bool,
}

#[cfg(test)]
mod tests {
    use super::super::samples::pair;
    use super::super::{ComparedPair, QueuedPair};

    #[test]
    fn what_the_command_prints_as_json_is_read_again() {
        let (queued, compared) = pair((4, 9), ("A:4", "C:9"), &[("given", "Jo", "Jon")]);
        let json = serde_json::to_string(&compared).unwrap();
        assert!(json.contains(r#""a":{"record":4,"id":"A:4","system":"#), "{json}");
        assert_eq!(serde_json::from_str::<ComparedPair>(&json).unwrap(), compared);
        let json = serde_json::to_string(&queued).unwrap();
        assert_eq!(serde_json::from_str::<QueuedPair>(&json).unwrap(), queued);
    }
}

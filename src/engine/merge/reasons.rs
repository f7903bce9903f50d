//! The reasons of a merge's entries: what speaks for a member's place, which pairs wait for a person, and whose values
//! survived. Never a value of a record.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::matching::{Band, Bits, Millibits, Ppm, Probability};
use crate::record::RecordNumber;
use crate::refusal::Refusal;

/// What the entry of a member says.
#[derive(Clone, Debug, Default)]
pub(super) struct MemberReason {
    /// Whether the member has left the golden record that it was in.
    pub(super) has_left: bool,
    /// The strongest pair with another member.
    pub(super) strongest: Option<Millibits>,
    /// The weakest pair among the members.
    pub(super) weakest: Option<Millibits>,
    /// The fields in which the strongest pair agrees.
    pub(super) by: Vec<String>,
    /// Pairs that a person has to decide.
    pub(super) review: Vec<ReviewPair>,
    /// The members whose values survived, by JSON Pointer.
    pub(super) won: BTreeMap<String, RecordNumber>,
}

/// A pair that a person has to decide, from one of its sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReviewPair {
    pub(super) with: RecordNumber,
    pub(super) bits: Millibits,
    pub(super) probability: Ppm,
    pub(super) band: Band,
}

impl MemberReason {
    /// Renders it as the ledger keeps it; `None` if there is nothing to say. `warned`: the reason of a record that is
    /// written though it breaks a contract.
    pub(super) fn to_json(&self, warned: Option<&str>) -> Option<String> {
        let mut fields = Map::new();
        let mut say = |name: &str, value: Json| fields.insert(name.to_owned(), value);
        if let Some(bits) = self.strongest {
            say("bits", json!(Bits::new(bits)));
        }
        if let Some(bits) = self.weakest {
            say("weakest", json!(Bits::new(bits)));
        }
        if !self.by.is_empty() {
            say("by", json!(self.by));
        }
        if !self.review.is_empty() {
            say(
                "review",
                self.review.iter().copied().map(ReviewPair::to_json).collect(),
            );
        }
        if !self.won.is_empty() {
            say("won", json!(self.won));
        }
        if fields.is_empty() && !self.has_left && warned.is_none() {
            return None;
        }
        // The code comes first: indexes and views recognize a reason by its beginning.
        let warned = warned.and_then(|warned| serde_json::from_str::<Map<String, Json>>(warned).ok());
        let mut reason = warned.unwrap_or_else(|| {
            let code = if self.has_left {
                "merge.left"
            } else {
                "merge.member"
            };
            Map::from_iter([("code".to_owned(), Json::from(code))])
        });
        reason.extend(fields);
        Some(Json::Object(reason).to_string())
    }
}

impl ReviewPair {
    fn to_json(self) -> Json {
        json!({
            "with": self.with,
            "bits": Bits::new(self.bits),
            "probability": Probability::new(self.probability),
            "band": self.band.name(),
        })
    }
}

/// Renders the refusal of a member, which was refused with the others of the cluster with the smallest member `together`.
pub(super) fn refused(refusal: &Refusal, together: Option<RecordNumber>) -> String {
    let reason = refusal.to_json();
    match (together, serde_json::from_str::<Map<String, Json>>(&reason)) {
        (Some(first), Ok(mut fields)) => {
            fields.insert("cluster".to_owned(), json!(first));
            Json::Object(fields).to_string()
        }
        _ => reason,
    }
}

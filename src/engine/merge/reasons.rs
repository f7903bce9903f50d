//! The reasons of a merge's entries: what speaks for a member's place, which pairs wait for a person, and whose values
//! survived. Never a value of a record.

use serde_json::{Map, Value as Json, json};

use crate::ledger::golden::MemberPlace;
use crate::record::RecordNumber;
use crate::refusal::Refusal;

/// What the entry of a member says.
#[derive(Clone, Debug, Default)]
pub(super) struct MemberReason {
    /// Whether the member has left the golden record that it was in.
    pub(super) has_moved: bool,
    /// What speaks for its place.
    pub(super) place: MemberPlace,
}

impl MemberReason {
    /// Renders it as the ledger keeps it; `None` if there is nothing to say. `warned`: the reason of a record that is
    /// written though it breaks a contract.
    pub(super) fn to_json(&self, warned: Option<&str>) -> Option<String> {
        let fields = self.place.to_reason();
        if fields.is_empty() && !self.has_moved && warned.is_none() {
            return None;
        }
        // The code comes first: indexes and views recognize a reason by its beginning.
        let warned = warned.and_then(|warned| serde_json::from_str::<Map<String, Json>>(warned).ok());
        let mut reason = warned.unwrap_or_else(|| {
            let code = if self.has_moved {
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

/// Renders the reasons; the carrier, the first, also says what the stage warns of.
pub(super) fn rendered(reasons: Vec<MemberReason>, warned: Option<String>) -> Vec<Option<String>> {
    let mut warned = warned;
    reasons
        .into_iter()
        .map(|reason| reason.to_json(warned.take().as_deref()))
        .collect()
}

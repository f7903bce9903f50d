//! Tests of stages that merge.

use super::{lines, parse, problems};
use crate::context::Context;
use crate::environment::Secrets;
use crate::expression::Scope;
use crate::record::{Record, RecordNumber};
use crate::stage::Stage;

mod bad;
mod documented;
mod examples;
mod features;
mod functions;
mod good;

/// The shortest stage that merges.
const TEN_LINES: &str = r#"
[stage]
description = "One person, one record"
source = "register"
target = "people"

[merge]
identity = { given = "name.first", birth = "dob", ssn = "ssn_key" }
shared   = { surname = "name.last", street = "address.street", city = "address.city", zip = "address.zip", phone = "phone" }
"#;

/// A stage that merges and says everything that can be said, with an example.
pub(super) fn everything() -> String {
    let example = "[[example]]\nname = \"one\"\ninputs = '[{\"dob\":\"1985-03-02\",\"source\":{\"system\":\"A\"}},{\"x\":1}]'\n\
                   outputs = '[]'\n";
    format!("{TEN_LINES}{}{example}", good::EVERYTHING)
}

/// Parses a stage that merges: `rest` follows the ten lines.
fn merging(rest: &str) -> Stage {
    parse(&format!("{TEN_LINES}{rest}"))
}

/// Calls a closure with the scope of a member.
fn in_scope<T>(what: impl FnOnce(&mut Scope<'_>) -> T) -> T {
    let secrets = Secrets::default();
    what(&mut Scope::new(Context::new("hospital", 4, &secrets)))
}

/// Returns the texts of a member's fields, absent ones as `-`, then its computed parts of keys and its owner.
fn compared(stage: &Stage, data: &str) -> String {
    let record = Record {
        number: RecordNumber::new(1),
        id: "r1".to_owned(),
        data: data.to_owned(),
    };
    let shown = |text: &Option<String>| {
        text.clone()
            .unwrap_or_else(|| "-".to_owned())
            .replace(['\u{1f}', '\n'], "|")
    };
    match in_scope(|scope| stage.member_in(&record, scope)) {
        Ok(Some(features)) => {
            let texts = features
                .values
                .iter()
                .chain(&features.computed)
                .chain([&features.owner]);
            texts.map(shown).collect::<Vec<_>>().join(", ")
        }
        Ok(None) => "filtered".to_owned(),
        Err(refusal) => refusal.to_json(),
    }
}

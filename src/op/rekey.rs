//! `rekey`: gives the record another id.

use serde_json::json;

use super::{Effect, Effects, Form, Key, Manual, Operation, Reversibility, Settings};
use crate::expression::{Evaluated, Expression, Scope};
use crate::lineage::Flow;
use crate::path::Path;
use crate::problem::Problem;
use crate::record::{Document, Value, id_of_number};
use crate::refusal::Refusal;

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: "rekey",
    group: "record",
    summary: "sets the record's id to the value of an expression, instead of the source's id or the stage's `id`",
    keys: &[Key::required(
        "id",
        Form::Expression,
        "the id: a string, not empty and without NUL, or a whole number",
    )],
    refusals: &["rekey.not_id"],
    undo: "from the image: the ledger has the old id",
    example: (
        r#"op = "rekey"
id = "= doc.account""#,
        r#"{"account":"A-7"}"#,
        r#"{"account":"A-7"} under the id A-7"#,
    ),
    build,
};

fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
    let id = settings.required_expression("id")?;
    Ok(Box::new(Rekey::new(id)))
}

/// Gives the record another id.
///
/// ```toml
/// op = "rekey"
/// id = "= doc.account"
/// ```
/// Turns `{"account":"A-7"}` into `{"account":"A-7"} under the id A-7`.
#[derive(Clone, Debug)]
pub struct Rekey {
    id: Expression,
}

impl Rekey {
    /// Gives the record the id that the expression returns: a string, not empty and without NUL, or a whole number.
    #[must_use]
    pub fn new(id: Expression) -> Self {
        Self { id }
    }
}

/// Returns the id that a value represents.
fn id_of(value: &Value) -> Option<String> {
    let id = match value.as_text() {
        Some(text) => text.into_owned(),
        None => id_of_number(value.as_number()?)?.to_owned(),
    };
    (!id.is_empty() && !id.contains('\0')).then_some(id)
}

impl Operation for Rekey {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let id = match self.id.value(document, scope)? {
            Evaluated::Value(value) => id_of(&value),
            Evaluated::Omit => None,
        };
        id.map(Effect::Rekeyed).ok_or_else(|| {
            Refusal::new("rekey.not_id", "")
                .expected("a string, not empty and without NUL, or a whole number")
        })
    }

    fn reads(&self) -> Vec<Path> {
        self.id.reads()
    }

    fn writes(&self) -> Vec<Path> {
        Vec::new()
    }

    fn lineage(&self, flow: &mut Flow) {
        let id = self.id.lineage(flow).sources();
        flow.rekey(id);
    }

    fn reversibility(&self) -> Reversibility {
        Reversibility::Image
    }

    fn expressions(&self) -> Vec<&Expression> {
        vec![&self.id]
    }

    fn meaning(&self) -> serde_json::Value {
        json!({ "op": MANUAL.name, "id": self.id.source() })
    }

    fn concerns_whole_record(&self) -> bool {
        true
    }

    fn effects(&self) -> Effects {
        Effects::REKEYS
    }
}

#[cfg(test)]
mod tests {
    use super::id_of;
    use crate::record::Value;

    #[test]
    fn an_id_is_a_text_or_a_whole_number() {
        for (json, id) in [
            (r#""a b""#, Some("a b")),
            ("7", Some("7")),
            ("-7", Some("-7")),
            ("-0", Some("0")),
            ("7.0", None),
            ("1e2", None),
            (r#""""#, None),
            (r#""a\u0000b""#, None),
            ("null", None),
            ("true", None),
            ("[1]", None),
        ] {
            assert_eq!(id_of(&Value::parse(json).unwrap()).as_deref(), id, "{json}");
        }
    }
}

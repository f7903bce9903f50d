//! The JSON Schema of operations in stage files, generated from their manuals.

use serde_json::{Map, Value as Json, json};

use super::code::CODE_PATTERN;
use super::form::Form;
use super::settings::Manual;

/// Returns the JSON Schema (2020-12) of one `[[op]]` table, as a fragment: the caller must put it at `#/$defs/op`,
/// because operations contain operations.
pub(crate) fn json_schema(manuals: &[&Manual]) -> Json {
    json!({ "oneOf": manuals.iter().map(|manual| operation(manual)).collect::<Vec<_>>() })
}

fn operation(manual: &Manual) -> Json {
    let mut properties = Map::new();
    properties.insert(
        "op".to_owned(),
        json!({ "const": manual.name, "description": manual.summary }),
    );
    for key in manual.keys {
        let mut schema = form(key.form);
        let description = if key.required {
            key.summary.to_owned()
        } else {
            format!("{}; absent: {}", key.summary, key.default)
        };
        schema.insert("description".to_owned(), description.into());
        properties.insert(key.name.to_owned(), Json::Object(schema));
    }
    let refuse_as = json!({
        "type": "string",
        "pattern": CODE_PATTERN,
        "description": "the code of its refusals, instead of its own codes",
    });
    properties.insert("refuse_as".to_owned(), refuse_as);
    let required = manual.keys.iter().filter(|key| key.required).map(|key| key.name);
    json!({
        "type": "object",
        "title": manual.name,
        "description": manual.summary,
        "properties": properties,
        "required": std::iter::once("op").chain(required).collect::<Vec<_>>(),
        "additionalProperties": false,
    })
}

fn form(form: Form) -> Map<String, Json> {
    let schema = match form {
        Form::Path | Form::Text => json!({ "type": "string" }),
        Form::Expression => json!({ "type": "string", "pattern": "^= " }),
        Form::Paths | Form::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Form::Choice(words) => json!({ "enum": words }),
        Form::Boolean => json!({ "type": "boolean" }),
        Form::Integer => json!({ "type": "integer" }),
        Form::Template => json!({}),
        Form::Table => json!({ "type": "object" }),
        Form::Tables => json!({ "type": "array", "items": { "type": "object" } }),
        Form::PathTable => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Form::Operations => json!({ "type": "array", "items": { "$ref": "#/$defs/op" } }),
    };
    match schema {
        Json::Object(schema) => schema,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn the_schema_accepts_what_the_parser_accepts_and_nothing_it_does_not_know() {
        let schema = json!({ "$ref": "#/$defs/op", "$defs": { "op": crate::op::json_schema() } });
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        for (instance, valid) in [
            (json!({"op": "rename", "from": "a", "to": "b"}), true),
            (
                json!({"op": "rename", "from": "a", "to": "b", "refuse_as": "a.b"}),
                true,
            ),
            (
                json!({"op": "rename", "from": "a", "to": "b", "refuse_as": "A"}),
                false,
            ),
            (
                json!({"op": "rename", "from": "a", "to": "b", "missing": "ignore"}),
                false,
            ),
            (json!({"op": "rename", "from": "a"}), false),
            (json!({"op": "remove", "path": "a", "way": 1}), false),
            (json!({"op": "renam", "from": "a", "to": "b"}), false),
            (
                json!({"op": "each", "path": "a", "ops": [{"op": "remove", "path": "b"}]}),
                true,
            ),
            (
                json!({"op": "each", "path": "a", "ops": [{"op": "remov"}]}),
                false,
            ),
            (json!({"op": "zip", "from": {"a": "b"}, "to": "c"}), true),
            (json!({"op": "zip", "from": {"a": 1}, "to": "c"}), false),
        ] {
            assert_eq!(validator.is_valid(&instance), valid, "{instance}");
        }
    }
}

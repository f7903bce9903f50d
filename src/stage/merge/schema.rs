//! The part of the JSON Schema of stage files that describes `[merge]`.

use serde_json::{Value as Json, json};

use super::kind::{COMPARISONS, KINDS};
use super::survival::WORDS;
use super::words::{CAUTION, JOIN, LEARN, ROLE, SEQUENCE, THEN};

/// Returns the schema of `[merge]`; `expression` makes that of an expression, from its description.
pub(in crate::stage) fn schema(expression: fn(&str) -> Json) -> Json {
    let fields = |description: &str| {
        json!({
            "description": format!("{description} By name: a path, or an expression that begins with `= `."),
            "type": "object",
            "minProperties": 1,
            "propertyNames": name_of_field(),
            "additionalProperties": { "type": "string" },
        })
    };
    json!({
        "description": "Records of the source that describe the same person, or the same thing, become one golden record of \
            the target.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "by": fields("Fields that must all be equal, instead of a model."),
            "identity": fields("Fields that identify: two members that agree in none of them are never one."),
            "shared": fields("Fields that members of a household share."),
            "learn": word("Where the weights come from: learned from the records, or given in [[merge.weight]].", &words(&LEARN), "em"),
            "classes": {
                "description": "The number of classes that the model distinguishes: the same person, (the same household,) \
                    and unrelated. Absent: 3 if there are shared fields.",
                "enum": [2, 3],
            },
            "caution": word(
                "How strictly the identity rule holds: `low` only lowers the probability, `none` is no rule.",
                &words(&CAUTION),
                "high",
            ),
            "auto": probability("The least probability of a pair that is merged without a person.", "0.99"),
            "review": probability("The least probability of a pair that a person decides.", "0.5"),
            "prior": probability("The share of all pairs that are one; absent: estimated.", ""),
            "sequence": word(
                "The clusters of a first pass do not depend on the order of loading: the only value.",
                &words(&SEQUENCE),
                "neutral",
            ),
            "field": { "type": "array", "items": field() },
            "group": {
                "description": "Fields that determine each other count once. Absent: the parts of a place; `[]`: none.",
                "type": "array",
                "items": group(),
            },
            "block": { "type": "array", "items": block(expression) },
            "conflict": { "type": "array", "items": conflict(expression) },
            "weight": { "type": "array", "items": weight() },
            "cluster": cluster(expression),
            "survive": survive(expression),
            "limits": limits(),
        },
    })
}

fn words<T>(words: &[(&'static str, T)]) -> Vec<&'static str> {
    words.iter().map(|(word, _)| *word).collect()
}

fn word(description: &str, words: &[&str], default: &str) -> Json {
    json!({ "description": description, "enum": words, "default": default })
}

fn text(description: &str) -> Json {
    json!({ "type": "string", "description": description })
}

fn name_of_field() -> Json {
    json!({ "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "not": { "enum": ["doc", "omit"] } })
}

fn probability(description: &str, default: &str) -> Json {
    let mut schema = json!({
        "description": description,
        "type": "number",
        "exclusiveMinimum": 0,
        "exclusiveMaximum": 1,
    });
    if let Ok(default) = serde_json::from_str::<Json>(default) {
        schema["default"] = default;
    }
    schema
}

fn field() -> Json {
    let kinds = KINDS
        .iter()
        .map(|row| json!({ "const": row.word, "description": row.what }));
    let kinds: Vec<Json> = kinds.collect();
    json!({
        "description": "A field, or more about one that `identity` or `shared` lists.",
        "type": "object",
        "required": ["name"],
        "additionalProperties": false,
        "properties": {
            "name": { "type": "string", "description": "Its name; must be unique.", "allOf": [name_of_field()] },
            "value": text("A path, or an expression over the record `doc` and other fields; required unless the field is listed."),
            "kind": { "description": "What it holds; absent: by its name.", "oneOf": kinds },
            "compare": { "description": "How two values are compared; absent: by its kind.", "enum": words(&COMPARISONS) },
            "function": text("The comparison that the program registers, for `compare = \"rust\"`."),
            "version": { "description": "The version of that comparison.", "type": "integer", "minimum": 1 },
            "levels": {
                "description": "Similarities at which its levels end, from 1 downwards; absent: by its comparison.",
                "type": "array",
                "items": { "type": "number", "exclusiveMinimum": 0, "maximum": 1 },
                "minItems": 1,
                "maxItems": 7,
            },
            "swap": text("The field whose value may stand in its place."),
            "frequency": { "description": "Whether agreement on a rare value counts more.", "type": "boolean" },
            "role": { "description": "What agreement in it says.", "enum": words(&ROLE) },
        },
    })
}

fn group() -> Json {
    json!({
        "type": "object",
        "required": ["name", "levels"],
        "additionalProperties": false,
        "properties": {
            "name": text("What the fields are together; must be unique."),
            "levels": {
                "description": "The fields that agree at each level, the strongest level first; `~` before a name: it is \
                    enough that they are similar.",
                "type": "array",
                "minItems": 1,
                "items": { "type": "array", "minItems": 1, "items": { "type": "string" } },
            },
        },
    })
}

fn block(expression: fn(&str) -> Json) -> Json {
    let parts = |description: &str| {
        json!({
            "description": description,
            "anyOf": [
                expression("One part."),
                { "type": "array", "items": expression("A part.") },
            ],
        })
    };
    json!({
        "description": "A blocking key: members that agree in all its parts are compared. Without any, the keys follow from \
            the kinds of the fields.",
        "type": "object",
        "required": ["key"],
        "additionalProperties": false,
        "properties": {
            "key": parts("The parts, over the fields by their names and the record `doc`."),
            "limit": {
                "description": "The largest block that is compared as it is.",
                "type": "integer",
                "minimum": 2,
                "maximum": 10_000_000,
                "default": 500,
            },
            "refine": parts("Parts that are added where a block is larger."),
        },
    })
}

fn conflict(expression: fn(&str) -> Json) -> Json {
    json!({
        "description": "What speaks against merging two members.",
        "type": "object",
        "required": ["name", "when"],
        "additionalProperties": false,
        "properties": {
            "name": text("What speaks against it, in words; must be unique."),
            "when": expression("A condition on two members `a` and `b`, with the fields by their names."),
            "then": word("Whether they are never merged, or a person decides.", &words(&THEN), "review"),
        },
    })
}

fn weight() -> Json {
    json!({
        "description": "The weights of a field or group, for `learn = \"given\"`.",
        "type": "object",
        "required": ["of", "bits"],
        "additionalProperties": false,
        "properties": {
            "of": text("The field or group."),
            "bits": {
                "description": "The weight of each level, the last for disagreement.",
                "type": "array",
                "minItems": 2,
                "items": { "type": "number", "minimum": -100, "maximum": 100 },
            },
        },
    })
}

fn cluster(expression: fn(&str) -> Json) -> Json {
    json!({
        "description": "When two clusters are joined.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "join": word("What a join needs beside one certain pair: a mean over all pairs that is likely enough, every pair \
                likely enough, or nothing.", &words(&JOIN), "mean"),
            "max": { "description": "The most members of a cluster.", "type": "integer", "minimum": 2, "default": 25 },
            "one_per": expression("A cluster has at most one member of each of its values; absent: no such limit."),
        },
    })
}

fn limits() -> Json {
    json!({
        "description": "Bounds that refuse before they are exceeded.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "pairs": { "description": "The most candidate pairs.", "type": "integer", "minimum": 1, "default": 50_000_000 },
            "memory": {
                "description": "The most memory: bytes, or a size such as `512 MiB`.",
                "anyOf": [
                    { "type": "integer", "minimum": 1 },
                    { "type": "string", "pattern": "^[0-9]+ *[KMG]iB$" },
                ],
                "default": "512 MiB",
            },
        },
    })
}

fn survive(expression: fn(&str) -> Json) -> Json {
    let rules = words(&WORDS);
    let rule = json!({
        "anyOf": [
            { "enum": rules },
            {
                "type": "object",
                "required": ["by"],
                "additionalProperties": false,
                "properties": {
                    "by": { "description": "The rule.", "enum": rules },
                    "of": expression("What orders the members, or where each comes from; over a member, `doc`."),
                    "order": {
                        "description": "The sources, the most trusted first, for `source`.",
                        "type": "array",
                        "items": { "type": "string" },
                    },
                    "function": text("The choice that the program registers, for `by = \"rust\"`."),
                    "version": { "description": "The version of that choice.", "type": "integer", "minimum": 1 },
                    "whole": { "description": "Everything below the path survives from one member.", "type": "boolean" },
                },
            },
        ],
    });
    json!({
        "description": "Which of the members' values a golden record has: a rule for all fields, and rules by path.",
        "type": "object",
        "properties": {
            "default": rule,
                "provenance": {
                "description": "The field of a golden record that says which member each value comes from; absent: none.",
                "type": "string",
                "minLength": 1,
            },
            },
        "additionalProperties": rule,
    })
}

//! The JSON Schema of stage files, for editors: completion, and problems while writing.

use serde_json::{Value as Json, json};

use crate::contract::Mode;
use crate::op;

/// Returns the JSON Schema (2020-12) of stage files. It describes their form; `check` finds what only compiling can
/// find (expressions, contracts, files).
#[must_use]
pub fn json_schema() -> Json {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Counterfoil stage file",
        "description": "One versioned step of change: NNNN_slug.toml beside counterfoil.toml.",
        "type": "object",
        "required": ["stage"],
        "additionalProperties": false,
        "properties": {
            "stage": stage(),
            "op": {
                "description": "Operations, applied in this order.",
                "type": "array",
                "items": { "$ref": "#/$defs/op" },
            },
            "into": {
                "description": "A new document with these fields, in this order; a string that begins with `= ` is an \
                    expression, `{ json = \"null\" }` is any JSON.",
                "type": "object",
            },
            "merge": super::merge::schema(expression),
            "aggregate": super::aggregate::schema(expression),
            "contract": contract(),
            "reconcile": { "type": "array", "items": reconcile() },
            "example": { "type": "array", "items": example() },
        },
        "$defs": { "op": op::json_schema() },
    })
}

fn text(description: &str) -> Json {
    json!({ "type": "string", "description": description })
}

fn database(description: &str) -> Json {
    json!({
        "type": "string",
        "description": description,
        "pattern": "^[a-z][a-z0-9_]{0,62}$",
        "not": { "pattern": "^(ledger_|audit_|sqlite_)" },
    })
}

/// Returns the schema of an expression: a text with its sign.
fn expression(description: &str) -> Json {
    json!({ "description": description, "type": "string", "pattern": "^= " })
}

fn stage() -> Json {
    json!({
        "description": "The source and target of the records, and what to do when one is refused.",
        "type": "object",
        "required": ["source"],
        "additionalProperties": false,
        "properties": {
            "description": text("What the stage does, in words."),
            "source": database("The database to read."),
            "target": database("The database to write; absent: in place."),
            "where": expression("A condition on the source record; if it is false, the record is filtered."),
            "id": expression("The id of the target record, from the document after the operations; absent: the \
             source's id."),
            "on_error": {
                "description": "What to do when a record is refused.",
                "enum": ["quarantine", "stop"],
                "default": "quarantine",
            },
            "max_errors": {
                "description": "How many records may be refused: a count, or a share of the source such as `0.5%`.",
                "anyOf": [
                    { "type": "integer", "minimum": 0 },
                    { "type": "string", "pattern": "^([0-9]{1,2}(\\.[0-9]+)?|100(\\.0+)?) *%$" },
                ],
                "default": "1%",
            },
            "on_conflict": {
                "description": "What to do when a target id already exists, or its row was changed by hand.",
                "enum": ["refuse", "skip", "replace"],
                "default": "refuse",
            },
            "stale": {
                "description": "What to do with the earlier version of a record in the target when a correction of it \
                    is refused.",
                "enum": ["keep", "remove"],
                "default": "keep",
            },
            "rounding": {
                "description": "How the stage rounds; required in a stage that rounds.",
                "enum": ["half-even", "half-up"],
            },
            "redact": {
                "description": "Paths whose values are never shown.",
                "type": "array",
                "items": { "type": "string" },
            },
            "prepare": text("Statements that run once per record, before the operations; their names are visible \
                to the expressions below."),
        },
    })
}

fn contract() -> Json {
    let side = |description: &str| {
        json!({
            "description": format!("{description}: a JSON Schema (2020-12), inline or in a file of this name."),
            "type": ["string", "object", "boolean"],
        })
    };
    let mode = |description: &str| {
        json!({
            "description": format!("{description} refuse: refuse it and stop the pass; quarantine (the default): \
                refuse it and continue the pass within its limit; warn: write it, and record in its entry what is \
                wrong."),
            "enum": Mode::WORDS,
        })
    };
    let rules = |description: &str, required: &[&str], keys: Json| {
        let mut properties = json!({
            "name": text("What the rule says, in words; must be unique."),
            "mode": mode("What to do with a record that breaks it; absent: the contract's `mode`."),
        });
        if let (Some(properties), Json::Object(keys)) = (properties.as_object_mut(), keys) {
            properties.extend(keys);
        }
        json!({
            "description": description,
            "type": "array",
            "items": {
                "type": "object",
                "required": required,
                "additionalProperties": false,
                "properties": properties,
            },
        })
    };
    json!({
        "description": "What a record must satisfy.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "source": side("Before the stage"),
            "target": side("After the stage"),
            "mode": mode("What to do with a record that breaks the contract."),
            "preexisting": mode("What to do with a record that already broke it in the same way before the stage: one \
                that breaks the source contract or, in place, one that broke the target contract; absent: `mode`."),
            "rule": rules("Conditions that JSON Schema cannot express.", &["name", "expect"], json!({
                "expect": expression("The condition on the final document."),
            })),
            "unique": rules("Keys that no two records of the target share.", &["name", "key"], json!({
                "key": expression("The key, from the final document; null means no key, a list is a key of several \
                 parts, none of them null."),
            })),
            "references": rules("References to other records.", &["name", "value", "to"], json!({
                "value": expression("The reference, from the final document; null refers to nothing, and each element \
                 of a list is a reference."),
                "to": text("The database that is referred to."),
                "key": expression("The key of its records; absent: their id."),
            })),
        },
    })
}

fn reconcile() -> Json {
    json!({
        "description": "What the source and the target must agree on.",
        "type": "object",
        "required": ["name", "source", "target"],
        "additionalProperties": false,
        "properties": {
            "name": text("What is reconciled, in words; must be unique."),
            "source": expression("The amount of a source record."),
            "target": expression("The amount of a target record."),
            "by": {
                "description": "The keys by which amounts are summed; absent: one grand total.",
                "type": "object",
                "required": ["source", "target"],
                "additionalProperties": false,
                "properties": {
                    "source": expression("The key of a source record."),
                    "target": expression("The key of a target record."),
                },
            },
            "tolerance": {
                "description": "The largest difference that is not a discrepancy.",
                "type": ["string", "number"],
                "default": "0.00",
            },
        },
    })
}

fn example() -> Json {
    json!({
        "description": "A record and its expected result; `counterfoil test` runs it.",
        "type": "object",
        "required": ["name"],
        "additionalProperties": false,
        "properties": {
            "name": text("What the example shows, in words; must be unique."),
            "id": text("The id of the source record; absent: `example`."),
            "input": text("The source record, as JSON."),
            "inputs": text("A list of source records, as JSON: for a stage that merges or aggregates."),
            "secrets": {
                "description": "Secrets of this example alone, by name, in place of the real ones; not secret.",
                "type": "object",
                "additionalProperties": { "type": "string" },
            },
            "lookups": {
                "description": "What values find in other databases: by database, a table of values and what they find.",
                "type": "object",
                "additionalProperties": { "type": "object" },
            },
            "output": text("The target record, as JSON; a list of records if the stage derives."),
            "outputs": text("The list of golden records, as JSON: for a stage that merges."),
            "refused": text("The expected code of the refusal."),
            "filtered": { "description": "The record is filtered.", "const": true },
        },
        "anyOf": [{ "required": ["input"] }, { "required": ["inputs", "outputs"] }],
        "oneOf": [
            { "required": ["output"] },
            { "required": ["outputs"] },
            { "required": ["refused"] },
            { "required": ["filtered"] },
        ],
    })
}

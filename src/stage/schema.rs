//! The JSON Schema of stage files, for editors: completion, and problems while writing.

use serde_json::{Value as Json, json};

use crate::contract::Mode;
use crate::op;

/// The JSON Schema (2020-12) of stage files. It describes their form; what only compiling can find (expressions,
/// contracts, files) `check` finds.
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
                "description": "Operations, run in this order.",
                "type": "array",
                "items": { "$ref": "#/$defs/op" },
            },
            "into": {
                "description": "A new document, its fields in the order written; a text that begins with `= ` is \
                    an expression, `{ json = \"null\" }` is any JSON.",
                "type": "object",
            },
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

/// An expression: a text with its sign.
fn expression(description: &str) -> Json {
    json!({ "description": description, "type": "string", "pattern": "^= " })
}

fn stage() -> Json {
    json!({
        "description": "Where the records come from and go to, and what happens when one is refused.",
        "type": "object",
        "required": ["source"],
        "additionalProperties": false,
        "properties": {
            "description": text("What it does, in words."),
            "source": database("The database whose records it reads."),
            "target": database("The database that it fills; absent: in place."),
            "where": expression("A condition on the source record; where it is false, the record is left out."),
            "id": expression("The target's id, from the document after the operations; absent: the source's."),
            "on_error": {
                "description": "What happens when a record is refused.",
                "enum": ["quarantine", "stop"],
                "default": "quarantine",
            },
            "max_errors": {
                "description": "How many records may be refused: a count, or a share of the source as `0.5%`.",
                "anyOf": [
                    { "type": "integer", "minimum": 0 },
                    { "type": "string", "pattern": "^([0-9]{1,2}(\\.[0-9]+)?|100(\\.0+)?) *%$" },
                ],
                "default": "1%",
            },
            "on_conflict": {
                "description": "What happens when a target id already exists, or its row was changed by hand.",
                "enum": ["refuse", "skip", "replace"],
                "default": "refuse",
            },
            "stale": {
                "description": "What becomes of the target's earlier version of a record when a correction of it is \
                    refused.",
                "enum": ["keep", "remove"],
                "default": "keep",
            },
            "rounding": {
                "description": "How it rounds; a stage that rounds must say so.",
                "enum": ["half-even", "half-up"],
            },
            "redact": {
                "description": "Paths whose values appear in no output.",
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
            "description": format!("{description}: a JSON Schema (2020-12), inline or the name of a file."),
            "type": ["string", "object", "boolean"],
        })
    };
    let mode = |description: &str| {
        json!({
            "description": format!("{description} refuse: it is refused and the pass stops; quarantine (the default): it is refused \
                and the pass goes on within its limit; warn: it is written, and its entry says what is wrong."),
            "enum": Mode::WORDS,
        })
    };
    let rules = |description: &str, required: &[&str], keys: Json| {
        let mut properties = json!({
            "name": text("What the rule says, in words; unique."),
            "mode": mode("What happens to a record that breaks it; without it the contract's mode."),
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
            "mode": mode("What happens to a record that breaks the contract."),
            "preexisting": mode("What happens to a record that broke it in the same way already before the stage: one that \
                breaks the source contract, and in place one that broke the target contract; without it `mode`."),
            "rule": rules("Conditions that JSON Schema cannot say.", &["name", "expect"], json!({
                "expect": expression("The condition on the final document."),
            })),
            "unique": rules("Keys that no two records of the target share.", &["name", "key"], json!({
                "key": expression("The key, of the final document; null is no key, a list is a key of several parts, none of which is null."),
            })),
            "references": rules("What records refer to.", &["name", "value", "to"], json!({
                "value": expression("What the final document refers to; null refers to nothing, of a list every element does."),
                "to": text("The database that is referred to."),
                "key": expression("The key of its records; without it their id."),
            })),
        },
    })
}

fn reconcile() -> Json {
    json!({
        "description": "What both sides must agree on.",
        "type": "object",
        "required": ["name", "source", "target"],
        "additionalProperties": false,
        "properties": {
            "name": text("What is reconciled, in words; unique."),
            "source": expression("The amount of a source record."),
            "target": expression("The amount of a target record."),
            "by": {
                "description": "The keys that amounts are summed by; absent: one grand total.",
                "type": "object",
                "required": ["source", "target"],
                "additionalProperties": false,
                "properties": {
                    "source": expression("The key of a source record."),
                    "target": expression("The key of a target record."),
                },
            },
            "tolerance": {
                "description": "A difference is a discrepancy when it is strictly greater.",
                "type": ["string", "number"],
                "default": "0.00",
            },
        },
    })
}

fn example() -> Json {
    json!({
        "description": "A record and what must come of it; `counterfoil test` runs it.",
        "type": "object",
        "required": ["name", "input"],
        "additionalProperties": false,
        "properties": {
            "name": text("What it shows, in words; unique."),
            "id": text("The id of the source record; absent: `example`."),
            "input": text("The source record, as JSON."),
            "output": text("The target record, as JSON; a list of them where the stage derives."),
            "refused": text("The code of the refusal."),
            "filtered": { "description": "The record is left out.", "const": true },
        },
        "oneOf": [
            { "required": ["output"] },
            { "required": ["refused"] },
            { "required": ["filtered"] },
        ],
    })
}

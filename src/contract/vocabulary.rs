//! The keywords of JSON Schema 2020-12: which hold schemas, which are easily mistaken, which only describe.

use serde_json::Value as Parsed;

use crate::problem::{Place, Problem};

/// What the value of a keyword holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// No schema.
    Plain,
    /// No schema, and nothing that decides whether a record passes.
    Description,
    /// A schema.
    Schema,
    /// A list of schemas.
    List,
    /// An object of schemas, under names that are no keywords.
    Map,
}

#[rustfmt::skip]
const KEYWORDS: &[(&str, Holds)] = &[
    ("$schema", Holds::Plain), ("$id", Holds::Plain), ("$ref", Holds::Plain), ("$anchor", Holds::Plain),
    ("$dynamicRef", Holds::Plain), ("$dynamicAnchor", Holds::Plain), ("$vocabulary", Holds::Plain),
    ("$defs", Holds::Map), ("definitions", Holds::Map), ("$comment", Holds::Description),
    ("title", Holds::Description), ("description", Holds::Description), ("examples", Holds::Description),
    ("example", Holds::Description), ("default", Holds::Plain), ("deprecated", Holds::Plain),
    ("readOnly", Holds::Plain), ("writeOnly", Holds::Plain), ("contentEncoding", Holds::Plain),
    ("contentMediaType", Holds::Plain), ("contentSchema", Holds::Schema), ("format", Holds::Plain),
    ("type", Holds::Plain), ("enum", Holds::Plain), ("const", Holds::Plain), ("multipleOf", Holds::Plain),
    ("minimum", Holds::Plain), ("maximum", Holds::Plain), ("exclusiveMinimum", Holds::Plain),
    ("exclusiveMaximum", Holds::Plain), ("minLength", Holds::Plain), ("maxLength", Holds::Plain),
    ("pattern", Holds::Plain), ("minItems", Holds::Plain), ("maxItems", Holds::Plain),
    ("uniqueItems", Holds::Plain), ("minContains", Holds::Plain), ("maxContains", Holds::Plain),
    ("minProperties", Holds::Plain), ("maxProperties", Holds::Plain), ("required", Holds::Plain),
    ("dependentRequired", Holds::Plain), ("x-decimal", Holds::Plain),
    ("properties", Holds::Map), ("patternProperties", Holds::Map), ("dependentSchemas", Holds::Map),
    ("additionalProperties", Holds::Schema), ("unevaluatedProperties", Holds::Schema),
    ("propertyNames", Holds::Schema), ("items", Holds::Schema), ("unevaluatedItems", Holds::Schema),
    ("contains", Holds::Schema), ("not", Holds::Schema), ("if", Holds::Schema), ("then", Holds::Schema),
    ("else", Holds::Schema), ("prefixItems", Holds::List), ("allOf", Holds::List), ("anyOf", Holds::List),
    ("oneOf", Holds::List),
];

/// Words of other versions and dialects, which 2020-12 would pass over in silence, and what to write instead.
const STRANGERS: &[(&str, &str)] = &[
    ("nullable", "allow null in `type`: [\"string\", \"null\"]"),
    ("dependencies", "write `dependentRequired` or `dependentSchemas`"),
    (
        "additionalItems",
        "write `items`, which follows `prefixItems` in 2020-12",
    ),
    ("divisibleBy", "write `multipleOf`"),
    ("extends", "write `allOf`"),
    ("id", "write `$id`"),
    ("$recursiveRef", "write `$dynamicRef`"),
    ("optional", "leave the name out of the object's `required`"),
];

#[rustfmt::skip]
const FORMATS: &[&str] = &[
    "date", "date-time", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uri-reference",
    "iri", "iri-reference", "uuid", "uri-template", "json-pointer", "relative-json-pointer", "regex",
];

fn holds(keyword: &str) -> Option<Holds> {
    KEYWORDS
        .iter()
        .find(|(name, _)| *name == keyword)
        .map(|(_, holds)| *holds)
}

/// Every schema directly below a schema's keyword, with its place below the keyword.
fn inner(holds: Holds, value: &Parsed) -> Vec<(String, &Parsed)> {
    match (holds, value) {
        (Holds::Schema, schema) => vec![(String::new(), schema)],
        (Holds::List, Parsed::Array(list)) => {
            let at = |(index, schema)| (format!("/{index}"), schema);
            list.iter().enumerate().map(at).collect()
        }
        (Holds::Map, Parsed::Object(map)) => {
            let at = |(name, schema): (&String, _)| (step(name), schema);
            map.iter().map(at).collect()
        }
        _ => Vec::new(),
    }
}

/// One step of a JSON Pointer.
pub(super) fn step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Everything in a schema that the validator would pass over in silence though it looks as if it meant something.
pub(super) fn lint(schema: &Parsed, at: &str, place: &Place, problems: &mut Vec<Problem>) {
    let Parsed::Object(keywords) = schema else { return };
    for (keyword, value) in keywords {
        match holds(keyword) {
            Some(found) => {
                let here = format!("{at}{}", step(keyword));
                for (below, schema) in inner(found, value) {
                    lint(schema, &format!("{here}{below}"), place, problems);
                }
                problems.extend(mistaken_value(keyword, value, &here, place));
            }
            None => problems.extend(mistaken_keyword(keyword, at, place)),
        }
    }
}

fn mistaken_keyword(keyword: &str, at: &str, place: &Place) -> Option<Problem> {
    let message = format!(
        "{} has the keyword `{keyword}`, which JSON Schema 2020-12 does not know",
        named(at)
    );
    let problem = Problem::error("contract.unknown_keyword", place.clone(), message);
    if let Some((_, instead)) = STRANGERS.iter().find(|(name, _)| *name == keyword) {
        return Some(problem.help(*instead));
    }
    if keyword.starts_with("x-") {
        return None;
    }
    let distance = |name: &str| strsim::damerau_levenshtein(&keyword.to_lowercase(), &name.to_lowercase());
    let (near, name) = KEYWORDS.iter().map(|(name, _)| (distance(name), *name)).min()?;
    // Other unknown words are annotations, as 2020-12 says; a near miss of a keyword is a slip of the hand.
    let slip = near <= 2 && near * 3 <= name.len();
    slip.then(|| {
        problem.help(format!(
            "did you mean `{name}`? An annotation of your own begins with `x-`"
        ))
    })
}

fn mistaken_value(keyword: &str, value: &Parsed, here: &str, place: &Place) -> Option<Problem> {
    let text = value.as_str()?;
    match keyword {
        "format" if !FORMATS.contains(&text) => {
            let message = format!("`{here}` names the format `{text}`, which nothing can check");
            let problem = Problem::error("contract.unknown_format", place.clone(), message)
                .help(format!("the formats are: {}", FORMATS.join(", ")));
            Some(problem.did_you_mean(text, FORMATS.iter().copied()))
        }
        "$schema" if text.trim_end_matches('#') != "https://json-schema.org/draft/2020-12/schema" => {
            let message =
                format!("the schema is written for `{text}`, but contracts are JSON Schema 2020-12");
            Some(Problem::error("contract.draft", place.clone(), message).help(
                "write `\"$schema\": \"https://json-schema.org/draft/2020-12/schema\"` or leave it out",
            ))
        }
        _ => None,
    }
}

/// A place in the schema, for people.
pub(super) fn named(pointer: &str) -> String {
    if pointer.is_empty() {
        "the schema".to_owned()
    } else {
        format!("`{pointer}`")
    }
}

/// The schema without what only describes, object names in order: the part of the meaning that is hashed.
pub(super) fn meaning(schema: &Parsed) -> Parsed {
    let Parsed::Object(keywords) = schema else {
        return schema.clone();
    };
    let kept = keywords.iter().filter_map(|(keyword, value)| {
        let value = match (holds(keyword)?, value) {
            (Holds::Description, _) => return None,
            (Holds::Schema, schema) => meaning(schema),
            (Holds::List, Parsed::Array(list)) => list.iter().map(meaning).collect(),
            (Holds::Map, Parsed::Object(map)) => {
                sorted(map.iter().map(|(name, schema)| (name.clone(), meaning(schema))))
            }
            (_, plain) => in_order(plain),
        };
        Some((keyword.clone(), value))
    });
    sorted(kept)
}

/// A value with the names of its objects in order.
fn in_order(value: &Parsed) -> Parsed {
    match value {
        Parsed::Array(list) => list.iter().map(in_order).collect(),
        Parsed::Object(map) => sorted(map.iter().map(|(name, value)| (name.clone(), in_order(value)))),
        plain => plain.clone(),
    }
}

fn sorted(fields: impl Iterator<Item = (String, Parsed)>) -> Parsed {
    let mut fields: Vec<_> = fields.collect();
    fields.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    Parsed::Object(fields.into_iter().collect())
}

//! The keywords of JSON Schema 2020-12: which contain schemas, which are easily confused, which only describe.

use serde_json::Value as Parsed;

use super::check::Checks;
use super::patterns::Patterns;
use crate::name::check_database;
use crate::path::{Path, Segment};
use crate::problem::{Place, Problem};

/// What the value of a keyword contains.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// No schema.
    Plain,
    /// No schema, and nothing that affects whether a record passes.
    Description,
    /// A schema.
    Schema,
    /// A list of schemas.
    List,
    /// An object of schemas, under names that are not keywords.
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
    ("dependentRequired", Holds::Plain), ("x-decimal", Holds::Plain), ("x-check", Holds::Plain),
    ("x-unique", Holds::Plain), ("x-references", Holds::Plain),
    ("properties", Holds::Map), ("patternProperties", Holds::Map), ("dependentSchemas", Holds::Map),
    ("additionalProperties", Holds::Schema), ("unevaluatedProperties", Holds::Schema),
    ("propertyNames", Holds::Schema), ("items", Holds::Schema), ("unevaluatedItems", Holds::Schema),
    ("contains", Holds::Schema), ("not", Holds::Schema), ("if", Holds::Schema), ("then", Holds::Schema),
    ("else", Holds::Schema), ("prefixItems", Holds::List), ("allOf", Holds::List), ("anyOf", Holds::List),
    ("oneOf", Holds::List),
];

/// Keywords of other versions and dialects, which 2020-12 would ignore silently, and what to write instead.
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

/// Returns every schema directly inside a keyword's value, with its place relative to the keyword.
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

/// Returns the schemas directly inside a keyword, each with its place relative to the keyword.
pub(super) fn subschemas<'s>(keyword: &str, value: &'s Parsed) -> Vec<(String, &'s Parsed)> {
    holds(keyword).map_or_else(Vec::new, |holds| inner(holds, value))
}

/// Returns one step of a JSON Pointer.
pub(super) fn step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Finds everything in a schema that the validator would ignore silently although it appears to have a meaning.
pub(super) struct Linting<'l> {
    pub(super) place: &'l Place,
    pub(super) checks: &'l Checks,
    pub(super) problems: Vec<Problem>,
    pub(super) patterns: Patterns,
}

impl Linting<'_> {
    /// Checks the schema at a place of the whole, a JSON Pointer.
    pub(super) fn lint(&mut self, schema: &Parsed, at: &str) {
        let Parsed::Object(keywords) = schema else { return };
        for (keyword, value) in keywords {
            let Some(found) = holds(keyword) else {
                self.problems.extend(mistaken_keyword(keyword, at, self.place));
                continue;
            };
            match (keyword.as_str(), value) {
                ("pattern", Parsed::String(pattern)) => self.patterns.add(pattern),
                ("patternProperties", Parsed::Object(map)) => {
                    map.keys().for_each(|pattern| self.patterns.add(pattern));
                }
                _ => {}
            }
            let here = format!("{at}{}", step(keyword));
            for (below, schema) in inner(found, value) {
                self.lint(schema, &format!("{here}{below}"));
            }
            let problem = match keyword.as_str() {
                "x-unique" | "x-references" => cross_record(keyword, value, at, self.place),
                "x-check" => unknown_check(value, &here, self.checks, self.place),
                _ => mistaken_value(keyword, value, &here, self.place),
            };
            self.problems.extend(problem);
        }
    }
}

/// Checks that `x-unique` and `x-references` occur only at fields of the record, or of objects in it.
fn cross_record(keyword: &str, value: &Parsed, at: &str, place: &Place) -> Option<Problem> {
    let steps: Vec<&str> = at.split('/').skip(1).collect();
    let at_a_field = !steps.is_empty()
        && steps.len().is_multiple_of(2)
        && steps.iter().step_by(2).all(|step| *step == "properties");
    let message = if !at_a_field {
        format!(
            "{} has `{keyword}`, which is allowed only on a field of the record or of an object in it",
            named(at)
        )
    } else if keyword == "x-unique" && *value != Parsed::Bool(true) {
        format!("`{at}/x-unique` takes `true`")
    } else if keyword == "x-references" && value.as_str().is_none_or(|name| check_database(name).is_err()) {
        format!("`{at}/x-references` takes the name of a database")
    } else {
        return None;
    };
    let help = "for anything else write [[contract.unique]] or [[contract.references]] with an expression";
    Some(Problem::error("contract.cross_record", place.clone(), message).help(help))
}

fn unknown_check(value: &Parsed, here: &str, checks: &Checks, place: &Place) -> Option<Problem> {
    let names = value.as_array()?.iter().filter_map(Parsed::as_str);
    let unknown = names.into_iter().find(|name| checks.get(name).is_none())?;
    let message = format!("`{here}` names the check `{unknown}`, which the program has not registered");
    let problem = Problem::error("contract.unknown_check", place.clone(), message)
        .help("a check is written in Rust and registered with the functions of the program");
    Some(problem.did_you_mean(unknown, checks.names()))
}

/// Returns the fields that have a keyword, and its value; only where [`cross_record`] finds no problem.
pub(super) fn fields_with(schema: &Parsed, keyword: &str) -> Vec<(Path, Parsed)> {
    let mut found = Vec::new();
    let mut waiting = vec![(Vec::new(), schema)];
    while let Some((path, schema)) = waiting.pop() {
        if let (Some(value), false) = (schema.get(keyword), path.is_empty()) {
            found.push((Path::from_segments(path.clone()), value.clone()));
        }
        let properties = schema.get("properties").and_then(Parsed::as_object);
        for (name, field) in properties.into_iter().flatten().rev() {
            let mut below = path.clone();
            below.push(Segment::Key(name.clone()));
            waiting.push((below, field));
        }
    }
    found
}

fn mistaken_keyword(keyword: &str, at: &str, place: &Place) -> Option<Problem> {
    let message = format!(
        "{} has the keyword `{keyword}`, which is not in JSON Schema 2020-12",
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
    // Other unknown words are annotations, as 2020-12 specifies; a word similar to a keyword is a typing error.
    let slip = near <= 2 && near * 3 <= name.len();
    slip.then(|| {
        problem.help(format!(
            "did you mean `{name}`? Names of custom annotations begin with `x-`"
        ))
    })
}

fn mistaken_value(keyword: &str, value: &Parsed, here: &str, place: &Place) -> Option<Problem> {
    let text = value.as_str()?;
    match keyword {
        "format" if !FORMATS.contains(&text) => {
            let message = format!("`{here}` names the format `{text}`, which is not supported");
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

/// Formats a place in the schema for people.
pub(super) fn named(pointer: &str) -> String {
    if pointer.is_empty() {
        "the schema".to_owned()
    } else {
        format!("`{pointer}`")
    }
}

/// Returns the schema without descriptions, object names in order: the part of the meaning that is hashed.
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

/// Returns a value with the names of its objects in order.
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

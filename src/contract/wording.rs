//! The validator's errors in our words: codes, places and expectations that come from the schema alone.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value as Parsed;

use super::vocabulary::step;
use crate::refusal::Violation;

/// The maximum number of alternatives that an expectation lists.
const LISTED: usize = 12;

/// Returns the violations that one error of the validator represents: one for every field where it names several, at
/// most this many.
pub(super) fn violations(error: &ValidationError<'_>, source: &str, most: usize) -> Vec<Violation> {
    let kind = error.kind();
    let rule = format!("{source}#{}", error.schema_path().as_str());
    let at = error.instance_path().as_str();
    let expected = expectation(kind);
    let below = |name: &str| format!("{at}{}", step(name));
    let pointers = match kind {
        Kind::Required {
            property: Parsed::String(name),
        } => vec![below(name)],
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            unexpected.iter().take(most).map(|name| below(name)).collect()
        }
        _ => vec![at.to_owned()],
    };
    let violation = |pointer| {
        Violation::new(code(kind.keyword()), pointer)
            .expected(expected.clone())
            .rule(rule.clone())
    };
    pointers.into_iter().map(violation).collect()
}

/// Returns `contract.` and the keyword in snake case.
fn code(keyword: &str) -> String {
    let mut code = "contract.".to_owned();
    for letter in keyword.strip_prefix("x-").unwrap_or(keyword).chars() {
        if letter.is_ascii_uppercase() {
            code.push('_');
        }
        code.push(letter.to_ascii_lowercase());
    }
    code
}

fn expectation(kind: &Kind) -> String {
    match kind {
        Kind::Required { .. } => "the field to be present".to_owned(),
        Kind::AdditionalProperties { .. } | Kind::UnevaluatedProperties { .. } => {
            "no field with this name".to_owned()
        }
        Kind::Type { kind } => types(kind),
        Kind::Pattern { pattern } => format!("a string matching {pattern}"),
        Kind::Format { format } => format!("a string in the format {format}"),
        Kind::Enum { options } => format!("one of: {}", alternatives(options)),
        Kind::Constant { expected_value } => format!("exactly {}", shown(expected_value)),
        Kind::Not { schema } => match schema.get("enum") {
            Some(options) => format!("none of: {}", alternatives(options)),
            None => "a value that `not` does not describe".to_owned(),
        },
        Kind::MinLength { limit: 1 } => "a string that is not empty".to_owned(),
        Kind::MinLength { limit } => format!("a string of at least {}", count(*limit, "character")),
        Kind::MaxLength { limit } => format!("a string of at most {}", count(*limit, "character")),
        Kind::MinItems { limit: 1 } => "a list that is not empty".to_owned(),
        Kind::MinItems { limit } => format!("a list of at least {}", count(*limit, "element")),
        Kind::MaxItems { limit } => format!("a list of at most {}", count(*limit, "element")),
        Kind::AdditionalItems { limit } => format!("a list of at most {limit} elements"),
        Kind::UnevaluatedItems { .. } => "a list without further elements".to_owned(),
        Kind::UniqueItems => "a list without equal elements".to_owned(),
        Kind::Contains => "a list with as many matching elements as `contains` requires".to_owned(),
        Kind::MinProperties { limit: 1 } => "an object that is not empty".to_owned(),
        Kind::MinProperties { limit } => format!("an object of at least {}", count(*limit, "field")),
        Kind::MaxProperties { limit } => format!("an object of at most {}", count(*limit, "field")),
        Kind::PropertyNames { error } => format!("field names to be {}", expectation(error.kind())),
        Kind::AnyOf { context } => {
            format!(
                "a value that matches at least one of {} alternatives",
                context.len()
            )
        }
        Kind::OneOfNotValid { context } | Kind::OneOfMultipleValid { context } => {
            format!(
                "a value that matches exactly one of {} alternatives",
                context.len()
            )
        }
        Kind::FalseSchema => "no value at all".to_owned(),
        Kind::Custom { message, .. } => message.clone(),
        other => format!("a value that passes `{}`", other.keyword()),
    }
}

fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

fn types(kind: &TypeKind) -> String {
    let name = |kind| match kind {
        JsonType::Array => "a list",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "a string",
    };
    match kind {
        TypeKind::Single(kind) => name(*kind).to_owned(),
        TypeKind::Multiple(kinds) => kinds.iter().map(name).collect::<Vec<_>>().join(" or "),
    }
}

fn alternatives(options: &Parsed) -> String {
    let options = options.as_array().map_or(&[][..], Vec::as_slice);
    let mut listed: Vec<String> = options.iter().take(LISTED).map(shown).collect();
    if options.len() > LISTED {
        listed.push(format!("or {} more", options.len() - LISTED));
    }
    listed.join(", ")
}

fn shown(value: &Parsed) -> String {
    match value {
        Parsed::String(text) if !text.is_empty() => text.clone(),
        other => other.to_string(),
    }
}

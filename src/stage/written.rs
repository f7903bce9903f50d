//! Values as stage files write them, with their places: what the sections that are drafted before they are compiled read.

use rust_decimal::Decimal;
use toml_edit::{Item, Value as Toml};

use crate::problem::{Place, Problem};
use crate::reading::Reading;
use crate::record::exact_decimal;
use crate::toml::{Collected, Section, number_text};

/// A text, with its place in the file: a name, a path, or the source of an expression.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) place: Option<Place>,
}

impl Written {
    pub(super) fn by_program(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            place: None,
        }
    }
}

/// Reads a text with its place.
pub(super) fn text(section: &Section<'_>, key: &str, problems: &mut Collected) -> Option<Written> {
    let text = section.text(key, problems)?;
    Some(Written {
        text: text.to_owned(),
        place: Some(section.place_of(key)),
    })
}

/// Reads a text or a list of texts, each with its place.
pub(super) fn texts(section: &Section<'_>, key: &str, problems: &mut Collected) -> Vec<Written> {
    let of = |value: &Toml| {
        Some(Written {
            text: value.as_str()?.to_owned(),
            place: Some(section.reading().place(value.span())),
        })
    };
    let found = match section.item(key) {
        None => return Vec::new(),
        Some(Item::Value(Toml::Array(list))) => list.iter().map(of).collect::<Option<Vec<_>>>(),
        Some(Item::Value(value)) => of(value).map(|one| vec![one]),
        Some(_) => None,
    };
    found.unwrap_or_else(|| {
        problems.add(section.wrong_type(key, "a string or a list of strings"));
        Vec::new()
    })
}

/// Reads an exact number, or a text of one.
pub(super) fn decimal(section: &Section<'_>, key: &str, problems: &mut Collected) -> Option<Decimal> {
    let value = section.item(key)?.as_value();
    let found = value.and_then(|value| exact(value, section.reading()));
    if found.is_none() {
        problems.add(match value.and_then(Toml::as_float) {
            Some(_) => not_exact(section, key, "a number"),
            None => section.wrong_type(key, "a number"),
        });
    }
    found
}

/// The problem of a number that is infinite, no number, or too long to be exact.
fn not_exact(section: &Section<'_>, key: &str, what: &str) -> Problem {
    let message = format!("`{key}` takes {what} of at most 28 digits, not `nan` or `inf`");
    Problem::error("stage.wrong_type", section.place_of(key), message)
}

/// Reads a list of exact numbers.
pub(super) fn decimals(section: &Section<'_>, key: &str, problems: &mut Collected) -> Option<Vec<Decimal>> {
    let list = section.item(key)?.as_array();
    let found = list.and_then(|list| list.iter().map(|value| exact(value, section.reading())).collect());
    if found.is_none() {
        let are_numbers =
            list.is_some_and(|list| list.iter().all(|value| value.is_float() || value.is_integer()));
        problems.add(if are_numbers {
            not_exact(section, key, "a list of numbers")
        } else if list.is_some() {
            let message = format!("`{key}` takes a list of numbers, and not all of its elements are numbers");
            Problem::error("stage.wrong_type", section.place_of(key), message)
        } else {
            section.wrong_type(key, "a list of numbers")
        });
    }
    found
}

fn exact(value: &Toml, reading: &Reading<'_>) -> Option<Decimal> {
    exact_decimal(&number_text(value, reading)?).ok()
}

/// Reads a number of bytes, or a size such as `512 MiB`.
pub(super) fn memory(section: &Section<'_>, problems: &mut Collected) -> Option<u64> {
    let item = section.item("memory")?;
    let bytes = item.as_integer().and_then(|bytes| u64::try_from(bytes).ok());
    let bytes = bytes
        .or_else(|| item.as_str().and_then(bytes_of))
        .filter(|bytes| *bytes > 0);
    if bytes.is_none() {
        let problem = section.wrong_type("memory", "a number of bytes");
        problems.add(Problem {
            message: "`memory` takes a number of bytes, or a size such as `512 MiB`".to_owned(),
            ..problem.help("write `memory = \"512 MiB\"`")
        });
    }
    bytes
}

/// Parses a size such as `512 MiB`.
fn bytes_of(text: &str) -> Option<u64> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim() {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

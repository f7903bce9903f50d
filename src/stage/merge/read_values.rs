//! Reading the values of `[merge]` and of its tables.

use rust_decimal::Decimal;
use toml_edit::{Item, Value as Toml};

use super::draft::Written;
use crate::problem::Problem;
use crate::reading::Reading;
use crate::record::exact_decimal;
use crate::toml::{Collected, Section, number_text};

/// The problem of something that is given twice.
pub(super) fn twice(name: &Written, how: &str) -> Problem {
    Problem::error(
        "merge.twice",
        name.place.clone(),
        format!("`{}` is given twice: {how}", name.text),
    )
    .help("keep one of the two")
}

/// Reports the keys of a function where none is named.
pub(super) fn of_no_function(table: &Section<'_>, key: &str, problems: &mut Collected) {
    for given in ["function", "version"].into_iter().filter(|key| table.has(key)) {
        let message = format!("`{given}` belongs to `{key} = \"rust\"`");
        let problem = Problem::error("stage.unknown_key", table.place_of_key(given), message);
        problems.add(problem.help(format!("write it beside `{key} = \"rust\"`, or leave it out")));
    }
}

/// Reads the name and version of something that the program registers.
pub(super) fn function<'n, T>(
    table: &Section<'_>,
    what: &str,
    find: impl FnOnce(&str, u32) -> Option<T>,
    known: impl Iterator<Item = &'n str>,
    problems: &mut Collected,
) -> Option<T> {
    table.needs("function", "its name, as the program registers it", problems);
    table.needs("version", "its version", problems);
    let name = table.text("function", problems)?;
    let version = table.integer("version", 1..=i64::from(u32::MAX), problems)?;
    let found = find(name, u32::try_from(version).unwrap_or(1));
    if found.is_none() {
        let message = format!("no {what} `{name}` is registered in version {version}");
        let problem = Problem::error("stage.unknown_function", table.place_of("function"), message);
        let known: Vec<&str> = known.collect();
        problems.add(if known.contains(&name) {
            problem.help("it is registered in another version")
        } else {
            let help = format!("a {what} is registered by the Rust program that uses the library");
            problem.help(help).did_you_mean(name, known)
        });
    }
    found
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

//! Reading `[merge]` from a stage file.

use rust_decimal::Decimal;
use toml_edit::{Item, Value as Toml};

use super::Merge;
use super::draft::{Draft, DraftField, Written};
use super::kind::{COMPARISONS, CompareWord, KINDS, Row};
use super::words::{CAUTION, FIELD_KEYS, KEYS, LEARN, ROLE, SEQUENCE};
use crate::matching::{Classes, Role};
use crate::op::Functions;
use crate::problem::Problem;
use crate::reading::Reading;
use crate::record::exact_decimal;
use crate::toml::{Collected, Section, number_text};

/// Reads the section and compiles it.
pub(in crate::stage) fn read(
    section: &Section<'_>,
    reading: &Reading<'_>,
    functions: &Functions,
    problems: &mut Collected,
) -> Option<Merge> {
    section.only(&KEYS, problems);
    let mut draft = Draft {
        place: Some(section.place()),
        ..Draft::default()
    };
    let keys = KEYS.iter().filter(|key| section.has(key));
    draft.places = keys.map(|key| (*key, section.place_of(key))).collect();
    let errors = problems.count();
    draft.by = listed(section, "by", None, problems);
    draft.fields = listed(section, "identity", Some(Role::Identity), problems);
    let shared = listed(section, "shared", Some(Role::Shared), problems);
    for field in shared {
        match draft.field(&field.name.text) {
            Some(_) => problems.add(twice(&field.name, "in `identity` and in `shared`")),
            None => draft.fields.push(field),
        }
    }
    fields(section, functions, &mut draft, problems);
    super::read_tables::tables(section, &mut draft, problems);
    section.word("sequence", &SEQUENCE, problems);
    draft.given = section.word("learn", &LEARN, problems);
    draft.caution = section.word("caution", &CAUTION, problems);
    draft.classes = section
        .integer("classes", 2..=3, problems)
        .map(|classes| match classes {
            2 => Classes::Two,
            _ => Classes::Three,
        });
    let mut decimal = |key| decimal(section, key, problems);
    (draft.auto, draft.review, draft.prior) = (decimal("auto"), decimal("review"), decimal("prior"));
    // What could not be read would only lead to further problems.
    let readable = problems.count() == errors;
    let merge = if readable {
        draft.compile(reading, problems)
    } else {
        None
    };
    merge
}

/// The problem of something that is given twice.
pub(super) fn twice(name: &Written, how: &str) -> Problem {
    Problem::error(
        "merge.twice",
        name.place.clone(),
        format!("`{}` is given twice: {how}", name.text),
    )
    .help("keep one of the two")
}

/// Reads a table of fields by name.
fn listed(section: &Section<'_>, key: &str, role: Option<Role>, problems: &mut Collected) -> Vec<DraftField> {
    let Some(table) = section.section(key, problems) else {
        return Vec::new();
    };
    let mut fields = Vec::new();
    for (name, item) in table.table().iter() {
        let Some(text) = item.as_str() else {
            problems.add(table.wrong_type(name, "a path, or an expression that begins with `= `"));
            continue;
        };
        let mut field = DraftField::new(Written {
            text: name.to_owned(),
            place: Some(table.place_of_key(name)),
        });
        field.listed = role;
        field.value = Some(Written {
            text: text.to_owned(),
            place: Some(table.place_of(name)),
        });
        fields.push(field);
    }
    if fields.is_empty() && table.table().is_empty() {
        let message = format!("`{key}` lists no field");
        problems.add(
            Problem::error("merge.no_fields", section.place_of(key), message).help(format!(
                "write `{key} = {{ given = \"name.first\" }}`, or leave it out"
            )),
        );
    }
    fields
}

/// Reads the `[[merge.field]]` tables: new fields, and more about those that are listed.
fn fields(section: &Section<'_>, functions: &Functions, draft: &mut Draft, problems: &mut Collected) {
    let sections = section.sections("field", "merge.field", problems);
    let mut seen: Vec<String> = Vec::new();
    for table in &sections {
        table.only(&FIELD_KEYS, problems);
        table.needs(
            "name",
            "the field, as `identity`, `shared` and expressions name it",
            problems,
        );
        let Some(name) = text(table, "name", problems) else {
            continue;
        };
        if seen.contains(&name.text) {
            problems.add(twice(&name, "in two [[merge.field]]"));
            continue;
        }
        seen.push(name.text.clone());
        let known = draft.field(&name.text).is_some();
        if !known {
            draft.fields.push(DraftField::new(name.clone()));
        }
        let compare = compare(table, functions, problems);
        let value = text(table, "value", problems);
        let levels = decimals(table, "levels", problems);
        let swap = text(table, "swap", problems);
        let kinds: Vec<(&'static str, Row)> = KINDS.iter().map(|row| (row.word, row)).collect();
        let kind = table.word("kind", &kinds, problems);
        let frequency = table.boolean("frequency", problems);
        let role = table.word("role", &ROLE, problems);
        let Some(field) = draft.field(&name.text) else {
            continue;
        };
        // Problems of a listed field point to what is said about it here.
        field.name = name;
        field.value = value.or_else(|| field.value.take());
        (field.kind, field.compare, field.levels) = (kind, compare, levels);
        (field.swap, field.frequency, field.role) = (swap, frequency, role);
    }
}

fn compare(
    table: &Section<'_>,
    functions: &Functions,
    problems: &mut Collected,
) -> Option<crate::matching::Compare> {
    let word = table.word("compare", &COMPARISONS, problems);
    if word != Some(CompareWord::Rust) {
        for key in ["function", "version"].into_iter().filter(|key| table.has(key)) {
            let message = format!("`{key}` belongs to `compare = \"rust\"`");
            let problem = Problem::error("stage.unknown_key", table.place_of_key(key), message);
            problems.add(problem.help("write it beside `compare = \"rust\"`, or leave it out"));
        }
        return word.and_then(CompareWord::compare);
    }
    table.needs(
        "function",
        "the name of the comparison that the program registers",
        problems,
    );
    table.needs("version", "its version", problems);
    let name = table.text("function", problems)?;
    let version = table.integer("version", 1..=i64::from(u32::MAX), problems)?;
    let version = u32::try_from(version).unwrap_or(1);
    match functions.comparator(name, version) {
        Some(comparator) => Some(crate::matching::Compare::Custom(comparator)),
        None => {
            let message = format!("no comparison `{name}` is registered in version {version}");
            let problem = Problem::error("stage.unknown_function", table.place_of("function"), message)
                .help("comparisons are registered by the Rust program that uses the library");
            problems.add(problem.did_you_mean(name, functions.comparators()));
            None
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
fn decimal(section: &Section<'_>, key: &str, problems: &mut Collected) -> Option<Decimal> {
    let value = section.item(key)?.as_value();
    let found = value.and_then(|value| exact(value, section.reading()));
    if found.is_none() {
        problems.add(section.wrong_type(key, "a number"));
    }
    found
}

/// Reads a list of exact numbers.
pub(super) fn decimals(section: &Section<'_>, key: &str, problems: &mut Collected) -> Option<Vec<Decimal>> {
    let list = section.item(key)?.as_array();
    let found = list.and_then(|list| list.iter().map(|value| exact(value, section.reading())).collect());
    if found.is_none() {
        problems.add(section.wrong_type(key, "a list of numbers"));
    }
    found
}

fn exact(value: &Toml, reading: &Reading<'_>) -> Option<Decimal> {
    exact_decimal(&number_text(value, reading)?).ok()
}

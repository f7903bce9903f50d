//! Reading `[merge]` from a stage file.

use super::compiled::Merge;
use super::draft::{Draft, DraftField, Written};
use super::kind::{COMPARISONS, CompareWord, KINDS, KindRow, Row};
use super::read_values::{decimal, decimals, function, of_no_function, text, twice};
use super::words::{CAUTION, FIELD_KEYS, KEYS, LEARN, ROLE, SEQUENCE};
use crate::matching::{Classes, Compare, Role};
use crate::op::Functions;
use crate::problem::Problem;
use crate::reading::Reading;
use crate::toml::{Collected, Section};

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
    super::read_tables::tables(section, functions, &mut draft, problems);
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
    if readable {
        draft.compile(reading, problems)
    } else {
        None
    }
}

/// Reads a table of fields by name.
fn listed(section: &Section<'_>, key: &str, role: Option<Role>, problems: &mut Collected) -> Vec<DraftField> {
    let item = section.item(key);
    if item.is_some_and(|item| !item.is_table_like()) {
        let problem = section.wrong_type(key, "a table of fields by name");
        let example = match key {
            "identity" => "given = \"name.first\", birth = \"dob\"",
            "shared" => "surname = \"name.last\", zip = \"address.zip\"",
            _ => "ssn = \"ssn\"",
        };
        let help = format!("write `{key} = {{ {example} }}`: names on the left, paths on the right");
        problems.add(problem.help(help));
        return Vec::new();
    }
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
        let kind = table.word_or("kind", &kinds, named_kind, problems);
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

/// Returns the kind that has this as another name.
fn named_kind(name: &str) -> Option<&'static str> {
    let row = KindRow::guessed(name, None);
    (row.word != "text").then_some(row.word)
}

fn compare(table: &Section<'_>, functions: &Functions, problems: &mut Collected) -> Option<Compare> {
    let word = table.word("compare", &COMPARISONS, problems);
    if word != Some(CompareWord::Rust) {
        of_no_function(table, "compare", problems);
        return word.and_then(CompareWord::compare);
    }
    let find = |name: &str, version| functions.comparator(name, version);
    let comparator = function(table, "comparison", find, functions.comparators(), problems);
    comparator.map(Compare::Custom)
}

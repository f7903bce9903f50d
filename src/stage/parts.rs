//! The parts of a stage other than `[stage]` and its ops: contracts, reconciliations, examples.

use rust_decimal::Decimal;
use serde_json::{Value as Json, json};
use toml_edit::TableLike;

use super::aggregate::Aggregate;
use super::fields::unknown_field;
use crate::environment::Secrets;
use crate::expression::{Expression, Template};
use crate::lookup::KnownRows;
use crate::problem::{Place, Problem};
use crate::reading::Reading;
use crate::record::{Limits, admit, exact_decimal};
use crate::toml::number_text;
use crate::toml::{Collected, Section};

/// A reconciliation rule: what both sides of a stage must agree on.
#[derive(Debug)]
pub struct Reconcile {
    /// Name of the rule, unique within the stage.
    pub name: String,
    /// Amount of a source record.
    pub source: Expression,
    /// Amount of a target record.
    pub target: Expression,
    /// Keys that amounts are summed by; `None` for one grand total.
    pub by: Option<GroupBy>,
    /// Largest difference that is not a discrepancy.
    pub tolerance: Decimal,
}

/// The keys that a reconciliation sums by.
#[derive(Debug)]
pub struct GroupBy {
    /// Key of a source record.
    pub source: Expression,
    /// Key of a target record.
    pub target: Expression,
}

/// One `[[example]]`: a record and what the stage must make of it.
#[derive(Clone, Debug)]
pub struct Example {
    /// Name of the example, unique within the stage.
    pub name: String,
    /// Id of the source record.
    pub id: String,
    /// Data of the source record; of a stage that merges or aggregates, the list of its records.
    pub input: String,
    /// Secrets that it runs with, in place of those of the same name that the caller gives.
    pub secrets: Secrets,
    /// Expected outcome.
    pub expected: Expected,
    /// What the record finds in other databases.
    pub lookups: KnownRows,
    /// Place of the example in the file.
    pub place: Place,
}

/// The expected outcome of an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// These records, in order: one, unless the stage derives, merges or aggregates.
    Written(Vec<String>),
    /// A refusal with this code.
    Refused(String),
    /// The record is left out.
    Filtered,
}

/// Reads the `[[reconcile]]` tables.
pub(super) fn reconciles(
    root: &Section<'_>,
    into: Option<&Template>,
    reading: &Reading<'_>,
    problems: &mut Collected,
) -> Vec<Reconcile> {
    let sections = root.sections("reconcile", "reconcile", problems);
    let read = |section: &Section<'_>, problems: &mut Collected| {
        section.only(&["name", "source", "target", "by", "tolerance"], problems);
        let name = section.needed_text("name", "what is reconciled, in words", problems);
        let source = needed_expression(
            section,
            "source",
            "the amount of a source record",
            reading,
            problems,
        );
        let target = needed_expression(
            section,
            "target",
            "the amount of a target record",
            reading,
            problems,
        );
        check_fields(section, "target", target.as_ref(), into, problems);
        let by = section.section("by", problems);
        let keys = by.as_ref().and_then(|by| {
            by.only(&["source", "target"], problems);
            let source = needed_expression(by, "source", "the key of a source record", reading, problems);
            let target = needed_expression(by, "target", "the key of a target record", reading, problems);
            check_fields(by, "target", target.as_ref(), into, problems);
            Some(GroupBy {
                source: source?,
                target: target?,
            })
        });
        let tolerance = tolerance(section, problems);
        let complete = by.is_some() == keys.is_some();
        Some(Reconcile {
            name: name?.to_owned(),
            source: source?,
            target: target?,
            by: keys,
            tolerance: tolerance.filter(|_| complete)?,
        })
    };
    let reconciles = sections
        .iter()
        .filter_map(|section| read(section, problems))
        .collect();
    unique_names(&sections, problems);
    reconciles
}

/// Checks what each `[[reconcile]]` beside `[aggregate]` may say: of a window, and under a name of its own.
pub(super) fn over_windows(
    root: &Section<'_>,
    aggregate: &Aggregate,
    reconciles: &[Reconcile],
    problems: &mut Collected,
) {
    let sections = root.sections("reconcile", "reconcile", &mut Collected::default());
    for section in &sections {
        let name = section
            .item("name")
            .and_then(toml_edit::Item::as_str)
            .unwrap_or_default();
        if aggregate.compares(name) {
            let message = format!("a stage that aggregates always compares `{name}`, under this name");
            let problem = Problem::error("stage.duplicate_name", section.place_of("name"), message);
            problems.add(problem.help("give this one another name"));
        }
    }
    for rule in reconciles {
        let by = rule.by.iter().map(|by| &by.target);
        for expression in by.chain([&rule.target]) {
            problems.extend(aggregate.unknown_field(expression, &expression.start()));
        }
    }
}

/// Reads the tolerance of a reconciliation; 0 if it is absent.
fn tolerance(section: &Section<'_>, problems: &mut Collected) -> Option<Decimal> {
    let Some(item) = section.item("tolerance") else {
        return Some(Decimal::ZERO);
    };
    let number = item
        .as_value()
        .and_then(|value| number_text(value, section.reading()));
    let text = item.as_str().map(str::to_owned).or(number);
    let tolerance = text.and_then(|text| exact_decimal(&text).ok());
    let tolerance = tolerance.filter(|tolerance| *tolerance >= Decimal::ZERO);
    if tolerance.is_none() {
        let message = "`tolerance` takes a decimal of at most 28 digits that is not negative";
        let problem = Problem::error("stage.wrong_type", section.place_of("tolerance"), message);
        problems.add(problem.help("write `tolerance = \"0.01\"`"));
    }
    tolerance
}

/// Reads the `[[example]]` tables.
pub(super) fn examples(root: &Section<'_>, problems: &mut Collected) -> Vec<Example> {
    let sections = root.sections("example", "example", problems);
    let merges = root.has("merge") || root.has("aggregate");
    let read = |section: &Section<'_>, problems: &mut Collected| {
        let keys: &[&str] = if merges {
            &["name", "id", "inputs", "secrets", "outputs", "refused"]
        } else {
            &[
                "name", "id", "input", "secrets", "lookups", "output", "refused", "filtered",
            ]
        };
        section.only(keys, problems);
        let name = section.needed_text("name", "what it shows, in words", problems);
        let input = if merges {
            section.needs("inputs", "the list of source records, as JSON", problems);
            let text = list_text(section, "inputs", problems);
            text.and_then(|text| example_list(section, "inputs", text, problems))
        } else {
            let text = section.needed_text("input", "the source record, as JSON", problems);
            text.and_then(|text| example_json(section, "input", text, problems))
        };
        let id = section.text("id", problems).unwrap_or("example");
        let expected = if merges {
            expected_goldens(section, problems)
        } else {
            expected(section, problems)
        };
        let secrets = example_secrets(section, problems);
        let lookups = example_lookups(section, problems);
        Some(Example {
            name: name?.to_owned(),
            id: id.to_owned(),
            input: input?,
            secrets,
            expected: expected?,
            lookups,
            place: section.place(),
        })
    };
    let examples = sections
        .iter()
        .filter_map(|section| read(section, problems))
        .collect();
    unique_names(&sections, problems);
    examples
}

/// Reads the secrets of an example. They make its result the same everywhere, and are no secret.
fn example_secrets(section: &Section<'_>, problems: &mut Collected) -> Secrets {
    let Some(section) = section.section("secrets", problems) else {
        return Secrets::default();
    };
    let names = section.table().iter().map(|(name, _)| name);
    names
        .filter_map(|name| Some((name.to_owned(), section.text(name, problems)?.to_owned())))
        .collect()
}

fn expected(section: &Section<'_>, problems: &mut Collected) -> Option<Expected> {
    let output = section.text("output", problems);
    let refused = section.text("refused", problems);
    let filtered = section.boolean("filtered", problems);
    let given = ["output", "refused", "filtered"]
        .iter()
        .filter(|key| section.has(key))
        .count();
    if given != 1 || filtered == Some(false) {
        let message = "an example needs exactly one of `output`, `refused` and `filtered = true`";
        problems.add(Problem::error("stage.bad_example", section.place(), message));
        return None;
    }
    if let Some(text) = output {
        let json = example_json(section, "output", text, problems)?;
        let value = crate::record::Value::parse(&json).ok()?;
        return Some(Expected::Written(match value.as_list() {
            Some(list) => list.iter().map(crate::record::Value::to_json).collect(),
            None => vec![json],
        }));
    }
    refused
        .map(|code| Expected::Refused(code.to_owned()))
        .or(filtered.map(|_| Expected::Filtered))
}

/// Reads what a stage that merges or aggregates must make of its records.
fn expected_goldens(section: &Section<'_>, problems: &mut Collected) -> Option<Expected> {
    let outputs = list_text(section, "outputs", problems);
    let refused = section.text("refused", problems);
    if section.has("outputs") == section.has("refused") {
        let message = "an example of a stage that merges or aggregates needs either `outputs` or `refused`";
        problems.add(Problem::error("stage.bad_example", section.place(), message));
        return None;
    }
    if let Some(text) = outputs {
        let list = example_list(section, "outputs", text, problems)?;
        let list = crate::record::Value::parse(&list).ok()?;
        let records = list.as_list()?;
        return Some(Expected::Written(
            records.iter().map(crate::record::Value::to_json).collect(),
        ));
    }
    refused.map(|code| Expected::Refused(code.to_owned()))
}

/// Reads the text of a list of records, which is one JSON text.
fn list_text<'t>(section: &Section<'t>, key: &str, problems: &mut Collected) -> Option<&'t str> {
    if section.item(key).is_some_and(|item| item.as_str().is_none()) {
        let problem = section.wrong_type(key, "one string, which holds a list of records as JSON");
        problems.add(problem.help(format!(
            "write `{key} = '[{{\"id\":\"A:1\"}}, {{\"id\":\"B:7\"}}]'`"
        )));
        return None;
    }
    section.text(key, problems)
}

/// Checks the JSON of an example that is a list of objects.
fn example_list(section: &Section<'_>, key: &str, text: &str, problems: &mut Collected) -> Option<String> {
    use crate::record::{Kind, Value};
    let json = example_json(section, key, text, problems)?;
    let value = Value::parse(&json).ok()?;
    let list = value.as_list();
    if list.is_none_or(|list| list.iter().any(|record| record.kind() != Kind::Object)) {
        let message = format!("`{key}` is a list of records, as JSON");
        problems.add(Problem::error(
            "stage.bad_example",
            section.place_of(key),
            message,
        ));
        return None;
    }
    Some(json)
}

/// Reads what an example finds in other databases: `lookups = { people = { "A:1" = "PAT-1" } }`.
fn example_lookups(section: &Section<'_>, problems: &mut Collected) -> KnownRows {
    let mut known = KnownRows::new();
    let Some(item) = section.item("lookups") else {
        return known;
    };
    let databases = item.as_table_like().into_iter().flat_map(TableLike::iter);
    let (mut found, mut is_table) = (Vec::new(), item.is_table_like());
    for (database, rows) in databases {
        is_table &= rows.is_table_like();
        for (key, row) in rows.as_table_like().into_iter().flat_map(TableLike::iter) {
            found.push((database, key, Template::read(row, section.reading())));
        }
    }
    if !is_table {
        problems.add(section.wrong_type(
            "lookups",
            "a table of databases, each a table of values and what they find",
        ));
    }
    for (database, key, row) in found {
        match problems.take(row) {
            Some(Template::Fixed(row)) => known = known.row(database, key, row),
            None => {}
            Some(_) => {
                let message = format!("what `{key}` finds in `{database}` must be a value");
                problems.add(Problem::error(
                    "stage.bad_example",
                    section.place_of("lookups"),
                    message,
                ));
            }
        }
    }
    known
}

/// Checks the JSON of an example, which has to pass admission.
fn example_json(section: &Section<'_>, key: &str, text: &str, problems: &mut Collected) -> Option<String> {
    let admitted = admit(text.as_bytes(), &Limits::default());
    problems.take(admitted.map_err(|error| {
        let place = match (error.line, error.column) {
            (Some(line), Some(column)) => format!(" in its line {line}, column {column}"),
            _ => String::new(),
        };
        let message = format!("`{key}` is not JSON: {}{place}", error.message);
        Problem::error("stage.bad_example", section.place_of(key), message)
    }))
}

/// Reads a required expression.
pub(super) fn needed_expression(
    section: &Section<'_>,
    key: &str,
    what: &str,
    reading: &Reading<'_>,
    problems: &mut Collected,
) -> Option<Expression> {
    section.needs(key, what, problems);
    let source = section.expression(key, problems)?;
    problems.take(Expression::compile(source, &section.place_of(key), reading))
}

/// Checks that an expression on the final document reads only fields that `[into]` builds, if the stage has one.
pub(super) fn check_fields(
    section: &Section<'_>,
    key: &str,
    expression: Option<&Expression>,
    into: Option<&Template>,
    problems: &mut Collected,
) {
    if let (Some(expression), Some(into)) = (expression, into) {
        problems.extend(unknown_field(expression, into, &section.place_of(key)));
    }
}

pub(super) fn unique_names(sections: &[Section<'_>], problems: &mut Collected) {
    let mut seen = std::collections::BTreeSet::new();
    for section in sections {
        let name = section.item("name").and_then(toml_edit::Item::as_str);
        if let Some(name) = name.filter(|name| !seen.insert(*name)) {
            let message = format!("the name `{name}` is given twice");
            problems.add(Problem::error(
                "stage.duplicate_name",
                section.place_of("name"),
                message,
            ));
        }
    }
}

impl Reconcile {
    /// Returns its expressions.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let by = self.by.iter().flat_map(|by| [&by.source, &by.target]);
        by.chain([&self.source, &self.target])
    }

    /// Returns its expressions that read records of the source.
    pub(super) fn of_source(&self) -> impl Iterator<Item = &Expression> {
        self.by.iter().map(|by| &by.source).chain([&self.source])
    }

    /// Returns the part of the stage's meaning that it determines.
    pub(super) fn meaning(&self) -> Json {
        json!({
            "name": self.name,
            "source": self.source.source(),
            "target": self.target.source(),
            "by": self.by.as_ref().map(|by| json!([by.source.source(), by.target.source()])),
            "tolerance": self.tolerance.normalize().to_string(),
        })
    }
}

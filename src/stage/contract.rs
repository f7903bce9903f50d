//! `[contract]`: what a record must satisfy before and after a stage.

use super::file::Lookup;
use super::parts::{check_fields, needed_expression, unique_names};
use super::steps::Steps;
use crate::contract::{Mode, Reads, References, Rule, Schema, Unique};
use crate::expression::{Expression, Template};
use crate::name::check_database;
use crate::problem::Problem;
use crate::reading::Reading;
use crate::toml::to_json;
use crate::toml::{Collected, Section};

/// Reads the section into the steps.
pub(super) fn read(
    section: &Section<'_>,
    lookup: &Lookup,
    reading: &Reading<'_>,
    steps: &mut Steps,
    problems: &mut Collected,
) {
    let keys = [
        "source",
        "target",
        "mode",
        "preexisting",
        "rule",
        "unique",
        "references",
    ];
    section.only(&keys, problems);
    let contract = &mut steps.contract;
    contract.mode = mode(section, "mode", problems).unwrap_or_default();
    steps.preexisting = mode(section, "preexisting", problems).unwrap_or(contract.mode);
    // Rules over more than one record are also evaluated for records that do not go through the stage.
    let plain = Reading {
        names: Vec::new(),
        ..reading.clone()
    };
    let parts = ContractTables {
        section,
        into: steps.into.as_ref(),
        reading,
        plain: &plain,
        mode: contract.mode,
    };
    contract.rules = parts.rules(problems);
    contract.unique = parts.unique(problems);
    contract.references = parts.references(problems);
    steps.source_contract = schema(section, "source", lookup, problems);
    if let Some(schema) = schema(section, "target", lookup, problems) {
        contract.set_schema(schema);
    }
}

/// Reads `source` or `target`: an inline schema, or the name of a file.
fn schema(section: &Section<'_>, key: &str, lookup: &Lookup, problems: &mut Collected) -> Option<Schema> {
    let item = section.item(key)?;
    let place = section.place_of(key);
    let json = if let Some(name) = item.as_str() {
        let read = lookup.read(name).map_err(|problem| Problem {
            place: Some(place.clone()),
            ..problem
        });
        problems.take(read)?
    } else if item.is_table_like() || item.is_bool() {
        problems.take(to_json(item, section.reading()))?.to_string()
    } else {
        problems.add(section.wrong_type(key, "a JSON Schema, inline or the name of a file"));
        return None;
    };
    problems.take_all(Schema::compile_with(&json, &place, lookup.functions().checks()))
}

fn mode(section: &Section<'_>, key: &str, problems: &mut Collected) -> Option<Mode> {
    let word = section.text(key, problems)?;
    let mode = Mode::named(word);
    if mode.is_none() {
        let message = format!("`{key}` has no mode `{word}`");
        let problem = Problem::error("contract.unknown_mode", section.place_of(key), message)
            .help(format!("the modes are: {}", Mode::WORDS.join(", ")));
        problems.add(problem.did_you_mean(word, Mode::WORDS));
    }
    mode
}

/// The tables below `[contract]`.
struct ContractTables<'p> {
    section: &'p Section<'p>,
    into: Option<&'p Template>,
    reading: &'p Reading<'p>,
    /// Without the names that `prepare` defines.
    plain: &'p Reading<'p>,
    /// The mode of a table that does not set one.
    mode: Mode,
}

impl ContractTables<'_> {
    fn tables<T>(
        &self,
        kind: &str,
        keys: &[&str],
        problems: &mut Collected,
        read: impl Fn(&Section<'_>, String, Mode, &mut Collected) -> Option<T>,
    ) -> Vec<T> {
        let sections = self.section.sections(kind, &format!("contract.{kind}"), problems);
        let mut found = Vec::new();
        for section in &sections {
            section.only(&[&["name", "mode"], keys].concat(), problems);
            let name = section.needed_text("name", "what the rule says, in words", problems);
            let mode = mode(section, "mode", problems).unwrap_or(self.mode);
            found.extend(read(section, name.unwrap_or_default().to_owned(), mode, problems));
        }
        unique_names(&sections, problems);
        found
    }

    fn rules(&self, problems: &mut Collected) -> Vec<Rule> {
        self.tables("rule", &["expect"], problems, |section, name, mode, problems| {
            let what = "the condition that must hold";
            section.needs("expect", what, problems);
            let place = section.place_of("expect");
            let source = section.expression("expect", problems);
            let expect =
                source.and_then(|source| problems.take(Expression::condition(source, &place, self.reading)));
            check_fields(section, "expect", expect.as_ref(), self.into, problems);
            let expect = expect?;
            Some(Rule { name, expect, mode })
        })
    }

    fn unique(&self, problems: &mut Collected) -> Vec<Unique> {
        self.tables("unique", &["key"], problems, |section, name, mode, problems| {
            let key = self.reads(section, "key", "what is unique", problems)?;
            Some(Unique { name, key, mode })
        })
    }

    fn references(&self, problems: &mut Collected) -> Vec<References> {
        self.tables(
            "references",
            &["value", "to", "key"],
            problems,
            |section, name, mode, problems| {
                let value = self.reads(section, "value", "what is referred to", problems);
                let to = section.needed_text("to", "the database that is referred to", problems);
                if let Some(Err(error)) = to.map(check_database) {
                    let place = section.place_of("to");
                    problems.add(Problem::error("stage.bad_name", place, error.to_string()));
                }
                // The key is read from records of another database, whose fields `[into]` does not describe.
                let key = section.expression("key", problems).and_then(|source| {
                    problems.take(Expression::compile(source, &section.place_of("key"), self.plain))
                });
                Some(References {
                    name,
                    value: value?,
                    to: to?.to_owned(),
                    key: key.map(Reads::Expression),
                    mode,
                })
            },
        )
    }

    fn reads(&self, section: &Section<'_>, key: &str, what: &str, problems: &mut Collected) -> Option<Reads> {
        let expression = needed_expression(section, key, what, self.plain, problems);
        check_fields(section, key, expression.as_ref(), self.into, problems);
        expression.map(Reads::Expression)
    }
}

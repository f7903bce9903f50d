//! The settings of one `[[op]]` table, checked against its manual: unknown keys and wrong types are problems with
//! line, column and a suggestion.

use toml_edit::{Item, Table, Value as Toml};

use super::functions::Functions;
use super::given::within;
use super::{Form, Manual};
use crate::expression::{Expression, Template};
use crate::path::Path;
use crate::problem::{Place, Problem};
use crate::reading::{Reading, type_in_words};
use crate::record::Rounding;

/// The checked settings of one operation.
#[derive(Debug)]
pub struct Settings<'a> {
    manual: &'static Manual,
    table: &'a Table,
    reading: &'a Reading<'a>,
    functions: &'a Functions,
    place: Place,
    reported: Vec<Problem>,
}

impl<'a> Settings<'a> {
    /// Checks the keys of an `[[op]]` table against its manual.
    ///
    /// # Errors
    /// Every problem of the table: keys that the manual does not know, keys that are missing, wrong types.
    pub fn check(
        manual: &'static Manual,
        table: &'a Table,
        reading: &'a Reading<'a>,
        functions: &'a Functions,
    ) -> Result<Self, Vec<Problem>> {
        Self::check_at(manual, table, reading.place(table.span()), reading, functions)
    }

    /// Checks the keys of a table that has lost its own place, because it was written inline.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub(super) fn check_at(
        manual: &'static Manual,
        table: &'a Table,
        place: Place,
        reading: &'a Reading<'a>,
        functions: &'a Functions,
    ) -> Result<Self, Vec<Problem>> {
        let settings = Self {
            manual,
            table,
            reading,
            functions,
            place,
            reported: Vec::new(),
        };
        let mut problems: Vec<Problem> = Vec::new();
        for (name, item) in table {
            if name == "op" || name == "refuse_as" {
                continue;
            }
            if let Some(key) = manual.keys.iter().find(|key| key.name == name) {
                problems.extend(settings.wrong_form(name, key.form, item));
            } else {
                let span = table.key(name).and_then(toml_edit::Key::span);
                let message = format!("`{}` has no key `{name}`", manual.name);
                let known = manual.keys.iter().map(|key| key.name).chain(["refuse_as"]);
                problems.push(
                    Problem::error("stage.unknown_key", reading.place(span), message)
                        .did_you_mean(name, known),
                );
            }
        }
        for key in manual
            .keys
            .iter()
            .filter(|key| key.required && !table.contains_key(key.name))
        {
            problems.push(settings.missing_key(key.name));
        }
        if problems.is_empty() {
            Ok(settings)
        } else {
            Err(problems)
        }
    }

    fn wrong_form(&self, name: &str, form: Form, item: &Item) -> Option<Problem> {
        let texts = |item: &Item| item.as_array().is_some_and(|list| list.iter().all(Toml::is_str));
        let tables = |item: &Item| {
            let inline = item
                .as_array()
                .is_some_and(|list| list.iter().all(Toml::is_inline_table));
            inline || item.is_array_of_tables()
        };
        let (fits, expected) = match form {
            Form::Path | Form::Text | Form::Expression => (item.is_str(), "a text".to_owned()),
            Form::Paths | Form::Texts => (texts(item), "a list of texts".to_owned()),
            Form::Choice(words) => (
                item.as_str().is_some_and(|word| words.contains(&word)),
                one_of(words),
            ),
            Form::Boolean => (item.is_bool(), "true or false".to_owned()),
            Form::Integer => (item.is_integer(), "a whole number".to_owned()),
            Form::Table => (item.is_table_like(), "a table".to_owned()),
            Form::Tables => (tables(item), "a list of tables".to_owned()),
            Form::PathTable => (path_table(item), "a table of names and paths".to_owned()),
            Form::Operations => (tables(item), "a list of operations".to_owned()),
            Form::Template => (!item.is_none(), "a value".to_owned()),
        };
        (!fits).then(|| {
            // A word that is none of them is named; of anything else the type says enough.
            let given = match (form, item.as_str()) {
                (Form::Choice(_), Some(word)) => format!("; not `{word}`"),
                _ => format!(", not {}", type_in_words(item.type_name())),
            };
            let message = format!("`{name}` takes {expected}{given}");
            let problem = Problem::error("stage.wrong_type", self.place_of(name), message);
            match (form, item.as_str()) {
                (Form::Choice(words), Some(word)) => problem.did_you_mean(word, words.iter().copied()),
                _ => problem,
            }
        })
    }

    /// Whether the key is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// The place of the `[[op]]` table.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The place of a key's value, for problems.
    #[must_use]
    pub fn place_of(&self, name: &str) -> Place {
        match self.table.get(name).and_then(Item::span) {
            Some(span) => self.reading.place(Some(span)),
            None => self.place.clone(),
        }
    }

    /// Reports a problem without ending the building: an operation that reads several parts can report them all.
    pub fn report(&mut self, problem: Problem) {
        self.reported.push(problem);
    }

    /// What was reported.
    pub(super) fn reported(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.reported)
    }

    /// The file being read.
    #[must_use]
    pub fn reading(&self) -> &'a Reading<'a> {
        self.reading
    }

    /// The functions that the program has registered.
    #[must_use]
    pub fn functions(&self) -> &'a Functions {
        self.functions
    }

    /// The raw TOML of a key.
    #[must_use]
    pub fn item(&self, name: &str) -> Option<&'a Item> {
        self.table.get(name)
    }

    /// A path.
    pub fn path(&self, name: &str) -> Result<Path, Problem> {
        self.parse_path(name, self.text(name).unwrap_or_default())
    }

    /// A path that may be absent.
    pub fn path_or_none(&self, name: &str) -> Result<Option<Path>, Problem> {
        self.text(name)
            .map(|text| self.parse_path(name, text))
            .transpose()
    }

    /// A list of paths; empty where the key is absent.
    pub fn paths(&self, name: &str) -> Result<Vec<Path>, Problem> {
        self.texts(name)
            .iter()
            .map(|text| self.parse_path(name, text))
            .collect()
    }

    /// The names and paths of a table, in the order written; empty where the key is absent.
    pub fn path_table(&self, name: &str) -> Result<Vec<(String, Path)>, Problem> {
        let Some(table) = self.table.get(name).and_then(Item::as_table_like) else {
            return Ok(Vec::new());
        };
        let paths = table.iter().map(|(key, item)| {
            let path = self.parse_path(name, item.as_str().unwrap_or_default())?;
            Ok((key.to_owned(), path))
        });
        paths.collect()
    }

    fn parse_path(&self, name: &str, text: &str) -> Result<Path, Problem> {
        text.parse().map_err(|error: crate::path::PathError| {
            Problem::error("stage.bad_path", self.place_of(name), error.to_string())
                .help("write `a.b`, `items[*].price`, `\"odd.key\"` or a JSON Pointer such as `/a/b`")
        })
    }

    /// A text or a word of a choice; `None` where the key is absent.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.table.get(name).and_then(Item::as_str)
    }

    /// A list of texts; empty where the key is absent.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<&'a str> {
        let list = self.table.get(name).and_then(Item::as_array);
        list.map(|list| list.iter().filter_map(Toml::as_str).collect())
            .unwrap_or_default()
    }

    /// A boolean, or what holds when the key is absent.
    #[must_use]
    pub fn boolean(&self, name: &str, default: bool) -> bool {
        self.table.get(name).and_then(Item::as_bool).unwrap_or(default)
    }

    /// A whole number within bounds; `None` where the key is absent.
    pub fn integer(&self, name: &str, bounds: std::ops::RangeInclusive<i64>) -> Result<Option<i64>, Problem> {
        let Some(number) = self.table.get(name).and_then(Item::as_integer) else {
            return Ok(None);
        };
        let within = within(name, number, bounds);
        within.map(Some).map_err(|problem| Problem {
            place: Some(self.place_of(name)),
            ..problem
        })
    }

    /// A value that may hold expressions; `None` where the key is absent.
    pub fn template(&self, name: &str) -> Result<Option<Template>, Problem> {
        self.table
            .get(name)
            .map(|item| Template::read(item, self.reading))
            .transpose()
    }

    /// An expression; `None` where the key is absent.
    pub fn expression(&self, name: &str) -> Result<Option<Expression>, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let place = self.place_of(name);
        let source = self.reading.expression_source(name, text, &place)?;
        Expression::compile(source, &place, self.reading).map(Some)
    }

    /// The condition of a key that must be there.
    ///
    /// # Errors
    /// A [`Problem`] of the expression, or that the key is missing.
    pub fn required_condition(&self, name: &str) -> Result<Expression, Problem> {
        let text = self.text(name).ok_or_else(|| self.missing_key(name))?;
        let place = self.place_of(name);
        Expression::condition(
            self.reading.expression_source(name, text, &place)?,
            &place,
            self.reading,
        )
    }

    /// The value of a key that must be there.
    ///
    /// # Errors
    /// A [`Problem`] of an expression inside, or that the key is missing.
    pub fn required_template(&self, name: &str) -> Result<Template, Problem> {
        self.template(name)?.ok_or_else(|| self.missing_key(name))
    }

    /// The expression of a key that must be there.
    ///
    /// # Errors
    /// A [`Problem`] of the expression, or that the key is missing.
    pub fn required_expression(&self, name: &str) -> Result<Expression, Problem> {
        self.expression(name)?.ok_or_else(|| self.missing_key(name))
    }

    fn missing_key(&self, name: &str) -> Problem {
        let summary = self.manual.keys.iter().find(|key| key.name == name);
        let summary = summary.map_or("", |key| key.summary);
        let message = format!("`{}` needs the key `{name}`: {summary}", self.manual.name);
        Problem::error("stage.missing_key", self.place.clone(), message)
    }

    /// The stage's declared rounding, or the problem that this operation rounds without one.
    pub fn rounding(&self) -> Result<Rounding, Problem> {
        self.reading.rounding(&self.place)
    }

    /// The manual these settings were checked against.
    #[must_use]
    pub fn manual(&self) -> &'static Manual {
        self.manual
    }
}

/// The words of a choice; each in quotes where one of them could be taken for a comma or an end.
fn one_of(words: &[&str]) -> String {
    let are_plain = words.iter().all(|word| word.starts_with(char::is_alphanumeric));
    let listed = words.iter().map(|word| {
        if are_plain {
            (*word).to_owned()
        } else {
            format!("`{word}`")
        }
    });
    format!("one of: {}", listed.collect::<Vec<_>>().join(", "))
}

fn path_table(item: &Item) -> bool {
    item.as_table_like()
        .is_some_and(|table| table.iter().all(|(_, path)| path.is_str()))
}

//! The manual of an operation, that is, what stage files may say about it, and the settings of an `[[op]]` table,
//! checked against the manual. Unknown keys and wrong types are problems with line, column and a suggestion.

use toml_edit::{Item, TableLike, Value as Toml};

use super::form::Key;
use super::function::Functions;
use super::operation::Operation;
use crate::expression::{Expression, Template};
use crate::path::Path;
use crate::problem::{Place, Problem};
use crate::reading::Reading;
use crate::record::Rounding;
use crate::toml::{Problems, Section};

/// What stage files may say about an operation. The parser, the JSON Schema of stage files and the reference table in
/// the documentation are all generated from it, so that they cannot disagree.
#[derive(Debug)]
pub(crate) struct Manual {
    /// Name in stage files.
    pub(crate) name: &'static str,
    /// Group in the documentation: shape, value, collection, record.
    pub(crate) group: &'static str,
    /// What it does, in one line.
    pub(crate) summary: &'static str,
    /// Its keys, in the order of the documentation. `op` and `refuse_as` belong to every operation and are not listed.
    pub(crate) keys: &'static [Key],
    /// Refusal codes that it can produce.
    pub(crate) refusals: &'static [&'static str],
    /// How it can be undone, in words: by its inverse, from the image, or lossy with the reason.
    pub(crate) undo: &'static str,
    /// An `[[op]]` table without its first line, a record, and the result: the record afterwards, or several for an
    /// operation that makes several. The rounding is half-even, and the secret `pepper` is `key`.
    pub(crate) example: (&'static str, &'static str, &'static str),
    /// Builds the operation from its checked settings.
    pub(crate) build: fn(&mut Settings<'_>) -> Result<Box<dyn Operation>, Problem>,
}

impl Manual {
    /// Returns the name of its tables in problems.
    pub(crate) fn title(&self) -> String {
        format!("`{}`", self.name)
    }
}

/// The context for reading `[[op]]` tables: the known operations, the file, and the functions of the program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OperationReader<'a> {
    pub(crate) manuals: &'static [&'static Manual],
    pub(crate) reading: &'a Reading<'a>,
    pub(crate) functions: &'a Functions,
}

/// The checked settings of one operation.
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    manual: &'static Manual,
    section: Section<'a>,
    place: Place,
    reader: OperationReader<'a>,
    reported: Vec<Problem>,
}

impl<'a> Settings<'a> {
    /// Checks the keys of a section against its manual.
    pub(crate) fn checked(
        manual: &'static Manual,
        section: Section<'a>,
        reader: OperationReader<'a>,
    ) -> Result<Self, Problems> {
        let mut problems: Vec<Problem> = Vec::new();
        for (name, item) in section.table().iter() {
            if name == "op" || name == "refuse_as" {
                continue;
            }
            if let Some(key) = manual.keys.iter().find(|key| key.name == name) {
                problems.extend(key.form.misfit(&section, name, item));
            } else {
                let known = manual.keys.iter().map(|key| key.name).chain(["refuse_as"]);
                problems.push(section.unknown_key(name).did_you_mean(name, known));
            }
        }
        let missing = |key: &&Key| key.required && !section.has(key.name);
        let missing = manual.keys.iter().filter(missing);
        problems.extend(missing.map(|key| section.missing_key(key.name, key.summary)));
        Problems::none_or(problems, || Self {
            manual,
            place: section.place(),
            section,
            reader,
            reported: Vec::new(),
        })
    }

    /// Returns the reader for the operations inside this one.
    pub(crate) fn reader(&self) -> OperationReader<'a> {
        self.reader
    }

    /// Returns whether the key is present.
    #[must_use]
    pub(crate) fn has(&self, name: &str) -> bool {
        self.section.has(name)
    }

    /// Returns the place of the `[[op]]` table.
    #[must_use]
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Returns the place of a key's value, for problems.
    #[must_use]
    pub(crate) fn place_of(&self, name: &str) -> Place {
        self.section.place_of(name)
    }

    /// Returns the tables of a list, each under this title; none when the key is absent.
    pub(crate) fn sections(&self, name: &str, title: &str) -> Vec<Section<'a>> {
        let reading = self.reading();
        let section = |table: &'a dyn TableLike, span| Section::new(title.to_owned(), table, span, reading);
        match self.section.item(name) {
            Some(Item::ArrayOfTables(tables)) => {
                tables.iter().map(|table| section(table, table.span())).collect()
            }
            Some(Item::Value(Toml::Array(list))) => {
                let tables = list.iter().filter_map(Toml::as_inline_table);
                tables.map(|table| section(table, table.span())).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Reports a problem without ending the building: an operation that reads several parts can report them all.
    pub(crate) fn report(&mut self, problem: Problem) {
        self.reported.push(problem);
    }

    /// Takes the reported problems.
    pub(crate) fn reported(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.reported)
    }

    /// Returns the file being read.
    #[must_use]
    pub(crate) fn reading(&self) -> &'a Reading<'a> {
        self.reader.reading
    }

    /// Returns the functions that the program has registered.
    #[must_use]
    pub(crate) fn functions(&self) -> &'a Functions {
        self.reader.functions
    }

    /// Returns the raw TOML of a key.
    #[must_use]
    pub(crate) fn item(&self, name: &str) -> Option<&'a Item> {
        self.section.item(name)
    }

    /// Returns a path.
    pub(crate) fn path(&self, name: &str) -> Result<Path, Problem> {
        self.parse_path(name, self.text(name).unwrap_or_default())
    }

    /// Returns a path that may be absent.
    pub(crate) fn path_or_none(&self, name: &str) -> Result<Option<Path>, Problem> {
        self.text(name)
            .map(|text| self.parse_path(name, text))
            .transpose()
    }

    /// Returns a list of paths; empty when the key is absent.
    pub(crate) fn paths(&self, name: &str) -> Result<Vec<Path>, Problem> {
        self.texts(name)
            .iter()
            .map(|text| self.parse_path(name, text))
            .collect()
    }

    /// Returns the names and paths of a table, in the order written; empty when the key is absent.
    pub(crate) fn path_table(&self, name: &str) -> Result<Vec<(String, Path)>, Problem> {
        let Some(table) = self.section.item(name).and_then(Item::as_table_like) else {
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

    /// Returns a text or a word of a choice; `None` when the key is absent.
    #[must_use]
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.section.item(name).and_then(Item::as_str)
    }

    /// Returns a list of texts; empty when the key is absent.
    #[must_use]
    pub(crate) fn texts(&self, name: &str) -> Vec<&'a str> {
        let list = self.section.item(name).and_then(Item::as_array);
        list.map(|list| list.iter().filter_map(Toml::as_str).collect())
            .unwrap_or_default()
    }

    /// Returns a boolean, or the default when the key is absent.
    #[must_use]
    pub(crate) fn boolean(&self, name: &str, default: bool) -> bool {
        self.section.item(name).and_then(Item::as_bool).unwrap_or(default)
    }

    /// Returns a whole number within bounds; `None` when the key is absent.
    pub(crate) fn integer(
        &self,
        name: &str,
        bounds: std::ops::RangeInclusive<i64>,
    ) -> Result<Option<i64>, Problem> {
        let number = self.section.item(name).and_then(Item::as_integer);
        number
            .map(|number| self.section.within(name, number, bounds))
            .transpose()
    }

    /// Returns a value that may hold expressions; `None` when the key is absent.
    pub(crate) fn template(&self, name: &str) -> Result<Option<Template>, Problem> {
        self.section
            .item(name)
            .map(|item| Template::read(item, self.reading()))
            .transpose()
    }

    /// Returns an expression; `None` when the key is absent.
    pub(crate) fn expression(&self, name: &str) -> Result<Option<Expression>, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let place = self.place_of(name);
        let source = self.reading().expression_source(name, text, &place)?;
        Expression::compile(source, &place, self.reading()).map(Some)
    }

    /// Returns the condition of a required key.
    ///
    /// # Errors
    /// A [`Problem`] of the expression, or that the key is missing.
    pub(crate) fn required_condition(&self, name: &str) -> Result<Expression, Problem> {
        let text = self.text(name).ok_or_else(|| self.missing_key(name))?;
        let place = self.place_of(name);
        Expression::condition(
            self.reading().expression_source(name, text, &place)?,
            &place,
            self.reading(),
        )
    }

    /// Returns the value of a required key.
    ///
    /// # Errors
    /// A [`Problem`] of an expression inside, or that the key is missing.
    pub(crate) fn required_template(&self, name: &str) -> Result<Template, Problem> {
        self.template(name)?.ok_or_else(|| self.missing_key(name))
    }

    /// Returns the expression of a required key.
    ///
    /// # Errors
    /// A [`Problem`] of the expression, or that the key is missing.
    pub(crate) fn required_expression(&self, name: &str) -> Result<Expression, Problem> {
        self.expression(name)?.ok_or_else(|| self.missing_key(name))
    }

    fn missing_key(&self, name: &str) -> Problem {
        let key = self.manual.keys.iter().find(|key| key.name == name);
        self.section.missing_key(name, key.map_or("", |key| key.summary))
    }

    /// Returns the stage's declared rounding, or the problem that this operation rounds without one.
    pub(crate) fn rounding(&self) -> Result<Rounding, Problem> {
        self.reading().rounding(&self.place)
    }

    /// Returns the manual that these settings were checked against.
    #[must_use]
    pub(crate) fn manual(&self) -> &'static Manual {
        self.manual
    }
}

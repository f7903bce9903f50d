//! One table of a TOML file, read key by key: unknown keys and wrong types become problems with their place and a
//! suggestion, and reading goes on, so that a file shows all its problems at once.

use std::ops::Range;

use toml_edit::{Item, Table, TableLike};

use crate::problem::{Place, Problem};
use crate::reading::{Reading, type_in_words};

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    pub(crate) fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.0.extend(problems);
    }

    /// The value, or `None` after keeping the problem.
    pub(crate) fn take<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }

    /// The value, or `None` after keeping the problems.
    pub(crate) fn take_all<T>(&mut self, result: Result<T, Vec<Problem>>) -> Option<T> {
        result.map_err(|problems| self.extend(problems)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All problems, in the order of the file.
    pub(crate) fn sorted(mut self) -> Vec<Problem> {
        self.0
            .sort_by_key(|problem| problem.place.as_ref().map(|place| (place.line, place.column)));
        self.0
    }
}

/// One table of the file.
#[derive(Clone)]
pub(crate) struct Section<'t> {
    /// How it is written, for messages: `[stage]`.
    title: String,
    table: &'t dyn TableLike,
    reading: &'t Reading<'t>,
    span: Option<Range<usize>>,
}

impl<'t> Section<'t> {
    pub(crate) fn root(table: &'t Table, reading: &'t Reading<'t>) -> Self {
        Self {
            title: "the file".to_owned(),
            table,
            reading,
            span: Some(0..0),
        }
    }

    fn of(title: &str, item: &'t Item, span: Option<Range<usize>>, reading: &'t Reading<'t>) -> Option<Self> {
        let table = item.as_table_like()?;
        let span = item.span().or(span);
        Some(Self {
            title: title.to_owned(),
            table,
            reading,
            span,
        })
    }

    pub(crate) fn table(&self) -> &'t dyn TableLike {
        self.table
    }

    pub(crate) fn reading(&self) -> &'t Reading<'t> {
        self.reading
    }

    /// Where the section begins.
    pub(crate) fn place(&self) -> Place {
        self.reading.place(self.span.clone())
    }

    /// Where a key's value stands; the section where the key is absent.
    pub(crate) fn place_of(&self, key: &str) -> Place {
        let value = self.table.get(key).and_then(Item::span);
        self.reading
            .place(value.or_else(|| self.key_span(key)).or_else(|| self.span.clone()))
    }

    /// Where a key itself stands.
    pub(crate) fn place_of_key(&self, key: &str) -> Place {
        self.reading
            .place(self.key_span(key).or_else(|| self.span.clone()))
    }

    fn key_span(&self, key: &str) -> Option<Range<usize>> {
        self.table.key(key).and_then(toml_edit::Key::span)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Keeps a problem for each key that is not one of these.
    pub(crate) fn only(&self, known: &[&str], problems: &mut Problems) {
        for (key, _) in self.table.iter().filter(|(key, _)| !known.contains(key)) {
            let message = format!("{} has no key `{key}`", self.title);
            let problem = Problem::error("stage.unknown_key", self.place_of_key(key), message)
                .help(format!("its keys are: {}", known.join(", ")))
                .did_you_mean(key, known.iter().copied());
            problems.add(problem);
        }
    }

    /// The problem that a key has the wrong type.
    pub(crate) fn wrong_type(&self, key: &str, expected: &str) -> Problem {
        let found = self.table.get(key).map_or("nothing", Item::type_name);
        let message = format!("`{key}` takes {expected}, not {}", type_in_words(found));
        Problem::error("stage.wrong_type", self.place_of(key), message)
    }

    /// A text; `None` where the key is absent or no text.
    pub(crate) fn text(&self, key: &str, problems: &mut Problems) -> Option<&'t str> {
        self.take(key, "a text", Item::as_str, problems)
    }

    /// The source of an expression; `None` where the key is absent or no text that begins with `= `.
    pub(crate) fn expression(&self, key: &str, problems: &mut Problems) -> Option<&'t str> {
        let text = self.text(key, problems)?;
        problems.take(self.reading.expression_source(key, text, &self.place_of(key)))
    }

    /// A text that must be there.
    pub(crate) fn needed_text(&self, key: &str, what: &str, problems: &mut Problems) -> Option<&'t str> {
        self.needs(key, what, problems);
        self.text(key, problems)
    }

    /// Keeps a problem where the key is absent.
    pub(crate) fn needs(&self, key: &str, what: &str, problems: &mut Problems) {
        if !self.has(key) {
            let message = format!("{} needs the key `{key}`: {what}", self.title);
            problems.add(Problem::error("stage.missing_key", self.place(), message));
        }
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self, key: &str, problems: &mut Problems) -> Option<bool> {
        self.take(key, "true or false", Item::as_bool, problems)
    }

    /// A whole number within bounds.
    pub(crate) fn integer(
        &self,
        key: &str,
        bounds: std::ops::RangeInclusive<i64>,
        problems: &mut Problems,
    ) -> Option<i64> {
        let number = self.take(key, "a whole number", Item::as_integer, problems)?;
        if bounds.contains(&number) {
            return Some(number);
        }
        let message = format!(
            "`{key}` is {number}, but must lie from {} to {}",
            bounds.start(),
            bounds.end()
        );
        problems.add(Problem::error("stage.out_of_range", self.place_of(key), message));
        None
    }

    /// One of these words.
    pub(crate) fn word<T: Copy>(
        &self,
        key: &str,
        words: &[(&'static str, T)],
        problems: &mut Problems,
    ) -> Option<T> {
        let given = self.text(key, problems)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == given) {
            return Some(*value);
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let message = format!("`{key}` cannot be `{given}`");
        let problem = Problem::error("stage.wrong_word", self.place_of(key), message)
            .help(format!("one of: {}", names.join(", ")))
            .did_you_mean(given, names);
        problems.add(problem);
        None
    }

    fn take<T>(
        &self,
        key: &str,
        expected: &str,
        read: fn(&'t Item) -> Option<T>,
        problems: &mut Problems,
    ) -> Option<T> {
        let item = self.table.get(key)?;
        let value = read(item);
        if value.is_none() {
            problems.add(self.wrong_type(key, expected));
        }
        value
    }

    /// The table below a key, `[key]` or inline.
    pub(crate) fn section(&self, key: &str, problems: &mut Problems) -> Option<Section<'t>> {
        let item = self.table.get(key)?;
        let title = match self
            .title
            .strip_prefix('[')
            .and_then(|title| title.strip_suffix(']'))
        {
            Some(above) if !above.starts_with('[') => format!("[{above}.{key}]"),
            _ => format!("[{key}]"),
        };
        let section = Self::of(&title, item, self.key_span(key), self.reading);
        if section.is_none() {
            problems.add(self.wrong_type(key, "a table"));
        }
        section
    }

    /// The tables `[[key]]`, in order.
    pub(crate) fn tables(&self, key: &str, problems: &mut Problems) -> Vec<&'t Table> {
        match self.table.get(key) {
            None => Vec::new(),
            Some(Item::ArrayOfTables(tables)) => tables.iter().collect(),
            Some(_) => {
                let name = key.rsplit('.').next().unwrap_or(key);
                let problem = self
                    .wrong_type(key, "tables")
                    .help(format!("write each as a table [[{name}]]"));
                problems.add(problem);
                Vec::new()
            }
        }
    }

    /// The sections `[[title]]` below a key, in order.
    pub(crate) fn sections(&self, key: &str, title: &str, problems: &mut Problems) -> Vec<Section<'t>> {
        let tables = self.tables(key, problems);
        let of = |table: &'t Table| Section {
            title: format!("[[{title}]]"),
            table,
            reading: self.reading,
            span: table.span(),
        };
        tables.into_iter().map(of).collect()
    }

    /// Texts in a list; empty where the key is absent.
    pub(crate) fn texts(&self, key: &str, problems: &mut Problems) -> Vec<&'t str> {
        let Some(item) = self.table.get(key) else {
            return Vec::new();
        };
        let list = item.as_array();
        let texts: Option<Vec<&str>> =
            list.and_then(|list| list.iter().map(toml_edit::Value::as_str).collect());
        if texts.is_none() {
            problems.add(self.wrong_type(key, "a list of texts"));
        }
        texts.unwrap_or_default()
    }
}

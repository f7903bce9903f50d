//! One table of a TOML file, read key by key. Unknown keys and wrong types become problems with their place and a
//! suggestion, and reading continues, so that one read reports all problems of a file.

use std::fmt;
use std::ops::{Range, RangeInclusive};

use toml_edit::{Document, Item, Table, TableLike, TomlError};

use crate::problem::{Place, Problem, within};
use crate::reading::{Reading, type_in_words};
use crate::toml::problems::Problems;

/// Parses a file; `code` is the code of the problem that it is not valid TOML.
pub(crate) fn document<'t>(reading: &Reading<'t>, code: &'static str) -> Result<Document<&'t str>, Problem> {
    Document::parse(reading.text).map_err(|error| {
        let message = format!("not TOML: {}", error.message());
        let problem = Problem::error(code, reading.place(error.span()), message);
        match meant(reading.text, &error) {
            Some(help) => problem.help(help),
            None => problem,
        }
    })
}

/// Returns what to write instead of what is not TOML, where that is plain.
fn meant(text: &str, error: &TomlError) -> Option<String> {
    let at = error.span()?.start;
    let begin = text.get(..at)?.rfind('\n').map_or(0, |at| at + 1);
    let line = text.get(begin..)?.lines().next()?;
    let (key, value) = line.split_once('=').unwrap_or((line, ""));
    let (key, value) = (key.trim(), value.split('#').next().unwrap_or_default().trim());
    if error.message().contains("duplicate key") {
        return Some(
            "a key may occur once in a table: put what both have together, or leave one of them out"
                .to_owned(),
        );
    }
    let is_plain = |text: &str| {
        let letter = |letter: char| letter.is_alphanumeric() || "_-./:+".contains(letter);
        !text.is_empty() && text.chars().all(letter)
    };
    let is_bare = is_plain(key) && is_plain(value) && value.parse::<toml_edit::Value>().is_err();
    is_bare.then(|| format!("write a text in quotes: `{key} = \"{value}\"`"))
}

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Collected(Vec<Problem>);

impl Collected {
    pub(crate) fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    pub(crate) fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.0.extend(problems);
    }

    /// Returns the number of problems so far.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the value, or `None` after storing the problem.
    pub(crate) fn take<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }

    /// Returns the value, or `None` after storing the problems.
    pub(crate) fn take_all<T>(&mut self, result: Result<T, Problems>) -> Option<T> {
        result.map_err(|problems| self.extend(problems)).ok()
    }

    /// Returns all problems, in the order of the file.
    pub(crate) fn sorted(mut self) -> Vec<Problem> {
        self.0
            .sort_by_key(|problem| problem.place.as_ref().map(|place| (place.line, place.column)));
        self.0
    }

    /// Returns the value where no problem was found, or else all problems in the order of the file.
    pub(crate) fn none_or<T>(self, value: impl FnOnce() -> T) -> Result<T, Problems> {
        Problems::none_or(self.sorted(), value)
    }

    /// Returns all problems in the order of the file, with this one before others at the same place.
    pub(crate) fn with(mut self, problem: Problem) -> Problems {
        self.0.insert(0, problem);
        let mut sorted = self.sorted();
        let first = sorted.remove(0);
        Problems::from(first).and(sorted)
    }
}

/// One table of the file.
#[derive(Clone)]
pub(crate) struct Section<'t> {
    /// Its name in problems: `[stage]`, as written.
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

    /// Creates the section of a table at `span`.
    pub(crate) fn new(
        title: String,
        table: &'t dyn TableLike,
        span: Option<Range<usize>>,
        reading: &'t Reading<'t>,
    ) -> Self {
        Self {
            title,
            table,
            reading,
            span,
        }
    }

    /// Returns the same table under another title.
    pub(crate) fn titled(self, title: String) -> Self {
        Self { title, ..self }
    }

    pub(crate) fn table(&self) -> &'t dyn TableLike {
        self.table
    }

    pub(crate) fn reading(&self) -> &'t Reading<'t> {
        self.reading
    }

    /// Returns the TOML value of a key.
    pub(crate) fn item(&self, key: &str) -> Option<&'t Item> {
        self.table.get(key)
    }

    /// Returns the place where the section begins.
    pub(crate) fn place(&self) -> Place {
        self.reading.place(self.span.clone())
    }

    /// Returns the place of a key's value; that of the section where the key is absent.
    pub(crate) fn place_of(&self, key: &str) -> Place {
        let value = self.table.get(key).and_then(Item::span);
        self.reading
            .place(value.or_else(|| self.key_span(key)).or_else(|| self.span.clone()))
    }

    /// Returns the place of a key itself.
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

    /// Reports each key that is not one of these.
    pub(crate) fn only(&self, known: &[&str], problems: &mut Collected) {
        for (key, _) in self.table.iter().filter(|(key, _)| !known.contains(key)) {
            let problem = self
                .unknown_key(key)
                .help(format!("its keys are: {}", known.join(", ")))
                .did_you_mean(key, known.iter().copied());
            problems.add(problem);
        }
    }

    /// Returns the problem that a key is unknown.
    pub(crate) fn unknown_key(&self, key: &str) -> Problem {
        let message = format!("{} has no key `{key}`", self.title);
        Problem::error("stage.unknown_key", self.place_of_key(key), message)
    }

    /// Returns the problem that a key is missing. `what` describes the key.
    pub(crate) fn missing_key(&self, key: &str, what: &str) -> Problem {
        let message = format!("{} needs the key `{key}`: {what}", self.title);
        Problem::error("stage.missing_key", self.place(), message)
    }

    /// Returns the problem that a key has the wrong type.
    pub(crate) fn wrong_type(&self, key: &str, expected: &str) -> Problem {
        let found = self.table.get(key).map_or("nothing", Item::type_name);
        let message = format!("`{key}` takes {expected}, not {}", type_in_words(found));
        Problem::error("stage.wrong_type", self.place_of(key), message)
    }

    /// Reads a text; `None` where the key is absent or not a text.
    pub(crate) fn text(&self, key: &str, problems: &mut Collected) -> Option<&'t str> {
        self.take(key, "a string", Item::as_str, problems)
    }

    /// Reads the source of an expression; `None` where the key is absent or not a text that begins with `= `.
    pub(crate) fn expression(&self, key: &str, problems: &mut Collected) -> Option<&'t str> {
        let text = self.text(key, problems)?;
        problems.take(self.reading.expression_source(key, text, &self.place_of(key)))
    }

    /// Reads a required text.
    pub(crate) fn needed_text(&self, key: &str, what: &str, problems: &mut Collected) -> Option<&'t str> {
        self.needs(key, what, problems);
        self.text(key, problems)
    }

    /// Reports a problem where the key is absent.
    pub(crate) fn needs(&self, key: &str, what: &str, problems: &mut Collected) {
        if !self.has(key) {
            problems.add(self.missing_key(key, what));
        }
    }

    /// Reads a Boolean.
    pub(crate) fn boolean(&self, key: &str, problems: &mut Collected) -> Option<bool> {
        self.take(key, "true or false", Item::as_bool, problems)
    }

    /// Reads a whole number within bounds.
    pub(crate) fn integer(
        &self,
        key: &str,
        bounds: RangeInclusive<i64>,
        problems: &mut Collected,
    ) -> Option<i64> {
        let number = self.take(key, "a whole number", Item::as_integer, problems)?;
        problems.take(self.within(key, number, bounds))
    }

    /// Returns the number of a key, where it is within bounds.
    pub(crate) fn within(&self, key: &str, number: i64, bounds: RangeInclusive<i64>) -> Result<i64, Problem> {
        within(key, number, bounds).map_err(|problem| Problem {
            place: Some(self.place_of(key)),
            ..problem
        })
    }

    /// Reads one of these words.
    pub(crate) fn word<T: Copy>(
        &self,
        key: &str,
        words: &[(&'static str, T)],
        problems: &mut Collected,
    ) -> Option<T> {
        self.word_or(key, words, |_| None, problems)
    }

    /// As [`word`](Self::word); `other` knows the words that others use for one of them.
    pub(crate) fn word_or<T: Copy>(
        &self,
        key: &str,
        words: &[(&'static str, T)],
        other: impl Fn(&str) -> Option<&'static str>,
        problems: &mut Collected,
    ) -> Option<T> {
        let given = self.text(key, problems)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == given) {
            return Some(*value);
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let message = format!("`{key}` cannot be `{given}`");
        let all = format!("one of: {}", names.join(", "));
        let problem = Problem::error("stage.wrong_word", self.place_of(key), message);
        problems.add(match other(given) {
            Some(word) => problem.help(format!("did you mean `{word}`? {all}")),
            // A word that only sounds alike may mean the opposite.
            None if is_slip(given, &names) => problem.help(all).did_you_mean(given, names),
            None => problem.help(all),
        });
        None
    }

    fn take<T>(
        &self,
        key: &str,
        expected: &str,
        read: fn(&'t Item) -> Option<T>,
        problems: &mut Collected,
    ) -> Option<T> {
        let item = self.table.get(key)?;
        let value = read(item);
        if value.is_none() {
            problems.add(self.wrong_type(key, expected));
        }
        value
    }

    /// Reads the table of a key, `[key]` or inline.
    pub(crate) fn section(&self, key: &str, problems: &mut Collected) -> Option<Section<'t>> {
        let item = self.table.get(key)?;
        let title = match self
            .title
            .strip_prefix('[')
            .and_then(|title| title.strip_suffix(']'))
        {
            Some(above) if !above.starts_with('[') => format!("[{above}.{key}]"),
            _ => format!("[{key}]"),
        };
        let Some(table) = item.as_table_like() else {
            problems.add(self.wrong_type(key, "a table"));
            return None;
        };
        let span = item.span().or_else(|| self.key_span(key));
        Some(Self::new(title, table, span, self.reading))
    }

    /// Reads the tables `[[key]]`, in order.
    pub(crate) fn tables(&self, key: &str, problems: &mut Collected) -> Vec<&'t Table> {
        self.tables_titled(key, key, problems)
    }

    fn tables_titled(&self, key: &str, title: &str, problems: &mut Collected) -> Vec<&'t Table> {
        match self.table.get(key) {
            None => Vec::new(),
            Some(Item::ArrayOfTables(tables)) => tables.iter().collect(),
            Some(item) => {
                let help = if item.is_table() {
                    format!("write `[[{title}]]` instead of `[{title}]`, once for each")
                } else {
                    format!("write each as a table [[{title}]]")
                };
                problems.add(self.wrong_type(key, "tables").help(help));
                Vec::new()
            }
        }
    }

    /// Reads the sections `[[title]]` of a key, in order.
    pub(crate) fn sections(&self, key: &str, title: &str, problems: &mut Collected) -> Vec<Section<'t>> {
        let tables = self.tables_titled(key, title, problems).into_iter();
        let of = |table: &'t Table| Self::new(format!("[[{title}]]"), table, table.span(), self.reading);
        tables.map(of).collect()
    }

    /// Reads a list of texts; empty where the key is absent.
    pub(crate) fn texts(&self, key: &str, problems: &mut Collected) -> Vec<&'t str> {
        let Some(item) = self.table.get(key) else {
            return Vec::new();
        };
        let list = item.as_array();
        let texts: Option<Vec<&str>> =
            list.and_then(|list| list.iter().map(toml_edit::Value::as_str).collect());
        if texts.is_none() {
            problems.add(self.wrong_type(key, "a list of strings"));
        }
        texts.unwrap_or_default()
    }
}

/// Returns whether a word is one of these but for a few letters.
fn is_slip(given: &str, names: &[&str]) -> bool {
    let given = given.to_lowercase();
    let is_near = |name: &&str| strsim::damerau_levenshtein(&given, &name.to_lowercase()) <= MOST_SLIPS;
    names
        .iter()
        .any(|name| is_near(name) || given.starts_with(name) || name.starts_with(&given))
}

/// Number of letters in which a typing error may differ from the word.
const MOST_SLIPS: usize = 2;

impl fmt::Debug for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Section({})", self.title)
    }
}

//! The keys of operations, and the values that they take.

use toml_edit::{Item, Value as Toml};

use crate::problem::Problem;
use crate::toml::Section;

/// One key of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// Name of the key.
    pub(crate) name: &'static str,
    /// Value that it takes.
    pub(crate) form: Form,
    /// Whether the key is required.
    pub(crate) required: bool,
    /// Default in words; empty for required keys.
    pub(crate) default: &'static str,
    /// Purpose of the key, in one line.
    pub(crate) summary: &'static str,
}

/// Kind of value that a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A path, as text.
    Path,
    /// A list of paths.
    Paths,
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// Any value; a text that begins with `= ` is an expression.
    Template,
    /// An expression, written with its leading `= `.
    Expression,
    /// A table of keys and values.
    Table,
    /// A list of tables.
    Tables,
    /// A table of names and paths.
    PathTable,
    /// A list of operations, each a table as in `[[op]]`.
    Operations,
}

impl Key {
    /// Creates a required key.
    #[must_use]
    pub(crate) const fn required(name: &'static str, form: Form, summary: &'static str) -> Self {
        Self {
            name,
            form,
            required: true,
            default: "",
            summary,
        }
    }

    /// Creates an optional key.
    #[must_use]
    pub(crate) const fn optional(
        name: &'static str,
        form: Form,
        default: &'static str,
        summary: &'static str,
    ) -> Self {
        Self {
            name,
            form,
            required: false,
            default,
            summary,
        }
    }
}

impl Form {
    /// Returns a problem if the value of a key is not of this form.
    pub(crate) fn misfit(self, section: &Section<'_>, key: &str, item: &Item) -> Option<Problem> {
        let texts = |item: &Item| item.as_array().is_some_and(|list| list.iter().all(Toml::is_str));
        let tables = |item: &Item| {
            let inline = item
                .as_array()
                .is_some_and(|list| list.iter().all(Toml::is_inline_table));
            inline || item.is_array_of_tables()
        };
        let (fits, expected) = match self {
            Form::Path | Form::Text | Form::Expression => (item.is_str(), "a string".to_owned()),
            Form::Paths | Form::Texts => (texts(item), "a list of strings".to_owned()),
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
            let problem = section.wrong_type(key, &expected);
            // An unknown word is quoted; for anything else its type says enough.
            let (Self::Choice(words), Some(word)) = (self, item.as_str()) else {
                return problem;
            };
            let message = format!("`{key}` takes {expected}; not `{word}`");
            Problem { message, ..problem }.did_you_mean(word, words.iter().copied())
        })
    }
}

/// Lists the words of a choice, each in quotes if one of them could be mistaken for punctuation.
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

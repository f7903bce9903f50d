//! What people from other languages write, and how to write it here.

use std::borrow::Cow;

use crate::problem::nearest;

/// Words for values, in lower case, each with what to write instead.
const VALUES: &[(&str, &str)] = &[
    ("null", NULL),
    ("nil", NULL),
    ("none", NULL),
    ("undefined", NULL),
    ("true", "write `true`, in small letters"),
    ("false", "write `false`, in small letters"),
];

/// Words and symbols that join or ask.
const OPERATORS: &[(&str, &str)] = &[
    ("and", "write `&&`"),
    ("or", "write `||`"),
    ("not", "write `!`, as in `!doc.paid`; for a list, `!in`"),
    ("xor", "write `!=` between two conditions"),
    ("is", "write `==`, as in `doc.note == ()`"),
    ("eq", "write `==`"),
    ("ne", "write `!=`"),
    ("gt", "write `>`"),
    ("ge", "write `>=`"),
    ("lt", "write `<`"),
    ("le", "write `<=`"),
    ("mod", "write `%`"),
    ("div", "write `/`, or divide(x, y, places)"),
    ("then", CHOICE),
    ("elif", "write `else if`"),
    ("elsif", "write `else if`"),
    ("elseif", "write `else if`"),
    (
        "like",
        "write `doc.name.contains(\"x\")` or `doc.name.matches(\"^x\")`",
    ),
    ("contains", "write `doc.name.contains(\"x\")`"),
    ("===", "write `==`"),
    ("!==", "write `!=`"),
    ("<>", "write `!=`"),
    ("=<", "write `<=`"),
    ("=>", "write `>=`"),
    (":=", "write `==` to compare"),
    ("|", "write `||`"),
    ("&", "write `&&`"),
    (">>", "write `>` or `>=` to compare"),
    ("<<", "write `<` or `<=` to compare"),
    ("?", CHOICE),
];

const NULL: &str = "null is written `()`, as in `doc.note ?? ()` and `doc.note == ()`";
const CHOICE: &str = "write `if doc.paid { 1 } else { 2 }`";

/// The operators, for someone who wrote something else.
pub(super) const THERE_ARE: &str = "the operators are + - * / % == != < <= > >= && || ! ?? in !in";

/// Returns what to write instead of a word for a value, in any letter case.
pub(super) fn value(word: &str) -> Option<&'static str> {
    found(VALUES, word)
}

/// Returns what to write instead of a word or a symbol, in any letter case.
pub(super) fn instead(token: &str) -> Option<&'static str> {
    value(token).or_else(|| found(OPERATORS, token))
}

fn found(table: &[(&str, &'static str)], token: &str) -> Option<&'static str> {
    let found = table
        .iter()
        .find(|(written, _)| token.eq_ignore_ascii_case(written));
    found.map(|(_, instead)| *instead)
}

/// The word or the run of symbols at a place of a source; its line and column count from 1.
pub(super) struct Token<'s> {
    pub(super) text: &'s str,
    /// The text before it, blanks included.
    whole_before: &'s str,
    before: &'s str,
    behind: &'s str,
}

impl<'s> Token<'s> {
    pub(super) fn at(source: &'s str, line: usize, column: usize) -> Self {
        // The parser counts too many lines when a text in backticks contains a carriage return.
        let end = &source[source.len()..];
        let row = source.split('\n').nth(line.saturating_sub(1)).unwrap_or(end);
        let row_at = row.as_ptr() as usize - source.as_ptr() as usize;
        let offset = row.char_indices().nth(column.saturating_sub(1));
        let at = row_at + offset.map_or(row.len(), |(at, _)| at);
        let class = Class::from_character(source[at..].chars().next());
        let is_other = |next: char| Class::from_character(Some(next)) != class;
        // Brackets and quotes are single tokens.
        let (start, end) = match class {
            Class::Other => (at, at + source[at..].chars().next().map_or(0, char::len_utf8)),
            _ => (
                source[..at]
                    .char_indices()
                    .rfind(|(_, next)| is_other(*next))
                    .map_or(0, |(other, next)| other + next.len_utf8()),
                source[at..]
                    .find(is_other)
                    .map_or(source.len(), |length| at + length),
            ),
        };
        Self {
            text: &source[start..end],
            whole_before: &source[..start],
            before: source[..start].trim_end(),
            behind: &source[at..],
        }
    }

    /// Whether nothing but blanks is left.
    pub(super) fn is_at_the_end(&self) -> bool {
        self.behind.trim().is_empty()
    }

    /// Returns whether it is the name after a dot.
    pub(super) fn is_property(&self) -> bool {
        self.before.ends_with('.')
    }

    /// Returns the token before it.
    pub(super) fn previous(&self) -> Option<Self> {
        let row = self.before.rsplit('\n').next().filter(|row| !row.is_empty())?;
        let line = self.before.split('\n').count();
        Some(Self::at(self.before, line, row.chars().count()))
    }

    /// Its line and column, both from 1.
    pub(super) fn place(&self) -> (usize, usize) {
        let row = self.whole_before.rsplit('\n').next().unwrap_or_default();
        (self.whole_before.split('\n').count(), row.chars().count() + 1)
    }

    /// Returns the token that belongs to another language, with what to write instead: itself, or the `not` before it.
    pub(super) fn foreign(self) -> Result<(Self, &'static str), Self> {
        if let Some(instead) = instead(self.text).filter(|_| !self.is_property()) {
            return Ok((self, instead));
        }
        let previous = self
            .previous()
            .filter(|token| token.text.eq_ignore_ascii_case("not"));
        match previous.filter(|token| !token.is_property()) {
            Some(not) => instead(not.text).map(|instead| (not, instead)).ok_or(self),
            None => Err(self),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Symbol,
    Other,
}

impl Class {
    fn from_character(character: Option<char>) -> Self {
        match character {
            Some(letter) if letter.is_alphanumeric() || letter == '_' => Self::Word,
            Some('<' | '>' | '=' | '!' | '&' | '|' | '?' | ':' | '+' | '-' | '*' | '/' | '%') => Self::Symbol,
            _ => Self::Other,
        }
    }
}

/// Suggests what an unknown name means: a similar name, or a field, which is below `doc`.
pub(super) fn meant<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    match nearest(name, known) {
        Some("doc") => "did you mean `doc`?".to_owned(),
        Some(near) => format!("did you mean `{near}`, or the field `doc.{name}`?"),
        None => format!("a field of the record is written doc.NAME: did you mean `doc.{name}`?"),
    }
}

/// Where a text ends before the expression does.
pub(super) fn too_early(last: &str) -> Cow<'static, str> {
    if last.is_empty() {
        return Cow::Borrowed("the expression ends too early");
    }
    Cow::Owned(format!(
        "the expression ends too early: something is missing after `{last}`"
    ))
}

//! `replace`: replaces what a pattern matches.

use regex::{NoExpand, Regex};
use serde_json::json;

use super::kit::checked::Checked;
use super::kit::frame::{Frame, MISSING, NULL, PATH, TO, frame_builders, frame_methods};
use super::{Effect, Form, Key, Manual, Operation, PathText, Settings};
use crate::expression::Scope;
use crate::problem::Problem;
use crate::record::pattern;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// `replace`: replaces the matches of a pattern in a string. Patterns take linear time for any text; `\d` is an ASCII
/// digit. In the replacement `$1` and `${name}` stand for groups, `$$` for `$`.
///
/// ```toml
/// op = "replace"
/// path = "phone"
/// pattern = '\D'
/// with = ""
/// ```
/// Turns `{"phone":"(555) 123-4567"}` into `{"phone":"5551234567"}`.
#[derive(Clone, Debug)]
pub struct Replace {
    frame: Frame,
    pattern: String,
    search: Checked<Regex>,
    with: String,
    literal: bool,
    first: bool,
    must_match: bool,
}

frame_builders!(Replace, to);

impl Replace {
    /// Replaces all matches of a pattern.
    #[must_use]
    pub fn new(path: impl Into<PathText>, pattern: &str, with: &str) -> Self {
        Self::from_frame(Frame::new(MANUAL.name, path), pattern, with)
    }

    /// Replaces every occurrence of a text; neither the text nor the replacement has special characters.
    #[must_use]
    pub fn literal(path: impl Into<PathText>, text: &str, with: &str) -> Self {
        Self::of_literal(Frame::new(MANUAL.name, path), text, with)
    }

    fn from_frame(frame: Frame, pattern: &str, with: &str) -> Self {
        Self {
            frame,
            pattern: pattern.to_owned(),
            search: Checked::new(|| search(pattern, with)),
            with: with.to_owned(),
            literal: false,
            first: false,
            must_match: false,
        }
    }

    fn of_literal(frame: Frame, text: &str, with: &str) -> Self {
        let search = Checked::new(|| {
            Ok(Regex::new(&regex::escape(text)).expect("an escaped text is always a pattern"))
        });
        Self {
            search,
            literal: true,
            ..Self::from_frame(frame, text, with)
        }
    }

    /// Replaces only the first match.
    #[must_use]
    pub fn first(mut self) -> Self {
        self.first = true;
        self
    }

    /// Refuses a text without a match, instead of leaving it as it is.
    #[must_use]
    pub fn must_match(mut self) -> Self {
        self.must_match = true;
        self
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let frame = Frame::read(settings)?;
        let pattern = settings.text("pattern").unwrap_or_default();
        let with = settings.text("with").unwrap_or_default();
        let mut replace = if settings.boolean("literal", false) {
            Self::of_literal(frame, pattern, with)
        } else {
            Self::from_frame(frame, pattern, with)
        };
        replace.search = replace.search.at(|| settings.place_of("pattern"));
        replace.first = settings.boolean("first", false);
        replace.must_match = settings.text("no_match") == Some("refuse");
        Ok(Box::new(replace))
    }
}

fn search(pattern: &str, with: &str) -> Result<Regex, Problem> {
    let compiled = pattern::compile(pattern).map_err(|error| {
        let message = format!("`pattern` is not a valid pattern: {error}");
        Problem::error("replace.pattern", None, message)
    })?;
    if let Some(group) = unknown_group(with, &compiled) {
        let message = format!("`with` uses the group `{group}`, which the pattern does not have");
        return Err(Problem::error("replace.group", None, message)
            .help("write `${1}` where letters or digits follow, and `$$` for `$`"));
    }
    Ok(compiled)
}

/// Returns a group that the replacement names and the pattern lacks: it would silently be empty.
fn unknown_group(with: &str, pattern: &Regex) -> Option<String> {
    let references = Regex::new(r"\$(?:\$|\{([^}]*)\}|([0-9A-Za-z_]+))").expect("a fixed pattern");
    let mut groups = references
        .captures_iter(with)
        .filter_map(|found| Some(found.get(1).or(found.get(2))?.as_str().to_owned()));
    groups.find(|group| match group.parse::<usize>() {
        Ok(index) => index >= pattern.captures_len(),
        Err(_) => !pattern.capture_names().flatten().any(|name| name == group),
    })
}

impl Operation for Replace {
    frame_methods!(beside: search);

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let search = self.search.get()?;
        self.frame.apply(document, |value, place| {
            let text = self.frame.text(value, place)?;
            if self.must_match && !search.is_match(&text) {
                return Err(self
                    .frame
                    .refuse("no_match", place)
                    .expected("a string that contains a match of the pattern"));
            }
            // 0 means all of them.
            let limit = usize::from(self.first);
            let replaced = if self.literal {
                search.replacen(&text, limit, NoExpand(&self.with))
            } else {
                search.replacen(&text, limit, self.with.as_str())
            };
            Ok(if replaced == text {
                value.clone()
            } else {
                Value::text(&replaced)
            })
        })
    }

    fn meaning(&self) -> serde_json::Value {
        self.frame.meaning(json!({
            "pattern": self.pattern,
            "with": self.with,
            "literal": self.literal,
            "first": self.first,
            "no_match": if self.must_match { "refuse" } else { "keep" },
        }))
    }
}

/// The reference entry of `replace`.
pub(super) static MANUAL: Manual = Manual {
    name: "replace",
    group: "value",
    summary: "replaces the matches of a pattern in a string",
    keys: &[
        PATH,
        TO,
        Key::required("pattern", Form::Text, "what to find; `\\d` is an ASCII digit"),
        Key::required(
            "with",
            Form::Text,
            "the replacement; `$1`, `${name}` are groups, `$$` is `$`",
        ),
        Key::optional(
            "literal",
            Form::Boolean,
            "false",
            "take `pattern` and `with` literally",
        ),
        Key::optional("first", Form::Boolean, "false", "replace only the first match"),
        Key::optional(
            "no_match",
            Form::Choice(&["keep", "refuse"]),
            "keep",
            "what to do if nothing matches",
        ),
        MISSING,
        NULL,
    ],
    refusals: &[
        "replace.missing",
        "replace.null",
        "replace.type",
        "replace.no_match",
        "replace.exists",
        "replace.blocked",
    ],
    undo: "lossy in place: what was replaced is lost; with `to` the original is kept",
    example: (
        r#"op = "replace"
path = "phone"
pattern = '\D'
with = """#,
        r#"{"phone":"(555) 123-4567"}"#,
        r#"{"phone":"5551234567"}"#,
    ),
    build: Replace::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{built, run};

    #[test]
    fn groups_and_literals_are_replaced_as_declared() {
        let settings = r#"path = "p"
            pattern = '^1?(\d{3})(\d{3})(\d{4})$'
            with = "+1-$1-${2}-$3""#;
        let op = built(&MANUAL, settings, None).unwrap();
        for (given, expected) in [
            ("5551230123", "+1-555-123-0123"),
            ("15551230123", "+1-555-123-0123"),
            ("5550123", "5550123"),
            ("٥٥٥١٢٣٠١٢٣", "٥٥٥١٢٣٠١٢٣"),
        ] {
            let after = run(op.as_ref(), &format!(r#"{{"p":"{given}"}}"#)).unwrap();
            assert_eq!(after, format!(r#"{{"p":"{expected}"}}"#));
        }
        let op = Replace::literal("p", ".", "$1");
        assert_eq!(run(&op, r#"{"p":"a.b.c"}"#).unwrap(), r#"{"p":"a$1b$1c"}"#);
        assert_eq!(
            run(&op.clone().first(), r#"{"p":"a.b.c"}"#).unwrap(),
            r#"{"p":"a$1b.c"}"#
        );
        assert_eq!(
            run(&op.clone().must_match(), r#"{"p":"x"}"#).unwrap_err(),
            "replace.no_match at /p"
        );
        // An unchanged text is not rewritten, so its escapes are kept.
        assert_eq!(run(&op, r#"{"p":"\u0041\/"}"#).unwrap(), r#"{"p":"\u0041\/"}"#);
    }

    #[test]
    fn a_bad_pattern_or_group_is_a_problem_at_load() {
        for (pattern, with, code) in [
            ("(", "", "replace.pattern"),
            ("(?=a)", "", "replace.pattern"),
            ("(a)", "$2", "replace.group"),
            ("(a)", "$1b", "replace.group"),
            ("(?<x>a)", "${y}", "replace.group"),
        ] {
            let settings = format!("path = \"p\"\npattern = \"{pattern}\"\nwith = \"{with}\"");
            let problem = built(&MANUAL, &settings, None).unwrap_err();
            assert_eq!(
                (problem.code, problem.place.unwrap().line),
                (code, 2),
                "{pattern}"
            );
        }
        assert!(Replace::new("p", "(?<x>a)", "$$${x}${0}").problems().is_empty());
    }
}

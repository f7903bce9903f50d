//! `case`: changes a text to upper case, lower case or title case.

use serde_json::json;

use super::kit::frame::{Frame, MISSING, NULL, PATH, TO, frame_builders, frame_methods};
use super::{Effect, Form, Key, Manual, Operation, PathText, Settings};
use crate::expression::Scope;
use crate::problem::Problem;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// `case`: writes a text in another case, by Unicode's rules that need no language.
///
/// ```toml
/// op = "case"
/// path = "city"
/// style = "title"
/// ```
/// Turns `{"city":"NEW YORK"}` into `{"city":"New York"}`.
#[derive(Clone, Debug)]
pub struct ChangeCase {
    frame: Frame,
    style: Case,
}

/// Letter case of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// ALL IN CAPITALS.
    Upper,
    /// all small.
    Lower,
    /// Each Word's First Letter a capital, the others small. A word begins after a blank or a hyphen.
    Title,
}

frame_builders!(ChangeCase, to);

impl ChangeCase {
    /// Changes the text at `path` to this case.
    #[must_use]
    pub fn new(path: impl Into<PathText>, style: Case) -> Self {
        let frame = Frame::new(MANUAL.name, path);
        Self { frame, style }
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let frame = Frame::read(settings)?;
        let style = match settings.text("style") {
            Some("upper") => Case::Upper,
            Some("title") => Case::Title,
            _ => Case::Lower,
        };
        Ok(Box::new(Self { frame, style }))
    }
}

fn title(text: &str) -> String {
    let mut begins = true;
    let lower = text.to_lowercase();
    let mut titled = String::with_capacity(lower.len());
    for character in lower.chars() {
        if begins {
            titled.extend(character.to_uppercase());
        } else {
            titled.push(character);
        }
        begins = character.is_whitespace() || character == '-';
    }
    titled
}

impl Operation for ChangeCase {
    frame_methods!(beside:);

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        self.frame.apply(document, |value, place| {
            let text = self.frame.text(value, place)?;
            let changed = match self.style {
                Case::Upper => text.to_uppercase(),
                Case::Lower => text.to_lowercase(),
                Case::Title => title(&text),
            };
            // An unchanged text is not rewritten, so its escapes are kept.
            Ok(if changed == text {
                value.clone()
            } else {
                Value::text(&changed)
            })
        })
    }

    fn meaning(&self) -> serde_json::Value {
        self.frame.meaning(json!({
            "style": match self.style {
                Case::Upper => "upper",
                Case::Lower => "lower",
                Case::Title => "title",
            },
        }))
    }
}

/// The reference entry of `case`.
pub(super) static MANUAL: Manual = Manual {
    name: "case",
    group: "value",
    summary: "writes a string in upper case, lower case or title case",
    keys: &[
        PATH,
        TO,
        Key::required(
            "style",
            Form::Choice(&["upper", "lower", "title"]),
            "the case of letters; in `title` a word begins after a space or a hyphen",
        ),
        MISSING,
        NULL,
    ],
    refusals: &[
        "case.missing",
        "case.null",
        "case.type",
        "case.exists",
        "case.blocked",
    ],
    undo: "lossy in place: which letters were capitals is lost; with `to` the original is kept",
    example: (
        r#"op = "case"
path = "city"
style = "title""#,
        r#"{"city":"NEW YORK"}"#,
        r#"{"city":"New York"}"#,
    ),
    build: ChangeCase::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{built, run};

    #[test]
    fn each_style_goes_by_unicode() {
        for (style, given, expected) in [
            ("upper", "Straße 5é", "STRASSE 5É"),
            ("lower", "ÀB-C", "àb-c"),
            ("title", "mary-ann O'NEIL  von ß", "Mary-Ann O'neil  Von SS"),
            ("title", "", ""),
        ] {
            let op = built(&MANUAL, &format!("path = \"t\"\nstyle = \"{style}\""), None).unwrap();
            let after = run(op.as_ref(), &format!(r#"{{"t":"{given}"}}"#)).unwrap();
            assert_eq!(after, format!(r#"{{"t":"{expected}"}}"#));
        }
    }
}

//! `trim`: removes characters around a text.

use serde_json::json;

use super::kit::frame::{Frame, MISSING, NULL, PATH, TO, frame_builders, frame_methods};
use super::{Effect, Form, Key, Manual, Operation, PathText, Settings};
use crate::expression::Scope;
use crate::problem::Problem;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// `trim`: removes blanks, or the characters given, from the ends of a text.
///
/// ```toml
/// op = "trim"
/// path = "name"
/// side = "end"
/// ```
/// Turns `{"name":"Ada  "}` into `{"name":"Ada"}`.
#[derive(Clone, Debug)]
pub struct Trim {
    frame: Frame,
    side: TrimSide,
    characters: Option<String>,
}

/// Which end of a text is trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrimSide {
    /// Both ends.
    Both,
    /// The beginning of the text.
    Start,
    /// The end of the text.
    End,
}

frame_builders!(Trim, to);

impl Trim {
    /// Removes blanks (Unicode `White_Space`) from both ends.
    #[must_use]
    pub fn new(path: impl Into<PathText>) -> Self {
        Self {
            frame: Frame::new(MANUAL.name, path),
            side: TrimSide::Both,
            characters: None,
        }
    }

    /// Sets which end is trimmed.
    #[must_use]
    pub fn side(mut self, side: TrimSide) -> Self {
        self.side = side;
        self
    }

    /// Removes any of these characters instead of blanks.
    #[must_use]
    pub fn characters(mut self, characters: &str) -> Self {
        self.characters = Some(characters.to_owned());
        self
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        Ok(Box::new(Self {
            frame: Frame::read(settings)?,
            side: match settings.text("side") {
                Some("start") => TrimSide::Start,
                Some("end") => TrimSide::End,
                _ => TrimSide::Both,
            },
            characters: settings.text("characters").map(str::to_owned),
        }))
    }

    fn trimmed<'t>(&self, text: &'t str) -> &'t str {
        let goes = |character: char| match &self.characters {
            Some(characters) => characters.contains(character),
            None => character.is_whitespace(),
        };
        match self.side {
            TrimSide::Both => text.trim_matches(goes),
            TrimSide::Start => text.trim_start_matches(goes),
            TrimSide::End => text.trim_end_matches(goes),
        }
    }
}

impl Operation for Trim {
    frame_methods!(beside:);

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        self.frame.apply(document, |value, place| {
            let text = self.frame.text(value, place)?;
            let trimmed = self.trimmed(&text);
            // An unchanged text is not rewritten, so its escapes are kept.
            Ok(if trimmed == text {
                value.clone()
            } else {
                Value::text(trimmed)
            })
        })
    }

    fn meaning(&self) -> serde_json::Value {
        self.frame.meaning(json!({
            "side": match self.side {
                TrimSide::Both => "both",
                TrimSide::Start => "start",
                TrimSide::End => "end",
            },
            "characters": self.characters,
        }))
    }
}

/// The reference entry of `trim`.
pub(super) static MANUAL: Manual = Manual {
    name: "trim",
    group: "value",
    summary: "removes whitespace, or other characters, from the ends of a string",
    keys: &[
        PATH,
        TO,
        Key::optional(
            "side",
            Form::Choice(&["both", "start", "end"]),
            "both",
            "which end to trim",
        ),
        Key::optional("characters", Form::Text, "whitespace", "the characters to remove"),
        MISSING,
        NULL,
    ],
    refusals: &[
        "trim.missing",
        "trim.null",
        "trim.type",
        "trim.exists",
        "trim.blocked",
    ],
    undo: "lossy in place: what was removed is lost; with `to` the original is kept",
    example: (
        r#"op = "trim"
path = "name"
side = "end""#,
        r#"{"name":"Ada  "}"#,
        r#"{"name":"Ada"}"#,
    ),
    build: Trim::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{built, run};

    #[test]
    fn only_the_ends_are_trimmed() {
        let op = Trim::new("t");
        assert_eq!(run(&op, r#"{"t":"\t a  b\u00a0"}"#).unwrap(), r#"{"t":"a  b"}"#);
        assert_eq!(run(&op, r#"{"t":"a\/b"}"#).unwrap(), r#"{"t":"a\/b"}"#);
        assert_eq!(run(&op, r#"{"t":7}"#).unwrap_err(), "trim.type at /t");
        let op = built(
            &MANUAL,
            "path = \"t\"\nside = \"start\"\ncharacters = \"0\"",
            None,
        )
        .unwrap();
        assert_eq!(run(op.as_ref(), r#"{"t":"00700"}"#).unwrap(), r#"{"t":"700"}"#);
    }
}

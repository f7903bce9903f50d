//! `round`: rounds an exact number to a number of places.

use serde_json::json;

use super::kit::checked::Checked;
use super::kit::frame::{Frame, MISSING, NULL, PATH, TO, frame_builders, frame_methods};
use super::kit::number::{exact, round_exactly};
use super::{Effect, Form, Key, Manual, Operation, PathText, Settings};
use crate::expression::Scope;
use crate::language::Language;
use crate::problem::{Problem, within};
use crate::record::{Document, Rounding, Value};
use crate::refusal::Refusal;

/// `round`: rounds a number, or the text of one, and pads it with zeros: 29.9 to two places is 29.90.
/// A number stays a number and a text stays a text.
///
/// ```toml
/// op = "round"
/// path = "tax"
/// places = 2
/// ```
/// Turns `{"tax":14.025}` into `{"tax":14.02}`.
#[derive(Clone, Debug)]
pub struct Round {
    frame: Frame,
    places: Checked<u32>,
    rounding: Rounding,
}

frame_builders!(Round, to);

impl Round {
    /// Rounds the value to the given number of places, 0 to 28.
    #[must_use]
    pub fn new(path: impl Into<PathText>, places: u32, rounding: Rounding) -> Self {
        Self {
            frame: Frame::new(MANUAL.name, path),
            places: Checked::new(|| within("places", places, 0..=28)),
            rounding,
        }
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let places = settings.integer("places", 0..=28)?.unwrap_or_default();
        let places = u32::try_from(places).expect("bounds were checked");
        Ok(Box::new(Self {
            frame: Frame::read(settings)?,
            places: Checked::new(|| Ok(places)),
            rounding: settings.rounding()?,
        }))
    }
}

impl Operation for Round {
    frame_methods!(beside: places);

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let places = *self.places.get()?;
        self.frame.apply(document, |value, place| {
            let text = self.frame.text_or_number(value, place)?;
            let rounded = exact(value, &text)
                .and_then(|exact| round_exactly(self.rounding, exact, places, scope.context()))
                .map_err(|error| error.refusal(&self.frame, place))?;
            Ok(match value.as_number() {
                Some(_) => Value::decimal(rounded),
                None => Value::text(&rounded.to_string()),
            })
        })
    }

    fn language(&self) -> Language {
        // The first language refused blanks around the text of a number, and read an exponent in it.
        Language::Two
    }

    fn meaning(&self) -> serde_json::Value {
        self.frame
            .meaning(json!({ "places": self.places.known(), "rounding": self.rounding.name() }))
    }
}

/// The reference entry of `round`.
pub(super) static MANUAL: Manual = Manual {
    name: "round",
    group: "value",
    summary: "rounds a number, or a string with a plain decimal, as the stage's `rounding` declares; the type does not change",
    keys: &[
        PATH,
        TO,
        Key::required(
            "places",
            Form::Integer,
            "the number of places, 0 to 28, padded with zeros",
        ),
        MISSING,
        NULL,
    ],
    refusals: &[
        "round.missing",
        "round.null",
        "round.type",
        "round.invalid",
        "round.too_long",
        "round.exists",
        "round.blocked",
    ],
    undo: "lossy in place: the rounded digits are lost; with `to` the original is kept",
    example: (
        r#"op = "round"
path = "tax"
places = 2"#,
        r#"{"tax":14.025}"#,
        r#"{"tax":14.02}"#,
    ),
    build: Round::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{built, run};

    #[test]
    fn a_number_stays_a_number_and_a_text_a_text() {
        let op = Round::new("a", 2, Rounding::HalfEven);
        for (before, after) in [
            (r#"{"a":1234.565}"#, r#"{"a":1234.56}"#),
            (r#"{"a":"2.675"}"#, r#"{"a":"2.68"}"#),
            (r#"{"a":29.9}"#, r#"{"a":29.90}"#),
            (r#"{"a":-0.005}"#, r#"{"a":0.00}"#),
            (r#"{"a":1E2}"#, r#"{"a":100.00}"#),
        ] {
            assert_eq!(run(&op, before).unwrap(), after);
        }
        assert_eq!(run(&op, r#"{"a":"$2"}"#).unwrap_err(), "round.invalid at /a");
        assert_eq!(run(&op, r#"{"a":true}"#).unwrap_err(), "round.type at /a");
        assert_eq!(run(&op, r#"{"a":1e27}"#).unwrap_err(), "round.too_long at /a");
    }

    #[test]
    fn a_stage_that_rounds_must_say_how() {
        let settings = "path = \"a\"\nplaces = 2";
        let problem = built(&MANUAL, settings, None).unwrap_err();
        assert_eq!(problem.code, "stage.rounding_undeclared");
        assert!(built(&MANUAL, settings, Some(Rounding::HalfUp)).is_ok());
        let problem = built(&MANUAL, "path = \"a\"\nplaces = 29", Some(Rounding::HalfUp)).unwrap_err();
        assert_eq!(problem.code, "stage.out_of_range");
    }
}

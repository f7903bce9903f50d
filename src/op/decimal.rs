//! `decimal`: reads money as text or number and writes an exact decimal, without floats and without silent rounding.

use rust_decimal::Decimal;
use serde_json::json;

use super::kit::checked::Checked;
use super::kit::frame::{Frame, MISSING, NULL, PATH, TO, frame_builders, frame_methods};
use super::kit::number::round_exactly;
use super::kit::trail::Trail;
use super::{Effect, Form, Key, Manual, Operation, PathText, Settings};
use crate::context::Context;
use crate::expression::Scope;
use crate::language::Language;
use crate::problem::{Problem, within};
use crate::record::{Document, NotRead, NumberText, Point, Rounding, Value};
use crate::refusal::Refusal;

/// `decimal`: turns money, written as text or as a number, into an exact decimal of at most 28 digits.
///
/// Among the characters to strip, group separators (`,` `'` `_`, a blank; `.` if the point is `,`) are accepted only
/// between whole groups of three digits before the point; all must be the same character, and the first group must not
/// begin with a zero. Any other character is accepted only around the number, on either side of a leading sign.
/// Surrounding blanks are always accepted. An exponent is accepted in a JSON number, and in a text if
/// [`exponent`](Self::exponent) is set.
///
/// ```toml
/// op = "decimal"
/// path = "amount"
/// strip = "$,"
/// ```
/// Turns `{"amount":"$1,234.50"}` into `{"amount":"1234.50"}`.
#[derive(Clone, Debug)]
pub struct ToDecimal {
    frame: Frame,
    /// The characters as given; `strip` has those that can be stripped.
    characters: String,
    strip: Checked<String>,
    point: Point,
    exponent: bool,
    parentheses_negative: bool,
    rounded: Checked<Option<(u32, Rounding)>>,
    emit: Emit,
}

/// How an exact decimal is written into the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emit {
    /// As a JSON string: every reader sees the exact digits.
    Text,
    /// As a JSON number with its exact text.
    Number,
}

frame_builders!(ToDecimal, to);

impl ToDecimal {
    /// Replaces the value at `path` with an exact decimal, as text.
    #[must_use]
    pub fn new(path: impl Into<PathText>) -> Self {
        Self::from_frame(Frame::new(MANUAL.name, path))
    }

    fn from_frame(frame: Frame) -> Self {
        Self {
            frame,
            characters: String::new(),
            strip: Checked::new(|| Ok(String::new())),
            point: Point::Dot,
            exponent: false,
            parentheses_negative: false,
            rounded: Checked::new(|| Ok(None)),
            emit: Emit::Text,
        }
    }

    /// Sets the characters that may be removed, such as `"$,"`. They must not belong to the number itself: digits,
    /// signs, the point and parentheses.
    #[must_use]
    pub fn strip(mut self, characters: &str) -> Self {
        characters.clone_into(&mut self.characters);
        self.checked()
    }

    /// Sets the character before the fraction of a text. Default: [`Point::Dot`]. A JSON number always has a dot.
    #[must_use]
    pub fn point(mut self, point: Point) -> Self {
        self.point = point;
        self.checked()
    }

    /// Checks that no character to strip belongs to a number; the point decides which of `.` and `,` does.
    fn checked(mut self) -> Self {
        let point = self.point.character();
        let belongs = |character: &char| {
            character.is_ascii_digit() || *character == point || "+-()".contains(*character)
        };
        self.strip = Checked::new(|| match self.characters.chars().find(belongs) {
            None => Ok(self.characters.clone()),
            Some(character) => {
                let message = format!("`{character}` belongs to the number and cannot be stripped");
                let problem = Problem::error("decimal.strip", None, message);
                Err(match character {
                    '.' => problem.help("if `.` separates groups, set `point = \",\"`"),
                    _ => problem,
                })
            }
        });
        self
    }

    /// Accepts an exponent in a text, `1.5e3` as 1500.
    #[must_use]
    pub fn exponent(mut self) -> Self {
        self.exponent = true;
        self
    }

    /// Accepts `(12.50)` as -12.50.
    #[must_use]
    pub fn parentheses_negative(mut self) -> Self {
        self.parentheses_negative = true;
        self
    }

    /// Rounds to the given number of places, 0 to 28, and pads: 29.9 to two places is 29.90.
    #[must_use]
    pub fn places(mut self, places: u32, rounding: Rounding) -> Self {
        self.rounded =
            Checked::new(|| within("places", places, 0..=28).map(|places| Some((places, rounding))));
        self
    }

    /// Sets how the result is written.
    #[must_use]
    pub fn emit(mut self, emit: Emit) -> Self {
        self.emit = emit;
        self
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let strip = settings.text("strip").unwrap_or_default();
        let mut decimal = Self::from_frame(Frame::read(settings)?).strip(strip);
        if settings.text("point") == Some(",") {
            decimal = decimal.point(Point::Comma);
        }
        decimal.strip = decimal.strip.at(|| settings.place_of("strip"));
        decimal.exponent = settings.boolean("exponent", false);
        decimal.parentheses_negative = settings.text("parentheses") == Some("negative");
        if let Some(places) = settings.integer("places", 0..=28)? {
            let places = u32::try_from(places).expect("bounds were checked");
            decimal = decimal.places(places, settings.rounding()?);
        }
        if settings.text("emit") == Some("number") {
            decimal.emit = Emit::Number;
        }
        Ok(Box::new(decimal))
    }
}

/// How money is read.
#[derive(Clone, Copy)]
struct Money<'m> {
    text: NumberText<'m>,
    rounded: Option<(u32, Rounding)>,
}

impl Money<'_> {
    fn number(&self, value: &Value, context: &Context<'_>) -> Result<Option<Decimal>, NotRead> {
        let exact = match (value.as_number(), value.as_text()) {
            (Some(number), _) => NumberText::JSON.read(number)?,
            (None, Some(text)) => self.text.read(&text)?,
            (None, None) => return Ok(None),
        };
        match self.rounded {
            Some((places, rounding)) => round_exactly(rounding, exact, places, context).map(Some),
            None => Ok(Some(exact)),
        }
    }
}

impl ToDecimal {
    fn money(&self) -> Result<Money<'_>, Refusal> {
        let mut text = NumberText::PLAIN.pointed(self.point).stripping(self.strip.get()?);
        if self.exponent {
            text = text.with_exponent();
        }
        if self.parentheses_negative {
            text = text.with_parentheses();
        }
        let rounded = *self.rounded.get()?;
        Ok(Money { text, rounded })
    }

    /// Returns whether separators may come between groups of digits.
    fn is_grouped(&self) -> bool {
        let marks = |strip: &String| strip.contains(|c| self.point.groups_by(c));
        self.strip.known().is_some_and(marks)
    }

    fn refusal(&self, error: NotRead, value: &Value, money: &Money<'_>, place: &Trail<'_>) -> Refusal {
        let refusal = error.refusal(&self.frame, place);
        let ungrouped = || {
            let text = value.as_text()?;
            Some(text.replace(|c| self.point.groups_by(c), ""))
        };
        // A text that is a number except for its separators.
        let is_of_groups = error == NotRead::Invalid
            && self.is_grouped()
            && ungrouped().is_some_and(|text| money.text.read(&text).is_ok());
        if is_of_groups {
            return refusal.expected(
                "groups of exactly three digits after a first group of one to three that does not \
                begin with 0",
            );
        }
        refusal
    }
}

impl Operation for ToDecimal {
    frame_methods!(beside: strip, rounded);

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let money = self.money()?;
        self.frame.apply(document, |value, place| {
            let decimal = money
                .number(value, scope.context())
                .map_err(|error| self.refusal(error, value, &money, place))?
                .ok_or_else(|| self.frame.wrong_type(place, "a string or a number"))?;
            Ok(match self.emit {
                Emit::Text => Value::text(&decimal.to_string()),
                Emit::Number => Value::decimal(decimal),
            })
        })
    }

    fn language(&self) -> Language {
        // The first group of a number could begin with 0: `0,123` was 123.
        if self.is_grouped() {
            Language::Two
        } else {
            Language::One
        }
    }

    fn meaning(&self) -> serde_json::Value {
        let rounded = self.rounded.known().copied().flatten();
        let mut own = json!({
            "strip": self.strip.known(),
            "parentheses": if self.parentheses_negative { "negative" } else { "refuse" },
            "places": rounded.map(|(places, _)| places),
            "rounding": rounded.map(|(_, rounding)| rounding.name()),
            "emit": if self.emit == Emit::Text { "string" } else { "number" },
        });
        // Included only when it is not the default, so that the meaning of earlier stages does not change.
        if self.point != Point::Dot {
            own["point"] = json!(self.point.character());
        }
        if self.exponent {
            own["exponent"] = json!(true);
        }
        self.frame.meaning(own)
    }
}

/// The reference entry of `decimal`.
pub(super) static MANUAL: Manual = Manual {
    name: "decimal",
    group: "value",
    summary: "converts an amount of money, a string or a number, to an exact decimal of at most 28 digits",
    keys: &[
        PATH,
        TO,
        Key::optional(
            "strip",
            Form::Text,
            "nothing",
            "characters to remove: marks such as `,` between groups of three digits, symbols around the number",
        ),
        Key::optional(
            "point",
            Form::Choice(&[".", ","]),
            ".",
            "the decimal point of a string; with `,` a `.` can separate groups: `strip = \".\"`",
        ),
        Key::optional(
            "exponent",
            Form::Boolean,
            "false",
            "whether a string may have an exponent: \"1.5e3\" is 1500",
        ),
        Key::optional(
            "parentheses",
            Form::Choice(&["refuse", "negative"]),
            "refuse",
            "`negative` reads (12.50) as -12.50",
        ),
        Key::optional(
            "places",
            Form::Integer,
            "the places of the value",
            "round to this many places, as the stage's `rounding` declares, padding with zeros",
        ),
        Key::optional(
            "emit",
            Form::Choice(&["string", "number"]),
            "string",
            "whether the result is a JSON string or a JSON number",
        ),
        MISSING,
        NULL,
    ],
    refusals: &[
        "decimal.missing",
        "decimal.null",
        "decimal.type",
        "decimal.invalid",
        "decimal.too_long",
        "decimal.exists",
        "decimal.blocked",
    ],
    undo: "lossy in place: symbols, zeros and rounded digits are lost; with `to` the original is kept",
    example: (
        r#"op = "decimal"
path = "amount"
strip = "$,""#,
        r#"{"amount":"$1,234.50"}"#,
        r#"{"amount":"1234.50"}"#,
    ),
    build: ToDecimal::build,
};

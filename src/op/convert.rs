//! `convert`: converts a value to another kind, if that is exact.

use serde_json::json;

use super::kit::frame::{Frame, MISSING, NULL, PATH, frame_builders, frame_methods};
use super::{Effect, Form, Key, Manual, Operation, PathText, Reversibility, Settings};
use crate::expression::Scope;
use crate::problem::Problem;
use crate::record::{Document, Kind, NotRead, NumberText, Value};
use crate::refusal::Refusal;

/// A kind that [`Convert`] converts from and to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A JSON string.
    Text,
    /// A JSON number without a fraction or an exponent, of any length.
    Integer,
    /// A JSON number.
    Decimal,
    /// `true` or `false`.
    Boolean,
}

impl Scalar {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Boolean => "boolean",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Text, Self::Integer, Self::Decimal, Self::Boolean]
            .into_iter()
            .find(|scalar| scalar.name() == name)
    }

    fn from_value(value: &Value) -> Option<Self> {
        match value.kind() {
            Kind::Text => Some(Self::Text),
            Kind::Boolean => Some(Self::Boolean),
            Kind::Number if value.as_number().is_some_and(is_integer) => Some(Self::Integer),
            Kind::Number => Some(Self::Decimal),
            Kind::Null | Kind::List | Kind::Object => None,
        }
    }

    /// Returns whether a value of this kind counts as the other: an integer is a decimal too.
    fn is(self, other: Self) -> bool {
        self == other || (self == Self::Integer && other == Self::Decimal)
    }
}

/// `convert`: converts a value to another type if the conversion is exact: `"7"` and `7.0` become the integer 7, `"007"`
/// and `7.5` are refused. A boolean and a number never become each other. A number's text is kept: `"6.00"` becomes
/// `6.00` and back.
///
/// ```toml
/// op = "convert"
/// path = "quantity"
/// to = "integer"
/// ```
/// Turns `{"quantity":"7"}` into `{"quantity":7}`.
#[derive(Clone, Debug)]
pub struct Convert {
    frame: Frame,
    kinds: Kinds,
}

#[derive(Clone, Copy, Debug)]
struct Kinds {
    from: Option<Scalar>,
    to: Scalar,
}

frame_builders!(Convert);

impl Convert {
    /// Converts a value of any kind.
    #[must_use]
    pub fn new(path: impl Into<PathText>, to: Scalar) -> Self {
        Self {
            frame: Frame::new(MANUAL.name, path),
            kinds: Kinds { from: None, to },
        }
    }

    /// Accepts values of this kind only, which makes most conversions reversible.
    #[must_use]
    pub fn from(mut self, from: Scalar) -> Self {
        self.kinds.from = Some(from);
        self
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let frame = Frame::read(settings)?;
        let from = settings.text("from").and_then(Scalar::named);
        let to = settings.text("to").and_then(Scalar::named);
        let to = to.expect("the settings were checked: `to` is one of the four kinds");
        let kinds = Kinds { from, to };
        match kinds.problems().pop() {
            Some(problem) => Err(Problem {
                place: Some(settings.place_of("to")),
                ..problem
            }),
            None => Ok(Box::new(Self { frame, kinds })),
        }
    }
}

impl Kinds {
    fn problems(self) -> Vec<Problem> {
        use Scalar::{Boolean, Decimal, Integer};
        match (self.from, self.to) {
            (Some(Boolean), Integer | Decimal) | (Some(Integer | Decimal), Boolean) => {
                let message = "a boolean cannot be converted to a number, nor a number to a boolean";
                vec![
                    Problem::error("convert.impossible", None, message)
                        .help("use `map` to say which number stands for which boolean"),
                ]
            }
            _ => Vec::new(),
        }
    }

    /// Returns the value in the other kind, or the reason why it cannot be converted.
    fn converted(self, value: &Value, kind: Scalar) -> Result<Value, &'static str> {
        if kind.is(self.to) {
            return Ok(value.clone());
        }
        match (kind, self.to) {
            (_, Scalar::Text) => Ok(Value::text(&value.to_json())),
            (Scalar::Text, Scalar::Boolean) => match value.as_text().as_deref() {
                Some("true") => Ok(Value::boolean(true)),
                Some("false") => Ok(Value::boolean(false)),
                _ => Err("invalid"),
            },
            (Scalar::Text, _) => self.number(&value.as_text().unwrap_or_default()),
            (Scalar::Decimal, Scalar::Integer) => whole(value.as_number().unwrap_or_default()),
            _ => Err("type"),
        }
    }

    fn number(self, text: &str) -> Result<Value, &'static str> {
        // Only a valid JSON number is converted, so that converting back gives the same text.
        if !NumberText::JSON.takes(text) {
            Err("invalid")
        } else if self.to == Scalar::Decimal || is_integer(text) {
            Value::parse(text).map_err(|_| "invalid")
        } else if self.from.is_some() {
            Err("inexact")
        } else {
            whole(text)
        }
    }

    /// Returns the reverse conversion, if it restores the same value.
    fn reverse(self) -> Option<Self> {
        let from = self.from?;
        let exact = from == self.to || from == Scalar::Text || self.to == Scalar::Text || from.is(self.to);
        exact.then_some(Self {
            from: Some(self.to),
            to: from,
        })
    }
}

impl Operation for Convert {
    frame_methods!(kinds);

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        self.frame.apply(document, |value, place| {
            let expected = self
                .kinds
                .from
                .map_or("a string, number or boolean", Scalar::name);
            let kind =
                Scalar::from_value(value).filter(|kind| self.kinds.from.is_none_or(|from| kind.is(from)));
            let kind = kind.ok_or_else(|| self.frame.wrong_type(place, expected))?;
            self.kinds.converted(value, kind).map_err(|reason| {
                let expected = format!("a value that is exactly one {}", self.kinds.to.name());
                self.frame.refuse(reason, place).expected(expected)
            })
        })
    }

    fn reversibility(&self) -> Reversibility {
        match self.kinds.reverse() {
            Some(_) => Reversibility::Exact,
            None => Reversibility::Lossy,
        }
    }

    fn inverse(&self) -> Option<Box<dyn Operation>> {
        Some(Box::new(Self {
            frame: self.frame.clone(),
            kinds: self.kinds.reverse()?,
        }))
    }

    fn meaning(&self) -> serde_json::Value {
        let from = self.kinds.from.map(Scalar::name);
        self.frame
            .meaning(json!({ "from": from, "to": self.kinds.to.name() }))
    }
}

fn is_integer(number: &str) -> bool {
    !number.contains(['.', 'e', 'E']) && number != "-0"
}

/// Returns the integer that equals a number with a fraction or an exponent.
fn whole(number: &str) -> Result<Value, &'static str> {
    let exact = NumberText::JSON.read(number).map_err(|error| match error {
        NotRead::Invalid => "invalid",
        NotRead::TooLong => "too_long",
    })?;
    if exact.is_integer() {
        Ok(Value::decimal(exact.trunc()))
    } else {
        Err("inexact")
    }
}

const KINDS: Form = Form::Choice(&["text", "integer", "decimal", "boolean"]);

/// The reference entry of `convert`.
pub(super) static MANUAL: Manual = Manual {
    name: "convert",
    group: "value",
    summary: "converts a value to another type if the conversion is exact",
    keys: &[
        PATH,
        Key::required("to", KINDS, "the type of the result"),
        Key::optional(
            "from",
            KINDS,
            "any type",
            "the only type to accept; makes the conversion reversible",
        ),
        MISSING,
        NULL,
    ],
    refusals: &[
        "convert.missing",
        "convert.null",
        "convert.type",
        "convert.invalid",
        "convert.inexact",
        "convert.too_long",
    ],
    undo: "exact: `convert`, where `from` is set; otherwise lossy: the former type is not known",
    example: (
        r#"op = "convert"
path = "quantity"
to = "integer""#,
        r#"{"quantity":"7"}"#,
        r#"{"quantity":7}"#,
    ),
    build: Convert::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{built, run};

    fn of(op: &dyn Operation, value: &str) -> Result<String, String> {
        let json = run(op, &format!(r#"{{"a":{value}}}"#))?;
        Ok(json[5..json.len() - 1].to_owned())
    }

    #[test]
    fn what_is_exact_is_converted_and_the_rest_refused() {
        use Scalar::{Boolean, Decimal, Integer, Text};
        for (to, given, expected) in [
            (Integer, r#""7""#, Ok("7")),
            (Integer, "7.0", Ok("7")),
            (Integer, "1E2", Ok("100")),
            (
                Integer,
                r#""123456789012345678901234567890""#,
                Ok("123456789012345678901234567890"),
            ),
            (Integer, r#""007""#, Err("invalid")),
            (Integer, r#""""#, Err("invalid")),
            (Integer, r#"" 7""#, Err("invalid")),
            (Integer, "7.5", Err("inexact")),
            (Integer, "1e400", Err("too_long")),
            (Integer, "true", Err("type")),
            (Integer, "[]", Err("type")),
            (Decimal, r#""6.00""#, Ok("6.00")),
            (Decimal, "5", Ok("5")),
            (Decimal, r#""NaN""#, Err("invalid")),
            (Text, "6.00", Ok(r#""6.00""#)),
            (Text, "false", Ok(r#""false""#)),
            (Boolean, r#""true""#, Ok("true")),
            (Boolean, r#""TRUE""#, Err("invalid")),
            (Boolean, "1", Err("type")),
        ] {
            let op = Convert::new("a", to);
            let expected = expected.map(str::to_owned);
            let expected = expected.map_err(|reason| format!("convert.{reason} at /a"));
            assert_eq!(of(&op, given), expected, "{given} to {}", to.name());
        }
    }

    #[test]
    fn with_a_declared_kind_the_way_back_gives_the_same_text() {
        for (from, to, given) in [
            ("text", "decimal", r#""6.00""#),
            ("text", "decimal", r#""1E2""#),
            ("text", "integer", r#""-7""#),
            ("text", "boolean", r#""true""#),
            ("decimal", "text", "6.00"),
            ("integer", "text", "7"),
            ("boolean", "text", "false"),
        ] {
            let settings = format!("path = \"a\"\nfrom = \"{from}\"\nto = \"{to}\"");
            let op = built(&MANUAL, &settings, None).unwrap();
            let there = of(op.as_ref(), given).unwrap();
            assert_ne!(there, given);
            assert_eq!(of(op.inverse().unwrap().as_ref(), &there).unwrap(), given);
        }
        let op = Convert::new("a", Scalar::Integer).from(Scalar::Text);
        assert_eq!(of(&op, r#""7.0""#).unwrap_err(), "convert.inexact at /a");
        let op = Convert::new("a", Scalar::Integer).from(Scalar::Decimal);
        assert!(op.inverse().is_none() && op.reversibility() == Reversibility::Lossy);
        let problem = built(
            &MANUAL,
            "path = \"a\"\nfrom = \"boolean\"\nto = \"integer\"",
            None,
        )
        .unwrap_err();
        assert_eq!(problem.code, "convert.impossible");
    }
}

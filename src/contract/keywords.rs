//! `x-decimal`, and the keywords that compare numbers, which are checked exactly in place of the validator's own.

use std::cmp::Ordering;

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError, ValidationOptions};
use serde_json::{Map, Value as Parsed};

use super::borrowed::Borrowed;
use super::check::{Check, Checks};
use super::number::{Divisor, Exact};
use super::tree::Tree;
use crate::record::{NumberText, Value};

type Options<'o> = ValidationOptions<'o, std::sync::Arc<dyn jsonschema::Retrieve>, Borrowed>;
type Made<'a> = Result<Box<dyn for<'i> Keyword<'i, Borrowed>>, ValidationError<'a>>;

/// A keyword of ours: whether a value passes, and what it expects in words.
trait Judge: Send + Sync {
    fn passes(&self, value: &Tree<'_>) -> bool;
    fn expected(&self) -> String;
}

struct Judged<C>(C);

impl<'i, C: Judge> Keyword<'i, Borrowed> for Judged<C> {
    fn validate(&self, instance: &'i Tree<'i>) -> Result<(), ValidationError<'i>> {
        if self.0.passes(instance) {
            return Ok(());
        }
        Err(ValidationError::custom(self.0.expected()))
    }

    fn is_valid(&self, instance: &'i Tree<'i>) -> bool {
        self.0.passes(instance)
    }
}

/// Replaces the validator's keywords by ours.
pub(super) fn install<'o>(options: Options<'o>, checks: &Checks) -> Options<'o> {
    let checks = checks.clone();
    options
        .with_keyword("minimum", |_: &_, value: &_, _| {
            Bound::make(value, "at least", Ordering::is_ge)
        })
        .with_keyword("maximum", |_: &_, value: &_, _| {
            Bound::make(value, "at most", Ordering::is_le)
        })
        .with_keyword("exclusiveMinimum", |_: &_, value: &_, _| {
            Bound::make(value, "more than", Ordering::is_gt)
        })
        .with_keyword("exclusiveMaximum", |_: &_, value: &_, _| {
            Bound::make(value, "less than", Ordering::is_lt)
        })
        .with_keyword("multipleOf", multiple_of)
        .with_keyword("x-decimal", decimal)
        .with_keyword("x-check", move |_: &_, value: &_, _| custom(value, &checks))
}

/// Returns the text of a number in the schema.
fn number(value: &Parsed) -> Result<&str, ValidationError<'static>> {
    match value {
        Parsed::Number(number) => Ok(number.as_str()),
        _ => Err(ValidationError::schema("takes a number")),
    }
}

/// `minimum`, `maximum` and their exclusive forms.
struct Bound {
    limit: String,
    words: &'static str,
    holds: fn(Ordering) -> bool,
}

impl Bound {
    fn from_value(
        value: &Parsed,
        words: &'static str,
        holds: fn(Ordering) -> bool,
    ) -> Result<Self, ValidationError<'static>> {
        let limit = number(value)?.to_owned();
        Ok(Self { limit, words, holds })
    }

    fn make<'a>(value: &Parsed, words: &'static str, holds: fn(Ordering) -> bool) -> Made<'a> {
        Ok(Box::new(Judged(Self::from_value(value, words, holds)?)))
    }

    fn holds_for(&self, number: &Exact<'_>) -> bool {
        (self.holds)(number.cmp(&Exact::from_text(&self.limit)))
    }
}

impl Judge for Bound {
    fn passes(&self, value: &Tree<'_>) -> bool {
        match value {
            Tree::Number(number) => self.holds_for(&number.exact()),
            _ => true,
        }
    }

    fn expected(&self) -> String {
        format!("{} {}", self.words, self.limit)
    }
}

struct MultipleOf {
    divisor: Divisor,
    text: String,
}

fn multiple_of<'a>(_: &'a Map<String, Parsed>, value: &'a Parsed, _: Location) -> Made<'a> {
    let text = number(value)?;
    let divisor = Exact::from_text(text)
        .divisor()
        .ok_or_else(|| ValidationError::schema("takes a number above zero of at most 19 digits"))?;
    let text = text.to_owned();
    Ok(Box::new(Judged(MultipleOf { divisor, text })))
}

impl Judge for MultipleOf {
    fn passes(&self, value: &Tree<'_>) -> bool {
        match value {
            Tree::Number(number) => number.exact().is_multiple_of(self.divisor),
            _ => true,
        }
    }

    fn expected(&self) -> String {
        format!("a multiple of {}", self.text)
    }
}

/// `x-decimal`: a number, or a text that represents one, that 28 digits represent exactly; JSON Schema itself has no
/// bounds for amounts written as text.
struct ExactDecimal {
    bounds: Vec<Bound>,
}

fn decimal<'a>(_: &'a Map<String, Parsed>, value: &'a Parsed, _: Location) -> Made<'a> {
    let Parsed::Object(settings) = value else {
        return Err(ValidationError::schema(
            "takes an object with `minimum`, `maximum` or neither",
        ));
    };
    let bounds = settings.iter().map(|(name, limit)| match name.as_str() {
        "minimum" => Bound::from_value(limit, "at least", Ordering::is_ge),
        "maximum" => Bound::from_value(limit, "at most", Ordering::is_le),
        _ => Err(ValidationError::schema(format!(
            "has `minimum` and `maximum`, but no `{name}`"
        ))),
    });
    let bounds = bounds.collect::<Result<_, _>>()?;
    Ok(Box::new(Judged(ExactDecimal { bounds })))
}

impl Judge for ExactDecimal {
    fn passes(&self, value: &Tree<'_>) -> bool {
        let (text, reading) = match value {
            Tree::Number(number) => (number.0, NumberText::CALCULATED),
            Tree::Text(text) => (&**text, NumberText::WRITTEN),
            _ => return false,
        };
        reading.read(text).is_ok() && {
            let number = Exact::from_text(text);
            self.bounds.iter().all(|bound| bound.holds_for(&number))
        }
    }

    fn expected(&self) -> String {
        let bounds = self.bounds.iter().map(|bound| format!(", {}", bound.expected()));
        std::iter::once("a decimal of at most 28 digits".to_owned())
            .chain(bounds)
            .collect()
    }
}

/// `x-check`: checks of the program.
struct Custom(Vec<Check>);

fn custom<'a>(value: &Parsed, checks: &Checks) -> Made<'a> {
    let names = value.as_array().filter(|names| !names.is_empty());
    let names = names.ok_or_else(|| ValidationError::schema("takes a list of check names"))?;
    let known = names.iter().map(|name| {
        let check = name.as_str().and_then(|name| checks.get(name));
        check
            .cloned()
            .ok_or_else(|| ValidationError::schema("takes names of checks that the program has registered"))
    });
    Ok(Box::new(Judged(Custom(known.collect::<Result<_, _>>()?))))
}

impl Judge for Custom {
    fn passes(&self, value: &Tree<'_>) -> bool {
        let Ok(value) = Value::parse(&value.to_parsed().to_string()) else {
            return false;
        };
        self.0.iter().all(|check| check.passes(&value))
    }

    fn expected(&self) -> String {
        let expected: Vec<&str> = self.0.iter().map(Check::expected).collect();
        expected.join(", and ")
    }
}

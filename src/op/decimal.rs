//! `decimal`: money. Text or number in, exact decimal out; never a float, never a silent rounding.

use rust_decimal::Decimal;
use serde_json::json;

use super::frame::{Frame, MISSING, NULL, PATH, TO, frame_builders, frame_methods};
use super::given::{Given, within};
use super::walk::Trail;
use super::{Effect, Form, Key, Manual, Operation, PathText, Settings};
use crate::context::Context;
use crate::expression::Scope;
use crate::problem::Problem;
use crate::record::{Document, Rounding, Value, exact_decimal};
use crate::refusal::Refusal;

/// Characters that may separate groups of three digits; all others in `strip` are symbols around the number.
const GROUPING: &[char] = &[',', '\'', '\u{2019}', '_', ' ', '\u{a0}', '\u{202f}'];

/// What belongs to a number itself and can therefore not be stripped.
fn belongs_to_number(character: char) -> bool {
    character.is_ascii_digit() || "+-.()".contains(character)
}

/// `decimal`: turns money, written as text or as a number, into an exact decimal of at most 28 digits.
///
/// Of the characters to strip, those that separate groups (`,` `'` `_`, a blank) are accepted only between whole
/// groups of three digits before the point, the same one throughout; any other is accepted only around the number,
/// on either side of a leading sign. Surrounding blanks are always accepted, an exponent only in a JSON number.
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
    strip: Given<String>,
    parentheses_negative: bool,
    rounded: Given<Option<(u32, Rounding)>>,
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
    /// An exact decimal, as text, in the place of the value.
    #[must_use]
    pub fn new(path: impl Into<PathText>) -> Self {
        Self::of(Frame::new(MANUAL.name, path))
    }

    fn of(frame: Frame) -> Self {
        Self {
            frame,
            strip: Given::new(|| Ok(String::new())),
            parentheses_negative: false,
            rounded: Given::new(|| Ok(None)),
            emit: Emit::Text,
        }
    }

    /// The characters that may be removed, `"$,"`; none of those that belong to the number itself: digits, signs,
    /// points and parentheses.
    #[must_use]
    pub fn strip(mut self, characters: &str) -> Self {
        self.strip = Given::new(|| match characters.chars().find(|c| belongs_to_number(*c)) {
            None => Ok(characters.to_owned()),
            Some(character) => {
                let message = format!("`{character}` belongs to the number and cannot be stripped");
                Err(Problem::error("decimal.strip", None, message))
            }
        });
        self
    }

    /// Accepts `(12.50)` as -12.50.
    #[must_use]
    pub fn parentheses_negative(mut self) -> Self {
        self.parentheses_negative = true;
        self
    }

    /// Rounds to so many places, 0 to 28, and pads: 29.9 to two places is 29.90.
    #[must_use]
    pub fn places(mut self, places: u32, rounding: Rounding) -> Self {
        self.rounded = Given::new(|| within("places", places, 0..=28).map(|places| Some((places, rounding))));
        self
    }

    /// How the result is written.
    #[must_use]
    pub fn emit(mut self, emit: Emit) -> Self {
        self.emit = emit;
        self
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let strip = settings.text("strip").unwrap_or_default();
        let mut decimal = Self::of(Frame::read(settings)?).strip(strip);
        decimal.strip = decimal.strip.at(|| settings.place_of("strip"));
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
    strip: &'m str,
    parentheses_negative: bool,
    rounded: Option<(u32, Rounding)>,
}

impl Money<'_> {
    fn number(&self, value: &Value, context: &Context<'_>) -> Result<Option<Decimal>, NotRead> {
        let exact = match (value.as_number(), value.as_text()) {
            (Some(number), _) => exact(number)?,
            (None, Some(text)) => self.text(&text)?,
            (None, None) => return Ok(None),
        };
        match self.rounded {
            Some((places, rounding)) => round_exactly(rounding, exact, places, context).map(Some),
            None => Ok(Some(exact)),
        }
    }

    fn text(&self, text: &str) -> Result<Decimal, NotRead> {
        let mut rest = self.without_symbols(text);
        let mut negative = false;
        let inside = rest.strip_prefix('(').and_then(|inside| inside.strip_suffix(')'));
        if let (true, Some(inside)) = (self.parentheses_negative, inside) {
            (rest, negative) = (self.without_symbols(inside), true);
        } else if let Some(unsigned) = rest.strip_prefix(['+', '-']) {
            negative = rest.starts_with('-');
            rest = self.without_symbols(unsigned);
        }
        let digits = self.without_groups(rest).ok_or(NotRead::Invalid)?;
        if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || digits.contains(['e', 'E']) {
            return Err(NotRead::Invalid);
        }
        let mut exact = exact(&digits)?;
        exact.set_sign_negative(negative && !exact.is_zero());
        Ok(exact)
    }

    fn without_symbols<'t>(&self, text: &'t str) -> &'t str {
        let symbol = |c: char| !GROUPING.contains(&c) && self.strip.contains(c);
        text.trim_matches(|c: char| c.is_whitespace() || symbol(c))
    }

    /// The digits without what separates groups of three; `None` where the groups are not whole.
    fn without_groups(&self, number: &str) -> Option<String> {
        let (whole, fraction) = number.split_at(number.find('.').unwrap_or(number.len()));
        let Some(mark) = whole
            .chars()
            .find(|c| GROUPING.contains(c) && self.strip.contains(*c))
        else {
            return Some(number.to_owned());
        };
        let mut groups = whole.split(mark);
        let first = groups.next()?;
        let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
        let whole_groups = (1..=3).contains(&first.len())
            && digits(first)
            && groups.all(|group| group.len() == 3 && digits(group));
        whole_groups.then(|| whole.replace(mark, "") + fraction)
    }
}

impl Operation for ToDecimal {
    frame_methods!(beside: strip, rounded);

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let money = Money {
            strip: self.strip.get()?,
            parentheses_negative: self.parentheses_negative,
            rounded: *self.rounded.get()?,
        };
        self.frame.apply(document, |value, place| {
            let decimal = money
                .number(value, scope.context())
                .map_err(|error| error.refusal(&self.frame, place))?
                .ok_or_else(|| self.frame.wrong_type(place, "a text or a number"))?;
            Ok(match self.emit {
                Emit::Text => Value::text(&decimal.to_string()),
                Emit::Number => Value::decimal(decimal),
            })
        })
    }

    fn meaning(&self) -> serde_json::Value {
        let rounded = self.rounded.known().copied().flatten();
        self.frame.meaning(json!({
            "strip": self.strip.known(),
            "parentheses": if self.parentheses_negative { "negative" } else { "refuse" },
            "places": rounded.map(|(places, _)| places),
            "rounding": rounded.map(|(_, rounding)| rounding.name()),
            "emit": if self.emit == Emit::Text { "string" } else { "number" },
        }))
    }
}

/// Why a text is not an exact decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotRead {
    /// It is no number.
    Invalid,
    /// It is a number of more than 28 digits.
    TooLong,
}

impl NotRead {
    /// The refusal `<op>.invalid` or `<op>.too_long`.
    pub(super) fn refusal(self, frame: &Frame, place: &Trail<'_>) -> Refusal {
        match self {
            Self::Invalid => frame.refuse("invalid", place).expected("a decimal number"),
            Self::TooLong => frame.refuse("too_long", place).expected("at most 28 digits"),
        }
    }
}

/// The exact decimal of a plain number: a sign, digits, a point, an exponent. Zero has no sign.
pub(super) fn exact(number: &str) -> Result<Decimal, NotRead> {
    let unsigned = number.strip_prefix(['+', '-']).unwrap_or(number);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let some_digits = |text: &str| !text.is_empty() && digits(text);
    if !digits(whole)
        || !some_digits(fraction)
        || (whole.is_empty() && !mantissa.contains('.'))
        || !some_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
    {
        return Err(NotRead::Invalid);
    }
    let mut exact =
        exact_decimal(number.strip_prefix('+').unwrap_or(number)).map_err(|_| NotRead::TooLong)?;
    if exact.is_zero() {
        exact.set_sign_positive(true);
    }
    within_28_digits(exact)
}

/// Rounds and pads within 28 digits.
pub(super) fn round_exactly(
    rounding: Rounding,
    exact: Decimal,
    places: u32,
    context: &Context<'_>,
) -> Result<Decimal, NotRead> {
    let rounded = rounding.round(exact, places).map_err(|_| NotRead::TooLong)?;
    context.rounded(exact, rounded);
    within_28_digits(rounded)
}

/// The representation has room for some numbers of 29 digits; the promise is 28.
fn within_28_digits(exact: Decimal) -> Result<Decimal, NotRead> {
    if exact.mantissa().unsigned_abs() < 10u128.pow(28) {
        Ok(exact)
    } else {
        Err(NotRead::TooLong)
    }
}

/// The reference entry of `decimal`.
pub(super) static MANUAL: Manual = Manual {
    name: "decimal",
    group: "value",
    summary: "turns money, as text or number, into an exact decimal of at most 28 digits",
    keys: &[
        PATH,
        TO,
        Key::optional(
            "strip",
            Form::Text,
            "nothing",
            "characters that may be removed: `,` between groups of three digits, symbols around the number",
        ),
        Key::optional(
            "parentheses",
            Form::Choice(&["refuse", "negative"]),
            "refuse",
            "whether (12.50) is -12.50",
        ),
        Key::optional(
            "places",
            Form::Integer,
            "the places that it has",
            "rounds to so many places, as the stage's `rounding` says, and pads with zeros",
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
    undo: "lossy in place: symbols, zeros and rounded digits are gone; with `to` the value stays",
    example: (
        r#"op = "decimal"
path = "amount"
strip = "$,""#,
        r#"{"amount":"$1,234.50"}"#,
        r#"{"amount":"1234.50"}"#,
    ),
    build: ToDecimal::build,
};

#[cfg(test)]
mod tests;

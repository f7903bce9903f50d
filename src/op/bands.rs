//! `bands`: maps a number to a label by ordered thresholds.

use rust_decimal::Decimal;
use serde_json::json;

use super::kit::checked::Checked;
use super::kit::fixed::fixed;
use super::kit::frame::{Frame, MISSING, NULL, PATH, frame_builders, frame_methods};
use super::kit::number::exact;
use super::{Effect, Form, Key, Manual, Operation, PathText, Settings};
use crate::expression::Scope;
use crate::language::Language;
use crate::problem::Problem;
use crate::record::{Document, NumberText, Value};
use crate::refusal::Refusal;
use crate::toml::Section;

/// `bands`: writes the label of the first band that contains a number: `above` a bound, or `at_least` one. The number
/// may be a JSON number or plain decimal text. A number below all bands gets `otherwise`, or is refused.
///
/// ```toml
/// op = "bands"
/// path = "amount"
/// to = "risk"
/// bands = [{ above = 10000, value = "high" }, { at_least = 0, value = "low" }]
/// ```
/// Turns `{"amount":"10000.01"}` into `{"amount":"10000.01","risk":"high"}`.
#[derive(Clone, Debug)]
pub struct Bands {
    frame: Frame,
    ordered: Checked<Vec<Band>>,
    otherwise: Option<Value>,
}

#[derive(Clone, Debug)]
struct Band {
    bound: Decimal,
    inclusive: bool,
    value: Value,
}

impl Band {
    fn holds(&self, number: Decimal) -> bool {
        number > self.bound || (self.inclusive && number == self.bound)
    }

    fn leaves_nothing_of(&self, later: &Self) -> bool {
        self.bound < later.bound || (self.bound == later.bound && (self.inclusive || !later.inclusive))
    }

    fn bound_name(&self) -> &'static str {
        if self.inclusive { "at_least" } else { "above" }
    }
}

frame_builders!(Bands);

impl Bands {
    /// Reads a number at `path` and writes its band to another place, `to`, which must not exist yet.
    #[must_use]
    pub fn new(path: impl Into<PathText>, to: impl Into<PathText>) -> Self {
        Self::from_frame(Frame::new(MANUAL.name, path).to(to))
    }

    fn from_frame(frame: Frame) -> Self {
        Self {
            frame,
            ordered: Checked::new(|| Ok(Vec::new())),
            otherwise: None,
        }
    }

    /// Adds a band for all numbers above the bound. The first band that contains a number counts, so bounds must
    /// descend.
    #[must_use]
    pub fn above(self, bound: Decimal, value: Value) -> Self {
        self.band(Band {
            bound,
            inclusive: false,
            value,
        })
    }

    /// Adds a band for all numbers from the bound on.
    #[must_use]
    pub fn at_least(self, bound: Decimal, value: Value) -> Self {
        self.band(Band {
            bound,
            inclusive: true,
            value,
        })
    }

    fn band(mut self, band: Band) -> Self {
        self.ordered = self.ordered.and(|mut bands| {
            // A band whose lowest number is in an earlier band can never be the first.
            if bands.iter().any(|earlier| earlier.leaves_nothing_of(&band)) {
                let message = "no number can reach this band: an earlier band covers them all";
                return Err(Problem::error("bands.unreachable", None, message)
                    .help("list the bands from the highest bound to the lowest"));
            }
            bands.push(band);
            Ok(bands)
        });
        self
    }

    /// Sets the label of numbers below all bands.
    #[must_use]
    pub fn otherwise(mut self, value: Value) -> Self {
        self.otherwise = Some(value);
        self
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let reading = settings.reading();
        let mut op = Self::from_frame(Frame::read(settings)?);
        for section in settings.sections("bands", "a band") {
            op = op.band(read_band(&section)?);
            op.ordered = op.ordered.at(|| section.place());
        }
        op.otherwise = settings
            .item("otherwise")
            .map(|item| fixed(item, reading))
            .transpose()?;
        Ok(Box::new(op))
    }
}

fn read_band(section: &Section<'_>) -> Result<Band, Problem> {
    let known = ["above", "at_least", "value"];
    let mut names = section.table().iter().map(|(name, _)| name);
    if let Some(name) = names.find(|name| !known.contains(name)) {
        let problem = Problem {
            place: Some(section.place_of(name)),
            ..section.unknown_key(name)
        };
        return Err(problem.did_you_mean(name, known));
    }
    let (bound, inclusive) = match (section.item("above"), section.item("at_least")) {
        (Some(bound), None) => (bound, false),
        (None, Some(bound)) => (bound, true),
        _ => {
            let message = "a band has either `above` or `at_least`";
            return Err(Problem::error("bands.bound", section.place(), message));
        }
    };
    let value = section
        .item("value")
        .ok_or_else(|| section.missing_key("value", "its label"))?;
    let reading = section.reading();
    // The text of a TOML number as it is written, so that a bound never passes through a float.
    let written = bound
        .span()
        .and_then(|span| reading.text.get(span))
        .unwrap_or_default();
    let text = bound
        .as_str()
        .map_or_else(|| written.replace('_', ""), str::to_owned);
    let bound = NumberText::KEY.read(&text).map_err(|_| {
        let message = "a bound is a decimal number of at most 28 digits";
        Problem::error("bands.bound", reading.place(bound.span()), message).help("write it as \"10000.00\"")
    })?;
    Ok(Band {
        bound,
        inclusive,
        value: fixed(value, reading)?,
    })
}

impl Operation for Bands {
    frame_methods!(beside: ordered);

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let bands = self.ordered.get()?;
        self.frame.apply(document, |value, place| {
            let text = self.frame.text_or_number(value, place)?;
            let number = exact(value, &text).map_err(|error| error.refusal(&self.frame, place))?;
            let band = bands
                .iter()
                .find(|band| band.holds(number))
                .map(|band| &band.value);
            let none = || {
                self.frame
                    .refuse("none", place)
                    .expected("a number in one of the bands")
            };
            band.or(self.otherwise.as_ref()).cloned().ok_or_else(none)
        })
    }

    fn language(&self) -> Language {
        // The first language refused blanks around the text of a number, and read an exponent in it.
        Language::Two
    }

    fn meaning(&self) -> serde_json::Value {
        let bands = self.ordered.known().into_iter().flatten().map(|band| {
            // 5000 and 5000.00 are the same bound.
            json!({ band.bound_name(): band.bound.normalize().to_string(), "value": band.value.to_json() })
        });
        let otherwise = self.otherwise.as_ref().map(Value::to_json);
        self.frame
            .meaning(json!({ "bands": bands.collect::<Vec<_>>(), "otherwise": otherwise }))
    }
}

/// The reference entry of `bands`.
pub(super) static MANUAL: Manual = Manual {
    name: "bands",
    group: "value",
    summary: "writes the label of the first band that contains a number",
    keys: &[
        PATH,
        Key::required("to", Form::Path, "where to write the label; must not exist yet"),
        Key::required(
            "bands",
            Form::Tables,
            "from the highest down: { above = \"10000\", value = \"high\" } or { at_least = \"10000\", value = \
             \"high\" }",
        ),
        Key::optional(
            "otherwise",
            Form::Template,
            "refused",
            "the label below all bands",
        ),
        MISSING,
        NULL,
    ],
    refusals: &[
        "bands.missing",
        "bands.null",
        "bands.type",
        "bands.invalid",
        "bands.too_long",
        "bands.none",
        "bands.exists",
        "bands.blocked",
    ],
    undo: "exact: removes the label; from the image where parent objects may be created, or with `missing = \"skip\"`",
    example: (
        r#"op = "bands"
path = "amount"
to = "risk"
bands = [{ above = 10000, value = "high" }, { at_least = 0, value = "low" }]"#,
        r#"{"amount":"10000.01"}"#,
        r#"{"amount":"10000.01","risk":"high"}"#,
    ),
    build: Bands::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{built, run};

    const RISK: &str = "path = \"amount\"\nto = \"risk\"\notherwise = \"low\"\n\
        bands = [{ above = \"10000\", value = \"high\" }, { above = 5_000.00, value = \"medium\" }]";

    #[test]
    fn bounds_are_exact_and_strict_or_inclusive_as_declared() {
        let risk = built(&MANUAL, RISK, None).unwrap();
        let reporting = Bands::new("amount", "risk")
            .at_least(Decimal::from(10000), Value::boolean(true))
            .otherwise(Value::boolean(false));
        for (amount, label, report) in [
            ("\"5000.00\"", "low", false),
            ("5000.01", "medium", false),
            ("\"10000.00\"", "medium", true),
            ("10000.01", "high", true),
            ("-20000", "low", false),
        ] {
            let json = format!(r#"{{"amount":{amount}}}"#);
            let expected = format!(r#"{{"amount":{amount},"risk":"{label}"}}"#);
            assert_eq!(run(risk.as_ref(), &json).unwrap(), expected);
            let expected = format!(r#"{{"amount":{amount},"risk":{report}}}"#);
            assert_eq!(run(&reporting, &json).unwrap(), expected);
        }
        assert_eq!(
            run(risk.as_ref(), r#"{"amount":"$5"}"#).unwrap_err(),
            "bands.invalid at /amount"
        );
        let open = Bands::new("a", "b").above(Decimal::ONE, Value::null());
        assert_eq!(run(&open, r#"{"a":1}"#).unwrap_err(), "bands.none at /a");
        assert_eq!(run(&open, r#"{"a":2,"b":1}"#).unwrap_err(), "bands.exists at /b");
    }

    #[test]
    fn a_band_that_nothing_can_reach_is_a_problem() {
        for (bands, code) in [
            (
                "[{ above = 1, value = 1 }, { above = 2, value = 2 }]",
                "bands.unreachable",
            ),
            (
                "[{ at_least = 1, value = 1 }, { above = 1.0, value = 2 }]",
                "bands.unreachable",
            ),
            ("[{ value = 1 }]", "bands.bound"),
            ("[{ above = \"x\", value = 1 }]", "bands.bound"),
            ("[{ above = nan, value = 1 }]", "bands.bound"),
            ("[{ above = 1 }]", "stage.missing_key"),
            ("[{ abov = 1, value = 1 }]", "stage.unknown_key"),
            ("[1]", "stage.wrong_type"),
        ] {
            let settings = format!("path = \"a\"\nto = \"b\"\nbands = {bands}");
            assert_eq!(built(&MANUAL, &settings, None).unwrap_err().code, code, "{bands}");
        }
        let settings =
            "path = \"a\"\nto = \"b\"\nbands = [{ above = 1, value = 1 }, { at_least = 1, value = 2 }]";
        assert!(built(&MANUAL, settings, None).is_ok());
    }
}

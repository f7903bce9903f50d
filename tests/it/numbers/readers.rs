//! Every reader of number texts, through the public face: stages of one operation, expressions, contracts.

use counterfoil::contract::Schema;
use counterfoil::environment::Secrets;
use counterfoil::problem::Place;
use counterfoil::record::{Document, Record, RecordNumber, exact_decimal};
use counterfoil::stage::{Lookup, Outcome, Output, Stage};
use serde_json::{Value as Json, json};

use super::model::{self, Model, Verdict};
use crate::support::world::context;

/// A reader with its opposite.
pub(super) struct Reader {
    /// What stands above its column.
    pub(super) name: &'static str,
    pub(super) read: Box<dyn Fn(&str) -> Verdict>,
    pub(super) expected: Box<dyn Fn(&str) -> Verdict>,
}

/// A stage of these operations, over records `{"v": TEXT}`.
pub(super) fn stage(rest: &str) -> Stage {
    let text = format!("[stage]\nsource = \"a\"\ntarget = \"b\"\nrounding = \"half-even\"\n{rest}");
    Stage::parse("0001_test.toml", &text, &Lookup::default())
        .unwrap_or_else(|problems| panic!("{rest}: {problems:?}"))
}

/// What comes out of the stage: the record, or the code of the refusal.
pub(super) fn carry(stage: &Stage, value: &str) -> Result<Output, String> {
    let secrets = Secrets::default();
    let record = Record {
        number: RecordNumber::new(1),
        id: "r".to_owned(),
        data: format!("{{\"v\":{value}}}"),
    };
    let context = context("numbers", &record.id, &secrets);
    match stage.transform(&record, &context) {
        Ok(Outcome::Write(output)) => Ok(output),
        Ok(other) => panic!("{value} gave {other:?}"),
        Err(refusal) => Err(refusal.code.to_string()),
    }
}

/// The number that a stage makes of `v`, with the text that it is written with.
fn made(stage: &Stage, value: &str) -> Verdict {
    match carry(stage, value) {
        Ok(output) => {
            let document = Document::parse(&output.data).expect("a stage makes JSON");
            let value = document.get("v").expect("the field stays").to_json();
            Verdict::Reads(value.trim_matches('"').to_owned())
        }
        Err(code) => refused(&code),
    }
}

fn refused(code: &str) -> Verdict {
    match code.rsplit('.').next() {
        Some("too_long") => Verdict::TooLong,
        Some("inexact") => Verdict::Inexact,
        Some("invalid" | "not_a_number") => Verdict::Invalid,
        _ => panic!("{code} is no verdict about a text"),
    }
}

fn quoted(text: &str) -> String {
    json!(text).to_string()
}

fn by_model(model: Model) -> Box<dyn Fn(&str) -> Verdict> {
    Box::new(move |text| model.read(text))
}

/// A reader of texts that writes the number that it has read.
fn texts(name: &'static str, rest: &str, model: Model) -> Reader {
    let stage = stage(rest);
    Reader {
        name,
        read: Box::new(move |text| made(&stage, &quoted(text))),
        expected: by_model(model),
    }
}

/// Faults of expressions know one code for all texts that are not read.
fn without_length(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::TooLong => Verdict::Invalid,
        verdict => verdict,
    }
}

/// The bounds of the bands, with what is said of a number from there on.
const BANDS: [(&str, &str); 4] = [
    ("1000", "high"),
    ("0.5", "some"),
    ("0", "none"),
    ("-1000", "less"),
];

fn banded(verdict: Verdict) -> Verdict {
    let Verdict::Reads(number) = verdict else {
        return verdict;
    };
    let value = |text: &str| rust_decimal::Decimal::from_str_exact(text).expect("the model writes decimals");
    let band = BANDS.iter().find(|(bound, _)| value(&number) >= value(bound));
    Verdict::Reads(band.map_or("least", |(_, label)| label).to_owned())
}

fn bands() -> Reader {
    let list = BANDS.map(|(bound, label)| format!("{{ at_least = \"{bound}\", value = \"{label}\" }}"));
    let bands = stage(&format!(
        "[[op]]\nop = \"bands\"\npath = \"v\"\nto = \"band\"\notherwise = \"least\"\nbands = [{}]\n\
         [[op]]\nop = \"remove\"\npath = \"v\"\n[[op]]\nop = \"rename\"\nfrom = \"band\"\nto = \"v\"\n",
        list.join(", ")
    ));
    let plain = model::plain();
    Reader {
        name: "`bands`",
        read: Box::new(move |text| made(&bands, &quoted(text))),
        expected: Box::new(move |text| banded(plain.read(text))),
    }
}

fn round() -> Reader {
    let round = stage("[[op]]\nop = \"round\"\npath = \"v\"\nplaces = 0\n");
    let plain = model::plain();
    let rounded = |number: &str| -> Verdict {
        let exact = rust_decimal::Decimal::from_str_exact(number).expect("the model writes decimals");
        let text = exact.round().to_string();
        let text = if text == "-0" { "0".to_owned() } else { text };
        // Up into the 29th digit.
        if text.trim_start_matches('-') == model::DIGITS_28 {
            Verdict::TooLong
        } else {
            Verdict::Reads(text)
        }
    };
    Reader {
        name: "`round`",
        read: Box::new(move |text| made(&round, &quoted(text))),
        expected: Box::new(move |text| match plain.read(text) {
            Verdict::Reads(number) => rounded(&number),
            verdict => verdict,
        }),
    }
}

/// A number of JSON keeps its text, so both sides write it as it is.
fn convert(name: &'static str, to: &str) -> Reader {
    let convert = stage(&format!(
        "[[op]]\nop = \"convert\"\npath = \"v\"\nto = \"{to}\"\n"
    ));
    let (json, whole) = (model::json(), to == "integer");
    let expected = move |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        match json.read(text) {
            Verdict::Invalid => Verdict::Invalid,
            // Whole numbers of any length.
            _ if !whole || (digits.bytes().all(|byte| byte.is_ascii_digit()) && text != "-0") => {
                Verdict::Reads(text.to_owned())
            }
            Verdict::Reads(number) => {
                let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
                if fraction.bytes().all(|byte| byte == b'0') {
                    Verdict::Reads(if whole == "-0" { "0" } else { whole }.to_owned())
                } else {
                    Verdict::Inexact
                }
            }
            verdict => verdict,
        }
    };
    Reader {
        name,
        read: Box::new(move |text| made(&convert, &quoted(text))),
        expected: Box::new(expected),
    }
}

fn contract() -> Reader {
    let place = Place::at(&"schema.json".into(), "", 0);
    let schema = r#"{"properties":{"v":{"x-decimal":{}}}}"#;
    let schema = Schema::compile(schema, &place).expect("the test's schema is one");
    let check = move |text: &str| {
        let document = Document::parse(&json!({ "v": text }).to_string()).expect("JSON");
        if schema.check(&document).is_empty() {
            Verdict::Reads("passes".to_owned())
        } else {
            Verdict::Invalid
        }
    };
    let written = model::written();
    Reader {
        name: "`x-decimal`",
        read: Box::new(check),
        expected: Box::new(move |text| match written.read(text) {
            Verdict::Reads(_) => Verdict::Reads("passes".to_owned()),
            _ => Verdict::Invalid,
        }),
    }
}

/// Every reader of texts.
pub(super) fn all() -> Vec<Reader> {
    let decimal = |name, keys: &str, model| {
        texts(
            name,
            &format!("[[op]]\nop = \"decimal\"\npath = \"v\"\n{keys}"),
            model,
        )
    };
    let [decimals, integers] = ["decimal", "integer"].map(|function| {
        stage(&format!(
            "[[op]]\nop = \"set\"\npath = \"v\"\nvalue = \"= {function}(doc.v)\"\n"
        ))
    });
    let (plain, setting) = (model::plain(), model::setting());
    vec![
        decimal("`decimal`", "", model::plain()),
        decimal("`strip = \",\"`", "strip = \",\"\n", model::groups()),
        decimal(
            "`point = \",\"` `strip = \".'\"`",
            "point = \",\"\nstrip = \".'\"\n",
            model::comma(),
        ),
        decimal("`exponent = true`", "exponent = true\n", model::exponent()),
        decimal(
            "`parentheses = \"negative\"`",
            "parentheses = \"negative\"\n",
            model::parentheses(),
        ),
        round(),
        bands(),
        Reader {
            name: "`decimal(x)`",
            read: Box::new(move |text| made(&decimals, &quoted(text))),
            expected: Box::new(move |text| without_length(plain.read(text))),
        },
        Reader {
            name: "`integer(x)`",
            read: Box::new(move |text| made(&integers, &quoted(text))),
            expected: Box::new(model::integer),
        },
        convert("`convert` to `decimal`", "decimal"),
        convert("`convert` to `integer`", "integer"),
        contract(),
        Reader {
            name: "stage file",
            read: Box::new(|text| match exact_decimal(text) {
                Ok(number) => Verdict::Reads(number.to_string()),
                Err(_) => Verdict::Invalid,
            }),
            expected: Box::new(move |text| without_length(setting.read(text))),
        },
    ]
}

/// The readers of JSON numbers: all of them take the same, and write the same.
pub(super) fn of_numbers() -> Vec<(&'static str, Stage)> {
    let op = |rest: &str| stage(&format!("[[op]]\npath = \"v\"\n{rest}"));
    vec![
        ("decimal", op("op = \"decimal\"\nemit = \"number\"\n")),
        ("decimal(x)", op("op = \"set\"\nvalue = \"= decimal(doc.v)\"\n")),
        ("expressions", op("op = \"set\"\nvalue = \"= -(-doc.v)\"\n")),
    ]
}

/// What such a reader makes of a number.
pub(super) fn number(stage: &Stage, text: &str) -> Verdict {
    match carry(stage, text) {
        Err(code) if code == "expression.number_too_long" => Verdict::TooLong,
        _ => made(stage, text),
    }
}

/// The id that a stage gives to a record by a value.
pub(super) fn id_of(rekey: &Stage, value: &Json) -> Result<String, String> {
    carry(rekey, &value.to_string()).map(|output| output.id)
}

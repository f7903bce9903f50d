//! What `decimal` promises.

use proptest::prelude::*;

use crate::op::decimal::MANUAL;
use crate::op::tests::{built, run};
use crate::op::{Emit, Operation as _, ToDecimal};
use crate::record::{NumberText, Point, Rounding};

fn cents() -> ToDecimal {
    ToDecimal::new("a").strip("$,€").places(2, Rounding::HalfEven)
}

fn of(op: &ToDecimal, value: &str) -> Result<String, String> {
    let json = run(op, &format!(r#"{{"a":{value}}}"#))?;
    Ok(json[5..json.len() - 1].to_owned())
}

#[test]
fn money_is_read_exactly_and_rounded_half_even() {
    for (given, expected) in [
        ("1234.565", r#""1234.56""#),
        ("1234.575", r#""1234.58""#),
        ("0.015", r#""0.02""#),
        (r#""2.675""#, r#""2.68""#),
        (r#""$60,951.63""#, r#""60951.63""#),
        (r#""-247,296.05""#, r#""-247296.05""#),
        (r#"" $ 1,234.50 ""#, r#""1234.50""#),
        (r#""-$5""#, r#""-5.00""#),
        (r#""$-5""#, r#""-5.00""#),
        (r#""+.5 €""#, r#""0.50""#),
        ("29.9", r#""29.90""#),
        (r#""-0.005""#, r#""0.00""#),
        ("-0", r#""0.00""#),
        ("1E2", r#""100.00""#),
        (r#""1,234,567""#, r#""1234567.00""#),
    ] {
        assert_eq!(of(&cents(), given).as_deref(), Ok(expected), "{given}");
    }
}

#[test]
fn what_is_no_exact_decimal_is_refused_never_rounded_away() {
    for given in [
        "",
        " ",
        "$",
        "-",
        ".",
        "5.",
        "1.2.3",
        "--5",
        "5-",
        "1,23",
        "0,123",
        "012,345",
        "1,2345",
        ",123",
        "123,",
        "1,,234",
        "1,234,5.0",
        "12,34.5",
        "1.234,50",
        "NaN",
        "Infinity",
        "inf",
        "1e5",
        "0x1F",
        "1_000",
        "(12.50)",
        "٧",
        "12 34",
        "5 USD",
        "−5",
    ] {
        let given = serde_json::to_string(given).unwrap();
        assert_eq!(
            of(&cents(), &given).unwrap_err(),
            "decimal.invalid at /a",
            "{given}"
        );
    }
    for given in [
        "1e400",
        "12345678901234567890123456789",
        "0.00000000000000000000000000001",
        "1e27",
    ] {
        assert_eq!(
            of(&cents(), given).unwrap_err(),
            "decimal.too_long at /a",
            "{given}"
        );
    }
    for given in ["true", "[]", "{}"] {
        assert_eq!(of(&cents(), given).unwrap_err(), "decimal.type at /a", "{given}");
    }
}

#[test]
fn commas_stay_where_the_op_does_not_strip_them() {
    let plain = ToDecimal::new("a");
    assert_eq!(of(&plain, r#""1,234""#).unwrap_err(), "decimal.invalid at /a");
    assert_eq!(of(&plain, r#""6.00""#).unwrap(), r#""6.00""#);
    let swiss = ToDecimal::new("a").strip("'").emit(Emit::Number);
    assert_eq!(of(&swiss, r#""1'234.5""#).unwrap(), "1234.5");
}

#[test]
fn a_decimal_comma_and_an_exponent_are_read_where_the_op_says_so() {
    let comma = ToDecimal::new("a").point(Point::Comma).strip(".€");
    for (given, expected) in [
        ("1.234,50 €", "1234.50"),
        ("-0,5", "-0.5"),
        (",5", "0.5"),
        ("1.234", "1234"),
        ("0,123", "0.123"),
    ] {
        let given = serde_json::to_string(given).unwrap();
        assert_eq!(of(&comma, &given).unwrap(), format!("\"{expected}\""), "{given}");
    }
    for given in ["1,234.50", "0.123", "1.23", "1'234", "1,2,3", "1,5e3"] {
        let given = serde_json::to_string(given).unwrap();
        assert_eq!(
            of(&comma, &given).unwrap_err(),
            "decimal.invalid at /a",
            "{given}"
        );
    }
    assert_eq!(
        of(&comma, "1.5e3").unwrap(),
        "\"1500\"",
        "a JSON number has its own grammar"
    );
    let exponent = ToDecimal::new("a").exponent();
    assert_eq!(of(&exponent, r#""1.5e3""#).unwrap(), r#""1500""#);
    assert_eq!(of(&exponent, r#""-15E-1""#).unwrap(), r#""-1.5""#);
    assert_eq!(of(&exponent, r#""1e28""#).unwrap_err(), "decimal.too_long at /a");
    let both = comma.clone().exponent();
    assert_eq!(of(&both, r#""1,5e3""#).unwrap(), r#""1500""#);
}

#[test]
fn what_the_point_is_cannot_be_stripped() {
    let problem = |op: ToDecimal| op.problems().first().map(|problem| problem.code);
    let op = || ToDecimal::new("a");
    assert_eq!(problem(op().strip(".")), Some("decimal.strip"));
    assert_eq!(problem(op().strip(".").point(Point::Comma)), None);
    assert_eq!(
        problem(op().point(Point::Comma).strip("$,")),
        Some("decimal.strip")
    );
    let settings = "path = \"a\"\npoint = \",\"\nstrip = \".\"\nexponent = true";
    let read = built(&MANUAL, settings, None).unwrap();
    assert_eq!(
        read.meaning(),
        op().point(Point::Comma).strip(".").exponent().meaning()
    );
    let meaning = op().strip("$,").meaning();
    assert!(
        meaning.get("point").is_none() && meaning.get("exponent").is_none(),
        "as it always was"
    );
    let problem = built(&MANUAL, "path = \"a\"\nstrip = \".\"", None).unwrap_err();
    assert_eq!(
        problem.help.as_deref(),
        Some("if `.` separates groups, set `point = \",\"`")
    );
}

#[test]
fn parentheses_are_negative_only_where_the_op_says_so() {
    let op = cents().parentheses_negative();
    for (given, expected) in [
        (r#""(12.50)""#, r#""-12.50""#),
        (r#""$(1,012.5)""#, r#""-1012.50""#),
        (r#""($3)""#, r#""-3.00""#),
        (r#""(0)""#, r#""0.00""#),
    ] {
        assert_eq!(of(&op, given).as_deref(), Ok(expected), "{given}");
    }
    for given in [r#""(-3)""#, r#""-(3)""#, r#""(3""#, r#""((3))""#, r#""()""#] {
        assert_eq!(of(&op, given).unwrap_err(), "decimal.invalid at /a", "{given}");
    }
}

#[test]
fn every_place_is_changed_and_every_refusal_is_reported() {
    let op = ToDecimal::new("items[*].price").emit(Emit::Number);
    let items = r#"{"items":[{"price":"1.50"},{"price":2.0}]}"#;
    assert_eq!(
        run(&op, items).unwrap(),
        r#"{"items":[{"price":1.50},{"price":2.0}]}"#
    );
    let items = r#"{"items":[{"price":"x"},{},{"price":null},{"price":1}]}"#;
    let refused = "decimal.invalid at /items/0/price, decimal.missing at /items/1/price, decimal.null at /items/2/price";
    assert_eq!(run(&op, items).unwrap_err(), refused);
    assert_eq!(run(&op, "{}").unwrap_err(), "decimal.missing at /items");
    assert_eq!(run(&op, r#"{"items":{}}"#).unwrap_err(), "decimal.type at /items");
    assert_eq!(run(&op, r#"{"items":[]}"#).unwrap(), r#"{"items":[]}"#);
    let lenient = op.clone().skip_missing().keep_null();
    let items = r#"{"items":[{},{"price":null}]}"#;
    assert_eq!(run(&lenient, items).unwrap(), items);
    let beside = op.to("items[*].cents");
    let items = r#"{"items":[{"price":"1.50"}]}"#;
    assert_eq!(
        run(&beside, items).unwrap(),
        r#"{"items":[{"price":"1.50","cents":1.50}]}"#
    );
    let items = r#"{"items":[{"price":"1.50","cents":0}]}"#;
    assert_eq!(
        run(&beside, items).unwrap_err(),
        "decimal.exists at /items/0/cents"
    );
    assert_eq!(
        beside.to("other[*].cents").problems()[0].code,
        "stage.other_elements"
    );
}

#[test]
fn a_stage_file_says_it_in_the_same_words() {
    let settings = "path = \"a\"\nstrip = \"$,\"\nplaces = 2\nemit = \"number\"\nparentheses = \"negative\"";
    let op = built(&MANUAL, settings, Some(Rounding::HalfEven)).unwrap();
    assert_eq!(
        run(op.as_ref(), r#"{"a":"($1,234.565)"}"#).unwrap(),
        r#"{"a":-1234.56}"#
    );
    let rust = ToDecimal::new("a")
        .strip("$,")
        .parentheses_negative()
        .emit(Emit::Number);
    assert_eq!(op.meaning(), rust.places(2, Rounding::HalfEven).meaning());
    let problem = built(&MANUAL, settings, None).unwrap_err();
    assert_eq!(problem.code, "stage.rounding_undeclared");
    let problem = built(&MANUAL, "path = \"a\"\nstrip = \"$.\"", None).unwrap_err();
    assert_eq!((problem.code, problem.place.unwrap().line), ("decimal.strip", 2));
}

proptest! {
    #[test]
    fn up_to_28_digits_round_trip_exactly(whole in "[1-9][0-9]{0,13}", fraction in "[0-9]{0,14}", negative: bool) {
        let sign = if negative { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        let number = format!("{sign}{whole}{point}{fraction}");
        let op = ToDecimal::new("a").emit(Emit::Number);
        prop_assert_eq!(of(&op, &number).unwrap(), number.clone());
        prop_assert_eq!(of(&op, &format!("\"{number}\"")).unwrap(), number);
    }

    #[test]
    fn no_text_makes_it_panic(text: String, strip: String) {
        let op = cents().strip(&strip).parentheses_negative();
        let _ = of(&op, &serde_json::to_string(&text).unwrap());
    }

    #[test]
    fn no_text_that_looks_like_money_makes_it_panic(text in r"[-+($€, ]{0,3}[0-9,.'eE]{0,40}[)$ -]{0,3}") {
        let op = cents().parentheses_negative();
        if let Ok(read) = of(&op, &serde_json::to_string(&text).unwrap()) {
            prop_assert!(read.ends_with('"') && NumberText::WRITTEN.read(read.trim_matches('"')).is_ok());
        }
    }
}

//! The traps of values: types, numbers, missing properties.

use super::*;

#[test]
fn what_is_only_passed_on_keeps_its_text_and_order() {
    all(&[
        ("doc.big", "1E2"),
        ("doc.zero", "-0"),
        ("doc.long", "12345678901234567890123456789012"),
        ("doc.customer", r#"{"z":6.00,"a":{"deep":"\u0041"}}"#),
        (
            "if doc.paid { doc.customer } else { () }",
            r#"{"z":6.00,"a":{"deep":"\u0041"}}"#,
        ),
        ("[doc.long, doc.big]", "[12345678901234567890123456789012,1E2]"),
        ("doc[\"customer\"].z", "6.00"),
        ("doc.items[1].price", "2.00"),
        ("doc.items[-1].price", "2.00"),
        (
            "#{ z: 1, a: doc.note, m: #{ y: omit, b: [omit, 2.50] } }",
            r#"{"z":1,"a":null,"m":{"b":[2.50]}}"#,
        ),
        ("omit", "omit"),
        ("()", "null"),
        ("1.50", "1.50"),
    ]);
}

#[test]
fn unlike_types_are_never_compared_or_added() {
    all_refused(
        "expression.types",
        &[
            "doc.name == 1",
            "doc.name != 1",
            "1 == \"1\"",
            "doc.paid == 1",
            "true == 1",
            "doc.note == doc.name",
            "doc.note == 1",
            "[1] == 1",
            "[1] == [\"1\"]",
            "doc.name < 1",
            "doc.paid < false",
            "doc.items > doc.items",
            "1 in [\"1\"]",
            "doc.name + 1",
            "1 + doc.name",
            "doc.note + 1",
            "omit == 1",
            "!doc.name",
            "!1",
            "-doc.name",
            "doc.name && true",
            "true && doc.name",
            "false || doc.name",
            "if doc.quantity { 1 }",
            "while doc.quantity { }",
            "`${doc.note}`",
            "now() == date(\"2024-01-01\", \"%Y-%m-%d\")",
            "switch doc.name { 1 => 2, _ => 3 }",
            "sum([1, \"2\"])",
            "min(1, \"a\")",
        ],
    );
    all(&[
        ("doc.note == ()", "true"),
        ("doc.name != ()", "true"),
        ("() == doc.name", "false"),
        ("is_null(doc.note)", "true"),
        ("true == doc.paid", "true"),
        ("doc.name == \"Mary Ann Smith\"", "true"),
        ("\"a\" < \"b\"", "true"),
        ("false && doc.name", "false"),
        ("true || doc.name", "true"),
        ("doc.status in [1, 2]", "true"),
        ("doc.status !in [1, 2]", "false"),
        ("\"Ann\" in doc.name && \"z\" in doc.customer", "true"),
        ("doc.customer == #{ a: #{ deep: \"A\" }, z: 6 }", "true"),
    ]);
}

#[test]
fn arithmetic_is_exact_or_refused() {
    all(&[
        ("doc.quantity * doc.price + 6", "13.50"),
        ("0.1 + 0.2 == 0.3", "true"),
        ("9 * 7.64 + 31.24", "100.00"),
        ("6.00 == 6", "true"),
        ("1 < 1.5 && 2 >= 2.00", "true"),
        ("10 / 4", "2.5"),
        ("10 / 5", "2"),
        ("6.00 / 2", "3.00"),
        ("1 / 0.8", "1.25"),
        ("7 % 3", "1"),
        ("7.5 % 2", "1.5"),
        ("-7 % 3", "-1"),
        ("9223372036854775807 + 1", "9223372036854775808"),
        ("9223372036854775807 * 2", "18446744073709551614"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("0.00 - 0.00", "0.00"),
        ("-(0.00)", "0.00"),
        ("doc.big + 1", "101"),
        (
            "79228162514264337593543950335 + 0.0",
            "79228162514264337593543950335",
        ),
        (
            "0.00000000000001 * 0.00000000000001",
            "0.0000000000000000000000000001",
        ),
        (
            "79228162514264337593543950335 > 7922816251426433759354395033.4",
            "true",
        ),
        ("let t = 0; for i in doc.items { t += i.price * i.n } t", "4.20"),
        ("sum([1, 2.50, 3])", "6.50"),
        ("sum([])", "0"),
    ]);
    all_refused(
        "expression.overflow",
        &[
            "79228162514264337593543950335 + 1",
            "79228162514264337593543950335 + 0.1",
            "0.000000000000001 * 0.00000000000001",
            "12345678901234567890.5 * 12345678901.25",
            "1 - 0.0000000000000000000000000001 + 10000000000000000000000000000",
        ],
    );
    all_refused("expression.inexact", &["1 / 3", "10.00 / 7"]);
    all_refused(
        "expression.division_by_zero",
        &["1 / 0", "1 % 0", "divide(1, 0.0, 2)"],
    );
    all_refused(
        "expression.number_too_long",
        &[
            "doc.long + 1",
            "doc.long == doc.long",
            "1 < doc.long",
            "-doc.long",
            "sum([doc.long])",
        ],
    );
    assert!(
        refused("1 / 3").violations[0]
            .expected
            .as_deref()
            .unwrap()
            .contains("divide(a, b, places)")
    );
}

#[test]
fn rounding_is_declared_and_happens_once() {
    all(&[
        ("round(2.675, 2)", "2.68"),
        ("round(0.165, 2)", "0.16"),
        ("round(-0.005, 2)", "0.00"),
        ("round(29.9, 2)", "29.90"),
        ("round(2.00 * 8.25 / 100, 2)", "0.16"),
        ("divide(1, 3, 4)", "0.3333"),
        ("divide(2, 3, 2)", "0.67"),
        ("divide(-2, 3, 2)", "-0.67"),
        ("divide(1, 8, 2)", "0.12"),
        ("divide(3, 8, 2)", "0.38"),
        ("divide(1.000000000000001, 8, 2)", "0.13"),
        ("divide(12345, 10, 0)", "1234"),
        ("divide(0.5000000000000000000000000001, 1, 0)", "1"),
        ("divide(0.5, 1, 0)", "0"),
        ("divide(1, -1000, 2)", "0.00"),
    ]);
    all_refused(
        "expression.argument",
        &["round(1, 29)", "round(1, -1)", "round(1, 1.5)"],
    );
    let undeclared = Reading::new("f", "");
    let place = undeclared.place(None);
    for source in ["round(doc.price, 2)", "divide(1, 3, 2)"] {
        let problem = Expression::compile(source, &place, &undeclared).unwrap_err();
        assert_eq!(problem.code, "stage.rounding_undeclared");
    }
}

#[test]
fn texts_become_numbers_only_by_name_and_exactly() {
    all(&[
        ("decimal(\" -12.50 \")", "-12.50"),
        ("decimal(\"+1\")", "1"),
        ("decimal(\"-0.00\")", "0.00"),
        ("integer(\"042\")", "42"),
        ("integer(12.00)", "12"),
        ("text(doc.big) + text(6.00) + text(3)", "\"1E26.003\""),
        ("text(doc.long)", "\"12345678901234567890123456789012\""),
        ("`${doc.quantity} x ${doc.price}`", "\"3 x 2.50\""),
    ]);
    all_refused(
        "expression.not_a_number",
        &[
            "decimal(\"$1.00\")",
            "decimal(\"1,000\")",
            "decimal(\"1_000\")",
            "decimal(\"1e3\")",
            "decimal(\"\")",
            "decimal(\"-\")",
            "decimal(\"NaN\")",
            "decimal(\"1.\")",
            "decimal(\"0.12345678901234567890123456789\")",
            "integer(\"1.0\")",
            "integer(1.5)",
            "integer(\"9223372036854775808\")",
        ],
    );
    all_problems(
        "expression.syntax",
        &[
            "0.1234567890123456789012345678901",
            "1234567890123456789012345678901234",
            "1.0 + 79228162514264337593543950336",
        ],
    );
    all_problems("expression.forbidden", &["0xFFFFFFFFFFFFFFFF", "0b1"]);
}

#[test]
fn a_missing_property_is_refused_with_its_pointer() {
    for (source, pointer) in [
        ("doc.nothing", "/nothing"),
        ("doc.customer.b.c + 1", "/customer/b"),
        ("doc.note.x", "/note/x"),
        ("doc[\"a/b\"]", "/a~1b"),
        ("doc.a.b ?? 1", "/a"),
    ] {
        let refusal = refused(source);
        assert_eq!(refusal.code, "expression.missing_property", "{source}");
        assert_eq!(refusal.violations[0].pointer, pointer, "{source}");
    }
    let out_of_range = ["doc.items[2]", "doc.name.split(\" \")[3]", "[1][-2]"];
    all_refused("expression.out_of_range", &out_of_range);
    all_refused(
        "expression.missing_property",
        &["for i in doc.items { i.tax }", "let k = \"x\"; doc[k]"],
    );
    all(&[
        (
            "has(doc, \"customer.a.deep\") && !doc.has(\"x.y\") && has(doc, \"note\")",
            "true",
        ),
        ("doc.get(\"nothing\") ?? 7", "7"),
        ("doc.get(\"note\") ?? 7", "7"),
        ("doc.get(\"items[1].n\") ?? 7", "1"),
        ("doc.items.get(5)", "null"),
        ("doc.note?.x?.y", "null"),
        ("let k = \"name\"; doc[k]", "\"Mary Ann Smith\""),
        ("keys(doc.customer)", "[\"z\",\"a\"]"),
    ]);
    assert_eq!(refused("decimal(doc.name)").violations[0].pointer, "/name");
    assert_eq!(refused("doc.name * 2").violations[0].pointer, "/name");
}

proptest::proptest! {
    /// Against whole numbers, where nothing can be rounded.
    #[test]
    fn sums_products_and_quotients_agree_with_whole_numbers(
        left in -1_000_000_000_i64..1_000_000_000,
        right in 1_i64..1_000_000,
        left_scale in 0_u32..6,
        right_scale in 0_u32..6,
        places in 0_u32..6,
    ) {
        let decimal = |mantissa: i64, scale: u32| rust_decimal::Decimal::new(mantissa, scale).to_string();
        let (a, b) = (decimal(left, left_scale), decimal(right, right_scale));
        let unit = |scale: u32| 10_i128.pow(scale);
        let written = |mantissa: i128, scale: u32| {
            rust_decimal::Decimal::try_from_i128_with_scale(mantissa, scale).unwrap().to_string()
        };
        let (left, right) = (i128::from(left), i128::from(right));
        let product = written(left * right, left_scale + right_scale);
        proptest::prop_assert_eq!(json(&format!("text(({a}) * {b})")), format!("{product:?}"));
        let scale = left_scale.max(right_scale);
        let sum = left * unit(scale - left_scale) + right * unit(scale - right_scale);
        proptest::prop_assert_eq!(json(&format!("text(({a}) + {b})")), format!("{:?}", written(sum, scale)));
        let (above, below) = (left * unit(places + right_scale), right * unit(left_scale));
        let (floor, rest) = (above.div_euclid(below), above.rem_euclid(below));
        let up = rest * 2 > below || (rest * 2 == below && floor % 2 != 0);
        let quotient = written(floor + i128::from(up), places);
        proptest::prop_assert_eq!(json(&format!("text(divide({a}, {b}, {places}))")), format!("{quotient:?}"));
    }
}

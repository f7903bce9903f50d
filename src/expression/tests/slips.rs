//! What people from other languages write is reported at its place, with what to write instead.

use super::*;

/// Code, column and help of what is wrong with a source of one line.
fn describe(source: &str) -> (&'static str, usize, String) {
    let problem = problem(source);
    let column = problem.place.map_or(0, |place| place.column);
    (problem.code, column, problem.help.unwrap_or_default())
}

/// Checks code, column and help of each.
fn all_reported(cases: &[(&str, &'static str, usize, &str)]) {
    for (source, code, column, help) in cases {
        assert_eq!(describe(source), (*code, *column, (*help).to_owned()), "{source}");
    }
}

const NULL: &str = "null is written `()`, as in `doc.note ?? ()` and `doc.note == ()`";

#[test]
fn words_of_other_languages_are_reported_with_ours() {
    let not = "write `!`, as in `!doc.paid`; for a list, `!in`";
    all_reported(&[
        ("doc.a and doc.b", "expression.syntax", 7, "write `&&`"),
        ("(doc.a AND doc.b)", "expression.syntax", 8, "write `&&`"),
        ("doc.a or doc.b", "expression.syntax", 7, "write `||`"),
        ("not doc.a", "expression.syntax", 1, not),
        ("doc.a && not doc.b", "expression.syntax", 10, not),
        ("doc.a not in [1]", "expression.syntax", 7, not),
        ("not(doc.a)", "expression.unknown_function", 1, not),
        ("doc.a ?? null", "expression.forbidden", 10, NULL),
        ("doc.a == nil", "expression.forbidden", 10, NULL),
        ("doc.a == None", "expression.unknown_name", 10, NULL),
        (
            "doc.a is null",
            "expression.syntax",
            7,
            "write `==`, as in `doc.note == ()`",
        ),
        (
            "doc.a == True",
            "expression.unknown_name",
            10,
            "write `true`, in small letters",
        ),
        ("doc.a mod 2", "expression.syntax", 7, "write `%`"),
        (
            "if doc.a then 1",
            "expression.syntax",
            10,
            "write `if doc.paid { 1 } else { 2 }`",
        ),
        (
            "doc.a like \"x\"",
            "expression.syntax",
            7,
            "write `doc.name.contains(\"x\")` or `doc.name.matches(\"^x\")`",
        ),
    ]);
}

#[test]
fn symbols_of_other_languages_are_reported_with_ours() {
    all_reported(&[
        ("doc.a <> 3", "expression.syntax", 7, "write `!=`"),
        ("doc.a === 3", "expression.forbidden", 7, "write `==`"),
        ("doc.a & doc.b", "expression.forbidden", 7, "write `&&`"),
        ("doc.a | doc.b", "expression.forbidden", 7, "write `||`"),
        (
            "doc.a >> 0",
            "expression.forbidden",
            7,
            "write `>` or `>=` to compare",
        ),
        (
            "doc.a ? 1 : 2",
            "expression.syntax",
            7,
            "write `if doc.paid { 1 } else { 2 }`",
        ),
        ("doc.a ~ 3", "expression.syntax", 7, foreign::THERE_ARE),
        ("doc.a ^ 3", "expression.forbidden", 7, foreign::THERE_ARE),
        (
            "doc.a in (1, 2)",
            "expression.syntax",
            12,
            "a list is written `[1, 2]`",
        ),
        (
            "{a: 1}",
            "expression.syntax",
            3,
            "an object is written `#{ a: 1 }`",
        ),
    ]);
}

#[test]
fn what_is_reported_is_a_part_of_the_language() {
    for source in [
        "doc.note ?? ()",
        "doc.name.contains(\"x\") || doc.name.matches(\"^x\")",
        "if doc.paid { 1 } else { 2 }",
        "!doc.paid && !(1 !in [1])",
        "doc.and == doc.not",
        "#{ a: 1 }",
    ] {
        compile(source).unwrap();
    }
    let word = describe("doc.null == 1").2;
    assert!(
        word.starts_with("a property with this name is written doc[\"null\"]"),
        "{word}"
    );
}

#[test]
fn one_equals_sign_and_single_quotes_are_reported() {
    let (code, column, help) = describe("doc.quantity = 3");
    assert_eq!((code, column), ("expression.forbidden", 14));
    assert!(help.starts_with("to compare, write `==`"), "{help}");
    assert!(!describe("doc.quantity += 3").2.contains("=="));
    for source in ["doc.name == 'paid'", "doc.name == “paid”"] {
        let (code, column, help) = describe(source);
        assert_eq!((code, column), ("expression.syntax", 13), "{source}");
        assert!(help.starts_with("write strings in double quotes"), "{help}");
    }
}

#[test]
fn a_field_without_doc_and_a_name_in_another_case_are_reported() {
    for (source, help) in [
        (
            "betrag > 3",
            "a field of the record is written doc.NAME: did you mean `doc.betrag`?",
        ),
        (
            "mod > 3",
            "a field of the record is written doc.NAME: did you mean `doc.mod`?",
        ),
        ("Doc.a > 3", "did you mean `doc`?"),
        (
            "let total = 1; totl > 3",
            "did you mean `total`, or the field `doc.totl`?",
        ),
        ("ROUND(doc.price, 2)", "did you mean `round`?"),
        ("doc.price.Round(2)", "did you mean `round`?"),
        (
            "doc.größe > 1",
            "a field whose name has letters other than a to z is written doc[\"größe\"]",
        ),
    ] {
        assert_eq!(describe(source).2, help, "{source}");
    }
}

#[test]
fn an_expression_that_ends_too_early_says_what_is_missing() {
    for (source, message) in [
        ("doc.a >", "something is missing after `>`"),
        ("doc.a && (doc.b || ", "something is missing after `||`"),
        ("doc.a\n  ==\n", "something is missing after `==`"),
        ("doc.", "a name is missing after `.`"),
        ("(doc.a", "`)` is missing"),
        ("[1, 2", "`]` is missing"),
        ("#{ a: 1", "`}` is missing"),
        ("if doc.a { 1 ", "`{` opens a block that `}` must close"),
    ] {
        let expected = format!("the expression ends too early: {message}");
        assert_eq!(problem(source).message, expected, "{source}");
    }
    let message = problem("doc.a \"x\"").message;
    assert!(
        !message.contains("';'") && message.contains("is complete before `\"`"),
        "{message}"
    );
}

#[test]
fn a_date_names_its_format_where_the_stage_has_written_it() {
    for (source, expected) in [
        (r#"date("1.2.25", "%d.%m.%Y")"#, "a date in the format %d.%m.%Y"),
        (
            r#"date("31.02.2024", "%d.%m.%Y")"#,
            "a day that exists in the calendar",
        ),
        // A format that is not a literal could be a value of the record.
        (r#"date("x", doc.name + "%d.%m.%Y")"#, "a date in the format"),
    ] {
        let refusal = refused(source);
        assert_eq!(refusal.code, "expression.date", "{source}");
        assert_eq!(
            refusal.violations[0].expected.as_deref(),
            Some(expected),
            "{source}"
        );
    }
}

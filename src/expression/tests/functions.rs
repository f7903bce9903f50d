//! The table of functions.

use super::*;

#[test]
fn texts_and_lists_are_taken_apart_and_put_together() {
    all(&[
        ("doc.name.split(\" \", 2)[0]", "\"Mary\""),
        ("doc.name.split(\" \", 2)", "[\"Mary\",\"Ann Smith\"]"),
        ("list(doc.ids, \",\")", "[\"a\",\"b\",\"c\"]"),
        ("join(list(doc.ids, \",\"), \"-\").upper().lower()", "\"a-b-c\""),
        ("replace(\"+1 (555) 010-9999\", `\\D`, \"\")", "\"15550109999\""),
        ("replace(\"ab\", `(a)(b)`, \"$2$1\")", "\"ba\""),
        ("let by = \"$0\"; replace(\"ab\", \"a\", by)", "\"$0b\""),
        (
            "matches(\"ORD-2024-001\", `^ORD-\\d{4}-\\d{3,}$`) && !matches(\"\u{663}\", `\\d`)",
            "true",
        ),
        ("matches(\"a\\n\", `^a$`)", "false"),
        (
            "trim(\" x \").starts_with(\"x\") && \"xy\".ends_with(\"y\") && \"xyz\".contains(\"y\")",
            "true",
        ),
        (
            "zip([\"id\", \"n\"], [\"a\", \"b\"], [1, 2])",
            r#"[{"id":"a","n":1},{"id":"b","n":2}]"#,
        ),
        ("zip(list(\"a,b\", \",\"), [1, 2])", r#"[["a",1],["b",2]]"#),
        ("len(doc.name) + len(doc.items) + len(doc.customer)", "18"),
        ("abs(-2.50) + min(3, 1.5) + max([1, 2])", "6.00"),
    ]);
    all_refused("expression.length", &["zip([1], [1, 2])"]);
}

#[test]
fn names_are_compared() {
    all(&[
        ("fold(\" Anne-Marie  O'Hära\")", "\"anne marie ohara\""),
        ("soundex(\"Rupert\") + metaphone(\"Stephen\")", "\"R163STFN\""),
        ("soundex(\"42\") ?? \"none\"", "\"none\""),
        ("metaphone(\"\")", "null"),
        (
            "prefix(\"90210\", 3) + \"äöü\".prefix(2) + prefix(\"x\", 9)",
            "\"902äöx\"",
        ),
        ("distance(\"123-45-6789\", \"123-54-6789\")", "1"),
        ("similar(\"DWAYNE\", \"DUANE\")", "0.84"),
        ("similar(\"a\", \"a\")", "1.00"),
        ("similar(\"a\", \"b\")", "0.00"),
        ("similar(\"MARTHA\", \"MARHTA\") >= 0.92", "true"),
    ]);
    all_refused(
        "expression.argument",
        &["prefix(\"x\", -1)", "prefix(\"x\", 1.5)"],
    );
    all_refused(
        "expression.limit",
        &["let a = \"0123456789\"; for n in 0..7 { a += a; } distance(a, \"x\")"],
    );
    all_refused("expression.types", &["fold(doc.price)", "soundex(doc.note)"]);
}

#[test]
fn dates_and_identities_are_exact_and_repeatable() {
    all(&[
        (
            "date(\"2024-01-15 10:30:00\", \"%Y-%m-%d %H:%M:%S\", \"UTC\")",
            "\"2024-01-15T10:30:00Z\"",
        ),
        (
            "date(\"15.07.2024 10:30\", \"%d.%m.%Y %H:%M\", \"Europe/Berlin\")",
            "\"2024-07-15T10:30:00+02:00\"",
        ),
        (
            "date(\"2024-01-15T10:30:00+0200\", \"%Y-%m-%dT%H:%M:%S%z\").format_date(\"%H:%M\", \"UTC\")",
            "\"08:30\"",
        ),
        (
            "format_date(date(\"31/12/2023\", \"%d/%m/%Y\"), \"%Y-%m-%d\")",
            "\"2023-12-31\"",
        ),
        (
            "date(\"2024-01-15T10:30:00.5Z\", \"%Y-%m-%dT%H:%M:%S.%fZ\")",
            "\"2024-01-15T10:30:00.500Z\"",
        ),
        (
            "date(\"1850-01-01 00:53:28\", \"%Y-%m-%d %H:%M:%S\", \"Europe/Berlin\")",
            "\"1850-01-01T00:00:00Z\"",
        ),
        ("date(\" 1/ 2/69 \", \"%d/%m/%y\")", "\"1969-02-01\""),
        (
            "format_date(date(\"2024-01-15T10:30:00+0200\", \"%Y-%m-%dT%H:%M:%S%z\"), \"%H:%M:%SZ\")",
            "\"08:30:00Z\"",
        ),
        ("now()", "\"2023-11-14T22:13:20Z\""),
        ("sha256(\"abc\").starts_with(\"ba7816bf\")", "true"),
        (
            "hmac(secret(\"pepper\"), \"The quick brown fox jumps over the lazy dog\").starts_with(\"f7bc83f4\")",
            "true",
        ),
        (
            "uuid5(\"x\") == uuid5(\"x\") && uuid5(\"x\") != uuid5(\"y\")",
            "true",
        ),
    ]);
    all_refused("expression.secret_missing", &["secret(\"salt\")"]);
    all_refused(
        "expression.date",
        &[
            "date(\"x\", \"%Y-%m-%d\")",
            "date(\"24-01-02\", \"%Y-%m-%d\")",
            "date(\"2024-01-15 10:30:60\", \"%Y-%m-%d %H:%M:%S\", \"UTC\")",
            "date(\"2024-01-15\", \"%Y\" + \"-%m\")",
            "format_date(now(), \"%\" + \"v\")",
            "date(\"2024-03-31 02:30\", \"%Y-%m-%d %H:%M\", \"Europe/Berlin\")",
        ],
    );
}

#[test]
fn dates_compare_as_instants() {
    let at = |text: &str| format!("date(\"{text}\", \"%Y-%m-%dT%H:%M:%S.%f%z\")");
    let (noon, same, later) = (
        at("2024-01-31T12:00:00.0Z"),
        at("2024-01-31T14:00:00.000+02:00"),
        at("2024-01-31T07:00:00.000000001-05:00"),
    );
    for holds in [
        format!("{noon} == {same}"),
        format!("{noon} < {later} && {same} < {later} && !({later} <= {same})"),
        format!("{same} in [{later}, {noon}]"),
        format!("{later} != {noon} && {later} !in [{noon}, {same}]"),
    ] {
        all(&[(&holds, "true")]);
    }
}

#[test]
fn statements_choose_repeat_and_refuse() {
    all(&[
        (
            "switch doc.status { 1 => \"pending\", 2 | 3 => \"sent\", _ => refuse(\"map.unknown\") }",
            "\"pending\"",
        ),
        (
            "switch doc.price { 2 => 1, 3..=4 => 2, 0..3 if doc.paid => 3 }",
            "3",
        ),
        (
            "if doc.status == 2 { 1 } else if doc.status == 1 { 2 } else { 3 }",
            "2",
        ),
        ("let n = 0; loop { n += 1; if n == 5 { break n * 2 } }", "10"),
        (
            "let out = []; for i in 0..3 { if i == 1 { continue } out += [i] } out",
            "[0,2]",
        ),
        ("let a = 1; { let a = 2; } a", "1"),
        ("let trim = doc.name; trim(trim).len()", "14"),
    ]);
    let refusal = refused("if doc.paid { refuse(\"address.unparsed\", \"/name\") }");
    assert_eq!(
        (&*refusal.code, &*refusal.violations[0].pointer),
        ("address.unparsed", "/name")
    );
}

#[test]
fn every_function_is_listed_once_and_can_be_called() {
    let mut names: Vec<&str> = functions().map(|function| function.name).collect();
    for function in functions() {
        assert!(
            function.signature.starts_with(&format!("{}(", function.name)),
            "{}",
            function.name
        );
        assert!(
            !function.summary.is_empty() && function.least <= function.most,
            "{}",
            function.name
        );
        for count in function.least..=function.most {
            // Arguments of the wrong types: each must answer with a value, a refusal or a problem, never panic.
            for argument in ["\"a.b\"", "doc", "1", "[]", "()", "doc.items"] {
                let call = format!("{}({})", function.name, vec![argument; count].join(", "));
                if let Err(problem) = compile(&call) {
                    assert_ne!(problem.code, "expression.unknown_function", "{call}");
                    continue;
                }
                let _ = evaluate(&call);
            }
        }
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), functions().count());
    for name in [
        "decimal",
        "round",
        "divide",
        "date",
        "format_date",
        "split",
        "trim",
        "replace",
        "matches",
        "list",
        "zip",
        "sum",
        "has",
        "sha256",
        "hmac",
        "uuid5",
        "secret",
        "now",
    ] {
        assert!(names.contains(&name), "{name}");
    }
}

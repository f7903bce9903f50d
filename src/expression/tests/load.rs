//! What is found at load, where it is, and what never runs forever or leaks.

use super::*;

#[test]
fn what_is_not_known_is_found_at_load_with_a_suggestion() {
    let name = problem("dok.name");
    assert_eq!(
        (name.code, name.help.as_deref()),
        ("expression.unknown_name", Some("did you mean `doc`?"))
    );
    let function = problem("doc.name.splitt(\" \")");
    assert_eq!(
        (function.code, function.help.as_deref()),
        ("expression.unknown_function", Some("did you mean `split`?"))
    );
    assert!(
        problem("split(\" \")")
            .help
            .unwrap()
            .contains("split(text, separator[, n])")
    );
    all_problems(
        "expression.unknown_name",
        &["x", "if true { let x = 1; } x", "split", "x + 1"],
    );
    all_problems(
        "expression.unknown_function",
        &[
            "split(doc.name)",
            "now(1)",
            "timestamp()",
            "rand()",
            "sleep(1)",
            "trim()",
            "doc.name.trim(1)",
            "doc.name.push(1)",
        ],
    );
}

#[test]
fn what_has_no_meaning_is_a_problem() {
    all_problems(
        "expression.forbidden",
        &[
            "eval(\"1\")",
            "import \"x\" as y",
            "print(1)",
            "debug(1)",
            "fn f() { 1 } f()",
            "type_of(1)",
            "throw 1",
            "try { 1 } catch { 2 }",
            "Fn(\"now\")",
            "now!()",
            "1 ** 2",
            "1 << 2",
            "1 & 2",
            "true ^ false",
            "switch doc.price { 1.5 => 1, _ => 2 }",
            "doc.name = 1",
            "let doc = 1",
            "let x = [1]; x[0] = 2",
            "omit = 1",
            "let omit = 1",
        ],
    );
    all_problems(
        "expression.syntax",
        &[
            "",
            "true && 1",
            "if 1 { }",
            "doc.",
            "1 +",
            "(",
            "[1, 2].map(|x| x)",
            "\"abc",
            "doc.a.\"b\"",
            "1e5",
        ],
    );
}

#[test]
fn written_arguments_are_checked_at_load() {
    all_problems(
        "expression.pattern",
        &["matches(doc.name, `(`)", "matches(doc.name, doc.ids)"],
    );
    all_problems("expression.path", &["has(doc, \"a..b\")", "has(doc, \"a[*]\")"]);
    all_problems(
        "expression.zone",
        &[
            "date(doc.name, \"%Y-%m-%d %H:%M\")",
            "date(doc.name, \"%Y-%m-%d\", \"Europe/Berlim\")",
        ],
    );
    all_problems(
        "expression.format",
        &[
            "date(doc.name, \"%Q\")",
            "date(doc.name, \"%Y\")",
            "date(doc.name, \"%d %v\")",
            "format_date(now(), \"%Z\")",
        ],
    );
    all_problems(
        "expression.code",
        &["refuse(doc.name)", "refuse(\"Bad Code\")", "refuse(\"a\", \"b\")"],
    );
    all_problems(
        "expression.names",
        &[
            "zip([\"a\"], doc.items, doc.items)",
            "zip([\"a\", \"a\"], doc.items, doc.items)",
        ],
    );
}

#[test]
fn nothing_runs_on() {
    let deep = format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000));
    let nots = format!("{}true", "!".repeat(5_000));
    let lists = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    for source in [&deep, &nots, &lists] {
        let started = Instant::now();
        assert_eq!(problem(source).code, "expression.syntax");
        assert!(started.elapsed().as_millis() < 1_000);
    }
    let sum = format!("1{}", " + 1".repeat(5_000));
    let chain = format!("doc{}", ".a".repeat(5_000));
    let calls = format!("doc.name{}", ".trim()".repeat(5_000));
    let elses = format!("if doc.paid {{ 1 }}{}", " else if doc.paid { 2 }".repeat(2_000));
    for source in [&sum, &chain, &calls, &elses] {
        if let Ok(expression) = compile(source) {
            let _ = evaluate(expression.source());
        }
    }
    for source in [
        "loop { }",
        "while true { let x = 1; }",
        "let x = \"ab\"; loop { x += x }",
        "let x = [1]; loop { x += x }",
        "0..1000000000",
        "for i in 0..100000 { for j in 0..100000 { } }",
        "let x = doc.name; for i in 0..20 { x += x } loop { x = x.upper() }",
        "let x = \"ab\"; loop { x = x.replace(\"b\", \"bbbbbbbbbbbbbbbb\") }",
        "let x = []; loop { x = [x, x] }",
        "let x = []; loop { x = [x] }",
        "let x = #{}; loop { x = #{ x: x } }",
        "let x = \"ab\"; for i in 0..19 { x += x } let y = []; for i in 0..1000 { y += [x] } y",
    ] {
        let started = Instant::now();
        assert_eq!(refused(source).code, "expression.limit", "{source}");
        assert!(started.elapsed().as_millis() < 1_000, "{source}");
    }
}

#[test]
fn a_problem_and_a_refusal_report_line_and_column_of_the_file() {
    let text = "[into]\n  a = '= doc.x + dok'\nb = \"= \\\"\\u0041\\\" + dok\"\nc = '''\n= doc.x +\n   dok'''\nd = '= 1 + doc.name'\n";
    let reading = Reading::new("0002_x.toml", text);
    let toml = toml_edit::Document::parse(text).unwrap();
    let read = |name: &str| Template::read(&toml["into"][name], &reading);
    for (name, place) in [
        ("a", "0002_x.toml:2:18"),
        ("b", "0002_x.toml:3:21"),
        ("c", "0002_x.toml:6:4"),
    ] {
        assert_eq!(
            read(name).unwrap_err().place.unwrap().to_string(),
            place,
            "{name}"
        );
    }
    let context = Context {
        project: "p",
        stage: 1,
        id: "1",
        salt: None,
        now_us: 0,
        secrets: &Secrets::default(),
        limits: crate::record::Limits::default(),
        probe: None,
        lookups: None,
    };
    let document = Document::parse(r#"{"name":"SECRET"}"#).unwrap();
    let refusal = read("d")
        .unwrap()
        .value(&document, &mut Scope::new(context))
        .unwrap_err();
    assert_eq!(refusal.violations[0].rule.as_deref(), Some("0002_x.toml:7:10"));
    assert!(!refusal.to_json().contains("SECRET"));
}

#[test]
fn no_refusal_and_no_debug_text_holds_a_value_of_the_record() {
    for source in [
        "doc.name + 1",
        "decimal(doc.name)",
        "doc[doc.name]",
        "date(doc.name, \"%Y-%m-%d\")",
        "doc.items[doc.name]",
        "secret(doc.name)",
        "doc.customer[doc.name]",
        "doc.name == doc.items",
        "divide(doc.name, 1, 2)",
        "date(\"2024\", doc.name)",
        "date(\"2024-01-01\", \"%Y-%m-%d\", doc.name)",
        "uuid5(doc.items)",
    ] {
        let refusal = refused(source);
        assert!(!format!("{refusal:?}").contains("Mary"), "{source}");
    }
    assert_eq!(format!("{:?}", Datum::text("Mary")), "a string");
}

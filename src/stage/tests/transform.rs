use super::{ORDERS, outcome, parse};
use crate::digest::stage_uuid;
use crate::environment::Secrets;
use crate::stage::{ExampleResult, Verdict};

#[test]
fn the_example_of_the_design_runs() {
    let results = parse(ORDERS).run_examples("shop", &Secrets::default());
    assert_eq!(results.len(), 3);
    for ExampleResult { name, verdict, .. } in results {
        assert_eq!(verdict, Verdict::Passed { round_trip: false }, "{name}");
    }
}

#[test]
fn a_record_goes_through_the_steps_in_their_order() {
    let stage = parse(
        r#"
[stage]
source = "a1"
target = "a2"
where = "= doc.old != 0"
id = "= doc.fresh"
[[op]]
op = "rename"
from = "old"
to = "fresh"
[into]
z.b = "= doc.fresh"
a = 1.50
z.a = "= doc.kept"
[contract]
source = { required = ["old"] }
target = { properties = { z = { properties = { b = { minimum = 2 } } } } }
[[contract.rule]]
name = "not three"
expect = "= doc.z.b != 3"
"#,
    );
    assert_eq!(
        outcome(&stage, r#"{"old":7,"kept":6.00}"#),
        r#"7 {"z":{"b":7,"a":6.00},"a":1.50}"#
    );
    assert_eq!(outcome(&stage, r#"{"old":0}"#), "filtered where");
    let by_contract = outcome(&stage, r#"{"old":1,"kept":2}"#);
    assert!(
        by_contract.starts_with(
            r#"{"code":"contract.target","violations":[{"code":"contract.minimum","pointer":"/z/b""#
        ),
        "{by_contract}"
    );
    let by_rule = outcome(&stage, r#"{"old":3,"kept":2}"#);
    assert!(
        by_rule.starts_with(r#"{"code":"contract.rule","#) && by_rule.contains("not three"),
        "{by_rule}"
    );
    let missing = outcome(&stage, r#"{"old":5}"#);
    assert!(!missing.starts_with("5 "), "{missing}");
}

#[test]
fn the_source_contract_is_checked_before_anything_changes() {
    let stage = parse(
        "[stage]\nsource = \"a1\"\n[contract]\nsource = { required = [\"x\", \"y\"] }\n[[op]]\nop = \"rename\"\nfrom = \"x\"\nto = \"z\"\n",
    );
    let refused = outcome(&stage, "{}");
    assert!(refused.starts_with(r#"{"code":"contract.source","#), "{refused}");
    assert_eq!(
        refused.matches("contract.required").count(),
        2,
        "all violations are collected: {refused}"
    );
    assert_eq!(outcome(&stage, r#"{"x":1,"y":2}"#), r#"r1 {"z":1,"y":2}"#);
}

#[test]
fn an_id_is_a_text_or_a_whole_number_and_neither_empty_nor_with_nul() {
    let stage = parse("[stage]\nsource = \"a1\"\ntarget = \"a2\"\nid = \"= doc.k\"\n");
    assert_eq!(outcome(&stage, r#"{"k":"x"}"#), r#"x {"k":"x"}"#);
    assert_eq!(outcome(&stage, r#"{"k":-12}"#), r#"-12 {"k":-12}"#);
    for (value, code) in [
        ("\"\"", "id.empty"),
        ("\"a\\u0000\"", "id.nul"),
        ("null", "id.missing"),
        ("1.5", "id.wrong_type"),
        ("1e2", "id.wrong_type"),
        ("[1]", "id.wrong_type"),
        ("true", "id.wrong_type"),
    ] {
        let refused = outcome(&stage, &format!(r#"{{"k":{value}}}"#));
        assert!(
            refused.starts_with(&format!(r#"{{"code":"{code}""#)),
            "{value}: {refused}"
        );
    }
    assert!(!stage.takes_over_ids());
    assert!(parse("[stage]\nsource = \"a1\"\n").takes_over_ids());
}

#[test]
fn an_untouched_record_keeps_its_text() {
    let stage = parse("[stage]\nsource = \"a1\"\ntarget = \"a2\"\n");
    let data = r#"{"b":6.00,"a":[1e400,-0,{"x":"\u0041"}],"\u0062b":null}"#;
    assert_eq!(outcome(&stage, data), format!("r1 {data}"));
}

#[test]
fn the_parts_of_a_derived_record_have_stable_ids_of_their_own() {
    let text = "[stage]\nsource = \"a1\"\ntarget = \"a2\"\n[[op]]\nop = \"derive\"\npath = \"lines\"\n";
    let stage = parse(text);
    assert!(stage.derives() && !stage.takes_over_ids());
    let ids: Vec<String> = ["1", "2"]
        .iter()
        .map(|part| stage_uuid("shop", 1, "r1", part).to_string())
        .collect();
    let found = outcome(&stage, r#"{"lines":[{"a":1},{"a":2}]}"#);
    let found: Vec<&str> = found
        .lines()
        .map(|line| line.split(' ').next().unwrap_or_default())
        .collect();
    assert_eq!(found, ids);
}

#[test]
fn an_example_that_fails_says_what_is_different() {
    let stage = parse(
        r#"
[stage]
source = "a1"
redact = ["secret"]
[[op]]
op = "rename"
from = "a"
to = "b"
[[example]]
name = "exact and back"
input = '{"a": 1.0, "c": 2}'
output = '{"b": 1.0, "c": 2}'
[[example]]
name = "order"
input = '{"a": 1, "c": 2}'
output = '{"c": 2, "b": 1}'
[[example]]
name = "number text"
input = '{"a": 1.0, "secret": "x7"}'
output = '{"b": 1, "secret": "x8"}'
[[example]]
name = "refusal"
input = '{}'
refused = "rename.exists"
[[example]]
name = "as named"
input = '{}'
refused = "rename.missing"
"#,
    );
    let verdicts: Vec<Verdict> = stage
        .run_examples("shop", &Secrets::default())
        .into_iter()
        .map(|result| result.verdict)
        .collect();
    assert_eq!(verdicts[0], Verdict::Passed { round_trip: true });
    let failed = |at: usize| match &verdicts[at] {
        Verdict::Failed(text) => text.clone(),
        Verdict::Passed { .. } => panic!("example {at} passed"),
    };
    assert!(
        failed(1).starts_with("the output has the right fields in the wrong order"),
        "{}",
        failed(1)
    );
    assert!(
        failed(2).contains("-  \"b\": 1,\n+  \"b\": 1.0,"),
        "{}",
        failed(2)
    );
    assert!(
        !failed(2).contains("x7") && !failed(2).contains("x8"),
        "{}",
        failed(2)
    );
    assert!(
        failed(3).starts_with("expected the refusal `rename.exists`"),
        "{}",
        failed(3)
    );
    assert_eq!(verdicts[4], Verdict::Passed { round_trip: false });
}

#[test]
fn what_a_record_becomes_is_bounded_in_all() {
    let text = "[stage]\nsource = \"a1\"\ntarget = \"a2\"\n[[op]]\nop = \"derive\"\npath = \"lines\"\nkeep = [\"big\"]\n";
    let with = |lines: usize| {
        let big = "x".repeat(1 << 20);
        format!(
            "{{\"big\":\"{big}\",\"lines\":[{}]}}",
            vec!["{}"; lines].join(",")
        )
    };
    assert_eq!(outcome(&parse(text), &with(15)).lines().count(), 15);
    let refused = outcome(&parse(text), &with(16));
    assert!(refused.contains("derive.too_large"), "{} bytes", refused.len());
    // Only what the rest of the stage leaves of it counts.
    let into = format!("{text}[into]\nlength = \"= len(doc.big)\"\n");
    assert_eq!(outcome(&parse(&into), &with(100)).lines().count(), 100);
}

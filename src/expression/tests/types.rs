//! What is said to refuse every record does, whatever the record.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::{compile, evaluate_for};

/// What stands alone.
const LEAVES: [&str; 19] = [
    "1",
    "2.50",
    "\"a\"",
    "\"7\"",
    "true",
    "()",
    "[]",
    "[1, \"a\"]",
    "#{ k: 1 }",
    "doc",
    "doc.a",
    "doc.b",
    "doc.c.d",
    "omit",
    "now()",
    "date(\"2024-01-01\", \"%Y-%m-%d\")",
    "0..3",
    "`x${doc.a}`",
    "doc.get(\"b\")",
];
/// What stands between two.
const SIGNS: [&str; 15] = [
    "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "??", "in",
];
/// What is done to one.
const FORMS: [&str; 33] = [
    "!{}",
    "-{}",
    "text({})",
    "trim({})",
    "len({})",
    "decimal({})",
    "integer({})",
    "abs({})",
    "sum({})",
    "keys({})",
    "round({}, 2)",
    "sha256({})",
    "is_null({})",
    "{}[0]",
    "{}.k",
    "{}?.k",
    "upper({})",
    "list({}, \",\")",
    "split({}, \",\")",
    "join({}, \",\")",
    "min({}, 1)",
    "max({})",
    "has({}, \"k\")",
    "get({}, \"k\")",
    "format_date({}, \"%Y\")",
    "date({}, \"%Y-%m-%d\")",
    "matches({}, \"a\")",
    "starts_with({}, \"a\")",
    "zip({}, [1])",
    "`${{}}`",
    "uuid5({})",
    "contains({}, 1)",
    "replace({}, \"a\", \"b\")",
];

/// Texts of expressions of all sorts, most of which fit no types.
fn sources() -> impl Strategy<Value = String> {
    let leaves = prop::sample::select(LEAVES.to_vec()).prop_map(str::to_owned);
    leaves.prop_recursive(4, 24, 3, |inner| {
        let two = || (inner.clone(), inner.clone());
        let (sign, form) = (
            prop::sample::select(SIGNS.to_vec()),
            prop::sample::select(FORMS.to_vec()),
        );
        prop_oneof![
            (inner.clone(), sign, inner.clone())
                .prop_map(|(left, sign, right)| format!("({left} {sign} {right})")),
            (inner.clone(), form).prop_map(|(of, form)| form.replacen("{}", &format!("({of})"), 1)),
            (two(), inner.clone()).prop_map(|((a, b), c)| format!("if {a} {{ {b} }} else {{ {c} }}")),
            two().prop_map(|(a, b)| format!("switch {a} {{ 1 => {b}, \"a\" => 2, _ => () }}")),
            two().prop_map(|(a, b)| format!("{{ let x = {a}; x += {b}; x }}")),
            two().prop_map(|(a, b)| format!(
                "{{ let s = 0; for x in {a} {{ s += x; if s == {b} {{ break }} }} s }}"
            )),
            two().prop_map(|(a, b)| format!("[{a}, {b}]")),
        ]
    })
}

fn records() -> impl Strategy<Value = String> {
    let value = prop::sample::select(vec![
        "1",
        "0.5",
        "\"a\"",
        "\"7\"",
        "true",
        "null",
        "[1,2]",
        "[]",
        "{\"k\":1}",
        "{}",
        "\"2024-01-01\"",
    ]);
    (value.clone(), value.clone(), value)
        .prop_map(|(a, b, d)| format!("{{\"a\":{a},\"b\":{b},\"c\":{{\"d\":{d}}}}}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_is_said_to_refuse_every_record_refuses_it(source in sources(), record in records()) {
        // What is no expression at all is another matter.
        let is_one = !matches!(compile(&source), Err(problem) if problem.code != "expression.never");
        if is_one {
            let _ = evaluate_for(&source, &record);
        }
    }
}

/// Of the expressions that a hundred records of all sorts get nothing out of, most are found beforehand.
#[test]
fn much_of_what_no_record_gets_through_is_found() {
    let mut runner = TestRunner::deterministic();
    let source = |runner: &mut TestRunner| sources().new_tree(runner).expect("a source").current();
    let record = |runner: &mut TestRunner| records().new_tree(runner).expect("a record").current();
    let records: Vec<String> = (0..100).map(|_| record(&mut runner)).collect();
    let (mut found, mut missed) = (0, 0);
    for _ in 0..1_000 {
        let source = source(&mut runner);
        match compile(&source) {
            Err(problem) if problem.code == "expression.never" => found += 1,
            Err(_) => {}
            Ok(_) => {
                let refused = |record: &String| matches!(evaluate_for(&source, record), Err(refusal) if refusal.code == "expression.types");
                missed += usize::from(records.iter().all(refused));
            }
        }
    }
    assert!(found > 5 * missed, "{found} found, {missed} missed");
}

//! What survives, rule by rule, and what holds for any members.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::context::Context;
use crate::environment::Secrets;
use crate::op::{MemberValue, Survivor};
use crate::record::{Document, RecordNumber, Value};
use crate::refusal::Refusal;
use crate::stage::{Lookup, Stage};

/// The survival of a stage with these lines below `[merge.survive]`.
fn read(toml: &str) -> Survival {
    let text = format!(
        "[stage]\nsource = 'a'\ntarget = 'b'\n[merge]\nidentity = {{ given = 'name.first', birth = 'dob' }}\n\
         [merge.survive]\n{toml}\n"
    );
    let stage = Stage::parse("0004_people.toml", &text, &Lookup::nothing())
        .unwrap_or_else(|problems| panic!("{problems}"));
    stage.merge().expect("a merge").survival().clone()
}

/// The golden record of members `(id, data)`, which were loaded in this order.
fn golden_of(survival: &Survival, members: &[(&str, &str)]) -> Result<Golden, Refusal> {
    let documents: Vec<Document> = members
        .iter()
        .map(|(_, data)| Document::parse(data).unwrap())
        .collect();
    let members = members.iter().zip(&documents).zip(1..);
    let members: Vec<Member<'_>> = members
        .map(|(((id, _), document), number)| Member {
            number: RecordNumber::new(number),
            id,
            document,
        })
        .collect();
    let secrets = Secrets::default();
    survival.golden(&members, &Context::new("p", 4, &secrets))
}

fn golden(toml: &str, members: &[(&str, &str)]) -> String {
    golden_of(&read(toml), members).unwrap().document.to_json()
}

fn refused(toml: &str, members: &[(&str, &str)]) -> Vec<String> {
    let refusal = golden_of(&read(toml), members).unwrap_err();
    let places = refusal.violations.iter();
    places
        .map(|violation| format!("{} {}", violation.code, violation.pointer))
        .collect()
}

#[test]
fn a_member_alone_is_its_golden_record_byte_for_byte() {
    let data = r#"{"z":6.00,"\u0061":"\u0041","n":null,"l":["x","x"],"o":{}}"#;
    for toml in ["", "default = 'union'\nprovenance = '_sources'"] {
        let golden = golden_of(&read(toml), &[("A:1", data)]).unwrap();
        assert_eq!(golden.document.to_json(), data);
        assert!(golden.won.is_empty());
    }
}

#[test]
fn what_is_filled_survives_field_by_field_in_the_order_of_the_first() {
    let a = r#"{"id":"1","name":{"first":"Jo","last":" "},"phone":null,"n":1.50,"note":""}"#;
    let b =
        r#"{"id":"2","name":{"last":"Smith","title":"Dr","first":""},"phone":"555","mail":"j@x","tags":[]}"#;
    let golden = golden_of(&read(""), &[("A:1", a), ("B:1", b)]).unwrap();
    // B has more fields, so its id survives.
    assert_eq!(
        golden.document.to_json(),
        r#"{"id":"2","name":{"first":"Jo","last":"Smith","title":"Dr"},"phone":"555","n":1.50,"note":"","mail":"j@x","tags":[]}"#
    );
    let won: Vec<(&str, i64)> = golden
        .won
        .iter()
        .map(|(at, number)| (at.as_str(), number.get()))
        .collect();
    assert_eq!(won, [("/id", 2)]);
}

#[test]
fn of_equals_the_id_that_comes_first_survives_whichever_was_loaded_first() {
    let (a, b) = (("A:1", r#"{"x":"a"}"#), ("B:1", r#"{"x":"b"}"#));
    assert_eq!(golden("", &[a, b]), golden("", &[b, a]));
    assert_eq!(golden("default = 'first'", &[b, a]), b.1);
}

const MEMBERS: [(&str, &str); 3] = [
    ("C:1", r#"{"source":"C","at":"2024-01-01","x":"Jon","n":1.0}"#),
    ("A:1", r#"{"source":"A","at":"2025-06-01","x":"J","n":1.00}"#),
    ("B:1", r#"{"source":"B","at":"2023-01-01","x":"Jon","n":2}"#),
];

#[test]
fn each_rule_chooses_as_its_name_says() {
    for (rule, x, n) in [
        ("{ by = 'newest', of = '= doc.at' }", "J", "1.00"),
        ("{ by = 'oldest', of = '= doc.at' }", "Jon", "2"),
        (
            "{ by = 'source', of = '= doc.source', order = ['B', 'A'] }",
            "Jon",
            "2",
        ),
        (
            "{ by = 'source', of = '= doc.source', order = ['A'] }",
            "J",
            "1.00",
        ),
        ("'majority'", "Jon", "1.00"),
        ("'newest'", "Jon", "2"),
        ("'longest'", "Jon", "1.00"),
        ("'first'", "Jon", "1.0"),
        ("'most_complete'", "J", "1.00"),
    ] {
        let text = golden(&format!("x = {rule}\nn = {rule}"), &MEMBERS);
        assert!(
            text.ends_with(&format!(r#""x":"{x}","n":{n}}}"#)),
            "{rule}: {text}"
        );
    }
}

#[test]
fn a_member_of_which_the_expression_says_nothing_comes_last() {
    let members = [
        ("A:1", r#"{"x":"none"}"#),
        ("B:1", r#"{"x":"null","at":null}"#),
        ("C:1", r#"{"x":"dated","at":"01.02.2020"}"#),
        ("D:1", r#"{"x":"wrong","at":"soon"}"#),
    ];
    let of = "of = '= date(doc.at, \"%d.%m.%Y\")'";
    for by in ["newest", "oldest"] {
        let text = golden(&format!("x = {{ by = '{by}', {of} }}"), &members);
        assert!(text.contains(r#""x":"dated""#), "{by}: {text}");
    }
    let unlike = [("A:1", r#"{"x":"a","at":1}"#), ("B:1", r#"{"x":"b","at":"1"}"#)];
    assert_eq!(
        refused("x = { by = 'newest', of = '= doc.at' }", &unlike),
        ["merge.unlike /x"]
    );
}

#[test]
fn an_object_survives_as_a_whole_where_the_rule_says_so() {
    let members = [
        ("A:1", r#"{"at":2,"address":{"street":"Main","zip":"1"}}"#),
        (
            "B:1",
            r#"{"at":1,"address":{"street":"Oak","zip":"2","city":"X"}}"#,
        ),
        ("C:1", r#"{"at":3,"address":{"street":"","zip":null}}"#),
    ];
    let rule = "{ by = 'newest', of = '= doc.at', whole = true }";
    let whole = golden(&format!("address = {rule}"), &members);
    assert!(
        whole.ends_with(r#""address":{"street":"Main","zip":"1"}}"#),
        "{whole}"
    );
    let complete = golden("address = { by = 'most_complete', whole = true }", &members);
    assert!(
        complete.ends_with(r#""address":{"street":"Oak","zip":"2","city":"X"}}"#),
        "{complete}"
    );
    let mixed = golden("address = { by = 'newest', of = '= doc.at' }", &members);
    assert!(
        mixed.ends_with(r#""address":{"street":"Main","zip":"1","city":"X"}}"#),
        "{mixed}"
    );
    let deeper = golden(
        "address = 'first'\n'address.zip' = { by = 'oldest', of = '= doc.at' }",
        &members,
    );
    assert!(
        deeper.ends_with(r#""address":{"street":"Main","zip":"2","city":"X"}}"#),
        "{deeper}"
    );
}

#[test]
fn a_union_has_every_element_once() {
    let members = [
        (
            "A:1",
            r#"{"a":["nuts",{"code":"P","n":1.0}],"t":"x","s":"y","e":[]}"#,
        ),
        (
            "B:1",
            r#"{"a":[{"n":1.00,"code":"P"},"latex","nuts"],"t":"x","s":["z","y"],"e":null}"#,
        ),
        ("C:1", r#"{"a":"milk","t":"x"}"#),
    ];
    let golden = golden_of(&read("default = 'union'"), &members).unwrap();
    assert_eq!(
        golden.document.to_json(),
        r#"{"a":["nuts",{"code":"P","n":1.0},"latex","milk"],"t":"x","s":["y","z"],"e":[]}"#
    );
    assert!(golden.won.is_empty());
}

#[test]
fn what_must_not_differ_refuses_the_cluster_without_a_value() {
    let members = [
        ("A:1", r#"{"blood":{"type":"A+","n":1},"sex":"f"}"#),
        ("B:1", r#"{"blood":{"type":"B+","n":1.0},"sex":"m"}"#),
        ("C:1", r#"{"blood":{"type":"","n":null}}"#),
    ];
    assert_eq!(
        refused("blood = 'fail'\nsex = 'fail'", &members),
        ["merge.differs /blood/type", "merge.differs /sex"]
    );
    assert!(golden("'blood.n' = 'fail'", &members).contains(r#""n":1"#));
    let refusal = golden_of(&read("default = 'fail'"), &members)
        .unwrap_err()
        .to_json();
    assert!(!refusal.contains("A+") && !refusal.contains("B+"), "{refusal}");
}

#[test]
fn provenance_names_the_member_of_each_value() {
    let toml = "provenance = '_sources'\nl = 'union'";
    let members = [
        ("A:1", r#"{"x":"a","o":{"p":1},"l":["1"]}"#),
        ("B:1", r#"{"x":"b","y":2,"l":["1","2"],"z":null}"#),
    ];
    assert_eq!(
        golden(toml, &members),
        r#"{"x":"a","o":{"p":1},"l":["1","2"],"y":2,"z":null,"_sources":{"/l":["A:1","B:1"],"/o/p":"A:1","/x":"A:1","/y":"B:1"}}"#
    );
    let named = [
        ("A:1", r#"{"provenance":"a","n":1}"#),
        ("B:1", r#"{"provenance":"bc"}"#),
    ];
    assert!(golden("'/provenance' = 'longest'", &named).contains(r#""provenance":"bc""#));
    let taken = [("A:1", r#"{"_sources":1}"#), ("B:1", r#"{"x":2}"#)];
    assert_eq!(refused(toml, &taken), ["merge.provenance /_sources"]);
}

#[derive(Debug)]
struct Shortest;

impl Survivor for Shortest {
    fn name(&self) -> &'static str {
        "shortest"
    }

    fn version(&self) -> u32 {
        2
    }

    fn choose(&self, values: &[MemberValue<'_>]) -> Option<usize> {
        let lengths = values
            .iter()
            .map(|value| value.value.as_text().map(|text| text.len()));
        let lengths: Option<Vec<usize>> = lengths.collect();
        lengths?
            .into_iter()
            .enumerate()
            .min_by_key(|(_, length)| *length)
            .map(|(at, _)| at)
    }
}

#[test]
fn a_program_may_choose() {
    let rule = SurvivalRule {
        by: Survive::Custom(Arc::new(Shortest)),
        ..SurvivalRule::default()
    };
    let survival = Survival {
        fields: vec![("x".parse().unwrap(), rule)],
        ..Survival::default()
    };
    assert_eq!(
        survival.meaning(),
        json!({
            "default": { "by": "most_complete" },
            "fields": [["/x", { "by": "rust", "survivor": "shortest", "version": 2 }]],
        })
    );
    let chosen = golden_of(&survival, &[("A:1", r#"{"x":"abc"}"#), ("B:1", r#"{"x":"a"}"#)]);
    assert_eq!(chosen.unwrap().document.to_json(), r#"{"x":"a"}"#);
    let none = golden_of(&survival, &[("A:1", r#"{"x":"abc"}"#), ("B:1", r#"{"x":1}"#)]).unwrap_err();
    assert_eq!(none.code, "merge.differs");
}

#[test]
fn the_meaning_has_every_setting_in_an_order_that_says_nothing() {
    let one = read(
        "default = 'longest'\nprovenance = 'from'\nb = 'union'\n\
         a = { by = 'source', of = '= doc.s', order = ['A', 'B'], whole = true }",
    );
    let other = read(
        "provenance = 'from'\nb = { by = 'union' }\ndefault = { by = 'longest', whole = false }\n\
         a = { whole = true, by = 'source', order = ['A', 'B'], of = '= doc.s' }",
    );
    assert_eq!(one.meaning(), other.meaning());
    assert_eq!(
        one.meaning(),
        json!({
            "default": { "by": "longest" },
            "fields": [
                ["/a", { "by": "source", "of": "doc.s", "order": ["A", "B"], "whole": true }],
                ["/b", { "by": "union" }],
            ],
            "provenance": "from",
        })
    );
    assert_eq!(
        read("").meaning(),
        json!({ "default": { "by": "most_complete" }, "fields": [] })
    );
}

/// A value with few forms, so that members agree and differ.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("\"\"".to_owned()),
        "[ab]{1,2}".prop_map(|text| format!("\"{text}\"")),
        (0..3i64).prop_map(|number| number.to_string()),
        Just("1.0".to_owned()),
        proptest::collection::vec("[ab]", 0..3).prop_map(|list| format!(
            "[{}]",
            list.iter()
                .map(|text| format!("\"{text}\""))
                .collect::<Vec<_>>()
                .join(",")
        )),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        proptest::collection::btree_map("[xyz]", inner, 0..3).prop_map(|fields| object(&fields))
    })
}

fn object(fields: &BTreeMap<String, String>) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", fields.join(","))
}

fn record() -> impl Strategy<Value = String> {
    proptest::collection::btree_map("[a-e]", value(), 0..5).prop_map(|fields| object(&fields))
}

const RULES: [&str; 7] = [
    "'most_complete'",
    "'first'",
    "'majority'",
    "'longest'",
    "'union'",
    "{ by = 'newest', of = '= text(doc.a)' }",
    "{ by = 'source', of = '= doc.b', order = ['a', 'b'], whole = true }",
];

/// The leaves of a value, with elements of lists as leaves where asked.
fn leaves(value: &Value, at: &str, lists: bool, out: &mut Vec<(String, String)>) {
    if let Some(object) = value.as_object() {
        for field in object.fields() {
            leaves(&field.value, &format!("{at}/{}", field.name()), lists, out);
        }
    } else if let (true, Some(list)) = (lists, value.as_list()) {
        list.iter().for_each(|element| leaves(element, at, lists, out));
    } else {
        out.push((at.to_owned(), value.to_json()));
    }
}

fn leaves_of(document: &Document, lists: bool) -> Vec<(String, String)> {
    let mut out = Vec::new();
    leaves(&Value::Object(document.clone()), "", lists, &mut out);
    out
}

proptest! {
    #[test]
    fn the_order_of_members_decides_nothing_and_each_leaf_is_a_members(
        records in proptest::collection::vec(record(), 1..5),
        rule in 0..RULES.len(),
        turn in 0..5usize,
    ) {
        // A default cannot keep objects whole.
        let keys: &[&str] = if RULES[rule].contains("whole") { &["a", "b", "c", "d", "e"] } else { &["default"] };
        let lines: Vec<String> = keys.iter().map(|key| format!("{key} = {}", RULES[rule])).collect();
        let survival = read(&lines.join("\n"));
        let documents: Vec<Document> = records.iter().map(|data| Document::parse(data).unwrap()).collect();
        let ids: Vec<String> = (0..records.len()).map(|at| format!("{}:{at}", ["C", "A", "B"][at % 3])).collect();
        let mut members: Vec<Member<'_>> = (1..).zip(&ids).zip(&documents).map(|((number, id), document)| Member {
            number: RecordNumber::new(number),
            id,
            document,
        }).collect();
        let secrets = Secrets::default();
        let context = Context::new("p", 4, &secrets);
        let golden = survival.golden(&members, &context);
        let length = members.len();
        members.rotate_left(turn % length);
        prop_assert_eq!(&survival.golden(&members, &context), &golden);
        let Ok(golden) = golden else { return Ok(()) };

        let alone = Member { number: RecordNumber::new(1), id: "A:1", document: &golden.document };
        prop_assert_eq!(survival.golden(&[alone], &context).unwrap().document, golden.document.clone());

        let is_union = RULES[rule] == "'union'";
        let given: Vec<(String, String)> = documents.iter().flat_map(|document| leaves_of(document, is_union)).collect();
        for (at, leaf) in leaves_of(&golden.document, is_union) {
            let is_given = |(other, text): &(String, String)| *text == leaf && (*other == at || at.starts_with(other.as_str()));
            prop_assert!(given.iter().any(is_given) || leaf == "[]", "{} {}", at, leaf);
        }
        if is_union {
            let kept: Vec<String> = leaves_of(&golden.document, true).into_iter().map(|(_, leaf)| leaf).collect();
            for (at, leaf) in given.iter().filter(|(_, leaf)| leaf.len() > 2 && leaf != "null") {
                let leaf = if leaf == "1.0" && !kept.contains(leaf) { "1" } else { leaf };
                prop_assert!(kept.iter().any(|other| other == leaf), "{} {}", at, leaf);
            }
        }
    }
}

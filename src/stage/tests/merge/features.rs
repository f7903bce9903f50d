use super::{compared, merging, parse};

const MEMBER: &str = r#"{"name":{"first":" Zoë ","last":"O'Hara-Smith"},"dob":"19850302","ssn_key":"078-05-1120",
    "address":{"street":"12 Main  St","city":"Springfield","zip":" 01234 "},"phone":"(555) 010-9999","sex":null}"#;

#[test]
fn the_fields_are_compared_without_what_says_nothing() {
    let shown = compared(&merging(""), MEMBER);
    assert!(
        shown.ends_with(", 12 main st, springfield, 01234, 5550109999, -"),
        "{shown}"
    );
    assert!(shown.contains(", 1985-03-02, 078051120, "), "{shown}");
}

#[test]
fn what_is_missing_null_or_blank_is_absent_and_a_list_is_refused() {
    let stage = merging("");
    assert_eq!(
        compared(
            &stage,
            r#"{"name":{"first":null,"last":"  "},"dob":"","ssn_key":"none"}"#
        ),
        "-, -, -, -, -, -, -, -, -"
    );
    let refused = compared(&stage, r#"{"name":{"first":["Ann","Anna"]}}"#);
    assert!(
        refused.contains("merge.not_a_text") && refused.contains("/name/first"),
        "{refused}"
    );
    assert!(!refused.contains("Anna"), "{refused}");
    assert_eq!(
        compared(&stage, r#"{"ssn_key":12345,"phone":true}"#),
        "-, -, 12345, -, -, -, -, -, -"
    );
}

#[test]
fn expressions_see_the_fields_and_the_record() {
    let stage = merging(
        r#"
[[merge.field]]
name = "initials"
value = "= lower(given) + doc.name.last"
[[merge.field]]
name = "aliases"
value = "aliases[*].text"
compare = "set"
[[merge.block]]
key = ["= given + birth.month", "= doc.source.system"]
[merge.cluster]
one_per = "= doc.source.system"
"#,
    );
    let data = r#"{"name":{"first":"Ann","last":"Ray"},"dob":"1985-03-02","source":{"system":"A"},
        "aliases":[{"text":"Zoe"},{"text":"Al"},{"text":"zoe"},{}]}"#;
    let shown = compared(&stage, data);
    assert!(shown.ends_with(", annray, al|zoe, ann03, A, A"), "{shown}");
    // What an expression needs and the record lacks is neutral.
    let shown = compared(&stage, r#"{"name":{"first":"Ann"},"dob":"unknown"}"#);
    assert!(shown.ends_with(", -, -, -, -, -"), "{shown}");
}

#[test]
fn where_and_the_source_contract_decide_first() {
    let stage = parse(
        "[stage]\nsource = \"a1\"\ntarget = \"a2\"\nwhere = \"= doc.x != 1\"\n[merge]\nidentity = { first = \"a\" }\n\
         [contract]\nsource = { required = [\"a\"] }\n",
    );
    assert_eq!(compared(&stage, r#"{"x":1}"#), "filtered");
    assert!(compared(&stage, r#"{"x":2}"#).contains("contract.source"));
    assert_eq!(compared(&stage, r#"{"x":2,"a":"Ann"}"#), "ann, -");
}

#[test]
fn a_conflict_holds_either_way_round_and_an_absent_field_is_neutral() {
    let stage = merging(
        "[[merge.conflict]]\nname = \"two SSNs\"\nwhen = \"= a.ssn != b.ssn && a.birth.year < b.birth.year\"\n\
         then = \"never\"\n",
    );
    let merge = stage.merge().unwrap();
    let member = |ssn: &str, birth: &str| {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let mut values = vec![None; 8];
        (values[1], values[2]) = (text(birth), text(ssn));
        values
    };
    let found =
        |a: &[Option<String>], b: &[Option<String>]| super::in_scope(|scope| merge.conflict(a, b, scope));
    let (one, other) = (member("1", "1985-03-02"), member("2", "1986-03-02"));
    assert_eq!(found(&one, &other), Some(crate::matching::Then::Never));
    assert_eq!(found(&other, &one), Some(crate::matching::Then::Never));
    assert_eq!(found(&one, &member("1", "1986-03-02")), None);
    assert_eq!(found(&one, &member("", "1986-03-02")), None);
}

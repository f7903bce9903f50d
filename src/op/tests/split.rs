//! What `split` promises.

use crate::op::split::MANUAL;
use crate::op::tests::{built, run};
use crate::op::{Fewer, Operation as _, Split};

#[test]
fn a_name_is_split_at_its_first_blank() {
    let settings = "path = \"n\"\nat = \" \"\ninto = [\"name.first\", \"name.last\"]\nfewer = \"empty\"";
    let op = built(&MANUAL, settings, None).unwrap();
    for (name, first, last) in [
        ("John", "John", ""),
        ("Mary Ann Smith", "Mary", "Ann Smith"),
        ("", "", ""),
    ] {
        let expected = format!(r#"{{"n":"{name}","name":{{"first":"{first}","last":"{last}"}}}}"#);
        assert_eq!(
            run(op.as_ref(), &format!(r#"{{"n":"{name}"}}"#)).unwrap(),
            expected
        );
    }
    let op = Split::new("n", " ").into_fields(["a", "b"]);
    assert_eq!(run(&op, r#"{"n":"John"}"#).unwrap_err(), "split.no_match at /n");
    assert_eq!(
        run(&op, r#"{"n":"x y","b":1}"#).unwrap_err(),
        "split.exists at /b"
    );
    assert_eq!(
        run(&op.clone().limit(3), r#"{"n":"x y z"}"#).unwrap_err(),
        "split.too_many at /n"
    );
    assert_eq!(
        run(&op.fewer(Fewer::Omit), r#"{"n":"x"}"#).unwrap(),
        r#"{"n":"x","a":"x"}"#
    );
}

#[test]
fn a_pattern_takes_an_address_apart_from_the_right_or_refuses_it() {
    let settings = "path = \"a\"\npattern = '^(.+), ([^,]+), ([A-Z]{2}) (\\d{5})(-\\d{4})?$'\n\
        into = [\"street\", \"city\", \"state\", \"zip\", \"more\"]\nfewer = \"omit\"";
    let op = built(&MANUAL, settings, None).unwrap();
    let json = r#"{"a":"12 Main St, Apt 4, Boston, MA 02101"}"#;
    let expected = r#"{"a":"12 Main St, Apt 4, Boston, MA 02101","street":"12 Main St, Apt 4","city":"Boston","state":"MA","zip":"02101"}"#;
    assert_eq!(run(op.as_ref(), json).unwrap(), expected);
    for address in [
        "12 Main St, Boston, MA 0210",
        "12 Main St\\n, Boston, MA 02101",
        "",
    ] {
        let refused = run(op.as_ref(), &format!(r#"{{"a":"{address}"}}"#)).unwrap_err();
        assert_eq!(refused, "split.no_match at /a", "{address}");
    }
    let list = Split::by_pattern("a", "^(x)(y)?$");
    assert_eq!(run(&list, r#"{"a":"x"}"#).unwrap(), r#"{"a":["x",null]}"#);
    assert!(list.inverse().is_none());
    for (wrong, code) in [
        ("", "split.at"),
        ("at = ','\npattern = '(x)'", "split.at"),
        ("pattern = '('", "split.pattern"),
        ("pattern = 'x'", "split.groups"),
        ("pattern = '(x)'\ninto = ['b', 'c']", "split.groups"),
    ] {
        let settings = format!("path = 'a'\n{wrong}");
        assert_eq!(built(&MANUAL, &settings, None).unwrap_err().code, code, "{wrong}");
    }
}

#[test]
fn a_list_keeps_empty_parts_unless_it_drops_them() {
    let op = Split::new("l", ",");
    assert_eq!(run(&op, r#"{"l":" a,,b "}"#).unwrap(), r#"{"l":[" a","","b "]}"#);
    assert_eq!(
        run(&op.clone().limit(2), r#"{"l":"a,b,c"}"#).unwrap(),
        r#"{"l":["a","b,c"]}"#
    );
    let clean = op.trim().drop_empty();
    assert_eq!(run(&clean, r#"{"l":" a, ,b "}"#).unwrap(), r#"{"l":["a","b"]}"#);
    assert_eq!(run(&clean, r#"{"l":7}"#).unwrap_err(), "split.type at /l");
}

#[test]
fn joining_undoes_an_untrimmed_split() {
    let op = Split::new("p[*].l", ", ");
    let json = r#"{"p":[{"l":"a, b,, , "},{"l":""}]}"#;
    let there = run(&op, json).unwrap();
    assert_eq!(run(op.inverse().unwrap().as_ref(), &there).unwrap(), json);
    assert!(op.trim().inverse().is_none());
}

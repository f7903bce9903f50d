use super::{ORDERS, lookup, parse, problems};
use crate::environment::Secrets;
use crate::stage::Stage;

#[test]
fn all_problems_of_a_file_are_shown_at_once_with_their_places_and_suggestions() {
    let text = r#"
[stage]
sorce = "orders_v1"
target = "Orders"
on_error = "quarentine"
max_errors = 0.5
description = 3
redact = ["a..b"]

[[op]]
op = "renam"
from = "a"

[intoo]
id = "x"

[contract]
source = "../secret.json"
target = { requird = ["id"] }
[[contract.rule]]
nam = "x"
expect = "= true"

[[reconcile]]
name = "totals"
source = "= doc.total"
target = "= doc.total"
tolerance = "a cent"

[[example]]
name = "nothing is expected"
input = '{"a": 1'
"#;
    let expected = "\
stage.missing_key 0001_orders.toml:2:1: [stage] needs the key `source`: the database whose records it reads
stage.unknown_key 0001_orders.toml:3:1: [stage] has no key `sorce` (did you mean `source`?)
stage.bad_name 0001_orders.toml:4:10: `Orders` is not a valid database name: use a-z, 0-9 and _, starting with a letter, at most 63 characters
stage.wrong_word 0001_orders.toml:5:12: `on_error` cannot be `quarentine` (did you mean `quarantine`?)
stage.wrong_type 0001_orders.toml:6:14: `max_errors` takes a count or a share of the source, from 0% to 100% (write `max_errors = 100` or `max_errors = \"0.5%\"`)
stage.wrong_type 0001_orders.toml:7:15: `description` takes a string, not a whole number
stage.bad_path 0001_orders.toml:8:10: `a..b` is not a path: a name is missing
stage.unknown_op 0001_orders.toml:11:6: there is no operation `renam` (did you mean `rename`?)
stage.unknown_key 0001_orders.toml:14:2: the file has no key `intoo` (did you mean `into`?)
stage.no_file 0001_orders.toml:18:10: there is no file `../secret.json`
contract.unknown_keyword 0001_orders.toml:19:10: the schema has the keyword `requird`, which is not in JSON Schema 2020-12 (did you mean `required`? Names of custom annotations begin with `x-`)
stage.missing_key 0001_orders.toml:20:1: [[contract.rule]] needs the key `name`: what the rule says, in words
stage.unknown_key 0001_orders.toml:21:1: [[contract.rule]] has no key `nam` (did you mean `name`?)
stage.wrong_type 0001_orders.toml:28:13: `tolerance` takes a decimal of at most 28 digits that is not negative (write `tolerance = \"0.01\"`)
stage.bad_example 0001_orders.toml:30:1: an example needs exactly one of `output`, `refused` and `filtered = true`
stage.bad_example 0001_orders.toml:32:9: `input` is not JSON: EOF while parsing an object in its line 1, column 7
";
    snapbox::assert_data_eq!(problems(text), expected);
}

#[test]
fn what_only_compiling_finds_has_its_place_and_a_suggestion_too() {
    for (rest, expected) in [
        (
            "[[op]]\nop = \"decimal\"\npath = \"amount\"\nplaces = 2\n",
            "stage.rounding_undeclared 0001_orders.toml:3:1: this rounds, but the stage does not declare how (add `rounding = \"half-even\"` or `rounding = \"half-up\"` to [stage])\n",
        ),
        (
            "[into]\na.b = \"= round(doc.x, 2)\"\n",
            "stage.rounding_undeclared 0001_orders.toml:4:10: this rounds, but the stage does not declare how (add `rounding = \"half-even\"` or `rounding = \"half-up\"` to [stage])\n",
        ),
        (
            "[into]\na.b = \"= doc.x.splitt(1)\"\n",
            "expression.unknown_function 0001_orders.toml:4:16: there is no function `splitt` (did you mean `split`?)\n",
        ),
        (
            "where = \"= doc.a == nothing\"\n",
            "expression.unknown_name 0001_orders.toml:3:21: `nothing` is not defined here (a field of the record is written doc.NAME: did you mean `doc.nothing`?)\n",
        ),
        (
            "[[op]]\nop = \"rename\"\nfrom = \"a\"\ntoo = \"b\"\nto = \"c\"\n",
            "stage.unknown_key 0001_orders.toml:6:1: `rename` has no key `too` (did you mean `to`?)\n",
        ),
        (
            "[into]\ntotals.sum = 1\n[[contract.rule]]\nname = \"x\"\nexpect = \"= doc.totals.sun == 1\"\n",
            "stage.unknown_field 0001_orders.toml:7:10: [into] does not build `totals.sun`: there is no field `sun` (did you mean `sum`?)\n",
        ),
    ] {
        snapbox::assert_data_eq!(problems(&format!("[stage]\nsource = \"a1\"\n{rest}")), expected);
    }
}

#[test]
fn a_mistake_in_one_place_is_not_reported_in_others() {
    let prepare = problems("[stage]\nsource = \"a1\"\nid = \"= a\"\nprepare = \"let a = ;\"\n");
    assert_eq!(prepare.lines().count(), 1, "{prepare}");
    let into = problems(
        "[stage]\nsource = \"a1\"\n[into]\na = \"= lenght(doc.x)\"\n[[contract.rule]]\nname = \"x\"\nexpect = \"= doc.a.b == 1\"\n",
    );
    assert_eq!(into.lines().count(), 1, "{into}");
}

#[test]
fn a_file_that_is_no_toml_or_misnamed_is_refused_with_the_reason() {
    let syntax = problems("[stage]\nsource = \n");
    assert!(syntax.starts_with("stage.syntax 0001_orders.toml:2:"), "{syntax}");
    let twice = problems("[stage]\nsource = \"a\"\nsource = \"b\"\n");
    assert!(
        twice.starts_with("stage.syntax 0001_orders.toml:3:1: "),
        "{twice}"
    );
    let missing = "stage.missing_key 0001_orders.toml:1:1: the file has no section [stage] (begin with [stage] and its `source`)\n";
    assert_eq!(problems(""), missing);
    for name in [
        "1_a.toml",
        "0000_a.toml",
        "0001-a.toml",
        "0001_A.toml",
        "0001_.toml",
        "0001_a.tml",
        "0001_a/b.toml",
    ] {
        let found = Stage::parse(name, "[stage]\nsource = \"a1\"\n", &lookup()).unwrap_err();
        assert_eq!(found[0].code, "stage.bad_file_name", "{name}");
    }
}

#[test]
fn sections_of_the_wrong_kind_are_problems_and_nothing_panics() {
    for section in ["stage", "op", "into", "merge", "contract", "reconcile", "example"] {
        for value in [
            "1",
            "\"x\"",
            "[]",
            "[1]",
            "{}",
            "true",
            "[{}]",
            "1.5",
            "2024-01-01",
            "{ rule = 1 }",
            "{ by = 1 }",
        ] {
            let text = format!("{section} = {value}\n");
            assert!(!problems(&text).is_empty(), "{text}");
        }
    }
    let deep = format!(
        "[stage]\nsource = \"a1\"\n[into]\nx = {}1{}\n",
        "[".repeat(500),
        "]".repeat(500)
    );
    assert!(problems(&deep).starts_with("stage.syntax"));
}

#[test]
fn a_stage_without_a_target_or_with_its_source_as_target_works_in_place() {
    let stage = parse("[stage]\nsource = \"orders\"\n");
    assert!(stage.in_place());
    assert_eq!(stage.target(), "orders");
    let same = parse("[stage]\nsource = \"orders\"\ntarget = \"orders\"\n");
    assert!(same.in_place());
    assert_eq!(same.meaning(), stage.meaning());
    assert_eq!((same.number(), same.slug()), (1, "orders"));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(
        edits in proptest::collection::vec((0usize..4000, 0usize..40, 0usize..TOKENS.len()), 1..4),
    ) {
        let mut text = ORDERS.to_owned();
        for (at, length, token) in edits {
            let at = at % text.len();
            let end = (at + length).min(text.len());
            text.replace_range(at..end, TOKENS[token]);
        }
        if let Ok(stage) = Stage::parse("0001_orders.toml", &text, &lookup()) {
            stage.check();
            stage.run_examples("shop", &Secrets::default());
        }
    }

    #[test]
    fn no_text_of_a_merge_makes_the_parser_panic(
        edits in proptest::collection::vec((0usize..4000, 0usize..40, 0usize..TOKENS.len()), 1..4),
    ) {
        let mut text = super::merge::everything();
        for (at, length, token) in edits {
            let at = at % text.len();
            let end = (at + length).min(text.len());
            text.replace_range(at..end, TOKENS[token]);
        }
        if let Ok(stage) = Stage::parse("0001_orders.toml", &text, &lookup()) {
            stage.check();
            let _ = stage.lineage();
            stage.run_examples("shop", &Secrets::default());
        }
    }
}

/// Texts that edits insert into a stage file; all of it is ASCII, as the file is, so that every cut falls between
/// characters.
const TOKENS: [&str; 14] = [
    "", "\"", "'''", "[", "]", "{", "}", "=", "\n", ".", "[[op]]\n", "= doc.", "-1", "\u{0}",
];

use super::{lines, outcome};
use crate::op::Rename;
use crate::record::Value;
use crate::refusal::Refusal;
use crate::stage::{Outcome, Output, Stage, StageBuilder};

fn enrich() -> StageBuilder {
    Stage::new(2, "enrich")
        .source("tx_v1")
        .target("tx_v2")
        .transform(|record, _| {
            let mut document = record.document().map_err(|error| Refusal::new(error.code, ""))?;
            match document.get("mode").and_then(Value::as_text).as_deref() {
                Some("skip") => return Ok(Outcome::filter("skipped")),
                Some("refuse") => return Err(Refusal::new("enrich.refused", "/mode")),
                Some("rename") => return Ok(Outcome::Write(Output::new("other", &document))),
                Some("twice") => {
                    return Ok(Outcome::Derive(vec![
                        Output::new("a", &document),
                        Output::new("b", &document),
                    ]));
                }
                Some("broken") => {
                    let data = "{\"a\":1,\"a\":2}".to_owned();
                    return Ok(Outcome::Write(Output {
                        id: "x".to_owned(),
                        data,
                    }));
                }
                _ => {}
            }
            document.set("currency", Value::text("USD"));
            Ok(Outcome::write(record, &document))
        })
}

#[test]
fn a_function_makes_the_outcome() {
    let stage = enrich().version(3).build().unwrap();
    assert_eq!(
        outcome(&stage, r#"{"a":1.0}"#),
        r#"r1 {"a":1.0,"currency":"USD"}"#
    );
    assert_eq!(outcome(&stage, r#"{"mode":"skip"}"#), "filtered skipped");
    assert!(outcome(&stage, r#"{"mode":"refuse"}"#).contains("enrich.refused"));
    assert_eq!(
        outcome(&stage, r#"{"mode":"rename"}"#),
        r#"other {"mode":"rename"}"#
    );
    assert_eq!(outcome(&stage, r#"{"mode":"twice"}"#).lines().count(), 2);
    assert!(outcome(&stage, r#"{"mode":"broken"}"#).contains("json.duplicate_key"));
    assert!(stage.derives() && !stage.takes_over_ids());
}

#[test]
fn a_function_that_keeps_ids_is_held_to_it() {
    let stage = enrich().keeps_ids().build().unwrap();
    assert!(stage.takes_over_ids() && !stage.derives());
    assert_eq!(outcome(&stage, "{}"), r#"r1 {"currency":"USD"}"#);
    for mode in ["rename", "twice"] {
        let refused = outcome(&stage, &format!(r#"{{"mode":"{mode}"}}"#));
        assert!(refused.starts_with(r#"{"code":"id.changed""#), "{refused}");
    }
}

#[test]
fn the_version_stands_for_the_function_in_the_meaning() {
    let meaning = |version| enrich().version(version).build().unwrap().meaning().to_owned();
    assert_eq!(meaning(1), enrich().build().unwrap().meaning());
    assert_ne!(meaning(1), meaning(2));
    let stage = enrich().description("x").build().unwrap();
    assert_eq!(stage.meaning(), meaning(1));
    assert_eq!(stage.source_text(), enrich().build().unwrap().source_text());
    assert!(
        stage
            .source_text()
            .starts_with("# Stage 2 `enrich`, built in Rust.\nsource = \"tx_v1\"\n")
    );
}

#[test]
fn what_is_wrong_with_a_built_stage_is_reported_at_once() {
    let built = Stage::new(0, "No Slug")
        .source("Tx")
        .redact("a..b")
        .op(Rename::new("b..c", "d"))
        .rule("never", "doc.a == nothing")
        .version(1)
        .build();
    snapbox::assert_data_eq!(
        lines(&built.unwrap_err()),
        "\
stage.bad_path `a..b` is not a path: a name is missing
stage.bad_name stage numbers begin with 1
stage.bad_name `Tx` is not a valid database name: use a-z, 0-9 and _, starting with a letter, at most 63 characters
stage.bad_name `No Slug` is not a valid stage name: use a-z, 0-9 and _, starting with a letter, at most 63 characters
expression.unknown_name 0000_No Slug:1:10: `nothing` is not defined here (a field of the record is written doc.NAME: did you mean `doc.nothing`?)
stage.bad_path `b..c` is not a path: a name is missing (write `a.b`, `items[*].price`, `\"odd.key\"` or a JSON Pointer such as `/a/b`)
stage.no_transform `version` belongs to a `transform`, and there is none
"
    );
}

#[test]
fn operations_and_rules_run_around_the_function() {
    let stage = enrich()
        .filter("doc.acct_no != 0")
        .op(Rename::new("acct_no", "account"))
        .id("doc.account")
        .rule("it has a currency", "doc.currency == \"USD\"")
        .build()
        .unwrap();
    assert_eq!(
        outcome(&stage, r#"{"acct_no":7}"#),
        r#"7 {"account":7,"currency":"USD"}"#
    );
    assert_eq!(outcome(&stage, r#"{"acct_no":0}"#), "filtered where");
    let refused = outcome(&stage, r#"{"acct_no":7,"mode":"rename"}"#);
    assert!(refused.contains("it has a currency"), "{refused}");
}

#[test]
fn a_stage_can_be_used_by_several_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Stage>();
}

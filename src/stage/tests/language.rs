//! The language of stages: its versions, what is an expression, and what no record could get through.

use super::{lines, lookup, parse};
use crate::stage::{Lookup, Stage};

fn problems(toml: &str) -> String {
    match Stage::parse("0001_orders.toml", toml, &lookup()) {
        Ok(stage) => lines(&stage.check()),
        Err(problems) => lines(&problems),
    }
}

fn into(value: &str) -> String {
    problems(&format!(
        "[stage]\nsource = \"a1\"\ntarget = \"a2\"\nprepare = 'let n = doc.a;'\n[into]\nn = '= n'\nx = {value}\n"
    ))
}

#[test]
fn a_key_that_always_is_an_expression_begins_with_its_sign() {
    let stage = |more: &str| problems(&format!("[stage]\nsource = \"a1\"\ntarget = \"a2\"\n{more}"));
    let expected = [
        ("where = \"doc.a == 1\"", "where", "where = \"= doc.a == 1\""),
        ("where = \"=doc.a == 1\"", "where", "where = \"= doc.a == 1\""),
        ("id = \"doc.a\"", "id", "id = \"= doc.a\""),
        (
            "[[op]]\nop = \"filter\"\nwhere = \"doc.a\"",
            "where",
            "where = \"= doc.a\"",
        ),
        ("[[op]]\nop = \"rekey\"\nid = \"doc.a\"", "id", "id = \"= doc.a\""),
        (
            "[[op]]\nop = \"derive\"\nrecords = \"doc.a\"",
            "records",
            "records = \"= doc.a\"",
        ),
        (
            "[[contract.rule]]\nname = \"r\"\nexpect = \"doc.a\"",
            "expect",
            "expect = \"= doc.a\"",
        ),
        (
            "[[contract.unique]]\nname = \"r\"\nkey = \"doc.a\"",
            "key",
            "key = \"= doc.a\"",
        ),
        (
            "[[contract.references]]\nname = \"r\"\nto = \"b\"\nvalue = \"doc.a\"",
            "value",
            "value = \"= doc.a\"",
        ),
        (
            "[[contract.references]]\nname = \"r\"\nto = \"b\"\nvalue = \"= doc.a\"\nkey = \"doc.k\"",
            "key",
            "key = \"= doc.k\"",
        ),
        (
            "[[reconcile]]\nname = \"r\"\nsource = \"doc.a\"\ntarget = \"= doc.a\"",
            "source",
            "source = \"= doc.a\"",
        ),
        (
            "[[reconcile]]\nname = \"r\"\nsource = \"= doc.a\"\ntarget = \"= doc.a\"\nby = { source = \"= doc.i\", target = \"doc.i\" }",
            "target",
            "target = \"= doc.i\"",
        ),
    ];
    for (toml, key, written) in expected {
        let told = stage(toml);
        let says =
            format!("`{key}` is an expression, and an expression begins with `= ` (write `{written}`)");
        assert!(
            told.starts_with("stage.no_expression 0001_orders.toml:"),
            "{toml}: {told}"
        );
        assert!(told.contains(&says), "{toml}: {told}");
        // The change that the message suggests works.
        let sign = |sign: &str| written.replacen("\"= ", &format!("\"{sign}"), 1);
        let mended = toml
            .replacen(&sign("="), written, 1)
            .replacen(&sign(""), written, 1);
        assert!(
            !stage(&mended).contains("stage.no_expression"),
            "{mended}: {}",
            stage(&mended)
        );
    }
}

#[test]
fn a_text_that_looks_like_an_expression_is_an_error_that_says_how_to_mean_either() {
    assert_eq!(
        into("\"doc.id + '!'\""),
        "template.ambiguous 0001_orders.toml:7:5: this string looks like an expression, but does not begin with `= ` \
         (write \"= doc.id + '!'\" for the value of the expression, or { json = \"\\\"doc.id + '!'\\\"\" } for the string itself)\n"
    );
    for text in [
        "doc.a",
        "doc[\"a\"]",
        "doc?.a",
        "now()",
        "n + 1",
        "n",
        "round(n, 2)",
        "`${n}`",
        "=doc.a",
        "trim(doc.a)",
    ] {
        let written = toml_edit::Value::from(text).to_string();
        let told = into(&written);
        assert!(told.starts_with("template.ambiguous"), "{text}: {told}");
        let json = serde_json::Value::from(text).to_string();
        assert_eq!(
            into(&format!("{{ json = {} }}", toml_edit::Value::from(json))),
            "",
            "{text}"
        );
    }
    for text in [
        "",
        "doc",
        "pending",
        "a + b",
        "Total (net)",
        "f(x)",
        "doc.",
        "doc.1",
        "2 + 3",
        "see doc.pdf",
        "-",
        "=",
    ] {
        assert_eq!(into(&toml_edit::Value::from(text).to_string()), "", "{text}");
    }
    // Where an expression is not allowed, any text is a literal text.
    let map = |value: &str| {
        let text = format!(
            "[stage]\nsource = \"a1\"\ntarget = \"a2\"\n[[op]]\nop = \"map\"\npath = \"m\"\nvalues = {{ b = {value} }}\ndefault = \"now()\"\n"
        );
        problems(&text)
    };
    assert_eq!(map("\"doc.pdf\""), "");
    assert!(map("\"= doc.pdf\"").starts_with("stage.not_fixed 0001_orders.toml:7:16: "));
    assert_eq!(map("{ json = \"\\\"= doc.pdf\\\"\" }"), "");
    // Inside lists and tables, and in operations.
    assert!(into("[1, \"doc.a\"]").starts_with("template.ambiguous"));
    assert!(into("{ y = \"doc.a\" }").starts_with("template.ambiguous"));
    let set = "[stage]\nsource = \"a1\"\n[[op]]\nop = \"set\"\npath = \"x\"\nvalue = \"doc.a\"\n";
    assert!(problems(set).starts_with("template.ambiguous 0001_orders.toml:6:9: "));
}

#[test]
fn what_every_record_would_refuse_is_an_error() {
    let at = |source: &str| into(&toml_edit::Value::from(format!("= {source}")).to_string());
    for (source, told) in [
        ("now() - now()", "dates cannot be subtracted"),
        ("date(doc.a, \"%Y-%m-%d\") - 1", "dates cannot be subtracted"),
        (
            "doc.a < now()",
            "`<` takes two values of the same type, and these are a value of the record and an instant",
        ),
        (
            "date(doc.a, \"%F\") < now()",
            "`<` takes two values of the same type, and these are a day and an instant",
        ),
        ("true > false", "`>` is not defined for a boolean and a boolean"),
        (
            "1 == \"1\"",
            "`==` takes two values of the same type, and these are a number and a string",
        ),
        (
            "text(doc.a) + 1",
            "`+` takes two values of the same type, and these are a string and a number",
        ),
        ("!len(doc.a)", "`!` takes a boolean, and this is a number"),
        ("-upper(doc.a)", "`-` takes a number, and this is a string"),
        (
            "round(text(doc.a), 2)",
            "`round` takes a number, and this is a string",
        ),
        (
            "if doc.a + 1 { 1 } else { 2 }",
            "`if` takes a boolean, and this is a number",
        ),
        (
            "let x = 1; x = 2; x.trim()",
            "`trim` takes a string, and this is a number",
        ),
    ] {
        let found = at(source);
        let expected = format!("{told}: every record would be refused");
        let is_reported =
            found.starts_with("expression.never 0001_orders.toml:7:") && found.contains(&expected);
        // A declared rounding is a different case.
        assert!(is_reported || source.starts_with("round"), "{source}: {found}");
    }
}

#[test]
fn what_some_records_would_refuse_is_a_warning_and_what_may_pass_is_none() {
    let at = |source: &str| into(&toml_edit::Value::from(format!("= {source}")).to_string());
    for source in [
        "doc.a == 1 && 1 == \"1\"",
        "doc.a ?? (1 == \"1\")",
        "if doc.a == 1 { now() - now() } else { 0 }",
        "for x in doc.a { if x == 1 { return 1 } } 1 - \"1\"",
    ] {
        let found = at(source);
        let is_warned = found.starts_with("check.never 0001_orders.toml:7:")
            && found.contains("every record that reaches this part is refused");
        assert!(is_warned, "{source}: {found}");
    }
    for source in [
        "doc.a == doc.b",
        "doc.a - 1",
        "now() == now()",
        "date(doc.a, \"%F\", \"UTC\") < now()",
        "date(doc.a, doc.b) < now()",
        "date(doc.a, \"%F\") < date(doc.b, \"%d.%m.%Y\")",
        "let x = (); if doc.a == 1 { x = 1 } x ?? 2",
        "let s = 0; for x in doc.a { s += x } s",
        "doc.get(\"a\") ?? \"\"",
        "doc.a == ()",
        "switch doc.a { 1 => \"x\", \"y\" => \"z\", _ => omit }",
        "n - n",
    ] {
        assert_eq!(at(source), "", "{source}");
    }
    let condition = |source: &str| {
        problems(&format!(
            "[stage]\nsource = \"a1\"\ntarget = \"a2\"\nwhere = \"= {source}\"\n"
        ))
    };
    assert!(condition("len(doc.a)").starts_with(
        "expression.never 0001_orders.toml:4:12: a condition must be true or false, and this is a number"
    ));
    assert_eq!(condition("doc.a"), "");
    assert_eq!(condition("len(doc.a) == 1"), "");
}

#[test]
fn a_member_that_the_contract_of_the_source_does_not_have_is_a_warning() {
    let stage = |more: &str, rest: &str| {
        let schema = format!(
            "source = {{ properties = {{ name = {{}}, lines = {{ items = {{ properties = {{ sku = {{}} }}, additionalProperties = false }} }}, at = {{ \"$ref\" = \"#/$defs/at\" }} }}, \"$defs\" = {{ at = {{ properties = {{ day = {{}} }}, additionalProperties = false }} }}{more} }}"
        );
        problems(&format!(
            "[stage]\nsource = \"a1\"\ntarget = \"a2\"\n{rest}\n[contract]\n{schema}\n"
        ))
    };
    let closed = ", additionalProperties = false";
    let rename = |from: &str| format!("[[op]]\nop = \"rename\"\nfrom = \"{from}\"\nto = \"x\"\n");
    assert_eq!(
        stage(closed, &rename("nmae")),
        "check.unknown_member 0001_orders.toml:4:1: `nmae` is read, but the contract of the source has no member `nmae` there \
         (did you mean `name`?)\n"
    );
    assert!(stage(closed, &rename("other")).contains("its members are: "));
    assert_eq!(stage("", &rename("other")), "");
    assert!(stage("", &rename("nmae")).contains("did you mean `name`?"));
    assert!(stage("", "[into]\nx = \"= doc.at.dya\"").contains("no member `dya` there"));
    assert_eq!(
        stage(", additionalProperties = true", &rename("name2")),
        "",
        "a name of a row"
    );
    let flatten = "[[op]]\nop = \"flatten\"\npath = \"at\"\n[into]\nx = \"= doc.day\"";
    assert_eq!(stage(closed, flatten), "");
    assert!(stage("", "[[op]]\nop = \"trim\"\npath = \"lines[*].skoo\"").contains("no member `skoo` there"));
    // The stage may read what it has made itself; and what other schemas may allow is not known.
    assert_eq!(
        stage(closed, &format!("{}[into]\ny = \"= doc.x\"", rename("name"))),
        ""
    );
    assert_eq!(
        stage(
            &format!("{closed}, anyOf = [{{ properties = {{ more = {{}} }} }}]"),
            &rename("more")
        ),
        ""
    );
}

#[test]
fn a_stage_of_the_first_language_is_read_by_its_rules() {
    let text = "[stage]\nsource = \"a1\"\ntarget = \"a2\"\nwhere = \"doc.a == 1\"\n[into]\nx = \"doc.b\"\ny = \"= now() - now()\"\n";
    assert!(Stage::parse("0001_orders.toml", text, &Lookup::nothing()).is_err());
    let now = text
        .replace("\"doc.a == 1\"", "\"= doc.a == 1\"")
        .replace("\"doc.b\"", "{ json = \"\\\"doc.b\\\"\" }")
        .replace("now() - now()", "doc.c - 1");
    let meaning = parse(&now).meaning().to_owned();
    assert!(
        !meaning.contains("language"),
        "nothing in it is read otherwise: {meaning}"
    );
    let meaning = meaning.replace("doc.c - 1", "now() - now()");
    let applied = Stage::as_applied(1, "orders", text, &meaning).expect("the stage that was applied");
    assert_eq!(applied.meaning(), meaning);
    let later = meaning.replacen('{', "{\"language\":3,", 1);
    assert!(
        Stage::as_applied(1, "orders", text, &later).is_none(),
        "of a later program"
    );
}

#[test]
fn the_name_of_a_reconciliation_is_no_part_of_what_a_stage_does() {
    let stage = |name: &str, source: &str| {
        parse(&format!(
            "[stage]\nsource = \"a1\"\ntarget = \"a2\"\n[[reconcile]]\nname = \"{name}\"\nsource = \"= {source}\"\ntarget = \"= doc.a\"\n"
        ))
    };
    let applied = stage("totals", "doc.a");
    assert!(stage("all totals", "doc.a").does_as(applied.meaning()));
    assert!(!stage("totals", "doc.b").does_as(applied.meaning()));
}

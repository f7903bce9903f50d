use super::{ORDERS, lookup, parse};
use crate::digest::{hex, sha256};
use crate::stage::{Lookup, Stage};

#[test]
fn what_changes_no_behaviour_keeps_the_meaning() {
    let meaning = parse(ORDERS).meaning().to_owned();
    for (old, new) in [
        ("description = \"Nest the flat", "description = \"Nests the flat"),
        ("# absent: in place", "# another comment"),
        (
            "on_error = \"quarantine\"         # stop | quarantine (default)\n",
            "",
        ),
        ("max_errors = \"0.5%\"", "max_errors = '0.50%'"),
        (
            "[[op]]\nop = \"rename\"\nfrom = \"acct_no\"\nto",
            "\n\n[[op]]\nfrom = \"acct_no\"\nop = \"rename\"\nto",
        ),
        ("name = \"a plain order\"", "name = \"an order\""),
        (
            "\"order_status\": 9}'''\nfiltered = true",
            "\"order_status\": 9}'''\nrefused = \"x.y\"",
        ),
        ("status              = \"pending\"", "status='pending'"),
        (
            "target = { required = [\"id\"], properties = { id",
            "target = { properties = { id",
        ),
        ("tolerance = \"0.00\"", "tolerance = 0"),
        ("emit = \"string\"", "refuse_as = \"decimal.bad\""),
    ] {
        let edited = ORDERS.replacen(old, new, 1);
        assert_ne!(edited, ORDERS, "{old}");
        let edited = match old {
            old if old.starts_with("target = {") => {
                edited.replacen("{3,}$' } } }", "{3,}$' } }, required = [\"id\"] }", 1)
            }
            old if old.starts_with("emit") => ORDERS.replacen(old, "emit = 'string'", 1),
            _ => edited,
        };
        let stage = parse(&edited);
        assert_eq!(stage.meaning(), meaning, "{old} -> {new}");
        assert_eq!(stage.text_sha256(), sha256(&[edited.as_bytes()]));
    }
}

#[test]
fn what_changes_behaviour_changes_the_meaning() {
    let meaning = parse(ORDERS).meaning_sha256();
    for (old, new) in [
        ("source = \"orders_v1\"", "source = \"orders_v0\""),
        ("target = \"orders_v2\"", "target = \"orders_v3\""),
        ("order_status != 9", "order_status != 8"),
        ("id     = \"= doc.order_id\"", ""),
        ("on_error = \"quarantine\"", "on_error = \"stop\""),
        ("\"0.5%\"", "5"),
        ("rounding = \"half-even\"", "rounding = \"half-up\""),
        (
            "rounding = \"half-even\"",
            "on_conflict = \"skip\"\nrounding = \"half-even\"",
        ),
        ("redact = [\"customer_email\"]", "redact = []"),
        ("`\\D`", "`\\d`"),
        (
            "to = \"account_number\"",
            "to = \"account_number\"\nrefuse_as = \"account.missing\"",
        ),
        ("places = 2", "places = 3"),
        ("emit = \"string\"", "emit = \"number\""),
        ("status              = \"pending\"\n", ""),
        ("\"pending\"", "\"= doc.status\""),
        ("{ json = \"null\" }", "\"null\""),
        ("required = [\"id\"]", "required = [\"ID\"]"),
        ("the total is explained", "the total is positive"),
        (">= 0\"", "> 0\""),
        ("tolerance = \"0.00\"", "tolerance = \"0.01\""),
        ("target = \"= doc.id\"", "target = \"= doc.status\""),
    ] {
        let edited = ORDERS.replacen(old, new, 1);
        assert_ne!(edited, ORDERS, "{old}");
        assert_ne!(
            hex(&parse(&edited).meaning_sha256()),
            hex(&meaning),
            "{old} -> {new}"
        );
    }
}

#[test]
fn the_order_of_operations_and_of_the_new_document_is_part_of_the_meaning() {
    let stage = |into: &str| parse(&format!("[stage]\nsource = \"a1\"\n[into]\n{into}"));
    assert_ne!(
        stage("a = 1\nb = 2\n").meaning(),
        stage("b = 2\na = 1\n").meaning()
    );
    assert_ne!(stage("a = 1.0\n").meaning(), stage("a = 1.00\n").meaning());
    assert_eq!(
        stage("a.x = 1\na.y = 2\n").meaning(),
        stage("[into.a]\nx = 1\ny = 2\n").meaning()
    );
    let op = |from: &str, to: &str| format!("[[op]]\nop = \"rename\"\nfrom = \"{from}\"\nto = \"{to}\"\n");
    let ops = |first: &str, second: &str| parse(&format!("[stage]\nsource = \"a1\"\n{first}{second}"));
    let (first, second) = (op("a", "b"), op("c", "d"));
    assert_ne!(ops(&first, &second).meaning(), ops(&second, &first).meaning());
}

#[test]
fn the_content_of_a_named_file_is_part_of_the_meaning_and_its_name_is_not() {
    let stage = |name: &str, schema: &str| {
        let text = format!("[stage]\nsource = \"a1\"\n[contract]\ntarget = \"{name}\"\n");
        let lookup = Lookup::texts([(name.to_owned(), schema.to_owned())].into());
        Stage::parse("0001_a.toml", &text, &lookup).unwrap()
    };
    let one = stage("a.json", r#"{"required": ["x"], "type": "object"}"#);
    assert_eq!(
        one.meaning(),
        stage("b.json", r#"{"type":"object","required":["x"]}"#).meaning()
    );
    assert_ne!(
        one.meaning(),
        stage("a.json", r#"{"required": ["y"], "type": "object"}"#).meaning()
    );
    let inline = "[stage]\nsource = \"a1\"\n[contract]\ntarget = { type = \"object\", required = [\"x\"] }\n";
    assert_eq!(
        Stage::parse("0001_a.toml", inline, &lookup()).unwrap().meaning(),
        one.meaning()
    );
}

#[test]
fn the_meaning_is_the_same_text_for_ever() {
    let stage = parse("[stage]\nsource = \"a1\"\n[into]\nb = 1.50\na = \"= doc.x\"\n");
    let expected = concat!(
        r#"{"source":"a1","target":"a1","where":null,"prepare":null,"id":null,"on_error":"quarantine","#,
        r#""max_errors":"1%","on_conflict":"refuse","rounding":null,"redact":[],"ops":[],"transform":null,"#,
    );
    assert!(stage.meaning().starts_with(expected), "{}", stage.meaning());
    assert_eq!(stage.meaning_sha256(), sha256(&[stage.meaning().as_bytes()]));
}

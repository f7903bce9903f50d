//! Expressions as stages use them: preparations, templates, lineage, speed.

use super::*;

#[test]
fn prepared_names_are_seen_by_later_expressions() {
    let mut reading = reading();
    let place = reading.place(None);
    let source = "let digits = replace(doc.name, `\\W`, \"\"); let n = 0; for i in doc.items { n += i.n } let all = doc.customer;";
    let preparation = Preparation::compile(source, &place, &reading).unwrap();
    assert_eq!(preparation.names(), ["digits", "n", "all"]);
    assert_eq!(preparation.reads().len(), 3);
    reading.names = preparation.names();
    let expression = |source: &str| Expression::compile(source, &place, &reading).unwrap();
    let secrets = Secrets::default();
    let context = Context {
        project: "p",
        stage: 1,
        id: "1",
        salt: None,
        now_us: 0,
        secrets: &secrets,
        limits: crate::record::Limits::default(),
        probe: None,
        lookups: None,
    };
    let (document, mut scope) = (Document::parse(ORDER).unwrap(), Scope::new(context));
    let early = expression("n").value(&document, &mut scope).unwrap_err();
    assert_eq!(early.code, "expression.unprepared");
    preparation.run(&document, &mut scope).unwrap();
    let mut value = |source: &str| expression(source).value(&document, &mut scope).unwrap();
    assert_eq!(value("digits"), Evaluated::Value(Value::text("MaryAnnSmith")));
    assert_eq!(
        value("n * 2 + all.z"),
        Evaluated::Value(Value::parse("12.00").unwrap())
    );
    assert_eq!(
        value("all"),
        Evaluated::Value(Value::parse(r#"{"z":6.00,"a":{"deep":"\u0041"}}"#).unwrap())
    );
    assert!(expression("n == 3").truth(&document, &mut scope).unwrap());
    assert_eq!(
        expression("n").truth(&document, &mut scope).unwrap_err().code,
        "expression.types"
    );
    assert_eq!(format!("{scope:?}"), r#"{"digits", "n", "all"}"#);
}

#[test]
fn an_expression_reports_what_it_reads() {
    let source = "let c = doc.customer.name; has(doc, \"x.y\") && doc.items[0].price + doc[\"odd.key\"] > c && doc.a.get(\"b\") == ()";
    let reads: Vec<String> = compile(source)
        .unwrap()
        .reads()
        .iter()
        .map(Path::to_string)
        .collect();
    assert_eq!(
        reads,
        [
            "customer.name",
            "x.y",
            "items[0].price",
            "\"odd.key\"",
            "a",
            "a.b"
        ]
    );
}

#[test]
fn a_template_keeps_order_and_number_text() {
    let text = concat!(
        "[into]\nid = \"= doc.name\"\ntotal = 6.00\nbig = 1E40\nneg = -0\ncustomer.z = '= doc.price'\ncustomer.a.first = \"x\"\n",
        "note = { json = '{\"b\": 1.0, \"a\": null}' }\nleft = '= omit'\nday = 2024-01-15\nlist = [1.50, '= omit', { x = '= doc.status' }]\n",
        "[[into.rows]]\nn = 1\n[[into.rows]]\nn = true\n",
    );
    let reading = Reading::new("t.toml", text);
    let toml = toml_edit::Document::parse(text).unwrap();
    let template = Template::read(&toml["into"], &reading).unwrap();
    let secrets = Secrets::default();
    let context = Context {
        project: "p",
        stage: 1,
        id: "1",
        salt: None,
        now_us: 0,
        secrets: &secrets,
        limits: crate::record::Limits::default(),
        probe: None,
        lookups: None,
    };
    let value = template
        .value(&Document::parse(ORDER).unwrap(), &mut Scope::new(context))
        .unwrap();
    let expected = concat!(
        r#"{"id":"Mary Ann Smith","total":6.00,"big":1E40,"neg":-0,"customer":{"z":2.50,"a":{"first":"x"}},"#,
        r#""note":{"b":1.0,"a":null},"day":"2024-01-15","list":[1.50,{"x":1}],"rows":[{"n":1},{"n":true}]}"#
    );
    assert_eq!(value, Evaluated::Value(Value::parse(expected).unwrap()));
    assert_eq!(template.reads().len(), 3);
    let meaning = template.meaning();
    assert_eq!(
        meaning["object"][1],
        serde_json::json!(["total", { "json": "6.00" }])
    );
    assert_eq!(
        meaning["object"][0],
        serde_json::json!(["id", { "expression": "doc.name" }])
    );
    for (wrong, code) in [
        ("x = 1_000", "template.number"),
        ("x = inf", "template.number"),
        ("x = +1", "template.number"),
        ("x = 0x10", "template.number"),
        ("x = { json = '{' }", "template.json"),
        ("x = { json = 1 }", "template.json"),
        ("x = '= dok'", "expression.unknown_name"),
    ] {
        let toml = toml_edit::Document::parse(wrong).unwrap();
        assert_eq!(
            Template::read(&toml["x"], &Reading::new("t", wrong))
                .unwrap_err()
                .code,
            code,
            "{wrong}"
        );
    }
}

/// Run with `cargo test --release --lib expression::tests::stage::speed -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed() {
    let secrets = Secrets::default();
    let context = Context {
        project: "p",
        stage: 1,
        id: "1",
        salt: None,
        now_us: 0,
        secrets: &secrets,
        limits: crate::record::Limits::default(),
        probe: None,
        lookups: None,
    };
    let (document, mut scope) = (Document::parse(ORDER).unwrap(), Scope::new(context));
    for source in [
        "doc.quantity * doc.price + 6",
        "doc.name",
        "doc.customer.z",
        "doc.name.split(\" \", 2)[0]",
        "round(doc.price * 8.25 / 100, 2)",
        "replace(doc.name, `\\D`, \"\")",
        "if doc.price * 3 < 100 { 6.00 } else { 0.00 }",
        "zip([\"a\",\"b\"], list(doc.ids, \",\"), [1, 2, 3])",
    ] {
        let expression = compile(source).unwrap();
        let (started, rounds) = (Instant::now(), 200_000);
        for _ in 0..rounds {
            std::hint::black_box(expression.value(&document, &mut scope)).unwrap();
        }
        println!("{source}: {:?}", started.elapsed() / rounds);
    }
}

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn judged(schema: &Parsed, record: &str) -> (Option<BudgetReason>, bool) {
    let budget = Budget::from_schema(schema);
    let tree = Tree::parse(record).expect("JSON");
    (budget.remark(), budget.allows(&tree).is_ok())
}

fn chain(length: usize, times: usize) -> Parsed {
    let mut definitions = serde_json::Map::new();
    for at in 0..length {
        let next = json!({ "$ref": format!("#/$defs/a{}", at + 1) });
        definitions.insert(format!("a{at}"), json!({ "anyOf": vec![next; times] }));
    }
    definitions.insert(format!("a{length}"), json!(false));
    json!({ "$defs": definitions, "$ref": "#/$defs/a0" })
}

fn nested(depth: usize) -> String {
    format!("{}null{}", r#"{"c":"#.repeat(depth), "}".repeat(depth))
}

#[test]
fn a_chain_that_doubles_is_refused_whatever_the_record() {
    assert_eq!(judged(&chain(40, 2), "{}"), (Some(BudgetReason::Unfolds), false));
    assert_eq!(judged(&chain(10, 2), "{}"), (None, true));
    assert_eq!(judged(&chain(300, 1), "{}"), (None, true));
    assert_eq!(judged(&chain(1_200, 1), "{}"), (None, false), "too deep");
}

#[test]
fn a_recursive_schema_that_doubles_takes_flat_records_and_refuses_deep_ones() {
    let again = json!({ "$ref": "#/$defs/t" });
    let schema = json!({
        "$defs": { "t": { "properties": { "x": false, "c": { "anyOf": [again, again, again] } } } },
        "$ref": "#/$defs/t",
    });
    assert_eq!(judged(&schema, &nested(3)), (Some(BudgetReason::Doubles), true));
    assert_eq!(judged(&schema, &nested(40)), (Some(BudgetReason::Doubles), false));
    let properties =
        json!({ "properties": { "c": { "$ref": "#" } }, "patternProperties": { "c": { "$ref": "#" } } });
    assert_eq!(
        judged(&properties, &nested(40)),
        (Some(BudgetReason::Doubles), false)
    );
}

#[test]
fn a_field_and_a_part_that_one_schema_has_alone_are_not_doubled() {
    let again = json!({ "$ref": "#" });
    let others = json!({ "properties": { "c": again, "x": false }, "additionalProperties": again });
    assert_eq!(judged(&others, &nested(100)), (None, true));
    let beside = json!({ "allOf": [{ "properties": { "c": again } }, { "additionalProperties": again }] });
    assert_eq!(judged(&beside, &nested(40)), (Some(BudgetReason::Doubles), false));
    let parts = json!({ "prefixItems": [{ "type": "string" }, again, again], "items": false });
    let lists = format!("{}1{}", r#"["+","#.repeat(100), "]".repeat(100));
    assert_eq!(judged(&parts, &lists), (None, true));
    let parts = json!({ "prefixItems": [again], "contains": again });
    let lists = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    assert_eq!(judged(&parts, &lists), (Some(BudgetReason::Doubles), false));
    // A name has no depth.
    let names = json!({ "properties": { "c": again }, "propertyNames": again });
    assert_eq!(judged(&names, &nested(100)), (None, true));
}

#[test]
fn anchors_and_references_belong_to_their_resource() {
    // Each resource has an anchor `t`; the second refers to that of the first, and not to its own one.
    let bundle = json!({
        "$id": "https://example.com/whole.json",
        "$defs": {
            "a": { "$id": "a.json", "$defs": { "t": { "$anchor": "t", "properties": { "c": { "$ref": "#t" } } } } },
            "b": { "$id": "parts/b.json", "$anchor": "t", "allOf": [{ "$ref": "../a.json#t" }] },
        },
        "$ref": "parts/b.json#t",
    });
    assert_eq!(judged(&bundle, &nested(100)), (None, true));
    let mut endless = bundle.clone();
    endless["$defs"]["b"]["allOf"][0]["$ref"] = json!("#t");
    assert_eq!(judged(&endless, "{}").0, Some(BudgetReason::Endless));
    // Two with the same last name.
    let names = json!({
        "$id": "https://example.com/whole.json",
        "$defs": {
            "a": { "$id": "a/x.json", "not": { "$ref": "../b/x.json" } },
            "b": { "$id": "b/x.json", "type": "integer" },
        },
        "$ref": "a/x.json",
    });
    assert_eq!(judged(&names, "{}"), (None, true));
    let mut endless = names.clone();
    endless["$defs"]["b"]["not"] = json!({ "$ref": "/a/x.json" });
    assert_eq!(judged(&endless, "{}").0, Some(BudgetReason::Endless));
}

#[test]
fn what_is_dynamic_means_what_stands_outermost() {
    let tree = json!({ "$id": "tree", "$dynamicAnchor": "node",
        "properties": { "c": { "$dynamicRef": "#node" } } });
    let strict = json!({ "$id": "https://example.com/strict", "$dynamicAnchor": "node", "$ref": "tree",
        "unevaluatedProperties": false, "$defs": { "tree": tree } });
    assert_eq!(judged(&strict, &nested(100)), (None, true));
    let meta = json!({ "$ref": "https://json-schema.org/draft/2020-12/schema" });
    let deep = format!("{}true{}", r#"{"not":"#.repeat(40), "}".repeat(40));
    assert_eq!(judged(&meta, &deep), (None, true));
}

#[test]
fn what_is_left_out_by_schemas_inside_one_another_is_counted_again() {
    let around = |inner: Parsed| json!({ "allOf": [inner], "unevaluatedProperties": { "type": "integer" } });
    let nested_in = |length| (0..length).fold(json!({ "type": "object" }), |inner, _| around(inner));
    assert_eq!(judged(&nested_in(3), r#"{"a":1}"#), (None, true));
    assert_eq!(
        judged(&nested_in(20), r#"{"a":1}"#),
        (Some(BudgetReason::LeavesOut), false)
    );
    // The validator remembers a tree.
    let tree = json!({ "$defs": { "base": { "properties": { "c": { "$ref": "#" } } } },
        "allOf": [{ "$ref": "#/$defs/base" }], "unevaluatedProperties": false });
    assert_eq!(judged(&tree, &nested(100)), (None, true));
}

#[test]
fn many_fields_are_looked_up_and_large_records_refused_without_a_table() {
    let began = std::time::Instant::now();
    let names = (0..5_000).map(|at| (format!("n{at}"), json!({ "type": "integer" })));
    let names: serde_json::Map<String, Parsed> = names.collect();
    let required: Vec<String> = names.keys().cloned().collect();
    let schema = json!({ "properties": names, "required": required });
    let fields = (0..300_000).map(|at| format!("\"n{}\":1", at * 7 % 300_000));
    let record = format!("{{{}}}", fields.collect::<Vec<_>>().join(","));
    assert_eq!(judged(&schema, &record), (None, true));
    let place = crate::problem::Place::at(&"s.json".into(), "", 0);
    let compiled = crate::contract::Schema::compile(&schema.to_string(), &place).expect("a schema");
    let document = crate::record::Document::parse(&record).expect("a record");
    assert_eq!(compiled.check(&document), []);
    // As many objects without fields: only the required names are looked up.
    let lists = json!({ "items": schema });
    assert_eq!(
        judged(&lists, &format!("[{}]", vec!["{}"; 50_000].join(","))),
        (None, false)
    );
    let recursive = json!({ "type": ["array", "null"], "items": { "$ref": "#" } });
    assert_eq!(
        judged(&recursive, &format!("[{}]", vec!["[]"; 300_000].join(","))),
        (None, true)
    );
    let wide = json!({ "allOf": vec![json!({ "items": { "anyOf": [{ "type": "array" }, { "not": { "$ref": "#/$defs/x" } }] } }); 40],
        "$defs": { "x": { "type": "integer" } } });
    assert_eq!(
        judged(&wide, &format!("[{}]", vec!["[]"; 300_000].join(","))),
        (None, false)
    );
    assert!(
        began.elapsed() < std::time::Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn of_many_faults_some_are_reported() {
    let described = |schema: &Parsed, record: &str| {
        let budget = Budget::from_schema(schema);
        budget.describe(&Tree::parse(record).expect("JSON"))
    };
    let texts = json!({ "items": { "type": "string" } });
    let either = json!({ "anyOf": [texts, { "items": { "type": "boolean" } }] });
    let list = |count| format!("[{}]", vec!["1"; count].join(","));
    for schema in [&texts, &either] {
        assert_eq!(described(schema, &list(2_000)), Detail::Everything);
    }
    assert_eq!(described(&texts, &list(30_000)), Detail::First);
    assert_eq!(described(&either, &list(30_000)), Detail::Nothing);
}

#[test]
fn a_tree_is_taken_as_deep_as_records_may_be() {
    let schema = json!({ "properties": {
        "c": { "$ref": "#" }, "left": { "$ref": "#" }, "right": { "$ref": "#" },
        "list": { "items": { "$ref": "#" } },
    } });
    assert_eq!(judged(&schema, &nested(128)), (None, true));
    let wide = format!(
        r#"{{"list":[{}]}}"#,
        vec!["{\"c\":{\"left\":1}}"; 50_000].join(",")
    );
    assert_eq!(judged(&schema, &wide), (None, true));
}

#[test]
fn a_schema_that_never_goes_down_is_endless() {
    for schema in [
        json!({ "$ref": "#" }),
        json!({ "$defs": { "a": { "allOf": [{ "$ref": "#/$defs/b" }] }, "b": { "not": { "$ref": "#/$defs/a" } } },
            "properties": { "c": { "$ref": "#/$defs/a" } } }),
        json!({ "$anchor": "top", "if": { "$ref": "#top" } }),
        // The cycle exists also for a value that reaches one of its schemas from above first.
        json!({ "$defs": { "a": { "properties": { "c": { "$ref": "#/$defs/b" } } }, "b": { "$ref": "#" } },
            "allOf": [{ "$ref": "#/$defs/a" }, { "$ref": "#/$defs/b" }] }),
    ] {
        assert_eq!(judged(&schema, "{}").0, Some(BudgetReason::Endless), "{schema}");
    }
}

proptest! {
    #[test]
    fn what_is_counted_is_what_a_naive_walk_would_do(seed in prop::collection::vec((0..4_usize, 0..4_usize, 0..3_u8), 1..8), depth in 1..5_usize) {
        // Schemas a0..a3 that apply each other below `c`, or to the same value, but only later ones there.
        let mut definitions: Vec<serde_json::Map<String, Parsed>> = vec![serde_json::Map::new(); 4];
        for (from, to, how) in seed {
            let to_schema = json!({ "$ref": format!("#/$defs/a{to}") });
            match how {
                0 if from < to => push(&mut definitions[from], "allOf", to_schema),
                1 => { definitions[from].insert("additionalProperties".to_owned(), to_schema); }
                _ => {
                    let properties = definitions[from].entry("properties").or_insert(json!({}));
                    properties["c"] = to_schema;
                }
            }
        }
        let definitions: serde_json::Map<String, Parsed> = definitions
            .into_iter()
            .enumerate()
            .map(|(at, schema)| (format!("a{at}"), Parsed::Object(schema)))
            .collect();
        let schema = json!({ "$defs": definitions, "$ref": "#/$defs/a0" });
        let text = nested(depth);
        let tree = Tree::parse(&text).expect("JSON");
        let budget = Budget::from_schema(&schema);
        let counted = budget.count(&tree, u64::MAX).map(|counted| counted.all);
        prop_assert_eq!(counted, Ok(naive(&schema, &schema, &tree)));
    }
}

fn push(schema: &mut serde_json::Map<String, Parsed>, keyword: &str, inner: Parsed) {
    let list = schema.entry(keyword).or_insert(json!([]));
    list.as_array_mut().expect("a list").push(inner);
}

fn naive(whole: &Parsed, schema: &Parsed, value: &Tree<'_>) -> u64 {
    let mut steps = 1;
    if let Some(reference) = schema.get("$ref").and_then(Parsed::as_str) {
        steps += naive(whole, whole.pointer(&reference[1..]).expect("a schema"), value);
    }
    for inner in schema
        .get("allOf")
        .and_then(Parsed::as_array)
        .into_iter()
        .flatten()
    {
        steps += naive(whole, inner, value);
    }
    if let Tree::Object(fields) = value {
        let named = schema.get("properties").and_then(Parsed::as_object);
        steps += fields.len().min(named.map_or(0, serde_json::Map::len)) as u64;
        for (name, value) in fields.iter() {
            let others = schema.get("additionalProperties");
            let inner = named.and_then(|named| named.get(&**name));
            // Finding that a name is not among the others is a check as well.
            steps += u64::from(inner.is_some() && others.is_some());
            let inner = inner.or(others);
            steps += inner.map_or(0, |inner| naive(whole, inner, value));
        }
    }
    steps
}

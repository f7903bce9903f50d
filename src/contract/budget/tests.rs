use proptest::prelude::*;
use serde_json::json;

use super::*;

fn judged(schema: &Parsed, record: &str) -> (Option<Remark>, bool) {
    let budget = Budget::of(schema);
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
    assert_eq!(judged(&chain(40, 2), "{}"), (Some(Remark::Unfolds), false));
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
    assert_eq!(judged(&schema, &nested(3)), (Some(Remark::Doubles), true));
    assert_eq!(judged(&schema, &nested(40)), (Some(Remark::Doubles), false));
    let properties =
        json!({ "properties": { "c": { "$ref": "#" } }, "patternProperties": { "c": { "$ref": "#" } } });
    assert_eq!(judged(&properties, &nested(40)), (Some(Remark::Doubles), false));
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
    ] {
        assert_eq!(judged(&schema, "{}").0, Some(Remark::Endless), "{schema}");
    }
}

proptest! {
    #[test]
    fn what_is_counted_is_what_a_naive_walk_would_do(seed in prop::collection::vec((0..4_usize, 0..4_usize, 0..3_u8), 1..8), depth in 1..5_usize) {
        // Schemas a0..a3 that apply each other below `c`, or beside, but only to later ones there.
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
        let budget = Budget::of(&schema);
        let mut counting = Counting { schemas: &budget.schemas, known: HashMap::new(), pairs: 0 };
        prop_assert_eq!(counting.steps(0, &tree, DEPTH), Ok(naive(&schema, &schema, &tree)));
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
        for (name, value) in fields {
            for inner in [
                schema.pointer(&format!("/properties/{name}")),
                schema.get("additionalProperties"),
            ] {
                steps += inner.map_or(0, |inner| naive(whole, inner, value));
            }
        }
    }
    steps
}

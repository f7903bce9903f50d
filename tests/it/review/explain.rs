//! `explain`: why two records are one, or why not.

use counterfoil::RecordNumber;
use counterfoil::review::ComparedPair;
use serde_json::Value as Json;

use crate::support::world::{Scene, World};

/// Every weight is given, so that each sum is known: six and a half bits are enough.
pub(super) const STAGE: &str = r#"
[stage]
source = "register"
target = "people"

[merge]
learn = "given"
classes = 2
prior = 0.01

[[merge.field]]
name = "given"
value = "given"
compare = "exact"
frequency = false
role = "identity"

[[merge.field]]
name = "birth"
value = "birth"
compare = "exact"
frequency = false
role = "identity"

[[merge.field]]
name = "chart"
value = "= doc.chart"
compare = "exact"
frequency = false
role = "unique"

[[merge.field]]
name = "city"
value = "city"
compare = "exact"
frequency = false

[[merge.weight]]
of = "given"
bits = [8, -4]
[[merge.weight]]
of = "birth"
bits = [9, -6]
[[merge.weight]]
of = "chart"
bits = [1, -1]
[[merge.weight]]
of = "city"
bits = [1, -1]

[[merge.block]]
key = ["= given"]
[[merge.block]]
key = ["= birth"]

[[merge.conflict]]
name = "Rome and Ulm"
when = '= a.city == "rome" && b.city == "ulm"'

[merge.cluster]
max = 3
one_per = "= doc.owner"
"#;

/// 1 and 2 are one; most of the others are kept from that by one thing each.
pub(super) const REGISTER: [&str; 20] = [
    r#"{"id":"a1","given":"Ann","birth":"1980-01-01","chart":"1","city":"Rome","ward":"N1","beds":[1,2]}"#,
    r#"{"id":"a2","given":"Ann","birth":"1980-01-01","chart":"1","city":"Bonn","ward":"N2","beds":[1,2]}"#,
    r#"{"id":"a3","given":"Ann","birth":"1980-01-01","chart":"2","city":"Rome"}"#,
    r#"{"id":"a4","given":"Ann","birth":"1999-09-09","chart":"1","city":"Rome"}"#,
    r#"{"id":"h1","given":"Hal","birth":"1940-04-04","city":"Rome"}"#,
    r#"{"id":"h2","given":"Hal","birth":"1940-04-04","city":"Ulm"}"#,
    r#"{"id":"h3","given":"Hal","birth":"1940-04-04","city":"Bonn"}"#,
    r#"{"id":"b1","given":"Bob","birth":"1970-07-07","city":"Bonn","owner":"x"}"#,
    r#"{"id":"b2","given":"Bob","birth":"1970-07-07","city":"Bonn","owner":"x"}"#,
    r#"{"id":"c1","given":"Cid","birth":"1960-06-06","city":"Bonn"}"#,
    r#"{"id":"d1","given":"Dan","city":"Bonn"}"#,
    r#"{"id":"d2","given":"Dan","city":"Kiel"}"#,
    r#"{"id":"e1","given":"Eve","birth":"1950-05-05","city":"Bonn"}"#,
    r#"{"id":"e2","given":"Eve","birth":"1950-05-05","city":"Bonn"}"#,
    r#"{"id":"g1","given":"Gus","birth":"1930-03-03","city":"Bonn"}"#,
    r#"{"id":"g2","given":"Gus","birth":"1930-03-03","city":"Bonn"}"#,
    r#"{"id":"g3","given":"Gus","birth":"1930-03-03","city":"Bonn"}"#,
    r#"{"id":"g4","given":"Gus","birth":"1930-03-03","city":"Kiel"}"#,
    r#"{"id":"i1","given":"Ida","birth":"1920-02-02","city":"Bonn"}"#,
    r#"{"id":"i2","given":"Ida","birth":"1920-02-02","city":"Kiel"}"#,
];

pub(super) fn world() -> World {
    let mut world = World::new("p", &[("0001_people.toml", STAGE)]);
    world.load("register", &REGISTER);
    world.apply();
    world
}

pub(super) fn number(world: &World, id: &str) -> RecordNumber {
    let record = world.store.get("register", id).expect("a look-up");
    record.expect("a record").number
}

fn compared(world: &World, a: &str, b: &str) -> ComparedPair {
    let pairs = [(number(world, a), number(world, b))];
    let mut compared = world
        .store
        .compare_pairs(&world.stages, 1, &pairs)
        .expect("pairs");
    compared.pop().expect("both are members")
}

#[test]
fn prior_and_fields_add_up_and_say_what_the_stage_says() {
    let pair = compared(&world(), "a1", "a2");
    let fields: Vec<(&str, &str, Option<&str>, i32)> = pair
        .fields
        .iter()
        .map(|field| {
            (
                field.name.as_str(),
                field.role.as_str(),
                field.level.as_deref(),
                field.bits.tenths(),
            )
        })
        .collect();
    let expected = [
        ("given", "identity", Some("equal"), 80),
        ("birth", "identity", Some("equal"), 90),
        ("chart", "unique", Some("equal"), 10),
        ("city", "none", Some("different"), -10),
    ];
    assert_eq!(fields, expected);
    assert_eq!((pair.prior.tenths(), pair.bits.tenths()), (-66, 104));
    assert!(pair.together.is_some() && pair.a.golden == pair.together && pair.a.members == 2);
    assert_eq!(pair.a.system.as_deref(), Some("register"));
    // What the stage reads as it is stands there as it is, and the rest below it, what differs first.
    let values = (pair.fields[3].a.as_deref(), pair.fields[3].b.as_deref());
    assert_eq!(values, (Some("Rome"), Some("Bonn")));
    let others: Vec<(&str, Option<&str>)> = pair
        .others
        .iter()
        .map(|other| (other.path.as_str(), other.a.as_deref()))
        .collect();
    assert_eq!(others, [("ward", Some("N1")), ("beds", Some("1, 2"))]);
}

#[test]
fn each_thing_that_keeps_two_apart_is_named() {
    let world = world();
    for (a, b, said) in [
        (
            "a1",
            "a2",
            "both are in the golden record 21, merged by the stage",
        ),
        (
            "a1",
            "a3",
            "they have two values of `chart` (-1.0 bits), of which a person has one",
        ),
        ("a1", "a4", "`birth` (-6.0 bits) speaks against it"),
        (
            "h1",
            "h2",
            "the conflict `Rome and Ulm` holds: the stage does not merge them",
        ),
        (
            "h2",
            "h1",
            "the conflict `Rome and Ulm` holds: the stage does not merge them",
        ),
        (
            "h1",
            "h3",
            "one of the two fits a third record, which is not the other, about as well",
        ),
        (
            "b1",
            "b2",
            "both belong to one owner (`one_per`), of which a golden record has one member",
        ),
        ("b1", "c1", "no field that identifies agrees"),
        (
            "d1",
            "d2",
            "0.4 bits are 6.2 too few: pairs are merged from 6.6 on",
        ),
        (
            "g1",
            "g4",
            "together their golden records would have 4 members, and one has at most 3 (`max`)",
        ),
    ] {
        let pair = compared(&world, a, b);
        assert!(pair.why[0].starts_with(said), "{a} {b}: {:#?}", pair.why);
    }
    let never = compared(&world, "b1", "c1").why;
    assert_eq!(
        never[2],
        "they were never compared, because they share no key: they differ in `given`, `birth`"
    );
    // What waits is named, with the band that it waits in.
    let why = compared(&world, "a1", "a3").why;
    assert!(
        why.iter()
            .any(|why| why.starts_with("the pair waits for a decision (")),
        "{why:?}"
    );
}

#[test]
fn a_record_that_is_not_a_member_is_in_no_comparison() {
    let mut world = world();
    let pairs = [(1, 2), (1, 999), (8, 9)].map(|(a, b)| (RecordNumber::new(a), RecordNumber::new(b)));
    assert_eq!(
        world
            .store
            .compare_pairs(&world.stages, 1, &pairs)
            .expect("pairs")
            .len(),
        2
    );
    world.delete("register", "b1");
    assert_eq!(
        world
            .store
            .compare_pairs(&world.stages, 1, &pairs)
            .expect("pairs")
            .len(),
        1
    );
    let gone = world.store.explain_record(&world.stages, 1, RecordNumber::new(8));
    assert_eq!(gone.expect("an answer"), None);
}

#[test]
fn a_record_is_explained_with_what_is_in_its_golden_record_and_what_is_near_it() {
    let world = world();
    let a1 = world
        .store
        .explain_record(&world.stages, 1, number(&world, "a1"))
        .expect("an answer")
        .expect("a member");
    let with = |pairs: &[counterfoil::review::NearPair]| -> Vec<String> {
        pairs
            .iter()
            .filter_map(|pair| pair.with.side.id.clone())
            .collect()
    };
    assert_eq!(a1.pairs.len(), 1);
    assert_eq!(a1.pairs[0].b.side.id.as_deref(), Some("a2"));
    assert_eq!(with(&a1.nearest), ["a3", "a4"]);
    assert!(with(&a1.waiting).contains(&"a3".to_owned()), "{:?}", a1.waiting);
    assert!(a1.nearest.iter().all(|near| near.why.is_some()));
    let lone = number(&world, "c1");
    let alone = world
        .store
        .explain_record(&world.stages, 1, lone)
        .unwrap()
        .unwrap();
    assert!(alone.pairs.is_empty() && alone.nearest.is_empty() && alone.record.members == 1);
}

#[test]
fn nothing_is_compared_with_a_model_that_there_is_not() {
    let mut world = World::new("p", &[("0001_people.toml", STAGE)]);
    world.load("register", &REGISTER);
    let pairs = [(RecordNumber::new(1), RecordNumber::new(2))];
    let refused = |world: &World, stage: u32| {
        let refused = world.store.compare_pairs(&world.stages, stage, &pairs);
        refused.expect_err("nothing to compare with").to_string()
    };
    assert!(refused(&world, 1).contains("has no model yet"));
    assert!(refused(&world, 7).contains("no stage 7"));
    world.apply();
    let changed = STAGE.replace("prior = 0.01", "prior = 0.02");
    let changed = crate::support::world::stages("p", &[("0001_people.toml", &changed)]);
    let changed = world.store.compare_pairs(&changed, 1, &pairs);
    let said = changed.expect_err("another meaning").to_string();
    assert!(said.contains("has changed since its model was learned"), "{said}");
}

/// Every redacted value begins so.
const SECRET: &str = "Zqx";

#[test]
fn no_character_of_what_is_redacted_is_shown() {
    let stage = STAGE
        .replace("target = \"people\"", "target = \"people\"\nid = \"= doc.given + doc.ward\"\nredact = [\"given\", \"chart\", \"card.number\"]")
        .replace("one_per = \"= doc.owner\"", "");
    let scene = Scene::named("p", &[("0001_people.toml", &stage)]);
    let record = |id: usize, given: usize, ward: usize| {
        format!(
            r#"{{"id":"r{id}","given":"{SECRET}{given}","birth":"1980-01-0{given}","chart":"{SECRET}{id}","city":"Bonn","ward":"w{ward}","card":{{"number":"{SECRET}{id}","kind":"k{id}"}}}}"#
        )
    };
    scene.load(
        "register",
        &[record(1, 1, 1), record(2, 1, 2), record(3, 2, 1)],
        &[],
    );
    scene.exits(&["apply"], 0);
    for arguments in [
        &["explain", "register", "r1"][..],
        &["explain", "register", "r1", "r2"],
        &["explain", "register", "1+3"],
        &["--json", "explain", "register", "r1"],
        &["--json", "explain", "register", "#1", "#2"],
    ] {
        let said = scene.exits(arguments, 0);
        assert!(
            !said.out.contains(SECRET) && !said.err.contains(SECRET),
            "{}",
            said.out
        );
    }
    let pair = &scene.envelope(&["explain", "register", "r1", "r2"])["data"]["pairs"][0];
    let field = |name: &str| -> &Json {
        let fields = pair["fields"].as_array().expect("fields");
        fields
            .iter()
            .find(|field| field["name"] == name)
            .expect("a field")
    };
    for (name, is) in [("given", true), ("chart", true), ("birth", false)] {
        assert_eq!(field(name)["redacted"], is, "{pair}");
    }
    assert_eq!(field("given")["a"], "[redacted]");
    let others = pair["others"].to_string();
    assert!(
        others.contains(r#""path":"card.number","a":"[redacted]","b":"[redacted]","redacted":true"#),
        "{others}"
    );
    assert!(others.contains("card.kind"), "{others}");
}

#[test]
fn the_command_takes_ids_numbers_pairs_and_golden_records() {
    let scene = Scene::named("p", &[("0001_people.toml", STAGE)]);
    scene.load("register", &REGISTER, &[]);
    scene.exits(&["apply"], 0);
    let of = |arguments: &[&str]| scene.envelope(&[&["explain"], arguments].concat())["data"].clone();
    let by_id = of(&["register", "a1", "a2"]);
    assert_eq!(by_id["pairs"][0]["bits"].to_string(), "10.4");
    assert_eq!(of(&["register", "1+2"]), by_id);
    assert_eq!(of(&["register", "#1", "#2", "--stage", "1"]), by_id);
    let traced = scene.envelope(&["trace", "register", "a1"]);
    let id = traced["data"]["golden"][0]["id"].as_str().expect("an id");
    assert_eq!(of(&["people", id])["pairs"], by_id["pairs"]);
    let shown = scene.exits(&["explain", "register", "a1", "a2"], 0).out;
    for line in shown.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for (arguments, said) in [
        (&["register", "nobody"][..], "has no record with the id"),
        (&["nowhere", "a1"], "there is no database"),
        (&["register", "a1", "--stage", "2"], "no stage 2"),
        (&["register", "#999"], "does not compare record 999"),
    ] {
        let refused = scene.run(&[&["explain"], arguments].concat());
        assert!(refused.code != 0 && refused.err.contains(said), "{}", refused.err);
    }
}

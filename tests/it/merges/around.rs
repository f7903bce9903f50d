//! What looks at a merge from outside: rehearsals, validations, hidden ids, the transformation of one record alone.

use counterfoil::apply::ApplyOptions;
use counterfoil::environment::Secrets;
use counterfoil::history::HiddenIds;
use counterfoil::observe::Silent;
use counterfoil::path::Path;
use counterfoil::record::{Record, RecordNumber};
use counterfoil::rehearse::rehearse;

use super::register::{PEOPLE, apply, load, record, world};
use crate::support::world::{Scene, World, context, stage};

#[test]
fn one_record_alone_is_transformed_to_nothing() {
    let stage = stage("0001_people.toml", PEOPLE);
    let secrets = Secrets::default();
    let one = Record {
        number: RecordNumber::new(1),
        id: "a".to_owned(),
        data: record("a", "x"),
    };
    let refusal = stage
        .transform(&one, &context("p", "a", &secrets))
        .expect_err("a refusal");
    assert_eq!(refusal.code, "merge.single");
}

#[test]
fn a_rehearsal_comes_back_to_where_it_began() {
    let mut world = world();
    load(&mut world, "a=x b=x c=y d=z");
    apply(&mut world);
    load(&mut world, "b=y d=x e=z f=f");
    world.delete("register", "c");
    let folder = tempfile::tempdir().expect("a folder");
    let options = ApplyOptions::default().batch_size(2);
    let rehearsal =
        rehearse(&world.store, &world.stages, folder.path(), &options, &mut Silent).expect("a rehearsal");
    assert!(rehearsal.is_sound(), "{:#?}", rehearsal.compared);
    assert!(rehearsal.rolled_back.is_some_and(|back| back.records > 2));
}

#[test]
fn a_validation_names_the_merge_that_brought_a_violation() {
    let scene = Scene::project(&[("0001_people.toml", PEOPLE)]);
    scene.load("register", &[record("a", "x"), record("b", "y")], &[]);
    scene.exits(&["apply"], 0);
    scene.load("register", &[record("b", "x")], &["--replace"]);
    scene.exits(&["apply"], 0);
    scene.write("c.json", r#"{"properties":{"ids":{"maxItems":1}}}"#);
    let file = scene.path("c.json").display().to_string();
    let found = scene.envelope(&["validate", "people", "--contract", &file])["data"]["findings"].clone();
    let [one] = found.as_array().expect("findings").as_slice() else {
        panic!("{found:#}")
    };
    assert_eq!(
        (
            &one["origin"]["kind"],
            &one["origin"]["run"],
            &one["origin"]["stage"]
        ),
        (&"apply".into(), &5.into(), &1.into())
    );
}

#[test]
fn ids_of_golden_records_are_hidden_where_they_show_what_is_redacted() {
    let hidden = |head: &str| {
        let text = format!(
            "[stage]\nsource = \"register\"\ntarget = \"people\"\nredact = [\"ssn\"]\n{head}\n\n[merge]\nby = {{ ssn = \"ssn\" }}\n"
        );
        let mut world = World::new("hidden", &[("0001_people.toml", &text)]);
        world.load(
            "register",
            &[r#"{"id":"a","ssn":"1234"}"#, r#"{"id":"b","ssn":"1234"}"#],
        );
        apply(&mut world);
        let redact: [Path; 0] = [];
        let found = HiddenIds::new(&world.store, world.stages.iter(), &redact).expect("a ledger");
        assert!(!found.hides("register"));
        found.hides("people")
    };
    assert!(hidden("id = '= \"P-\" + doc.ssn'"));
    assert!(!hidden(""));
}

#[test]
fn after_a_correction_the_status_says_that_apply_continues() {
    let strict = PEOPLE.replace("max_errors = 100", "max_errors = 0");
    let scene = Scene::project(&[("0001_people.toml", &strict)]);
    scene.load("register", &["a", "b", "c"].map(|id| record(id, "x")), &[]);
    scene.exits(&["apply"], 6);
    let next = || scene.exits(&["status"], 0).err;
    assert!(
        next().contains("refused 3 records, but its limit allows 0"),
        "{}",
        next()
    );
    scene.load("register", &[record("c", "y")], &["--replace"]);
    assert!(next().contains("apply` continues it"), "{}", next());
    scene.exits(&["apply"], 0);
}

#[test]
fn a_deleted_record_is_called_deleted() {
    let scene = Scene::project(&[("0001_people.toml", PEOPLE)]);
    scene.load(
        "register",
        &[record("a", "x"), record("b", "x"), record("c", "y")],
        &[],
    );
    scene.exits(&["apply"], 0);
    scene.exits(&["delete", "register", "a", "--reason", "moved"], 0);
    let planned = scene.exits(&["plan"], 0).out;
    let done = scene.exits(&["apply"], 0).out;
    for text in [planned, done] {
        let words = text.lines().find(|line| line.contains("read:")).expect("a line");
        assert!(words.ends_with("1 alone, 1 deleted"), "{words}");
    }
    let report = scene.envelope(&["report"])["data"]["matching"][0].clone();
    assert_eq!(report["deleted"], 1);
}

//! `verify --remake`: golden records are made again from their members.

use counterfoil::verify::{VerifyOptions, VerifyReport, verify};

use super::register::{PEOPLE, apply, id_of, load, put, record, world, world_with};
use crate::support::world::{Scene, World};

fn remade(world: &World) -> VerifyReport {
    verify(&world.store, &VerifyOptions::default().remake(true)).expect("a verification")
}

/// How many were made again, and how many wait.
fn counts(report: &VerifyReport) -> (u64, u64) {
    let remade = report.remade.expect("golden records");
    assert_eq!(remade.unknown, 0);
    (remade.golden, remade.waiting)
}

#[test]
fn golden_records_are_what_their_members_make_whatever_happened_to_them_since() {
    let stamp = "[stage]\nsource = \"people\"\n\n[[op]]\nop = \"set\"\npath = \"stamped\"\nvalue = true\n";
    let mut world = world_with(&[("0002_stamp.toml", stamp)]);
    load(&mut world, "a=x b=x c=y d=z");
    apply(&mut world);
    let report = remade(&world);
    assert!(report.is_sound(), "{:#?}", report.findings);
    assert_eq!(counts(&report), (3, 0));
    // By hand, inside the ledger: the merge has made something else, and that is right.
    let golden = id_of(&world, 5);
    put(&mut world, "people", &golden, r#"{"by":"hand"}"#);
    let gone = id_of(&world, 6);
    world.delete("people", &gone);
    let report = remade(&world);
    assert!(report.is_sound(), "{:#?}", report.findings);
    assert_eq!(counts(&report), (3, 0));
    // A member that was corrected, and one that joins later.
    world.put("register", "d", &record("d", "x"));
    load(&mut world, "e=y");
    let report = remade(&world);
    assert!(report.is_sound(), "{:#?}", report.findings);
    assert_eq!(counts(&report), (2, 1));
    world.apply();
    let report = remade(&world);
    assert!(report.is_sound(), "{:#?}", report.findings);
    // The one that was deleted has come back; those that wait for the edited one make nothing.
    assert_eq!(counts(&report), (1, 2));
}

#[test]
fn a_golden_record_that_was_changed_outside_the_ledger_is_found() {
    let mut world = world();
    load(&mut world, "a=x b=x c=y");
    apply(&mut world);
    world.behind("UPDATE people SET data='{\"id\":\"a\",\"key\":\"x\",\"ids\":[\"a\"]}' WHERE record=4");
    let report = remade(&world);
    let codes: Vec<&str> = report.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["data.differs"]);
    assert_eq!(
        counts(&report),
        (2, 0),
        "what the merge left is still what the members make"
    );
    // So is a member: then nothing can be made of it.
    world.behind("UPDATE register SET data='{\"id\":\"c\",\"key\":\"y\"}' WHERE record=3");
    let report = remade(&world);
    assert_eq!(report.problems, 2);
    assert_eq!(counts(&report), (1, 1));
}

#[test]
fn the_command_says_how_many_were_made_again() {
    let scene = Scene::project(&[("0001_people.toml", PEOPLE)]);
    scene.load(
        "register",
        &[record("a", "x"), record("b", "x"), record("c", "y")],
        &[],
    );
    scene.exits(&["apply"], 0);
    let said = scene.exits(&["verify", "--remake"], 0);
    assert!(
        said.out.contains("2 golden records made again from the members"),
        "{}",
        said.out
    );
    let envelope = scene.envelope(&["verify", "--remake"]);
    assert_eq!(
        envelope["data"]["remade"],
        serde_json::json!({"golden": 2, "waiting": 0, "unknown": 0})
    );
    assert_eq!(
        scene.envelope(&["verify"])["data"]["remade"],
        serde_json::Value::Null
    );
    scene.exits(&["verify", "--remake", "--ledger-only"], 2);
}

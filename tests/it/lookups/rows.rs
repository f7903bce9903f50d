//! Rows of other databases, found by their ids or by a field: what changes there is processed again here.

use counterfoil::Error;
use counterfoil::ledger::Counts;
use counterfoil::observe::Silent;
use counterfoil::plan::{PlanOptions, plan};
use counterfoil::rollback::{RollbackOptions, RollbackScope};

use crate::support::world::World;

const VISITS: &str = r#"
[stage]
source = "visits_v1"
target = "visits"

[[op]]
op = "lookup"
path = "doctor"
through = "doctors"
take = "name"
"#;

pub(super) fn world(stage: &str) -> World {
    World::new("demo", &[("0001_visits.toml", stage)])
}

/// Loads visits of these doctors, `v1` and so on.
pub(super) fn visit(world: &mut World, doctors: &[&str]) {
    let line = |(at, doctor): (usize, &&str)| format!(r#"{{"id":"v{at}","doctor":"{doctor}"}}"#);
    let lines: Vec<String> = (1..).zip(doctors).map(line).collect();
    world.load("visits_v1", &lines);
}

pub(super) fn doctor(world: &mut World, id: &str, name: &str) {
    world.put("doctors", id, &format!(r#"{{"name":"{name}"}}"#));
}

pub(super) fn found(world: &World) -> Vec<String> {
    world.rows("visits").into_iter().map(|row| row.data).collect()
}

pub(super) fn codes(world: &World) -> Vec<String> {
    let quarantine = world.quarantine();
    quarantine
        .into_iter()
        .map(|refused| refused.reason.code.into_owned())
        .collect()
}

/// What an apply would do, and does: the same.
#[track_caller]
pub(super) fn apply(world: &mut World) -> Counts {
    let planned = plan(&world.store, &world.stages, &PlanOptions::default(), &mut Silent).expect("a plan");
    let planned = planned.stages.iter().map(|stage| (stage.stage, stage.counts));
    let report = world.apply();
    let done = report.passes.iter().map(|pass| (pass.stage, pass.counts));
    assert_eq!(planned.collect::<Vec<_>>(), done.collect::<Vec<_>>());
    assert!(world.apply().passes.is_empty(), "nothing is left to do");
    world.is_sound();
    report.passes.last().map(|pass| pass.counts).unwrap_or_default()
}

#[test]
fn a_record_waits_for_its_row_and_is_released_by_it() {
    let mut world = world(VISITS);
    visit(&mut world, &["d1", "d2", "d1"]);
    assert_eq!(
        apply(&mut world).refused,
        3,
        "more than max_errors allows, but nothing is wrong"
    );
    assert_eq!(codes(&world), ["lookup.waiting"; 3]);
    doctor(&mut world, "d3", "Cid");
    assert_eq!(apply(&mut world).read, 0, "nobody waits for it");
    doctor(&mut world, "d1", "Ada");
    assert_eq!(apply(&mut world).written, 2);
    let ada = |at| format!(r#"{{"id":"v{at}","doctor":"Ada"}}"#);
    assert_eq!(found(&world), [ada(1), ada(3)]);
    assert_eq!(codes(&world), ["lookup.waiting"]);
}

#[test]
fn exactly_the_records_that_used_a_row_are_processed_again_when_it_changes() {
    let mut world = world(VISITS);
    doctor(&mut world, "d1", "Ada");
    doctor(&mut world, "d2", "Bob");
    visit(&mut world, &["d1", "d2", "d1"]);
    assert_eq!(apply(&mut world).written, 3);
    doctor(&mut world, "d1", "Adele");
    let counts = apply(&mut world);
    assert_eq!((counts.read, counts.written), (2, 2));
    assert_eq!(found(&world)[2], r#"{"id":"v3","doctor":"Adele"}"#);
    world.delete("doctors", "d2");
    assert_eq!(apply(&mut world).refused, 1);
    assert_eq!(codes(&world), ["lookup.waiting"]);
    let run = world.asked("SELECT max(run) FROM ledger_run WHERE command='edit'");
    world.roll_back(RollbackScope::Run(run));
    assert_eq!(world.data("doctors", "d2").unwrap(), r#"{"name":"Bob"}"#);
    apply(&mut world);
    assert_eq!(found(&world)[1], r#"{"id":"v2","doctor":"Bob"}"#);
    assert!(world.quarantine().is_empty());
}

#[test]
fn a_rollback_of_the_database_is_a_change_of_it() {
    let mut world = world(VISITS);
    visit(&mut world, &["d1"]);
    world.load("doctors", &[r#"{"id":"d1","name":"Ada"}"#]);
    apply(&mut world);
    world.load("doctors", &[r#"{"id":"d1","name":"Adele"}"#]);
    apply(&mut world);
    let run = world.asked("SELECT max(run) FROM ledger_run WHERE command='load'");
    world.roll_back(RollbackScope::Run(run));
    assert_eq!(apply(&mut world).written, 1);
    assert_eq!(found(&world), [r#"{"id":"v1","doctor":"Ada"}"#]);
}

#[test]
fn only_the_id_matters_to_a_record_that_took_only_the_id() {
    let mut world = world(&VISITS.replace("take = \"name\"\n", ""));
    doctor(&mut world, "d1", "Ada");
    visit(&mut world, &["d1"]);
    apply(&mut world);
    doctor(&mut world, "d1", "Adele");
    assert_eq!(apply(&mut world).read, 0);
    world.delete("doctors", "d1");
    assert_eq!(apply(&mut world).refused, 1);
}

#[test]
fn what_is_missing_may_be_refused_or_kept() {
    let mut refusing =
        world(&format!("{VISITS}missing = \"refuse\"\n").replace("[[op]]", "max_errors = 9\n[[op]]"));
    visit(&mut refusing, &["d1"]);
    apply(&mut refusing);
    assert_eq!(codes(&refusing), ["lookup.missing"]);
    let mut keeping = world(&format!("{VISITS}missing = \"keep\"\n"));
    visit(&mut keeping, &["d1", "d2"]);
    assert_eq!(apply(&mut keeping).written, 2);
    assert_eq!(found(&keeping)[0], r#"{"id":"v1","doctor":"d1"}"#);
    doctor(&mut keeping, "d1", "Ada");
    assert_eq!(apply(&mut keeping).written, 1, "what was missing is there now");
    assert_eq!(found(&keeping)[0], r#"{"id":"v1","doctor":"Ada"}"#);
}

#[test]
fn a_row_is_found_by_a_field_and_several_are_one_too_many() {
    let stage = VISITS
        .replace("take = \"name\"", "key = \"name\"")
        .replace("[[op]]", "max_errors = 9\nstale = \"remove\"\n[[op]]");
    let mut world = world(&stage);
    doctor(&mut world, "d1", "Ada");
    visit(&mut world, &["Ada", "Bob"]);
    apply(&mut world);
    assert_eq!(found(&world), [r#"{"id":"v1","doctor":"d1"}"#]);
    doctor(&mut world, "d2", "Ada");
    apply(&mut world);
    assert_eq!(codes(&world), ["lookup.waiting", "lookup.several"]);
    doctor(&mut world, "d2", "Bob");
    apply(&mut world);
    let expected = [r#"{"id":"v1","doctor":"d1"}"#, r#"{"id":"v2","doctor":"d2"}"#];
    assert_eq!(found(&world), expected);
}

#[test]
fn an_expression_looks_up_too_and_decides_by_it() {
    let stage = r#"
[stage]
source = "visits_v1"
target = "visits"
where = "= lookup(\"doctors\", doc.doctor) != ()"

[into]
id = "= doc.id"
doctor = "= lookup(\"doctors\", doc.doctor, \"row\", \"name\") ?? \"nobody\""
"#;
    let mut world = world(stage);
    visit(&mut world, &["d1"]);
    assert_eq!(apply(&mut world).filtered, 1);
    doctor(&mut world, "d1", "Ada");
    assert_eq!(apply(&mut world).written, 1);
    world.put("doctors", "d1", "{}");
    assert_eq!(apply(&mut world).written, 1);
    assert_eq!(found(&world), [r#"{"id":"v1","doctor":"nobody"}"#]);
    world.delete("doctors", "d1");
    assert_eq!(apply(&mut world).filtered, 1);
    assert!(found(&world).is_empty());
}

#[test]
fn nothing_of_a_key_is_in_the_ledger_and_a_trace_says_what_was_found() {
    let mut world = world(VISITS);
    visit(&mut world, &["secret-number"]);
    apply(&mut world);
    let reasons: String = world.asked("SELECT group_concat(reason) FROM ledger_entry");
    assert!(
        reasons.contains("absent") && !reasons.contains("secret"),
        "{reasons}"
    );
    doctor(&mut world, "secret-number", "Ada");
    apply(&mut world);
    let steps = world.store.trace("visits", "v1").expect("a trace");
    let looked_up: Vec<Vec<_>> = steps.into_iter().map(|step| step.looked_up).collect();
    assert_eq!(looked_up[1][0].record, None);
    assert_eq!(looked_up[2][0].database, "doctors");
    assert_eq!(looked_up[2][0].record, Some(world.rows("doctors")[0].number));
}

#[test]
fn a_waived_record_stays_out() {
    use counterfoil::RunInfo;
    use counterfoil::quarantine::{Selected, waive};
    let mut world = world(VISITS);
    visit(&mut world, &["d1"]);
    apply(&mut world);
    waive(
        &mut world.store,
        "demo",
        &Selected::default(),
        &RunInfo::new("waive"),
    )
    .expect("a waiver");
    doctor(&mut world, "d1", "Ada");
    assert_eq!(apply(&mut world).read, 0);
}

#[test]
fn the_index_of_what_was_looked_up_is_compared_with_the_ledger() {
    let mut world = world(VISITS);
    doctor(&mut world, "d1", "Ada");
    visit(&mut world, &["d1"]);
    apply(&mut world);
    world.behind("DROP TRIGGER ledger_lookup_delete; DELETE FROM ledger_lookup;");
    let options = counterfoil::verify::VerifyOptions::default();
    let verified = counterfoil::verify(&world.store, &options).expect("a report");
    assert!(!verified.is_sound());
}

#[test]
fn what_an_earlier_pass_has_compared_is_not_read_again() {
    let mut world = world(VISITS);
    visit(&mut world, &["d1"]);
    apply(&mut world);
    doctor(&mut world, "d9", "Cid");
    visit(&mut world, &["d1", "d9"]);
    assert_eq!(apply(&mut world).read, 1, "this pass has compared d9");
    // Nobody tells the ledger that the row has the key now.
    world.behind("UPDATE doctors SET id='d1' WHERE id='d9'");
    assert!(world.apply().passes.is_empty());
    doctor(&mut world, "d8", "Eve");
    assert!(world.apply().passes.is_empty(), "nor because of another row");
    world.behind("UPDATE doctors SET id='d9' WHERE id='d1'");
    doctor(&mut world, "d1", "Ada");
    assert_eq!(apply(&mut world).written, 1);
}

#[test]
fn a_rollback_of_the_pass_that_found_its_row_lets_a_record_find_it_again() {
    let mut world = world(VISITS);
    visit(&mut world, &["d1", "d2"]);
    apply(&mut world);
    doctor(&mut world, "d1", "Ada");
    let found_it = world.apply().run.expect("a run");
    visit(&mut world, &["d1", "d2", "d3"]);
    apply(&mut world);
    world.roll_back(RollbackScope::Run(found_it));
    assert_eq!(found(&world), [""; 0]);
    assert_eq!(apply(&mut world).written, 1);
    assert_eq!(codes(&world), ["lookup.waiting"; 2]);
}

#[test]
fn a_record_that_a_newer_pass_has_refused_too_is_not_brought_back_beneath_it() {
    let stale = "target = \"visits\"\nstale = \"remove\"";
    let mut world = world(&VISITS.replace("target = \"visits\"", stale));
    doctor(&mut world, "d1", "Ada");
    visit(&mut world, &["d1"]);
    apply(&mut world);
    let written = found(&world);
    world.delete("doctors", "d1");
    let removed = world.apply().run.expect("a run");
    world.load("visits_v1", &[r#"{"id":"v1","doctor":"d1","room":2}"#]);
    let refused = world.apply().run.expect("a run");
    assert_eq!(found(&world), [""; 0]);
    let options = RollbackOptions::default().scope(RollbackScope::Run(removed));
    let error = world.try_roll_back(&options).expect_err("a newer pass");
    assert!(
        matches!(error, Error::RollbackBeneath { run, .. } if run == refused),
        "{error}"
    );
    world.roll_back(RollbackScope::Run(refused));
    world.roll_back(RollbackScope::Run(removed));
    assert_eq!(found(&world), written);
    apply(&mut world);
    assert_eq!(found(&world), [""; 0]);
    assert_eq!(codes(&world), ["lookup.waiting"]);
}

#[test]
fn a_plan_sees_that_a_new_row_has_the_key_of_another_one() {
    let doctors = "[stage]\nsource = \"doctors_v1\"\ntarget = \"doctors\"\n";
    let by_name = VISITS
        .replace("take = \"name\"", "key = \"name\"\ntake = \"room\"")
        .replace("[[op]]", "max_errors = \"100%\"\n\n[[op]]");
    let mut world = World::new(
        "demo",
        &[("0001_doctors.toml", doctors), ("0002_visits.toml", &by_name)],
    );
    world.load("doctors_v1", &[r#"{"id":"d1","name":"Ada","room":"4"}"#]);
    visit(&mut world, &["Ada"]);
    apply(&mut world);
    assert_eq!(found(&world), [r#"{"id":"v1","doctor":"4"}"#]);
    world.load("doctors_v1", &[r#"{"id":"d2","name":"Ada","room":"5"}"#]);
    let counts = apply(&mut world);
    assert_eq!((counts.read, counts.refused), (1, 1));
}

//! Readings and windows against each other, without being asked: after each apply by what it has done, and as a whole when
//! somebody wants to know. No reading gets lost silently, whoever takes it away.

use counterfoil::observe::StopSignal;
use counterfoil::reconcile::{DifferenceCause, Reconciliation};
use counterfoil::rollback::RollbackScope;
use counterfoil::stage::{Lookup, Stage};

use crate::support::world::{Scene, StopAfter, World};

const WINDOWS: &str = r#"
[stage]
source = "readings"
target = "windows"
max_errors = 1000
where = '= doc.v != 3'

[aggregate]
by = "s"
time = "t"
every = "5m"

[aggregate.measures]
v = ["sum", "mean"]

[[aggregate.rolling]]
of = "v_mean"
over = 3
take = ["mean"]
min_periods = 1
"#;

/// A reading of a sensor, at a minute.
fn reading(id: u32, sensor: u32, minute: u32, value: &str) -> String {
    let (hour, minute) = (minute / 60, minute % 60);
    format!(r#"{{"id":"r{id}","s":{sensor},"t":"2026-03-01T{hour:02}:{minute:02}:00Z","v":{value}}}"#)
}

/// Readings of two sensors for an hour: one is left out, one is refused.
fn hour() -> Vec<String> {
    let mut lines: Vec<String> = (0..60)
        .map(|at| reading(at, at % 2, at, &format!("{at}.1")))
        .collect();
    lines.push(reading(60, 0, 7, "3"));
    lines.push(reading(61, 1, 8, "\"high\""));
    lines
}

fn world_of(text: &str, lines: &[String]) -> World {
    let mut world = World::in_batches_of(5, "sensors", &[("0001_windows.toml", text)]);
    world.load("readings", lines);
    world
}

/// What a whole reconciliation finds, by name.
fn found(world: &mut World) -> Vec<Reconciliation> {
    let mut stages = world.reconcile();
    assert_eq!(stages.len(), 1);
    assert!(stages[0].whole);
    stages.remove(0).reconciliations
}

/// Both sides agree: as a whole, and by what the last apply has done.
#[track_caller]
fn holds(world: &mut World) -> Vec<Reconciliation> {
    let found = found(world);
    for result in &found {
        assert!(result.holds, "{found:#?}");
    }
    found
}

#[track_caller]
fn applies(world: &mut World) -> Vec<Reconciliation> {
    let mut report = world.apply();
    assert!(report.stopped.is_none());
    assert_eq!((report.reconciled.len(), report.unreconciled.len()), (1, 0));
    let stage = report.reconciled.remove(0);
    assert!(stage.is_reconciled(), "{stage:#?}");
    assert!(!stage.whole);
    assert_eq!(stage.reconciliations[0].name, "readings");
    holds(world)
}

fn cause(result: &Reconciliation, cause: DifferenceCause) -> Option<(u64, String)> {
    let found = result.causes.iter().find(|found| found.cause == cause)?;
    Some((found.records, found.amount.to_string()))
}

#[test]
fn the_readings_and_the_sums_of_both_sides_agree_after_a_first_apply() {
    let mut world = world_of(WINDOWS, &hour());
    let found = applies(&mut world);
    let names: Vec<&str> = found.iter().map(|result| result.name.as_str()).collect();
    assert_eq!(names, ["readings", "v_sum"]);
    let readings = &found[0];
    assert_eq!(
        (readings.source.records, readings.source.amount.to_string()),
        (62, "62".to_owned())
    );
    assert_eq!(
        (readings.target.records, readings.target.amount.to_string()),
        (24, "60".to_owned())
    );
    assert_eq!(
        cause(readings, DifferenceCause::Filtered),
        Some((1, "-1".to_owned()))
    );
    assert_eq!(
        cause(readings, DifferenceCause::Refused),
        Some((1, "-1".to_owned()))
    );
    assert_eq!(readings.source.keys, Some(2));
    // 0.1 + 1.1 + ... + 59.1: no float is near it.
    assert_eq!(found[1].source.amount.to_string(), "1776.0");
    assert_eq!(found[1].target.amount.to_string(), "1776.0");
    assert_eq!((found[1].source.records, found[1].target.records), (60, 24));
}

#[test]
fn they_agree_after_increments_rollbacks_and_retries() {
    let mut world = world_of(WINDOWS, &hour());
    applies(&mut world);
    // A late one, a new sensor, a moved one, a corrected refusal, and one that is left out from now on.
    let later = [
        reading(70, 0, 2, "5.05"),
        reading(71, 7, 90, "1"),
        reading(5, 1, 45, "0.001"),
        reading(61, 1, 8, "8"),
        reading(6, 0, 6, "3"),
    ];
    world.load("readings", &later);
    let waiting = holds(&mut world);
    assert_eq!(
        cause(&waiting[0], DifferenceCause::NotProcessed).map(|(_, amount)| amount),
        Some("-2".to_owned())
    );
    applies(&mut world);
    world.delete("readings", "r9");
    let waiting = holds(&mut world);
    assert_eq!(
        cause(&waiting[0], DifferenceCause::NotProcessed),
        Some((1, "1".to_owned()))
    );
    applies(&mut world);
    world.roll_back(RollbackScope::All);
    assert!(world.reconcile().is_empty(), "nothing stands");
    applies(&mut world);
    world.put("readings", "r61", &reading(61, 1, 8, "\"higher\""));
    applies(&mut world);
    world.put("readings", "r61", &reading(61, 1, 8, "9"));
    let report = world.retry();
    assert!(
        report
            .reconciled
            .iter()
            .all(counterfoil::reconcile::StageReconciled::is_reconciled),
        "{report:#?}"
    );
    holds(&mut world);
}

#[test]
fn they_agree_when_an_interrupted_pass_goes_on() {
    let mut world = world_of(WINDOWS, &hour());
    for batches in 1..3 {
        let signal = StopSignal::default();
        let options = counterfoil::apply::ApplyOptions::default()
            .batch_size(2)
            .stop(signal.clone());
        let mut observer = StopAfter(batches, signal);
        let (store, stages) = (&mut world.store, &world.stages);
        counterfoil::apply::apply(store, stages, &options, &mut observer).unwrap();
        holds(&mut world);
    }
    applies(&mut world);
}

#[test]
fn a_reading_that_disappears_outside_the_ledger_is_missed() {
    let mut world = world_of(WINDOWS, &hour());
    applies(&mut world);
    world.behind("DELETE FROM readings WHERE id='r10'");
    let found = found(&mut world);
    assert!(!found[0].holds && !found[1].holds, "{found:#?}");
    assert_eq!(
        (found[0].discrepancies, found[0].unexplained.to_string()),
        (1, "1".to_owned())
    );
    assert_eq!(found[0].keys[0].key.as_deref(), Some("0"));
    assert_eq!(found[1].unexplained.to_string(), "10.1");
    let report = world.apply();
    assert_eq!((report.passes.len(), report.unreconciled), (0, vec![1]));
}

#[test]
fn a_reading_that_appears_outside_the_ledger_is_found_by_the_first_apply() {
    let mut world = world_of(WINDOWS, &hour());
    world.behind(
        "INSERT INTO readings(record, id, data) SELECT 100000, 'x', data FROM readings WHERE id='r10'",
    );
    let report = world.apply();
    assert!(!report.reconciled[0].is_reconciled(), "{report:#?}");
    assert_eq!(
        report.reconciled[0].reconciliations[0].unexplained.to_string(),
        "-1"
    );
    assert!(!found(&mut world)[0].holds);
}

#[test]
fn a_window_that_changes_outside_the_ledger_is_found() {
    let window = "0/2026-03-01T00:05:00Z";
    for change in [
        "UPDATE windows SET data=replace(data,'\"v_mean\":','\"v_mean\":1')",
        "UPDATE windows SET data=replace(data,'\"v_sum\":','\"v_sum\":1')",
        "DELETE FROM windows",
    ] {
        let mut world = world_of(WINDOWS, &hour());
        applies(&mut world);
        world.behind(&format!("{change} WHERE id='{window}'"));
        let found = found(&mut world);
        assert_eq!(
            (found[0].behind, found[0].holds),
            (1, false),
            "{change}: {found:#?}"
        );
        let open = found[0]
            .causes
            .iter()
            .find(|cause| cause.cause == DifferenceCause::Unexplained);
        assert_eq!(open.unwrap().ids, [window], "{change}");
        assert_eq!(found[1].holds, change.contains("v_mean"), "{change}");
    }
}

#[test]
fn a_window_that_a_person_has_changed_is_explained() {
    let mut world = world_of(WINDOWS, &hour());
    applies(&mut world);
    let id = "1/2026-03-01T00:10:00Z";
    let data = world.data("windows", id).unwrap();
    let more = data.replace("\"v_sum\":", "\"v_sum\":1");
    world.put("windows", id, &more);
    let found = holds(&mut world);
    assert_eq!(
        cause(&found[0], DifferenceCause::EditedSince),
        Some((1, "0".to_owned()))
    );
    assert_eq!(cause(&found[1], DifferenceCause::EditedSince).unwrap().0, 1);
    // A late reading in it: the stage leaves the window as it is.
    world.load("readings", &[reading(80, 1, 11, "1")]);
    let found = applies(&mut world);
    assert_eq!(
        cause(&found[0], DifferenceCause::EditedSince),
        Some((1, "-1".to_owned()))
    );
}

#[test]
fn windows_that_are_refused_or_held_back_are_explained() {
    let text = WINDOWS.replace("every = \"5m\"\n", "every = \"5m\"\nhold = \"10m\"\n")
        + "\n[[contract.rule]]\nname = \"low\"\nexpect = '= doc.sample_count < 4'\n";
    let mut lines = hour();
    lines.extend((200..203).map(|id| reading(id, 0, 20, "1")));
    let mut world = world_of(&text, &lines);
    let found = applies(&mut world);
    // A window of six readings, and a reading that is no number.
    assert_eq!(
        cause(&found[0], DifferenceCause::Refused),
        Some((2, "-7".to_owned())),
        "{found:#?}"
    );
    assert!(cause(&found[0], DifferenceCause::Held).is_some(), "{found:#?}");
    world.load(
        "readings",
        &[
            reading(300, 0, 58, "1"),
            reading(301, 0, 100, "1"),
            reading(302, 0, 20, "2"),
        ],
    );
    holds(&mut world);
    applies(&mut world);
}

#[test]
fn late_readings_that_are_left_out_are_explained() {
    let late = "every = \"5m\"\nlate = \"leave\"\nclosed_after = \"20m\"\n";
    let mut world = world_of(&WINDOWS.replace("every = \"5m\"\n", late), &hour());
    applies(&mut world);
    world.load("readings", &[reading(90, 0, 3, "1"), reading(91, 0, 58, "1")]);
    let found = applies(&mut world);
    assert_eq!(
        cause(&found[0], DifferenceCause::Late),
        Some((1, "-1".to_owned())),
        "{found:#?}"
    );
}

#[test]
fn a_given_rule_sums_both_sides_by_its_own_key() {
    let rule = r#"
[[reconcile]]
name = "by sensor"
source = "= doc.v"
target = "= doc.v_sum"
by = { source = "= doc.s", target = "= doc.s" }

[[reconcile]]
name = "wrong"
source = "= 1"
target = "= doc.sample_count + 1"
"#;
    let mut world = world_of(&(WINDOWS.to_owned() + rule), &hour());
    world.apply();
    let found = found(&mut world);
    let names: Vec<&str> = found.iter().map(|result| result.name.as_str()).collect();
    assert_eq!(names, ["readings", "v_sum", "by sensor", "wrong"]);
    assert!(found[2].holds, "{:#?}", found[2]);
    assert_eq!(
        cause(&found[2], DifferenceCause::Filtered),
        Some((1, "-3".to_owned()))
    );
    assert_eq!(
        (found[3].holds, found[3].unexplained.to_string()),
        (false, "24".to_owned())
    );
}

#[test]
fn groups_that_do_not_fit_in_memory_are_compared_all_the_same() {
    let text = WINDOWS.replace("every = \"5m\"\n", "every = \"day\"\nmemory = \"1 MiB\"\n");
    let lines: Vec<String> = (0..6_000).map(|id| reading(id, id, id % 1440, "0.1")).collect();
    let mut world = World::new("sensors", &[("0001_windows.toml", &text)]);
    world.load("readings", &lines);
    let found = applies(&mut world);
    assert_eq!(
        (found[0].source.keys, found[1].target.amount.to_string()),
        (Some(6_000), "600.0".to_owned())
    );
}

#[test]
fn a_given_rule_reads_what_windows_have_under_a_name_of_its_own() {
    let problems = |rule: &str| {
        let text = format!("{WINDOWS}\n[[reconcile]]\n{rule}\n");
        let found = Stage::parse("0001_windows.toml", &text, &Lookup::nothing()).unwrap_err();
        let found = found.iter().map(|problem| {
            assert!(problem.help.is_some(), "{problem:?}");
            format!("{} {}", problem.code, problem.message)
        });
        found.collect::<Vec<_>>()
    };
    for name in ["readings", "v_sum"] {
        let found = problems(&format!(
            "name = \"{name}\"\nsource = \"= 1\"\ntarget = \"= doc.sample_count\""
        ));
        assert_eq!(
            found,
            [format!(
                "stage.duplicate_name a stage that aggregates always compares `{name}`, under this name"
            )]
        );
    }
    let found = problems("name = \"total\"\nsource = \"= doc.v\"\ntarget = \"= doc.v_total\"");
    assert_eq!(
        found,
        ["stage.unknown_field `[aggregate]` makes windows without a field `v_total`"]
    );
}

#[test]
fn groups_of_redacted_values_are_shown_nowhere() {
    let text = WINDOWS.replace("[aggregate]\n", "redact = [\"s\"]\n\n[aggregate]\n");
    let scene = Scene::named("sensors", &[("0001_windows.toml", &text)]);
    scene.load("readings", &hour(), &[]);
    scene.exits(&["apply"], 3);
    scene.exits(&["reconcile"], 0);
    let connection = rusqlite::Connection::open(scene.store()).unwrap();
    connection
        .execute_batch("DELETE FROM readings WHERE id='r10'")
        .unwrap();
    drop(connection);
    let data = scene.exits(&["reconcile", "--json"], 3).data();
    let readings = &data["stages"][0]["reconciliations"][0];
    assert_eq!(
        readings["keys"][0]["key"],
        counterfoil::record::REDACTED,
        "{readings:#}"
    );
    assert_eq!(readings["unexplained"], "1");
}

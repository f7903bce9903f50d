//! Hints that name an option of the same command, and loads that were interrupted.

use super::world::World;
use super::{ANY, GOOD, copying, in_all_ways, redacted};

in_all_ways!(
    a_table_without_a_column_for_ids,
    a_file_that_was_loaded_before,
    a_load_that_was_interrupted,
    a_load_that_is_given_up,
    a_load_that_goes_on_otherwise,
    older_runs,
    a_condition_that_is_none,
    a_page_that_is_there,
    a_rollback_that_nobody_confirms,
    a_conflict_that_is_merged,
    a_redacted_record_that_is_proved,
);

fn a_table_without_a_column_for_ids(world: &World) {
    world.write("people.csv", "number,name\n1,Ann\n2,Bob\n");
    let said = world.run(&["load", "in_v1", &world.file("people.csv")]);
    assert!(said.code != 0 && said.err.contains("--id"), "{}", said.err);
    world.done(&["load", "in_v1", &world.file("people.csv"), "--id", "number"]);
    assert_eq!(world.done(&["export", "in_v1"]).out.lines().count(), 2);
}

fn a_file_that_was_loaded_before(world: &World) {
    world.loads("in_v1", "good.ndjson", GOOD);
    world.done(&["delete", "in_v1", "a", "--reason", "by mistake"]);
    let said = world.done(&["load", "in_v1", &world.file("good.ndjson")]);
    assert!(said.out.contains("`--again`"), "{}", said.out);
    world.done(&["load", "in_v1", &world.file("good.ndjson"), "--again"]);
    assert_eq!(world.done(&["export", "in_v1"]).out.lines().count(), 2);
}

/// A load that ends after some of many records.
fn half_loaded(world: &World) {
    let lines: String = (0..60_000)
        .map(|at| format!("{{\"id\":\"{at}\",\"key\":\"k{at}\"}}\n"))
        .collect();
    world.write("many.ndjson", &lines);
    let said = world.interrupted(&["load", "in_v1", &world.file("many.ndjson"), "--batch-size", "1"]);
    assert!(said.err.contains("stopped on request"), "{}", said.err);
}

fn a_load_that_was_interrupted(world: &World) {
    half_loaded(world);
    let said = world.done(&["status"]);
    world.works(&said, " load in_v1", &[]);
    let status = world.done(&["status"]);
    assert!(
        !status.out.contains("Unfinished") && status.out.contains("60,000"),
        "{}",
        status.out
    );
}

fn a_load_that_is_given_up(world: &World) {
    half_loaded(world);
    let said = world.done(&["status"]);
    world.works(&said, "--give-up", &[]);
    let status = world.done(&["status"]);
    assert!(!status.out.contains("Unfinished"), "{}", status.out);
}

fn a_load_that_goes_on_otherwise(world: &World) {
    half_loaded(world);
    let file = world.file("many.ndjson");
    let said = world.ends(2, &["load", "in_v1", &file, "--id", "key"]);
    let option = said.err.split("continue with `").nth(1).expect("an option");
    let option: Vec<&str> = option.split('`').next().expect("an option").split(' ').collect();
    world.done(&[&["load", "in_v1", &file][..], &option[..]].concat());
}

fn older_runs(world: &World) {
    world.loads("in_v1", "good.ndjson", GOOD);
    let said = world.done(&["history", "--limit", "1"]);
    assert!(said.err.contains("a larger `--limit`"), "{}", said.err);
    let all = world.done(&["history", "--limit", "2"]);
    assert!(
        all.out.contains("run 1") && !all.err.contains("--limit"),
        "{}{}",
        all.out,
        all.err
    );
}

fn a_condition_that_is_none(world: &World) {
    world.loads("in_v1", "good.ndjson", GOOD);
    let said = world.ends(2, &["query", "in_v1", "--where", "doc.amount =! 1"]);
    assert!(
        said.err.contains("compare as in `doc.total > 100.00"),
        "{}",
        said.err
    );
    let compared = world.done(&[
        "query",
        "in_v1",
        "--where",
        "doc.amount > 1.00 && doc.id == \"b\"",
    ]);
    assert_eq!(compared.out.lines().count(), 1);
}

fn a_page_that_is_there(world: &World) {
    world.loads("in_v1", "good.ndjson", GOOD);
    let said = world.done(&["report"]);
    world.works(&said, "report 2 --html", &[]);
    let again = world.step(&said, "report 2 --html", &[]);
    assert!(again.code == 1 && again.err.contains("--force"), "{}", again.err);
}

fn a_rollback_that_nobody_confirms(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ANY));
    world.loads("in_v1", "good.ndjson", GOOD);
    world.done(&["apply"]);
    let said = world.ends(2, &["rollback"]);
    assert!(said.err.contains("add --yes"), "{}", said.err);
    world.done(&["rollback", "--yes"]);
}

fn a_conflict_that_is_merged(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ANY));
    world.loads("in_v1", "good.ndjson", GOOD);
    world.done(&["apply"]);
    world.write("hand.ndjson", "{\"id\":\"a\",\"amount\":70}\n");
    world.done(&["load", "in_v2", &world.file("hand.ndjson"), "--replace"]);
    world.ends(9, &["rollback", "--yes"]);
    let forced = world.done(&["rollback", "--yes", "--on-conflict", "force"]);
    assert!(
        forced.out.contains("Rolled back 2 records in 1 pass"),
        "{}",
        forced.out
    );
}

fn a_redacted_record_that_is_proved(world: &World) {
    redacted(world);
    let said = world.ends(1, &["prove", "in_v2", "a", "--disclose"]);
    assert!(said.err.contains("without --disclose"), "{}", said.err);
    world.done(&["prove", "in_v2", "a"]);
}

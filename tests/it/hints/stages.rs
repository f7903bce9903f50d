//! Hints about projects, stages, and what `apply`, `plan` and `rollback` do.

use super::world::{Way, World};
use super::{ANY, GOOD, MENDED, MIXED, copying, in_all_ways, in_place};

in_all_ways!(
    a_new_stage,
    a_store_that_is_not_there,
    a_stage_that_does_not_compile,
    a_changed_stage,
    a_changed_stage_in_the_status,
    a_stage_whose_file_is_gone,
    a_stage_out_of_order,
    a_stage_out_of_order_is_renamed,
    more_refused_than_allowed,
    more_refused_than_allowed_goes_on,
    the_first_refusal_stops,
    more_refused_than_allowed_in_the_status,
    a_contract_that_refuses,
    a_contract_that_refuses_is_satisfied,
    a_contract_that_refuses_in_the_status,
    a_plan,
    a_plan_in_a_file,
    a_plan_that_would_stop,
    a_plan_in_a_file_that_would_stop,
    a_plan_that_a_contract_would_stop,
    a_plan_of_a_pass_that_a_contract_has_stopped,
    a_plan_that_does_not_fit,
    a_file_that_is_no_plan,
    a_pass_that_was_stopped,
    a_rollback_that_was_stopped,
    a_stage_that_others_stand_on,
    a_run_that_others_stand_on,
    a_record_that_others_stand_on,
    a_pass_beneath_a_newer_one,
    rows_changed_since,
    a_record_that_no_stage_has_changed,
    a_stage_that_is_not_there,
);

/// One stage, applied to good records.
fn applied(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ANY));
    world.loads("in_v1", "good.ndjson", GOOD);
    world.done(&["apply"]);
}

#[test]
fn a_project_that_is_not_there() {
    for way in [Way::Inside, Way::Directory] {
        let world = World::empty(way);
        let said = world.ends(2, &["status"]);
        world.works(&said, "init NAME", &[("NAME", "shop")]);
        assert!(world.path("shop/counterfoil.toml").exists(), "{way:?}");
    }
}

#[test]
fn a_new_project() {
    for way in [Way::Inside, Way::Directory] {
        let world = World::empty(way);
        let said = world.done(&["init", "shop"]);
        world.write("records.ndjson", GOOD);
        let file = world.file("records.ndjson");
        world.works(&said, "load records_v1 FILE", &[("FILE", &format!("'{file}'"))]);
        world.works(&said, " test", &[]);
        assert!(world.path("shop/counterfoil.db").exists(), "{way:?}");
    }
}

fn a_new_stage(world: &World) {
    let said = world.done(&["new", "first"]);
    world.works(&said, " check", &[]);
    // What `new` makes has no example that could fail.
    world.works(&said, " test", &[]);
}

fn a_store_that_is_not_there(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ANY));
    world.write("good.ndjson", GOOD);
    let file = format!("'{}'", world.file("good.ndjson"));
    let said = world.ends(1, &["status"]);
    world.works(
        &said,
        "load DATABASE FILE",
        &[("DATABASE", "in_v1"), ("FILE", &file)],
    );
    let said = world.done(&["status"]);
    world.works(&said, " apply", &[]);
    assert!(world.store().exists());
}

fn a_stage_that_does_not_compile(world: &World) {
    world.write(
        "0001_copy.toml",
        "[stage]\nsource = \"a\"\ntarget = \"b\"\n[[op]]\nop = \"no_such\"\n",
    );
    let said = world.ends(4, &["check"]);
    world.write("0001_copy.toml", &copying("a", "b", ANY));
    world.works(&said, " check", &[]);
}

fn a_changed_stage(world: &World) {
    applied(world);
    world.write(
        "0001_copy.toml",
        &(copying("in_v1", "in_v2", ANY) + "[[op]]\nop = \"set\"\npath = \"x\"\nvalue = \"y\"\n"),
    );
    let said = world.ends(5, &["apply"]);
    world.works(&said, "apply --revise", &[]);
    world.done(&["apply"]);
    // And the other way: a stage of its own.
    world.works(&said, "new NAME", &[("NAME", "another")]);
    world.done(&["check"]);
}

fn a_changed_stage_in_the_status(world: &World) {
    applied(world);
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ""));
    let said = world.done(&["status"]);
    let shown = world.leads_to(5, &said, " apply", &[]);
    assert!(shown.err.contains("-max_errors"), "{}", shown.err);
}

fn a_stage_whose_file_is_gone(world: &World) {
    applied(world);
    std::fs::remove_file(world.path("0001_copy.toml")).expect("a file");
    let status = world.done(&["status"]);
    let said = world.leads_to(5, &status, " apply", &[]);
    // The statement that it names gives the text.
    let line = said.err.split("(sqlite3 ").nth(1).expect("a statement");
    let (statement, _) = line.split_once("); or").expect("its end");
    let (file, sql) = statement.split_once(" \"").expect("a file and a statement");
    let file = world.path("").join(file.trim_matches('\''));
    let beside = world
        .path("..")
        .join(statement.split_once(" \"").expect("a file").0.trim_matches('\''));
    let file = if file.exists() { file } else { beside };
    let store = rusqlite::Connection::open(&file).expect("the store that it names");
    let text: String = store
        .query_row(sql.trim_end_matches('"'), [], |row| row.get(0))
        .expect("the text");
    drop(store);
    world.write("0001_copy.toml", &text);
    world.done(&["apply"]);
    std::fs::remove_file(world.path("0001_copy.toml")).expect("a file");
    world.works(&said, "rollback --to 0", &[]);
    world.done(&["apply"]);
}

/// Stage 5 reads what stage 3, written later, would make.
fn out_of_order(world: &World) {
    world.write("0005_on.toml", &copying("in_v2", "in_v3", ANY));
    world.loads("in_v2", "good.ndjson", GOOD);
    world.done(&["apply"]);
    world.write("0003_late.toml", &copying("in_v1", "in_v2", ANY));
    world.loads("in_v1", "more.ndjson", "{\"id\":\"z\",\"amount\":9}\n");
    world.ends(2, &["apply"]);
}

fn a_stage_out_of_order(world: &World) {
    out_of_order(world);
    let said = world.done(&["status"]);
    assert!(said.err.contains("stage 3 has not been applied"), "{}", said.err);
    world.works(&said, "rollback --to 2", &[]);
    world.done(&["apply"]);
    assert!(world.done(&["export", "in_v3"]).out.contains("\"z\""));
}

fn a_stage_out_of_order_is_renamed(world: &World) {
    out_of_order(world);
    let said = world.done(&["status"]);
    let (_, named) = said.err.split_once("rename `").expect("a name");
    let names: Vec<&str> = named.split('`').step_by(2).take(2).collect();
    assert_eq!(names, ["0003_late.toml", "0006_late.toml"]);
    std::fs::rename(world.path(names[0]), world.path(names[1])).expect("a file");
    world.done(&["apply"]);
}

/// Two of three records are refused, and one is allowed.
fn stopped(world: &World, more: &str) -> crate::support::world::Said {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", more));
    world.loads("in_v1", "mixed.ndjson", MIXED);
    world.ends(6, &["apply"])
}

fn more_refused_than_allowed(world: &World) {
    let said = stopped(world, "max_errors = 1");
    world.works(&said, "quarantine list", &[]);
    world.works(&said, "quarantine waive", &[]);
    world.works(&said, "apply`", &[]);
    world.works(&said, "rollback", &[]);
}

fn more_refused_than_allowed_goes_on(world: &World) {
    let said = stopped(world, "max_errors = 1");
    world.leads_to(3, &said, "apply --max-errors N", &[]);
    // And when the records were corrected.
    world.write("mended.ndjson", MENDED);
    world.done(&["load", "in_v1", &world.file("mended.ndjson"), "--replace"]);
    world.works(&said, "apply`", &[]);
}

fn the_first_refusal_stops(world: &World) {
    let said = stopped(world, "on_error = \"stop\"");
    world.leads_to(3, &said, "apply --on-error quarantine", &[]);
}

fn more_refused_than_allowed_in_the_status(world: &World) {
    stopped(world, "max_errors = 1");
    let said = world.done(&["status"]);
    world.works(&said, "quarantine waive", &[]);
    world.works(&said, "apply`", &[]);
}

/// A contract that lets nothing be refused.
fn strict(world: &World) -> crate::support::world::Said {
    let stage = copying("in_v1", "in_v2", ANY) + "\n[contract]\nmode = \"refuse\"\n";
    world.write("0001_copy.toml", &stage);
    world.loads("in_v1", "mixed.ndjson", MIXED);
    world.ends(6, &["apply"])
}

fn a_contract_that_refuses(world: &World) {
    let said = strict(world);
    world.works(&said, "quarantine list", &[]);
    world.works(&said, "quarantine waive", &[]);
    world.works(&said, "apply`", &[]);
    world.works(&said, "rollback", &[]);
}

fn a_contract_that_refuses_in_the_status(world: &World) {
    strict(world);
    let said = world.done(&["status"]);
    world.works(&said, "quarantine waive", &[]);
    world.works(&said, "apply`", &[]);
}

fn a_contract_that_refuses_is_satisfied(world: &World) {
    let said = strict(world);
    world.write("mended.ndjson", MENDED);
    world.done(&["load", "in_v1", &world.file("mended.ndjson"), "--replace"]);
    world.works(&said, "apply`", &[]);
    assert_eq!(world.done(&["export", "in_v2"]).out.lines().count(), 3);
}

fn a_plan(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ANY));
    world.loads("in_v1", "good.ndjson", GOOD);
    let said = world.done(&["plan", "--to", "1"]);
    world.works(&said, "apply --to 1", &[]);
}

fn a_plan_in_a_file(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ANY));
    world.loads("in_v1", "mixed.ndjson", MIXED);
    let said = world.ends(3, &["plan", "--max-errors", "7", "--out", "the plan.json"]);
    world.leads_to(3, &said, "apply --plan", &[]);
}

fn a_plan_that_would_stop(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", "max_errors = 1"));
    world.loads("in_v1", "mixed.ndjson", MIXED);
    let said = world.ends(3, &["plan"]);
    world.leads_to(3, &said, "apply --on-error quarantine --max-errors 2", &[]);
}

fn a_plan_in_a_file_that_would_stop(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", "max_errors = 1"));
    world.loads("in_v1", "mixed.ndjson", MIXED);
    let said = world.ends(3, &["plan", "--out", "plan.json"]);
    let again = world.leads_to(3, &said, "plan --on-error quarantine", &[]);
    world.leads_to(3, &again, "apply --plan plan.json", &[]);
}

fn a_plan_that_a_contract_would_stop(world: &World) {
    let stage = copying("in_v1", "in_v2", ANY) + "\n[contract]\nmode = \"refuse\"\n";
    world.write("0001_copy.toml", &stage);
    world.loads("in_v1", "mixed.ndjson", MIXED);
    let said = world.ends(3, &["plan"]);
    assert!(said.err.contains("would stop at stage 1"), "{}", said.err);
    world.write("mended.ndjson", MENDED);
    world.done(&["load", "in_v1", &world.file("mended.ndjson"), "--replace"]);
    let again = world.works(&said, "plan`", &[]);
    world.works(&again, "apply", &[]);
}

fn a_plan_of_a_pass_that_a_contract_has_stopped(world: &World) {
    strict(world);
    let said = world.ends(3, &["plan"]);
    world.works(&said, "quarantine list --stage 1", &[]);
    world.works(&said, "quarantine waive --stage 1", &[]);
    world.done(&["apply"]);
}

fn a_plan_that_does_not_fit(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ANY));
    world.loads("in_v1", "good.ndjson", GOOD);
    world.done(&["plan", "--out", "plan.json"]);
    world.loads("in_v1", "more.ndjson", "{\"id\":\"z\",\"amount\":9}\n");
    let said = world.ends(5, &["apply", "--plan", "plan.json"]);
    let again = world.works(&said, "plan --out FILE", &[("FILE", "plan.json")]);
    world.works(&again, "apply --plan plan.json", &[]);
}

fn a_file_that_is_no_plan(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ANY));
    world.loads("in_v1", "good.ndjson", GOOD);
    let said = world.ends(2, &["apply", "--plan", "plan.json"]);
    world.works(&said, "plan --out FILE", &[("FILE", "plan.json")]);
    world.done(&["apply", "--plan", "plan.json"]);
}

fn many() -> String {
    (0..400)
        .map(|at| format!("{{\"id\":\"{at}\",\"amount\":{at}}}\n"))
        .collect()
}

fn a_pass_that_was_stopped(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ANY));
    world.loads("in_v1", "many.ndjson", &many());
    world.ends(6, &["apply", "--batch-size", "1", "--max-time", "1ms"]);
    let said = world.done(&["status"]);
    world.works(&said, " apply", &[]);
    assert_eq!(world.done(&["export", "in_v2"]).out.lines().count(), 400);
}

fn a_rollback_that_was_stopped(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ANY));
    world.loads("in_v1", "many.ndjson", &many());
    world.done(&["apply"]);
    world.ends(
        6,
        &["rollback", "--yes", "--batch-size", "1", "--max-time", "1ms"],
    );
    let said = world.done(&["status"]);
    let done = world.works(&said, " rollback", &[]);
    assert!(done.out.contains("Rolled back 400 records"), "{}", done.out);
}

/// Two stages, one upon the other.
fn two(world: &World) {
    world.write("0001_copy.toml", &copying("in_v1", "in_v2", ANY));
    world.write("0002_on.toml", &copying("in_v2", "in_v3", ANY));
    world.loads("in_v1", "good.ndjson", GOOD);
}

fn a_stage_that_others_stand_on(world: &World) {
    two(world);
    world.done(&["apply"]);
    let said = world.ends(2, &["rollback", "--stage", "1", "--yes"]);
    world.works(&said, "rollback --to 0", &[]);
    assert_eq!(world.done(&["export", "in_v2"]).out, "");
}

fn a_run_that_others_stand_on(world: &World) {
    two(world);
    world.done(&["apply", "--to", "1"]);
    world.done(&["apply"]);
    let said = world.ends(2, &["rollback", "--run", "3", "--yes"]);
    world.works(&said, "rollback --run 4", &[]);
    world.done(&["rollback", "--run", "3", "--yes"]);
}

fn a_record_that_others_stand_on(world: &World) {
    two(world);
    world.done(&["apply"]);
    let said = world.ends(2, &["rollback", "--record", "in_v2", "a", "--yes"]);
    world.works(&said, "rollback --record in_v3 a", &[]);
    world.done(&["rollback", "--record", "in_v2", "a", "--yes"]);
}

fn a_pass_beneath_a_newer_one(world: &World) {
    applied(world);
    world.write("again.ndjson", "{\"id\":\"a\",\"amount\":7}\n");
    world.done(&["load", "in_v1", &world.file("again.ndjson"), "--replace"]);
    world.done(&["apply"]);
    let said = world.ends(9, &["rollback", "--run", "3", "--yes"]);
    assert!(said.err.contains("`--run 5`"), "{}", said.err);
    world.done(&["rollback", "--run", "5", "--yes"]);
    world.done(&["rollback", "--run", "3", "--yes"]);
}

fn rows_changed_since(world: &World) {
    applied(world);
    world.write("hand.ndjson", "{\"id\":\"a\",\"amount\":70}\n");
    world.done(&["load", "in_v2", &world.file("hand.ndjson"), "--replace"]);
    let said = world.ends(9, &["rollback", "--yes"]);
    for way in ["skip", "merge", "force"] {
        assert!(said.err.contains(way), "{}", said.err);
    }
    let left = world.ends(3, &["rollback", "--yes", "--on-conflict", "skip"]);
    assert!(
        left.out.contains("Rolled back 1 record in 1 pass"),
        "{}",
        left.out
    );
}

fn a_record_that_no_stage_has_changed(world: &World) {
    applied(world);
    let said = world.ends(2, &["rollback", "--record", "in_v1", "a", "--yes"]);
    world.works(&said, "trace in_v1 a", &[]);
}

fn a_stage_that_is_not_there(world: &World) {
    world.loads("in_v1", "good.ndjson", GOOD);
    let said = world.ends(2, &["apply", "--to", "3"]);
    world.works(&said, "new NAME", &[("NAME", "first")]);
    world.write("0002_place.toml", &in_place("in_v1"));
    world.done(&["check"]);
}

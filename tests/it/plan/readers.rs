//! A plan only reads: it holds nothing up, and shows nothing that is redacted.

use std::fs;

use super::{bank, done, load};
use crate::support::scenario::{Beginning, Template};
use crate::support::world::Scene;

#[test]
fn nothing_holds_a_plan_up_and_a_plan_holds_nothing_up() {
    let project = bank();
    let lock = fs::File::options()
        .write(true)
        .open(project.path("store.db.lock"))
        .expect("the lock's file");
    lock.try_lock().expect("nobody holds it");
    assert_eq!(project.run(&["apply", "--wait", "0"]).code, 7);
    done(&project.run(&["plan"]));
}

#[test]
fn a_store_that_was_killed_in_the_middle_of_a_commit_can_be_planned() {
    let template = Template::new(Beginning::Loaded);
    let project = Scene::of_scenario(&template);
    // A journal that a killed process has left: the file's first page as it was, and a header that says so.
    let store = project.store();
    let connection = rusqlite::Connection::open(&store).expect("a store");
    connection
        .execute_batch("PRAGMA cache_size=1; PRAGMA cache_spill=1; BEGIN; CREATE TABLE spilled(x); ")
        .expect("a write");
    connection
        .execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<5000) INSERT INTO spilled SELECT hex(randomblob(400)) FROM n", [])
        .expect("more than the cache holds");
    let (half, journal) = (
        fs::read(&store).unwrap(),
        fs::read(project.path("store.db-journal")).unwrap(),
    );
    connection.execute_batch("ROLLBACK").expect("undone");
    drop(connection);
    let whole = fs::read(&store).unwrap();
    fs::write(&store, half).unwrap();
    fs::write(project.path("store.db-journal"), journal).unwrap();
    let said = project.run(&["plan", "--json"]);
    assert!(matches!(said.code, 0 | 3), "{said:?}");
    assert_eq!(
        whole,
        fs::read(&store).unwrap(),
        "what was half done is undone, and nothing else has changed"
    );
}

#[test]
fn a_plan_shows_nothing_that_a_stage_redacts() {
    const STAGE: &str = "[stage]\nsource = \"people\"\ntarget = \"people_v2\"\nredact = [\"ssn\", \"id_card.number\"]\nmax_errors = \"100%\"\n\
        [[op]]\nop = \"rename\"\nfrom = \"name\"\nto = \"full_name\"\n[[op]]\nop = \"convert\"\npath = \"age\"\nto = \"integer\"\n";
    let project = Scene::project(&[("0001_people.toml", STAGE)]);
    let people = "{\"id\":\"1\",\"name\":\"Ada\",\"age\":\"36\",\"ssn\":\"SECRET-1\",\"id_card\":{\"number\":\"SECRET-2\"}}\n\
        {\"id\":\"2\",\"name\":\"Bob\",\"age\":\"SECRET?\",\"ssn\":\"SECRET-3\",\"id_card\":{\"number\":\"SECRET-4\"}}\n";
    project.write("people.ndjson", people);
    load(
        &project,
        "people",
        &project.path("people.ndjson").display().to_string(),
        "id",
    );
    let plan = project.path("plan.json").display().to_string();
    let (text, json) = (
        project.run(&["plan", "--out", &plan]),
        project.run(&["plan", "--json"]),
    );
    for said in [
        &text.out,
        &text.err,
        &json.out,
        &fs::read_to_string(&plan).unwrap(),
    ] {
        assert!(!said.contains("SECRET"), "{said}");
    }
    assert!(
        text.out.contains("/full_name  \"Ada\"") && text.out.contains("convert.invalid"),
        "{}",
        text.out
    );
}

#[test]
fn a_drifted_stage_is_not_planned_unless_it_is_revised() {
    let project = bank();
    done(&project.run(&["apply"]));
    let stage = fs::read_to_string(project.path("0003_compliance.toml")).unwrap();
    project.write(
        "0003_compliance.toml",
        format!("{stage}\n[[op]]\nop = \"add\"\npath = \"more\"\nvalue = 1\n"),
    );
    assert_eq!(project.run(&["plan"]).code, 5);
    let planned = project.run(&["plan", "--revise", "--json"]);
    done(&planned);
    assert_eq!(planned.data()["stages"][0]["passes"][0]["kind"], "revised");
}

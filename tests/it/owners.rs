//! Whose a row is, and whose a number: stages that share a source and a target do not take each other's rows for their own,
//! stages that undo each other's work come to an end, and no figure vouches for what somebody else has changed.

use crate::support::world::{Said, Scene};

const BOTH: &str = "[stage]\nsource = \"a\"\ntarget = \"b\"\n";

fn is_sound(project: &Scene) {
    project.exits(&["verify"], 0);
}

fn rows(project: &Scene, database: &str) -> Vec<String> {
    let mut rows: Vec<String> = project
        .exits(&["export", database], 0)
        .out
        .lines()
        .map(str::to_owned)
        .collect();
    rows.sort();
    rows
}

fn with_id(id: &str, more: &str) -> String {
    format!("{BOTH}max_errors = \"100%\"\nid = \"= \\\"{id}-\\\" + doc.id\"\n{more}\n")
}

#[test]
fn a_stage_does_not_write_over_the_row_that_another_has_under_the_number() {
    let project = Scene::project(&[("0001_x.toml", &with_id("x", "where = \"= doc.paid\""))]);
    project.load("a", &[r#"{"id":"r1","paid":true}"#], &[]);
    project.exits(&["apply"], 0);
    project.load("a", &[r#"{"id":"r1","paid":false}"#], &["--replace"]);
    project.exits(&["apply"], 0);
    project.write("0002_y.toml", with_id("y", ""));
    project.exits(&["apply"], 0);
    project.load("a", &[r#"{"id":"r1","paid":true}"#], &["--replace", "--again"]);
    project.exits(&["apply"], 0);
    assert_eq!(rows(&project, "b").len(), 2, "{:?}", rows(&project, "b"));
    is_sound(&project);
}

#[test]
fn what_is_refused_in_place_keeps_its_number() {
    let positive = "[stage]\nsource = \"b\"\nmax_errors = \"100%\"\n[[contract.rule]]\nname = \"v\"\nexpect = \"= doc.v > 0\"\n";
    let project = Scene::project(&[
        ("0001_x.toml", &with_id("x", "")),
        ("0002_c.toml", positive),
        ("0003_y.toml", &with_id("y", "")),
    ]);
    project.load("a", &[r#"{"id":"r1","v":-1}"#], &[]);
    project.exits(&["apply"], 3);
    project.exits(&["quarantine", "retry"], 3);
    project.write("0002_c.toml", positive.replace("> 0", "> -5"));
    project.exits(&["apply", "--revise", "--reason", "looser"], 0);
    assert_eq!(rows(&project, "b").len(), 2, "the refused row is not lost");
    is_sound(&project);
}

#[test]
fn the_place_of_what_is_refused_in_place_is_kept_in_an_empty_target_too() {
    let positive = "[stage]\nsource = \"b\"\nmax_errors = \"100%\"\n[[contract.rule]]\nname = \"v\"\nexpect = \"= doc.v > 0\"\n";
    for others in [&[][..], &[r#"{"id":"r9","v":9}"#][..]] {
        let project = Scene::project(&[
            ("0001_x.toml", BOTH),
            ("0002_c.toml", positive),
            (
                "0003_y.toml",
                "[stage]\nsource = \"d\"\ntarget = \"b\"\nmax_errors = \"100%\"\n",
            ),
        ]);
        project.load("a", &[&[r#"{"id":"r1","v":-1}"#], others].concat(), &[]);
        project.load("d", &[r#"{"id":"r1","v":5}"#], &[]);
        project.exits(&["apply"], 3);
        assert_eq!(rows(&project, "b").len(), others.len(), "the place is kept");
        is_sound(&project);
    }
}

#[test]
fn a_unique_rule_sees_the_row_of_another_stage_under_the_same_number() {
    let unique = "[[contract.unique]]\nname = \"one\"\nkey = \"= doc.n\"\n";
    let project = Scene::project(&[
        ("0001_x.toml", &with_id("x", "")),
        ("0002_y.toml", &with_id("y", unique)),
    ]);
    project.load("a", &[r#"{"id":"r1","n":1}"#, r#"{"id":"r2","n":2}"#], &[]);
    project.exits(&["apply"], 3);
    assert_eq!(
        rows(&project, "b").len(),
        2,
        "the second stage's records break its rule"
    );
    project.exits(&["validate", "b"], 0);
    is_sound(&project);
}

#[test]
fn a_load_with_one_line_twice_is_taken_back() {
    let project = Scene::project(&[("0001_x.toml", BOTH)]);
    let twice = r#"{"id":"r1","v":1}"#;
    project.load("a", &[twice, twice, r#"{"id":"r2","v":1}"#], &[]);
    project.exits(&["rollback", "--run", "2", "--yes"], 0);
    assert!(rows(&project, "a").is_empty());
    is_sound(&project);
}

#[test]
fn codes_of_the_ledger_are_errors_in_a_stage_file() {
    for op in [
        "[[op]]\nop = \"filter\"\nwhere = \"= doc.paid\"\nreason = \"target.exists\"\n",
        "[[op]]\nop = \"set\"\npath = \"x\"\nvalue = \"= refuse(\\\"target.edited\\\")\"\n",
        "[[op]]\nop = \"decimal\"\npath = \"x\"\nrefuse_as = \"waived\"\n",
    ] {
        let project = Scene::project(&[("0001_x.toml", &format!("{BOTH}{op}"))]);
        let said = project.exits(&["check"], 4);
        assert!(said.err.contains("is reserved for the ledger"), "{said:?}");
    }
}

#[test]
fn stages_that_undo_each_others_work_come_to_an_end() {
    let circle = Scene::project(&[
        ("0001_x.toml", BOTH),
        ("0002_y.toml", "[stage]\nsource = \"b\"\ntarget = \"a\"\n"),
    ]);
    let said = circle.exits(&["check"], 4);
    assert!(said.err.contains("form a cycle"), "{said:?}");

    let project = Scene::project(&[
        (
            "0001_x.toml",
            "[stage]\nsource = \"a\"\ntarget = \"b\"\non_conflict = \"skip\"\n",
        ),
        (
            "0002_y.toml",
            "[stage]\nsource = \"d\"\ntarget = \"b\"\non_conflict = \"replace\"\n",
        ),
        (
            "0003_z.toml",
            "[stage]\nsource = \"b\"\nid = \"= \\\"m-\\\" + doc.id\"\n",
        ),
    ]);
    project.load("a", &[r#"{"id":"k1"}"#], &[]);
    project.load("d", &[r#"{"id":"k1"}"#], &[]);
    // It ends, one way or the other.
    let said = project.run(&["apply"]);
    assert!((0..8).contains(&said.code), "{said:?}");
    is_sound(&project);
}

#[test]
fn a_row_that_was_changed_behind_the_ledger_is_not_written_over_and_stays_unexplained() {
    let sum = "[[reconcile]]\nname = \"n\"\nsource = \"= doc.n\"\ntarget = \"= doc.n\"\n";
    let project = Scene::project(&[("0001_x.toml", &format!("{BOTH}max_errors = \"100%\"\n{sum}"))]);
    project.load("a", &[r#"{"id":"r1","n":1}"#, r#"{"id":"r2","n":2}"#], &[]);
    project.exits(&["apply"], 0);
    let store = rusqlite::Connection::open(project.store()).expect("a store");
    store
        .execute("UPDATE b SET data='{\"id\":\"r1\",\"n\":99}' WHERE id='r1'", [])
        .expect("a row");
    drop(store);
    project.load("a", &[r#"{"id":"r1","n":1,"k":2}"#], &["--replace"]);
    let said = project.exits(&["apply"], 3);
    assert!(said.out.contains("target.edited"), "{said:?}");
    assert!(rows(&project, "b").contains(&r#"{"id":"r1","n":99}"#.to_owned()));
    let said = project.exits(&["reconcile"], 3);
    assert!(said.out.contains("unexplained"), "{said:?}");
}

#[test]
fn what_a_hand_has_changed_is_the_cause_whatever_becomes_of_the_correction() {
    let sum = "[[reconcile]]\nname = \"n\"\nsource = \"= doc.n\"\ntarget = \"= doc.n\"\n";
    for policy in ["skip", "refuse"] {
        let stage = format!("{BOTH}max_errors = \"100%\"\non_conflict = \"{policy}\"\n{sum}");
        let project = Scene::project(&[("0001_x.toml", &stage)]);
        project.load("a", &[r#"{"id":"r1","n":1}"#, r#"{"id":"r2","n":2}"#], &[]);
        project.exits(&["apply"], 0);
        project.load("b", &[r#"{"id":"r1","n":300}"#], &["--replace"]);
        project.load("a", &[r#"{"id":"r1","n":1,"k":"b"}"#], &["--replace"]);
        project.exits(&["apply"], if policy == "skip" { 0 } else { 3 });
        let is_edited = |said: &Said| {
            assert!(said.out.contains("edited since        1"), "{policy}: {said:?}");
            for other in ["stale", "filtered", "waived", "refused"] {
                assert!(!said.out.contains(other), "{policy}: {said:?}");
            }
        };
        is_edited(&project.exits(&["reconcile"], 0));
        if policy == "refuse" {
            project.exits(&["quarantine", "waive", "--all", "--reason", "kept"], 0);
            is_edited(&project.exits(&["reconcile"], 0));
        }
        let said = project.exits(&["status"], 0);
        assert!(said.out.contains("1 edited (r1)"), "{policy}: {said:?}");
    }
}

#[test]
fn a_stage_that_stands_unreconciled_is_reported_by_every_apply() {
    let sum = "[[reconcile]]\nname = \"n\"\nsource = \"= doc.n\"\ntarget = \"= doc.n + 1\"\n";
    let project = Scene::project(&[("0001_x.toml", &format!("{BOTH}{sum}"))]);
    project.load("a", &[r#"{"id":"r1","n":1}"#], &[]);
    project.exits(&["apply"], 3);
    let said = project.exits(&["apply"], 3);
    assert!(said.err.contains("still not reconciled"), "{said:?}");
}

#[test]
fn the_rest_of_a_pass_is_reconciled_though_somebody_has_looked_at_its_beginning() {
    let stage = format!(
        "{BOTH}max_errors = 0\n[into]\nid = \"= doc.id\"\nv = \"= if doc.id == \\\"r3\\\" {{ 99 }} else {{ doc.v }}\"\n\
         [[contract.rule]]\nname = \"v\"\nexpect = \"= doc.v < 100\"\n\
         [[reconcile]]\nname = \"sum\"\nsource = \"= doc.v\"\ntarget = \"= doc.v\"\n"
    );
    let project = Scene::project(&[("0001_x.toml", &stage)]);
    let lines = [
        r#"{"id":"r1","v":1}"#,
        r#"{"id":"r2","v":200}"#,
        r#"{"id":"r3","v":3}"#,
    ];
    project.load("a", &lines, &[]);
    project.exits(&["apply", "--batch-size", "1"], 6);
    project.exits(&["reconcile"], 0);
    let said = project.exits(&["apply", "--max-errors", "5"], 3);
    assert!(said.err.contains("not reconciled"), "{said:?}");
}

#[test]
fn an_interrupted_rollback_of_one_stage_is_named_as_it_was_begun_and_blocks_its_reconciliation() {
    let sum = "[[reconcile]]\nname = \"n\"\nsource = \"= doc.n\"\ntarget = \"= doc.n\"\n";
    let project = Scene::project(&[
        ("0001_x.toml", &format!("{BOTH}{sum}")),
        ("0002_y.toml", "[stage]\nsource = \"d\"\ntarget = \"c\"\n"),
    ]);
    let lines: Vec<String> = (1..=5)
        .map(|n| format!("{{\"id\":\"k{n}\",\"n\":{n}}}"))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    project.load("a", &lines, &[]);
    project.load("d", &lines, &[]);
    project.exits(&["apply"], 0);
    let stopped = [
        "rollback",
        "--yes",
        "--stage",
        "1",
        "--batch-size",
        "1",
        "--max-time",
        "1ms",
    ];
    project.exits(&stopped, 6);
    let said = project.exits(&["status"], 0);
    assert!(said.out.contains(" rollback --stage 1` continues"), "{said:?}");
    let said = project.exits(&["reconcile"], 2);
    assert!(said.err.contains("partly rolled back"), "{said:?}");
    project.exits(&["rollback", "--stage", "1", "--yes"], 0);
    assert_eq!(rows(&project, "c").len(), 5);
    is_sound(&project);
}

#[test]
fn what_one_project_changes_in_place_feeds_the_stages_of_another() {
    let project = Scene::project(&[("0001_x.toml", BOTH)]);
    project.load("a", &[r#"{"id":"r1","n":1}"#], &[]);
    project.exits(&["apply"], 0);
    let other = Scene::project(&[(
        "0001_i.toml",
        "[stage]\nsource = \"a\"\n[[op]]\nop = \"rename\"\nfrom = \"n\"\nto = \"m\"\n",
    )]);
    other.write("counterfoil.toml", "name = \"other\"\n");
    let store = project.store().display().to_string();
    other.exits(&["--store", &store, "apply"], 0);
    project.exits(&["apply"], 0);
    assert_eq!(rows(&project, "b"), [r#"{"id":"r1","m":1}"#]);
    is_sound(&project);
}

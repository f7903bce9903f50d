//! What a store is opened for: nothing is written where it is not as this program creates it, who only reads is answered all
//! the same, needs no signing key, and is told what is wrong; and nobody else may read it.

mod foreign;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::world::{Said, Scene};

const COPY: &str =
    "[stage]\nsource = \"a\"\ntarget = \"b\"\n\n[[op]]\nop = \"set\"\npath = \"k\"\nvalue = 1\n";

fn project() -> Scene {
    let project = Scene::project(&[("0001_copy.toml", COPY)]);
    project.exits(&["checkpoint", "--new-key"], 0);
    project.write("a.ndjson", "{\"id\":\"r1\"}\n{\"id\":\"r2\"}\n");
    load(&project);
    project
}

fn load(project: &Scene) {
    let file = project.path("a.ndjson").display().to_string();
    project.exits(&["load", "a", &file, "--again"], 0);
}

fn changed(project: &Scene, sql: &str) {
    let store = rusqlite::Connection::open(project.store()).expect("a store");
    store.execute_batch(sql).expect(sql);
}

/// A contract that every record keeps.
const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/any.schema.json");

/// The verbs that only read, each with the exit code that it has here.
const READING: [(&[&str], i32); 12] = [
    (&["status"], 0),
    (&["status", "--check"], 0),
    (&["history"], 0),
    (&["query", "a"], 0),
    (&["export", "a"], 0),
    (&["profile", "a"], 0),
    (&["trace", "a", "r1"], 0),
    (&["quarantine", "list"], 0),
    (&["validate", "b", "--contract", SCHEMA], 0),
    (&["plan"], 0),
    (&["check"], 0),
    (&["test"], 0),
];

#[test]
fn a_store_with_foreign_or_missing_objects_is_not_written_to_and_the_statement_that_is_named_mends_it() {
    for sql in [
        "CREATE TRIGGER pwn AFTER INSERT ON ledger_run BEGIN DELETE FROM a; END",
        "CREATE TRIGGER \"odd \"\"name\" AFTER INSERT ON a BEGIN SELECT 1; END",
        "CREATE INDEX by_data ON a(data)",
        "CREATE VIEW mine AS SELECT id FROM a",
        "CREATE TABLE notes(text)",
        "DROP TRIGGER ledger_batch_insert",
        "DROP INDEX ledger_batch_pass",
        "DROP VIEW audit_record; CREATE VIEW audit_record AS SELECT 1 AS record",
        "DROP INDEX \"a.id\"",
        "DROP INDEX \"a.id\"; CREATE INDEX \"a.id\" ON a(id)",
    ] {
        let project = project();
        project.write("any.json", "{}");
        changed(&project, sql);
        let before = std::fs::read(project.store()).expect("a store");
        let file = project.path("a.ndjson").display().to_string();
        for arguments in [
            &["apply"][..],
            &["load", "a", &file, "--again"],
            &["delete", "a", "r1", "--reason", "x"],
            &["rollback", "--yes"],
            &["quarantine", "waive", "--all", "--reason", "x"],
            &["checkpoint"],
        ] {
            let said = project.exits(arguments, 8);
            assert!(said.err.contains("fixes it"), "{sql}: {said:?}");
        }
        assert!(
            std::fs::read(project.store()).expect("a store") == before,
            "{sql}"
        );
        for (arguments, code) in READING {
            let any = project.path("any.json").display().to_string();
            let arguments: Vec<&str> = arguments
                .iter()
                .map(|word| if *word == "any.json" { any.as_str() } else { word })
                .collect();
            let said = project.exits(&arguments, code);
            let warns = !["check", "test"].contains(&arguments[0]);
            assert!(
                !warns || said.err.contains("is not the one this program creates"),
                "{sql}: {said:?}"
            );
        }
        project.exits(&["verify"], 8);
        let said = project.exits(&["apply"], 8);
        mend(&project, &said.err);
        project.exits(&["apply"], 0);
        project.exits(&["verify"], 0);
    }
}

/// Runs the statements that are named, in their order.
fn mend(project: &Scene, said: &str) {
    let named = said.split("; `").skip(1);
    let mends: Vec<&str> = named
        .filter_map(|rest| Some(rest.split_once("` fixes it")?.0))
        .collect();
    assert!(!mends.is_empty(), "{said}");
    changed(project, &mends.join("\n"));
}

const TO_NUMBERS: &str = "[stage]\nsource = \"a\"\ntarget = \"b\"\nmax_errors = \"100%\"\n\n[[op]]\nop = \"convert\"\npath = \"n\"\nto = \"integer\"\n";

/// A project with a record in quarantine, a pass that has ended, and one that has not.
fn project_at_work() -> Scene {
    let project = Scene::project(&[("0001_copy.toml", TO_NUMBERS)]);
    project.exits(&["checkpoint", "--new-key"], 0);
    let load_numbers = |of: i64| {
        let number = |at: i64| {
            if at == 7 {
                "seven".to_owned()
            } else {
                (of * at).to_string()
            }
        };
        let line = |at: i64| format!("{{\"id\":\"r{at}\",\"n\":\"{}\"}}\n", number(at));
        project.write("a.ndjson", (1..=60).map(line).collect::<String>());
        let file = project.path("a.ndjson").display().to_string();
        project.exits(&["load", "a", &file, "--replace", "--again"], 0);
    };
    load_numbers(1);
    project.exits(&["apply"], 3);
    load_numbers(2);
    // One batch, and then the time is up.
    let stopping = ["apply", "--batch-size", "20", "--pause", "2s", "--max-time", "1s"];
    project.exits(&stopping, 6);
    project
}

/// Everything that stands in the schema because of the tables that follow from the ledger, or reads them: its kind and name.
fn derived(project: &Scene) -> Vec<(String, String)> {
    let store = rusqlite::Connection::open(project.store()).expect("a store");
    let sql = "SELECT type, name FROM sqlite_schema s WHERE sql IS NOT NULL AND name GLOB 'ledger_*' AND (type IN('view','index')
       OR EXISTS(SELECT 1 FROM json_each('[\"ledger_sparse\",\"ledger_open\",\"ledger_total\",\"ledger_written\",\"ledger_lookup\"]')
         WHERE s.name=value OR (s.type='trigger' AND instr(s.sql, value))))";
    let mut statement = store.prepare(sql).expect("a question");
    let objects = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    objects
        .expect("a schema")
        .collect::<Result<_, _>>()
        .expect("names")
}

/// What is answered to who reads, and whether all of them were warned.
fn answers(project: &Scene) -> (Vec<String>, bool) {
    let asked: [&[&str]; 4] = [
        &["status"],
        &["quarantine", "list"],
        &["trace", "b", "r5"],
        &["plan"],
    ];
    let said = asked.map(|arguments| {
        let said = project.run(arguments);
        assert!([0, 3].contains(&said.code), "{arguments:?}: {said:?}");
        said
    });
    let warned = |said: &Said| said.err.contains("is not the one this program creates");
    let all_warned = said.iter().all(warned);
    // How long it would take, and how much room there is, is another answer each time.
    let told = |said: &Said| {
        let lines = said
            .out
            .lines()
            .filter(|line| !line.to_lowercase().contains("about "));
        lines.collect::<Vec<_>>().join("\n")
    };
    (said.iter().map(told).collect(), all_warned)
}

#[test]
fn without_an_object_that_follows_from_the_ledger_readers_are_answered_and_the_statements_bring_it_back() {
    let project = project_at_work();
    let files = ["store.db", "store.db.checkpoints"].map(|name| project.path(name));
    let whole = files.each_ref().map(|file| std::fs::read(file).expect("bytes"));
    let (right, warned) = answers(&project);
    assert!(!warned, "{right:?}");
    let objects = derived(&project);
    assert!(objects.len() > 40, "{objects:?}");
    let dropped = objects.iter().map(|(kind, name)| format!("DROP {kind} {name}"));
    let changed_too = [
        "DROP TABLE ledger_open; CREATE TABLE ledger_open(pass INTEGER PRIMARY KEY)",
        "DROP TABLE ledger_total; CREATE VIEW ledger_total AS SELECT 1 AS stage, 5 AS read",
        "DROP TRIGGER ledger_open_delete; DROP TRIGGER ledger_batch_ends; DELETE FROM ledger_open",
        "ALTER TABLE ledger_sparse ADD COLUMN note TEXT; CREATE TRIGGER mine AFTER INSERT ON ledger_sparse BEGIN SELECT 1; END",
        "DROP TABLE ledger_sparse; DROP TABLE ledger_open; DROP TABLE ledger_total; DROP TABLE ledger_written; DROP TABLE ledger_lookup",
    ];
    for sql in dropped.chain(changed_too.map(str::to_owned)) {
        changed(&project, &sql);
        assert_eq!(answers(&project), (right.clone(), true), "{sql}");
        mend(&project, &project.exits(&["apply"], 8).err);
        if sql.contains("DELETE") {
            mend(&project, &project.exits(&["verify"], 8).out);
        }
        project.exits(&["apply"], 0);
        project.exits(&["verify"], 0);
        for (file, bytes) in files.iter().zip(&whole) {
            std::fs::write(file, bytes).expect("it is ours");
        }
    }
}

#[test]
fn what_follows_from_the_ledger_is_guarded_and_where_it_differs_all_the_same_the_statement_mends_it() {
    let project = project_at_work();
    let guards: Vec<String> = derived(&project)
        .into_iter()
        .filter(|(kind, name)| {
            kind == "trigger" && !name.starts_with("ledger_batch_") && !name.starts_with("ledger_pass_")
        })
        .map(|(_, name)| name)
        .collect();
    assert_eq!(guards.len(), 14, "{guards:?}");
    for (changes, says) in [
        (
            [
                "DELETE FROM ledger_sparse WHERE record=7",
                "UPDATE ledger_sparse SET record=record+1000",
            ],
            "`ledger_sparse` does not match",
        ),
        (
            [
                "DELETE FROM ledger_open",
                "INSERT INTO ledger_open SELECT max(pass)+1 FROM ledger_pass",
            ],
            "`ledger_open` does not match",
        ),
        (
            ["UPDATE ledger_total SET read=read+1", "DELETE FROM ledger_total"],
            "`ledger_total` does not match",
        ),
        (
            [
                "INSERT INTO ledger_total SELECT stage+1, batch, 1, 1, 0, 0, 0, 0 FROM ledger_total",
                "UPDATE ledger_total SET stage=stage+1",
            ],
            "`ledger_total` does not match",
        ),
        (
            [
                "DELETE FROM ledger_written",
                "INSERT INTO ledger_written SELECT database||'x', rollback, batch FROM ledger_written",
            ],
            "`ledger_written` does not match",
        ),
    ] {
        for change in changes {
            let store = rusqlite::Connection::open(project.store()).expect("a store");
            let refused = store.execute_batch(change).expect_err(change);
            assert!(refused.to_string().contains("ledger: "), "{change}: {refused}");
            // Without the guards.
            let texts: String = guards
                .iter()
                .map(|name| {
                    let sql = "SELECT sql FROM sqlite_schema WHERE name=?1";
                    store
                        .query_row(sql, [name], |row| row.get::<_, String>(0))
                        .expect("a guard")
                        + ";"
                })
                .collect();
            let dropped: String = guards
                .iter()
                .map(|name| format!("DROP TRIGGER {name};"))
                .collect();
            store
                .execute_batch(&format!("{dropped}{change};{texts}"))
                .expect(change);
            drop(store);
            let said = project.exits(&["verify"], 8);
            assert!(said.out.contains(says), "{change}: {said:?}");
            mend(&project, &said.out);
            project.exits(&["verify"], 0);
        }
    }
    project.exits(&["apply"], 0);
    project.exits(&["rollback", "--yes"], 0);
    project.exits(&["verify"], 0);
}

#[test]
fn a_table_of_data_that_was_changed_is_never_to_be_dropped() {
    let project = project();
    changed(&project, "ALTER TABLE a ADD COLUMN note TEXT");
    let said = project.exits(&["apply"], 8);
    assert!(
        said.err
            .contains("the table `a` is not as this program creates it; no statement"),
        "{said:?}"
    );
    assert!(!said.err.contains("DROP"), "{said:?}");
}

#[test]
fn a_rollback_does_not_take_a_target_without_its_index_for_one_that_is_being_filled() {
    use counterfoil::observe::Silent;
    use counterfoil::rollback::{RollbackOptions, RollbackScope, rollback};
    use counterfoil::store::{Store, StoreOptions};
    let project = project();
    project.exits(&["apply"], 0);
    let unchecked = StoreOptions::default().unchecked(true);
    let mut store = Store::open(project.store(), unchecked, Default::default()).expect("a store");
    let index = "DROP INDEX \"b.id\"";
    changed(&project, index);
    let options = RollbackOptions::default().scope(RollbackScope::Last);
    let refused = rollback(
        &mut store,
        crate::support::scenario::PROJECT,
        &options,
        &mut Silent,
    );
    let refused = refused.expect_err("no index").to_string();
    assert!(refused.contains("`b.id` is missing"), "{refused}");
    drop(store);
    mend(&project, &project.exits(&["rollback", "--yes"], 8).err);
    project.exits(&["rollback", "--yes"], 0);
    project.exits(&["verify"], 0);
}

#[test]
fn what_sqlite_keeps_of_statistics_is_not_foreign() {
    let project = project();
    changed(&project, "ANALYZE");
    project.exits(&["apply"], 0);
    project.exits(&["verify"], 0);
}

#[test]
fn who_only_reads_does_not_open_the_signing_key() {
    let project = project();
    project.exits(&["apply"], 0);
    project.write("any.json", "{}");
    let any = project.path("any.json").display().to_string();
    for spoilt in ["no key at all", ""] {
        project.write("counterfoil.key", spoilt);
        for (arguments, code) in READING {
            let arguments: Vec<&str> = arguments
                .iter()
                .map(|word| if *word == "any.json" { any.as_str() } else { word })
                .collect();
            project.exits(&arguments, code);
        }
        project.exits(&["verify"], 0);
        project.exits(
            &[
                "report",
                "--html",
                &project.path("r.html").display().to_string(),
                "--force",
            ],
            0,
        );
        project.exits(&["prove", "a", "r1"], 0);
        project.exits(&["apply"], 1);
    }
    let public = project.path("counterfoil.pub").display().to_string();
    project.exits(&["status", "--key", &public], 0);
    project.exits(&["verify", "--key", &public], 0);
}

#[test]
fn a_store_that_was_signed_and_goes_on_unsigned_says_so() {
    let project = project();
    project.exits(&["apply"], 0);
    assert!(!project.exits(&["status"], 0).out.contains("unsigned"));
    std::fs::remove_file(project.path("counterfoil.key")).expect("a key");
    let said = project.exits(
        &[
            "load",
            "a",
            &project.path("a.ndjson").display().to_string(),
            "--again",
        ],
        0,
    );
    assert!(said.err.contains("this one will not be"), "{said:?}");
    let status = project.exits(&["status"], 0);
    assert!(status.out.contains("unsigned since batch"), "{status:?}");
    let checked = project.exits(&["status", "--check"], 0);
    assert!(checked.out.contains("unsigned since batch"), "{checked:?}");
    assert!(!project.exits(&["verify"], 0).out.contains("there is no key"));
    std::fs::remove_file(project.path("counterfoil.pub")).expect("a key");
    let said = project.exits(&["verify"], 0);
    assert!(said.out.contains("there is no key"), "{said:?}");
}

#[test]
fn a_new_store_and_what_stands_beside_it_are_for_their_owner_alone_and_follow_the_store() {
    let project = project();
    project.exits(&["apply"], 0);
    let mode = |name: &str| {
        let metadata = std::fs::metadata(project.path(name)).expect(name);
        metadata.permissions().mode() & 0o777
    };
    for name in ["store.db", "store.db.lock", "store.db.checkpoints"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    // Shared with a group: what is made from then on is as well.
    for name in ["store.db.lock", "store.db.checkpoints"] {
        std::fs::remove_file(project.path(name)).expect(name);
    }
    let shared = std::fs::Permissions::from_mode(0o660);
    std::fs::set_permissions(project.store(), shared).expect("it is ours");
    load(&project);
    for name in ["store.db", "store.db.lock", "store.db.checkpoints"] {
        assert_eq!(mode(name), 0o660, "{name}");
    }
}

#[test]
fn checkpoints_behind_a_symbolic_link_are_refused() {
    let project = project();
    let (file, elsewhere) = (project.path("store.db.checkpoints"), project.path("elsewhere"));
    std::fs::rename(&file, &elsewhere).expect("it is ours");
    std::os::unix::fs::symlink(&elsewhere, &file).expect("a link");
    let before = std::fs::read(&elsewhere).expect("bytes");
    for (verb, code) in [("apply", 1), ("status", 0), ("verify", 8)] {
        let said = project.exits(&[verb], code);
        assert!(said.err.contains("symbolic link"), "{said:?}");
    }
    assert_eq!(std::fs::read(&elsewhere).expect("bytes"), before);
}

#[test]
fn a_restored_store_can_be_looked_at_before_it_is_accepted() {
    let project = project();
    let copy = std::fs::read(project.store()).expect("bytes");
    project.exits(&["apply"], 0);
    std::fs::write(project.store(), copy).expect("it is ours");
    let status = project.exits(&["status"], 0);
    assert!(status.err.contains("replaced by an older copy"), "{status:?}");
    assert!(status.err.contains("--accept-restore"), "{status:?}");
    project.exits(&["history"], 0);
    project.exits(&["verify"], 8);
    project.exits(&["apply"], 8);
    project.exits(
        &["checkpoint", "--accept-restore", "--reason", "from last night"],
        0,
    );
    project.exits(&["apply"], 0);
    project.exits(&["verify"], 0);
}

#[test]
fn a_lock_behind_a_link_is_refused_and_what_it_leads_to_stays() {
    let project = project();
    let (lock, precious) = (project.path("store.db.lock"), project.path("precious"));
    let links: [fn(&Path, &Path) -> std::io::Result<()>; 2] = [
        |to, at| std::os::unix::fs::symlink(to, at),
        |to, at| std::fs::hard_link(to, at),
    ];
    for link in links {
        std::fs::write(&precious, "precious").expect("it is ours");
        std::fs::remove_file(&lock).expect("a lock");
        link(&precious, &lock).expect("a link");
        let said = project.exits(&["apply"], 1);
        assert!(said.err.contains("link"), "{said:?}");
        assert_eq!(std::fs::read(&precious).expect("bytes"), b"precious");
        project.exits(&["status"], 0);
    }
    std::fs::remove_file(&lock).expect("a link");
    std::os::unix::fs::symlink(project.path("none"), &lock).expect("a link");
    project.exits(&["apply"], 1);
    assert!(!project.path("none").exists());
    std::fs::remove_file(&lock).expect("a link");
    project.exits(&["apply"], 0);
}

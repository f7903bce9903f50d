//! What a store is opened for: nothing is written where it is not as this program makes it, who only reads is answered all
//! the same, needs no signing key, and is told what is wrong; and nobody else may read it.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::project::{ProjectFolder, Said};

const COPY: &str =
    "[stage]\nsource = \"a\"\ntarget = \"b\"\n\n[[op]]\nop = \"set\"\npath = \"k\"\nvalue = 1\n";

fn project() -> ProjectFolder {
    let project = ProjectFolder::new(&[("0001_copy.toml", COPY)]);
    exits(&project, &["checkpoint", "--new-key"], 0);
    project.write("a.ndjson", "{\"id\":\"r1\"}\n{\"id\":\"r2\"}\n");
    load(&project);
    project
}

fn load(project: &ProjectFolder) {
    let file = project.path("a.ndjson").display().to_string();
    exits(project, &["load", "a", &file, "--again"], 0);
}

fn exits(project: &ProjectFolder, arguments: &[&str], code: i32) -> Said {
    let said = project.run(arguments);
    assert_eq!(said.code, Some(code), "{arguments:?}: {said:?}");
    said
}

fn changed(project: &ProjectFolder, sql: &str) {
    let store = rusqlite::Connection::open(project.store()).expect("a store");
    store.execute_batch(sql).expect(sql);
}

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
    (&["validate", "b", "--contract", "any.json"], 0),
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
            let said = exits(&project, arguments, 8);
            assert!(said.err.contains("puts that right"), "{sql}: {said:?}");
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
            let said = exits(&project, &arguments, code);
            let warns = !["check", "test"].contains(&arguments[0]);
            assert!(
                !warns || said.err.contains("is not as this program makes it"),
                "{sql}: {said:?}"
            );
        }
        exits(&project, &["verify"], 8);
        let said = exits(&project, &["apply"], 8);
        let from = said.err.find("; `").expect("a statement") + 3;
        let to = said.err.find("` puts that right").expect("its end");
        changed(&project, &said.err[from..to]);
        exits(&project, &["apply"], 0);
        exits(&project, &["verify"], 0);
    }
}

#[test]
fn what_sqlite_keeps_of_statistics_is_not_foreign() {
    let project = project();
    changed(&project, "ANALYZE");
    exits(&project, &["apply"], 0);
    exits(&project, &["verify"], 0);
}

#[test]
fn who_only_reads_does_not_open_the_signing_key() {
    let project = project();
    exits(&project, &["apply"], 0);
    project.write("any.json", "{}");
    let any = project.path("any.json").display().to_string();
    for spoilt in ["no key at all", ""] {
        project.write("counterfoil.key", spoilt);
        for (arguments, code) in READING {
            let arguments: Vec<&str> = arguments
                .iter()
                .map(|word| if *word == "any.json" { any.as_str() } else { word })
                .collect();
            exits(&project, &arguments, code);
        }
        exits(&project, &["verify"], 0);
        exits(
            &project,
            &[
                "report",
                "--html",
                &project.path("r.html").display().to_string(),
                "--force",
            ],
            0,
        );
        exits(&project, &["prove", "a", "r1"], 0);
        exits(&project, &["apply"], 1);
    }
    let public = project.path("counterfoil.pub").display().to_string();
    exits(&project, &["status", "--key", &public], 0);
    exits(&project, &["verify", "--key", &public], 0);
}

#[test]
fn a_store_that_was_signed_and_goes_on_unsigned_says_so() {
    let project = project();
    exits(&project, &["apply"], 0);
    assert!(!exits(&project, &["status"], 0).out.contains("unsigned"));
    std::fs::remove_file(project.path("counterfoil.key")).expect("a key");
    let said = exits(
        &project,
        &[
            "load",
            "a",
            &project.path("a.ndjson").display().to_string(),
            "--again",
        ],
        0,
    );
    assert!(said.err.contains("this one will not be"), "{said:?}");
    let status = exits(&project, &["status"], 0);
    assert!(status.out.contains("unsigned since batch"), "{status:?}");
    let checked = exits(&project, &["status", "--check"], 0);
    assert!(checked.out.contains("unsigned since batch"), "{checked:?}");
    assert!(!exits(&project, &["verify"], 0).out.contains("there is no key"));
    std::fs::remove_file(project.path("counterfoil.pub")).expect("a key");
    let said = exits(&project, &["verify"], 0);
    assert!(said.out.contains("there is no key"), "{said:?}");
}

#[test]
fn a_new_store_and_what_stands_beside_it_are_for_their_owner_alone_and_follow_the_store() {
    let project = project();
    exits(&project, &["apply"], 0);
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
        assert_eq!(mode(name) & 0o007, 0, "{name}");
        assert_eq!(mode(name) & 0o600, 0o600, "{name}");
    }
}

#[test]
fn checkpoints_behind_a_symbolic_link_are_refused() {
    let project = project();
    let (file, elsewhere) = (project.path("store.db.checkpoints"), project.path("elsewhere"));
    std::fs::rename(&file, &elsewhere).expect("it is ours");
    std::os::unix::fs::symlink(&elsewhere, &file).expect("a link");
    let before = std::fs::read(&elsewhere).expect("bytes");
    for arguments in [&["apply"][..], &["status"], &["verify"]] {
        let said = exits(&project, arguments, 1);
        assert!(said.err.contains("symbolic link"), "{said:?}");
    }
    assert_eq!(std::fs::read(&elsewhere).expect("bytes"), before);
}

#[test]
fn a_restored_store_can_be_looked_at_before_it_is_accepted() {
    let project = project();
    let copy = std::fs::read(project.store()).expect("bytes");
    exits(&project, &["apply"], 0);
    std::fs::write(project.store(), copy).expect("it is ours");
    let status = exits(&project, &["status"], 0);
    assert!(
        status.err.contains("an older copy of it was put back"),
        "{status:?}"
    );
    assert!(status.err.contains("--accept-restore"), "{status:?}");
    exits(&project, &["history"], 0);
    exits(&project, &["verify"], 8);
    exits(&project, &["apply"], 8);
    exits(
        &project,
        &["checkpoint", "--accept-restore", "--reason", "from last night"],
        0,
    );
    exits(&project, &["apply"], 0);
    exits(&project, &["verify"], 0);
}

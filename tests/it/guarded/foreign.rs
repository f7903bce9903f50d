//! Objects that hide: behind a name that another one has, behind SQLite's own names, or behind what a terminal shows.

use super::{changed, mend, project};

/// Runs what is named for programs, in its order, and counts it.
fn mend_by_json(project: &super::Scene) -> usize {
    let said = project.exits(&["apply", "--json"], 8);
    let said: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let statements = said["error"]["statements"].as_array().expect("statements");
    for statement in statements {
        let statement = statement.as_str().expect("a text");
        assert!(
            statement
                .chars()
                .all(|c| [' ', '\n'].contains(&c) || c.is_ascii_graphic()),
            "{statement}"
        );
        changed(project, statement);
    }
    statements.len()
}

#[test]
fn no_name_hides_an_object_and_the_statements_drop_what_is_foreign_and_nothing_else() {
    let writable = "PRAGMA writable_schema=ON; INSERT INTO sqlite_schema VALUES";
    for (sql, statements) in [
        // A trigger with the name of a table; that one is not in the view of all rows.
        (
            "CREATE TRIGGER b AFTER INSERT ON a BEGIN DELETE FROM a; END; CREATE TABLE b(x); DROP TABLE b; CREATE TABLE \"b\"(record INTEGER PRIMARY KEY, id TEXT NOT NULL, data TEXT NOT NULL) STRICT",
            2,
        ),
        (
            "CREATE TRIGGER ledger_batch AFTER INSERT ON a BEGIN SELECT 1; END",
            1,
        ),
        (
            "CREATE TRIGGER ledger_sparse AFTER INSERT ON a BEGIN SELECT 1; END",
            1,
        ),
        (
            "CREATE TRIGGER ledger_batch_pass AFTER INSERT ON a BEGIN SELECT 1; END",
            1,
        ),
        // SQLite's own names.
        (
            &format!(
                "{writable}('trigger','sqlite_evil','a',0,'CREATE TRIGGER sqlite_evil AFTER INSERT ON a BEGIN DELETE FROM a; END')"
            ),
            1,
        ),
        // What a terminal would obey.
        ("CREATE VIEW \"x\u{1b}[31mred\" AS SELECT 1", 1),
        (
            "CREATE TRIGGER \"x\ny\u{202e}\" AFTER INSERT ON a BEGIN SELECT 1; END",
            1,
        ),
        (
            "CREATE TABLE \"x\ny\"(z PRIMARY KEY); CREATE INDEX \"i\r\" ON \"x\ny\"(z); INSERT INTO \"x\ny\" VALUES(1)",
            1,
        ),
        ("CREATE INDEX \"i\r\" ON a(data)", 1),
        // What goes with its table goes once.
        (
            "CREATE TABLE t(x UNIQUE); CREATE INDEX ti ON t(x); CREATE TRIGGER tt AFTER INSERT ON t BEGIN SELECT 1; END; CREATE VIEW tv AS SELECT * FROM t",
            2,
        ),
        ("CREATE VIRTUAL TABLE f USING fts5(x)", 1),
        (
            "CREATE TABLE AUDIT_X(x); DROP VIEW audit_run; CREATE TABLE AUDIT_RUN(x)",
            3,
        ),
        ("PRAGMA user_version=3", 1),
        ("PRAGMA user_version=3; CREATE VIEW mine AS SELECT 1", 2),
    ] {
        let project = project();
        changed(&project, sql);
        let status = project.exits(&["status"], 0);
        assert!(
            status.err.contains("is not the one this program creates"),
            "{sql}: {status:?}"
        );
        assert!(
            !status.err.contains(['\u{1b}', '\u{202e}', '\r']),
            "{sql}: {status:?}"
        );
        project.exits(&["verify"], 8);
        assert_eq!(mend_by_json(&project), statements, "{sql}");
        project.exits(&["apply"], 0);
        project.exits(&["verify"], 0);
        let checked: String = rusqlite::Connection::open(project.store())
            .and_then(|store| store.query_row("PRAGMA integrity_check", [], |row| row.get(0)))
            .expect("a store");
        assert_eq!(checked, "ok", "{sql}");
    }
}

#[test]
fn what_cannot_be_read_without_a_table_or_beside_one_is_refused_by_name() {
    for sql in [
        "DROP TABLE ledger_checkpoint",
        "DROP TABLE ledger_erasure",
        "CREATE TABLE json_each(x)",
        "CREATE VIEW JSON_TREE AS SELECT 1",
    ] {
        let project = project();
        changed(&project, sql);
        for arguments in [
            &["status"][..],
            &["query", "a"],
            &["verify"],
            &["report"],
            &["prove", "a", "r1"],
            &["apply"],
        ] {
            let said = project.exits(arguments, 8);
            assert!(
                said.err.contains("is not the one this program creates"),
                "{sql}: {said:?}"
            );
        }
        let said = project.exits(&["apply"], 8);
        if sql.starts_with("DROP") {
            assert!(
                said.err.contains("no statement can fix it") && said.err.contains("backup"),
                "{said:?}"
            );
        } else {
            mend(&project, &said.err);
            project.exits(&["apply"], 0);
        }
    }
}

#[test]
fn a_database_that_must_have_a_table_and_has_none_is_not_written_to() {
    let project = project();
    project.exits(&["apply"], 0);
    project.exits(&["rollback", "--yes"], 0);
    project.exits(&["apply"], 0);
    for table in ["a", "b"] {
        let whole = std::fs::read(project.store()).expect("bytes");
        changed(&project, &format!("DROP TABLE {table}"));
        let said = project.exits(&["apply"], 8);
        assert!(
            said.err.contains(&format!("the table `{table}` is missing")),
            "{said:?}"
        );
        assert!(said.err.contains("restore a backup"), "{said:?}");
        let status = project.exits(&["status"], 0);
        assert!(status.err.contains("is missing"), "{status:?}");
        project.exits(&["verify"], 8);
        std::fs::write(project.store(), whole).expect("it is ours");
    }
}

#[test]
fn a_file_of_another_program_is_not_even_opened() {
    let project = project();
    let (store, copy) = (project.store(), project.path("copy.db"));
    std::fs::remove_file(&store).expect("it is ours");
    // A journal that SQLite would play in.
    let other = rusqlite::Connection::open(&copy).expect("a file");
    other
        .execute_batch("PRAGMA cache_size=1; CREATE TABLE t(x); INSERT INTO t VALUES(zeroblob(90000)); BEGIN; UPDATE t SET x=zeroblob(90001)")
        .expect("a table");
    other.cache_flush().expect("pages");
    let journal = project.path("store.db-journal");
    std::fs::copy(&copy, &store).expect("it is ours");
    std::fs::copy(project.path("copy.db-journal"), &journal).expect("a journal");
    drop(other);
    let before = [&store, &journal].map(|path| std::fs::read(path).expect("bytes"));
    for arguments in [&["status"][..], &["query", "a"], &["verify"], &["apply"]] {
        let said = project.exits(arguments, 1);
        assert!(said.err.contains("another application's file"), "{said:?}");
        assert_eq!(
            [&store, &journal].map(|path| std::fs::read(path).expect("bytes")),
            before
        );
    }
}

#[test]
fn a_new_store_behind_a_link_is_for_its_owner_alone_and_everything_stands_beside_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = project();
    for name in ["store.db", "store.db.lock", "store.db.checkpoints"] {
        std::fs::remove_file(project.path(name)).expect(name);
    }
    std::fs::create_dir(project.path("elsewhere")).expect("a folder");
    std::os::unix::fs::symlink("elsewhere/real.db", project.store()).expect("a link");
    super::load(&project);
    project.exits(&["apply"], 0);
    for name in ["real.db", "real.db.lock", "real.db.checkpoints"] {
        let metadata = std::fs::metadata(project.path("elsewhere").join(name)).expect(name);
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert!(!project.path("store.db.lock").exists() && !project.path("store.db.checkpoints").exists());
}

#[test]
fn a_file_of_checkpoints_that_says_nothing_is_reported_as_what_it_is() {
    let project = project();
    project.exits(&["apply"], 0);
    let file = project.path("store.db.checkpoints");
    for (text, says) in [
        (Some(""), "is empty"),
        (Some("any\n"), "contains no checkpoint"),
        (None, "is missing"),
    ] {
        match text {
            Some(text) => std::fs::write(&file, text).expect("it is ours"),
            None => std::fs::remove_file(&file).expect("it is ours"),
        }
        let status = project.exits(&["status"], 0);
        assert!(status.err.contains(says), "{status:?}");
    }
    std::fs::create_dir(&file).expect("a folder");
    let status = project.exits(&["status"], 0);
    assert!(status.err.contains("not a regular file"), "{status:?}");
    project.exits(&["query", "a"], 0);
    project.exits(&["apply"], 1);
    project.exits(&["verify"], 8);
}

#[test]
fn verify_finds_a_checkpoint_that_the_store_has_lost_and_a_refused_input_of_another_kind() {
    let project = super::project_at_work();
    project.exits(&["verify"], 0);
    let unguarded = |guard: &str, change: &str| {
        let store = rusqlite::Connection::open(project.store()).expect("a store");
        let sql = "SELECT sql FROM sqlite_schema WHERE name=?1";
        let text: String = store.query_row(sql, [guard], |row| row.get(0)).expect("a guard");
        store
            .execute_batch(&format!("DROP TRIGGER {guard}; {change}; {text}"))
            .expect(change);
    };
    let whole = std::fs::read(project.store()).expect("bytes");
    for (guard, change, says) in [
        (
            "ledger_checkpoint_delete",
            "DELETE FROM ledger_checkpoint WHERE tree_size=(SELECT min(tree_size) FROM ledger_checkpoint)",
            "no longer in the store",
        ),
        (
            "ledger_image_update",
            "UPDATE ledger_image SET kind=2 WHERE kind=4",
            "no longer kept",
        ),
    ] {
        unguarded(guard, change);
        let said = project.exits(&["verify"], 8);
        assert!(said.out.contains(says), "{change}: {said:?}");
        std::fs::write(project.store(), &whole).expect("it is ours");
    }
}

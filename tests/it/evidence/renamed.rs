//! A store of the time when the file of an applied stage could be renamed to the harm of the chain: what was hashed has
//! a way out that says what happened, an entry and no rewriting, and nothing that was tampered with gets through it.

use std::fs;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;
use serde_json::Value as Json;

use crate::support::scenario::signing_key;
use crate::support::world::{Said, Scene};

const COPY: &str = "[stage]\nsource = \"records_v1\"\ntarget = \"records_v2\"\n\n[[op]]\nop = \"rename\"\nfrom = \"v\"\nto = \"value\"\n";
const IN_PLACE: &str =
    "[stage]\nsource = \"records_v2\"\n\n[[op]]\nop = \"set\"\npath = \"seen\"\nvalue = \"yes\"\n";

/// The store as the version that had the fault left it. Stage 1 was `first`, then `better_name`, then `best_name`; stage
/// 2 was `second`, then `tidy`. Each time one more record was loaded and applied.
fn broken() -> Scene {
    let project = Scene::project(&[("0001_best_name.toml", COPY), ("0002_tidy.toml", IN_PLACE)]);
    for ending in ["", ".checkpoints"] {
        let fixture = format!("tests/fixtures/stores/renamed_stage.db{ending}");
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture);
        fs::copy(fixture, project.path(&format!("store.db{ending}"))).expect("a copy");
    }
    project.write("counterfoil.pub", signing_key().verifying().to_text() + "\n");
    project.write("counterfoil.key", signing_key().to_text());
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(project.path("counterfoil.key"), owner_only).expect("it is ours");
    project
}

/// The codes of what `verify` finds, each with its batch.
fn found(project: &Scene) -> Vec<(String, i64)> {
    let report = project.run(&["--json", "verify"]).envelope();
    let findings = report["data"]["findings"].as_array().expect("findings").clone();
    let of = |finding: &Json| {
        let code = finding["code"].as_str().unwrap_or_default().to_owned();
        (code, finding["batch"].as_i64().unwrap_or_default())
    };
    findings.iter().map(of).collect()
}

fn renamed(batches: impl IntoIterator<Item = i64>) -> Vec<(String, i64)> {
    batches
        .into_iter()
        .map(|batch| ("chain.renamed".to_owned(), batch))
        .collect()
}

fn accept(project: &Scene, more: &[&str]) -> Said {
    let command = ["checkpoint", "--accept-renamed", "--reason", "renamed in May"];
    project.run(&[&command[..], more].concat())
}

fn rows(store: &Path, sql: &str) -> Vec<String> {
    let connection = Connection::open(store).expect("a store");
    let mut statement = connection.prepare(sql).expect("a query");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("texts")
}

/// Everything that stands in the batches up to one, and in the revisions.
fn history(project: &Scene) -> Vec<String> {
    let columns = "json_array(batch,run,pass,step,body,hex(head),hex(previous_head),tree_size,hex(tree_root),hex(frontier))";
    let mut all = rows(
        &project.store(),
        &format!("SELECT {columns} FROM ledger_batch WHERE batch<=26 ORDER BY batch"),
    );
    all.extend(rows(
        &project.store(),
        "SELECT json_array(stage,slug,source_text,meaning) FROM ledger_stage",
    ));
    all
}

#[test]
fn verify_says_what_happened_and_the_command_that_it_names_ends_it() {
    let project = broken();
    // `better_name` stands in no file any more: those two batches cannot be told from others yet.
    let mut expected: Vec<(String, i64)> = Vec::new();
    for batch in 11..=12 {
        expected.extend(["chain.head", "tree.root", "tree.frontier"].map(|code| (code.to_owned(), batch)));
    }
    expected.extend(renamed([13, 14, 17, 18, 19, 20, 23, 24, 25, 26]));
    assert_eq!(found(&project), expected);
    let said = project.run(&["verify"]);
    assert_eq!(said.code, 8, "{said:?}");
    assert!(said.err.contains("as evidence"), "{said:?}");
    let before = history(&project);

    let said = accept(&project, &["--name", "1", "better_name"]);
    assert_eq!(said.code, 0, "{said:?}");
    for line in [
        "batches 11 to 12 were hashed under the name `better_name` of stage 1, which the ledger keeps as `first`",
        "batches 17 to 24 were hashed under the name `best_name` of stage 1",
        "batches 13 to 26 were hashed under the name `tidy` of stage 2, which the ledger keeps as `second`",
    ] {
        assert!(said.out.contains(line), "{line}: {said:?}");
    }
    assert_eq!(history(&project), before, "nothing that stood there is changed");

    let said = project.run(&["verify"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out.contains("sound:") && said.out.contains("`better_name`"),
        "{said:?}"
    );
    assert!(
        said.out.contains("accepted in batch 27 by ") && said.out.contains(": renamed in May"),
        "{said:?}"
    );
    let report = project.run(&["--json", "verify"]).envelope();
    let remarks = report["data"]["renamed"].as_array().expect("remarks").clone();
    assert_eq!(remarks.len(), 3);
    assert_eq!(remarks[1]["batches"], serde_json::json!([13, 26]));
    // Whoever has nothing but sqlite3 sees who accepted what, and why.
    let sql = "SELECT json_array(r.reason, p.kind, b.body->>'$.renamed[0].slug', b.body->>'$.renamed[0].stage') FROM ledger_batch b
     JOIN ledger_pass p USING(pass) JOIN ledger_run r ON r.run=b.run WHERE b.batch=27";
    assert_eq!(
        rows(&project.store(), sql),
        [r#"["renamed in May","edit","better_name",1]"#]
    );

    let said = accept(&project, &["--name", "1", "better_name"]);
    assert_eq!(said.code, 2, "there is nothing left to accept: {said:?}");
}

#[test]
fn where_the_files_have_the_names_nothing_else_is_needed_and_no_key_either() {
    let project = broken();
    fs::rename(
        project.path("0001_best_name.toml"),
        project.path("0001_better_name.toml"),
    )
    .expect("it is ours");
    fs::remove_file(project.path("counterfoil.key")).expect("it is ours");
    let said = accept(&project, &["--name", "1", "best_name"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(found(&project), []);
    // An older one of the names is not needed to go on, nor any file.
    for name in ["0001_better_name.toml", "0002_tidy.toml"] {
        fs::remove_file(project.path(name)).expect("it is ours");
    }
    assert_eq!(found(&project), []);
}

#[test]
fn an_acceptance_has_a_reason_and_a_name_of_a_stage() {
    let project = broken();
    let said = project.run(&["checkpoint", "--accept-renamed"]);
    assert_eq!(said.code, 2, "{said:?}");
    let said = project.run(&["checkpoint", "--accept-renamed", "--reason", " "]);
    assert!(said.err.contains("only with a reason"), "{said:?}");
    let said = accept(&project, &["--name", "one", "better_name"]);
    assert!(said.code == 2 && said.err.contains("--name one"), "{said:?}");
    assert_eq!(
        accept(&project, &["--name", "1", "no\",\"such"]).code,
        0,
        "the files' names still hold"
    );
    let left: Vec<i64> = found(&project).into_iter().map(|(_, batch)| batch).collect();
    assert_eq!(left, [11, 11, 11, 12, 12, 12]);
    // What was accepted by halves is accepted for the rest.
    assert_eq!(accept(&project, &["--name", "1", "better_name"]).code, 0);
    assert_eq!(found(&project), []);
}

#[test]
fn records_of_such_batches_are_proved_with_what_was_hashed() {
    let project = broken();
    let prove = |id: &str| project.run(&["prove", "records_v2", id]);
    let said = prove("3");
    assert!(
        said.code == 2 && said.err.contains(" verify` reports where"),
        "{said:?}"
    );
    assert!(
        said.out.is_empty(),
        "no proof that would be taken for a forged one: {said:?}"
    );
    assert_eq!(accept(&project, &["--name", "1", "better_name"]).code, 0);
    for (id, name) in [("1", "second"), ("2", "tidy"), ("4", "tidy")] {
        let said = prove(id);
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(
            said.err.contains("which the ledger keeps as `second`"),
            name == "tidy",
            "{said:?}"
        );
        project.write("proof.txt", &said.out);
        let said = project.run(&[
            "verify-proof",
            project.path("proof.txt").to_str().expect("a path"),
        ]);
        assert!(
            said.code == 0 && said.out.contains(&format!("stage 2 {name}")),
            "{said:?}"
        );
    }
    let said = project.run(&["prove", "--since", "23"]);
    assert_eq!(said.code, 0, "{said:?}");
    project.write("since.txt", &said.out);
    let said = project.run(&[
        "verify-proof",
        project.path("since.txt").to_str().expect("a path"),
    ]);
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn work_goes_on_and_is_taken_back_and_stays_sound() {
    let project = broken();
    assert_eq!(accept(&project, &["--name", "1", "better_name"]).code, 0);
    project.write("5.ndjson", "{\"id\":\"5\",\"v\":5}\n");
    let file = project.path("5.ndjson").display().to_string();
    for command in [
        &["load", "records_v1", &file][..],
        &["apply"],
        &["rollback", "--yes"],
        &["apply"],
        &["rollback", "--all", "--yes"],
    ] {
        let said = project.run(command);
        assert_eq!(said.code, 0, "{command:?}: {said:?}");
        assert_eq!(found(&project), [], "after {command:?}");
    }
}

#[test]
fn the_commands_on_the_page_reproduce_what_was_hashed() {
    let project = broken();
    assert_eq!(accept(&project, &["--name", "1", "better_name"]).code, 0);
    let run = rows(
        &project.store(),
        "SELECT CAST(run AS TEXT) FROM ledger_batch WHERE batch=17",
    )
    .remove(0);
    let report = project.run(&["--json", "report", &run]).envelope();
    let check = &report["data"]["evidence"]["checks"][1];
    let command = check["command"].as_str().expect("a command");
    assert!(command.contains("json_set"), "{command}");
    let Ok(output) = Command::new("bash").args(["-c", command]).output() else {
        return;
    };
    if output.status.success() && !output.stdout.is_empty() {
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim_end(),
            check["prints"].as_str().expect("a hash")
        );
    }
}

/// Changes the store behind its own back.
fn tamper(project: &Scene, sql: &str) {
    let connection = Connection::open(project.store()).expect("a store");
    let drop = "SELECT 'DROP TRIGGER \"' || name || '\"' FROM sqlite_schema WHERE type='trigger'";
    let drops = rows(&project.store(), drop);
    let guards = rows(
        &project.store(),
        "SELECT sql FROM sqlite_schema WHERE type='trigger'",
    );
    let all = |statements: &[String]| {
        for statement in statements {
            connection.execute_batch(statement).expect("a trigger");
        }
    };
    all(&drops);
    assert_eq!(connection.execute(sql, []).expect("a change"), 1, "{sql}");
    all(&guards);
}

/// What `verify` finds beside that the triggers are gone.
fn tampered(project: &Scene) -> Vec<(String, i64)> {
    let mut found = found(project);
    found.retain(|(code, _)| !code.starts_with("schema."));
    found
}

#[test]
fn a_name_that_was_changed_in_the_ledger_is_no_renaming() {
    // Before anything was accepted: the revision's own first batch tells that the name is not the one that it wrote.
    let project = broken();
    tamper(&project, "UPDATE ledger_stage SET slug='tidy' WHERE number=2");
    assert!(tampered(&project).contains(&("chain.head".to_owned(), 7)));
    let of_stage_2: Vec<_> = renamed([13, 14, 19, 20, 25, 26]);
    assert!(
        !tampered(&project).iter().any(|found| of_stage_2.contains(found)),
        "{:?}",
        tampered(&project)
    );
    // And though it was: what was accepted is accepted, but the first batch is not.
    let project = broken();
    assert_eq!(accept(&project, &["--name", "1", "better_name"]).code, 0);
    tamper(&project, "UPDATE ledger_stage SET slug='tidy' WHERE number=2");
    assert!(tampered(&project).contains(&("chain.head".to_owned(), 7)));
    assert!(accept(&project, &[]).code == 2, "it cannot be accepted either");
}

#[test]
fn an_acceptance_lets_nothing_else_through() {
    for (sql, batch) in [
        (
            "UPDATE ledger_batch SET written=written+1, refused=refused-1 WHERE batch=17",
            17,
        ),
        ("UPDATE ledger_batch SET body='{}' WHERE batch=13", 13),
        (
            "UPDATE ledger_batch SET body=replace(body,'best_name','evil_name') WHERE batch=27",
            27,
        ),
        (
            "UPDATE ledger_batch SET body=replace(body,'\"batches\":[13,26]','\"batches\":[13,99]') WHERE batch=27",
            27,
        ),
        ("UPDATE ledger_pass SET now_us=now_us+1 WHERE pass=9", 17),
        ("UPDATE ledger_batch SET head=zeroblob(32) WHERE batch=18", 18),
    ] {
        let project = broken();
        assert_eq!(accept(&project, &["--name", "1", "better_name"]).code, 0);
        tamper(&project, sql);
        assert!(
            tampered(&project).contains(&("chain.head".to_owned(), batch)),
            "{sql}: {:?}",
            tampered(&project)
        );
    }
}

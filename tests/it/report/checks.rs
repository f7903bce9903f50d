//! The commands that a page tells its reader to type.

use std::path::Path;
use std::process::Command;

use counterfoil::digest::{hex, sha256};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value as Json;

use super::{bank, list, page, read, shipped, text};
use crate::support::world::Scene;

fn has(program: &str, argument: &str) -> bool {
    let found = Command::new(program).arg(argument).output().is_ok();
    if !found {
        eprintln!("there is no {program} here: what it would say is not looked at");
    }
    found
}

/// What a shell prints in the project's folder, where `counterfoil` is the one of these tests.
fn shell(scene: &Scene, command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_counterfoil"));
    let path = std::env::join_paths(std::iter::once(program.parent().unwrap().to_owned()).chain(
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()),
    ));
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(scene.path("."))
        .env("PATH", path.unwrap())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let hints_only = told.lines().all(|line| line.starts_with("next: "));
    assert!(output.status.success() && hints_only, "{command}: {told}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// The same by the SQLite that is built in, and our own hash, where there is no shell of it.
fn built_in(scene: &Scene, command: &str) -> String {
    let store =
        Connection::open_with_flags(scene.path("counterfoil.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut parts = command.split('"');
    let (sql, rest) = (parts.nth(1).unwrap(), parts.next().unwrap());
    let mut statement = store.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let cell = |at| {
            row.get_ref(at).map(|value| match value.data_type() {
                rusqlite::types::Type::Integer => value.as_i64().unwrap().to_string(),
                _ => value.as_str().unwrap_or_default().to_owned(),
            })
        };
        (0..columns).map(cell).collect::<rusqlite::Result<Vec<_>>>()
    });
    let lines: Vec<String> = rows
        .unwrap()
        .map(|cells| cells.unwrap().join("|") + "\n")
        .collect();
    if rest.contains("sha256sum") {
        return hex(&sha256(&[lines.concat().as_bytes()])) + "  -";
    }
    lines.concat().trim_end().to_owned()
}

fn checks(scene: &Scene, run: &str) -> Vec<Json> {
    list(&scene.envelope(&["report", run])["data"]["evidence"]["checks"]).to_vec()
}

#[test]
fn the_commands_on_the_page_print_what_the_page_says() {
    let scene = bank();
    let (sqlite, openssl) = (has("sqlite3", "--version"), has("openssl", "version"));
    for run in ["1", "2", "3", "4"] {
        let words = read(&page(&scene, run));
        let checks = checks(&scene, run);
        assert_eq!(checks.len(), 7, "{checks:#?}");
        for check in &checks {
            let (command, prints) = (text(&check["command"]), text(&check["prints"]));
            let told = if prints.is_empty() {
                "must print nothing".to_owned()
            } else {
                format!("must print {prints}")
            };
            for part in [command, &told] {
                let part = part.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(words.contains(&part), "{part}: {words}");
            }
            let asks_sqlite = command.starts_with("sqlite3 ");
            if asks_sqlite && !command.contains("openssl") {
                assert_eq!(built_in(&scene, command), prints, "{command}");
            }
            let is_here = (!asks_sqlite || sqlite) && (!command.contains("openssl") || openssl);
            if is_here {
                let command = command.replace("DATABASE ID", "legacy_transactions T001");
                let printed = shell(&scene, &format!("rm -f proof.txt; {command}"));
                let said = if asks_sqlite {
                    printed == prints
                } else {
                    printed.contains(prints)
                };
                assert!(said, "{command}\nprints {printed}\nnot {prints}");
            }
        }
    }
}

#[test]
fn a_change_in_the_store_is_found_by_the_commands_of_an_older_page() {
    let scene = bank();
    let checks = checks(&scene, "3");
    let store = Connection::open(scene.path("counterfoil.db")).unwrap();
    let batch: i64 = store
        .query_row(
            "SELECT batch FROM ledger_batch WHERE run=3 ORDER BY entries DESC, batch DESC LIMIT 1",
            [],
            |row| row.get(0),
        )
        .unwrap();
    store
        .execute_batch(
            "PRAGMA writable_schema=ON; DELETE FROM sqlite_schema WHERE type='trigger'; PRAGMA writable_schema=RESET;",
        )
        .unwrap();
    let changed = store
        .execute(
            "UPDATE ledger_entry SET record=record+1000 WHERE rowid=(SELECT max(rowid) FROM ledger_entry WHERE batch=?1)",
            [batch],
        )
        .or_else(|_| store.execute("UPDATE ledger_entry SET outcome=3 WHERE batch=?1", [batch]));
    assert!(changed.unwrap() > 0);
    assert_ne!(
        built_in(&scene, text(&checks[0]["command"])),
        text(&checks[0]["prints"])
    );
}

#[test]
fn a_store_without_a_key_says_that_nothing_is_signed() {
    let scene = shipped("shop", "orders_v1");
    for key in [
        "counterfoil.key",
        "counterfoil.pub",
        "counterfoil.db",
        "counterfoil.db.checkpoints",
    ] {
        std::fs::remove_file(scene.path(key)).unwrap();
    }
    scene.run(&["load", "orders_v1", "records/orders_v1.ndjson"]);
    let report = scene.envelope(&["report", "2"]);
    assert_eq!(report["data"]["evidence"]["checkpoint"], Json::Null);
    assert_eq!(checks(&scene, "2").len(), 6, "no signature, so no openssl");
    let words = read(&page(&scene, "2"));
    assert!(
        words.contains("No checkpoint was signed since the run"),
        "{words}"
    );
}

#[test]
fn a_store_whose_name_is_a_shell_command_stays_one_word_on_the_page() {
    let scene = shipped("shop", "orders_v1");
    let name = "it's $(touch hit); a store.db";
    std::fs::rename(scene.path("counterfoil.db"), scene.path(name)).unwrap();
    std::fs::rename(
        scene.path("counterfoil.db.checkpoints"),
        scene.path(&format!("{name}.checkpoints")),
    )
    .unwrap();
    if !has("sqlite3", "--version") {
        return;
    }
    let report = scene.envelope(&["--store", name, "report", "2"]);
    for check in &list(&report["data"]["evidence"]["checks"])[..4] {
        assert_eq!(
            shell(&scene, text(&check["command"])),
            text(&check["prints"]),
            "{check}"
        );
    }
    assert!(!scene.path("hit").exists());
}

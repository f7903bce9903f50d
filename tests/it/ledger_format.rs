//! The ledger from the outside: everything an auditor needs is in the file, for the stock `sqlite3` shell and
//! `sha256sum`. Where a machine has neither, the same texts are hashed here, and the test says so.

use std::process::{Command, Stdio};

use counterfoil::RunInfo;
use counterfoil::apply::ApplyOptions;
use counterfoil::load::LoadOptions;
use counterfoil::observe::Silent;
use counterfoil::quarantine::{Selected, retry, waive};
use counterfoil::record::{BatchId, RecordNumber};
use counterfoil::refusal::Refusal;
use counterfoil::rollback::{RollbackOptions, RollbackScope};
use counterfoil::stage::{MaxErrors, Outcome, Output, Stage, Stages};
use counterfoil::store::{Store, StoreOptions};
use counterfoil::verify::{VerifyOptions, verify};
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use crate::support::world::{World, environment};

/// Quotes, backslashes, slashes, control characters, characters of two, three and four bytes, and ones that JSON
/// writers like to escape.
const ODD: &str = "a\"b\\c/d\te\nf\rg\u{8}h\u{c}i\u{1}j\u{1f}k\u{7f}l é – \u{2028}\u{2029} 𝄞 \u{feff}'%_";

fn odd_run_info(command: &str) -> RunInfo {
    RunInfo::new(command)
        .arguments(vec![ODD.to_owned(), "--reason".to_owned()])
        .reason(ODD.to_owned())
}

fn stages() -> Stages {
    let refused = |code: &str| Err(Refusal::new(code.to_owned(), "/näme~1\"x\""));
    let copy = Stage::new(1, "copy")
        .source("a")
        .target("b")
        .max_errors(MaxErrors::Count(100));
    let copy = copy.transform(move |record, _| match record.id.as_str() {
        "refused" | "waived" => refused("odd.code"),
        "left out" => Ok(Outcome::filter(ODD)),
        _ => Ok(Outcome::keep(record)),
    });
    let in_place = Stage::new(2, "in_place")
        .source("b")
        .max_errors(MaxErrors::Count(100));
    let in_place = in_place.transform(move |record, _| match record.id.as_str() {
        "late" => refused("late.code"),
        _ => Ok(Outcome::Write(Output {
            id: record.id.clone(),
            data: record.data.replacen('{', "{\"seen\":true,", 1),
        })),
    });
    let derive = Stage::new(3, "derive")
        .source("b")
        .target("c")
        .transform(|record, context| {
            let part = |part: &str| Output {
                id: context.uuid(part),
                data: record.data.clone(),
            };
            Ok(Outcome::Derive(vec![part("1"), part("2")]))
        });
    let stages = [
        copy.keeps_ids().build(),
        in_place.keeps_ids().build(),
        derive.build(),
    ];
    let stages = stages
        .into_iter()
        .map(|stage| stage.expect("a stage that is right"));
    Stages::new(ODD, stages.collect()).expect("the numbers differ")
}

/// A store with every kind of pass.
fn world() -> World {
    let environment = environment().actor(ODD.to_owned()).host("hôst \"x\"");
    let mut world = World::with(stages(), StoreOptions::default(), environment);
    let odd = serde_json::to_string(ODD).expect("a text");
    let begin = format!("{{\"id\":{odd},\"n\":6.00}}\n{{\"id\":\"broken\",}}\n\u{1}\n");
    let line = |id: &str| format!("{{\"id\":\"{id}\",\"é\":1e400,\"n\":0.10}}\n");
    let lines: String = ["one", "refused", "waived", "left out", "late"]
        .map(line)
        .concat();
    let lines = begin + &lines;
    let loading = LoadOptions::default()
        .batch_size(3)
        .run_info(odd_run_info("load"));
    world.load_as("a", ODD, lines.as_bytes(), &loading);
    let applying = ApplyOptions::default()
        .batch_size(2)
        .run_info(odd_run_info("apply"));
    world.apply_with(&applying);
    let selected = |id: &str| Selected::default().id(id.to_owned());
    retry(
        &mut world.store,
        &world.stages,
        &selected("refused"),
        &applying,
        &mut Silent,
    )
    .expect("a retry");
    waive(&mut world.store, ODD, &selected("waived"), &odd_run_info("waive")).expect("a waiver");
    world
        .store
        .database("a")
        .and_then(|mut a| a.put("one", "{\"id\":\"one\",\"n\":2}"))
        .expect("an edit");
    world
        .store
        .database("a")
        .and_then(|mut a| a.delete(ODD))
        .expect("a deletion");
    world.apply_with(&applying);
    let mut back = RollbackOptions::default()
        .scope(RollbackScope::Record {
            database: "c".to_owned(),
            id: world.rows("c")[0].id.clone(),
        })
        .batch_size(2)
        .run_info(odd_run_info("rollback"));
    world.try_roll_back(&back).expect("a rollback of one record");
    back.scope = RollbackScope::To(1);
    world.try_roll_back(&back).expect("a rollback");
    world
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn has(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    found.is_ok_and(|status| status.success())
}

/// What `sqlite3 STORE SQL | sha256sum` says.
fn hashed(store: &Store, sql: &str) -> String {
    if has("sqlite3") && has("sha256sum") {
        let line = format!("sqlite3 \"$STORE\" \"{sql}\" | sha256sum");
        let output = Command::new("sh")
            .args(["-c", &line])
            .env("STORE", store.path())
            .output();
        let output = String::from_utf8(output.expect("a shell").stdout).expect("text");
        return output.split_whitespace().next().unwrap_or_default().to_owned();
    }
    eprintln!(
        "THE STOCK SHELL IS MISSING: `sqlite3` and `sha256sum` were not used; the texts are hashed by the test"
    );
    let lines: String = texts(&open(store), sql)
        .into_iter()
        .map(|text| text + "\n")
        .collect();
    hex::encode(sha256(lines.as_bytes()))
}

fn open(store: &Store) -> Connection {
    Connection::open(store.path()).expect("a store")
}

fn texts(ledger: &Connection, sql: &str) -> Vec<String> {
    let mut statement = ledger.prepare(sql).expect("SQL");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("texts")
}

fn number(ledger: &Connection, sql: &str) -> i64 {
    ledger.query_row(sql, [], |row| row.get(0)).expect("a number")
}

#[test]
fn the_stock_shell_and_sha256sum_find_the_hashes_of_every_batch() {
    let world = world();
    let ledger = open(&world.store);
    let kinds = texts(&ledger, "SELECT DISTINCT kind FROM ledger_pass ORDER BY kind");
    assert_eq!(
        kinds,
        ["apply", "edit", "init", "load", "retry", "rollback", "waive"]
    );
    let sql = "SELECT lower(hex(entries_sha256))||' '||lower(hex(head)) FROM ledger_batch ORDER BY batch";
    for (batch, recorded) in (1..).zip(texts(&ledger, sql)) {
        let entries = hashed(
            &world.store,
            &format!("SELECT leaf_text FROM ledger_leaf WHERE batch={batch}"),
        );
        let head = hashed(
            &world.store,
            &format!("SELECT header_text FROM ledger_header WHERE batch={batch}"),
        );
        assert_eq!(format!("{entries} {head}"), recorded, "batch {batch}");
    }
    let problems = "SELECT count(*) FROM audit_chain_problem";
    assert_eq!(number(&ledger, problems), 0);
    assert!(
        verify(&world.store, &VerifyOptions::default())
            .expect("a verification")
            .is_sound()
    );
}

/// RFC 6962, section 2.1, word for word.
fn tree_root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = (tree_root(&leaves[..split]), tree_root(&leaves[split..]));
            sha256(&[&[1][..], &left, &right].concat())
        }
    }
}

#[test]
fn the_tree_over_all_texts_is_that_of_rfc_6962_after_every_batch() {
    let world = world();
    let ledger = open(&world.store);
    let leaf = |text: &String| sha256(&[&[0][..], text.as_bytes()].concat());
    let mut leaves = Vec::new();
    for batch in 1..=number(&ledger, "SELECT max(batch) FROM ledger_batch") {
        for (view, column) in [("ledger_leaf", "leaf_text"), ("ledger_header", "header_text")] {
            let sql = format!("SELECT {column} FROM {view} WHERE batch={batch}");
            leaves.extend(texts(&ledger, &sql).iter().map(leaf));
        }
        let sql =
            format!("SELECT tree_size||' '||lower(hex(tree_root)) FROM ledger_batch WHERE batch={batch}");
        let recorded = texts(&ledger, &sql).remove(0);
        assert_eq!(
            recorded,
            format!("{} {}", leaves.len(), hex::encode(tree_root(&leaves))),
            "batch {batch}"
        );
    }
}

#[test]
fn a_commitment_is_the_hash_of_salt_id_and_data_as_they_stand() {
    let world = world();
    let ledger = open(&world.store);
    for database in ["a", "b"] {
        let sql = format!(
            "SELECT lower(hex(r.salt||CAST(t.id AS BLOB)||x'00'||CAST(t.data AS BLOB)))||' '||(
               SELECT lower(hex(e.after)) FROM ledger_entry e JOIN ledger_batch b USING(batch) JOIN ledger_pass p USING(pass)
               WHERE p.target='{database}' AND coalesce(e.target,e.record)=t.record ORDER BY batch DESC LIMIT 1)
             FROM \"{database}\" t JOIN ledger_record r USING(record)"
        );
        let rows = texts(&ledger, &sql);
        assert!(!rows.is_empty());
        for row in rows {
            let (committed, recorded) = row.split_once(' ').expect("two parts");
            let committed = hex::decode(committed).expect("hexadecimal");
            assert_eq!(hex::encode(sha256(&committed)), recorded);
        }
    }
    let stages = "SELECT CAST(source_text AS TEXT)||char(10)||lower(hex(text_sha256)) FROM ledger_stage
     UNION ALL SELECT meaning||char(10)||lower(hex(meaning_sha256)) FROM ledger_stage";
    for stage in texts(&ledger, stages) {
        let (text, recorded) = stage.rsplit_once('\n').expect("two parts");
        assert_eq!(hex::encode(sha256(text.as_bytes())), recorded);
    }
}

const TABLES: [&str; 8] = [
    "ledger_stage",
    "ledger_run",
    "ledger_pass",
    "ledger_batch",
    "ledger_record",
    "ledger_entry",
    "ledger_image",
    "ledger_erasure",
];

#[test]
fn nothing_in_the_ledger_can_be_changed_deleted_or_replaced_by_a_slip() {
    let world = world();
    let ledger = open(&world.store);
    ledger
        .execute("INSERT INTO ledger_checkpoint VALUES(1,'note')", [])
        .expect("a row");
    ledger
        .execute("INSERT INTO ledger_erasure VALUES(1,1,'basis')", [])
        .expect("a row");
    // SQLite asks the triggers about what a REPLACE deletes only where this is set, as the program itself does.
    ledger
        .pragma_update(None, "recursive_triggers", "ON")
        .expect("a pragma");
    for table in TABLES.into_iter().chain(["ledger_checkpoint"]) {
        let key = texts(
            &ledger,
            &format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid"),
        )
        .remove(0);
        // An erased record may lose its image and its texts; nothing else of it may change.
        let but_erased = match table {
            "ledger_image" | "ledger_record" => " WHERE record<>1",
            _ => "",
        };
        for sql in [
            format!("UPDATE {table} SET {key}={key}+1000"),
            format!("DELETE FROM {table}{but_erased}"),
            format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table}{but_erased}"),
        ] {
            let refused = ledger.execute(&sql, []).expect_err(&sql).to_string();
            assert!(refused.contains("ledger:"), "{sql}: {refused}");
        }
    }
}

/// Does what a determined person with the file does: drops the triggers and writes.
fn tampered(sql: &str) -> Vec<(String, Option<BatchId>, Option<RecordNumber>)> {
    let world = world();
    let ledger = open(&world.store);
    let triggers = texts(&ledger, "SELECT name FROM sqlite_schema WHERE type='trigger'");
    for trigger in triggers {
        ledger
            .execute_batch(&format!("DROP TRIGGER {trigger}"))
            .expect("a trigger");
    }
    ledger
        .execute_batch(&format!("PRAGMA foreign_keys=OFF; {sql}"))
        .expect(sql);
    drop(ledger);
    let report = verify(&world.store, &VerifyOptions::default()).expect("a verification");
    assert!(!report.is_sound(), "{sql}");
    let findings = report.findings.into_iter();
    findings
        .map(|finding| (finding.code.to_owned(), finding.batch, finding.record))
        .collect()
}

#[test]
fn every_change_behind_the_ledgers_back_is_found_and_named() {
    let batch = BatchId::new(4);
    let in_batch = |codes: &[&str], sql: &str| {
        let found = tampered(sql);
        for code in codes {
            let named = found
                .iter()
                .any(|(found, at, _)| found == code && *at == Some(batch));
            assert!(named, "{sql}: {code} of batch {batch} is not in {found:?}");
        }
    };
    in_batch(
        &["chain.entries_sha256", "tree.root"],
        "UPDATE ledger_entry SET reason='{}' WHERE batch=4",
    );
    in_batch(
        &["chain.entries", "chain.entries_sha256"],
        "DELETE FROM ledger_entry WHERE batch=4 AND record=(SELECT min(record) FROM ledger_entry WHERE batch=4)",
    );
    in_batch(
        &["chain.head"],
        "UPDATE ledger_batch SET committed_us=committed_us+1 WHERE batch=4",
    );
    in_batch(
        &["chain.head", "chain.counts"],
        "UPDATE ledger_batch SET written=written-1, unchanged=unchanged+1 WHERE batch=4",
    );
    in_batch(
        &["tree.root"],
        "UPDATE ledger_batch SET tree_root=zeroblob(32) WHERE batch=4",
    );
    in_batch(
        &["chain.head"],
        "UPDATE ledger_run SET actor='nobody' WHERE run=(SELECT run FROM ledger_batch WHERE batch=4)",
    );
    in_batch(
        &["chain.head"],
        "UPDATE ledger_pass SET now_us=1 WHERE pass=(SELECT pass FROM ledger_batch WHERE batch=4)",
    );
    in_batch(
        &["chain.gap", "chain.previous_head"],
        "DELETE FROM ledger_batch WHERE batch=3",
    );
    in_batch(
        &["chain.entries_sha256"],
        "UPDATE ledger_entry SET batch=-4 WHERE batch=4; UPDATE ledger_entry SET batch=4 WHERE batch=3; UPDATE ledger_entry SET batch=3 WHERE batch=-4",
    );
    let stage = tampered("UPDATE ledger_stage SET source_text='other' WHERE stage=1");
    assert!(stage.iter().any(|(code, ..)| code == "stage.text"));
    let stray = tampered("INSERT INTO ledger_entry(batch,record,part,outcome) VALUES(999,1,0,1)");
    assert!(
        stray
            .iter()
            .any(|(code, at, _)| code == "chain.stray_entry" && *at == Some(BatchId::new(999)))
    );
}

#[test]
fn every_change_of_the_data_is_found_and_names_the_record() {
    let of_record = |code: &str, sql: &str, record: &str| {
        let world = world();
        let record = number(&open(&world.store), record);
        let found = tampered(sql);
        let named = found
            .iter()
            .any(|(found, _, at)| found == code && *at == Some(RecordNumber::new(record)));
        assert!(named, "{sql}: {code} of record {record} is not in {found:?}");
    };
    let one = "SELECT record FROM a WHERE id='one'";
    of_record(
        "data.differs",
        "UPDATE a SET data='{\"id\":\"one\",\"n\":3}' WHERE id='one'",
        one,
    );
    of_record("data.differs", "UPDATE a SET id='two' WHERE id='one'", one);
    of_record("data.missing", "DELETE FROM a WHERE id='one'", one);
    of_record(
        "data.unexpected",
        "INSERT INTO b VALUES(4711,'x','{}')",
        "SELECT 4711",
    );
    of_record(
        "data.unexpected",
        "INSERT INTO b SELECT record, id, data FROM a WHERE id='waived'",
        "SELECT record FROM a WHERE id='waived'",
    );
    of_record(
        "data.differs",
        "UPDATE ledger_record SET salt=zeroblob(16) WHERE id='one'",
        one,
    );
    let image = "SELECT record FROM ledger_image WHERE kind=4 ORDER BY batch LIMIT 1";
    of_record(
        "image.differs",
        "UPDATE ledger_image SET body=CAST(body||x'20' AS BLOB) WHERE (batch,record)=(SELECT batch,record FROM ledger_image WHERE kind=4 ORDER BY batch LIMIT 1)",
        image,
    );
}

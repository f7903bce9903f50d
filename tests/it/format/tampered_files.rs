//! What is done to a store's schema, to its file, to its checkpoints and to the whole of its history.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use counterfoil::note::SigningKey;
use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};

use super::honest::{checkpoints, copy};

/// Something that is done to a store: the base, the line that says it, and how.
pub(super) struct Done {
    pub(super) base: &'static str,
    pub(super) what: &'static str,
    pub(super) exit: i32,
    pub(super) how: How,
}

pub(super) enum How {
    /// Statements, with the guards as they are.
    Schema(&'static str),
    /// Anything else; the second path is the folder of the honest stores.
    By(fn(&Path, &Path)),
}

const fn schema(base: &'static str, what: &'static str, sql: &'static str) -> Done {
    Done {
        base,
        what,
        exit: 8,
        how: How::Schema(sql),
    }
}

const fn by(base: &'static str, what: &'static str, how: fn(&Path, &Path)) -> Done {
    Done {
        base,
        what,
        exit: 8,
        how: How::By(how),
    }
}

pub(super) const SCHEMA: [Done; 9] = [
    schema("eventful", "a guard dropped", "DROP TRIGGER ledger_entry_update"),
    schema(
        "v1",
        "a guard of an old store weakened",
        "DROP TRIGGER ledger_run_delete; CREATE TRIGGER ledger_run_delete BEFORE DELETE ON ledger_run BEGIN SELECT 1; END",
    ),
    schema(
        "shop",
        "a view for auditors made to say that all is well",
        "DROP VIEW audit_chain_problem; CREATE VIEW audit_chain_problem AS SELECT 1 AS batch, '' AS problem WHERE 0",
    ),
    schema(
        "v2",
        "an index of the ledger dropped",
        "DROP INDEX ledger_batch_pass",
    ),
    schema(
        "eventful",
        "a trigger that changes what is written",
        "CREATE TRIGGER b_insert AFTER INSERT ON b BEGIN DELETE FROM a; END",
    ),
    schema("bank", "a table of somebody else", "CREATE TABLE notes(text)"),
    schema(
        "empty",
        "a column added to the ledger",
        "ALTER TABLE ledger_run ADD COLUMN extra TEXT",
    ),
    schema(
        "derived",
        "the view of all rows made to leave one out",
        "DROP VIEW audit_row; CREATE VIEW audit_row AS\n SELECT 'a' AS database, record, id, data FROM \"a\"",
    ),
    schema(
        "quarantine",
        "the version of the schema set back",
        "PRAGMA user_version=4",
    ),
];

pub(super) const FILES: [Done; 18] = [
    Done {
        exit: 1,
        ..schema("empty", "the mark of a store changed", "PRAGMA application_id=7")
    },
    Done {
        exit: 1,
        ..schema(
            "shop",
            "a version of the schema that does not exist",
            "PRAGMA user_version=99",
        )
    },
    by("applied", "a page zeroed", |path, _| {
        let mut bytes = std::fs::read(path).expect("a store");
        let page = 8192;
        // The root of the entries' table.
        let root: isize = open(path)
            .query_row(
                "SELECT rootpage FROM sqlite_schema WHERE name='ledger_entry'",
                [],
                |row| row.get(0),
            )
            .expect("a root");
        let root = root.unsigned_abs();
        bytes[(root - 1) * page..root * page].fill(0);
        std::fs::write(path, bytes).expect("ours");
    }),
    by("shop", "the file cut off in the middle", |path, _| {
        let bytes = std::fs::read(path).expect("a store");
        std::fs::write(path, &bytes[..bytes.len() / 2]).expect("ours");
    }),
    by("applied", "a checkpoint taken out of the store", |path, _| {
        past_guards(
            path,
            "DELETE FROM ledger_checkpoint WHERE tree_size=(SELECT min(tree_size) FROM ledger_checkpoint)",
        );
    }),
    by("applied", "a checkpoint's root changed", |path, _| {
        past_guards(
            path,
            "UPDATE ledger_checkpoint SET note=replace(note,char(10)||tree_size||char(10),char(10)||(tree_size-1)||char(10))",
        );
        std::fs::remove_file(checkpoints(path)).expect("it is there");
    }),
    by(
        "eventful",
        "an older copy of the store put back",
        |path, folder| {
            std::fs::copy(folder.join("applied.db"), path).expect("a copy");
        },
    ),
    by(
        "malformed",
        "the store of somebody else put in its place",
        |path, folder| {
            std::fs::copy(folder.join("two_keys.db"), path).expect("a copy");
            past_guards(
                path,
                "UPDATE ledger_run SET uuid='00000000-0000-4000-8000-000000000000' WHERE run=1; DELETE FROM ledger_checkpoint",
            );
            reseal(path);
        },
    ),
    by(
        "eventful",
        "the history written anew, the checkpoints left",
        |path, _| rewrite(path),
    ),
    by(
        "eventful",
        "the history written anew, the store's checkpoints taken out",
        |path, _| {
            rewrite(path);
            past_guards(path, "DELETE FROM ledger_checkpoint");
        },
    ),
    by(
        "eventful",
        "the history written anew and signed with another key",
        |path, _| {
            rewrite(path);
            sign(path, &SigningKey::generate("faults", &[9; 32]).expect("a key"));
        },
    ),
    by("applied", "a signature's last byte changed", |path, _| {
        past_guards(
            path,
            "UPDATE ledger_checkpoint SET note=substr(note,1,length(note)-4)||CASE substr(note,-4,1) WHEN 'A' THEN 'B' ELSE 'A' END||substr(note,-3)",
        );
        std::fs::remove_file(checkpoints(path)).expect("it is there");
    }),
    by(
        "applied",
        "a second, false signature of the same key added",
        |path, _| {
            let sql = "SELECT note FROM ledger_checkpoint ORDER BY tree_size DESC LIMIT 1";
            let note: String = open(path).query_row(sql, [], |row| row.get(0)).expect("a note");
            let line = note.lines().last().expect("a signature");
            let (head, signature) = line.split_at(line.len() - 20);
            let swapped: String = signature.chars().rev().skip(2).collect();
            let note = format!("{note}{head}{swapped}{}\n", &signature[18..]);
            past_guards(
                path,
                &format!(
                    "UPDATE ledger_checkpoint SET note='{note}' WHERE tree_size=(SELECT max(tree_size) FROM ledger_checkpoint)"
                ),
            );
            std::fs::remove_file(checkpoints(path)).expect("it is there");
        },
    ),
    by(
        "applied",
        "a folder in the place of the file of checkpoints",
        |path, _| {
            std::fs::remove_file(checkpoints(path)).expect("it is there");
            std::fs::create_dir(checkpoints(path)).expect("a folder");
        },
    ),
    by(
        "applied",
        "an empty file in the place of a signed store",
        |path, _| {
            std::fs::write(path, "").expect("ours");
        },
    ),
    Done {
        exit: 1,
        ..by("shop", "a file that ends within its header", |path, _| {
            let bytes = std::fs::read(path).expect("a store");
            std::fs::write(path, &bytes[..70]).expect("ours");
        })
    },
    by(
        "shop",
        "a row changed in a write-ahead log beside the file",
        in_log,
    ),
    by("shop", "everything taken out", |path, _| {
        let tables = [
            "batch", "entry", "image", "open", "pass", "record", "run", "sparse", "stage", "total", "written",
        ];
        let tables = tables.iter().map(|table| format!("DELETE FROM ledger_{table};"));
        past_guards(
            path,
            &(tables.collect::<String>() + "DELETE FROM orders_v1; DELETE FROM orders_v2"),
        );
    }),
];

fn open(path: &Path) -> Connection {
    Connection::open(path).expect("a store")
}

/// Runs statements with the guards taken out, and puts these back.
pub(super) fn past_guards(path: &Path, sql: &str) {
    let connection = open(path);
    let guards = "SELECT name, sql FROM sqlite_schema WHERE type='trigger'";
    let guards: Vec<(String, String)> = connection
        .prepare(guards)
        .and_then(|mut guards| {
            guards
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .expect("a schema");
    connection
        .execute_batch(
            "PRAGMA ignore_check_constraints=ON; PRAGMA foreign_keys=OFF; PRAGMA synchronous=OFF; BEGIN",
        )
        .expect("settings");
    for (name, _) in &guards {
        connection
            .execute_batch(&format!("DROP TRIGGER {name}"))
            .expect("it goes");
    }
    let before = connection.total_changes();
    connection.execute_batch(sql).expect(sql);
    assert!(connection.total_changes() > before, "nothing is changed: {sql}");
    for (_, guard) in &guards {
        connection.execute_batch(guard).expect("it comes back");
    }
    connection.execute_batch("COMMIT").expect("it is done");
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// An amount changed in a row, in its commitment and in every hash that follows.
fn rewrite(path: &Path) {
    past_guards(
        path,
        "UPDATE b SET data=replace(data,'20.50','99.50') WHERE record=20",
    );
    let row = "SELECT hex(r.salt)||hex(b.id)||'00'||hex(b.data), (SELECT hex(after) FROM ledger_entry e
       JOIN ledger_batch USING(batch) JOIN ledger_pass p USING(pass) WHERE p.target='b' AND e.record=20 ORDER BY e.batch DESC LIMIT 1)
     FROM b JOIN ledger_record r USING(record) WHERE b.record=20";
    let (committed, old): (String, String) = open(path)
        .query_row(row, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("a row");
    let committed = hex::decode(committed).expect("hexadecimal");
    let new = hex::encode(sha256(&committed));
    past_guards(
        path,
        &format!(
            "UPDATE ledger_entry SET after=x'{new}' WHERE after=x'{old}'; UPDATE ledger_entry SET before=x'{new}' WHERE before=x'{old}'; DELETE FROM ledger_image WHERE record=20"
        ),
    );
    reseal(path);
}

/// Changes a row so that the file itself stays as it is.
fn in_log(path: &Path, _: &Path) {
    let folder = tempfile::tempdir().expect("a folder");
    let elsewhere = folder.path().join("store.db");
    copy(path, &elsewhere);
    let connection = open(&elsewhere);
    let sql = "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0";
    connection.execute_batch(sql).expect(sql);
    let before = std::fs::read(&elsewhere).expect("a store");
    let sql = "UPDATE orders_v1 SET data=replace(data,'}',' }') WHERE record=3";
    assert_eq!(connection.execute(sql, []), Ok(1));
    assert!(
        std::fs::read(&elsewhere).expect("a store") == before,
        "it is in the log"
    );
    for end in ["", "-wal"] {
        let of = |path: &Path| format!("{}{end}", path.display());
        std::fs::copy(of(&elsewhere), of(path)).expect("a copy");
    }
}

/// Computes every hash of the ledger anew, as it stands.
pub(super) fn reseal(path: &Path) {
    let guards = "SELECT group_concat('DROP TRIGGER '||name,';') FROM sqlite_schema WHERE type='trigger'";
    let restore = "SELECT group_concat(sql,';') FROM sqlite_schema WHERE type='trigger'";
    let connection = open(path);
    let text = |sql: &str| -> String { connection.query_row(sql, [], |row| row.get(0)).expect(sql) };
    let (drop_guards, restore) = (text(guards), text(restore));
    connection
        .execute_batch(&format!("BEGIN;{drop_guards}"))
        .expect("they go");
    let texts = |sql: &str, batch: i64| -> Vec<String> {
        let mut statement = connection.prepare(sql).expect(sql);
        let rows = statement.query_map([batch], |row| row.get(0)).expect(sql);
        rows.collect::<Result<_, _>>().expect(sql)
    };
    let (mut head, mut roots, mut size) = ([0; 32], Vec::<[u8; 32]>::new(), 0_u64);
    for batch in 1..=text("SELECT max(batch)||'' FROM ledger_batch")
        .parse()
        .expect("a number")
    {
        let leaves = texts("SELECT leaf_text FROM ledger_leaf WHERE batch=?1", batch);
        let lines: String = leaves.iter().map(|leaf| format!("{leaf}\n")).collect();
        let update = "UPDATE ledger_batch SET entries_sha256=?2, previous_head=?3 WHERE batch=?1";
        connection
            .execute(update, params![batch, sha256(lines.as_bytes()), head])
            .expect("a batch");
        let header = texts("SELECT header_text FROM ledger_header WHERE batch=?1", batch).remove(0);
        head = sha256(format!("{header}\n").as_bytes());
        for leaf in leaves.iter().chain([&header]) {
            let mut node = sha256(&[&[0], leaf.as_bytes()].concat());
            for _ in 0..size.trailing_ones() {
                node = sha256(&[&[1][..], &roots.pop().expect("a root"), &node].concat());
            }
            roots.push(node);
            size += 1;
        }
        let mut ascending = roots.iter().rev().copied();
        let first = ascending.next().expect("a leaf");
        let root = ascending.fold(first, |right, left| sha256(&[&[1][..], &left, &right].concat()));
        let update =
            "UPDATE ledger_batch SET head=?2, tree_size=?3, tree_root=?4, frontier=?5 WHERE batch=?1";
        let size = i64::try_from(size).expect("small");
        connection
            .execute(update, params![batch, head, size, root, roots.concat()])
            .expect("a batch");
    }
    connection
        .execute_batch(&format!("{restore};COMMIT"))
        .expect("they come back");
}

/// Signs the ledger as it stands, and nothing else is signed any more.
fn sign(path: &Path, key: &SigningKey) {
    let newest = "SELECT (SELECT uuid FROM ledger_run WHERE run=1), tree_size, tree_root FROM ledger_batch ORDER BY batch DESC LIMIT 1";
    let (origin, size, root): (String, i64, Vec<u8>) = open(path)
        .query_row(newest, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .expect("a batch");
    let note = key.sign(&format!("{origin}\n{size}\n{}\n", BASE64_STANDARD.encode(root)));
    past_guards(
        path,
        &format!("DELETE FROM ledger_checkpoint; INSERT INTO ledger_checkpoint VALUES({size},'{note}')"),
    );
    std::fs::write(checkpoints(path), note).expect("ours");
}

/// Does it to a copy of the base.
pub(super) fn make(done: &Done, folder: &Path, to: &Path) {
    copy(&folder.join(format!("{}.db", done.base)), to);
    match done.how {
        How::Schema(sql) => open(to).execute_batch(sql).expect(sql),
        How::By(how) => how(to, folder),
    }
}

//! What stands in the document, against what the program makes: the digests of the schemas, and the example.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use super::honest;
use crate::support::scenario::signing_key;
use crate::support::world::{World, stages};

fn document() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/format.md")
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The one text that a query gives.
fn text(store: &Connection, sql: &str) -> String {
    store.query_row(sql, [], |row| row.get(0)).expect(sql)
}

fn texts(store: &Connection, sql: &str) -> Vec<String> {
    let mut statement = store.prepare(sql).expect(sql);
    let rows = statement.query_map([], |row| row.get(0)).expect(sql);
    rows.collect::<Result<_, _>>().expect(sql)
}

/// Compares a part of the document, between its two marks, or writes it anew.
fn compare(part: &str, made: &str) {
    let whole = std::fs::read_to_string(document()).expect("the document");
    let (begin, end) = (format!("<!-- {part} -->\n"), format!("<!-- /{part} -->"));
    let (before, rest) = whole.split_once(&begin).expect("the part begins");
    let (found, after) = rest.split_once(&end).expect("the part ends");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let whole = format!("{before}{begin}{made}{end}{after}");
        std::fs::write(document(), whole).expect("the document is writable");
        return;
    }
    assert_eq!(
        found, made,
        "`UPDATE_DOCS=1 cargo test` writes docs/format.md anew"
    );
}

/// The digest of the ledger's objects, as the document defines it.
fn schema_digest(path: &Path) -> String {
    let store = Connection::open(path).expect("a store");
    let objects = "SELECT json_array(type, name, tbl_name, sql) FROM sqlite_schema WHERE sql IS NOT NULL AND name<>'audit_row'
       AND (tbl_name GLOB 'ledger_*' OR tbl_name GLOB 'audit_*')";
    let mut lines = texts(&store, objects);
    lines.sort_unstable();
    let lines: String = lines.into_iter().map(|line| line + "\n").collect();
    sha256(lines.as_bytes())
}

/// A signed store with a line that was refused and a stage in place that leaves reverse patches.
fn example() -> World {
    let stage = "[stage]\nsource = \"a\"\n\n[[op]]\nop = \"set\"\npath = \"seen\"\nvalue = true\n\n[[op]]\nop = \"remove\"\npath = \"old\"\n";
    let mut world = World::signed(5, stages("example", &[("0001_see.toml", stage)]));
    world.load(
        "a",
        &[
            "{\"id\":\"r1\",\"old\":\"1\\\"2\",\"name\":\"Zoë\",\"amount\":1.50,\"note\":\"as it was read, with its 0\"}",
            "{\"id\":\"r2\",}",
        ],
    );
    world.apply();
    world
}

/// The rows, their commitments and the images.
fn rows(store: &Connection, told: &mut String) {
    told.push_str("The salts of records 1 and 2, and the row of record 1 as the load and then the stage have left it:\n\n");
    for (record, salt) in (1..).zip(texts(
        store,
        "SELECT lower(hex(salt)) FROM ledger_record ORDER BY record",
    )) {
        let _ = writeln!(told, "    salt of {record}   {salt}");
    }
    let read = "{\"id\":\"r1\",\"old\":\"1\\\"2\",\"name\":\"Zoë\",\"amount\":1.50,\"note\":\"as it was read, with its 0\"}";
    let after =
        |batch: u32| format!("SELECT lower(hex(after)) FROM ledger_entry WHERE batch={batch} AND record=1");
    for (batch, data) in [
        (2, read.to_owned()),
        (4, text(store, "SELECT data FROM a WHERE record=1")),
    ] {
        let salt = text(store, "SELECT hex(salt) FROM ledger_record WHERE record=1");
        let bytes = [
            &hex::decode(salt).expect("hexadecimal"),
            b"r1\0".as_slice(),
            data.as_bytes(),
        ]
        .concat();
        let commitment = sha256(&bytes);
        assert_eq!(commitment, text(store, &after(batch)));
        let _ = writeln!(
            told,
            "    id            r1\n    data          {data}\n    commitment    {commitment}"
        );
    }
    let patch = text(store, "SELECT CAST(body AS TEXT) FROM ledger_image WHERE batch=4");
    let _ = writeln!(
        told,
        "\nThe image of record 1 in batch 4, kind 2:\n\n    {patch}\n"
    );
    let line = text(store, "SELECT CAST(body AS TEXT) FROM ledger_image WHERE batch=2");
    let salt = text(store, "SELECT hex(salt) FROM ledger_record WHERE record=2");
    let commitment = sha256(&[&hex::decode(salt).expect("hexadecimal"), line.as_bytes()].concat());
    assert_eq!(
        commitment,
        text(
            store,
            "SELECT lower(hex(input)) FROM ledger_entry WHERE batch=2 AND record=2"
        )
    );
    let _ = writeln!(
        told,
        "The image of record 2 in batch 2, kind 4, and its commitment:\n\n    {line}\n    {commitment}\n"
    );
}

/// The batches, with every text that is hashed.
fn batches(store: &Connection, told: &mut String) {
    told.push_str("The batches:\n\n");
    for batch in 1..=5 {
        let _ = writeln!(told, "    batch {batch}");
        let leaves = texts(
            store,
            &format!("SELECT leaf_text FROM ledger_leaf WHERE batch={batch}"),
        );
        for leaf in &leaves {
            let hash = sha256(&[&[0], leaf.as_bytes()].concat());
            let _ = writeln!(told, "      leaf text       {leaf}\n      leaf hash       {hash}");
        }
        let of = |column: &str| {
            text(
                store,
                &format!("SELECT lower(hex({column})) FROM ledger_batch WHERE batch={batch}"),
            )
        };
        let lines: String = leaves.into_iter().map(|leaf| leaf + "\n").collect();
        assert_eq!(sha256(lines.as_bytes()), of("entries_sha256"));
        let header = text(
            store,
            &format!("SELECT header_text FROM ledger_header WHERE batch={batch}"),
        );
        assert_eq!(sha256(format!("{header}\n").as_bytes()), of("head"));
        let leaf = sha256(&[&[0], header.as_bytes()].concat());
        let _ = writeln!(
            told,
            "      entries_sha256  {}\n      header text     {header}",
            of("entries_sha256")
        );
        let _ = writeln!(
            told,
            "      head            {}\n      leaf hash       {leaf}",
            of("head")
        );
        let size = text(
            store,
            &format!("SELECT tree_size||'' FROM ledger_batch WHERE batch={batch}"),
        );
        let _ = writeln!(
            told,
            "      tree_size       {size}\n      tree_root       {}",
            of("tree_root")
        );
        let _ = writeln!(told, "      frontier        {}", of("frontier"));
    }
}

#[test]
fn the_example_in_the_document_is_what_the_program_makes() {
    let world = example();
    world.is_sound();
    let store = world.connection();
    let mut told = String::from(
        "A signed store of the project `example`. Batch 1 made it. Batches 2 and 3 loaded two lines into `a`, of which the second\n\
         is no JSON. Batches 4 and 5 applied a stage in place that sets `seen` and removes `old`.\n\n",
    );
    rows(&store, &mut told);
    batches(&store, &mut told);
    let note = text(
        &store,
        "SELECT note FROM ledger_checkpoint ORDER BY tree_size DESC LIMIT 1",
    );
    let _ = writeln!(
        told,
        "\nThe public key, and the newest note:\n\n    {}\n",
        signing_key().verifying().to_text()
    );
    note.lines().for_each(|line| {
        let _ = writeln!(told, "{}", format!("    {line}").trim_end());
    });
    compare("example", &told);
}

#[test]
fn the_digests_in_the_document_are_those_of_every_version_of_the_schema() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = honest::all(folder.path());
    let mut told = String::from("   | version | SHA-256 |\n   |---|---|\n");
    for (version, name) in [
        (1, "v1"),
        (2, "v2"),
        (3, "v3"),
        (4, "v4"),
        (5, "v5"),
        (6, "v6"),
        (7, "v7"),
        (8, "empty"),
    ] {
        let made = made.iter().find(|made| made.name == name).expect("a store");
        let found = text(
            &Connection::open(&made.path).expect("a store"),
            "SELECT user_version||'' FROM pragma_user_version",
        );
        assert_eq!(found, version.to_string());
        let _ = writeln!(told, "   | {version} | `{}` |", schema_digest(&made.path));
    }
    compare("schema", &told);
}

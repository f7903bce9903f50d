use std::path::PathBuf;

use counterfoil::problem::Problem;
use counterfoil::record::{BatchId, PassId, RecordNumber, RunId};
use counterfoil::rollback::Conflict;
use counterfoil::store::Contradiction;

use super::*;

/// One of every variant at least, by its name.
fn errors() -> Vec<(&'static str, Error)> {
    [of_the_store(), of_requests(), of_work(), of_evidence()]
        .into_iter()
        .flatten()
        .collect()
}

fn of_the_store() -> Vec<(&'static str, Error)> {
    let sqlite = |code| {
        Error::from(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(code),
            None,
        ))
    };
    vec![
        ("Sqlite", sqlite(rusqlite::ffi::SQLITE_BUSY)),
        ("Sqlite", sqlite(rusqlite::ffi::SQLITE_CORRUPT)),
        ("Sqlite", sqlite(rusqlite::ffi::SQLITE_FULL)),
        ("Sqlite", sqlite(rusqlite::ffi::SQLITE_IOERR)),
        ("Sqlite", sqlite(rusqlite::ffi::SQLITE_READONLY)),
        ("Sqlite", sqlite(rusqlite::ffi::SQLITE_INTERRUPT)),
        ("Sqlite", sqlite(rusqlite::ffi::SQLITE_ERROR)),
        (
            "Io",
            Error::Io {
                path: PathBuf::from("shop.db.lock"),
                source: std::io::ErrorKind::PermissionDenied.into(),
            },
        ),
        (
            "Locked",
            Error::Locked {
                store: PathBuf::from("shop.db"),
                holder: Some("pid 7 on host since then".to_owned()),
            },
        ),
        (
            "NoSuchStore",
            Error::NoSuchStore {
                path: PathBuf::from("shop.db"),
            },
        ),
        (
            "NotAStore",
            Error::NotAStore {
                path: PathBuf::from("shop.db"),
                found: "schema version 9; this program supports 1".to_owned(),
            },
        ),
    ]
}

fn of_requests() -> Vec<(&'static str, Error)> {
    vec![
        (
            "NoSuchDatabase",
            Error::NoSuchDatabase {
                name: "order_v1".to_owned(),
                known: vec!["customers".to_owned(), "orders_v1".to_owned()],
            },
        ),
        (
            "NoSuchRecord",
            Error::NoSuchRecord {
                database: "orders_v1".to_owned(),
                id: "ORD-1".to_owned(),
            },
        ),
        (
            "ProcessedSince",
            Error::ProcessedSince {
                stage: 2,
                slug: "copy".to_owned(),
                database: "orders_v1".to_owned(),
                record: RecordNumber::new(7),
                id: Some("ORD-1".to_owned()),
                target: "orders_v2".to_owned(),
                copy: RecordNumber::new(9),
            },
        ),
        (
            "NoSuch",
            Error::NoSuch {
                what: "run 7".to_owned(),
            },
        ),
        (
            "Invalid",
            Error::Invalid {
                message: "`a` is edited twice".to_owned(),
                hint: Some("give one edit per id".to_owned()),
            },
        ),
        (
            "ReadOtherwise",
            Error::ReadOtherwise {
                code: "input.separator",
                input: "orders.csv".to_owned(),
                problem: "its header is one column `id;total`".to_owned(),
                options: vec!["--separator=;".to_owned()],
            },
        ),
        (
            "Stage",
            Error::Stage {
                problems: Problem::error("stage.unknown_key", None, "there is no key `sorce`").into(),
            },
        ),
    ]
}

fn of_work() -> Vec<(&'static str, Error)> {
    vec![
        (
            "Drift",
            Error::Drift {
                number: 1,
                slug: "nest_orders".to_owned(),
                diff: "-places = 2\n+places = 3\n".to_owned(),
                is_of_language: false,
            },
        ),
        (
            "PlanMoved",
            Error::PlanMoved {
                what: "stage 1 (nest_orders)".to_owned(),
            },
        ),
        (
            "IllegalState",
            Error::IllegalState {
                what: "stage 1".to_owned(),
                state: "rolling back".to_owned(),
                event: "apply".to_owned(),
            },
        ),
        (
            "InputChanged",
            Error::InputChanged {
                input: "orders.ndjson".to_owned(),
                offset: 4096,
            },
        ),
        (
            "Input",
            Error::Input {
                input: "orders.csv".to_owned(),
                problem: "the header has `id` twice".to_owned(),
            },
        ),
        (
            "ReadOtherwise",
            Error::ReadOtherwise {
                code: "input.wrapped",
                input: "quakes.json".to_owned(),
                problem: "this is a single JSON object with a list at `/features`; nothing was loaded"
                    .to_owned(),
                options: vec!["--records=/features".to_owned()],
            },
        ),
    ]
}

fn of_evidence() -> Vec<(&'static str, Error)> {
    vec![
        (
            "Foreign",
            Error::Foreign {
                store: PathBuf::from("shop.db"),
                differences: vec![counterfoil::store::SchemaDifference {
                    code: "schema.unexpected",
                    message: "there is a trigger `t` that no version of this program creates".to_owned(),
                    mended_by: Some("DROP TRIGGER \"t\";".to_owned()),
                }],
            },
        ),
        (
            "Contradicted",
            Error::Contradicted {
                store: PathBuf::from("shop.db"),
                checkpoints: PathBuf::from("shop.db.checkpoints"),
                signed: 20_023,
                found: 15_022,
                since: Some(BatchId::new(4)),
                contradiction: Contradiction::Truncated,
            },
        ),
        (
            "RollbackConflict",
            Error::RollbackConflict {
                count: 2,
                pass: PassId::new(3),
                first: Box::new(Conflict {
                    database: "orders_v2".to_owned(),
                    record: RecordNumber::new(17),
                    id: Some("A-17".to_owned()),
                    taken: None,
                }),
            },
        ),
        (
            "RollbackBeneath",
            Error::RollbackBeneath {
                pass: PassId::new(3),
                newer: PassId::new(5),
                run: RunId::new(7),
            },
        ),
        (
            "Damaged",
            Error::Damaged {
                what: "record 17 has a row but no salt".to_owned(),
            },
        ),
    ]
}

#[test]
fn every_error_says_what_happened_and_what_to_do() {
    let mut golden = String::new();
    for (variant, error) in errors() {
        let failure = Failure::from(error);
        let text = anstream::adapter::strip_str(&failure.rendered()).to_string();
        golden += &format!(
            "{variant} {} exit {}\n{text}\n",
            failure.code,
            failure.exit.code()
        );
    }
    snapbox::assert_data_eq!(golden, snapbox::file!["errors.txt"].raw());
}

#[test]
fn no_variant_is_missing_from_the_list() {
    let source = include_str!("../../error.rs");
    let (_, body) = source.split_once("pub enum Error {").expect("the enum is there");
    let (body, _) = body.split_once("\n}").expect("and it ends");
    let variants = body
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(char::is_uppercase))
        .map(|line| line.trim_end_matches(" {"));
    let listed: Vec<&str> = errors().into_iter().map(|(name, _)| name).collect();
    for variant in variants {
        assert!(
            listed.contains(&variant),
            "{variant} has no message, hint and exit code of its own"
        );
    }
}

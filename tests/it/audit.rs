//! The auditor's cookbook, `schema/audit.sql`: every question in it is asked of a real store.

use std::path::Path;
use std::process::Command;

use counterfoil::digest::{hex, sha256};
use counterfoil::rollback::RollbackScope;
use rusqlite::{Connection, OpenFlags};

use crate::support::world::{Scene, World};

const COOKBOOK: &str = include_str!("../../schema/audit.sql");

/// One question: its title, its query, and whether its answer must be empty or may be.
struct Question {
    title: &'static str,
    query: String,
    must_be_empty: bool,
    may_be_empty: bool,
}

/// The cookbook taken apart: the settings (a later one holds, for the bank), and the questions in order.
fn cookbook() -> (Vec<&'static str>, Vec<Question>) {
    let settings = COOKBOOK
        .lines()
        .filter(|line| line.starts_with(".parameter"))
        .collect();
    let parts = COOKBOOK.split("\n.print \"\\n# ").skip(1);
    let questions = parts.map(|part| {
        let (title, rest) = part.split_once("\"\n").unwrap();
        let title = title.strip_prefix("Bank: ").unwrap_or(title);
        let is_comment = |line: &&str| line.starts_with("--") || line.starts_with('.');
        let query: Vec<&str> = rest.lines().filter(|line| !is_comment(line)).collect();
        Question {
            title,
            query: query.join("\n").trim().to_owned(),
            must_be_empty: rest.contains("-- Must be empty."),
            may_be_empty: rest.contains("-- Empty: "),
        }
    });
    (settings, questions.collect())
}

/// A store with a history: the bank loaded, applied, its last stage rolled back and applied again, and one more edit.
fn bank() -> World {
    let mut world = World::shipped("bank", "legacy_transactions");
    world.apply();
    world.roll_back(RollbackScope::Last);
    world.apply();
    let corrected = r#"{"tx_ref":"T011","acct_no":"A2000","tx_date":"2024-02-11","tx_amt":"12.34"}"#;
    world
        .store
        .database("legacy_transactions")
        .unwrap()
        .put("T011", corrected)
        .unwrap();
    world
}

/// The rows of an answer, a line each; the shell is asked where there is one, otherwise the library that is built in.
fn ask(shell: bool, store: &Path, settings: &[&str], query: &str) -> Result<Vec<String>, String> {
    if shell {
        let mut command = Command::new("sqlite3");
        command.args(["-batch", "-bail", "-readonly"]).arg(store);
        command.args(settings).arg(query);
        let output = command.output().map_err(|error| error.to_string())?;
        if !output.status.success() || !output.stderr.is_empty() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let text = String::from_utf8(output.stdout).map_err(|error| error.to_string())?;
        return Ok(text.lines().map(str::to_owned).collect());
    }
    built_in(store, settings, query).map_err(|error| error.to_string())
}

fn built_in(store: &Path, settings: &[&str], query: &str) -> rusqlite::Result<Vec<String>> {
    let connection = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = connection.prepare(query)?;
    for setting in settings
        .iter()
        .filter_map(|line| line.strip_prefix(".parameter set "))
    {
        let (name, value) = setting.split_once(' ').unwrap();
        let Some(at) = statement.parameter_index(name)? else {
            continue;
        };
        let sql = format!("SELECT {}", value.trim_matches('"'));
        let value: rusqlite::types::Value = connection.query_row(&sql, [], |row| row.get(0))?;
        statement.raw_bind_parameter(at, value)?;
    }
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut answer = Vec::new();
    while let Some(row) = rows.next()? {
        let cell = |at: usize| {
            row.get_ref(at).map(|value| match value {
                rusqlite::types::ValueRef::Null => String::new(),
                rusqlite::types::ValueRef::Integer(integer) => integer.to_string(),
                rusqlite::types::ValueRef::Real(real) => real.to_string(),
                rusqlite::types::ValueRef::Text(bytes) | rusqlite::types::ValueRef::Blob(bytes) => {
                    String::from_utf8_lossy(bytes).into_owned()
                }
            })
        };
        let cells: rusqlite::Result<Vec<String>> = (0..columns).map(cell).collect();
        answer.push(cells?.join("|"));
    }
    Ok(answer)
}

/// The answer to the question that begins so, its query changed.
fn answer(store: &Path, title: &str, change: impl Fn(&str) -> String) -> Vec<String> {
    let (settings, questions) = cookbook();
    let question = questions
        .iter()
        .find(|question| question.title.starts_with(title));
    let question = question.unwrap_or_else(|| panic!("no question {title}"));
    ask(false, store, &settings, &change(&question.query)).unwrap()
}

fn has_shell() -> bool {
    let found = Command::new("sqlite3").arg("--version").output().is_ok();
    if !found {
        eprintln!("there is no sqlite3 shell here: the questions are asked of the SQLite that is built in");
    }
    found
}

#[test]
fn every_question_of_the_cookbook_is_answered_by_a_real_store() {
    let world = bank();
    let path = world.path();
    let (settings, questions) = cookbook();
    assert!(settings.len() > 3 && questions.len() > 20);
    let shells: &[bool] = if has_shell() { &[true, false] } else { &[false] };
    if shells.len() > 1 {
        let whole = format!(".read '{}/schema/audit.sql'", env!("CARGO_MANIFEST_DIR"));
        let answers = ask(true, &path, &[], &whole).unwrap_or_else(|error| panic!("{error}"));
        assert!(answers.len() > 200, "{}", answers.len());
    }
    for question in &questions {
        for shell in shells {
            let answer = ask(*shell, &path, &settings, &question.query)
                .unwrap_or_else(|error| panic!("{}: {error}", question.title));
            if question.must_be_empty {
                assert_eq!(answer, [""; 0], "{}", question.title);
            } else if !question.may_be_empty {
                assert!(!answer.is_empty(), "{}", question.title);
            }
        }
    }
}

#[test]
fn the_cookbook_reports_values_before_refusals_and_totals() {
    let world = bank();
    let path = world.path();
    let answer = |title: &str| answer(&path, title, |query| query.to_owned());
    let before = answer("What were its values before");
    assert!(
        before.iter().any(|row| row.contains("/amount|1234.565")),
        "{before:?}"
    );
    let changed = answer("whose amount");
    assert!(
        changed
            .iter()
            .any(|row| row.ends_with(r#"|T005|1234.565|"1234.56""#)),
        "{changed:?}"
    );
    assert_eq!(answer("What stands refused")[0], "2|enrich|decimal.invalid|10");
    assert_eq!(answer("Who rolled back what").len(), 1);
    assert_eq!(answer("What was written to a stage's source").len(), 1);
    assert_eq!(answer("which source records have no target").len(), 12);
    let totals = answer("control totals per account");
    assert!(
        totals[0].starts_with("|5|"),
        "the transactions of no account are a bucket of their own: {}",
        totals[0]
    );
    assert!(
        totals.contains(&"A1001|1|500000|500000|0".to_owned()),
        "{totals:?}"
    );
}

#[test]
fn the_cookbook_reports_a_record_that_was_rolled_back_alone() {
    let mut world = bank();
    let path = world.path();
    let scope = RollbackScope::Record {
        database: "legacy_transactions".to_owned(),
        id: "T011".to_owned(),
    };
    world.roll_back(scope);
    let answer = answer(&path, "Who rolled back what", |query| query.to_owned());
    assert_eq!(answer.len(), 2, "{answer:?}");
    assert!(
        answer[0].contains("|pass ") && answer[1].contains("|record "),
        "{answer:?}"
    );
}

#[test]
fn a_stage_a_batch_and_a_record_hash_by_hand_to_what_the_ledger_says() {
    let world = bank();
    let path = world.path();
    let all_entries = answer(&path, "What do the entries", |query| {
        query.replace(" LIMIT 3;", ";")
    });
    let answer = |title: &str| answer(&path, title, |query| query.to_owned());
    let digest = |lines: &[String]| hex(&sha256(&[(lines.join("\n") + "\n").as_bytes()]));
    let expected = answer("What must they hash to");
    let expected: Vec<&str> = expected[0].split('|').collect();
    assert_eq!(digest(&all_entries), expected[1]);
    assert_eq!(digest(&answer("What does the header")), expected[2]);
    let row = answer("is a row still");
    let (bytes, committed) = row[0].split_once('|').unwrap();
    assert_eq!(hex(&sha256(&[&hex_bytes(bytes)])), committed);
    let texts = ask(
        false,
        &path,
        &[],
        "SELECT lower(hex(text_sha256)) FROM ledger_stage WHERE number=2",
    )
    .unwrap();
    let stage = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/bank/0002_enrich.toml"))
        .unwrap();
    assert_eq!(texts, [hex(&sha256(&[&stage]))]);
}

fn hex_bytes(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn the_status_of_a_step_is_what_became_of_it() {
    let scene = Scene::named("p", &[]);
    scene.write(
        "0001_copy.toml",
        "[stage]\nsource = \"a\"\ntarget = \"b\"\nmax_errors = \"100%\"\n\n[[op]]\nop = \"convert\"\npath = \"n\"\nto = \"integer\"\n",
    );
    scene.write(
        "0002_place.toml",
        "[stage]\nsource = \"b\"\n\n[[op]]\nop = \"set\"\npath = \"m\"\nvalue = \"= true\"\n",
    );
    scene.write(
        "a.ndjson",
        "{\"id\":\"k1\",\"n\":\"1\"}\n{\"id\":\"k2\",\"n\":\"x\"}\n",
    );
    assert_eq!(scene.run(&["load", "a", "a.ndjson"]).code, 0);
    assert_eq!(scene.run(&["apply"]).code, 3);
    assert_eq!(scene.run(&["rollback", "--all", "--yes"]).code, 0);
    let reason = ["delete", "a", "k1", "--reason", "asked for"];
    assert_eq!(scene.run(&reason).code, 0);
    let store = Connection::open(scene.path("counterfoil.db")).expect("a store");
    let told = |id: &str| {
        let sql = "SELECT kind||' '||coalesce(number,'-')||' '||status||CASE transformed_hash WHEN '' THEN '' ELSE ' +' END
         FROM audit_step WHERE id=?1 ORDER BY batch";
        let mut statement = store.prepare(sql).expect("the view");
        let rows = statement.query_map([id], |row| row.get(0)).expect("rows");
        rows.collect::<rusqlite::Result<Vec<String>>>().expect("texts")
    };
    assert_eq!(
        told("k1"),
        [
            "load - written +",
            "apply 1 rolled back +",
            "apply 2 rolled back +",
            "rollback 2 restored +",
            "rollback 1 removed",
            "edit - removed",
        ]
    );
    // What was refused has written nothing that could be taken back.
    let refused = told("k2");
    assert_eq!(refused[..2], ["load - written +", "apply 1 refused"]);
    assert!(
        refused[2..]
            .iter()
            .all(|step| !step.contains("restored") && !step.contains("removed")),
        "{refused:?}"
    );
}

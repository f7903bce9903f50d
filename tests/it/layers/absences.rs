//! What does not stand where: each is a search over the lines of code in `src/`, tests and comments aside.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::house::{Source, files_below, house};
use super::nowhere;

/// The lines of code that hold one of the words.
fn lines_with<'s>(source: &'s Source, words: &'s [&str]) -> impl Iterator<Item = String> + 's {
    let code = source.code.lines().enumerate();
    code.filter(|(_, line)| !line.trim_start().starts_with("//"))
        .filter(move |(_, line)| words.iter().any(|word| line.contains(word)))
        .map(|(number, line)| format!("src/{}:{}: {}", source.name, number + 1, line.trim()))
}

/// The lines that hold one of the words, in the files and folders `within` (everywhere, if there are none), except where
/// they `may` stand; and what may hold them and does not.
fn lines_but(within: &[&str], may: &[&str], words: &[&str]) -> Vec<String> {
    let fits = |source: &Source, places: &[&str]| places.iter().any(|place| source.name.starts_with(place));
    let mut needed = BTreeSet::new();
    let mut found = Vec::new();
    for source in house().sources.iter().filter(|source| !source.is_test) {
        if !within.is_empty() && !fits(source, within) {
            continue;
        }
        let lines: Vec<String> = lines_with(source, words).collect();
        match may.iter().find(|place| source.name.starts_with(**place)) {
            None => found.extend(lines),
            Some(place) if !lines.is_empty() => drop(needed.insert(*place)),
            Some(_) => {}
        }
    }
    let idle = may.iter().filter(|place| !needed.contains(**place));
    found.extend(idle.map(|place| format!("src/{place} is excepted in this test, and needs it not")));
    found
}

#[test]
fn what_a_stage_does_knows_no_sql_clock_randomness_environment_or_files() {
    const PURE: [&str; 4] = ["op/", "expression/", "contract/", "stage/"];
    let all = [
        "rusqlite",
        "SystemTime",
        "Instant::now",
        "Utc::now",
        "Local::now",
        "getrandom",
        "Uuid::new_v4",
        "env::",
        "std::net",
        "std::process",
    ];
    let mut found = lines_but(&PURE, &[], &all);
    // Reading stage files is the work of one.
    found.extend(lines_but(
        &PURE,
        &["stage/file.rs"],
        &["std::fs", "std::io", "File::"],
    ));
    nowhere(&found, "a stage reaches out of itself");
}

#[test]
fn only_the_store_and_the_ledger_contain_sql() {
    // The command shows questions for the sqlite3 shell; it asks none itself.
    const MAY: [&str; 4] = ["store/", "ledger/", "cli/command/demo/", "cli/outcome.rs"];
    let sql = [
        "SELECT ",
        "INSERT INTO",
        "UPDATE \\\"",
        "DELETE FROM",
        "CREATE TABLE",
        "PRAGMA ",
    ];
    nowhere(&lines_but(&[], &MAY, &sql), "SQL stands where it does not belong");
}

#[test]
fn only_the_run_opens_a_write_transaction() {
    // Opening a store of an earlier version gives it this version's tables and views, and writes nothing else. The scratch
    // file is a temporary one of its own, and the scripts of the derived tables are for people to run.
    const MAY: [&str; 4] = [
        "engine/run.rs",
        "store/open.rs",
        "store/scratch.rs",
        "store/derived.rs",
    ];
    let write = [
        "TransactionBehavior",
        ".transaction()",
        "connection_mut()",
        "BEGIN",
        "savepoint(",
    ];
    nowhere(
        &lines_but(&[], &MAY, &write),
        "something else opens a write transaction",
    );
}

#[test]
fn the_library_never_prints_and_never_reads_the_environment() {
    let loud = [
        "println!",
        "eprintln!",
        "print!(",
        "eprint!(",
        "dbg!(",
        "std::env",
        "env::var",
        "io::stdout",
        "io::stderr",
    ];
    nowhere(&lines_but(&[], &["cli/"], &loud), "the library speaks or listens");
}

#[test]
fn nothing_is_unsafe_and_no_value_is_a_float() {
    // A method that the crate for JSON Schema asks for, and that answers from the exact number.
    // And the probabilities from which a model of duplicates is learned: what is kept of it are integers.
    // What labels of a sample say of all pairs is for people: shares in millionths.
    const MAY: [&str; 7] = [
        "contract/borrowed.rs",
        "matching/compare/",
        "matching/model/",
        "matching/score/",
        "matching/odds.rs",
        "matching/shown.rs",
        "verb/review/estimate.rs",
    ];
    let mut found = lines_but(&[], &MAY, &["f64", "f32"]);
    for source in &house().sources {
        found.extend(lines_with(source, &["unsafe {", "unsafe fn", "unsafe impl"]));
    }
    nowhere(&found, "a float or something unsafe");
}

#[test]
fn functions_of_the_program_have_at_most_seventy_lines_and_files_five_hundred() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["src", "tests"] {
        for name in files_below(&root.join(folder))
            .iter()
            .filter(|name| name.ends_with(".rs"))
        {
            let name = format!("{folder}/{name}");
            let text = fs::read_to_string(root.join(&name)).expect("source is text");
            found.extend(too_long(&name, &text, folder == "src"));
        }
    }
    nowhere(&found, "too long");
}

/// A test may tell a long story in one function.
fn too_long(name: &str, text: &str, functions: bool) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    if lines.len() > 500 {
        found.push(format!("{name} has {} lines", lines.len()));
    }
    for (number, line) in lines.iter().enumerate().filter(|_| functions) {
        let indent = line.len() - line.trim_start().len();
        let words: Vec<&str> = line.split_whitespace().take(5).collect();
        let begins = words.contains(&"fn") && !line.trim_start().starts_with("//");
        if !begins || line.trim_end().ends_with(';') || line.contains('}') {
            continue;
        }
        let end = format!("{}}}", " ".repeat(indent));
        let length = lines[number..]
            .iter()
            .position(|line| *line == end)
            .map_or(0, |at| at + 1);
        if length > 70 {
            found.push(format!("{name}:{} has {length} lines", number + 1));
        }
    }
    found
}

//! The architecture as absences: what does not stand where. Each is a search over `src/`.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers, lowest first; a module names only modules of its own layer and of lower ones.
const LAYERS: &[&[&str]] = &[
    &[
        "record",
        "datetime",
        "path",
        "digest",
        "refusal",
        "problem",
        "name",
        "language",
        "note",
        "surroundings",
        "context",
        "reading",
        "shown",
    ],
    &["pattern", "lineage"],
    &["expression"],
    &["op", "contract"],
    &["stage", "project"],
    &["error"],
    &["ledger", "store", "observe"],
    &["input", "output", "query"],
    &["run", "pipeline"],
    // The verbs may use each other: a retry applies, a load shapes tables as an edit does.
    &[
        "apply",
        "backup",
        "checkpoint",
        "database",
        "deviation",
        "edit",
        "history",
        "interchange",
        "load",
        "plan",
        "profile",
        "prove",
        "quarantine",
        "reconcile",
        "rehearse",
        "rollback",
        "validate",
        "verify",
    ],
    // Tells what the verbs have done; none of them needs it.
    &["report"],
];

/// Names that a lower layer may take from a higher one, each for a reason.
const EXCEPTIONS: [(&str, &str); 2] = [
    // What reads stage files carries the functions that the program has registered.
    ("reading.rs", "op"),
    // Making a store is its first run.
    ("store/open.rs", "run"),
];

struct Source {
    path: PathBuf,
    /// The path under `src/`.
    name: String,
    /// The top-level module.
    module: String,
    /// The code before the tests that stand in the file.
    code: String,
    lines: usize,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the crate") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("source is text");
                let name = path.strip_prefix(&root).expect("under src").display().to_string();
                let first = name.split(['/', '.']).next().unwrap_or_default();
                sources.push(Source {
                    module: first.to_owned(),
                    lines: text.lines().count(),
                    code: text
                        .split("\n#[cfg(test)]\nmod ")
                        .next()
                        .unwrap_or_default()
                        .to_owned(),
                    name,
                    path,
                });
            }
        }
    }
    sources.sort_by(|left, right| left.name.cmp(&right.name));
    assert!(sources.len() > 100, "the sources are found");
    sources
}

/// Whether a file holds tests only, or what only tests use.
fn is_test(source: &Source) -> bool {
    let path = source.path.to_string_lossy();
    path.contains("/tests/")
        || [
            "tests.rs",
            "_tests.rs",
            "testing.rs",
            "trial.rs",
            "value_promises.rs",
        ]
        .iter()
        .any(|ending| path.ends_with(ending))
}

/// The lines of code that hold one of the words, comments aside.
fn lines_with<'s>(source: &'s Source, words: &'s [&str]) -> impl Iterator<Item = String> + 's {
    let code = source.code.lines().enumerate();
    code.filter(|(_, line)| !line.trim_start().starts_with("//"))
        .filter(move |(_, line)| words.iter().any(|word| line.contains(word)))
        .map(|(number, line)| format!("src/{}:{}: {}", source.name, number + 1, line.trim()))
}

fn nowhere(found: &[String], promise: &str) {
    assert!(found.is_empty(), "{promise}:\n{}", found.join("\n"));
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn a_lower_layer_never_names_a_higher_one() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !is_test(source)) {
        let Some(own) = layer(&source.module) else {
            let known = ["lib", "main", "cli"].contains(&source.module.as_str());
            assert!(
                known || source.module == "demo",
                "src/{} belongs to no layer",
                source.name
            );
            continue;
        };
        for (at, _) in source.code.match_indices("crate::") {
            let name: String = source.code[at + 7..]
                .chars()
                .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                .collect();
            let higher = layer(&name).is_some_and(|other| other > own) || name == "cli";
            if higher && !EXCEPTIONS.contains(&(source.name.as_str(), name.as_str())) {
                found.push(format!("src/{} names {name}", source.name));
            }
        }
    }
    found.dedup();
    nowhere(&found, "a lower layer names a higher one");
}

#[test]
fn what_a_stage_does_knows_no_sql_clock_randomness_environment_or_files() {
    // Reading stage files, and what they name, is the work of these.
    const READS_FILES: [&str; 6] = [
        "stage/file.rs",
        "project/mod.rs",
        "project/scaffold.rs",
        "project/settings.rs",
        "project/stages.rs",
        "project/names.rs",
    ];
    let pure = ["op", "expression", "contract", "stage"];
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
    let files = ["std::fs", "std::io", "File::"];
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !is_test(source)) {
        if pure.contains(&source.module.as_str()) {
            found.extend(lines_with(source, &all));
            if !READS_FILES.contains(&source.name.as_str()) {
                found.extend(lines_with(source, &files));
            }
        }
    }
    nowhere(&found, "a stage reaches out of itself");
}

#[test]
fn only_the_store_the_ledger_and_the_verbs_that_read_it_contain_sql() {
    const MAY: [&str; 25] = [
        "store/",
        "ledger/",
        "verify/",
        "rollback/plan.rs",
        "rollback/since.rs",
        "rollback/since/deferred.rs",
        "rollback/single.rs",
        "history.rs",
        "history/found.rs",
        "history/health.rs",
        "history/hidden.rs",
        "history/trace.rs",
        "plan/pin.rs",
        "quarantine.rs",
        "quarantine/line.rs",
        "quarantine/standing.rs",
        "apply/drift.rs",
        "report/look.rs",
        "report/read.rs",
        "report/refused.rs",
        "report/evidence.rs",
        // What it tells the reader to type.
        "cli/demo/mod.rs",
        "run.rs",
        // Shows questions for the sqlite3 shell; asks none itself.
        "cli/demo/",
        "cli/outcome.rs",
    ];
    let sql = [
        "SELECT ",
        "INSERT INTO",
        "UPDATE \\\"",
        "DELETE FROM",
        "CREATE TABLE",
        "PRAGMA ",
    ];
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !is_test(source)) {
        if !MAY.iter().any(|name| source.name.starts_with(name)) {
            found.extend(lines_with(source, &sql));
        }
    }
    nowhere(&found, "SQL stands where it does not belong");
}

#[test]
fn only_the_run_opens_a_write_transaction() {
    let write = [
        "TransactionBehavior",
        ".transaction()",
        "connection_mut()",
        "BEGIN",
        "savepoint(",
    ];
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !is_test(source)) {
        // The scratch file is a temporary one of its own, and the scripts of the derived tables are for people to run.
        let may = ["run.rs", "store/open.rs", "store/scratch.rs", "store/derived.rs"];
        if !may.contains(&source.name.as_str()) {
            found.extend(lines_with(source, &write));
        }
    }
    nowhere(&found, "somebody else opens a write transaction");
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
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !is_test(source)) {
        if !["cli", "main"].contains(&source.module.as_str()) {
            found.extend(lines_with(source, &loud));
        }
    }
    nowhere(&found, "the library speaks or listens");
}

#[test]
fn nothing_is_unsafe_and_no_value_is_a_float() {
    // Shares and rates that people look at, never a value of a record; and a method that the crate for JSON Schema asks
    // for, and that answers from the exact number.
    const MAY_FLOAT: [&str; 3] = ["cli/", "observe.rs", "contract/tree.rs"];
    let mut found = Vec::new();
    for source in &sources() {
        found.extend(lines_with(source, &["unsafe {", "unsafe fn", "unsafe impl"]));
        if !is_test(source) && !MAY_FLOAT.iter().any(|name| source.name.starts_with(name)) {
            found.extend(lines_with(source, &["f64", "f32"]));
        }
    }
    nowhere(&found, "a float or something unsafe");
}

#[test]
fn functions_have_at_most_seventy_lines_and_files_five_hundred() {
    let mut found = Vec::new();
    for source in &sources() {
        if source.lines > 500 {
            found.push(format!("src/{} has {} lines", source.name, source.lines));
        }
        let lines: Vec<&str> = source.code.lines().collect();
        for (number, line) in lines.iter().enumerate() {
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
                found.push(format!("src/{}:{} has {length} lines", source.name, number + 1));
            }
        }
    }
    nowhere(&found, "too long");
}

//! The programs in `examples/`: each is compiled, run and held to what it prints.

use std::process::Command;

/// What an example prints, built and run by cargo as a reader would.
fn run(example: &str) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--offline", "--manifest-path"]);
    cargo.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    cargo.args(["--example", example]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output().unwrap();
    assert!(
        output.status.success(),
        "{example}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_library_is_shown_in_ten_lines() {
    let text = |file: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        std::fs::read_to_string(path).expect("a source file")
    };
    let example = text("examples/quick_start.rs");
    let (_, body) = example.split_once("// begin\n").expect("a beginning");
    let (body, _) = body.split_once("    // end").expect("an end");
    let lines: Vec<&str> = body.lines().map(str::trim).collect();
    assert_eq!(lines.len(), 10);
    let documented = lines
        .iter()
        .map(|line| format!("//! {line}\n"))
        .collect::<String>();
    assert!(
        text("src/lib.rs").contains(&documented),
        "the crate's documentation differs"
    );
    let guide = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    for page in ["README.md", "docs/library.md"] {
        assert!(text(page).contains(&guide), "{page} differs");
    }
    assert_eq!(run("quick_start"), "load written\napply written\n");
}

#[test]
fn values_of_rust_are_records_in_a_store_in_memory() {
    assert_eq!(run("rust_values"), "3 written\np1: 12.00\n1 pass of shop\n");
}

#[test]
fn a_stage_is_built_in_rust() {
    let expected = "\
1: {\"name\":\"Ada Lovelace\",\"email\":\"ada@example.com\",\"vip\":true,\"first_name\":\"Ada\",\"last_name\":\"Lovelace\",\"free_host\":true}
2: refused, email.no_host at /email: expected a text with an @
3: refused, split.no_match at /name: expected 2 parts
";
    assert_eq!(run("stage_in_rust"), expected);
}

#[test]
fn a_project_is_loaded_applied_traced_and_taken_back() {
    let expected = "\
loaded 320 transactions
stage 1: 320 written, 0 refused
stage 2: 308 written, 12 refused
stage 3: 308 written, 0 refused
T005: written by load to legacy_transactions
T005: written by stage 1 to transactions
T005: written by stage 2 to transactions
T005: written by stage 3 to transactions
took back 3 passes, 0 transactions are left
the ledger is sound: true
";
    assert_eq!(run("load_apply_trace"), expected);
}

#[test]
fn a_refused_record_is_corrected_and_tried_again() {
    let expected = "\
1 written, 1 in quarantine
milk: price.unreadable at /price: expected groups of exactly three digits after a first group of one to three that does not begin with 0
1 written, 0 in quarantine
tea: {\"price\":\"1234.50\"}
milk: {\"price\":\"12.50\"}
";
    assert_eq!(run("quarantine_and_retry"), expected);
}

#[test]
fn a_database_is_queried() {
    let expected = "\
a total of 10.1, however it is written: [\"1\", \"3\"]
at least 10, or waiting, dearest first: [\"1\", \"3\", \"2\"]
without a coupon, null being one: [\"1\", \"2\", \"4\"]
a page of 3
a page of 1
";
    assert_eq!(run("query"), expected);
}

#[test]
fn an_observer_stops_a_run_that_the_next_call_continues() {
    let expected = "\
Records: 0 of 250 (0%)
Records: 100 of 250 (40%)
Records: 200 of 250 (80%)
stopped: true
Records: 200 of 250 (80%)
Records: 250 of 250 (100%)
Index: 250 of 250 (100%)
Ended: 250 of 250 (100%)
stopped: false
";
    assert_eq!(run("observer"), expected);
}

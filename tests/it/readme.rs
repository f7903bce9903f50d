//! The README's tour is run as it is written.

use std::path::Path;
use std::process::Command;

/// The shell blocks between two headings.
fn blocks(heading: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let section = readme
        .split(&format!("\n## {heading}\n"))
        .nth(1)
        .unwrap()
        .split("\n## ")
        .next()
        .unwrap();
    section
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_tour_does_what_it_says_word_for_word() {
    let folder = tempfile::tempdir().unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_counterfoil")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let mut script = String::new();
    for block in blocks("A minute's tour") {
        for line in block.lines() {
            script.push_str(line);
            script.push('\n');
        }
        script.push_str("echo \"=== $?\"\n");
    }
    let run = Command::new("bash")
        .arg("-c")
        .arg(&script)
        .env("PATH", path)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let (shown, told) = (
        String::from_utf8(run.stdout).unwrap(),
        String::from_utf8(run.stderr).unwrap(),
    );
    let parts: Vec<&str> = shown.split("===").collect();
    let seen = || format!("{shown}\n--- stderr\n{told}");
    assert!(parts[2].contains("passed: 1 example"), "{}", seen());
    assert!(
        parts[2].contains(
            r#"{"id":"r2","ward":"B2","celsius":39.0,"taken":"2026-03-01T07:20:00Z","weight":71.5}"#
        ),
        "{}",
        seen()
    );
    assert!(
        parts[2].contains("json.syntax") && parts[2].contains("decimal.invalid"),
        "{}",
        seen()
    );
    assert!(
        parts[3].contains("apply stage 1  refused") && parts[3].contains("apply stage 1  written"),
        "{}",
        seen()
    );
    assert!(parts[3].contains("sound"), "{}", seen());
    assert!(
        shown.contains("proved: this entry is in the ledger"),
        "{}",
        seen()
    );
    let sqlite = Command::new("sqlite3").arg("-version").output().is_ok();
    if !sqlite {
        eprintln!("SKIPPED: the part of the tour that needs the sqlite3 shell");
        return;
    }
    let hashes: Vec<&str> = parts[4]
        .lines()
        .rev()
        .filter(|line| line.len() >= 64)
        .take(2)
        .collect();
    assert_eq!(&hashes[0][..64], &hashes[1][..64], "{}", seen());
}

//! Fault 15: records too large or too deep go to quarantine, their neighbours are written, and memory stays bounded.

use std::io::Write as _;
use std::process::Child;

use serde_json::Value;

use crate::support::invariants::assert_sound;
use crate::support::world::{Said, Scene};

/// More than two of the largest records allowed with everything around them, and much less than what is sent.
const MEMORY_KIB: u64 = 150 * 1_024;

const MIB: usize = 1 << 20;

/// What comes in: pieces and how often each is repeated, so that the test itself needs no memory.
type Pieces<'a> = [(&'a str, usize)];

/// Loads pieces from standard input; tells how it ended, and the largest memory of the process in KiB where the system
/// tells.
fn load(project: &Scene, arguments: &[&str], pieces: &Pieces<'_>) -> (Said, Option<u64>) {
    let arguments = [&["load", "a", "-", "--json"], arguments].concat();
    let mut child = project.piped(&arguments);
    let mut input = std::io::BufWriter::with_capacity(MIB, child.stdin.take().expect("it is piped"));
    let mut largest = None;
    for (piece, times) in pieces {
        for turn in 0..*times {
            input.write_all(piece.as_bytes()).expect("it is read to the end");
            if turn % 65_536 == 0 {
                largest = largest.max(memory(&child));
            }
        }
    }
    input.flush().expect("it is read to the end");
    largest = largest.max(memory(&child));
    drop(input);
    (Said::of(child.wait_with_output().expect("it ends")), largest)
}

/// The peak of a process so far, in KiB.
fn memory(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Loads something between two good records and gives its code, or nothing where it was let in.
fn code_of(arguments: &[&str], before: &str, pieces: &Pieces<'_>, after: &str) -> Option<String> {
    let project = Scene::project(&[]);
    let pieces = [&[(before, 1)], pieces, &[(after, 1)]].concat();
    let (said, largest) = load(&project, arguments, &pieces);
    assert!(largest.is_none_or(|kib| kib < MEMORY_KIB), "{largest:?} KiB");
    assert!(matches!(said.code, 0 | 3), "{said:?}");
    let told: Value = serde_json::from_str(&said.out).expect("an envelope");
    assert_eq!(told["data"]["counts"]["read"], 3, "{said:?}");
    let export = project.run(&["query", "a", "--id", "before", "--with-id"]);
    assert!(export.out.contains("\"before\""), "{export:?}");
    let export = project.run(&["query", "a", "--id", "after", "--with-id"]);
    assert!(export.out.contains("\"after\""), "{export:?}");
    assert_sound(&project.store(), 0, "large records");
    let listed = project.run(&["quarantine", "list", "--json"]);
    let listed: Value = serde_json::from_str(&listed.out).expect("an envelope");
    let text = listed["data"].to_string();
    let known = ["json.size", "json.depth", "json.syntax"].into_iter();
    let found = known
        .filter(|code| text.contains(&format!("\"{code}\"")))
        .map(str::to_owned)
        .next();
    assert_eq!(said.code == 3, found.is_some(), "{said:?} {listed}");
    found
}

/// One after the other, so that not two of these fill the memory at a time.
#[test]
fn what_is_too_large_or_too_deep_is_quarantined_and_its_neighbours_are_written() {
    let size = Some("json.size".to_owned());
    let depth = Some("json.depth".to_owned());
    let (before, after) = ("{\"id\":\"before\"}\n", "\n{\"id\":\"after\"}\n");
    let lines = |pieces: &Pieces<'_>| code_of(&["--format", "ndjson"], before, pieces, after);
    let array = |pieces: &Pieces<'_>| {
        code_of(
            &["--format", "json"],
            "[{\"id\":\"before\"},",
            pieces,
            ",{\"id\":\"after\"}]",
        )
    };
    let (open, shut) = ("{\"id\":\"x\",\"v\":", "}");
    let text = "x".repeat(1_000);
    for load in [&lines as &dyn Fn(&Pieces<'_>) -> Option<String>, &array] {
        let large = [(open, 1), ("\"", 1), (&text[..], 100_000), ("\"", 1), (shut, 1)];
        assert_eq!(load(&large), size, "a record of 100 MB");
        let million = [(open, 1), ("[0", 1), (",1", 999_999), ("]", 1), (shut, 1)];
        assert_eq!(load(&million), None, "a list of a million in two megabytes");
        let wide = [
            (open, 1),
            ("[0", 1),
            (",1234567890123456789", 999_999),
            ("]", 1),
            (shut, 1),
        ];
        assert_eq!(load(&wide), size, "a list of a million in twenty");
        for (left, right) in [("[", "]"), ("{\"a\":", "}")] {
            for deep in [128, 100_000] {
                let nested = [(open, 1), (left, deep), ("1", 1), (right, deep), (shut, 1)];
                assert_eq!(load(&nested), depth, "{deep} times {left}");
            }
            let nested = [(open, 1), (left, 127), ("1", 1), (right, 127), (shut, 1)];
            assert_eq!(load(&nested), None, "the deepest allowed");
        }
    }
    let unclosed = [(open, 1), ("[", 100_000)];
    assert_eq!(lines(&unclosed), Some("json.syntax".to_owned()), "never closed");
    let cell = [("x,", 1), (&text[..], 100_000)];
    let table = code_of(&["--format", "csv"], "id,v\nbefore,1\n", &cell, "\nafter,1\n");
    assert_eq!(table, size, "a cell of 100 MB");
}

#[test]
fn limits_are_what_the_settings_say() {
    let project = Scene::project(&[]);
    let settings = "name = \"faults\"\nstore = \"store.db\"\n[limits]\nrecord_bytes = 1000\ndepth = 3\n";
    project.write("counterfoil.toml", settings);
    let pad = "x".repeat(990);
    let lines = format!(
        "{{\"id\":\"fits\",\"v\":[[1]]}}\n{{\"id\":\"deep\",\"v\":[[[1]]]}}\n{{\"id\":\"large\",\"v\":\"{pad}\"}}\n"
    );
    let (said, _) = load(&project, &[], &[(&lines, 1)]);
    assert_eq!(said.code, 3, "{said:?}");
    let told: Value = serde_json::from_str(&said.out).expect("an envelope");
    assert_eq!(
        (
            &told["data"]["counts"]["written"],
            &told["data"]["counts"]["refused"]
        ),
        (&1.into(), &2.into())
    );
    assert_sound(&project.store(), 0, "small limits");
}

#[test]
fn what_a_stage_makes_keeps_the_limits_too() {
    let stage = "[stage]\nsource = \"a\"\ntarget = \"b\"\n[[op]]\nop = \"nest\"\nfields = [\"v\"]\ninto = \"w\"\n\
                 [[op]]\nop = \"set\"\npath = \"s\"\nvalue = \"= doc.t + doc.t + doc.t\"\n";
    let project = Scene::project(&[("0001_nest.toml", stage)]);
    let settings = "name = \"faults\"\nstore = \"store.db\"\n[limits]\nrecord_bytes = 1000\ndepth = 3\n";
    project.write("counterfoil.toml", settings);
    let long = "x".repeat(400);
    let lines = format!(
        "{{\"id\":\"fits\",\"v\":[1],\"t\":\"x\"}}\n{{\"id\":\"deep\",\"v\":[[1]],\"t\":\"x\"}}\n\
         {{\"id\":\"large\",\"v\":[1],\"t\":\"{long}\"}}\n"
    );
    let (said, _) = load(&project, &[], &[(&lines, 1)]);
    assert_eq!(said.code, 0, "{said:?}");
    let said = project.run(&["apply", "--max-errors", "100%"]);
    assert_eq!(said.code, 3, "{said:?}");
    let listed = project.run(&["quarantine", "list", "--json"]);
    let listed: Value = serde_json::from_str(&listed.out).expect("an envelope");
    let text = listed["data"].to_string();
    assert!(
        text.contains("\"json.depth\"") && text.contains("\"json.size\""),
        "{text}"
    );
    assert_sound(&project.store(), 0, "small limits");
}

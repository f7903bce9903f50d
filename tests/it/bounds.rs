//! Nothing that comes from outside runs for ever: a contract has a budget, and a signal ends every command.

use std::process::Child;
use std::time::{Duration, Instant};

use crate::support::project::{ProjectFolder, Said};

/// Schemas that refer to each other twice, so many of them.
fn bomb(length: usize) -> String {
    let links = (0..length).map(|at| {
        let next = format!(r##"{{"$ref":"#/$defs/a{}"}}"##, at + 1);
        format!(r#""a{at}":{{"anyOf":[{next},{next}]}}"#)
    });
    let links = links.collect::<Vec<_>>().join(",");
    format!(r##"{{"$defs":{{{links},"a{length}":{{"type":"integer"}}}},"$ref":"#/$defs/a0"}}"##)
}

const TREE: &str = r##"{"$defs":{"t":{"properties":{"x":false,"c":{"anyOf":[{"$ref":"#/$defs/t"},{"$ref":"#/$defs/t"},{"$ref":"#/$defs/t"}]}}}},"$ref":"#/$defs/t"}"##;

fn nested(depth: usize) -> String {
    format!(
        "{{\"id\":\"r{depth}\",\"c\":{}null{}}}\n",
        "{\"c\":".repeat(depth),
        "}".repeat(depth)
    )
}

fn project(schema: &str, records: &str) -> ProjectFolder {
    let stage =
        "[stage]\nsource = \"a\"\ntarget = \"b\"\nmax_errors = \"100%\"\n\n[contract]\ntarget = \"s.json\"\n";
    let project = ProjectFolder::new(&[("0001_a.toml", stage)]);
    project.write("s.json", schema);
    project.write("a.ndjson", records);
    let file = project.path("a.ndjson").display().to_string();
    exits(&project, &["load", "a", &file], 0);
    project
}

fn exits(project: &ProjectFolder, arguments: &[&str], code: i32) -> Said {
    let said = project.run(arguments);
    assert_eq!(said.code, Some(code), "{arguments:?}: {said:?}");
    said
}

#[test]
fn a_contract_that_doubles_is_warned_of_and_refuses_what_would_take_too_long() {
    for (schema, records, refused) in [
        (bomb(40), "{\"id\":\"r1\"}\n".to_owned(), 1),
        (TREE.to_owned(), nested(2) + &nested(60), 1),
    ] {
        let project = project(&schema, &records);
        let checked = exits(&project, &["check"], 0);
        assert!(
            checked.out.contains("contract.budget") || checked.err.contains("contract.budget"),
            "{checked:?}"
        );
        let file = project.path("s.json").display().to_string();
        let said = exits(&project, &["validate", "a", "--contract", &file], 3);
        assert!(said.out.contains("contract.budget"), "{said:?}");
        exits(&project, &["plan"], 3);
        exits(&project, &["apply"], 3);
        let list = exits(&project, &["quarantine", "list", "--json"], 0);
        assert_eq!(
            list.out.matches("\"contract.budget\"").count() > 0,
            refused > 0,
            "{list:?}"
        );
        exits(&project, &["verify"], 0);
    }
}

fn signalled(child: Child, signal: &str) -> (Said, Duration) {
    std::process::Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .expect("a shell");
    let began = Instant::now();
    let said = within(child);
    (said, began.elapsed())
}

/// A signal that is not handled leaves no exit code.
fn within(mut child: Child) -> Said {
    let deadline = Instant::now() + Duration::from_secs(20);
    while child.try_wait().expect("a child can be asked").is_none() {
        assert!(Instant::now() < deadline, "still running");
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().expect("a child ends");
    Said {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn a_signal_ends_a_command_that_has_no_batch_to_end_with() {
    let project = project("{}", "{\"id\":\"r1\"}\n");
    exits(&project, &["apply"], 0);
    let file = project.path("a.ndjson").display().to_string();
    // Each waits for the lock, which is not let go.
    let lock = std::fs::File::open(project.path("store.db.lock")).expect("a lock");
    lock.lock().expect("nobody has it");
    for (signal, arguments) in [
        ("-INT", &["apply", "--wait", "60"][..]),
        ("-TERM", &["load", "a", &file, "--again", "--wait", "60"]),
        ("-TERM", &["rollback", "--yes", "--wait", "60"]),
        ("-TERM", &["delete", "a", "r1", "--reason", "x", "--wait", "60"]),
        ("-TERM", &["quarantine", "retry", "--wait", "60"]),
        ("-TERM", &["checkpoint", "--new-key", "--wait", "60"]),
    ] {
        let child = project.start(arguments);
        std::thread::sleep(Duration::from_millis(500));
        let (said, took) = signalled(child, signal);
        assert!(
            took < Duration::from_millis(2_500),
            "{arguments:?} took {took:?}: {said:?}"
        );
        assert!(said.code.is_none_or(|code| code != 0), "{arguments:?}: {said:?}");
        exits(&project, &["verify"], 0);
    }
}

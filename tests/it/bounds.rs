//! Nothing that comes from outside runs for ever: a contract has a budget, and a signal ends every command.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use crate::support::world::{Said, Scene};

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

fn project(schema: &str, records: &str) -> Scene {
    let stage =
        "[stage]\nsource = \"a\"\ntarget = \"b\"\nmax_errors = \"100%\"\n\n[contract]\ntarget = \"s.json\"\n";
    let project = Scene::project(&[("0001_a.toml", stage)]);
    project.write("s.json", schema);
    project.write("a.ndjson", records);
    let file = project.path("a.ndjson").display().to_string();
    project.exits(&["load", "a", &file], 0);
    project
}

/// The ids that a list of quarantined records, or of records, has.
fn ids(said: &Said, list: &str) -> Vec<String> {
    let answer: serde_json::Value = serde_json::from_str(&said.out).expect("an envelope");
    let list = answer["data"][list].as_array().expect("a list");
    let id = |entry: &serde_json::Value| entry["id"].as_str().expect("an id").to_owned();
    let mut ids: Vec<String> = list.iter().map(id).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_contract_that_doubles_is_warned_of_and_refuses_what_would_take_too_long() {
    for (schema, records, refused, let_in) in [
        (bomb(40), "{\"id\":\"r1\"}\n".to_owned(), &["r1"][..], &[][..]),
        (
            TREE.to_owned(),
            nested(2) + &nested(60) + &nested(3) + &nested(100),
            &["r100", "r60"],
            &["r2", "r3"],
        ),
    ] {
        let project = project(&schema, &records);
        let checked = project.exits(&["check"], 0);
        assert!(
            checked.out.contains("contract.budget") || checked.err.contains("contract.budget"),
            "{checked:?}"
        );
        let file = project.path("s.json").display().to_string();
        let said = project.exits(&["validate", "a", "--contract", &file], 3);
        assert!(said.out.contains("contract.budget"), "{said:?}");
        project.exits(&["plan"], 3);
        project.exits(&["apply"], 3);
        let list = project.exits(&["quarantine", "list", "--json"], 0);
        assert_eq!(
            list.out.matches("\"contract.budget\"").count(),
            refused.len(),
            "{list:?}"
        );
        assert_eq!(ids(&list, "records"), refused);
        let query = project.exits(&["query", "b", "--json"], 0);
        assert_eq!(ids(&query, "records"), let_in);
        project.exits(&["verify"], 0);
    }
}

/// Longer than any command here takes that is not asked to wait.
const PATIENCE: Duration = Duration::from_secs(20);

fn signalled(child: Child, signal: &str) -> (Said, Duration) {
    std::process::Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .expect("a shell");
    let began = Instant::now();
    let said = Said::within(child, PATIENCE);
    (said, began.elapsed())
}

#[test]
fn a_signal_ends_a_command_that_has_no_batch_to_end_with() {
    let project = project("{}", "{\"id\":\"r1\"}\n");
    project.exits(&["apply"], 0);
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
        assert!(said.code != 0, "{arguments:?}: {said:?}");
        project.exits(&["verify"], 0);
    }
}

/// Whether a process has what it does with a signal of its own by now, and where it is to have none, the store open.
fn is_at_work(child: &Child, handles: bool) -> bool {
    let process = PathBuf::from(format!("/proc/{}", child.id()));
    if handles {
        let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|caught| u64::from_str_radix(caught.trim(), 16).ok());
        return caught.is_some_and(|caught| caught & 0b10 != 0);
    }
    let files = std::fs::read_dir(process.join("fd"))
        .into_iter()
        .flatten()
        .flatten();
    let mut files = files.filter_map(|file| std::fs::read_link(file.path()).ok());
    files.any(|file| file.ends_with("store.db"))
}

/// Starts a command and gives it a signal while it is at work.
fn interrupted(project: &Scene, arguments: &[&str], handles: bool, signal: &str) -> (Said, Duration) {
    let mut child = project.start(arguments);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_at_work(&child, handles) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(50));
    let ended = child.try_wait().expect("a child can be asked");
    assert!(
        ended.is_none(),
        "{arguments:?} was not at work any more: {ended:?}"
    );
    signalled(child, signal)
}

#[test]
fn a_signal_ends_a_command_that_is_at_work() {
    let records = (0..60_000).map(|id| {
        let n = id * 7_919 % 60_000;
        format!(
            "{{\"id\":\"r{id}\",\"n\":{n},\"text\":\"{}\"}}\n",
            "x".repeat(300)
        )
    });
    let project = project("{\"required\":[\"n\"]}", &records.collect::<String>());
    let file = project.path("s.json").display().to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let backup = folder.path().join("backup").display().to_string();
    project.exits(&["backup", &backup], 0);
    let elsewhere = Scene::project(&[]);
    for (arguments, handles) in [
        (&["verify"][..], true),
        (&["query", "a", "--sort", "n"], true),
        (&["plan"], true),
        (&["profile", "a"], true),
        (&["validate", "a", "--contract", &file], true),
        (&["apply", "--rehearse"], true),
        (&["apply"], true),
    ] {
        for signal in ["-INT", "-TERM"] {
            let (said, took) = interrupted(&project, arguments, handles, signal);
            assert_eq!(
                said.code,
                if handles { 6 } else { -1 },
                "{arguments:?} {signal}: {said:?}"
            );
            assert!(
                took < Duration::from_millis(2_100),
                "{arguments:?} took {took:?}: {said:?}"
            );
            let commits = arguments == ["apply"];
            assert_eq!(
                said.err.contains("are committed"),
                commits,
                "{arguments:?}: {said:?}"
            );
            assert_eq!(
                said.err.contains("nothing was changed"),
                !commits,
                "{arguments:?}: {said:?}"
            );
            project.exits(&["status"], 0);
        }
    }
    let (said, took) = interrupted(&elsewhere, &["restore", &backup, "--check"], true, "-INT");
    assert_eq!(said.code, 6, "{said:?}");
    assert!(took < Duration::from_millis(2_100), "{took:?}: {said:?}");
    // Nothing is left of what did not come to its end. What was quicker than the signal is whole, and is tried again.
    let half = folder.path().join("half").display().to_string();
    for arguments in [
        &["backup", &half][..],
        &["export", "a", "--output", &half],
        &["validate", "a", "--contract", &file, "--output", &half],
    ] {
        let stopped = (0..20).any(|_| {
            let mut child = project.start(arguments);
            while !is_at_work(&child, true) && child.try_wait().expect("a child can be asked").is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            let (said, _) = signalled(child, "-INT");
            let left = std::fs::read_dir(folder.path()).expect("a folder").count();
            match said.code {
                6 => assert_eq!(left, 1, "{arguments:?}: only the backup before"),
                code => {
                    assert_eq!((code, left), (0, 2), "{arguments:?}: {said:?}");
                    let whole = Path::new(&half);
                    let removed = match whole.is_dir() {
                        true => std::fs::remove_dir_all(whole),
                        false => std::fs::remove_file(whole),
                    };
                    removed.expect("what is whole can be removed");
                }
            }
            said.code == 6
        });
        assert!(stopped, "{arguments:?} was always quicker than the signal");
    }
    project.exits(&["verify"], 0);
}

#[test]
fn the_patterns_of_a_contract_are_bounded_together() {
    let project = project("{}", "{\"id\":\"r1\",\"n\":1}\n");
    let properties = |pattern: &str| {
        let properties = (0..3_000).map(|n| format!("\"p{n}\":{{\"pattern\":\"{pattern}{n}\"}}"));
        format!(
            "{{\"properties\":{{{}}}}}",
            properties.collect::<Vec<_>>().join(",")
        )
    };
    project.write("large.json", properties("\\\\p{L}{50}"));
    project.write("small.json", properties("^[A-Z]{2}\\\\d+-"));
    let path = |name: &str| project.path(name).display().to_string();
    let began = Instant::now();
    let said = project.exits(&["validate", "a", "--contract", &path("large.json")], 4);
    assert!(said.err.contains("contract.patterns"), "{said:?}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    project.exits(&["validate", "a", "--contract", &path("small.json")], 0);
}

#[test]
fn an_answer_that_nobody_reads_is_cut_off_and_reported_to_be() {
    let records = (0..3_000).map(|id| format!("{{\"id\":\"r{id}\",\"n\":{id}}}\n"));
    let project = project("{}", &records.collect::<String>());
    project.write("none.json", "{\"properties\":{\"n\":{\"type\":\"string\"}}}");
    let file = project.path("none.json").display().to_string();
    let mut child = project.start(&["validate", "a", "--contract", &file, "--json"]);
    // It is done and answers when there is a first byte.
    let mut out = child.stdout.take().expect("a pipe");
    out.read_exact(&mut [0]).expect("a byte");
    let (said, took) = signalled(child, "-INT");
    assert!(took < Duration::from_millis(2_100), "{took:?}: {said:?}");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("could not be written in time"), "{said:?}");
    // One that is read in time has its own code.
    let child = project.start(&["validate", "a", "--contract", &file, "--json"]);
    let said = Said::of(child.wait_with_output().expect("it ends"));
    assert_eq!(said.code, 3, "{said:?}");
    drop(out);
}

//! The file of a page: whole or not at all, and never in the place of something else.

use std::process::Command;

use super::{bank, page};
use crate::support::world::{Said, Scene};

/// Everything in the folder of a scene, with its bytes.
fn contents(scene: &Scene) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(scene.path(".")).unwrap();
    let files = entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file());
    let mut files: Vec<_> = files
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                std::fs::read(entry.path()).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

/// Runs the command below a limit on the size of files, in blocks of 512 bytes.
fn limited(scene: &Scene, before: &str, arguments: &str) -> Said {
    let program = env!("CARGO_BIN_EXE_counterfoil");
    let output = Command::new("sh")
        .args([
            "-c",
            &format!("{before} ulimit -c 0; ulimit -f 8; exec '{program}' {arguments}"),
        ])
        .current_dir(scene.path("."))
        .output()
        .unwrap();
    Said::from(output)
}

#[test]
fn an_existing_file_is_not_written_over_without_force_and_what_is_no_page_never() {
    let scene = bank();
    assert_eq!(scene.run(&["report", "3", "--html", "run.html"]).code, 0);
    let first = std::fs::read_to_string(scene.path("run.html")).unwrap();
    scene.write("notes.txt", "mine");
    std::fs::create_dir(scene.path("folder")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(scene.path("run.html"), scene.path("link.html")).unwrap();
    let before = contents(&scene);
    for (file, force, why) in [
        ("run.html", false, "already exists"),
        ("notes.txt", false, "already exists"),
        ("notes.txt", true, "is not a report page"),
        ("counterfoil.db", false, "already exists"),
        ("counterfoil.db", true, "is not a report page"),
        ("counterfoil.key", true, "is not a report page"),
        ("counterfoil.toml", true, "is not a report page"),
        ("counterfoil.db.checkpoints", true, "is not a report page"),
        ("folder", true, "is a folder"),
        ("..", true, "is a folder"),
        ("link.html", true, "is a symbolic link"),
        ("/dev/full", true, "is not a file"),
    ] {
        let force: &[&str] = if force { &["--force"] } else { &[] };
        let ran = scene.run(&[&["report", "4", "--html", file], force].concat());
        assert_eq!(ran.code, 1, "{file}: {}", ran.err);
        assert!(
            ran.err.contains(file) && ran.err.contains(why),
            "{file}: {}",
            ran.err
        );
        assert!(ran.err.contains("hint: name a"), "{file}: {}", ran.err);
        assert_eq!(ran.out, "", "{file}");
    }
    assert!(contents(&scene) == before, "nothing was touched");
    assert_eq!(
        scene.run(&["report", "4", "--html", "run.html", "--force"]).code,
        0
    );
    let second = std::fs::read_to_string(scene.path("run.html")).unwrap();
    assert!(first.contains("<h1>Run 3") && second.contains("<h1>Run 4"));
    let names: Vec<String> = contents(&scene).into_iter().map(|(name, _)| name).collect();
    assert!(!names.iter().any(|name| name.ends_with(".part")), "{names:?}");
}

#[test]
fn a_mistake_says_what_is_wrong_where_and_what_to_do() {
    let scene = bank();
    let long = format!("{}.html", "n".repeat(255));
    for (arguments, code, error) in [
        (&["report", "99"][..], 1, "run.missing"),
        (&["report", "0", "--html", "x.html"], 1, "run.missing"),
        (&["report", "--html", "x.html", "--", "-3"], 1, "run.missing"),
        (&["report", "three"], 2, "usage.invalid_value"),
        (&["report", "9223372036854775808"], 2, "usage.invalid_value"),
        (&["report", "--force"], 2, "usage.missing"),
        (&["report", "3", "--html", "-"], 2, "report.json"),
        (&["report", "3", "--html", ""], 2, "usage.invalid_value"),
        (&["report", "3", "--html", "nowhere/x.html"], 1, "output.failed"),
        (
            &["report", "3", "--html", "counterfoil.toml/x.html"],
            1,
            "output.failed",
        ),
        (&["report", "3", "--html", &long], 1, "output.failed"),
        (&["-C", "records", "report"], 2, "project.missing"),
    ] {
        let envelope = scene.envelope(arguments);
        assert_eq!(
            (&envelope["code"], &envelope["error"]["code"]),
            (&code.into(), &error.into()),
            "{envelope}"
        );
        assert!(
            envelope["error"]["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty()),
            "{envelope}"
        );
        let ran = scene.run(arguments);
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
    }
    assert!(!scene.path("x.html").exists());
    let missing = scene.run(&["report", "99"]);
    assert!(
        missing
            .err
            .contains("4 (rollback), 3 (apply), 2 (load), 1 (init)"),
        "{}",
        missing.err
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_or_a_kill_leaves_the_older_page_or_none() {
    let scene = bank();
    assert!(page(&scene, "3").len() > 16 * 1024, "longer than the limit");
    scene.run(&["report", "4", "--html", "old.html"]);
    let before = contents(&scene);
    // An error, as of a full disk: it is told, and nothing is left.
    for arguments in ["report 3 --html new.html", "report 3 --html old.html --force"] {
        let ran = limited(&scene, "trap '' XFSZ;", arguments);
        assert_eq!(ran.code, 1, "{}", ran.err);
        assert!(
            ran.err.contains("cannot be written: File too large"),
            "{}",
            ran.err
        );
        assert!(contents(&scene) == before, "{arguments}");
    }
    // The signal kills amid the page: what was begun may be left under a name of its own.
    for arguments in ["report 3 --html new.html", "report 3 --html old.html --force"] {
        let ran = limited(&scene, "", arguments);
        assert_eq!((ran.code, ran.err.as_str()), (-1, ""), "killed, without a word");
        let left = contents(&scene)
            .into_iter()
            .filter(|(name, _)| !name.ends_with(".part"));
        assert!(left.collect::<Vec<_>>() == before, "{arguments}");
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = scene
        .command(&["report", "3", "--html", "-"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the output cannot be written"));
}

#[cfg(unix)]
#[test]
fn a_page_has_the_rights_that_the_users_mask_leaves() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = bank();
    let program = env!("CARGO_BIN_EXE_counterfoil");
    for (mask, rights) in [("022", 0o644), ("077", 0o600)] {
        let command = format!("umask {mask}; exec '{program}' report 3 --html {mask}.html");
        let status = Command::new("sh")
            .args(["-c", &command])
            .current_dir(scene.path("."))
            .status()
            .unwrap();
        assert!(status.success());
        let file = std::fs::metadata(scene.path(&format!("{mask}.html"))).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, rights, "{mask}");
    }
}

#[test]
fn a_report_reads_only() {
    let scene = bank();
    let before = contents(&scene);
    for arguments in [
        &["report"][..],
        &["report", "1"],
        &["--json", "report", "3"],
        &["report", "3", "--html", "-"],
    ] {
        assert_eq!(scene.run(arguments).code, 0);
    }
    assert!(contents(&scene) == before, "the store is as it was");
}

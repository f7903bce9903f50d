//! `backup` copies a project whole and consistent, whoever writes meanwhile; `restore` puts back only what is sound, and
//! writes over nothing. `status --check` tells monitoring what it asks for.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::project::{ProjectFolder, Said, batches_of, wait_for_batches};

const COPY: &str = "[stage]\nsource = \"a\"\ntarget = \"b\"\nmax_errors = \"100%\"\n\n[[op]]\nop = \"convert\"\npath = \"n\"\nto = \"integer\"\n\n[contract]\ntarget = \"schemas/b.json\"\n";

fn project() -> ProjectFolder {
    let project = ProjectFolder::new(&[("0001_copy.toml", COPY)]);
    std::fs::create_dir(project.path("schemas")).expect("a folder");
    project.write("schemas/b.json", "{\"required\":[\"n\"]}");
    exits(&project, &["checkpoint", "--new-key"], 0);
    load(&project, "one", 1..200);
    exits(&project, &["apply"], 0);
    project
}

fn load(project: &ProjectFolder, name: &str, ids: std::ops::Range<u32>) {
    let lines: String = ids
        .map(|id| format!("{{\"id\":\"r{id}\",\"n\":\"{id}\"}}\n"))
        .collect();
    project.write(name, lines);
    let file = project.path(name).display().to_string();
    exits(project, &["load", "a", &file, "--format", "ndjson"], 0);
}

fn exits(project: &ProjectFolder, arguments: &[&str], code: i32) -> Said {
    let said = project.run(arguments);
    assert_eq!(said.code, Some(code), "{arguments:?}: {said:?}");
    said
}

fn backed_up(project: &ProjectFolder) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let backup = folder.path().join("backup");
    exits(project, &["backup", &backup.display().to_string()], 0);
    (folder, backup)
}

/// A folder that nothing is in yet.
fn empty() -> ProjectFolder {
    let project = ProjectFolder::new(&[]);
    std::fs::remove_file(project.path("counterfoil.toml")).expect("settings");
    project
}

#[test]
fn a_backup_is_restored_elsewhere_verifies_and_goes_on() {
    let project = project();
    let (_folder, backup) = backed_up(&project);
    for name in [
        "backup.json",
        "store.db",
        "store.db.checkpoints",
        "schemas/b.json",
        "counterfoil.pub",
    ] {
        assert!(backup.join(name).exists(), "{name}");
    }
    assert!(!backup.join("counterfoil.key").exists());
    let name = backup.display().to_string();
    let elsewhere = empty();
    exits(&elsewhere, &["restore", &name, "--check"], 0);
    assert!(!elsewhere.store().exists());
    exits(&elsewhere, &["restore", &name], 0);
    exits(&elsewhere, &["verify"], 0);
    load(&elsewhere, "two", 200..210);
    exits(&elsewhere, &["apply"], 0);
    exits(&elsewhere, &["verify"], 0);
    // Where it came from, nothing is written over.
    let said = exits(&project, &["restore", &name], 2);
    assert!(said.err.contains("there is a store at"), "{said:?}");
    let said = exits(&project, &["backup", &name], 2);
    assert!(said.err.contains("is not empty"), "{said:?}");
}

#[test]
fn a_store_that_is_lost_comes_back_and_what_was_signed_since_is_not_forgotten() {
    let project = project();
    let (_folder, backup) = backed_up(&project);
    load(&project, "two", 200..210);
    std::fs::remove_file(project.store()).expect("a store");
    let said = exits(&project, &["restore", &backup.display().to_string()], 0);
    assert!(said.err.contains("checkpoint --accept-restore"), "{said:?}");
    assert!(exits(&project, &["status"], 0).err.contains("--accept-restore"));
    exits(&project, &["apply"], 8);
    exits(
        &project,
        &["checkpoint", "--accept-restore", "--reason", "the disk died"],
        0,
    );
    load(&project, "two", 200..210);
    exits(&project, &["apply"], 0);
    exits(&project, &["verify"], 0);
}

#[test]
fn a_backup_that_is_not_whole_or_not_sound_is_not_restored() {
    let project = project();
    let relist = |at: &Path, change: &dyn Fn(&mut serde_json::Value)| {
        let list = std::fs::read_to_string(at.join("backup.json")).expect("a list");
        let mut list: serde_json::Value = serde_json::from_str(&list).expect("a list");
        change(&mut list);
        std::fs::write(at.join("backup.json"), list.to_string()).expect("it is there");
    };
    let listed = |at: &Path, name: &str, content: &str| {
        let path = at.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, content).expect("it is ours");
        let file = serde_json::json!({
            "name": name,
            "bytes": content.len(),
            "sha256": counterfoil::digest::hex(&sha256(content.as_bytes())),
        });
        relist(at, &|list| {
            list["files"].as_array_mut().expect("files").push(file.clone())
        });
    };
    let twice = |at: &Path, times: usize| {
        relist(at, &|list| {
            let files = list["files"].as_array_mut().expect("files");
            let first = files[0].clone();
            files.extend(std::iter::repeat_n(first, times));
        });
    };
    type Spoil<'s> = (&'s str, Box<dyn Fn(&Path) + 's>);
    let replaced = |at: &Path, by: fn(&Path)| {
        std::fs::remove_file(at.join("0001_copy.toml")).expect("it is there");
        by(&at.join("0001_copy.toml"));
    };
    let mut spoils: Vec<Spoil<'_>> = vec![
        (
            "backup.json",
            Box::new(|at| std::fs::remove_file(at.join("backup.json")).expect("it is there")),
        ),
        (
            "store.db",
            Box::new(|at| std::fs::remove_file(at.join("store.db")).expect("it is there")),
        ),
        (
            "0001_copy.toml",
            Box::new(|at| std::fs::write(at.join("0001_copy.toml"), "other").expect("it is there")),
        ),
        (
            "backup.json",
            Box::new(|at| std::fs::write(at.join("backup.json"), "{}").expect("it is there")),
        ),
        ("store.db", Box::new(|at| twice(at, 1))),
        ("store.db", Box::new(|at| twice(at, 50_000))),
        (
            "0001_copy.toml",
            Box::new(|at| {
                replaced(at, |file| {
                    let made = std::process::Command::new("mkfifo").arg(file).status();
                    assert!(made.expect("a pipe").success());
                });
            }),
        ),
        (
            "0001_copy.toml",
            Box::new(|at| {
                replaced(at, |file| {
                    std::os::unix::fs::symlink("/dev/zero", file).expect("a link")
                });
            }),
        ),
        (
            "store.db",
            Box::new(|at| {
                let store = rusqlite::Connection::open(at.join("store.db")).expect("a store");
                store
                    .execute("UPDATE b SET data='{}' WHERE id='r7'", [])
                    .expect("a change");
                drop(store);
                // As somebody would who writes a list that fits.
                let bytes = std::fs::read(at.join("store.db")).expect("bytes");
                relist(at, &|list| {
                    list["files"][0]["bytes"] = bytes.len().into();
                    list["files"][0]["sha256"] = counterfoil::digest::hex(&sha256(&bytes)).into();
                });
            }),
        ),
    ];
    for name in [
        "../b.json",
        "./b.json",
        "counterfoil.key",
        ".git/hooks/post-commit",
        "store.db.lock",
        "store.db-journal",
        "schemas/store.db-wal",
    ] {
        spoils.push((name, Box::new(move |at| listed(at, name, "planted"))));
    }
    for (at, (named, spoil)) in spoils.into_iter().enumerate() {
        let (_folder, backup) = backed_up(&project);
        spoil(&backup);
        let name = backup.display().to_string();
        for arguments in [
            &["restore", &name, "--json"][..],
            &["restore", &name, "--check", "--json"],
        ] {
            let elsewhere = empty();
            let said = exits(&elsewhere, arguments, 8);
            let answer: serde_json::Value = serde_json::from_str(&said.out).expect("an envelope");
            assert_eq!(answer["error"]["code"], "backup.damaged", "{at}: {said:?}");
            let message = answer["error"]["message"].as_str().expect("a message");
            assert!(
                message.contains(named) && message.starts_with("the backup is damaged"),
                "{at}: {message}"
            );
            let left = std::fs::read_dir(elsewhere.path(".")).expect("a folder");
            assert_eq!(left.count(), 0, "{at}: nothing is written");
        }
    }
}

#[test]
fn a_backup_is_not_restored_beside_the_store_that_its_settings_name() {
    let project = project();
    let (_folder, backup) = backed_up(&project);
    // The store has another name in the backup, so that a journal fits the one that it gets.
    for kind in ["", ".checkpoints"] {
        let (from, to) = (format!("store.db{kind}"), format!("other.db{kind}"));
        std::fs::rename(backup.join(from), backup.join(to)).expect("it is ours");
    }
    std::fs::write(backup.join("store.db-journal"), "planted").expect("it is ours");
    let list = std::fs::read_to_string(backup.join("backup.json")).expect("a list");
    let list = list.replace("\"store.db", "\"other.db");
    let mut list: serde_json::Value = serde_json::from_str(&list).expect("a list");
    let planted = serde_json::json!({
        "name": "store.db-journal", "bytes": 7, "sha256": counterfoil::digest::hex(&sha256(b"planted")),
    });
    list["files"].as_array_mut().expect("files").push(planted);
    std::fs::write(backup.join("backup.json"), list.to_string()).expect("it is ours");
    let name = backup.display().to_string();
    for arguments in [&["restore", &name][..], &["restore", &name, "--check"]] {
        let elsewhere = empty();
        let said = exits(&elsewhere, arguments, 8);
        assert!(said.err.contains("store.db-journal"), "{said:?}");
        assert_eq!(
            std::fs::read_dir(elsewhere.path(".")).expect("a folder").count(),
            0
        );
    }
}

#[test]
fn a_backup_is_checked_with_the_key_that_is_named() {
    let project = project();
    let (_folder, backup) = backed_up(&project);
    let name = backup.display().to_string();
    let key = project.path("counterfoil.pub").display().to_string();
    let said = exits(&empty(), &["restore", &name, "--check", "--key", &key], 0);
    assert!(said.out.contains("signed by"), "{said:?}");
    assert!(!said.err.contains("in the backup itself"), "{said:?}");
    let said = exits(&empty(), &["restore", &name, "--check"], 0);
    assert!(
        said.out.contains("signed by") && said.err.contains("in the backup itself"),
        "{said:?}"
    );
    // The project's own key is known where it stands.
    let said = exits(&project, &["restore", &name, "--check"], 0);
    assert!(!said.err.contains("in the backup itself"), "{said:?}");
    let other = ProjectFolder::new(&[]);
    exits(&other, &["checkpoint", "--new-key"], 0);
    let key = other.path("counterfoil.pub").display().to_string();
    for arguments in [
        &["restore", &name, "--key", &key][..],
        &["restore", &name, "--check", "--key", &key],
    ] {
        let elsewhere = empty();
        let said = exits(&elsewhere, arguments, 8);
        assert!(said.err.contains("is not signed by the key"), "{said:?}");
        assert!(!elsewhere.store().exists());
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}

#[test]
fn a_backup_while_others_write_is_one_moment() {
    let project = project();
    let lines: String = (1_000..11_000)
        .map(|id| format!("{{\"id\":\"r{id}\",\"n\":\"{id}\"}}\n"))
        .collect();
    project.write("many", lines);
    let file = project.path("many").display().to_string();
    exits(&project, &["load", "a", &file, "--format", "ndjson"], 0);
    let first = batches_of(&project.store());
    let mut writing = project.start(&["apply", "--batch-size", "50"]);
    wait_for_batches(&project.store(), first + 2);
    let mut backups = Vec::new();
    while writing.try_wait().expect("a child can be asked").is_none() && backups.len() < 6 {
        let before = batches_of(&project.store());
        let (folder, backup) = backed_up(&project);
        let after = batches_of(&project.store());
        let list = std::fs::read_to_string(backup.join("backup.json")).expect("a list");
        let list: serde_json::Value = serde_json::from_str(&list).expect("a list");
        let batches = list["batches"].as_i64().expect("a number");
        assert!((before..=after).contains(&batches), "{before} {batches} {after}");
        backups.push((folder, backup, batches, after - before));
        std::thread::sleep(Duration::from_millis(50));
    }
    let said = Said::within(writing, Duration::from_secs(120));
    assert_eq!(said.code, Some(0), "{said:?}");
    let last = batches_of(&project.store());
    let within = backups.iter().filter(|(.., batches, _)| *batches < last);
    assert!(within.count() >= 2, "they were made meanwhile");
    assert!(
        backups.iter().any(|(.., commits)| *commits > 0),
        "somebody committed while one was made"
    );
    assert!(
        backups.windows(2).any(|two| two[0].2 < two[1].2),
        "each is of its own moment"
    );
    for (_folder, backup, ..) in backups.iter().take(2) {
        let name = backup.display().to_string();
        exits(&project, &["restore", &name, "--check"], 0);
        let elsewhere = empty();
        exits(&elsewhere, &["restore", &name], 0);
        exits(&elsewhere, &["apply"], 0);
        exits(&elsewhere, &["verify"], 0);
    }
}

#[test]
fn files_that_change_while_the_store_is_copied_make_no_backup() {
    let project = project();
    let folder = tempfile::tempdir().expect("a folder");
    let backup = folder.path().join("backup");
    let name = backup.display().to_string();
    let is_done = AtomicBool::new(false);
    let said = std::thread::scope(|scope| {
        scope.spawn(|| {
            let (new, file) = (project.path("new"), project.path("0001_copy.toml"));
            for at in 0.. {
                std::fs::write(&new, format!("{COPY}# {at}\n")).expect("it is ours");
                std::fs::rename(&new, &file).expect("it is ours");
                if is_done.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        // On a busy machine a whole backup may lie between two changes.
        let backups = (0..50).map(|_| {
            let _ = std::fs::remove_dir_all(&backup);
            project.run(&["backup", &name, "--json"])
        });
        let said = backups.into_iter().find(|said| said.code != Some(0));
        is_done.store(true, Ordering::SeqCst);
        said.expect("the file has changed while one of them was made")
    });
    assert_eq!(said.code, Some(1), "{said:?}");
    let answer: serde_json::Value = serde_json::from_str(&said.out).expect("an envelope");
    assert_eq!(answer["error"]["code"], "backup.changed");
    assert!(said.out.contains("0001_copy.toml"), "{said:?}");
    assert!(!backup.exists());
    project.write("0001_copy.toml", COPY);
    exits(&project, &["backup", &name], 0);
    exits(&empty(), &["restore", &name], 0);
}

#[test]
fn a_restore_that_was_killed_is_made_again() {
    let project = project();
    let lines: String = (1_000..3_000)
        .map(|id| {
            format!(
                "{{\"id\":\"r{id}\",\"n\":\"{id}\",\"text\":\"{}\"}}\n",
                "x".repeat(4_000)
            )
        })
        .collect();
    project.write("many", lines);
    let file = project.path("many").display().to_string();
    exits(&project, &["load", "a", &file, "--format", "ndjson"], 0);
    let (_folder, backup) = backed_up(&project);
    let name = backup.display().to_string();
    let elsewhere = empty();
    let left_overs = |elsewhere: &ProjectFolder| {
        let names = std::fs::read_dir(elsewhere.path(".")).expect("a folder");
        let names = names.map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        });
        names.filter(|name| name.ends_with(".restoring")).count()
    };
    // As soon as it copies the store.
    let mut restoring = elsewhere.start(&["restore", &name]);
    let deadline = Instant::now() + Duration::from_secs(60);
    while left_overs(&elsewhere) == 0 && restoring.try_wait().expect("a child can be asked").is_none() {
        assert!(Instant::now() < deadline, "it never begins");
    }
    restoring.kill().expect("it can be killed");
    restoring.wait().expect("it ends");
    // And what a kill at any other moment can leave, whether that one has or not.
    elsewhere.write("store.db.0123456789abcdef.restoring", "half");
    if !elsewhere.store().exists() {
        elsewhere.write("store.db", "");
        elsewhere.write("counterfoil.toml", "");
        exits(&elsewhere, &["restore", &name], 0);
        assert_eq!(left_overs(&elsewhere), 0);
    }
    exits(&elsewhere, &["verify"], 0);
    exits(&elsewhere, &["apply"], 0);
}

#[test]
fn monitoring_is_told_of_new_refusals_once() {
    let project = project();
    let checked = |arguments: &[&str], code| {
        let arguments = [&["status", "--check", "--json"], arguments].concat();
        let said = exits(&project, &arguments, code);
        let answer: serde_json::Value = serde_json::from_str(&said.out).expect("an envelope");
        answer["data"].clone()
    };
    let data = checked(&[], 0);
    assert_eq!(data["last_run"]["command"], "apply");
    assert_eq!(
        (&data["quarantined"], &data["oldest_refusal"]),
        (&0.into(), &serde_json::Value::Null)
    );
    project.write("bad", "{\"id\":\"bad\",\"n\":\"?\"}\n");
    let file = project.path("bad").display().to_string();
    exits(&project, &["load", "a", &file, "--format", "ndjson"], 0);
    exits(&project, &["apply"], 3);
    let data = checked(&[], 3);
    assert_eq!(
        (&data["refused_since"], &data["quarantined"]),
        (&1.into(), &1.into())
    );
    // What feeds nothing of it is no reason to forget.
    project.write("other", "{\"id\":\"o1\"}\n");
    let other = project.path("other").display().to_string();
    exits(&project, &["load", "other", &other, "--format", "ndjson"], 0);
    assert_eq!(checked(&[], 3)["refused_since"], 1);
    load(&project, "two", 200..201);
    let data = checked(&[], 0);
    assert_eq!(
        (&data["refused_since"], &data["quarantined"]),
        (&0.into(), &1.into())
    );
    assert!(data["oldest_refusal_age"].is_u64());
    assert_eq!(checked(&["--since", "1h"], 3)["refused_since"], 1);
    exits(&project, &["apply"], 0);
    checked(&[], 0);
}

#[test]
fn monitoring_sees_a_load_and_the_apply_after_it() {
    let project = project();
    let checked = |code| {
        let said = exits(&project, &["status", "--check", "--json"], code);
        let answer: serde_json::Value = serde_json::from_str(&said.out).expect("an envelope");
        answer["data"].clone()
    };
    // A night: two lines are refused at the door, and of what is let in the stage refuses one record.
    let night = |name: &str, lines: &str, codes: (i32, i32)| {
        project.write(name, lines);
        let file = project.path(name).display().to_string();
        exits(&project, &["load", "a", &file, "--format", "ndjson"], codes.0);
        exits(&project, &["apply"], codes.1);
    };
    night(
        "one",
        "{\"id\":\"n1\",\"n\":\"1\"}\n{broken\n{\"n\":\"2\"}\n",
        (3, 0),
    );
    let data = checked(3);
    assert_eq!(
        data["refused_since"], 2,
        "the apply refused none, and hides nothing"
    );
    assert_eq!(data["refused_by"][0]["kind"], "load");
    assert_eq!(data["refused_by"][0]["database"], "a");
    night("two", "{\"id\":\"n2\",\"n\":\"?\"}\n{broken\n", (3, 3));
    let data = checked(3);
    assert_eq!(data["refused_since"], 2, "{data}");
    assert_eq!(data["quarantined"], 4);
    assert_eq!(data["refused_by"][1]["stage"], 1);
    let told = exits(&project, &["status", "--check"], 3);
    assert!(told.out.contains("1 by the load of a"), "{told:?}");
    assert!(told.out.contains("1 by stage 1"), "{told:?}");
    night("three", "{\"id\":\"n3\",\"n\":\"3\"}\n", (0, 0));
    let data = checked(0);
    assert_eq!(
        (&data["refused_since"], &data["quarantined"]),
        (&0.into(), &4.into())
    );
    // A retry is a run of the stage.
    exits(&project, &["quarantine", "retry"], 3);
    assert_eq!(checked(3)["refused_by"][0]["kind"], "retry");
}

#[test]
fn a_journal_that_is_left_of_another_store_is_not_played_into_the_restored_one() {
    let project = project();
    let (_folder, backup) = backed_up(&project);
    let name = backup.display().to_string();
    for kind in ["-journal", "-wal"] {
        let elsewhere = empty();
        elsewhere.write(&format!("store.db{kind}"), "what a crash has left");
        let said = exits(&elsewhere, &["restore", &name], 2);
        assert!(said.err.contains("another state of the store"), "{said:?}");
        assert!(!elsewhere.store().exists());
        std::fs::write(backup.join(format!("store.db{kind}")), "stray").expect("it is ours");
        exits(&empty(), &["restore", &name, "--check"], 8);
        std::fs::remove_file(backup.join(format!("store.db{kind}"))).expect("it is ours");
    }
    // What is somebody else's stays.
    let elsewhere = empty();
    elsewhere.write("store.db.part", "mine");
    exits(&elsewhere, &["restore", &name], 0);
    assert_eq!(
        std::fs::read(elsewhere.path("store.db.part")).expect("it stays"),
        b"mine"
    );
}

#[test]
fn what_contradicts_its_checkpoints_is_not_backed_up_as_if_it_were_sound() {
    let project = project();
    let copy = std::fs::read(project.store()).expect("bytes");
    load(&project, "two", 200..210);
    std::fs::write(project.store(), copy).expect("it is ours");
    let folder = tempfile::tempdir().expect("a folder");
    let backup = folder.path().join("backup").display().to_string();
    exits(&project, &["backup", &backup], 8);
}

#[test]
fn a_project_whose_stages_do_not_compile_is_backed_up_all_the_same() {
    let project = project();
    project.write("0002_broken.toml", "[stage]\nsorce = \"b\"\n");
    let (_folder, backup) = backed_up(&project);
    assert!(backup.join("0002_broken.toml").exists() && backup.join("schemas/b.json").exists());
    // What a broken stage names belongs to it, whatever is wrong with it.
    for (at, broken) in [
        COPY.replace("[stage]", "[stag"),
        COPY.replace("\n\n", "\n\n]\n"),
        COPY.replace("source = \"a\"\n", ""),
    ]
    .into_iter()
    .enumerate()
    {
        project.write("0001_copy.toml", broken);
        let (_folder, backup) = backed_up(&project);
        assert!(backup.join("schemas/b.json").exists(), "{at}");
        assert!(!backup.join("one").exists(), "{at}");
    }
    std::fs::rename(project.path("0001_copy.toml"), project.path("copy.toml")).expect("it is ours");
    let (_folder, backup) = backed_up(&project);
    assert!(backup.join("copy.toml").exists() && backup.join("schemas/b.json").exists());
}

#[test]
fn a_store_that_is_gone_is_told_apart_from_one_that_never_was() {
    let project = project();
    for is_empty in [false, true] {
        std::fs::remove_file(project.store()).expect("it is there");
        if is_empty {
            project.write("store.db", "");
        }
        for arguments in [&["status"][..], &["verify"], &["apply"], &["query", "a"]] {
            let said = exits(&project, arguments, 8);
            assert!(
                said.err.contains("was signed") && said.err.contains("restore FOLDER"),
                "{said:?}"
            );
        }
        project.write("store.db", "");
    }
    std::fs::remove_file(project.store()).expect("it is there");
    std::fs::remove_file(project.path("store.db.checkpoints")).expect("it is there");
    let said = exits(&project, &["status"], 1);
    assert!(said.err.contains("there is no store"), "{said:?}");
    std::fs::create_dir(project.store()).expect("a folder");
    let said = exits(&project, &["status"], 1);
    assert!(said.err.contains("it is a folder"), "{said:?}");
    std::fs::remove_dir(project.store()).expect("a folder");
    let made = std::process::Command::new("mkfifo").arg(project.store()).status();
    assert!(made.expect("a pipe").success());
    for arguments in [&["status"][..], &["apply"]] {
        let said = exits(&project, arguments, 1);
        assert!(said.err.contains("it is no plain file"), "{said:?}");
    }
}

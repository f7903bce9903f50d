//! A backup becomes a store again, whole, or nothing does.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{backed_up, empty, load, project};
use crate::support::world::Scene;

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
    elsewhere.exits(&["restore", &name, "--check"], 0);
    assert!(!elsewhere.store().exists());
    elsewhere.exits(&["restore", &name], 0);
    elsewhere.exits(&["verify"], 0);
    load(&elsewhere, "two", 200..210);
    elsewhere.exits(&["apply"], 0);
    elsewhere.exits(&["verify"], 0);
    // Where it came from, nothing is written over.
    let said = project.exits(&["restore", &name], 2);
    assert!(said.err.contains("there is already a store at"), "{said:?}");
    let said = project.exits(&["backup", &name], 2);
    assert!(said.err.contains("is not empty"), "{said:?}");
}

#[test]
fn a_store_that_is_lost_comes_back_and_what_was_signed_since_is_not_forgotten() {
    let project = project();
    let (_folder, backup) = backed_up(&project);
    load(&project, "two", 200..210);
    std::fs::remove_file(project.store()).expect("a store");
    let said = project.exits(&["restore", &backup.display().to_string()], 0);
    assert!(said.err.contains("checkpoint --accept-restore"), "{said:?}");
    assert!(project.exits(&["status"], 0).err.contains("--accept-restore"));
    project.exits(&["apply"], 8);
    project.exits(
        &["checkpoint", "--accept-restore", "--reason", "the disk died"],
        0,
    );
    load(&project, "two", 200..210);
    project.exits(&["apply"], 0);
    project.exits(&["verify"], 0);
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
            let said = elsewhere.exits(arguments, 8);
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
        let said = elsewhere.exits(arguments, 8);
        assert!(said.err.contains("store.db-journal"), "{said:?}");
        assert_eq!(
            std::fs::read_dir(elsewhere.path(".")).expect("a folder").count(),
            0
        );
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
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
    project.exits(&["load", "a", &file, "--format", "ndjson"], 0);
    let (_folder, backup) = backed_up(&project);
    let name = backup.display().to_string();
    let elsewhere = empty();
    let left_overs = |elsewhere: &Scene| {
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
        elsewhere.exits(&["restore", &name], 0);
        assert_eq!(left_overs(&elsewhere), 0);
    }
    elsewhere.exits(&["verify"], 0);
    elsewhere.exits(&["apply"], 0);
}

#[test]
fn a_journal_that_is_left_of_another_store_is_not_played_into_the_restored_one() {
    let project = project();
    let (_folder, backup) = backed_up(&project);
    let name = backup.display().to_string();
    for kind in ["-journal", "-wal"] {
        let elsewhere = empty();
        elsewhere.write(&format!("store.db{kind}"), "what a crash has left");
        let said = elsewhere.exits(&["restore", &name], 2);
        assert!(said.err.contains("another state of the store"), "{said:?}");
        assert!(!elsewhere.store().exists());
        std::fs::write(backup.join(format!("store.db{kind}")), "stray").expect("it is ours");
        empty().exits(&["restore", &name, "--check"], 8);
        std::fs::remove_file(backup.join(format!("store.db{kind}"))).expect("it is ours");
    }
    // What is somebody else's stays.
    let elsewhere = empty();
    elsewhere.write("store.db.part", "mine");
    elsewhere.exits(&["restore", &name], 0);
    assert_eq!(
        std::fs::read(elsewhere.path("store.db.part")).expect("it stays"),
        b"mine"
    );
}

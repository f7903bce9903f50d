//! A backup is one moment of a store that is sound.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{COPY, backed_up, empty, load, project};
use crate::support::world::{Said, Scene, batches_of, wait_for_batches};

#[test]
fn a_backup_is_checked_with_the_key_that_is_named() {
    let project = project();
    let (_folder, backup) = backed_up(&project);
    let name = backup.display().to_string();
    let key = project.path("counterfoil.pub").display().to_string();
    let said = empty().exits(&["restore", &name, "--check", "--key", &key], 0);
    assert!(said.out.contains("signed by"), "{said:?}");
    assert!(!said.err.contains("with the key in the backup"), "{said:?}");
    let said = empty().exits(&["restore", &name, "--check"], 0);
    assert!(
        said.out.contains("signed by") && said.err.contains("with the key in the backup"),
        "{said:?}"
    );
    // The project's own key is known where it stands.
    let said = project.exits(&["restore", &name, "--check"], 0);
    assert!(!said.err.contains("with the key in the backup"), "{said:?}");
    let other = Scene::project(&[]);
    other.exits(&["checkpoint", "--new-key"], 0);
    let key = other.path("counterfoil.pub").display().to_string();
    for arguments in [
        &["restore", &name, "--key", &key][..],
        &["restore", &name, "--check", "--key", &key],
    ] {
        let elsewhere = empty();
        let said = elsewhere.exits(arguments, 8);
        assert!(said.err.contains("is not signed by the key"), "{said:?}");
        assert!(!elsewhere.store().exists());
    }
}

#[test]
fn a_backup_while_others_write_is_one_moment() {
    let project = project();
    let lines: String = (1_000..21_000)
        .map(|id| format!("{{\"id\":\"r{id}\",\"n\":\"{id}\"}}\n"))
        .collect();
    project.write("many", lines);
    let file = project.path("many").display().to_string();
    project.exits(&["load", "a", &file, "--format", "ndjson"], 0);
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
    assert_eq!(said.code, 0, "{said:?}");
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
        project.exits(&["restore", &name, "--check"], 0);
        let elsewhere = empty();
        elsewhere.exits(&["restore", &name], 0);
        elsewhere.exits(&["apply"], 0);
        elsewhere.exits(&["verify"], 0);
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
        let said = backups.into_iter().find(|said| said.code != 0);
        is_done.store(true, Ordering::SeqCst);
        said.expect("the file has changed while one of them was made")
    });
    assert_eq!(said.code, 1, "{said:?}");
    let answer: serde_json::Value = serde_json::from_str(&said.out).expect("an envelope");
    assert_eq!(answer["error"]["code"], "backup.changed");
    assert!(said.out.contains("0001_copy.toml"), "{said:?}");
    assert!(!backup.exists());
    project.write("0001_copy.toml", COPY);
    project.exits(&["backup", &name], 0);
    empty().exits(&["restore", &name], 0);
}

#[test]
fn what_contradicts_its_checkpoints_is_not_backed_up_as_if_it_were_sound() {
    let project = project();
    let copy = std::fs::read(project.store()).expect("bytes");
    load(&project, "two", 200..210);
    std::fs::write(project.store(), copy).expect("it is ours");
    let folder = tempfile::tempdir().expect("a folder");
    let backup = folder.path().join("backup").display().to_string();
    project.exits(&["backup", &backup], 8);
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

use std::cell::Cell;

use super::*;
use crate::environment::Environment;
use crate::store::StoreOptions;

fn store(folder: &Path) -> Store {
    let path = folder.join("store.db");
    Store::open_or_create(path, StoreOptions::default(), Environment::default()).expect("a store")
}

fn file(name: &str, text: &str) -> ProjectFile {
    ProjectFile {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

/// A backup whose files are read as they come in the list, the last of them over and over.
fn backed_up(readings: &[Vec<ProjectFile>], folder: &Path) -> Result<Manifest> {
    let place = tempfile::tempdir().expect("a folder");
    let store = store(place.path());
    let next = Cell::new(0);
    let files = || {
        let reading = next.get().min(readings.len() - 1);
        next.set(next.get() + 1);
        Ok(readings[reading].clone())
    };
    backup_of(&store, &files, folder, &StopSignal::default())
}

#[test]
fn files_that_come_to_rest_are_those_of_the_backup() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("backup");
    let readings = [
        vec![file("a.toml", "old"), file("schemas/gone.json", "{}")],
        vec![file("a.toml", "new"), file("schemas/come.json", "{}")],
    ];
    let made = backed_up(&readings, &path).expect("a backup");
    let names: Vec<&str> = made.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["store.db", "a.toml", "schemas/come.json"]);
    assert_eq!(
        std::fs::read_to_string(path.join("a.toml")).expect("a file"),
        "new"
    );
    assert!(!path.join("schemas/gone.json").exists());
    let checked = check(&path, KeysToCheck::default(), &StopSignal::default()).expect("a backup");
    assert_eq!(checked.manifest, made);
}

#[test]
fn of_files_that_do_not_come_to_rest_there_is_no_backup() {
    let changing = |at: usize| vec![file("a.toml", &at.to_string()), file("b/b.toml", "")];
    let flickering = |at: usize| {
        let all = [file("a.toml", ""), file("b/b.toml", "")];
        all.into_iter().take(1 + at % 2).collect::<Vec<_>>()
    };
    let readings: [(Vec<Vec<ProjectFile>>, &str); 2] = [
        ((0..9).map(changing).collect(), "a.toml"),
        ((0..9).map(flickering).collect(), "b/b.toml"),
    ];
    for (readings, name) in readings {
        let folder = tempfile::tempdir().expect("a folder");
        let new = folder.path().join("backup");
        for path in [new.as_path(), folder.path()] {
            let error = backed_up(&readings, path).expect_err("they change");
            let Error::Stage { problems } = &error else {
                panic!("{error}")
            };
            assert_eq!(problems.len(), 1, "{error}");
            assert_eq!(problems[0].code, "backup.changed");
            assert!(error.to_string().contains(name), "{error}");
            assert!(!new.exists());
            assert_eq!(std::fs::read_dir(folder.path()).expect("it stays").count(), 0);
        }
    }
}

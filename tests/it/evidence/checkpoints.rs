//! Every run signs the ledger in the end; a store that is not what was signed does not open.

use std::path::{Path, PathBuf};

use counterfoil::checkpoint::{accept_restored, checkpoint};
use counterfoil::environment::{CheckpointKeys, Environment, Randomness, SystemRandomness};
use counterfoil::note::SigningKey;
use counterfoil::store::{Store, StoreOptions};
use counterfoil::{Error, RunInfo};
use rusqlite::Connection;

use super::{apply_all, load_one, open, open_with};
use crate::support::scenario::{self, Beginning, Template};

fn file_of(store: &Path) -> PathBuf {
    PathBuf::from(format!("{}.checkpoints", store.display()))
}

fn notes(store: &Path) -> String {
    std::fs::read_to_string(file_of(store)).expect("the file of checkpoints")
}

fn code(opened: Result<Store, Error>) -> &'static str {
    opened.expect_err("it is not what was signed").code()
}

/// A changed copy of a store, the guards taken out first, and put back then, as a tamperer would.
fn change(store: &Path, sql: &str) {
    let connection = Connection::open(store).expect("a store");
    let triggers = "SELECT name, sql FROM sqlite_schema WHERE type='trigger'";
    let mut statement = connection.prepare(triggers).expect("a schema");
    let guards = statement
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .expect("triggers");
    let guards = guards.collect::<Result<Vec<_>, _>>().expect("names");
    for (name, _) in &guards {
        connection
            .execute_batch(&format!("DROP TRIGGER {name}"))
            .expect("it goes");
    }
    connection.execute_batch(sql).expect("it is changed");
    for (_, guard) in &guards {
        connection.execute_batch(guard).expect("it comes back");
    }
}

#[test]
fn every_run_signs_the_ledger_in_the_store_and_beside_it() {
    let template = Template::new(Beginning::Applied);
    let (_folder, path) = template.store();
    let mut store = open(&path).expect("a store");
    let key = scenario::signing_key().verifying();
    for id in ["n1", "n2"] {
        let before = notes(&path);
        load_one(&mut store, id);
        let signed = store.newest_checkpoint().expect("a store").expect("a checkpoint");
        assert_eq!(notes(&path), format!("{before}{}", signed.note), "it is appended");
        let text = key.open(&signed.note).expect("it is signed");
        let status = store.status(&scenario::stages()).expect("a status");
        assert_eq!((signed.size, &signed.root), (status.tree_size, &status.tree_root));
        assert!(text.starts_with(&format!("{}\n{}\n", status.origin, status.tree_size)));
    }
    // What is signed is not signed again.
    let before = notes(&path);
    checkpoint(&mut store).expect("a checkpoint");
    assert_eq!(notes(&path), before);
}

#[test]
fn without_a_key_nothing_is_signed_and_to_sign_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let mut store = open_with(&path, Environment::default()).expect("a store");
    load_one(&mut store, "n1");
    assert_eq!(store.newest_checkpoint().expect("a store"), None);
    assert!(!file_of(&path).exists());
    let refused = checkpoint(&mut store).expect_err("there is no key");
    assert!(refused.to_string().contains("no key"), "{refused}");
    // Once there is a key, what was done before is signed too.
    drop(store);
    let mut store = open(&path).expect("a store");
    let signed = checkpoint(&mut store).expect("a checkpoint");
    assert_eq!(notes(&path), signed.note);
}

/// A loaded store in whose place an older copy stands, from before something was done to it.
fn put_back(done: impl FnOnce(&mut Store)) -> (tempfile::TempDir, PathBuf) {
    let (folder, path) = Template::new(Beginning::Loaded).store();
    let copy = folder.path().join("copy.db");
    std::fs::copy(&path, &copy).expect("a copy");
    let mut store = open(&path).expect("a store");
    done(&mut store);
    drop(store);
    std::fs::copy(&copy, &path).expect("it is put back");
    (folder, path)
}

#[test]
fn an_older_copy_that_is_put_back_is_found_and_it_says_from_where() {
    let (_folder, path) = put_back(|store| {
        apply_all(store);
        load_one(store, "n1");
    });
    let error = open(&path).expect_err("it is older");
    assert_eq!(error.code(), "checkpoint.truncated");
    assert!(
        error.to_string().ends_with("it still matches up to batch 12"),
        "{error}"
    );
}

#[test]
fn batches_that_are_cut_off_or_written_anew_are_found() {
    let template = Template::new(Beginning::Applied);
    let cut = "DELETE FROM ledger_entry WHERE batch>20; DELETE FROM ledger_batch WHERE batch>20;
        DELETE FROM ledger_checkpoint WHERE tree_size>300;";
    let (_folder, path) = template.store();
    change(&path, cut);
    assert_eq!(code(open(&path)), "checkpoint.truncated");
    // Another history of the same length, with its own notes gone.
    let (_folder, path) = template.store();
    change(
        &path,
        "UPDATE ledger_batch SET tree_root=zeroblob(32) WHERE batch=(SELECT max(batch) FROM ledger_batch);
         DELETE FROM ledger_checkpoint;",
    );
    assert_eq!(code(open(&path)), "checkpoint.rewritten");
    // The batch that was signed is there, but with another size.
    let (_folder, path) = template.store();
    change(
        &path,
        "UPDATE ledger_batch SET tree_size=tree_size+1; DELETE FROM ledger_checkpoint;",
    );
    assert_eq!(code(open(&path)), "checkpoint.rewritten");
}

#[test]
fn another_store_under_the_name_of_a_signed_one_is_found() {
    let template = Template::new(Beginning::Loaded);
    let (_folder, path) = template.store();
    let (_other_folder, other) = template.store();
    std::fs::remove_file(&other).expect("it is there");
    std::fs::remove_file(file_of(&other)).expect("it is there");
    let environment = scenario::environment(77);
    let mut store = open_with(&other, environment).expect("another store");
    for id in 0..300 {
        load_one(&mut store, &format!("n{id}"));
    }
    drop(store);
    std::fs::copy(&other, &path).expect("it takes the place");
    assert_eq!(code(open(&path)), "checkpoint.replaced");
    std::fs::remove_file(&path).expect("it is there");
    assert_eq!(code(open(&path)), "checkpoint.missing_store");
}

#[test]
fn a_history_that_is_signed_with_another_key_is_found() {
    let template = Template::new(Beginning::Loaded);
    let (_folder, path) = template.store();
    let stranger =
        SigningKey::generate(scenario::PROJECT, &Randomness::seed(&SystemRandomness)).expect("a key");
    std::fs::remove_file(file_of(&path)).expect("it is there");
    change(&path, "DELETE FROM ledger_checkpoint");
    let environment = scenario::environment(3).keys(CheckpointKeys::signing(stranger));
    let mut store = open_with(&path, environment).expect("the stranger's");
    load_one(&mut store, "forged");
    drop(store);
    assert_eq!(code(open(&path)), "checkpoint.forged");
    // Whoever has the public key only finds it too.
    let environment =
        Environment::default().keys(CheckpointKeys::verifying(scenario::signing_key().verifying()));
    assert_eq!(code(open_with(&path, environment)), "checkpoint.forged");
}

#[test]
fn every_changed_byte_of_the_newest_note_is_found() {
    let template = Template::new(Beginning::Loaded);
    let (_folder, path) = template.store();
    let whole = notes(&path);
    change(&path, "DELETE FROM ledger_checkpoint");
    let (mut found, mut cut) = (0, 0);
    for at in 0..whole.len() {
        let mut bytes = whole.clone().into_bytes();
        bytes[at] ^= 1;
        std::fs::write(file_of(&path), &bytes).expect("it is ours");
        match open(&path) {
            Err(error) => {
                assert!(error.code().starts_with("checkpoint."), "{at}: {error}");
                found += 1;
            }
            // What is no note any more is a note that was cut off: nothing is known then, and it is said.
            Ok(store) => {
                assert!(
                    !file_of(&path).exists() || !store.warnings().is_empty() || no_note(&bytes),
                    "{at}"
                );
                cut += 1;
            }
        }
    }
    assert!(found > cut, "{found} found, {cut} no note any more");
}

/// Whether a changed file has no note left, so that it is as good as empty.
fn no_note(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    counterfoil::ledger::Checkpoint::from_note(&text).is_none()
}

#[test]
fn a_copy_without_its_file_opens_with_a_warning_and_completes_it() {
    let template = Template::new(Beginning::Applied);
    let (_folder, path) = template.store();
    let whole = notes(&path);
    std::fs::remove_file(file_of(&path)).expect("it is there");
    let mut store = open(&path).expect("it opens");
    let warning = store.warnings().first().expect("a warning").clone();
    assert!(warning.contains("is missing"), "{warning}");
    load_one(&mut store, "n1");
    assert!(
        notes(&path).starts_with(&whole),
        "the older ones come from the store"
    );
    drop(store);
    assert!(open(&path).expect("it opens").warnings().is_empty());
}

#[test]
fn a_torn_end_of_the_file_is_passed_over() {
    let template = Template::new(Beginning::Applied);
    let (_folder, path) = template.store();
    let whole = notes(&path);
    for length in 1..whole.len() {
        if whole.is_char_boundary(length) && length % 7 == 0 {
            std::fs::write(file_of(&path), &whole[..length]).expect("it is ours");
            let mut store = open(&path).expect("it opens");
            checkpoint(&mut store).expect("a checkpoint");
            let signed = store.newest_checkpoint().expect("a store").expect("a checkpoint");
            assert!(notes(&path).ends_with(&signed.note), "cut after {length}");
            drop(store);
            open(&path).expect("it opens again");
        }
    }
}

#[test]
fn a_restored_store_is_accepted_for_a_reason_that_the_ledger_keeps() {
    let (folder, path) = put_back(apply_all);
    let contradicted = notes(&path);
    let options = StoreOptions::default().unchecked(true);
    let mut store = Store::open(&path, options, scenario::environment(9)).expect("unchecked");
    let silent = accept_restored(&mut store, &RunInfo::new("checkpoint")).expect_err("no reason");
    assert!(silent.to_string().contains("reason"), "{silent}");
    let run_info = RunInfo::new("checkpoint").reason("restored from last night's copy".to_owned());
    let signed = accept_restored(&mut store, &run_info).expect("it is accepted");
    drop(store);
    let store = open(&path).expect("it opens again");
    assert!(notes(&path).ends_with(&signed.note));
    let aside = std::fs::read_to_string(folder.path().join("store.db.checkpoints.1"));
    assert_eq!(aside.expect("it is kept"), contradicted);
    let run = &store.history(1).expect("a history")[0];
    assert_eq!(run.reason.as_deref(), Some("restored from last night's copy"));
    let report = counterfoil::verify::verify(&store, &counterfoil::verify::VerifyOptions::default());
    assert!(report.expect("a report").is_sound());
}

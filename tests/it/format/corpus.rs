//! The corpus, and the two verdicts about each of its stores.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use super::honest::{self, checkpoints, copy};
use super::tampered::{BATCHES, DERIVED, ENTRIES, RECORDS, RESEALED, ROWS, RUNS};
use super::tampered_files::{self, FILES, SCHEMA};
use crate::support::scenario::signing_key;
use crate::support::world::without_settings;

/// A store, what was done to it, how `verify` has to end, and the key that it is checked with.
struct Case {
    what: String,
    exit: i32,
    store: PathBuf,
    key: Option<PathBuf>,
}

/// The stores of the corpus, more than a hundred, twenty-three of them honest, in a folder.
fn corpus(folder: &Path) -> Vec<Case> {
    let honest = folder.join("honest");
    std::fs::create_dir(&honest).expect("a new folder");
    let key = folder.join("key.pub");
    std::fs::write(&key, signing_key().verifying().to_text()).expect("ours");
    let mut cases = Vec::new();
    let mut add = |base: &str, what: &str, exit, store: PathBuf| {
        let is_strange = honest::STRANGE.contains(&base);
        cases.push(Case {
            what: format!("{base}: {what}"),
            exit,
            store,
            key: (!is_strange).then(|| key.clone()),
        });
    };
    for made in honest::all(&honest) {
        add(made.name, made.what, 0, made.path);
    }
    let stores = (1..).map(|number| folder.join(format!("tampered_{number}.db")));
    let mut stores = stores.into_iter();
    let mut next = || stores.next().expect("numbers do not end");
    for done in [&ROWS[..], &ENTRIES, &BATCHES, &RUNS, &RECORDS, &DERIVED]
        .into_iter()
        .flatten()
    {
        let store = next();
        copy(&honest.join(format!("{}.db", done.base)), &store);
        tampered_files::past_guards(&store, done.sql);
        add(done.base, done.what, 8, store);
    }
    for done in &RESEALED {
        let store = next();
        copy(&honest.join(format!("{}.db", done.base)), &store);
        tampered_files::past_guards(&store, done.sql);
        tampered_files::reseal(&store);
        add(done.base, done.what, 8, store);
    }
    for done in SCHEMA.iter().chain(&FILES) {
        let store = next();
        tampered_files::make(done, &honest, &store);
        add(done.base, done.what, done.exit, store);
    }
    assert_eq!(cases.len(), 103);
    assert_eq!(cases.iter().filter(|case| case.exit == 0).count(), 23);
    cases
}

/// Asks about every store, two at a time: how it ends, and what is said.
fn asked(cases: &[Case], ask: impl Fn(&Case) -> Command + Sync) -> Vec<(i32, String)> {
    let answers = Mutex::new(vec![(0, String::new()); cases.len()]);
    std::thread::scope(|scope| {
        for lane in 0..2 {
            let (answers, ask) = (&answers, &ask);
            scope.spawn(move || {
                for (at, case) in cases.iter().enumerate().skip(lane).step_by(2) {
                    let mut command = ask(case);
                    command.arg(&case.store);
                    if let Some(key) = &case.key {
                        command.arg("--key").arg(key);
                    }
                    let output = command.output().expect("it starts");
                    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
                    answers.lock().expect("nobody panics")[at] = (output.status.code().unwrap_or(-1), said);
                }
            });
        }
    });
    answers.into_inner().expect("nobody panics")
}

/// What `counterfoil verify` says, in an empty folder.
fn verified(cases: &[Case]) -> Vec<(i32, String)> {
    let elsewhere = tempfile::tempdir().expect("a folder");
    asked(cases, |_| {
        let mut command = without_settings(env!("CARGO_BIN_EXE_counterfoil"));
        command.current_dir(&elsewhere).args(["verify", "--store"]);
        command
    })
}

/// Every case that does not end as it has to.
fn wrong(cases: &[Case], told: &[(i32, String)]) -> String {
    let pairs = cases.iter().zip(told);
    let wrong = pairs.filter(|(case, (exit, _))| *exit != case.exit);
    wrong
        .map(|(case, (exit, said))| format!("{}: {exit}, not {}\n{said}\n", case.what, case.exit))
        .collect()
}

#[test]
fn verify_calls_the_honest_stores_sound_and_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases = corpus(folder.path());
    let wrong = wrong(&cases, &verified(&cases));
    assert!(wrong.is_empty(), "{wrong}");
}

/// `docs/verify_store.py` was written from `docs/format.md` by somebody who has not seen this program.
#[test]
fn a_verifier_made_of_the_document_says_the_same() {
    let found = Command::new("python3").arg("--version").output();
    if found.is_err() {
        assert!(std::env::var_os("CI").is_none(), "there is no python3 in CI");
        eprintln!("skipped: there is no python3 here");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let cases = corpus(folder.path());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify_store.py");
    let told = asked(&cases, |_| {
        let mut command = Command::new("python3");
        command.arg("-B").arg(&script);
        command
    });
    let wrong = wrong(&cases, &told);
    assert!(wrong.is_empty(), "{wrong}");
}

/// Writes the corpus out under names that tell nothing, in an order that tells nothing, for whoever writes another verifier.
/// What was done to each stands in `answers.txt`, which is for the one who scores.
#[test]
#[ignore = "writes files into the folder that COUNTERFOIL_CORPUS names"]
fn write_the_corpus_out() {
    let out = PathBuf::from(std::env::var_os("COUNTERFOIL_CORPUS").expect("a folder is named"));
    let folder = tempfile::tempdir().expect("a folder");
    let cases = corpus(folder.path());
    let told = verified(&cases);
    std::fs::create_dir(&out).expect("a new folder");
    let mut answers = vec![String::new(); cases.len()];
    for (at, (case, (exit, _))) in cases.iter().zip(&told).enumerate() {
        // 37 and 101 have no common divisor, so that every place is taken once.
        let place = (at * 37 + 11) % cases.len();
        let name = format!("store_{:03}.db", place + 1);
        copy(&case.store, &out.join(&name));
        let log = |store: &Path| PathBuf::from(format!("{}-wal", store.display()));
        if log(&case.store).exists() {
            std::fs::copy(log(&case.store), log(&out.join(&name))).expect("a copy");
        }
        if checkpoints(&case.store).is_dir() {
            std::fs::create_dir(checkpoints(&out.join(&name))).expect("a new folder");
        }
        if let Some(key) = &case.key {
            std::fs::copy(key, out.join(name.replace(".db", ".pub"))).expect("a copy");
        }
        answers[place] = format!("{name}\t{exit}\t{}\n", case.what);
    }
    std::fs::write(out.with_extension("answers.txt"), answers.concat()).expect("ours");
}

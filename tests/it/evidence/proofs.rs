//! One record is proved to somebody who has the public key and nothing else; nothing of a proof can be changed.

use std::path::Path;
use std::process::Command;

use counterfoil::environment::{Randomness, SystemRandomness};
use counterfoil::note::SigningKey;
use counterfoil::prove::{Consistency, NotProved, Proof, ProveOptions, Which};
use counterfoil::store::Store;

use super::{load_one, open};
use crate::support::scenario::{self, Beginning, REDACTED, Template};

fn proof(store: &Store, id: &str, disclose: bool) -> Proof {
    let options = ProveOptions::default().disclose(disclose);
    store.prove("b", id, &options).expect("a proof")
}

#[test]
fn a_proof_reports_what_was_done_by_whom_and_by_which_stage() {
    let (_folder, path) = Template::new(Beginning::Applied).store();
    let store = open(&path).expect("a store");
    let key = scenario::signing_key().verifying();
    let text = proof(&store, "r5", true).to_string();
    let proved = Proof::parse(&text)
        .expect("a proof")
        .verify(&key)
        .expect("it holds");
    let stage = proved.stage.expect("a stage");
    assert_eq!(
        (stage.project.as_str(), stage.number, stage.slug.as_str()),
        (scenario::PROJECT, 2, "note")
    );
    assert_eq!(
        (proved.outcome, proved.actor.as_str(), proved.kind.as_str()),
        ("written", "tester", "apply")
    );
    let disclosed = proved.disclosed.expect("it was disclosed");
    assert_eq!((disclosed.which, disclosed.id.as_str()), (Which::After, "r5"));
    let row = store.get("b", "r5").expect("a database").expect("a record");
    assert_eq!(disclosed.data, row.data);
    // Undisclosed, it says nothing about the content, which stands in no leaf.
    let text = proof(&store, "r5", false).to_string();
    assert!(!text.contains(REDACTED) && !text.contains("5.50"), "{text}");
    let proved = Proof::parse(&text)
        .expect("a proof")
        .verify(&key)
        .expect("it holds");
    assert_eq!(proved.disclosed, None);
}

#[test]
fn older_entries_are_proved_and_opened_from_what_is_kept() {
    let (_folder, path) = Template::new(Beginning::Applied).store();
    let store = open(&path).expect("a store");
    let key = scenario::signing_key().verifying();
    let steps = store.trace("b", "r5").expect("a life");
    assert_eq!(steps.len(), 3, "{steps:?}");
    for (step, database) in steps.iter().zip(["a", "b", "b"]) {
        let options = ProveOptions::default().batch(step.batch).disclose(true);
        let proof = store.prove(database, "r5", &options);
        let proof = proof.unwrap_or_else(|error| panic!("{step:?}: {error}"));
        let proved = proof.verify(&key).expect("it holds");
        assert_eq!((proved.batch, proved.record), (step.batch, step.record));
    }
    let options = ProveOptions::default().batch(counterfoil::BatchId::new(1));
    let missing = store.prove("b", "r5", &options).expect_err("no such entry");
    assert!(missing.to_string().contains("batch 1 has no entry"), "{missing}");
    let unknown = store
        .prove("b", "nobody", &ProveOptions::default())
        .expect_err("no such record");
    assert_eq!(unknown.code(), "record.missing");
}

#[test]
fn a_refused_record_is_proved_with_its_reason() {
    let (_folder, path) = Template::new(Beginning::Applied).store();
    let store = open(&path).expect("a store");
    let batch = store.trace("a", "r37").expect("a life")[1].batch;
    let options = ProveOptions::default().batch(batch).disclose(true);
    let proof = store.prove("a", "r37", &options).expect("a proof");
    let proved = proof
        .verify(&scenario::signing_key().verifying())
        .expect("it holds");
    assert_eq!(proved.outcome, "refused");
    assert!(proved.reason.expect("a reason").contains("decimal."));
    assert_eq!(proved.disclosed.expect("it was disclosed").which, Which::Input);
}

#[test]
fn nothing_of_a_proof_can_be_changed() {
    let (_folder, path) = Template::new(Beginning::Applied).store();
    let store = open(&path).expect("a store");
    let key = scenario::signing_key().verifying();
    let text = proof(&store, "r5", true).to_string();
    let holds = |text: &str| Proof::parse(text).and_then(|proof| proof.verify(&key)).is_ok();
    assert!(holds(&text));
    let mut tried = 0;
    for at in 0..text.len() {
        for change in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= change;
            let Ok(changed) = String::from_utf8(bytes) else {
                continue;
            };
            assert!(!holds(&changed), "byte {at} changed by {change}:\n{changed}");
            tried += 1;
        }
        let (mut without, mut twice) = (text.clone().into_bytes(), text.clone().into_bytes());
        without.remove(at);
        twice.insert(at, text.as_bytes()[at]);
        for other in [without, twice] {
            if let Ok(other) = String::from_utf8(other) {
                assert!(
                    !holds(&other) || other == text,
                    "byte {at} taken out or doubled:\n{other}"
                );
            }
        }
        assert!(text.get(..at).is_none_or(|cut| !holds(cut)), "cut after {at}");
    }
    assert!(tried > 10_000);
    // Lines in another order, or from another proof.
    let other = proof(&store, "r6", true).to_string();
    let (lines, others): (Vec<&str>, Vec<&str>) = (text.lines().collect(), other.lines().collect());
    for (at, line) in others
        .iter()
        .enumerate()
        .filter(|(at, line)| lines.get(*at) != Some(line))
    {
        let mut mixed = lines.clone();
        mixed[at] = line;
        assert!(!holds(&(mixed.join("\n") + "\n")), "line {at} of another proof");
    }
}

#[test]
fn another_key_proves_nothing() {
    let (_folder, path) = Template::new(Beginning::Applied).store();
    let store = open(&path).expect("a store");
    let stranger =
        SigningKey::generate(scenario::PROJECT, &Randomness::seed(&SystemRandomness)).expect("a key");
    let refused = proof(&store, "r5", true).verify(&stranger.verifying());
    assert!(matches!(refused, Err(NotProved::Checkpoint(_))), "{refused:?}");
}

#[test]
fn a_later_ledger_is_proved_to_extend_an_earlier_one() {
    let (_folder, path) = Template::new(Beginning::Applied).store();
    let mut store = open(&path).expect("a store");
    let key = scenario::signing_key().verifying();
    let first = store.newest_checkpoint().expect("a store").expect("signed").size;
    for id in 0..20 {
        load_one(&mut store, &format!("n{id}"));
        let text = store.prove_consistency(first).expect("a proof").to_string();
        let counterfoil::prove::ConsistentCheckpoints { old, new, .. } = Consistency::parse(&text)
            .expect("a proof")
            .verify(&key)
            .expect("it holds");
        assert_eq!(
            (old.size, new.size),
            (first, first + 3 * (id + 1)),
            "a record, its header and an end"
        );
    }
    let text = store.prove_consistency(first).expect("a proof").to_string();
    let holds = |text: &str| {
        Consistency::parse(text)
            .and_then(|proof| proof.verify(&key))
            .is_ok()
    };
    assert!(holds(&text));
    for at in 0..text.len() {
        for change in [1, 4, 16, 64, 128] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= change;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(!holds(&changed), "byte {at}:\n{changed}");
            }
        }
    }
    assert!(store.prove_consistency(first + 1).is_err());
}

/// The script in the documentation, and openssl, agree with us about a proof and about a changed one.
#[test]
fn the_script_of_the_documentation_and_openssl_check_a_proof_without_us() {
    let has = |program: &str, argument: &str| Command::new(program).arg(argument).output().is_ok();
    if !has("python3", "--version") {
        eprintln!("skipped: there is no python3 here");
        return;
    }
    let (folder, path) = Template::new(Beginning::Applied).store();
    let store = open(&path).expect("a store");
    let text = proof(&store, "r5", true).to_string();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify_proof.py");
    let check = |text: &str| {
        std::fs::write(folder.path().join("proof.txt"), text).expect("the folder is ours");
        let mut command = Command::new("python3");
        command
            .arg(&script)
            .args(["proof.txt", "--key", "key.pub", "--signature", "signed"]);
        command
            .current_dir(folder.path())
            .output()
            .expect("python3 starts")
    };
    std::fs::write(
        folder.path().join("key.pub"),
        scenario::signing_key().verifying().to_text(),
    )
    .expect("ours");
    let said = check(&text);
    assert!(said.status.success(), "{said:?}");
    let out = String::from_utf8_lossy(&said.stdout);
    assert!(out.contains("proved: record 5, written in batch"), "{out}");
    let signature = [
        "-verify",
        "-pubin",
        "-inkey",
        "signed.pem",
        "-rawin",
        "-in",
        "signed.txt",
        "-sigfile",
        "signed.sig",
    ];
    let openssl = |arguments: &[&str]| {
        Command::new("openssl")
            .arg("pkeyutl")
            .args(arguments)
            .current_dir(folder.path())
            .output()
    };
    match openssl(&signature) {
        Ok(said) => assert!(said.status.success(), "{said:?}"),
        Err(_) => eprintln!("there is no openssl here: the signature is checked by us alone"),
    }
    // Every changed digit of a hash, number or content is found there too.
    let places: Vec<usize> = text
        .match_indices(|letter: char| letter.is_ascii_digit())
        .map(|(at, _)| at)
        .collect();
    let end = text.find("\n\n").expect("a checkpoint");
    for at in places.into_iter().filter(|at| *at < end && *at > 22).step_by(29) {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'7' { b'8' } else { b'7' };
        let said = check(&String::from_utf8(bytes).expect("digits are text"));
        assert!(!said.status.success(), "digit at {at}: {said:?}");
    }
}

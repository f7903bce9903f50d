//! `verify-proof` and the script in the documentation accept exactly the same texts, and neither ends without an answer.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use counterfoil::note::VerifyingKey;
use counterfoil::prove::ProveOptions;
use counterfoil::prove::check_proof;

use super::proof_changes::{Dice, changed, each_changed, strangers_line};
use super::proof_corpus::{crafted, real};
use crate::support::scenario;

/// So many changed texts.
const CHANGED: usize = 11_000;

/// Asks the script about many texts in one process: each stands behind its length, and the answers are one letter each.
const DRIVER: &str = "
import sys
sys.path.insert(0, sys.argv[1])
import verify_proof
key, data, at, answers = verify_proof.Key.given(sys.argv[2]), open(sys.argv[3], 'rb').read(), 0, []
while at < len(data):
    length = int.from_bytes(data[at:at + 4], 'little')
    try:
        verify_proof.check(data[at + 4:at + 4 + length], key)
        answers.append('y')
    except verify_proof.NotProved:
        answers.append('n')
    at += 4 + length
print(''.join(answers))
";

/// Keys that are none are refused by both.
const KEYS: &str = "
import sys
sys.path.insert(0, sys.argv[1])
import verify_proof
for key in open(sys.argv[2], encoding='utf-8', newline='').read().split('|'):
    try:
        verify_proof.Key(key)
        print('y', end='')
    except verify_proof.NotProved:
        print('n', end='')
";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

fn python(arguments: &[&Path], script: &str) -> Option<Output> {
    let mut command = Command::new("python3");
    command.args(["-B", "-c", script]).args(arguments);
    let output = command.output().ok();
    if output.is_none() {
        eprintln!("skipped: there is no python3 here");
    }
    output
}

fn verdicts(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

fn key() -> VerifyingKey {
    scenario::signing_key().verifying()
}

/// Every text: real, crafted, changed.
fn corpus() -> Vec<Vec<u8>> {
    let (real, crafted) = (real(), crafted());
    assert!(
        real.len() >= 18 && crafted.len() > 700,
        "{} {}",
        real.len(),
        crafted.len()
    );
    let mut texts: Vec<Vec<u8>> = real
        .iter()
        .chain(&crafted)
        .map(|text| text.clone().into_bytes())
        .collect();
    texts.extend([0, 1, 2, 4, 6, 15].iter().flat_map(|at| each_changed(&real[*at])));
    // The name of a signature that is nobody's business, which is no text.
    let line = strangers_line().replace("stranger", "?");
    let line = line.bytes().map(|byte| if byte == b'?' { 0xff } else { byte });
    texts.push(real[0].bytes().chain(line).collect());
    texts.push(real[0].bytes().chain(strangers_line().bytes()).collect());
    let mut dice = Dice::new(0x5eed);
    texts.extend((0..CHANGED).map(|_| changed(&real, &mut dice)));
    texts.extend([Vec::new(), vec![0xff, 0xfe], vec![b'\n'; 3], vec![b'['; 300_000]]);
    texts
}

#[test]
fn the_command_and_the_script_accept_exactly_the_same_texts() {
    let folder = tempfile::tempdir().expect("a folder");
    let (public, file) = (folder.path().join("key.pub"), folder.path().join("texts"));
    std::fs::write(&public, key().to_text()).expect("ours");
    let texts = corpus();
    let framed: Vec<u8> = texts
        .iter()
        .flat_map(|text| [&(text.len() as u32).to_le_bytes()[..], text].concat())
        .collect();
    std::fs::write(&file, framed).expect("ours");
    let Some(output) = python(&[&docs(), &public, &file], DRIVER) else {
        return;
    };
    let theirs = verdicts(&output);
    assert_eq!(theirs.len(), texts.len());
    let (mut accepted, mut differ) = (0, Vec::new());
    for (text, theirs) in texts.iter().zip(theirs.bytes()) {
        let ours = check_proof(text, &key());
        accepted += usize::from(ours.is_ok());
        if ours.is_ok() != (theirs == b'y') {
            differ.push(format!(
                "{ours:?}, the script {}:\n{}",
                theirs as char,
                String::from_utf8_lossy(text)
            ));
        }
    }
    assert!(
        differ.is_empty(),
        "{} differ, the first: {}",
        differ.len(),
        differ[0]
    );
    let refused = texts.len() - accepted;
    println!(
        "{} texts: {accepted} accepted, {refused} refused, by both",
        texts.len()
    );
    assert!(
        accepted > 100 && refused > 10_000,
        "{accepted} accepted, {refused} refused"
    );
}

#[test]
fn the_same_keys_are_keys() {
    let text = key().to_text();
    let (name, rest) = text.split_once('+').expect("a key");
    let (hash, data) = rest.split_once('+').expect("a key");
    let keys = [
        text.clone(),
        format!("\u{a0}\n{text}\u{3000}\r\n"),
        format!("\u{1c}{text}"),
        format!("{text}\u{200b}"),
        format!("{name}+{}+{data}", hash.to_uppercase()),
        format!("{name}+{hash}+{}", data.trim_end_matches('=')),
        format!("{name}+{hash}+{data}="),
        format!("x{text}"),
        format!("{name} +{hash}+{data}"),
        format!("+{hash}+{data}"),
        format!("{name}+{hash}"),
        scenario::signing_key().to_text(),
        String::new(),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys");
    std::fs::write(&file, keys.join("|")).expect("ours");
    let Some(output) = python(&[&docs(), &file], KEYS) else {
        return;
    };
    let letter = |key: &String| {
        if VerifyingKey::parse(key).is_ok() {
            'y'
        } else {
            'n'
        }
    };
    let ours: String = keys.iter().map(letter).collect();
    assert_eq!(ours, verdicts(&output));
    assert!(ours.starts_with("yynn"), "{ours}");
}

/// Both programs, run as a person runs them: whatever the file is, an answer and no traceback.
#[test]
fn whatever_the_file_is_both_programs_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("counterfoil.pub"), key().to_text()).expect("ours");
    let texts = corpus();
    let every = texts.len() / 25;
    let mut names: Vec<String> = Vec::new();
    for (at, text) in texts
        .iter()
        .step_by(every)
        .chain(texts.iter().rev().take(4))
        .enumerate()
    {
        names.push(format!("{at}.txt"));
        std::fs::write(folder.path().join(format!("{at}.txt")), text).expect("ours");
    }
    names.extend(["missing.txt", ".", "a\u{202e}b"].map(str::to_owned));
    let script = docs().join("verify_proof.py");
    for name in names {
        let run = |program: &str, first: &[&str]| {
            let mut command = Command::new(program);
            command.args(first).arg(&name).current_dir(folder.path());
            command
                .env("PYTHONIOENCODING", "ascii")
                .env_remove("COUNTERFOIL_KEY");
            command.output()
        };
        let ours = run(env!("CARGO_BIN_EXE_counterfoil"), &["verify-proof"]).expect("it starts");
        let Ok(theirs) = run("python3", &["-B", &script.display().to_string()]) else {
            eprintln!("skipped: there is no python3 here");
            return;
        };
        assert_eq!(
            ours.status.success(),
            theirs.status.success(),
            "{name}: {ours:?} {theirs:?}"
        );
        let said = String::from_utf8(theirs.stderr).expect("ASCII");
        match theirs.status.code() {
            Some(0) => assert!(
                theirs.stdout.starts_with(b"proved: ") && said.is_empty(),
                "{name}: {said}"
            ),
            code => {
                assert_eq!(code, Some(1), "{name}: {said}");
                assert!(
                    said.starts_with("not proved: ") && theirs.stdout.is_empty(),
                    "{name}: {said}"
                );
                assert!(
                    said.trim_end().bytes().all(|byte| (b' '..=b'~').contains(&byte)),
                    "{name}: {said:?}"
                );
            }
        }
    }
}

/// Nothing that stands in a ledger can add a line to the answer, or hide or reorder what is shown.
#[test]
fn the_script_shows_what_it_is_given_escaped() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store.db");
    let mut environment = scenario::environment(3);
    environment.actor = "mallory\n  actor   ada\u{202e}\u{1b}[8m".to_owned();
    let mut store = super::open_with(&store, environment).expect("a store");
    super::load_one(&mut store, "r\u{200b}1\u{e0041}\u{fe0f}\u{2028}");
    let options = ProveOptions::default().disclose(true);
    let proof = store
        .prove("a", "r\u{200b}1\u{e0041}\u{fe0f}\u{2028}", &options)
        .expect("a proof");
    std::fs::write(folder.path().join("proof.txt"), proof.to_string()).expect("ours");
    let mut command = Command::new("python3");
    command.arg("-B").arg(docs().join("verify_proof.py"));
    command
        .arg(folder.path().join("proof.txt"))
        .arg("--key")
        .arg(key().to_text());
    let Ok(output) = command.env("PYTHONIOENCODING", "utf-8").output() else {
        eprintln!("skipped: there is no python3 here");
        return;
    };
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(
        said.lines().filter(|line| line.starts_with("  actor ")).count(),
        1,
        "{said}"
    );
    for shown in [
        "mallory\\n  actor   ada\\u{202e}\\u{1b}[8m",
        "r\\u{200b}1\\u{e0041}\\u{fe0f}\\u{2028}  {",
    ] {
        assert!(said.contains(shown), "`{shown}` is missing in {said}");
    }
    assert!(
        said.chars()
            .all(|letter| letter == '\n' || (' '..='~').contains(&letter)),
        "{said:?}"
    );
}

//! The generated corpus.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::Value;

use super::{applied, fixtures, manual, reader, writer};

/// Why a text is read, or refused, that Python does not, or does: the names of docs/dates.md, and how many cases of the
/// corpus each explains.
const DIFFERENCES: [(&str, usize); 7] = [
    ("blanks", 1884),
    ("names", 47),
    ("hours", 50),
    ("nanoseconds", 13),
    ("packed", 85),
    ("letters", 70),
    ("contradiction", 55),
];

struct Reading {
    format: String,
    text: String,
    python: Option<String>,
    ours: Result<String, String>,
}

fn cases(kind: &str) -> Vec<Vec<Option<String>>> {
    let corpus = fs::read_to_string(fixtures().join("corpus.ndjson")).expect("the corpus");
    let cases = corpus.lines().map(|line| {
        let parts: Vec<Value> = serde_json::from_str(line).expect("a list");
        parts
            .iter()
            .map(|part| part.as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    });
    cases.filter(|parts| parts[0].as_deref() == Some(kind)).collect()
}

fn readings() -> Vec<Reading> {
    let mut readers = BTreeMap::new();
    let read = |parts: Vec<Option<String>>| {
        let mut parts = parts.into_iter().skip(1);
        let mut next = || parts.next().expect("four parts");
        let (format, text) = (next().expect("a format"), next().expect("a text"));
        let op = readers
            .entry(format.clone())
            .or_insert_with(|| reader(&format).unwrap_or_else(|| panic!("{format} can be read")));
        let ours = applied(op, &text);
        Reading {
            format,
            text,
            python: next(),
            ours,
        }
    };
    cases("read").into_iter().map(read).collect()
}

/// The text without blanks and, on demand, with names cut to three letters.
fn plain(text: &str) -> String {
    text.chars().filter(|next| !next.is_whitespace()).collect()
}

fn without_names(text: &str) -> String {
    let mut names = 0;
    let mut kept = String::new();
    for next in plain(text).chars() {
        names = if next.is_ascii_alphabetic() { names + 1 } else { 0 };
        if names <= 3 {
            kept.push(next.to_ascii_lowercase());
        }
    }
    kept
}

/// The name of the difference, if it is one that we want. What only we read, Python reads in the same way once the text
/// is changed in the one respect; what only Python reads is refused for the reason that the text shows.
fn difference(case: &Reading, all: &[Reading]) -> Option<&'static str> {
    let alike = |same: fn(&str) -> String| {
        all.iter().any(|other| {
            other.format == case.format
                && other.python.is_some()
                && other.python.as_ref() == case.ours.as_ref().ok()
                && same(&other.text) == same(&case.text)
        })
    };
    let digits = |fraction: &str| fraction.bytes().take_while(u8::is_ascii_digit).count();
    let is_long = case
        .text
        .split(['.', ','])
        .skip(1)
        .any(|fraction| (7..=9).contains(&digits(fraction)));
    match (&case.ours, &case.python) {
        (Ok(_), None) if alike(plain) => Some("blanks"),
        (Ok(_), None) if alike(without_names) => Some("names"),
        (Ok(_), None) if is_long => Some("nanoseconds"),
        (Ok(_), None) if case.format.ends_with('z') && case.text.trim().ends_with("+05") => Some("hours"),
        (Err(code), Some(_)) if code == "parse_date.unparsed" => {
            let runs = ["%Y%m", "%y%m", "%H%M", "%Y%j"]
                .iter()
                .any(|run| case.format.contains(run));
            let own = ["%Y-%m-%dT", "%G-W", "%Y-W", "%Y%m%dT"]
                .iter()
                .any(|begin| case.format.starts_with(begin));
            if runs && !own {
                Some("packed")
            } else if own && case.text.contains(['t', 'w']) {
                Some("letters")
            } else if ["%a", "%A", "%c", "%u", "%w", "%j"]
                .iter()
                .any(|part| case.format.contains(part))
            {
                Some("contradiction")
            } else {
                runs.then_some("packed")
            }
        }
        _ => None,
    }
}

#[test]
fn what_is_read_is_what_python_reads_but_for_the_named_differences() {
    let all = readings();
    assert!(all.len() > 4000, "{} cases", all.len());
    let both = all
        .iter()
        .filter(|case| case.python.is_some() && case.ours.as_ref().ok() == case.python.as_ref());
    assert!(both.count() > 2000, "cases that both read");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unexplained = Vec::new();
    for case in all
        .iter()
        .filter(|case| case.ours.as_ref().ok() != case.python.as_ref())
    {
        match difference(case, &all) {
            Some(name) => *counts.entry(name).or_default() += 1,
            None => unexplained.push(format!(
                "{} {:?}: {:?}, Python {:?}",
                case.format, case.text, case.ours, case.python
            )),
        }
    }
    assert!(
        unexplained.is_empty(),
        "{counts:?} {}\n{}",
        unexplained.len(),
        unexplained.join("\n")
    );
    assert_eq!(counts, DIFFERENCES.into_iter().collect());
    let manual = manual();
    for (name, count) in DIFFERENCES {
        assert!(
            manual.contains(&format!("| {name} | {count} |")),
            "docs/dates.md names `{name}` with {count} cases"
        );
    }
}

#[test]
fn what_is_written_is_what_python_and_gnu_date_write() {
    let cases = cases("write");
    let (mut by_python, mut by_gnu) = (0, 0);
    for parts in &cases {
        let [_, Some(format), Some(time), python, gnu] = parts.as_slice() else {
            panic!("{parts:?}");
        };
        let op = writer(format).unwrap_or_else(|| panic!("{format} can be written"));
        let ours = applied(&op, time);
        for expected in [python, gnu].into_iter().flatten() {
            assert_eq!(ours.as_ref(), Ok(expected), "{format} {time}");
        }
        by_python += usize::from(python.is_some());
        by_gnu += usize::from(gnu.is_some());
    }
    assert!(by_python > 1200 && by_gnu > 2800, "{by_python} {by_gnu}");
}

/// Loud where it cannot be: in continuous integration a test that is left out is a failure.
fn left_out(why: &str) {
    assert!(std::env::var_os("COUNTERFOIL_CI").is_none(), "{why}");
    eprintln!("skipped: {why}");
}

#[test]
fn the_corpus_is_what_python_and_gnu_date_say_today() {
    let made = Command::new("python3")
        .arg(fixtures().join("generate.py"))
        .output();
    let made = match made {
        Err(error) => {
            return left_out(&format!(
                "python3 cannot be run, so that the corpus is not made anew: {error}"
            ));
        }
        Ok(made) if made.status.code() == Some(3) => {
            return left_out("Python before 3.10 or no GNU date, so that the corpus is not made anew");
        }
        Ok(made) => made,
    };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let kept = fs::read(fixtures().join("corpus.ndjson")).expect("the corpus");
    let made_lines = String::from_utf8_lossy(&made.stdout).into_owned();
    let kept_lines = String::from_utf8_lossy(&kept).into_owned();
    let other = made_lines
        .lines()
        .zip(kept_lines.lines())
        .find(|(made, kept)| made != kept);
    assert_eq!(other, None, "run generate.py and look at what has changed");
    assert!(made.stdout == kept, "the corpus has other lines at its end");
}

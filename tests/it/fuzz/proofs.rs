//! Proofs that were changed: none is accepted that does not state what one of the real ones states, word for word.

use std::sync::LazyLock;

use counterfoil::prove::{ProvedText, check_proof};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::judge;
use super::texts::{edited, edits};
use crate::evidence::real_proofs;
use crate::support::scenario;

const PIECES: &[&str] = &[
    "",
    "\n",
    "\n\n",
    " ",
    "0",
    "1",
    "=",
    "A",
    "\"",
    "[",
    "]",
    ",",
    "null",
    "\u{2014} ",
    "-",
    "+",
    "\\",
    "\r",
    "\u{feff}",
    "\u{2028}",
];

/// The texts, and what each proves.
static REAL: LazyLock<Vec<(String, ProvedText)>> = LazyLock::new(|| {
    let key = scenario::signing_key().verifying();
    let checked = real_proofs().into_iter().map(|text| {
        let checked = check_proof(text.as_bytes(), &key).expect("a real proof");
        (text, checked)
    });
    checked.collect()
});

/// A change: of characters, of a line, or lines of another proof.
#[derive(Clone, Debug)]
enum Change {
    Letters(Vec<super::texts::Edit>),
    Digit(Index, u8),
    Lines {
        from: Index,
        count: usize,
        other: Index,
        theirs: Index,
    },
}

fn change() -> impl Strategy<Value = Change> {
    let digit = (any::<Index>(), select(&b"0123456789abcdefABCDEF+/="[..]));
    let lines = (any::<Index>(), 0..4usize, any::<Index>(), any::<Index>());
    prop_oneof![
        3 => edits(PIECES, 2).prop_map(Change::Letters),
        2 => digit.prop_map(|(at, digit)| Change::Digit(at, digit)),
        2 => lines.prop_map(|(from, count, other, theirs)| Change::Lines { from, count, other, theirs }),
    ]
}

fn changed(text: &str, change: &Change) -> String {
    match change {
        Change::Letters(edits) => edited(text, edits),
        // A byte of a hash, a number or base64 becomes another one of its kind.
        Change::Digit(at, digit) => {
            let places: Vec<usize> = text
                .char_indices()
                .filter(|(_, letter)| letter.is_ascii_alphanumeric())
                .map(|(at, _)| at)
                .collect();
            let Some(at) = (!places.is_empty()).then(|| *at.get(&places)) else {
                return text.to_owned();
            };
            format!("{}{}{}", &text[..at], char::from(*digit), &text[at + 1..])
        }
        Change::Lines {
            from,
            count,
            other,
            theirs,
        } => {
            let mut lines: Vec<&str> = text.split('\n').collect();
            let other: Vec<&str> = other.get(&REAL).0.split('\n').collect();
            let from = from.index(lines.len());
            let to = (from + count).min(lines.len());
            let begin = theirs.index(other.len());
            let end = (begin + count).min(other.len());
            lines.splice(from..to, other[begin..end].iter().copied());
            lines.join("\n")
        }
    }
}

#[test]
fn a_changed_proof_is_refused_or_states_exactly_what_a_real_one_states() {
    let key = scenario::signing_key().verifying();
    let case = (any::<Index>(), prop::collection::vec(change(), 1..4));
    judge(3_000, case, |(at, changes)| {
        let (text, _) = at.get(&REAL);
        let made = changes
            .iter()
            .fold(text.clone(), |text, change| changed(&text, change));
        let Ok(stated) = check_proof(made.as_bytes(), &key) else {
            return false;
        };
        assert!(
            REAL.iter().any(|(_, real)| *real == stated),
            "{stated:?}:\n{made}"
        );
        true
    });
}

//! Pairs decided by the keyboard alone.

use counterfoil::review::{Decision, PageMode};

use super::{PageFile, decided, decisions};
use crate::support::devtools::{OpenPage, saved_after};

/// Reasons that a spreadsheet or a sheet would take for something else.
const REASONS: [&str; 12] = [
    "twins, born the same day",
    "=1+1",
    "+49 30 1234",
    "-",
    "-5,00",
    "@SUM(1)",
    "'=1",
    "-5.00",
    "'tis",
    "a;b \"c\" </script>",
    "M\u{fc}ller ist nicht Mueller \u{1f600}",
    "arnus?jk",
];

#[test]
fn twenty_pairs_are_decided_by_keyboard_and_the_sheet_says_so() {
    let page = PageFile::of(24, PageMode::Decide);
    let mut keys = Vec::new();
    let mut expected = Vec::new();
    for number in 1..=20 {
        let at = usize::try_from(number).unwrap();
        let (key, decision) = [
            ("a", Decision::Accept),
            ("r", Decision::Reject),
            ("n", Decision::Never),
        ][at % 3];
        let reason = REASONS.get(at - 1).copied();
        if let Some(reason) = reason {
            keys.extend(["e", reason, if at % 2 == 0 { "Escape" } else { "Enter" }]);
        }
        // One is decided otherwise, on second thoughts.
        if number == 10 {
            keys.extend(["n", "u"]);
        }
        keys.push(key);
        expected.push(decided(number, decision, reason));
    }
    // A remark without a decision, a pair that is only looked at, and one decided out of turn.
    keys.extend([
        "e",
        " ask the ward ",
        "Escape",
        "j",
        "ArrowRight",
        "k",
        "j",
        "a",
        "s",
    ]);
    expected.push(decided(21, Decision::Note, Some("ask the ward")));
    expected.push(decided(23, Decision::Accept, None));
    let Some(sheet) = saved_after(&page.path, &keys) else {
        return;
    };
    assert_eq!(decisions(&sheet), expected);
}

#[test]
fn labels_have_keys_of_their_own_and_no_score_sways_them() {
    let page = PageFile::of(5, PageMode::Label);
    let Some(mut open) = OpenPage::open(&page.path) else {
        return;
    };
    let scores = open.value("document.querySelectorAll('.score, .bits, .why').length");
    assert_eq!(scores, 0);
    let sheet = open.saved_by(&["a", "y", "d", "u", "y", "r", "n", "d", "s"]);
    assert_eq!(
        decisions(&sheet),
        [
            decided(1, Decision::Same, None),
            decided(2, Decision::Same, None),
            decided(3, Decision::Different, None),
        ]
    );
    let left = open.leave();
    assert!(left.complaints.is_empty() && left.requests.is_empty());
}

#[test]
fn an_accidental_reload_loses_nothing_and_unsaved_decisions_are_warned_about() {
    let page = PageFile::of(5, PageMode::Decide);
    let Some(mut open) = OpenPage::open(&page.path) else {
        return;
    };
    open.press(&["a", "e", "moved away", "Escape", "n"]);
    assert_eq!(open.value("document.getElementById('unsaved').hidden"), false);
    assert!(open.reload(), "no warning");
    assert_eq!(open.value("document.getElementById('count').textContent"), "2");
    assert_eq!(
        open.value("document.getElementById('title').textContent"),
        "Pair 3 of 5"
    );
    let expected = [
        decided(1, Decision::Accept, None),
        decided(2, Decision::Never, Some("moved away")),
    ];
    assert_eq!(decisions(&open.saved_by(&["s"])), expected);
    assert_eq!(open.value("document.getElementById('unsaved').hidden"), true);
    // What is saved needs no warning.
    assert!(!open.reload(), "a warning");
    assert_eq!(decisions(&open.saved_by(&["s"])), expected);
    let left = open.leave();
    assert!(left.complaints.is_empty(), "{:?}", left.complaints);
}

#[test]
fn undo_takes_back_step_by_step_and_says_what_it_did() {
    let page = PageFile::of(3, PageMode::Decide);
    let Some(mut open) = OpenPage::open(&page.path) else {
        return;
    };
    let said = "document.getElementById('said').textContent";
    open.press(&["e", "why", "Escape", "a", "r", "n"]);
    assert_eq!(
        open.value(said),
        "Pair 3 (3+100003): never. All pairs are decided: save them with s."
    );
    open.press(&["u"]);
    assert_eq!(
        open.value(said),
        "Undone: pair 3 (3+100003) is not decided again."
    );
    open.press(&["u", "u"]);
    assert_eq!(open.value("document.getElementById('count').textContent"), "0");
    assert_eq!(open.value("document.getElementById('reason').value"), "why");
    open.press(&["u"]);
    assert_eq!(open.value("document.getElementById('reason').value"), "");
    open.press(&["u"]);
    assert_eq!(open.value(said), "There is nothing to undo.");
    open.press(&["s"]);
    assert_eq!(open.value(said), "Nothing is decided yet.");
    open.leave();
}

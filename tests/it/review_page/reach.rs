//! Whoever works at the page: with a mouse, without single keys, with weak eyes, with five thousand pairs.

use counterfoil::review::{Decision, PageMode};

use super::{PageFile, decided, decisions};
use crate::support::contrast::assert_distinct;
use crate::support::devtools::OpenPage;

#[test]
fn every_key_is_a_button_too() {
    let page = PageFile::of(6, PageMode::Decide);
    let Some(mut open) = OpenPage::open(&page.path) else {
        return;
    };
    let click = |open: &mut OpenPage, place: &str| {
        open.value(&format!("document.querySelector('{place}').click()"));
    };
    open.press(&["?"]);
    assert_eq!(open.value("document.getElementById('help').open"), true);
    click(&mut open, "#single");
    open.press(&["Escape", "a", "r", "n"]);
    assert_eq!(open.value("document.getElementById('help').open"), false);
    assert_eq!(open.value("document.getElementById('count').textContent"), "0");
    for place in [
        "[data-decision=accept].decide",
        "[data-decision=reject].decide",
        "#undo",
        "[data-decision=never].decide",
        "#next",
        "#next",
        "#previous",
        "[data-decision=reject].decide",
        "#rows li:nth-child(6) button",
        "[data-decision=accept].decide",
    ] {
        click(&mut open, place);
    }
    // With single keys again, the last one saves.
    click(&mut open, "#single");
    let sheet = open.saved_by(&["s"]);
    assert_eq!(
        decisions(&sheet),
        [
            decided(1, Decision::Accept, None),
            decided(2, Decision::Never, None),
            decided(4, Decision::Reject, None),
            decided(6, Decision::Accept, None),
        ]
    );
    let left = open.leave();
    assert!(left.complaints.is_empty(), "{:?}", left.complaints);
}

#[test]
fn a_browser_that_others_use_forgets_what_is_saved_and_nothing_else() {
    let page = PageFile::of(3, PageMode::Decide);
    let Some(mut open) = OpenPage::open(&page.path) else {
        return;
    };
    let kept = "localStorage.length";
    open.press(&["a", "e", "twins", "Escape", "?"]);
    assert_eq!(open.value("document.getElementById('forget').disabled"), true);
    open.press(&["Escape"]);
    assert_eq!(decisions(&open.saved_by(&["s"])).len(), 2);
    assert_eq!(open.value(kept), 1);
    open.press(&["?"]);
    open.value("document.getElementById('forget').click()");
    assert_eq!(open.value(kept), 0);
    assert_eq!(open.value("document.getElementById('count').textContent"), "0");
    assert_eq!(
        open.value("document.querySelectorAll('#rows [data-decision]:not([data-decision=\"\"])').length"),
        0
    );
    assert_eq!(
        decisions(&open.saved_by(&["r", "s"])),
        [decided(1, Decision::Reject, None)]
    );
    let left = open.leave();
    assert!(left.complaints.is_empty(), "{:?}", left.complaints);
}

#[test]
fn words_and_bars_of_the_page_are_distinct_from_what_is_behind_them() {
    let colours = [
        ("ink", "page", 7.0),
        ("ink", "raised", 7.0),
        ("ink", "code", 7.0),
        ("soft", "page", 4.5),
        ("soft", "raised", 4.5),
        ("soft", "code", 4.5),
        ("accent", "page", 4.5),
        ("accent", "raised", 4.5),
        ("good", "good-back", 4.5),
        ("good", "code", 3.0),
        ("open", "open-back", 4.5),
        ("open", "page", 4.5),
        ("open", "code", 3.0),
        ("written", "page", 3.0),
        ("refused", "page", 3.0),
    ];
    for mode in [PageMode::Decide, PageMode::Label] {
        assert_distinct(&PageFile::of(1, mode).text(), &colours);
    }
}

#[test]
fn five_thousand_pairs_answer_at_once() {
    let page = PageFile::of(5_000, PageMode::Decide);
    let Some(mut open) = OpenPage::open(&page.path) else {
        return;
    };
    assert_eq!(open.value("document.querySelectorAll('#rows li').length"), 5_000);
    let each = open.value(
        "(() => { const begun = performance.now(); for (let at = 0; at < 50; at += 1) \
         document.dispatchEvent(new KeyboardEvent('keydown', { key: 'a' })); \
         return Math.round((performance.now() - begun) / 50); })()",
    );
    assert!(each.as_u64().is_some_and(|each| each < 200), "{each} ms a key");
    open.press(&["a"]);
    assert_eq!(open.value("document.getElementById('count').textContent"), "51");
    let is_in_sight = "(() => { const [list, row] = [document.getElementById('rows'), document.querySelector('#rows [aria-current]')]; \
                       const [outer, inner] = [list.getBoundingClientRect(), row.getBoundingClientRect()]; \
                       return inner.top >= outer.top && inner.bottom <= outer.bottom; })()";
    assert_eq!(open.value(is_in_sight), true);
    assert_eq!(decisions(&open.saved_by(&["s"])).len(), 51);
    open.leave();
}

#[test]
fn a_page_without_pairs_says_so() {
    let page = PageFile::of(0, PageMode::Decide);
    let Some(mut open) = OpenPage::open(&page.path) else {
        return;
    };
    open.press(&["a", "j", "u", "s", "e", "x", "Escape"]);
    let title = open.value("document.getElementById('title').textContent");
    assert_eq!(title, "No pair waits for a decision.");
    let left = open.leave();
    assert!(left.complaints.is_empty(), "{:?}", left.complaints);
}

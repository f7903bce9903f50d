//! Hostile values are text on the page, and the page asks nothing of the network.

use counterfoil::review::PageMode;
use counterfoil::shown;

use super::PageFile;
use super::pairs::HOSTILE;
use crate::support::devtools::OpenPage;

#[test]
fn a_hostile_value_is_text_and_runs_nothing() {
    for mode in [PageMode::Decide, PageMode::Label] {
        let page = PageFile::of(5, mode);
        let Some(mut open) = OpenPage::open(&page.path) else {
            return;
        };
        let shown = shown::line(HOSTILE);
        open.press(&["j", "j"]);
        for place in [
            ".member .id",
            "tbody .value bdi",
            "#rows li:nth-child(3) .ids bdi",
        ] {
            let text = open.value(&format!("document.querySelector('{place}').textContent"));
            assert_eq!(text, *shown, "{place}");
        }
        assert_eq!(
            open.value("document.querySelectorAll('img, iframe, object, embed').length"),
            0
        );
        assert_eq!(open.value("document.scripts.length"), 3);
        let left = open.leave();
        assert!(left.complaints.is_empty(), "{:?}", left.complaints);
        assert_eq!(left.requests, [""; 0]);
    }
}

#[test]
fn the_policy_stops_whatever_a_value_could_have_smuggled_in() {
    let page = PageFile::of(1, PageMode::Decide);
    let broken = page.text().replace(
        "<noscript>",
        "<img src=http://leak.example/a onerror=alert(1)><script>alert(2)</script><noscript>",
    );
    std::fs::write(&page.path, broken).unwrap();
    let Some(mut open) = OpenPage::open(&page.path) else {
        return;
    };
    // Neither a script of the page itself nor one from outside gets markup past it.
    let refused = open
        .value("(() => { try { document.body.innerHTML = '<b>'; } catch (error) { return error.name; } })()");
    assert_eq!(refused, "TypeError");
    let left = open.leave();
    assert_eq!(left.requests, [""; 0]);
    let dialogs = |event: &&serde_json::Value| event["method"] == "Page.javascriptDialogOpening";
    assert_eq!(left.complaints.iter().filter(dialogs).count(), 0);
    // The listener of the test sees breaches where there are some.
    assert!(!left.complaints.is_empty());
}

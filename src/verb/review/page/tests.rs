//! What a page is made of. What it does in a browser, `tests/it/review_page` shows.

use super::super::samples::pair;
use super::*;
use crate::shown::hides;

fn written(options: &PageOptions, pairs: &[(QueuedPair, ComparedPair)]) -> String {
    let mut out = Vec::new();
    page(options, pairs, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn options() -> PageOptions {
    PageOptions::new("clinic", "2026-11-30T08:00:00Z")
}

/// Returns the content of the element that begins with this tag.
fn element<'p>(page: &'p str, tag: &str) -> &'p str {
    let (_, rest) = page.split_once(tag).expect("the element");
    rest.split_once("</").expect("its end").0
}

const HOSTILE: &str = "</script><script>alert(1)</script><!--\u{202e}&amp;\"'\u{0}\u{2028}";

#[test]
fn no_value_ends_the_data_or_hides_in_it() {
    let mut hostile = pair((4, 9), (HOSTILE, HOSTILE), &[(HOSTILE, HOSTILE, HOSTILE)]);
    hostile.0.band = HOSTILE.to_owned();
    hostile.1.why = vec![HOSTILE.to_owned()];
    hostile.1.others = vec![crate::review::OtherField {
        path: HOSTILE.to_owned(),
        a: Some(HOSTILE.to_owned()),
        b: None,
        redacted: false,
    }];
    let options = PageOptions::new(HOSTILE, HOSTILE).stage(HOSTILE.to_owned());
    let page = written(&options, &[hostile]);
    assert!(!page.contains("alert(1)</script>") && !page.contains("<!--"));
    assert!(!page.chars().any(|letter| hides(letter) && letter != '\n'));
    let data = element(&page, "id=\"data\">");
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    let safe = line(HOSTILE);
    let one = &data[0];
    for shown in [
        &one["a"]["id"],
        &one["band"],
        &one["note"][0],
        &one["why"][0],
        &one["fields"][0][0],
        &one["fields"][0][2],
        &one["others"][0][1],
    ] {
        assert_eq!(*shown, *safe);
    }
    assert!(one["others"][0][2].is_null());
}

#[test]
fn the_policy_names_the_script_and_the_style_and_allows_nothing_else() {
    let page = written(&options(), &[pair((4, 9), ("A:4", "C:9"), &[])]);
    let rules = format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src '{}'; style-src '{}'; \
         img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'\">",
        source_hash(element(&page, "<script>")),
        source_hash(element(&page, "<style>")),
    );
    let (before, behind) = page.split_once(&rules).expect("the rules");
    assert!(!before.contains("<script") && !before.contains("<style") && !before.contains("<link"));
    let tags = regex::Regex::new(r"<([a-zA-Z]+)( [^>]*)?>").unwrap();
    let markup = behind.replace(SCRIPT, "").replace(STYLE, "");
    for tag in tags.captures_iter(&markup) {
        let attributes = tag.get(2).map_or("", |attributes| attributes.as_str());
        for forbidden in [" src=", " on", " style=", " action="] {
            assert!(!attributes.contains(forbidden), "{}", &tag[0]);
        }
        if let Some((_, address)) = attributes.split_once("href=") {
            assert!(address.starts_with("\"#") || address.starts_with("\"data:,\""));
        }
    }
    for sink in [
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "Function(",
    ] {
        assert!(!SCRIPT.contains(sink), "{sink}");
    }
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
}

#[test]
fn the_sheet_has_the_name_of_the_stage_and_the_page_its_own_key() {
    let one = [pair((4, 9), ("A:4", "C:9"), &[])];
    let mut other = one.clone();
    other[0].0.stage = 5;
    let both = [one.clone(), other.clone()].concat();
    let setting = |options: &PageOptions, pairs: &[_], name: &str| {
        let page = written(options, pairs);
        let settings: serde_json::Value = serde_json::from_str(element(&page, "id=\"settings\">")).unwrap();
        settings[name].to_string()
    };
    let label = options().mode(PageMode::Label);
    for (options, pairs, name) in [
        (&options(), &one[..], "decisions-stage-4.csv"),
        (&label, &one, "labels-stage-4.csv"),
        (&options(), &both, "decisions.csv"),
        (&options(), &[], "decisions.csv"),
    ] {
        assert_eq!(setting(options, pairs, "file"), format!("\"{name}\""));
    }
    let keys = [&one[..], &other, &both, &[]].map(|pairs| setting(&options(), pairs, "key"));
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[2] != keys[3]);
    assert_eq!(setting(&options(), &one, "key"), keys[0]);
}

#[test]
fn a_page_of_five_thousand_pairs_stays_small() {
    let fields = [("given", "Johanna", "Johana"); 10];
    let few = written(&options(), &[pair((1, 10_001), ("A:1", "C:1"), &fields)]);
    let pairs: Vec<_> = (1..=5_000)
        .map(|number| pair((number, number + 10_000), ("A:1", "C:1"), &fields))
        .collect();
    let page = written(&options(), &pairs);
    let each = (page.len() - few.len()) / 4_999;
    assert!(
        each < 1_500 && few.len() < 60_000,
        "{each} bytes a pair, {} of page",
        few.len() - each
    );
}

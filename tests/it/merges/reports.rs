//! The section of a report on what a merge compared, found and merged, in its three forms.

use super::screens::duplicates;
use crate::support::browser::open_served;
use crate::support::world::Scene;

fn applied() -> Scene {
    let scene = duplicates();
    scene.exits(&["load", "records", "records/people.csv"], 0);
    scene.exits(&["apply"], 0);
    scene
}

#[test]
fn a_report_of_a_merge_has_its_figures_in_every_form() {
    let scene = applied();
    let run = scene.envelope(&["status"])["data"]["batches"].clone();
    assert!(run.is_number());
    let data = scene.envelope(&["report"])["data"].clone();
    let merge = &data["matching"][0];
    for figure in [
        "merged",
        "golden",
        "alone",
        "candidates",
        "expected",
        "found",
        "members",
    ] {
        assert!(
            merge[figure].as_u64().is_some_and(|figure| figure > 0),
            "{figure}: {merge}"
        );
    }
    assert_eq!(merge["wins"][0]["database"], "records");
    let fields: Vec<&str> = merge["model"]["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .filter_map(|field| field["name"].as_str())
        .collect();
    assert!(
        fields.contains(&"given") && fields.contains(&"place"),
        "{fields:?}"
    );
    assert_eq!(
        merge["queue"]["pairs"],
        scene.envelope(&["status"])["data"]["stages"][0]["review"]
    );
    let text = scene.run(&["report"]).out;
    let page = scene.exits(&["report", "--html", "-"], 0).out;
    let words = [
        format!(
            "{} merged into {} golden records",
            merge["merged"], merge["golden"]
        ),
        format!("{} expected to be one", merge["expected"]),
    ];
    for words in &words {
        assert!(text.contains(words.as_str()), "{words}: {text}");
    }
    let plain = regex::Regex::new("<[^>]+>")
        .unwrap()
        .replace_all(&page, "")
        .into_owned();
    let expected = format!(
        "{} records merged into {} golden records",
        merge["merged"], merge["golden"]
    );
    assert!(plain.contains(&expected), "{expected}");
    assert!(plain.contains(&format!("{} expected to be one", merge["expected"])));
    for title in ["Pairs by their score", "Keys", "Whose values survived", "Model"] {
        assert!(text.contains(title) && page.contains(title), "{title}");
    }
}

#[test]
fn the_chart_has_a_bar_for_each_score_and_its_bands_do_not_overlap() {
    let scene = applied();
    let data = scene.envelope(&["report"])["data"].clone();
    let bars = data["matching"][0]["histogram"].as_array().expect("bars").len();
    let page = scene.exits(&["report", "--html", "-"], 0).out;
    let chart = page
        .split_once("<figure class=\"course scores\">")
        .expect("a chart")
        .1;
    let path = chart
        .split_once("<path class=\"bars\" d=\"")
        .expect("bars")
        .1
        .split('"')
        .next()
        .expect("a path");
    assert_eq!(path.matches('Z').count(), bars);
    let rect = |class: &str| -> (i64, i64) {
        let rect = chart
            .split_once(&format!("<rect class=\"{class}\" x=\""))
            .expect(class)
            .1;
        let mut numbers = rect.split('"').filter_map(|part| part.parse::<i64>().ok());
        (numbers.next().expect("x"), numbers.next().expect("a width"))
    };
    let (review, auto) = (rect("review"), rect("auto"));
    assert!(
        review.1 > 0 && review.0 + review.1 == auto.0 && auto.0 + auto.1 == 10_000,
        "{review:?} {auto:?}"
    );
}

#[test]
fn in_a_browser_the_section_is_there_and_a_run_without_a_merge_has_none() {
    let scene = applied();
    let page = scene.exits(&["report", "--html", "-"], 0).out;
    if let Some(seen) = open_served(&page) {
        assert!(
            seen.dom
                .contains("<section id=\"matching\" aria-labelledby=\"matching-title\">")
        );
        let page_alone = matches!(&seen.requests[..], [only] if only.ends_with("/page HTTP/1.1"));
        assert!(page_alone, "{:?}", seen.requests);
    }
    let load = scene.exits(&["report", "2", "--html", "-"], 0).out;
    assert!(!load.contains("id=\"matching\"") && !load.contains("#matching"));
    assert!(scene.envelope(&["report", "2"])["data"]["matching"].is_null());
}

//! Every form has the same figures, to the cent.

use serde_json::Value as Json;

use super::{bank, list, number, page, read, shipped, text};

/// A number or an amount as the page writes it: `-1,234.50`.
fn grouped(number: impl std::fmt::Display) -> String {
    let number = number.to_string();
    let (sign, digits) = number.split_at(usize::from(number.starts_with('-')));
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let triples: Vec<&str> = whole
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|triple| std::str::from_utf8(triple).unwrap())
        .collect();
    format!("{sign}{}{fraction}", triples.join(","))
}

fn holds_all(told: &str, whole: &str, expected: &[String]) {
    let words: Vec<&str> = whole.split_whitespace().collect();
    let whole = words.join(" ");
    for one in expected {
        assert!(whole.contains(one.as_str()), "{told} lacks `{one}`: {whole}");
    }
}

/// The figures of a report, each as the text and as the page must say it.
fn figures(data: &Json) -> (Vec<String>, Vec<String>) {
    let (mut words, mut page) = (Vec::new(), Vec::new());
    const NAMES: [&str; 6] = ["read", "written", "unchanged", "filtered", "refused", "merged"];
    for pass in list(&data["outcomes"])
        .iter()
        .filter(|pass| pass["kind"] != "reconcile")
    {
        let counts = NAMES.map(|name| grouped(number(&pass["counts"][name])));
        words.push(counts.join(" "));
        page.push(format!("read {} written {}", counts[0], counts[1]));
        page.push(format!("refused {}", counts[4]));
    }
    for cause in list(&data["refused"]["causes"]) {
        let (records, standing) = (number(&cause["records"]), number(&cause["standing"]));
        let row = format!("{} {records} {standing}", text(&cause["code"]));
        words.push(row.clone());
        page.push(row);
        for example in list(&cause["examples"]) {
            let row = format!("{} {}", example["record"], text(&example["id"]));
            words.push(row.clone());
            page.push(row);
        }
    }
    let results = list(&data["reconciliation"])
        .iter()
        .flat_map(|look| list(&look["results"]));
    for result in results {
        for side in ["source", "target"] {
            let records = number(&result[format!("{side}_records")]);
            let amount = text(&result[format!("{side}_amount")]);
            words.push(format!("{side} {records} {amount}"));
            let name = side[..1].to_uppercase() + &side[1..];
            page.push(format!("{name} {} {}", grouped(records), grouped(amount)));
        }
        words.push(format!("difference {}", text(&result["difference"])));
        page.push(format!("Difference {}", grouped(text(&result["difference"]))));
    }
    let last = &data["evidence"]["last"];
    for hash in ["head", "tree_root"] {
        words.push(text(&last[hash]).to_owned());
        page.push(text(&last[hash]).to_owned());
    }
    for line in text(&data["evidence"]["checkpoint"]["note"]).lines() {
        words.push(line.to_owned());
        page.push(line.to_owned());
    }
    let summary = &data["summary"];
    for fact in ["command_line", "actor", "reason", "uuid", "tool", "host"] {
        words.push(text(&summary[fact]).to_owned());
        page.push(text(&summary[fact]).to_owned());
    }
    (words, page)
}

#[test]
fn the_json_the_text_and_the_page_say_the_same_figures() {
    for (scene, run) in [
        (bank(), "3"),
        (bank(), "4"),
        (
            {
                let scene = shipped("shop_recompute", "orders_v1");
                assert_eq!(scene.run(&["apply", "--reason", "by rule"]).code, 3);
                scene
            },
            "3",
        ),
    ] {
        let data = &scene.envelope(&["report", run])["data"];
        let (words, figures) = figures(data);
        assert!(words.len() > 10, "{words:?}");
        holds_all("the text", &scene.run(&["report", run]).out, &words);
        holds_all("the page", &read(&page(&scene, run)), &figures);
    }
}

#[test]
fn what_a_reconciliation_leaves_unexplained_is_reported_to_the_cent() {
    let scene = shipped("shop_recompute", "orders_v1");
    scene.run(&["apply"]);
    let data = &scene.envelope(&["report"])["data"];
    assert_eq!(data["summary"]["ending"], "unreconciled");
    let totals = &data["reconciliation"][0]["results"][0];
    assert_eq!(totals["unexplained"], "-14.75");
    let words = read(&page(&scene, "3"));
    for told in [
        "not reconciled 2 reconciliations have unexplained differences",
        "Source 295 10,825,104,418.08 refused 23 -8,124.87 unexplained 28 -14.75 Target 272 10,825,096,278.46",
        "Difference -8,139.62 Unexplained (28 keys beyond the tolerance) -14.75 Tolerance 0.00",
    ] {
        assert!(
            words.to_lowercase().contains(&told.to_lowercase()),
            "{told}: {words}"
        );
    }
}

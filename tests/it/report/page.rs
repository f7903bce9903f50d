//! The page in a browser: complete, still, and readable in light, in dark and in print.

use std::path::Path;
use std::process::Command;

use super::{bank, hostile, page};
use crate::support::browser::{Seen, open_file, open_served};
use crate::support::contrast::assert_distinct;

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
            let Some(seen) = seen else { continue };
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
    let Some(Seen { requests: seen, .. }) = open_file(&control) else {
        return;
    };
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
    let under_rules = open_file(&control).expect("the browser of before");
    assert_eq!(under_rules.requests, [""; 0]);
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
fn words_and_bars_are_distinct_from_the_paper_in_light_in_dark_and_in_print() {
    let scene = bank();
    let page = page(&scene, "3");
    assert_distinct(
        &page,
        &[
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
        ],
    );
}

#[test]
fn the_browser_is_installed_only_where_asked_and_once_however_many_tests_ask() {
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
    // Unasked, nothing is installed: the tests are left out, and it is said how they are run.
    let unasked = ask().output().unwrap();
    assert_eq!(unasked.status.code(), Some(3), "{unasked:?}");
    let told = String::from_utf8_lossy(&unasked.stderr);
    assert!(told.starts_with("NOT RUN: "), "{told}");
    assert!(told.contains("COUNTERFOIL_TEST_INSTALL=1 cargo test"), "{told}");
    assert!(unasked.stdout.is_empty() && !place("asked").exists());
    let ask = || {
        let mut command = ask();
        command.env("COUNTERFOIL_TEST_INSTALL", "1");
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
    assert!(refused.status.code() == Some(1) && refused.stdout.is_empty());
    // Continuous integration asks by its own variable.
    let by_ci = ask()
        .env_remove("COUNTERFOIL_TEST_INSTALL")
        .env("COUNTERFOIL_CI", "1")
        .output()
        .unwrap();
    assert_eq!(by_ci.stderr, refused.stderr);
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

//! What the command says of passes that make windows: readings and windows are not mixed, and what is no field is no group.

use counterfoil::apply::apply;
use counterfoil::observe::{Event, Observer};

use crate::support::world::{Scene, World};

const STAGE: &str = "[stage]
source = \"readings\"
target = \"windows\"
max_errors = 10
[aggregate]
by = \"s\"
time = \"t\"
every = \"1h\"
measures = { v = [\"mean\"] }
";

/// Sixty readings in six windows, of which three cannot be read.
fn scene() -> Scene {
    let scene = Scene::project(&[("0001_windows.toml", STAGE)]);
    let mut lines: Vec<String> = (0..60)
        .map(|at| {
            format!(
                r#"{{"id":"r{at}","s":{},"t":"2026-03-01T0{}:{at:02}:00Z","v":{at}}}"#,
                at % 2,
                at % 3
            )
        })
        .collect();
    lines.extend((0..3).map(|at| format!(r#"{{"id":"bad{at}","s":1,"t":"some day","v":1}}"#)));
    scene.load("readings", &lines, &[]);
    scene.exits(&["apply"], 3);
    scene
}

#[test]
fn history_and_report_count_readings_and_windows_apart() {
    let scene = scene();
    let said = "readings -> windows: 63 readings, 6 windows written, 3 readings refused";
    let history = scene.exits(&["history"], 0).out;
    assert!(history.contains(said), "{history}");
    let run = &scene.envelope(&["history"])["data"]["runs"][0];
    assert_eq!(run["passes"][0]["aggregate"]["readings"]["counted"], 60);
    let report = scene.exits(&["report"], 0).out;
    assert!(
        report.contains("63 readings, 6 windows written, 3 readings refused"),
        "{report}"
    );
    let report = scene.envelope(&["report"]);
    assert_eq!(report["data"]["speed"]["read"], 63, "{report}");
    let page = scene.path("report.html");
    let page = page.to_str().expect("a path");
    scene.exits(&["report", "--html", page], 0);
    let page = std::fs::read_to_string(page).expect("a page");
    assert!(
        page.contains("63 readings: 6 windows written, 3 readings refused"),
        "{page}"
    );
    assert!(!page.contains("9 read:"), "{page}");
}

#[test]
fn a_trace_says_counted_of_a_reading_and_deleted_of_what_was_deleted() {
    let scene = scene();
    let good = [r#"{"id":"bad0","s":1,"t":"2026-03-01T00:01:00Z","v":1}"#];
    scene.load("readings", &good, &["--replace"]);
    scene.exits(&["apply"], 0);
    let trace = scene.exits(&["trace", "readings", "bad0"], 0).out;
    assert!(trace.contains("counted") && !trace.contains("merged"), "{trace}");
    assert!(trace.contains("counted in window "), "{trace}");
    scene.exits(&["delete", "readings", "r1", "--reason", "a test"], 0);
    let trace = scene.exits(&["trace", "readings", "r1"], 0).out;
    assert!(trace.contains("deleted"), "{trace}");
}

#[test]
fn a_profile_by_a_field_that_no_record_has_is_a_mistake() {
    let scene = scene();
    let said = scene.exits(&["profile", "windows", "--by", "nosuch"], 2).err;
    assert!(
        said.contains("no record of `windows` has the field `nosuch`"),
        "{said}"
    );
    let said = scene.exits(&["profile", "windows", "--by", "v_maen"], 2).err;
    assert!(said.contains("did you mean `v_mean`?"), "{said}");
    scene.exits(&["profile", "windows", "--by", "v_mean"], 0);
}

/// The totals that passes begin with.
#[derive(Default)]
struct Totals(Vec<Option<u64>>);

impl Observer for Totals {
    fn observe(&mut self, event: &Event) {
        if let Event::PassBegins { total, .. } = event {
            self.0.push(*total);
        }
    }
}

#[test]
fn an_increment_of_windows_names_no_total_that_it_would_exceed() {
    let mut world = World::new("told", &[("0001_windows.toml", STAGE)]);
    let reading = |at: u32| format!(r#"{{"id":"r{at}","s":1,"t":"2026-03-01T00:{at:02}:00Z","v":{at}}}"#);
    world.load("readings", &(0..40).map(reading).collect::<Vec<_>>());
    let mut totals = Totals::default();
    apply(&mut world.store, &world.stages, &world.applying, &mut totals).expect("an apply");
    world.load("readings", &[reading(50)]);
    let report = apply(&mut world.store, &world.stages, &world.applying, &mut totals).expect("an apply");
    assert_eq!(totals.0, [Some(40), None]);
    assert_eq!(report.passes.len(), 1);
}

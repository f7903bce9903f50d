//! Slips of the pen: each is told with what there is, and what to do.

use super::super::support::world::Scene;

fn applied() -> Scene {
    let scene = Scene::clinic();
    scene.quietly(&["load", "records_v1", "readings.ndjson"]);
    scene.quietly(&["apply"]);
    scene
}

#[test]
fn a_name_that_nothing_has_is_refused_with_the_names_that_there_are() {
    let scene = applied();
    scene.run(&["rollback", "--to", "9", "--yes"]);
    scene.run(&["rollback", "--to", "one"]);
    scene.run(&["apply", "--to", "9"]);
    scene.run(&["quarantine", "retry", "--stage", "9"]);
    scene.run(&["quarantine", "retry", "--id", "nosuch"]);
    scene.run(&["quarantine", "waive", "--id", "nosuch", "--reason", "x"]);
    scene.run(&["trace", "records_v1", "nosuch"]);
    scene.run(&["-C", "nowhere", "check"]);
    scene.run(&[
        "export",
        "records_v2",
        "--format",
        "csv",
        "--columns",
        "id,celsus",
    ]);
    scene.run(&[
        "export",
        "records_v2",
        "--format",
        "csv",
        "--columns",
        "id,ward[*]",
    ]);
    scene.run(&["query", "records_v2", "--sort", "celsus", "--limit", "1"]);
    scene.run(&["query", "records_v2", "--sort", "patient"]);
    snapbox::assert_data_eq!(scene.transcript(), snapbox::file!["slips_names.txt"].raw());
}

#[test]
fn a_load_says_what_was_probably_meant() {
    let scene = Scene::clinic();
    scene.write("keys.ndjson", "{\"key\":\"1\",\"ward\":\"B2\"}\n");
    scene.run(&["load", "records_v1", "keys.ndjson"]);
    scene.write("keys.csv", "key,ward\n1,B2\n");
    scene.run(&["load", "records_v1", "keys.csv"]);
    scene.run(&["load", "record_v1", "keys.csv", "--id", "key"]);
    scene.write("other.csv", "key,ward\n1,C1\n");
    scene.run(&["load", "record_v1", "other.csv", "--id", "key"]);
    snapbox::assert_data_eq!(scene.transcript(), snapbox::file!["slips_load.txt"].raw());
}

#[test]
fn a_stage_file_that_is_gone_a_limit_and_a_conflict_say_what_to_do() {
    let scene = Scene::clinic();
    scene.quietly(&["load", "records_v1", "readings.ndjson"]);
    scene.run(&["apply", "--max-errors", "0"]);
    scene.run(&["apply", "--on-error", "stop"]);
    scene.run(&["apply", "--max-errors", "50%"]);
    scene.write("correction.ndjson", r#"{"id": "r1", "temp": "36.9 C"}"#);
    scene.run(&["load", "records_v2", "correction.ndjson", "--replace"]);
    scene.run(&["rollback", "--all", "--yes"]);
    std::fs::rename(scene.path("0002_wards.toml"), scene.path("wards.txt")).unwrap();
    scene.run(&["status"]);
    scene.run(&["apply"]);
    snapbox::assert_data_eq!(scene.transcript(), snapbox::file!["slips_stops.txt"].raw());
}

#[test]
fn dates_that_two_formats_read_differently_are_counted_and_reported() {
    let scene = Scene::named("dates", &[]);
    scene.write(
        "0001_days.toml",
        "[stage]\nsource = \"a1\"\ntarget = \"a2\"\n\n[[op]]\nop = \"parse_date\"\npath = \"d\"\nformats = [\"%d/%m/%Y\", \"%m/%d/%Y\"]\n",
    );
    scene.write(
        "days.ndjson",
        "{\"id\":\"1\",\"d\":\"02/03/2024\"}\n{\"id\":\"2\",\"d\":\"25/03/2024\"}\n",
    );
    scene.quietly(&["load", "a1", "days.ndjson"]);
    scene.run(&["check"]);
    scene.run(&["apply"]);
    snapbox::assert_data_eq!(scene.transcript(), snapbox::file!["slips_dates.txt"].raw());
}

#[test]
fn status_says_that_a_stage_stopped_at_its_error_limit_and_how_to_go_on() {
    let scene = Scene::named("limits", &[]);
    scene.write(
        "0001_exact.toml",
        "[stage]\nsource = \"a1\"\ntarget = \"a2\"\nmax_errors = \"50%\"\n\n[[op]]\nop = \"rename\"\nfrom = \"x\"\nto = \"y\"\n",
    );
    scene.write(
        "records.ndjson",
        "{\"id\":\"1\"}\n{\"id\":\"2\"}\n{\"id\":\"3\",\"x\":1}\n",
    );
    scene.quietly(&["load", "a1", "records.ndjson"]);
    scene.quietly(&["apply"]);
    scene.run(&["status"]);
    let limit = "stage 1 refused 2 records, but its limit allows 1: `counterfoil quarantine list` shows why; correct and load \
                 the records, or waive them with `counterfoil quarantine waive --all --reason TEXT`, and the next \
                 `counterfoil apply` continues; or allow them with `counterfoil apply --max-errors N`";
    let told = scene.transcript();
    assert!(told.contains(limit), "{told}");
}

#[test]
fn a_project_under_another_name_is_reported_and_nothing_is_applied_twice() {
    let scene = applied();
    scene.write("counterfoil.toml", "name = \"klinik\"\n");
    for command in ["plan", "apply"] {
        let ran = scene.quietly(&[command]);
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert!(
            ran.err.contains("`name = \"clinic\"` in counterfoil.toml"),
            "{}",
            ran.err
        );
    }
    let ran = scene.quietly(&["status"]);
    assert!(ran.err.contains("the project `clinic`"), "{}", ran.err);
}

#[test]
fn a_load_reports_its_own_refused_lines_only() {
    let scene = Scene::clinic();
    scene.write("broken.ndjson", "{\"id\":\n");
    scene.write(
        "twice.ndjson",
        "{\"id\":\"x1\",\"ward\":\"A\"}\n{\"id\":\"x1\",\"ward\":\"B\"}\n",
    );
    let ran = scene.quietly(&["load", "records_v1", "broken.ndjson"]);
    assert!(ran.out.contains("json.syntax"), "{}", ran.out);
    let ran = scene.quietly(&["load", "records_v1", "twice.ndjson"]);
    assert!(
        ran.out.contains("load.exists") && !ran.out.contains("json.syntax"),
        "{}",
        ran.out
    );
    let listed = scene.quietly(&["quarantine", "list", "--code", "nosuch.code"]);
    assert!(listed.out.contains("No match in quarantine"), "{}", listed.out);
}

#[test]
fn a_correction_that_is_refused_says_that_the_earlier_version_stays() {
    let scene = Scene::clinic();
    const READING: &str = "{\"id\": \"r1\", \"patient\": \"Lovelace\", \"ward\": \"B2\", \"temp\": \"37.1 C\", \"weight\": 6.00}\n";
    std::fs::remove_file(scene.path("0002_wards.toml")).expect("the stage in place");
    scene.write("one.ndjson", READING);
    scene.quietly(&["load", "records_v1", "one.ndjson"]);
    let ran = scene.quietly(&["apply", "--max-errors", "100%"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    scene.write("one.ndjson", READING.replace("37.1", "hot"));
    scene.quietly(&["load", "records_v1", "one.ndjson", "--replace"]);
    let ran = scene.quietly(&["apply", "--max-errors", "100%"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(
        ran.err
            .contains("1 refused correction of stage 1: the earlier versions stay in records_v2"),
        "{}",
        ran.err
    );
    let ran = scene.quietly(&["quarantine", "show", "r1"]);
    assert!(
        ran.out.contains("an earlier version of it stays in records_v2"),
        "{}",
        ran.out
    );
}

#[test]
fn where_every_record_is_refused_alike_the_stage_is_looked_at_too() {
    let of = |redact: &str, path: &str| {
        let scene = Scene::named("paths", &[]);
        scene.write(
            "0001_sums.toml",
            format!(
                "[stage]\nsource = \"a1\"\ntarget = \"a2\"\n{redact}\n[[op]]\nop = \"decimal\"\npath = \"{path}\"\n"
            ),
        );
        scene.write(
            "records.ndjson",
            "{\"id\":\"1\",\"betrag\":\"1.5\",\"of\":{\"netto\":\"1\"}}\n{\"id\":\"2\",\"betrag\":\"x\",\"of\":{\"netto\":\"1\"}}\n",
        );
        scene.quietly(&["load", "a1", "records.ndjson"]);
        scene
    };
    let advice = |verb: &str, place: &str, meant: &str| {
        format!(
            "stage 1 sums {verb} all 2 records for the same reason, decimal.missing at {place}: the stage itself may be wrong, \
             so check the path in 0001_sums.toml:5:1 too{meant}\n"
        )
    };
    for (redact, path, place, meant) in [
        ("", "betrg", "/betrg", ": did you mean `betrag`?"),
        ("", "of.neto", "/of/neto", ": did you mean `netto`?"),
        ("", "quantity", "/quantity", ""),
        // Names can be what is redacted.
        ("redact = [\"of\"]", "betrg", "/betrg", ""),
    ] {
        let scene = of(redact, path);
        let planned = scene.quietly(&["plan", "--examples", "0"]);
        assert!(
            planned.err.contains(&advice("would refuse", place, meant)),
            "{}",
            planned.err
        );
        let bare = "Would be refused\ncode             records\ndecimal.missing        2\n";
        assert!(planned.out.contains(bare), "{}", planned.out);
        for apply in [&["apply"][..], &["apply", "--max-errors", "100%"]] {
            let applied = scene.quietly(apply);
            assert!(
                applied.err.contains(&advice("refused", place, meant)),
                "{}",
                applied.err
            );
        }
    }
    let scene = of("", "betrag");
    for command in [&["plan"][..], &["apply", "--max-errors", "100%"]] {
        let ran = scene.quietly(command);
        assert!(!ran.err.contains("alike"), "{}", ran.err);
    }
}

#[test]
fn a_condition_that_no_record_can_be_judged_by_is_refused_before_any_is_read() {
    let scene = applied();
    for (condition, told) in [
        (
            "len(doc.id)",
            "a condition must be true or false, and this is a number",
        ),
        ("now() - now()", "dates cannot be subtracted"),
    ] {
        let said = scene.quietly(&["query", "records_v1", "--where", condition]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{}", said.err);
        assert!(said.err.contains(told), "{}", said.err);
    }
}

//! `load --types`: what a cell becomes is decided by what was there before the load, and whatever is not clear is refused
//! with what is so.

use counterfoil::input::{Cells, Types};
use counterfoil::load::LoadOptions;
use counterfoil::observe::{Observer, Silent, StopSignal};
use proptest::prelude::*;

use crate::support::world::{Scene, StopAfter, World};

fn scene(records: &str) -> Scene {
    let scene = Scene::named("p", &[("r.ndjson", records)]);
    scene.exits(&["load", "r", "r.ndjson"], 0);
    scene
}

fn typed(stop: StopSignal) -> LoadOptions {
    LoadOptions::default()
        .replace(true)
        .cells(Cells::default().types(Types::Existing))
        .batch_size(1)
        .stop(stop)
}

/// What a load makes that is stopped after so many batches, and goes on.
fn loaded(records: &str, table: &str, stops: Option<usize>) -> Vec<String> {
    let mut world = World::new("none", &[]);
    world.load_file("a", "r.ndjson", records, &LoadOptions::default(), &mut Silent);
    let mut load = |options: &LoadOptions, observer: &mut dyn Observer| {
        world.load_file("a", "t.csv", table, options, observer)
    };
    if let Some(batches) = stops {
        let stop = StopSignal::default();
        let cut = load(&typed(stop.clone()), &mut StopAfter(batches, stop));
        assert!(cut.stopped.is_some(), "{cut:?}");
    }
    let whole = load(&typed(StopSignal::default()), &mut Silent);
    assert_eq!(whole.resumed, stops.is_some());
    let records = world.rows("a");
    records.into_iter().map(|record| record.data).collect()
}

#[test]
fn a_load_that_was_interrupted_reads_cells_as_one_that_was_not() {
    let (records, table) = (
        "{\"id\":\"0\",\"v\":null,\"n\":1}\n",
        "id,v,n\n1,a,2\n2,,3\n3,b,4\n",
    );
    let whole = loaded(records, table, None);
    assert_eq!(whole[2], "{\"id\":\"2\",\"n\":3}");
    for batches in 1..3 {
        assert_eq!(loaded(records, table, Some(batches)), whole, "{batches}");
    }
}

#[test]
fn a_request_to_stop_is_heard_while_the_columns_are_looked_at() {
    let mut world = World::new("none", &[]);
    let records = "{\"id\":\"0\",\"v\":1}\n";
    world.load_file("a", "r.ndjson", records, &LoadOptions::default(), &mut Silent);
    let stop = StopSignal::default();
    stop.ask();
    let report = world.load_file("a", "t.csv", "id,v\n0,2\n", &typed(stop), &mut Silent);
    assert!(report.stopped.is_some() && !report.processed, "{report:?}");
    assert_eq!(report.pass, 0);
}

#[test]
fn one_reading_reports_whether_a_cell_is_a_number_and_whether_it_is_the_same() {
    let scene = scene("{\"id\":\"1\",\"n\":5000}\n{\"id\":\"2\",\"n\":5.10}\n{\"id\":\"3\",\"n\":7}\n");
    scene.write("t.csv", "id,n\n1,5_000\n2,5.1\n3, 7e0 \n");
    let report = scene.envelope(&["load", "r", "t.csv", "--replace", "--types"]);
    let counts = &report["data"]["counts"];
    assert_eq!(counts["refused"], 1, "{report}");
    assert_eq!(counts["unchanged"], 2, "{report}");
}

#[test]
fn what_is_so_is_said() {
    let scene = scene(
        "{\"id\":\"1\",\"m\":1,\"t\":\"a\"}\n{\"id\":\"2\",\"m\":\"x\",\"t\":\"b\"}\n{\"id\":\"3\",\"m\":null,\"t\":\"c\"}\n",
    );
    scene.write("t.csv", "id,m\n3,y\n9,y\n");
    scene.exits(&["load", "r", "t.csv", "--replace", "--types"], 3);
    let list = scene.run(&["quarantine", "list"]).out;
    for expected in ["a record with this id", "a value here already"] {
        assert!(list.contains(expected), "{list}");
    }
    // A text that becomes null becomes no text.
    scene.write("n.csv", "id,t\n1,NULL\n");
    let refused = scene.exits(&["load", "r", "n.csv", "--replace", "--null", "NULL"], 2);
    let expected = "a string in the column `t`, where this CSV would put null";
    assert!(refused.err.contains(expected), "{}", refused.err);
    scene.exits(
        &["load", "r", "n.csv", "--replace", "--null", "NULL", "--types"],
        0,
    );
    assert!(scene.run(&["export", "r"]).out.contains("\"m\":1,\"t\":null"));
}

#[test]
fn a_text_that_may_stand_for_null_or_for_nothing_is_refused_until_it_is_said() {
    let records = "{\"id\":\"1\",\"d\":null,\"e\":\"e\"}\n{\"id\":\"2\",\"d\":\"x\"}\n{\"id\":\"3\",\"d\":null,\"e\":\"f\"}\n";
    let scene = scene(records);
    scene.write("t.csv", "id,d,e\n1,NULL,e\n2,x,MISSING\n3,d3,f\n");
    let load = ["load", "r", "t.csv", "--replace", "--types"];
    let refused = scene.exits(&load, 3);
    for (code, count) in [("load.null", "2"), ("load.missing", "1")] {
        let is_reported = |line: &str| line.contains(code) && line.ends_with(count);
        assert!(refused.out.lines().any(is_reported), "{code}: {}", refused.out);
    }
    let list = scene.run(&["quarantine", "list"]).out;
    assert!(
        list.contains("`--null TEXT`") && list.contains("`--missing TEXT`"),
        "{list}"
    );
    assert_eq!(scene.run(&["export", "r"]).out, records);
    let said = [&load[..], &["--null", "NULL", "--missing", "MISSING"]].concat();
    scene.exits(&said, 0);
    let expected = records.replace("\"3\",\"d\":null", "\"3\",\"d\":\"d3\"");
    assert_eq!(scene.run(&["export", "r"]).out, expected);
}

#[test]
fn what_a_cell_says_to_be_missing_is_taken_away() {
    let scene = scene("{\"id\":\"1\",\"a\":1,\"o\":{\"x\":1,\"y\":2},\"k\":0}\n");
    scene.write("t.csv", "id,a,o.x\n1,-,-\n2,3,-\n");
    let load = ["load", "r", "t.csv", "--replace", "--types", "--missing", "-"];
    scene.exits(&load, 0);
    let expected = "{\"id\":\"1\",\"o\":{\"y\":2},\"k\":0}\n{\"id\":\"2\",\"a\":3}\n";
    assert_eq!(scene.run(&["export", "r"]).out, expected);
}

fn field() -> impl Strategy<Value = Option<&'static str>> {
    let values = ["null", "\"\"", "\"t\"", "1.50", "true", "[1]", "{\"x\":null}"];
    prop::option::weighted(0.7, prop::sample::select(values.to_vec()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_the_export_recommends_comes_back_as_it_went_out(rows in prop::collection::vec((field(), field()), 1..8)) {
        let lines: String = rows.iter().enumerate().map(|(at, (a, b))| {
            let part = |name: &str, value: &Option<&str>| value.map(|value| format!(",\"{name}\":{value}"));
            let parts = [part("a", a), part("b", b)].into_iter().flatten().collect::<String>();
            format!("{{\"id\":\"r{at}\"{parts}}}\n")
        }).collect();
        let lines = lines + "{\"id\":\"all\",\"a\":\"x\",\"b\":\"y\"}\n";
        let scene = scene(&lines);
        let apart = ["--null", "NULL", "--missing", "MISSING"];
        let export = ["export", "r", "--format", "csv", "--columns", "id,a,b", "--output", "out.csv"];
        scene.exits(&[&export[..], &apart[..]].concat(), 0);
        let load = [&["load", "r", "out.csv", "--replace", "--types"], &apart[..]].concat();
        let report = scene.envelope(&load);
        prop_assert_eq!(&report["data"]["counts"]["unchanged"], rows.len() + 1, "{}", report);
        prop_assert_eq!(scene.run(&["export", "r"]).out, lines);
    }
}

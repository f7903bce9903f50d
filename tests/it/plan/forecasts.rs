//! A plan is what an apply does, and says where it would stop.

use std::collections::BTreeMap;
use std::fs;

use counterfoil::apply::apply;
use counterfoil::observe::{Silent, StopSignal};
use counterfoil::plan::{PlanOptions, plan};
use serde_json::Value as Json;

use super::{bank, done, empty, load, outcomes, shop, snapshot};
use crate::support::world::{Scene, StopAfter, World};

/// Refused records by stage and code: of a plan, or of what stands in quarantine after an apply.
fn planned_refusals(plan: &Json) -> BTreeMap<(u64, String), u64> {
    let stages = plan["stages"].as_array().expect("stages").iter();
    let of_stage = |stage: &Json| {
        let number = stage["stage"].as_u64().expect("a number");
        let groups = stage["refusals"].as_array().expect("refusals").clone();
        groups.into_iter().map(move |group| {
            let code = group["code"].as_str().expect("a code").to_owned();
            ((number, code), group["records"].as_u64().expect("a count"))
        })
    };
    stages.flat_map(of_stage).collect()
}

fn actual_refusals(applied: &Json) -> BTreeMap<(u64, String), u64> {
    let refusals = applied["refusals"].as_array().expect("refusals").iter();
    let one = |refusal: &Json| {
        let code = refusal["code"].as_str().expect("a code").to_owned();
        let key = (refusal["stage"].as_u64().expect("a stage"), code);
        (key, refusal["records"].as_u64().expect("a count"))
    };
    refusals.map(one).collect()
}

/// Plans and applies, and compares.
fn assert_plan_is_what_apply_does(project: &Scene, options: &[&str]) -> (Json, Json) {
    let before = snapshot(project);
    let planned = project.run(&[&["plan", "--json"], options].concat());
    assert_eq!(before, snapshot(project), "a plan writes nothing");
    let size = before["store.db"].len() as u64;
    let applied = project.run(&[&["apply", "--json"], options].concat());
    assert_eq!(planned.code, applied.code, "{planned:?} {applied:?}");
    let (planned, applied) = (planned.data(), applied.data());
    assert_eq!(outcomes(&planned["stages"]), outcomes(&applied["passes"]));
    assert_eq!(planned_refusals(&planned), actual_refusals(&applied));
    let grown = fs::metadata(project.store()).expect("a store").len() - size;
    let growth = planned["growth"].as_u64().expect("a growth");
    let near = grown / 2..=grown * 2;
    assert!(near.contains(&growth), "{growth} planned, {grown} grown");
    (planned, applied)
}

#[test]
fn a_plan_of_the_shop_is_what_apply_does() {
    let project = shop();
    let (planned, _) = assert_plan_is_what_apply_does(&project, &["--max-errors", "100%"]);
    let stage = &planned["stages"][0];
    assert_eq!(stage["passes"][0]["kind"], "first");
    let split = &stage["operations"][2];
    let refused = planned_refusals(&planned)[&(1, "address.unparsed".to_owned())];
    assert_eq!(
        (split["op"].as_str(), split["refused"].as_u64()),
        (Some("split"), Some(refused))
    );
    assert_eq!(split["reversibility"], "exact");
    let again = project.run(&["plan", "--json"]).data();
    assert_eq!(
        (again["stages"].as_array().map(Vec::len), &again["up_to_date"]),
        (Some(0), &serde_json::json!([1]))
    );
}

#[test]
fn a_plan_of_the_bank_shows_later_stages_what_earlier_ones_would_write() {
    let project = bank();
    let options = ["--max-errors", "100%"];
    let (planned, _) = assert_plan_is_what_apply_does(&project, &options);
    assert_eq!(planned["stages"].as_array().map(Vec::len), Some(3));
    let sample = &planned["stages"][1]["samples"][0]["fields"];
    let added = sample
        .as_array()
        .expect("fields")
        .iter()
        .find(|field| field["pointer"] == "/currency");
    assert_eq!(added.expect("a field that is new")["after"], "\"USD\"");
    assert!(planned["stages"][1]["image_bytes"].as_u64() > Some(0));
    let lints = planned["stages"][1]["lints"].as_array().expect("lints");
    assert!(
        lints.iter().any(|lint| lint["code"] == "check.lossy"),
        "{lints:?}"
    );
    // A correction and some new records go through all three.
    let changed = r#"{"tx_ref":"TX-NEW-1","acct_no":"A1","tx_date":"2024-01-02","tx_amt":"12.50"}
{"tx_ref":"TX-NEW-2","acct_no":"A1","tx_date":"2024-01-02","tx_amt":"12.50"}
"#;
    project.write("more.ndjson", changed);
    load(
        &project,
        "legacy_transactions",
        &project.path("more.ndjson").display().to_string(),
        "tx_ref",
    );
    let (planned, _) = assert_plan_is_what_apply_does_with_little(&project);
    let read = outcomes(&planned["stages"])
        .values()
        .map(|counts| counts["read"])
        .collect::<Vec<_>>();
    assert_eq!(read, [2, 2, 2]);
    assert_eq!(planned["stages"][2]["passes"][0]["kind"], "later");
}

/// As above; a handful of records grows a file by whole pages, which no estimate tells.
fn assert_plan_is_what_apply_does_with_little(project: &Scene) -> (Json, Json) {
    let before = snapshot(project);
    let planned = project.run(&["plan", "--json"]).data();
    assert_eq!(before, snapshot(project), "a plan writes nothing");
    let applied = project.run(&["apply", "--json"]).data();
    assert_eq!(outcomes(&planned["stages"]), outcomes(&applied["passes"]));
    (planned, applied)
}

#[test]
fn a_plan_of_the_northwind_orders_is_what_apply_does() {
    let Ok(folder) = std::env::var("COUNTERFOIL_REAL_DATA") else {
        eprintln!("COUNTERFOIL_REAL_DATA names no folder with the Northwind orders: they are not planned");
        return;
    };
    let project = empty("shop");
    load(
        &project,
        "orders_v1",
        &format!("{folder}/shop/northwind_orders_v1.ndjson"),
        "order_id",
    );
    let (planned, _) = assert_plan_is_what_apply_does(&project, &["--max-errors", "100%"]);
    let counts = &outcomes(&planned["stages"])[&1];
    assert_eq!(
        (counts["read"], counts["written"], counts["refused"]),
        (830, 122, 708)
    );
}

#[test]
fn a_plan_says_where_apply_would_stop_and_counts_all_the_same() {
    let project = shop();
    let planned = project.run(&["plan", "--json", "--max-errors", "5"]);
    assert_eq!(planned.code, 3);
    let stage = planned.data()["stages"][0].clone();
    assert_eq!(stage["stops"]["limit"], 5);
    assert_eq!(stage["stops"]["refused"], stage["counts"]["refused"]);
    assert_eq!(stage["counts"]["read"], stage["records"]);
    assert_eq!(project.run(&["apply", "--max-errors", "5"]).code, 6);
    // What was interrupted is planned to its end.
    let planned = project.run(&["plan", "--json"]).data();
    assert_eq!(planned["stages"][0]["passes"][0]["kind"], "resumed");
    let left = planned["stages"][0]["counts"]["read"].as_u64().expect("a count");
    let applied = project.run(&["apply", "--json", "--max-errors", "100%"]).data();
    let read = outcomes(&applied["passes"])[&1]["read"];
    assert!(left > 0 && left < read, "{left} of {read}");
}

#[test]
fn a_sample_is_spread_over_the_source_and_says_that_it_is_one() {
    let project = bank();
    let planned = project.run(&["plan", "--json", "--sample", "30"]).data();
    for stage in planned["stages"].as_array().expect("stages") {
        let (tried, all) = (
            stage["counts"]["read"].as_u64().unwrap(),
            stage["records"].as_u64().unwrap(),
        );
        assert!(
            (20..=30).contains(&tried) && all > 100,
            "{tried} of {all} in {}",
            stage["slug"]
        );
    }
    let whole = project.run(&["plan", "--json"]).data();
    let (some, all) = (
        planned["growth"].as_u64().unwrap(),
        whole["growth"].as_u64().unwrap(),
    );
    assert!(
        some > all / 2 && some < all * 2,
        "{some} from a sample, {all} from all"
    );
    let said = project.run(&["plan", "--sample", "30"]);
    assert!(said.out.contains("a sample: 30 of"), "{}", said.out);
    assert_eq!(project.run(&["plan", "--sample", "0"]).code, 2);
}

#[test]
fn what_a_stage_in_place_had_refused_is_not_planned_again_where_an_earlier_stage_leaves_it_out() {
    let copy = "[stage]\nsource = \"a\"\ntarget = \"b\"\nwhere = \"= doc.n != 5\"\nmax_errors = \"100%\"\n";
    let in_place =
        "[stage]\nsource = \"b\"\nmax_errors = \"100%\"\n[contract.target.properties.n]\nmaximum = 9\n";
    let project = Scene::project(&[("0001_copy.toml", copy), ("0002_small.toml", in_place)]);
    let put = |n: u32| {
        project.write("a.ndjson", format!("{{\"id\":\"x\",\"n\":{n}}}\n"));
        let path = project.path("a.ndjson").display().to_string();
        done(&project.run(&["load", "a", &path, "--replace"]));
    };
    put(22);
    done(&project.run(&["apply"]));
    put(5);
    let planned = project.run(&["plan", "--json"]).data();
    let applied = project.run(&["apply", "--json"]).data();
    assert_eq!(outcomes(&planned["stages"]), outcomes(&applied["passes"]));
    assert_eq!(planned["stages"][1]["counts"]["filtered"], 1, "{planned}");
}

#[test]
fn what_is_derived_from_a_record_that_is_deleted_leaves_the_quarantine_of_a_later_stage_with_it() {
    let parts = "[stage]\nsource = \"a\"\ntarget = \"b\"\nmax_errors = \"100%\"\n[[op]]\nop = \"derive\"\npath = \"items\"\n\
                 [[op]]\nop = \"rekey\"\nid = \"= doc.code\"\n";
    let small = "[stage]\nsource = \"b\"\nmax_errors = \"100%\"\n[[contract.rule]]\nname = \"small\"\nexpect = \"= doc.n < 5\"\n";
    let project = Scene::project(&[("0001_parts.toml", parts), ("0002_small.toml", small)]);
    let line = "{\"id\":\"1\",\"items\":[{\"code\":\"p\",\"n\":9},{\"code\":\"q\",\"n\":1}]}\n";
    project.write("a.ndjson", line);
    load(
        &project,
        "a",
        &project.path("a.ndjson").display().to_string(),
        "id",
    );
    done(&project.run(&["apply"]));
    done(&project.run(&["delete", "a", "1", "--reason", "left"]));
    let planned = project.run(&["plan", "--json"]).data();
    let applied = project.run(&["apply", "--json"]).data();
    assert_eq!(outcomes(&planned["stages"]), outcomes(&applied["passes"]));
    let listed = project.run(&["quarantine", "list", "--json"]).data();
    assert_eq!(
        listed["records"],
        serde_json::json!([]),
        "nothing waits for a record that is gone"
    );
    project.write("0002_small.toml", small.replace("< 5", "< 50"));
    done(&project.run(&["apply", "--revise", "--reason", "more"]));
    let left = project.run(&["export", "b"]);
    assert_eq!(left.out, "", "{left:?}");
    assert_eq!(project.run(&["verify"]).code, 0);
}

/// Two stages one after the other: the second was stopped when it had read some records and not all, of those that a person
/// has left.
fn stopped_in_the_second() -> World {
    let files = [
        ("0001_b.toml", "[stage]\nsource = \"a\"\ntarget = \"b\"\n"),
        ("0002_c.toml", "[stage]\nsource = \"b\"\ntarget = \"c\"\n"),
    ];
    let mut world = World::in_batches_of(2, "overtaken", &files);
    let records = (1..=6).map(|n| format!(r#"{{"id":"r{n}","n":{n}}}"#));
    world.load("a", &records.collect::<Vec<_>>());
    world.apply_with(&world.applying.clone().to(1));
    world.delete("b", "r6");
    let signal = StopSignal::default();
    let options = world.applying.clone().stop(signal.clone());
    let mut observer = StopAfter(1, signal);
    apply(&mut world.store, &world.stages, &options, &mut observer).expect("an apply");
    assert_eq!(world.rows("c").len(), 2);
    world
}

#[test]
fn a_plan_knows_that_an_earlier_stage_would_overtake_a_stopped_pass() {
    let mut world = stopped_in_the_second();
    world.put("a", "r1", r#"{"id":"r1","n":10}"#);
    let options = PlanOptions::default().apply(world.applying.clone());
    let planned = plan(&world.store, &world.stages, &options, &mut Silent).expect("a plan");
    let planned: Vec<_> = (planned.stages.iter())
        .map(|stage| (stage.stage, stage.counts))
        .collect();
    let done: Vec<_> = (world.apply().passes.iter())
        .map(|pass| (pass.stage, pass.counts))
        .collect();
    assert_eq!(planned, done);
}

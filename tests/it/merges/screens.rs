//! Every screen of a merge, as a golden transcript, and what its JSON has.

use serde_json::Value as Json;

use crate::support::world::{Scene, copy_tree, migration};

/// The shipped duplicates, with a line for merging that leaves some pairs to a person.
pub(super) fn duplicates() -> Scene {
    let scene = Scene::new();
    copy_tree(&migration("febrl"), &scene.path(""));
    let stage = std::fs::read_to_string(scene.path("0001_people.toml")).expect("the stage");
    let (before, after) = stage.split_once("[merge.identity]").expect("what identifies");
    scene.write(
        "0001_people.toml",
        format!("{before}[merge]\nauto = 0.999\n\n[merge.identity]{after}"),
    );
    scene
}

#[test]
fn a_merge_is_shown_from_its_plan_to_the_history_of_a_golden_record() {
    let scene = duplicates();
    scene.run(&["load", "records", "records/people.csv"]);
    scene.run(&["plan", "--examples", "1"]);
    scene.run(&["apply", "--reason", "one record per person"]);
    scene.run(&["status"]);
    scene.run(&["history", "--limit", "1"]);
    scene.run(&["trace", "records", "rec-70-dup-1"]);
    snapbox::assert_data_eq!(
        super::lasting(&scene.transcript()),
        snapbox::file!["duplicates.txt"].raw()
    );
}

#[test]
fn the_pairs_that_wait_are_counted_in_status_as_the_view_has_them() {
    let scene = duplicates();
    scene.exits(&["load", "records", "records/people.csv"], 0);
    scene.exits(&["apply"], 0);
    let status = &scene.envelope(&["status"])["data"]["stages"][0];
    let store = rusqlite::Connection::open(scene.store()).unwrap();
    let view: i64 = store
        .query_row("SELECT count(*) FROM audit_review WHERE number=1", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert!(view > 0 && status["review"] == view, "{view}: {status}");
    assert!(
        status["out"].is_null(),
        "records that are merged are not one of each: {status}"
    );
}

#[test]
fn a_plan_and_the_apply_after_it_say_the_same_of_a_merge() {
    let scene = duplicates();
    scene.exits(&["load", "records", "records/people.csv"], 0);
    let plan = scene.envelope(&["plan", "--out", "plan.json"])["data"].clone();
    let planned = &plan["stages"][0];
    let applied = scene.envelope(&["apply", "--plan", "plan.json"])["data"].clone();
    let pass = &applied["passes"][0];
    assert_eq!(planned["counts"], pass["counts"]);
    assert_eq!(planned["out"], pass["out"]);
    let (planned, applied) = (&planned["merge"], &pass["merge"]);
    for figure in [
        "merged",
        "golden",
        "alone",
        "members",
        "candidates",
        "expected",
        "found",
        "alarm",
        "lines",
        "review",
        "clusters",
        "keyless",
        "keys",
        "histogram",
        "model_sha256",
        "clusters_sha256",
    ] {
        assert!(!applied[figure].is_null(), "{figure}");
        assert_eq!(planned[figure], applied[figure], "{figure}");
    }
    let pinned = &plan["pin"]["merges"][0];
    assert_eq!(pinned["stage"], 1);
    for hash in ["model_sha256", "clusters_sha256"] {
        assert_eq!(pinned[hash], applied[hash]);
    }
    // Clusters, pairs and records add up.
    let number = |value: &Json| value.as_u64().expect("a count");
    let clusters = applied["clusters"].as_object().expect("sizes");
    let of_clusters: u64 = clusters
        .iter()
        .map(|(members, clusters)| members.parse::<u64>().expect("a size") * number(clusters))
        .sum();
    assert_eq!(of_clusters, number(&applied["members"]));
    assert_eq!(
        number(&applied["merged"]) + number(&applied["alone"]),
        number(&applied["members"])
    );
    assert_eq!(
        number(&applied["golden"]) + number(&applied["alone"]),
        number(&pass["out"])
    );
    let bars = applied["histogram"].as_array().expect("bars");
    let pairs: u64 = bars.iter().map(|bar| number(&bar["pairs"])).sum();
    assert_eq!(pairs, number(&applied["candidates"]));
    for pair in planned["below"].as_array().expect("pairs") {
        assert!(pair["band"].is_string() && pair["a_id"].is_string(), "{pair}");
    }
}

#[test]
fn a_member_and_its_golden_record_lead_to_each_other() {
    let scene = duplicates();
    scene.exits(&["load", "records", "records/people.csv"], 0);
    scene.exits(&["apply"], 0);
    let of_member = scene.envelope(&["trace", "records", "rec-70-dup-1"])["data"].clone();
    let golden = &of_member["golden"][0];
    let id = golden["id"].as_str().expect("an id");
    let of_golden = scene.envelope(&["trace", "people", id])["data"].clone();
    assert_eq!(&of_golden["golden"][0], golden);
    let members = golden["members"].as_array().expect("members");
    let ids: Vec<&str> = members
        .iter()
        .filter_map(|member| member["id"].as_str())
        .collect();
    assert!(
        ids.contains(&"rec-70-dup-1") && ids.contains(&"rec-70-org"),
        "{ids:?}"
    );
    for member in members {
        assert!(
            member["bits"].is_number() && member["by"][0].is_string(),
            "{member}"
        );
    }
    let steps = of_member["steps"].as_array().expect("steps");
    let merged: Vec<&Json> = steps
        .iter()
        .filter(|step| step["merge"]["with"].is_array())
        .collect();
    assert!(!merged.is_empty());
    let alone = scene.run(&["trace", "records", "rec-78-org"]);
    assert!(alone.out.contains("with 1 record, by stage 1"), "{}", alone.out);
}

#[test]
fn a_merge_that_had_no_time_to_compare_says_that_it_begins_again() {
    let scene = duplicates();
    scene.exits(&["load", "records", "records/people.csv"], 0);
    let said = scene.run(&["apply", "--max-time", "0s"]);
    assert_eq!(said.code, 6);
    assert!(
        said.err.contains("give it more time with `--max-time`"),
        "{}",
        said.err
    );
    scene.exits(&["apply"], 0);
}

#[test]
fn a_plan_lists_the_pairs_that_wait_although_they_are_above_the_line() {
    let scene = duplicates();
    let stage = std::fs::read_to_string(scene.path("0001_people.toml")).expect("the stage");
    let conflict = "\n[[merge.conflict]]\nname = \"same\"\nwhen = \"= a.surname == b.surname\"\n";
    scene.write("0001_people.toml", stage + conflict);
    scene.exits(&["load", "records", "records/people.csv"], 0);
    let text = scene.exits(&["plan"], 0).out;
    let listed = text.split_once("Above the line for merging, but waiting for a decision\n");
    let listed = listed.unwrap_or_else(|| panic!("{text}")).1;
    let listed = listed.split_once("\n\n").expect("other parts follow").0;
    assert!(listed.contains("conflict"), "{text}");
}

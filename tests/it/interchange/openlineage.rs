//! Runs as events of OpenLineage.

use std::collections::{BTreeMap, BTreeSet};

use counterfoil::apply::ApplyOptions;
use counterfoil::rollback::RollbackScope;
use counterfoil::stage::{Outcome, Stage, Stages};
use serde_json::Value as Json;

use super::super::support::scenario;
use super::schemas::OpenLineageSchema;
use super::stores::{self, eventful, events, load, shipped};
use crate::support::world::{World, stages};

/// Every run begins once and ends once, after it began; parents are there.
fn well_formed(events: &[Json]) {
    let (mut begun, mut ended): (BTreeMap<String, String>, BTreeSet<String>) = Default::default();
    for event in events {
        let run = event["run"]["runId"].as_str().unwrap().to_owned();
        let time = event["eventTime"].as_str().unwrap().to_owned();
        if event["eventType"] == "START" {
            if let Some(parent) = event["run"]["facets"]["parent"]["run"]["runId"].as_str() {
                assert!(begun.contains_key(parent) && !ended.contains(parent));
            }
            assert!(begun.insert(run, time).is_none(), "a run begins once");
        } else {
            assert!(begun[&run] <= time);
            assert!(ended.insert(run), "a run ends once");
        }
    }
    assert_eq!(begun.len(), ended.len());
}

fn line(event: &Json) -> String {
    let names = |side: &str| {
        let datasets = event[side].as_array().unwrap().iter();
        datasets
            .map(|dataset| dataset["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join("+")
    };
    let rows = &event["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"];
    let rows = if rows.is_null() {
        String::new()
    } else {
        format!(" {rows}")
    };
    let (kind, job) = (
        event["eventType"].as_str().unwrap(),
        event["job"]["name"].as_str().unwrap(),
    );
    format!("{kind} {job} {}>{}{rows}", names("inputs"), names("outputs"))
}

#[test]
fn every_event_of_the_shipped_projects_is_valid_with_its_facets() {
    let schema = OpenLineageSchema::new();
    for (name, database) in [
        ("shop", "orders_v1"),
        ("shop_recompute", "orders_v1"),
        ("bank", "legacy_transactions"),
    ] {
        let mut told = shipped(name, database, 1);
        told.apply_with(&ApplyOptions::default());
        told.roll_back(RollbackScope::All);
        let events = events(&told, &told.stages);
        let facets: usize = events.iter().map(|event| schema.check(event)).sum();
        assert!(facets > events.len() * 3, "{facets} of {}", events.len());
        well_formed(&events);
    }
}

#[test]
fn the_bank_is_reported_pass_by_pass_copying_and_in_place() {
    let mut told = shipped("bank", "legacy_transactions", 1);
    told.apply_with(&ApplyOptions::default().to(2));
    told.roll_back(RollbackScope::Last);
    let lines: Vec<String> = events(&told, &told.stages).iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "START init >",
            "COMPLETE init >",
            "START load >",
            "START legacy_transactions.load >legacy_transactions",
            "COMPLETE legacy_transactions.load >legacy_transactions 320",
            "COMPLETE load >",
            "START apply >",
            "START bank.0001_name_fields.apply legacy_transactions>transactions",
            "COMPLETE bank.0001_name_fields.apply legacy_transactions>transactions 320",
            "START bank.0001_name_fields.reconcile legacy_transactions+transactions>",
            "COMPLETE bank.0001_name_fields.reconcile legacy_transactions+transactions>",
            "START bank.0002_enrich.apply transactions>transactions",
            "COMPLETE bank.0002_enrich.apply transactions>transactions 308",
            "COMPLETE apply >",
            "START rollback >",
            "START bank.0002_enrich.rollback >transactions",
            "COMPLETE bank.0002_enrich.rollback >transactions 320",
            "COMPLETE rollback >",
        ]
    );
}

#[test]
fn a_run_that_fails_is_stopped_edits_or_rolls_back_is_reported_as_it_went() {
    let schema = OpenLineageSchema::new();
    let told = eventful();
    let events = events(&told, &told.stages);
    for event in &events {
        schema.check(event);
    }
    well_formed(&events);
    let ends: Vec<String> = events
        .iter()
        .filter(|event| event["eventType"] != "START" && !event["run"]["facets"]["parent"].is_null())
        .map(|event| {
            let message = event["run"]["facets"]["errorMessage"]["message"].as_str();
            let (kind, job) = (
                event["eventType"].as_str().unwrap(),
                event["job"]["name"].as_str().unwrap(),
            );
            format!(
                "{kind} {job}{}",
                message.map(|message| format!(": {message}")).unwrap_or_default()
            )
        })
        .collect();
    let stopped = "the pass did not end in this run; the ledger does not record why a run stops, and this one may still be running";
    assert_eq!(
        ends,
        [
            "COMPLETE a.load".to_owned(),
            "FAIL faults.0001_copy.apply: stopped: 1 of 40 records were refused, and at most 0 may be; run the same command to continue".to_owned(),
            "FAIL faults.0001_copy.apply: stopped: 3 of 120 records were refused, and at most 2 may be; run the same command to continue".to_owned(),
            format!("ABORT faults.0001_copy.apply: {stopped}"),
            "COMPLETE faults.0001_copy.apply".to_owned(),
            "COMPLETE faults.0002_note.apply".to_owned(),
            "COMPLETE a.edit".to_owned(),
            "COMPLETE faults.0001_copy.apply".to_owned(),
            "COMPLETE faults.0002_note.apply".to_owned(),
            "COMPLETE faults.0002_note.rollback".to_owned(),
            "COMPLETE faults.0001_copy.rollback".to_owned(),
            "COMPLETE faults.0002_note.rollback".to_owned(),
            "COMPLETE faults.0001_copy.rollback".to_owned(),
        ]
    );
}

#[test]
fn the_same_ledger_gives_the_same_bytes() {
    let text = |told: &World, stages: &Stages| {
        events(told, stages)
            .iter()
            .map(|event| format!("{event}\n"))
            .collect::<String>()
    };
    let told = eventful();
    let once = text(&told, &told.stages);
    assert_eq!(once, text(&told, &told.stages));
    // Where no stage is at hand, the ledger has their texts.
    let none = Stages::new("", Vec::new()).unwrap();
    assert_eq!(once, text(&told, &none));
    // Clock and randomness stand still in these tests: another store of the same history is the same.
    let other = eventful();
    assert_eq!(once, text(&other, &other.stages));
    let mut shop = shipped("shop", "orders_v1", 3);
    shop.apply_with(&ApplyOptions::default());
    assert_eq!(text(&shop, &shop.stages), text(&shop, &none));
}

#[test]
fn the_newest_runs_are_the_last_of_all() {
    let told = eventful();
    let all = events(&told, &told.stages);
    for newest in [0, 1, 3, 100] {
        let some = stores::newest(&told, &told.stages, Some(newest));
        assert!(all.ends_with(&some), "{newest}");
        let runs = some
            .iter()
            .filter(|event| event["eventType"] == "START" && event["run"]["facets"]["parent"].is_null());
        assert_eq!(runs.count(), newest.min(9), "{newest}");
    }
}

#[test]
fn column_lineage_is_reported_with_types_and_masking() {
    let mut told = shipped("bank", "legacy_transactions", 1);
    told.apply_with(&ApplyOptions::default());
    let events = events(&told, &told.stages);
    let columns = |job: &str, field: &str| {
        let event = events.iter().rfind(|event| event["job"]["name"] == job).unwrap();
        event["outputs"][0]["facets"]["columnLineage"]["fields"][field]["inputFields"].clone()
    };
    let ledger = events[0]["job"]["namespace"].clone();
    assert_eq!(
        columns("bank.0001_name_fields.apply", "account_number"),
        serde_json::json!([{ "namespace": ledger, "name": "legacy_transactions", "field": "acct_no",
            "transformations": [{ "type": "DIRECT", "subtype": "IDENTITY", "description": "", "masking": false }] }])
    );
    let id = &columns("bank.0002_enrich.apply", "transaction_id")[0];
    assert_eq!(
        (&id["field"], &id["transformations"][0]["masking"]),
        (&"@id".into(), &true.into())
    );
    assert_eq!(columns("bank.0003_compliance.apply", "*")[0]["field"], "*");
    assert_eq!(
        columns("bank.0002_enrich.apply", "currency"),
        serde_json::json!([])
    );
}

#[test]
fn a_stage_built_in_rust_is_reported_as_unknown_where_it_is_not_at_hand() {
    let stage = || {
        Stage::new(1, "built")
            .source("a")
            .target("b")
            .op(counterfoil::op::Rename::new("x", "y"))
            .build()
            .unwrap()
    };
    let mut told = World::signed(5, Stages::new("built", vec![stage()]).unwrap());
    load(&mut told, "a", "{\"id\":\"1\",\"x\":1}\n");
    told.apply();
    let fields = |stages: &Stages| {
        let events = events(&told, stages);
        let event = events
            .iter()
            .rfind(|event| event["job"]["name"] == "built.0001_built.apply")
            .unwrap()
            .clone();
        event["outputs"][0]["facets"]["columnLineage"]["fields"].clone()
    };
    assert_eq!(fields(&told.stages)["y"]["inputFields"][0]["field"], "x");
    let changed = Stage::new(1, "built")
        .source("a")
        .target("b")
        .transform(|record, _| Ok(Outcome::keep(record)));
    for other in [
        Stages::new("built", vec![changed.build().unwrap()]),
        Stages::new("other", vec![stage()]),
    ] {
        let unknown = fields(&other.unwrap());
        assert!(unknown["y"].is_null(), "{unknown}");
        let how = &unknown["*"]["inputFields"][0]["transformations"][0];
        assert_eq!(
            (&how["subtype"], &how["description"]),
            (
                &"TRANSFORMATION".into(),
                &"any field of the record; which one is not known".into()
            )
        );
    }
}

#[test]
fn no_value_of_a_record_is_in_the_events() {
    let told = eventful();
    let text: String = events(&told, &told.stages)
        .iter()
        .map(ToString::to_string)
        .collect();
    for value in [scenario::REDACTED, "12345", ".505", "skipped", "r37"] {
        assert!(!text.contains(value), "{value}");
    }
}

#[test]
fn redacted_fields_are_named_as_everywhere_and_their_values_nowhere() {
    let text = "[stage]\nsource = \"a\"\ntarget = \"b\"\nredact = [\"email\"]\n[[op]]\nop = \"trim\"\npath = \"email\"\n";
    let mut told = World::signed(6, stages("p", &[("0001_s.toml", text)]));
    load(&mut told, "a", "{\"id\":\"1\",\"email\":\" ada@example.com\"}\n");
    told.apply();
    let events = events(&told, &told.stages);
    assert!(events.iter().all(|event| !event.to_string().contains("ada@")));
    let last = events
        .iter()
        .rfind(|event| event["job"]["name"] == "p.0001_s.apply")
        .unwrap();
    let how = &last["outputs"][0]["facets"]["columnLineage"]["fields"]["email"]["inputFields"][0]["transformations"]
        [0];
    assert_eq!(
        how["description"],
        "redacted: stored in plain, masked in all output"
    );
    assert_eq!(how["masking"], false, "the target has the value");
}

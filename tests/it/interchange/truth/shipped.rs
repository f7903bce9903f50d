//! The stages of the shipped projects.

use counterfoil::project::Project;
use counterfoil::stage::{Lookup, Outcome, Stage};
use serde_json::Value as Json;

use super::{Check, Looked, carry};
use crate::support::world::migration;

fn lines(text: &str) -> Vec<Json> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_field_that_is_not_named_as_a_source_never_changes_the_target_in_the_shipped_stages() {
    for (project, database) in [
        ("shop", "orders_v1"),
        ("shop_recompute", "orders_v1"),
        ("bank", "legacy_transactions"),
    ] {
        let folder = migration(project);
        let opened = Project::open(&folder).unwrap();
        let text = std::fs::read_to_string(folder.join(format!("records/{database}.ndjson"))).unwrap();
        let mut records = lines(&text);
        records.truncate(60);
        for stage in opened.stages().iter() {
            let mut looked = Looked::default();
            let mut check = Check {
                stage,
                lineage: stage.lineage(),
                looked: &mut looked,
            };
            for (number, record) in records.iter().enumerate() {
                let others: Vec<Json> = (1..4)
                    .map(|by| records[(number + by * 7) % records.len()].clone())
                    .collect();
                check.record(record, &others);
            }
            assert!(
                looked.compared > 300 && looked.changed > 300 && looked.identities > 20,
                "{project} {}: {looked:?}",
                stage.number()
            );
            // The next stage works in place on what this one has written.
            records = records
                .iter()
                .filter_map(|record| match carry(stage, record)? {
                    Outcome::Write(output) => serde_json::from_str(&output.data).ok(),
                    _ => None,
                })
                .collect();
        }
    }
}

#[test]
fn the_revision_of_the_shop_that_keeps_addresses_whole_is_reported_truly_too() {
    let folder = migration("shop");
    let text = std::fs::read_to_string(folder.join("revisions/0001_nest_orders.toml")).unwrap();
    let stage = Stage::parse("0001_nest_orders.toml", &text, &Lookup::folder(&folder)).unwrap();
    let records = lines(&std::fs::read_to_string(folder.join("records/orders_v1.ndjson")).unwrap());
    let mut looked = Looked::default();
    let mut check = Check {
        stage: &stage,
        lineage: stage.lineage(),
        looked: &mut looked,
    };
    for record in &records[..60] {
        check.record(record, &records[60..63]);
    }
    assert!(looked.changed > 300, "{looked:?}");
}

/// The samples of a system of the hospital.
fn samples(database: &str) -> Vec<Json> {
    let folder = migration("hospital").join("records");
    if database != "clinic" {
        return lines(&std::fs::read_to_string(folder.join(format!("{database}.ndjson"))).unwrap());
    }
    let mut table = csv::Reader::from_path(folder.join("clinic.csv")).unwrap();
    let rows = table.deserialize::<std::collections::BTreeMap<String, String>>();
    rows.map(|row| serde_json::to_value(row.unwrap()).unwrap())
        .collect()
}

#[test]
fn each_system_of_the_hospital_is_reported_truly() {
    let project = Project::open(&migration("hospital")).unwrap();
    for stage in project.stages().iter().take(3) {
        let records = samples(stage.source());
        let mut looked = Looked::default();
        let mut check = Check {
            stage,
            lineage: stage.lineage(),
            looked: &mut looked,
        };
        for (number, record) in records.iter().enumerate() {
            let others = [1, 5, 11].map(|by| records[(number + by) % records.len()].clone());
            check.record(record, &others);
        }
        let enough = looked.compared > 300 && looked.changed > 300 && looked.identities > 20;
        assert!(enough, "{}: {looked:?}", stage.source());
    }
}

//! The life of a record as PROV-JSON.

use std::collections::BTreeSet;

use counterfoil::Error;
use counterfoil::apply::ApplyOptions;
use counterfoil::edit::Edit;

use counterfoil::rollback::RollbackScope;
use serde_json::{Value as Json, json};

use super::super::support::scenario;
use super::schemas::check_prov;
use super::stores::{eventful, load, put, shipped};
use crate::support::world::{World, stages};

/// What relations name is declared, every prefix too.
fn closed(document: &Json) {
    check_prov(document);
    let prefixes: BTreeSet<&str> = document["prefix"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let declared: BTreeSet<&str> = ["entity", "activity", "agent"]
        .iter()
        .filter_map(|section| document[section].as_object())
        .flat_map(|section| section.keys().map(String::as_str))
        .collect();
    for name in &declared {
        let (prefix, local) = name.split_once(':').unwrap();
        assert!(prefixes.contains(prefix), "{name}");
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_-/%".contains(letter);
        assert!(local.chars().all(allowed), "{name}");
    }
    let relations = document
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| !["prefix", "entity", "activity", "agent"].contains(&name.as_str()));
    for (section, relations) in relations {
        for relation in relations.as_object().unwrap().values() {
            for (role, name) in relation.as_object().unwrap() {
                let is_name =
                    role.starts_with("prov:") && !["prov:time", "prov:type"].contains(&role.as_str());
                if is_name {
                    assert!(
                        declared.contains(name.as_str().unwrap()),
                        "{section} {role} {name}"
                    );
                }
            }
        }
    }
}

/// The relations of a section, as `one <- other`.
fn pairs(document: &Json, section: &str, from: &str, to: &str) -> Vec<String> {
    let relations = document[section].as_object().into_iter().flatten();
    relations
        .map(|(_, relation)| {
            format!(
                "{} <- {}",
                relation[from].as_str().unwrap(),
                relation[to].as_str().unwrap()
            )
        })
        .collect()
}

#[test]
fn a_record_of_the_bank_is_reported_version_by_version() {
    let mut told = shipped("bank", "legacy_transactions", 1);
    told.apply_with(&ApplyOptions::default().to(2));
    told.roll_back(RollbackScope::Last);
    let document = told.store.prov("transactions", "T001").unwrap();
    closed(&document);
    assert_eq!(
        pairs(&document, "wasGeneratedBy", "prov:entity", "prov:activity"),
        [
            "version:legacy_transactions/1/2-0 <- activity:run-2/pass-2",
            "version:transactions/1/4-0 <- activity:run-3/pass-3",
            "version:transactions/1/8-0 <- activity:run-3/pass-5",
            "version:transactions/1/10-0 <- activity:run-4/pass-6",
        ]
    );
    assert_eq!(
        pairs(
            &document,
            "wasDerivedFrom",
            "prov:generatedEntity",
            "prov:usedEntity"
        ),
        [
            "version:transactions/1/4-0 <- version:legacy_transactions/1/2-0",
            "version:transactions/1/8-0 <- version:transactions/1/4-0",
            "version:transactions/1/10-0 <- version:transactions/1/8-0",
            "version:transactions/1/10-0 <- version:transactions/1/4-0",
        ]
    );
    assert_eq!(
        pairs(&document, "wasInvalidatedBy", "prov:entity", "prov:activity"),
        [
            "version:transactions/1/4-0 <- activity:run-3/pass-5",
            "version:transactions/1/8-0 <- activity:run-4/pass-6",
        ]
    );
    let entity = |version: &str| document["entity"][version]["counterfoil:commitment"].clone();
    assert_eq!(
        entity("version:transactions/1/10-0"),
        entity("version:transactions/1/4-0"),
        "it is restored"
    );
    assert_eq!(
        document["activity"]["activity:run-3/pass-3"]["prov:startTime"],
        "2023-11-14T22:13:20.000000Z"
    );
    assert_eq!(document["agent"]["agent:tester"]["prov:label"], "tester");
}

#[test]
fn what_was_deleted_refused_edited_or_rolled_back_is_reported() {
    let told = eventful();
    for (database, id) in [
        ("a", "r1"),
        ("a", "r2"),
        ("a", "r37"),
        ("b", "r53"),
        ("a", "r41"),
        ("b", "r7"),
    ] {
        let document = told.store.prov(database, id).unwrap();
        closed(&document);
        let text = document.to_string();
        for value in [scenario::REDACTED, "12345", ".505", "skipped"] {
            assert!(!text.contains(value), "{id}: {value}");
        }
    }
    let deleted = told.store.prov("a", "r2").unwrap();
    let gone = pairs(&deleted, "wasInvalidatedBy", "prov:entity", "prov:activity");
    assert!(
        gone.iter().any(|pair| pair.starts_with("version:a/2/")),
        "{gone:?}"
    );
    let refused = told.store.prov("a", "r37").unwrap();
    let outcomes: Vec<&Json> = refused["used"]
        .as_object()
        .unwrap()
        .values()
        .map(|used| &used["counterfoil:outcome"])
        .collect();
    assert!(outcomes.contains(&&json!("refused")), "{outcomes:?}");
    assert_eq!(
        refused["wasGeneratedBy"].as_object().unwrap().len(),
        1,
        "a refused record makes no version"
    );
}

#[test]
fn hostile_ids_give_valid_documents_and_come_back_as_they_are() {
    let mut told = World::signed(9, stages("none", &[]));
    let hostile = [
        "a b",
        "a:b",
        "\"quoted\"",
        "back\\slash",
        "日本語",
        "💣",
        "%41",
        "../..",
        "line\nbreak",
        "\t",
        "<x>&amp;",
        "_:b1",
        "prov:Entity",
        "'",
        "{}",
        "\u{200f}",
        "a#b?c=d",
        " ",
    ];
    let edits: Vec<Edit> = hostile
        .iter()
        .map(|id| Edit::Put {
            id: (*id).to_owned(),
            data: "{}".to_owned(),
        })
        .collect();
    put(&mut told, "odd", &edits);
    let mut names = BTreeSet::new();
    for id in hostile {
        let document = told.store.prov("odd", id).unwrap();
        closed(&document);
        let (name, record) = document["entity"]
            .as_object()
            .unwrap()
            .iter()
            .find(|(name, _)| name.starts_with("record:"))
            .unwrap();
        assert_eq!(record["counterfoil:id"], id);
        names.insert(name.clone());
    }
    assert_eq!(names.len(), hostile.len(), "every id has a name of its own");
    // No record has an empty id, so that there is none to tell.
    let missing = told.store.prov("odd", "");
    assert!(matches!(missing, Err(Error::NoSuchRecord { .. })), "{missing:?}");
}

#[test]
fn derived_records_come_from_the_one_they_were_made_of() {
    let text =
        "[stage]\nsource = \"orders\"\ntarget = \"lines\"\n[[op]]\nop = \"derive\"\npath = \"items\"\n";
    let mut told = World::signed(4, stages("p", &[("0001_d.toml", text)]));
    load(
        &mut told,
        "orders",
        "{\"id\":\"o\",\"items\":[{\"sku\":\"x\"},{\"sku\":\"y\"}]}\n",
    );
    told.apply();
    let document = told.store.prov("orders", "o").unwrap();
    closed(&document);
    let derived = pairs(
        &document,
        "wasDerivedFrom",
        "prov:generatedEntity",
        "prov:usedEntity",
    );
    assert_eq!(derived.len(), 2, "{derived:?}");
    assert!(
        derived
            .iter()
            .all(|pair| pair.starts_with("version:lines/") && pair.contains("<- version:orders/1/")),
        "{derived:?}"
    );
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    let told = eventful();
    let once = told.store.prov("a", "r1").unwrap().to_string();
    assert_eq!(once, told.store.prov("a", "r1").unwrap().to_string());
    let other = eventful();
    assert_eq!(once, other.store.prov("a", "r1").unwrap().to_string());
}

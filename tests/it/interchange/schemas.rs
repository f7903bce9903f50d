//! The published schemas, and documents checked against them. `tests/fixtures/schemas/README.md` says where they are from.

use std::path::{Path, PathBuf};

use jsonschema::{Draft, Registry, Resource, Validator};
use serde_json::{Value as Json, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &Path) -> Json {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Validates events of OpenLineage with all of their facets.
pub(super) struct OpenLineageSchema {
    event: Validator,
    registry: Registry<'static>,
}

impl OpenLineageSchema {
    pub(super) fn new() -> Self {
        let folder = root().join("tests/fixtures/schemas/openlineage");
        let mut files = vec![
            folder.join("OpenLineage.json"),
            root().join("schema/openlineage/CounterfoilLedgerRunFacet.json"),
        ];
        let facets = std::fs::read_dir(folder.join("facets")).unwrap();
        files.extend(facets.map(|facet| facet.unwrap().path()));
        let mut registry = Registry::new();
        for schema in files.iter().map(|file| read(file)) {
            let id = schema["$id"].as_str().unwrap().to_owned();
            registry = registry.add(id, Resource::from_contents(schema)).unwrap();
        }
        let registry = registry.prepare().unwrap();
        let url = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
        Self {
            event: validator(url, &registry),
            registry,
        }
    }

    /// Panics where the event, or a facet of it, is not what its schema says. Returns how many facets it has.
    pub(super) fn check(&self, event: &Json) -> usize {
        let (facets, errors) = self.errors(event);
        assert!(errors.is_empty(), "{errors:#?}\n{event:#}");
        facets
    }

    fn errors(&self, event: &Json) -> (usize, Vec<String>) {
        let mut errors = errors(&self.event, event);
        let mut facets = vec![&event["run"]["facets"], &event["job"]["facets"]];
        for dataset in ["inputs", "outputs"]
            .iter()
            .filter_map(|side| event[side].as_array())
            .flatten()
        {
            facets.extend(["facets", "inputFacets", "outputFacets"].map(|key| &dataset[key]));
        }
        let facets: Vec<_> = facets.into_iter().filter_map(Json::as_object).flatten().collect();
        for (name, facet) in &facets {
            let url = facet["_schemaURL"].as_str().unwrap_or_default();
            if !url.starts_with("https://openlineage.io/") && !name.starts_with("counterfoil_") {
                errors.push(format!("{name} is none of the specification's facets"));
            }
            errors.extend(self::errors(&validator(url, &self.registry), facet));
        }
        (facets.len(), errors)
    }
}

fn validator(url: &str, registry: &Registry<'_>) -> Validator {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_registry(registry)
        .should_validate_formats(true)
        .build(&json!({ "$ref": url }))
        .unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn errors(validator: &Validator, value: &Json) -> Vec<String> {
    let errors = validator.iter_errors(value);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Panics where a document is no PROV-JSON.
pub(super) fn check_prov(document: &Json) {
    let errors = prov_errors(document);
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
}

fn prov_errors(document: &Json) -> Vec<String> {
    let schema = read(&root().join("tests/fixtures/schemas/prov/prov-json.schema.json"));
    let validator = jsonschema::options()
        .with_draft(Draft::Draft4)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    errors(&validator, document)
}

#[test]
fn the_schemas_are_those_that_the_readme_names() {
    let folder = root().join("tests/fixtures/schemas");
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let sums: Vec<(&str, &str)> = readme.lines().filter_map(|line| line.split_once("  ")).collect();
    assert_eq!(sums.len(), 10);
    for (sum, file) in sums {
        let text = std::fs::read(folder.join(file)).unwrap();
        assert_eq!(
            counterfoil::digest::hex(&counterfoil::digest::sha256(&[&text])),
            sum,
            "{file}"
        );
    }
}

#[test]
fn the_schemas_find_what_is_wrong() {
    let schema = OpenLineageSchema::new();
    let event = json!({
        "eventType": "START", "eventTime": "2026-01-01T00:00:00Z", "producer": "urn:x:1",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": { "runId": "d8563786-e56b-4483-be4c-4fc5ccb21b02", "facets": {} },
        "job": { "namespace": "n", "name": "j", "facets": {} }, "inputs": [], "outputs": [],
    });
    assert_eq!(schema.check(&event), 0);
    for (pointer, wrong) in [
        ("/eventType", json!("BEGIN")),
        ("/eventTime", json!("yesterday")),
        ("/run/runId", json!("7")),
        (
            "/run/facets",
            json!({ "parent": { "_producer": "urn:x:1", "_schemaURL": "https://openlineage.io/spec/facets/1-1-0/ParentRunFacet.json#/$defs/ParentRunFacet" } }),
        ),
        ("/job", json!({ "name": "j" })),
    ] {
        let mut event = event.clone();
        *event.pointer_mut(pointer).unwrap() = wrong;
        assert!(!schema.errors(&event).1.is_empty(), "{pointer}");
    }
    for wrong in [
        json!({ "entities": {} }),
        json!({ "entity": { "e:1": { "x:a": null } } }),
        json!({ "wasGeneratedBy": { "_:1": { "prov:activity": "a:1" } } }),
        json!({ "wasGeneratedBy": { "_:1": { "prov:entity": "a name with spaces" } } }),
    ] {
        assert!(!prov_errors(&wrong).is_empty(), "{wrong}");
    }
}

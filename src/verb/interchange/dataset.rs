//! Logical databases as datasets of `OpenLineage`: their fields, and where these come from.

use serde_json::{Map, Value as Json, json};

use super::terms::PRODUCER;
use crate::ledger::StageRow;
use crate::lineage::{Dependence, Source, SourceField};
use crate::path::{Path, Segment};
use crate::stage::{Lineage, Stage, Stages, TargetField};

/// Name in `OpenLineage` for fields that are not listed by name, and for the record as a whole.
const WHOLE: &str = "*";
/// Name for a record's id, which is not a field of it.
const ID: &str = "@id";

/// Returns a facet of the specification, with its version.
pub(super) fn facet(name: &str, version: &str, facet: Json) -> Json {
    let url = format!("https://openlineage.io/spec/facets/{version}/{name}.json#/$defs/{name}");
    with_origin(url, facet)
}

/// Adds a facet's producer and schema to it.
pub(super) fn with_origin(schema_url: String, facet: Json) -> Json {
    let mut whole = Map::new();
    whole.insert("_producer".to_owned(), PRODUCER.into());
    whole.insert("_schemaURL".to_owned(), schema_url.into());
    if let Json::Object(fields) = facet {
        whole.extend(fields);
    }
    Json::Object(whole)
}

/// Returns the fields that a stage's contract names; `None` when it names none.
pub(super) fn schema(stage: &StageRow, side: &str) -> Option<Json> {
    let meaning: Json = serde_json::from_str(&stage.meaning).ok()?;
    let fields = schema_fields(&meaning["contract"][side])?;
    Some(facet("SchemaDatasetFacet", "1-2-0", json!({ "fields": fields })))
}

fn schema_fields(contract: &Json) -> Option<Json> {
    let properties = contract["properties"].as_object().filter(|all| !all.is_empty())?;
    let fields = properties.iter().map(|(name, schema)| {
        let mut field = json!({ "name": name });
        let nested = schema_fields(schema).or_else(|| schema_fields(&schema["items"]));
        for (key, value) in [("type", type_name(schema)), ("fields", nested)] {
            if let Some(value) = value {
                field[key] = value;
            }
        }
        field
    });
    Some(fields.collect())
}

/// Returns the types that a schema allows, such as `string|null`.
fn type_name(schema: &Json) -> Option<Json> {
    let name = match &schema["type"] {
        Json::String(name) => name.clone(),
        Json::Array(names) => {
            let names: Vec<&str> = names.iter().filter_map(Json::as_str).collect();
            names.join("|")
        }
        _ => return None,
    };
    Some(name.into())
}

/// Returns the lineage of a stage as it was applied: from the given stage if its meaning is unchanged, otherwise from
/// the ledger.
pub(super) fn lineage_of(row: &StageRow, stages: &Stages) -> Lineage {
    let at_hand = stages
        .get(row.number)
        .filter(|stage| stages.project() == row.project && stage.does_as(&row.meaning));
    match at_hand {
        Some(stage) => stage.lineage(),
        None => Stage::as_applied(row.number, &row.slug, &row.source_text, &row.meaning)
            .map_or_else(Lineage::unknown, |stage| stage.lineage()),
    }
}

/// Returns where the fields of the target come from. Fields that the stage redacts are named, as everywhere; the facet
/// marks them.
pub(super) fn column_lineage(lineage: &Lineage, source: (&str, &str), redact: &[Path]) -> Json {
    let inputs = |sources: &[Source], redacted: bool| {
        let mut inputs: Vec<Json> = Vec::new();
        for of_field in sources.chunk_by(|one, other| one.origin == other.origin) {
            let transformations = of_field.iter().map(|source| transformation(source, redacted));
            inputs.push(json!({
                "namespace": source.0,
                "name": source.1,
                "field": origin_name(&of_field[0].origin),
                "transformations": transformations.collect::<Vec<_>>(),
            }));
        }
        inputs
    };
    let mut fields = Map::new();
    for (place, sources) in &lineage.fields {
        let redacted = matches!(place, TargetField::Field(path) if is_redacted(path, redact));
        fields.insert(
            place_name(place),
            json!({ "inputFields": inputs(sources, redacted) }),
        );
    }
    let mut columns = json!({ "fields": fields });
    if !lineage.record.is_empty() {
        columns["dataset"] = inputs(&lineage.record, false).into();
    }
    facet("ColumnLineageDatasetFacet", "1-2-0", columns)
}

fn transformation(source: &Source, redacted: bool) -> Json {
    let (kind, subtype) = match source.dependence {
        Dependence::Identity => ("DIRECT", "IDENTITY"),
        Dependence::Transformation => ("DIRECT", "TRANSFORMATION"),
        Dependence::Aggregation => ("DIRECT", "AGGREGATION"),
        Dependence::Conditional => ("INDIRECT", "CONDITIONAL"),
        Dependence::Filter => ("INDIRECT", "FILTER"),
    };
    let description = match (&source.origin, source.dependence) {
        (SourceField::Record, Dependence::Identity) => "the field of the same name, or the unchanged record",
        (SourceField::Record, _) => "any field of the record; which one is not known",
        (SourceField::Id, _) => "the record's id, which is not a field",
        (SourceField::Field(_), _) if redacted => "redacted: stored in plain, masked in all output",
        (SourceField::Field(_), _) => "",
    };
    json!({ "type": kind, "subtype": subtype, "description": description, "masking": source.masked })
}

fn is_redacted(path: &Path, redact: &[Path]) -> bool {
    redact.iter().any(|redact| redact.covers(path))
}

fn place_name(place: &TargetField) -> String {
    match place {
        TargetField::Others => WHOLE.to_owned(),
        TargetField::Id => ID.to_owned(),
        TargetField::Field(path) => field_name(path),
    }
}

fn origin_name(origin: &SourceField) -> String {
    match origin {
        SourceField::Record => WHOLE.to_owned(),
        SourceField::Id => ID.to_owned(),
        SourceField::Field(path) => field_name(path),
    }
}

/// Returns the path as stage files write it; a field name that has another meaning there is quoted.
fn field_name(path: &Path) -> String {
    match path.segments() {
        [Segment::Key(name)] if [WHOLE, ID].contains(&name.as_str()) => format!("\"{name}\""),
        _ => path.to_string(),
    }
}

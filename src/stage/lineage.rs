//! Column lineage: for every field of a stage's target the fields of its source that it comes from. (That of records,
//! which source record became which target record, is `reconcile/lineage.rs`.)

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Stage;
use super::merge::Merge;
use crate::contract::Schema;
use crate::lineage::{Dependence, Flow, Shape, Source, SourceField, Sources};
use crate::path::{Path, Segment};

/// The origins of the values of a stage's target.
///
/// For a record that the stage writes, a field of the target keeps its value when any field of the source changes that
/// is not named here as one of its sources, or as one of the record's. The lineage does not include which records are
/// refused: any field that something reads may be the reason for a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lineage {
    /// Sources of each place of the target, ordered by name.
    pub fields: BTreeMap<TargetField, Vec<Source>>,
    /// Sources that decide whether a record has a counterpart in the target, and how many.
    pub record: Vec<Source>,
}

/// A place of the target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetField {
    /// Every field that is not listed by name. If its source is the record, by identity: the field of the same name.
    Others,
    /// The record's id.
    Id,
    /// A field, with everything below it that is not listed separately. An element of a list represents all of them.
    Field(Path),
}

impl Lineage {
    /// Returns the lineage of a stage of which nothing is known.
    pub(crate) fn unknown() -> Self {
        let mut flow = Flow::new();
        flow.unknown();
        describe(&flow)
    }

    /// Returns the sources of a field of the target, which are those of the nearest place that covers it; `None` if the
    /// stage does not write such a field.
    #[must_use]
    pub fn of(&self, field: &Path) -> Option<&[Source]> {
        let segments = field.segments();
        let nearest = (1..=segments.len()).rev().find_map(|length| {
            let place = segments[..length].iter().map(|segment| match segment {
                Segment::Index(_) => Segment::Each,
                other => other.clone(),
            });
            self.fields
                .get(&TargetField::Field(Path::from_segments(place.collect())))
        });
        let others = || self.fields.get(&TargetField::Others);
        nearest.or_else(others).map(Vec::as_slice)
    }
}

impl Stage {
    /// Returns where the values of the target come from, as far as the stage declares it: its `where`, `prepare`,
    /// operations, `[into]` and `id`, in their order, and the fields that its contracts name.
    ///
    /// What a function of the program does is not known, unless an operation `rust` declares what it reads and writes:
    /// everything after it depends on the record as a whole.
    ///
    /// ```
    /// use counterfoil::lineage::{Dependence, SourceField};
    /// use counterfoil::op::{Join, Rename};
    /// use counterfoil::stage::Stage;
    ///
    /// let stage = Stage::new(1, "names")
    ///     .source("people_v1")
    ///     .target("people_v2")
    ///     .op(Rename::new("fname", "first"))
    ///     .op(Join::fields(["first", "last"], "name", " "))
    ///     .build()
    ///     .map_err(counterfoil::Error::from)?;
    /// let sources = stage.lineage().of(&"name".parse()?).unwrap_or_default().to_vec();
    /// let told: Vec<_> = sources.iter().map(|source| (&source.origin, source.dependence)).collect();
    /// assert_eq!(told, [
    ///     (&SourceField::Field("fname".parse()?), Dependence::Transformation),
    ///     (&SourceField::Field("last".parse()?), Dependence::Transformation),
    /// ]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn lineage(&self) -> Lineage {
        let mut flow = Flow::new();
        let steps = &self.steps;
        if let Some(filter) = &steps.filter {
            flow.filter(filter.lineage(&flow).sources());
        }
        if let Some(prepare) = &steps.prepare {
            prepare.lineage(&mut flow);
        }
        steps.ops.iter().for_each(|op| op.lineage(&mut flow));
        if let Some(merge) = &steps.merge {
            follow_merge(merge, &mut flow);
        }
        if let Some(aggregate) = &steps.aggregate {
            aggregate.follow(&mut flow);
        }
        if let Some(id) = &steps.id {
            flow.rekey(id.lineage(&flow).sources());
        }
        if let Some(into) = &steps.into {
            flow.replace(into.lineage(&flow));
        }
        if let Some(closure) = &steps.closure {
            let id = flow.id().clone();
            flow.unknown();
            if closure.keeps_ids {
                flow.rekey(id);
            }
        }
        let (source, target) = (
            Contracted::from_schema(steps.source_contract.as_ref()),
            Contracted::from_schema(steps.contract.schema.as_ref()),
        );
        flow.known(
            &[source.names, target.names].concat(),
            source.closed,
            target.closed,
        );
        describe(&flow)
    }
}

/// Follows a merge: each field of a golden record has the value of that field in one of its members. The compared
/// fields decide which records are its members, and the members as a whole whose value survives.
fn follow_merge(merge: &Merge, flow: &mut Flow) {
    let united: Vec<Path> = merge.survival().united().cloned().collect();
    for path in &united {
        let values = flow
            .sources(std::slice::from_ref(path))
            .made(Dependence::Aggregation);
        flow.put_or_keep(path, Shape::made(values));
    }
    if let Some(field) = &merge.survival().provenance {
        // The ids of the members; a member alone has none.
        let ids = Sources::from_origin(SourceField::Id).made(Dependence::Aggregation);
        flow.put_or_keep(&Path::field(field), Shape::made(ids));
    }
    let compared = flow.sources(&merge.reads());
    let whole = Sources::from_origin(SourceField::Record).and(&Sources::from_origin(SourceField::Id));
    flow.filter(compared.and(&whole));
    let id = flow.id().clone().made(Dependence::Transformation);
    flow.rekey(id);
}

fn describe(flow: &Flow) -> Lineage {
    let list = |sources: &Sources| sources.iter().cloned().collect::<Vec<_>>();
    let mut fields: BTreeMap<TargetField, Vec<Source>> = BTreeMap::from([(TargetField::Id, list(flow.id()))]);
    for (place, sources) in flow.document().leaves() {
        let place = if place.is_empty() {
            TargetField::Others
        } else {
            TargetField::Field(Path::from_segments(place))
        };
        fields.insert(place, list(&sources));
    }
    Lineage {
        fields,
        record: list(flow.record()),
    }
}

/// The fields that a contract names at the top level.
#[derive(Debug, Default)]
struct Contracted {
    names: Vec<String>,
    /// Whether there may be no others.
    closed: bool,
}

impl Contracted {
    fn from_schema(schema: Option<&Schema>) -> Self {
        let parsed = schema.and_then(|schema| serde_json::from_str::<Json>(schema.canonical()).ok());
        let Some(parsed) = parsed else {
            return Self::default();
        };
        let names = parsed["properties"].as_object().into_iter().flatten();
        Self {
            names: names.map(|(name, _)| name.clone()).collect(),
            closed: parsed["additionalProperties"] == Json::Bool(false)
                && parsed.get("patternProperties").is_none(),
        }
    }
}

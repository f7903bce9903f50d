//! The lineage of columns against the truth: stages are run on records of which one place was changed, and what
//! changes in the target must be named. A naive check that knows nothing of how the lineage is found.
//!
//! 150 random sequences of operations every day; `COUNTERFOIL_LINEAGE_STAGES` asks for more, `COUNTERFOIL_LINEAGE_SEED` for
//! others.

mod random;
mod shipped;

use std::collections::BTreeMap;

use counterfoil::environment::Secrets;
use counterfoil::lineage::{Dependence, Source, SourceField};
use counterfoil::path::{Path, Segment};
use counterfoil::record::{Record, RecordNumber};
use counterfoil::stage::{Lineage, Outcome, Output, Stage, TargetField};
use serde_json::{Value as Json, json};

use crate::support::world::context;

/// How much was looked at: a check that never compares anything proves nothing.
#[derive(Debug, Default)]
struct Looked {
    /// Changed records that the stage wrote before and after.
    compared: usize,
    /// Places of the target that changed.
    changed: usize,
    /// Values that are said to be the same as in the source, and are.
    identities: usize,
}

fn carry(stage: &Stage, record: &Json) -> Option<Outcome> {
    let secrets: Secrets = [("patient_key".to_owned(), "a key".to_owned())]
        .into_iter()
        .collect();
    let record = Record {
        number: RecordNumber::new(1),
        id: "r1".to_owned(),
        data: record.to_string(),
    };
    let context = context("truth", &record.id, &secrets)
        .stage(stage.number())
        .now_us(1_700_000_000_000_000);
    stage.transform(&record, &context).ok()
}

/// Every place of a value, lists and objects included.
fn places(value: &Json, at: &[Segment], found: &mut Vec<Vec<Segment>>) {
    if !at.is_empty() {
        found.push(at.to_vec());
    }
    match value {
        Json::Object(fields) => {
            for (name, field) in fields {
                places(field, &[at, &[Segment::Key(name.clone())]].concat(), found);
            }
        }
        Json::Array(list) => {
            for (index, element) in list.iter().enumerate() {
                places(element, &[at, &[Segment::Index(index)]].concat(), found);
            }
        }
        _ => {}
    }
}

fn at<'j>(value: &'j Json, place: &[Segment]) -> Option<&'j Json> {
    place.iter().try_fold(value, |value, segment| match segment {
        Segment::Key(name) => value.get(name),
        Segment::Index(index) => value.get(index),
        Segment::Each => None,
    })
}

/// The record with another value at a place, or with none.
fn changed(record: &Json, place: &[Segment], value: Option<&Json>) -> Option<Json> {
    let mut record = record.clone();
    let (last, above) = place.split_last()?;
    let mut inside = &mut record;
    for segment in above {
        inside = match segment {
            Segment::Key(name) => inside.get_mut(name)?,
            Segment::Index(index) => inside.get_mut(*index)?,
            Segment::Each => return None,
        };
    }
    match (last, inside, value) {
        (Segment::Key(name), Json::Object(fields), Some(value)) => {
            fields.insert(name.clone(), value.clone());
        }
        (Segment::Key(name), Json::Object(fields), None) => {
            fields.shift_remove(name);
        }
        (Segment::Index(index), Json::Array(list), Some(value)) => *list.get_mut(*index)? = value.clone(),
        (Segment::Index(index), Json::Array(list), None) => drop(list.remove(*index)),
        _ => return None,
    }
    Some(record)
}

/// Whether one place is the other, or leads to it; an element stands for every element.
fn meets(one: &[Segment], other: &[Segment]) -> bool {
    let same = |(one, other): (&Segment, &Segment)| match (one, other) {
        (Segment::Each | Segment::Index(_), Segment::Each | Segment::Index(_)) => true,
        (one, other) => one == other,
    };
    one.iter().zip(other).all(same)
}

/// The leaves of a target, empty lists and objects among them.
fn leaves(value: &Json, at: &mut Vec<Segment>, found: &mut BTreeMap<Vec<Segment>, String>) {
    match value {
        Json::Object(fields) if !fields.is_empty() => {
            for (name, field) in fields {
                at.push(Segment::Key(name.clone()));
                leaves(field, at, found);
                at.pop();
            }
        }
        Json::Array(list) if !list.is_empty() => {
            for (index, element) in list.iter().enumerate() {
                at.push(Segment::Index(index));
                leaves(element, at, found);
                at.pop();
            }
        }
        _ => drop(found.insert(at.clone(), value.to_string())),
    }
}

fn leaves_of(output: &Output) -> BTreeMap<Vec<Segment>, String> {
    let mut found = BTreeMap::new();
    let value: Json = serde_json::from_str(&output.data).unwrap();
    leaves(&value, &mut Vec::new(), &mut found);
    found
}

/// Whether a source, of a place of the target, is the place that was changed.
fn names(source: &Source, place: &[Segment], target: Option<&[Segment]>) -> bool {
    match (&source.origin, source.dependence) {
        (SourceField::Id, _) => false,
        // The fields that are carried as they are: each comes from that of the same name.
        (SourceField::Record, Dependence::Identity) if target.is_some() => {
            target.is_some_and(|target| meets(target, place))
        }
        (SourceField::Record, _) => true,
        (SourceField::Field(path), _) => meets(path.segments(), place),
    }
}

/// The sources of a place of the target, and of everything below it; `true` where they stand for others.
fn sources_of<'l>(lineage: &'l Lineage, target: &[Segment]) -> Vec<(&'l Source, bool)> {
    let path = Path::from_segments(target.to_vec());
    let is_reported = |place: &TargetField| match place {
        TargetField::Field(told) => told.segments().len() <= target.len() && meets(told.segments(), target),
        _ => false,
    };
    let others = !lineage.fields.keys().any(is_reported);
    let mut sources: Vec<(&Source, bool)> = Vec::new();
    if let Some(own) = lineage.of(&path) {
        sources.extend(own.iter().map(|source| (source, others)));
    }
    for (told, own) in &lineage.fields {
        if let TargetField::Field(told) = told
            && told.segments().len() > target.len()
            && meets(told.segments(), target)
        {
            sources.extend(own.iter().map(|source| (source, false)));
        }
    }
    sources
}

struct Check<'c> {
    stage: &'c Stage,
    lineage: Lineage,
    looked: &'c mut Looked,
}

impl Check<'_> {
    /// Changes every place of a record to every other value, one at a time.
    fn record(&mut self, record: &Json, others: &[Json]) {
        let Some(before) = carry(self.stage, record) else {
            return;
        };
        self.identities(record, &before);
        let mut all = Vec::new();
        places(record, &[], &mut all);
        let known: Vec<Vec<Segment>> = all.clone();
        // Fields that it has not are added.
        for other in others {
            let mut theirs = Vec::new();
            places(other, &[], &mut theirs);
            all.extend(
                theirs
                    .into_iter()
                    .filter(|place| place.len() == 1 && !known.contains(place)),
            );
        }
        for place in all {
            let theirs = others.iter().filter_map(|other| at(other, &place)).cloned();
            let mut values: Vec<Option<Json>> = theirs.map(Some).collect();
            values.extend([
                None,
                Some(Json::Null),
                Some(json!("7.25")),
                Some(json!(3)),
                Some(json!("")),
            ]);
            values.dedup();
            for value in values {
                let Some(other) = changed(record, &place, value.as_ref()) else {
                    continue;
                };
                if other != *record
                    && let Some(after) = carry(self.stage, &other)
                {
                    self.compare(&place, &before, &after, record);
                }
            }
        }
    }

    fn compare(&mut self, place: &[Segment], before: &Outcome, after: &Outcome, record: &Json) {
        self.looked.compared += 1;
        let outputs = |outcome: &Outcome| match outcome {
            Outcome::Write(output) => vec![output.clone()],
            Outcome::Derive(outputs) => outputs.clone(),
            Outcome::Filter(_) => Vec::new(),
        };
        let (before, after) = (outputs(before), outputs(after));
        let complain = |what: String| -> ! {
            panic!(
                "{what} changed with `{}` and is not said to\nof {record}\n{}\n{:#?}",
                Path::from_segments(place.to_vec()),
                self.stage.source_text(),
                self.lineage
            )
        };
        let by_record = self
            .lineage
            .record
            .iter()
            .any(|source| names(source, place, None));
        if before.len() != after.len() && !by_record {
            complain("the number of records".to_owned());
        }
        for (before, after) in before.iter().zip(&after) {
            if before.id != after.id && !by_record {
                let sources = &self.lineage.fields[&TargetField::Id];
                if !sources.iter().any(|source| names(source, place, None)) {
                    complain("the id".to_owned());
                }
            }
            let (before, after) = (leaves_of(before), leaves_of(after));
            let all = before
                .keys()
                .chain(after.keys().filter(|place| !before.contains_key(*place)));
            for target in all.filter(|target| before.get(*target) != after.get(*target)) {
                self.looked.changed += 1;
                let named = target.is_empty()
                    || sources_of(&self.lineage, target)
                        .iter()
                        .any(|(source, others)| names(source, place, others.then_some(&target[..])));
                if !named && !by_record {
                    complain(format!("`{}`", Path::from_segments(target.clone())));
                }
            }
        }
    }

    /// What is said to be a value of the source, and nothing else, is that value.
    fn identities(&mut self, record: &Json, outcome: &Outcome) {
        let Outcome::Write(output) = outcome else { return };
        let data: Json = serde_json::from_str(&output.data).unwrap();
        for (told, sources) in &self.lineage.fields {
            let (TargetField::Field(target), [source]) = (told, &sources[..]) else {
                continue;
            };
            let (SourceField::Field(from), Dependence::Identity) = (&source.origin, source.dependence) else {
                continue;
            };
            if target.is_many() || from.is_many() {
                continue;
            }
            let (now, was) = (at(&data, target.segments()), at(record, from.segments()));
            if let (Some(now @ (Json::String(_) | Json::Number(_) | Json::Bool(_))), Some(was)) = (now, was) {
                assert_eq!(now, was, "{target} is not {from}\n{}", self.stage.source_text());
                self.looked.identities += 1;
            }
        }
    }
}

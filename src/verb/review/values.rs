//! The values of a pair as people may see them: what a stage redacts is masked, and so is what is computed from it.

use std::collections::BTreeMap;

use super::compared::OtherField;
use crate::error::{Error, Result};
use crate::history::HiddenIds;
use crate::lineage::SourceField;
use crate::matching::Features;
use crate::path::{Path, Segment};
use crate::record::{Kind, MaskRelation, Object, REDACTED, Record, Value, masked};
use crate::stage::{FieldOrigin, Merge, Stage, Stages};
use crate::store::Store;

/// Maximum number of values that are not compared.
const MOST_OTHERS: usize = 40;

/// What of the members of a stage may be seen.
pub(super) struct ShownValues<'s> {
    redact: Vec<Path>,
    /// Whether ids of the source must not be shown.
    pub(super) hides_ids: bool,
    origins: Vec<FieldOrigin<'s>>,
    /// By field: whether it is masked.
    hidden: Vec<bool>,
}

/// The data of a member, with what is redacted masked.
pub(super) struct ShownMember {
    /// Its place among the features.
    pub(super) at: usize,
    id: String,
    data: Object,
}

/// A value as people may see it.
pub(super) struct ShownValue {
    pub(super) text: Option<String>,
    pub(super) redacted: bool,
}

impl<'s> ShownValues<'s> {
    /// Finds out what these stages redact, or any that was ever applied.
    pub(super) fn new(store: &Store, stages: &Stages, stage: &Stage, merge: &'s Merge) -> Result<Self> {
        let mut redact = store.redacted_paths()?;
        for path in stages.iter().flat_map(Stage::redact) {
            if !redact.contains(path) {
                redact.push(path.clone());
            }
        }
        let hides_ids = HiddenIds::new(store, stages.iter(), &redact)?.hides(stage.source());
        let origins = merge.origins();
        let is_hidden = |source: &SourceField| match source {
            SourceField::Id => hides_ids,
            SourceField::Record => !redact.is_empty(),
            SourceField::Field(path) => redact
                .iter()
                .any(|redact| MaskRelation::new(redact, path.segments()).may_hide()),
        };
        let hidden = origins.iter().map(|origin| origin.sources.iter().any(is_hidden));
        Ok(Self {
            hidden: hidden.collect(),
            origins,
            hides_ids,
            redact,
        })
    }

    /// Masks nothing.
    pub(super) fn revealed(merge: &'s Merge) -> Self {
        let origins = merge.origins();
        Self {
            hidden: vec![false; origins.len()],
            origins,
            hides_ids: false,
            redact: Vec::new(),
        }
    }

    /// Masks a member. `at`: its place among the features.
    pub(super) fn member(&self, at: usize, record: &Record) -> Result<ShownMember> {
        let data = masked(&record.data, &self.redact).and_then(|shown| Object::parse(&shown.data));
        let data = data.map_err(|fault| Error::Damaged {
            what: format!("record {} is not a JSON object: {fault}", record.number),
        })?;
        let id = record.id.clone();
        Ok(ShownMember { at, id, data })
    }

    /// Returns the value of a field: as the record has it where the stage reads it as it is, else as it is compared.
    pub(super) fn field(&self, features: &Features, member: &ShownMember, field: usize) -> ShownValue {
        let redacted = self.hidden[field];
        let text = features.value(member.at, field).map(|compared| {
            if redacted {
                return REDACTED.to_owned();
            }
            let origin = &self.origins[field];
            let own = origin.path.map(|path| own(&member.data, path));
            own.filter(|own| !own.is_empty())
                .unwrap_or_else(|| compared.replace(['\n', '\u{1f}'], ", "))
        });
        ShownValue {
            redacted: redacted || text.as_deref().is_some_and(|text| text.contains(REDACTED)),
            text,
        }
    }

    /// Returns the values of two members that are not compared, those that differ first.
    pub(super) fn others(&self, a: &ShownMember, b: &ShownMember) -> Vec<OtherField> {
        let mut others: Vec<OtherField> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for (is_second, member) in [(false, a), (true, b)] {
            for (path, value) in leaves(&member.data) {
                if self.is_compared(&path) {
                    continue;
                }
                // Its id stands above already, as far as it may be shown.
                let Some(text) = shown(&value).filter(|text| *text != member.id) else {
                    continue;
                };
                let name = path.to_string();
                let at = *known.entry(name).or_insert_with_key(|name| {
                    others.push(OtherField {
                        path: name.clone(),
                        a: None,
                        b: None,
                        redacted: false,
                    });
                    others.len() - 1
                });
                let other = &mut others[at];
                other.redacted |= text == REDACTED;
                *(if is_second { &mut other.b } else { &mut other.a }) = Some(text);
            }
        }
        others.sort_by_key(|other| other.a == other.b);
        others.truncate(MOST_OTHERS);
        others
    }

    /// Returns whether the value of a field is that of a place, as it is.
    fn is_compared(&self, place: &Path) -> bool {
        let paths = self
            .origins
            .iter()
            .flat_map(|origin| origin.path.into_iter().chain(&origin.passed));
        paths.into_iter().any(|path| {
            let relation = MaskRelation::new(path, place.segments());
            matches!(relation, MaskRelation::Hidden(_))
        })
    }
}

/// Returns what a record has at a path, as a text.
fn own(data: &Object, path: &Path) -> String {
    let texts: Vec<String> = if path.is_many() {
        let places = data.places(path).into_iter();
        places
            .filter_map(|place| shown(data.at(&place)?.as_ref()))
            .collect()
    } else {
        data.at(path)
            .and_then(|value| shown(&value))
            .into_iter()
            .collect()
    };
    texts.join(", ")
}

/// Returns a value as a text; `None` for null. A list of scalars is one text.
fn shown(value: &Value) -> Option<String> {
    match value.kind() {
        Kind::Null => None,
        Kind::Text => value.as_text().map(std::borrow::Cow::into_owned),
        Kind::Number => value.as_number().map(str::to_owned),
        Kind::Boolean => value.as_boolean().map(|boolean| boolean.to_string()),
        Kind::List => {
            let list = value.as_list()?;
            let texts: Vec<String> = list.iter().filter_map(shown).collect();
            Some(texts.join(", ")).filter(|text| !text.is_empty())
        }
        Kind::Object => Some(value.to_json()),
    }
}

/// Returns the values of a record that hold no others, in its order. A list without objects and lists counts as one.
fn leaves(data: &Object) -> Vec<(Path, Value)> {
    let mut found = Vec::new();
    let mut steps = Vec::new();
    walk_object(data, &mut steps, &mut found);
    found
}

fn walk_object(object: &Object, steps: &mut Vec<Segment>, found: &mut Vec<(Path, Value)>) {
    for field in object.fields() {
        steps.push(Segment::Key(field.name().into_owned()));
        walk(&field.value, steps, found);
        steps.pop();
    }
}

fn walk(value: &Value, steps: &mut Vec<Segment>, found: &mut Vec<(Path, Value)>) {
    if let Some(object) = value.as_object() {
        return walk_object(&object, steps, found);
    }
    let is_flat = |value: &Value| !matches!(value.kind(), Kind::Object | Kind::List);
    match value.as_list() {
        Some(list) if !list.iter().all(is_flat) => {
            for (at, element) in list.iter().enumerate() {
                steps.push(Segment::Index(at));
                walk(element, steps, found);
                steps.pop();
            }
        }
        _ => found.push((Path::from_segments(steps.clone()), value.clone())),
    }
}

//! Warnings about members that the source's contract does not have: a typing error that would refuse every record, or
//! read what no record has.

use serde_json::{Map, Value as Json};

use super::{Reconcile, Stage};
use crate::contract::Schema;
use crate::expression::{Expression, Template};
use crate::op::Operation;
use crate::path::{Path, Segment};
use crate::problem::{Place, Problem};
use crate::toml::Collected;

impl Stage {
    /// Warns of what the stage reads of the source's records although their contract does not have it.
    pub(super) fn check_members(&self, problems: &mut Collected) {
        let Some(members) = self.source_contract().and_then(Members::from_schema) else {
            return;
        };
        let mut told: Vec<Path> = Vec::new();
        let mut check = |reads: Vec<Path>, before: usize, place: Option<Place>| {
            for path in reads {
                let touched = self.ops()[..before]
                    .iter()
                    .flat_map(|op| op.writes())
                    .any(|write| write.covers(&path) || path.covers(&write));
                if touched || told.contains(&path) {
                    continue;
                }
                if let Some(unknown) = members.unknown(&path) {
                    problems.add(unknown.problem(&path, place.clone()));
                    told.push(path);
                }
            }
        };
        let steps = &self.steps;
        let all = self.ops().len();
        let mut expression = |expression: &Expression, before| {
            check(expression.reads(), before, Some(expression.start()));
        };
        let sums = self.reconciles.iter().flat_map(Reconcile::of_source);
        steps
            .filter
            .iter()
            .chain(sums)
            .for_each(|read| expression(read, 0));
        if !self.ops().iter().any(|op| hides_members(op.as_ref())) {
            let into = steps.into.iter().flat_map(Template::expressions);
            steps.id.iter().chain(into).for_each(|read| expression(read, all));
        }
        if let Some(merge) = &steps.merge {
            merge.deciding_expressions().for_each(|read| expression(read, 0));
            for (reads, place) in merge.reads_by_place() {
                check(reads, 0, place);
            }
        }
        if let Some(aggregate) = &steps.aggregate {
            for (path, place) in aggregate.reads_by_place() {
                check(vec![path], 0, place);
            }
        }
        if let Some(prepare) = &steps.prepare {
            check(prepare.reads(), 0, self.place_of("stage", "prepare"));
        }
        for (at, op) in self.ops().iter().enumerate() {
            check(op.reads(), at, self.op_place(at));
            if hides_members(op.as_ref()) {
                break;
            }
        }
    }
}

/// Returns whether an operation makes the members after it unknown: it derives other records, is a function of the
/// program, or puts members of one object into another.
fn hides_members(op: &dyn Operation) -> bool {
    op.effects().derives || op.makes_unknown_fields()
}

/// The members that a schema allows in records.
struct Members {
    schema: Json,
}

/// A member that does not exist.
struct UnknownMember<'m> {
    /// Its name.
    name: String,
    /// The members that exist instead.
    known: Vec<&'m str>,
}

impl UnknownMember<'_> {
    fn problem(&self, path: &Path, place: Option<Place>) -> Problem {
        let message = format!(
            "`{path}` is read, but the contract of the source has no member `{}` there",
            self.name
        );
        let problem = Problem::warning("check.unknown_member", place, message);
        problem
            .help(format!("its members are: {}", self.known.join(", ")))
            .did_you_mean(&self.name, self.known.iter().copied())
    }
}

impl Members {
    fn from_schema(schema: &Schema) -> Option<Self> {
        let schema = serde_json::from_str(schema.canonical()).ok()?;
        Some(Self { schema })
    }

    /// Returns the first name on the path that records do not have. If a schema allows more members than it names, an
    /// unnamed one counts only if it is similar to a named one.
    fn unknown(&self, path: &Path) -> Option<UnknownMember<'_>> {
        let mut schema = &self.schema;
        for segment in path.segments() {
            schema = self.resolved(schema)?;
            schema = match segment {
                Segment::Key(name) => {
                    let members = schema.get("properties")?.as_object()?;
                    match members.get(name) {
                        Some(next) => next,
                        None if is_closed(schema) || is_near(name, members) => {
                            let known = members.keys().map(String::as_str).collect();
                            let name = name.clone();
                            return Some(UnknownMember { name, known });
                        }
                        None => return None,
                    }
                }
                Segment::Index(_) | Segment::Each => schema.get("items")?,
            };
        }
        None
    }

    /// Follows the references of a schema; returns `None` if other schemas affect which members exist.
    fn resolved<'m>(&'m self, mut schema: &'m Json) -> Option<&'m Json> {
        // References may be circular.
        for _ in 0..16 {
            let object = schema.as_object()?;
            if object.keys().any(|key| has_a_say(key)) {
                return None;
            }
            let Some(reference) = object.get("$ref") else {
                return Some(schema);
            };
            if object.contains_key("properties") || object.contains_key("items") {
                return None;
            }
            let pointer = reference.as_str()?.strip_prefix('#')?;
            let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8().ok()?;
            schema = self.schema.pointer(&pointer)?;
        }
        None
    }
}

/// Returns whether a keyword may allow members beside `properties`.
fn has_a_say(keyword: &str) -> bool {
    matches!(
        keyword,
        "prefixItems"
            | "allOf"
            | "anyOf"
            | "oneOf"
            | "not"
            | "if"
            | "dependentSchemas"
            | "patternProperties"
            | "$dynamicRef"
    )
}

fn is_closed(schema: &Json) -> bool {
    ["additionalProperties", "unevaluatedProperties"]
        .iter()
        .any(|key| schema.get(key) == Some(&Json::Bool(false)))
}

/// Returns whether a name equals one of the members except for a typing error.
fn is_near(name: &str, members: &Map<String, Json>) -> bool {
    // Names that differ only in a number belong to a numbered series.
    let letters = |name: &str| name.replace(|letter: char| letter.is_ascii_digit(), "");
    let alike = |member: &String| letters(member) == letters(name);
    members.keys().filter(|member| !alike(member)).any(|member| {
        let distance = strsim::damerau_levenshtein(member, name);
        distance <= 2 && distance * 3 <= name.chars().count()
    })
}

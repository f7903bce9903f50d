//! A cluster's members become one document.

use std::collections::{BTreeMap, BTreeSet};

use super::choice::{Candidate, Members, choose};
use super::filled::{filled_fields, is_empty};
use super::member::Member;
use super::standing::Standing;
use super::{Survival, SurvivalRule, Survive};
use crate::context::Context;
use crate::contract::key_text;
use crate::path::{Path, Segment};
use crate::record::{Document, Field, Kind, Object, RecordNumber, Value};
use crate::refusal::{Refusal, Violation};

/// What the members of a cluster become.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Golden {
    pub(crate) document: Document,
    /// By JSON Pointer, where the members' values differ: the member whose value survived.
    pub(crate) won: BTreeMap<String, RecordNumber>,
}

impl Survival {
    /// Makes the golden record of a cluster: of one member its document, byte for byte. The order in which the members are
    /// given does not matter.
    ///
    /// # Errors
    /// A [`Refusal`] with a violation for each place: `merge.differs` where values differ that must not, `merge.unlike`
    /// where the members cannot be ordered, `merge.provenance` where a member has the field that says where values come
    /// from.
    pub(crate) fn golden(&self, members: &[Member<'_>], context: &Context<'_>) -> Result<Golden, Refusal> {
        let mut list = members.to_vec();
        list.sort_by_key(|member| member.number);
        if let [only] = &list[..] {
            return Ok(Golden {
                document: only.document.clone(),
                won: BTreeMap::new(),
            });
        }
        let standings = self.rules();
        let standings = standings.map(|rule| Standing::of_members(rule, &list, context));
        let mut walk = Walk {
            survival: self,
            standings: standings.collect(),
            members: Members {
                filled: list.iter().map(|member| filled_fields(member.document)).collect(),
                list: list.clone(),
            },
            at: Vec::new(),
            won: BTreeMap::new(),
            sources: BTreeMap::new(),
            violations: Vec::new(),
        };
        let objects: Vec<(usize, &Object)> = list.iter().map(|member| member.document).enumerate().collect();
        let document = walk.object(&objects);
        walk.finish(document)
    }
}

/// The walk through the places of a golden record.
struct Walk<'m> {
    survival: &'m Survival,
    /// What each member is to each rule, the default first.
    standings: Vec<Vec<Standing>>,
    members: Members<'m>,
    /// The current place.
    at: Vec<Segment>,
    won: BTreeMap<String, RecordNumber>,
    /// The members whose values survived, by JSON Pointer.
    sources: BTreeMap<String, Vec<usize>>,
    violations: Vec<Violation>,
}

impl Walk<'_> {
    fn finish(self, mut document: Document) -> Result<Golden, Refusal> {
        let mut violations = self.violations;
        if let Some(field) = &self.survival.provenance {
            let sources = self.sources.iter().map(|(pointer, members)| {
                let mut ids = members
                    .iter()
                    .map(|member| Value::text(self.members.list[*member].id));
                let ids = match members.len() {
                    1 => ids.next().unwrap_or_else(Value::null),
                    _ => Value::List(ids.collect()),
                };
                Field::new(pointer, ids)
            });
            let sources = Value::Object(sources.collect());
            if document.set(field, sources).is_some() {
                let expected = "members without the field that says where values come from";
                violations.push(
                    Violation::new("merge.provenance", Path::field(field).pointer()).expected(expected),
                );
            }
        }
        let Some(first) = violations.first() else {
            return Ok(Golden {
                document,
                won: self.won,
            });
        };
        let mut refusal = Refusal::from(first.clone());
        refusal.violations = violations;
        Err(refusal)
    }

    /// Makes one object of several: the fields of the first in their order, then those that only others have.
    fn object(&mut self, objects: &[(usize, &Object)]) -> Object {
        let mut positions: BTreeMap<String, usize> = BTreeMap::new();
        let mut columns: Vec<(&Field, Vec<Candidate<'_>>)> = Vec::new();
        for (member, object) in objects {
            for field in object.fields() {
                let candidate = Candidate {
                    member: *member,
                    value: &field.value,
                };
                let position = *positions
                    .entry(field.name().into_owned())
                    .or_insert(columns.len());
                match columns.get_mut(position) {
                    Some((_, candidates)) => candidates.push(candidate),
                    None => columns.push((field, vec![candidate])),
                }
            }
        }
        let fields = columns.into_iter().map(|(field, candidates)| {
            self.at.push(Segment::Key(field.name().into_owned()));
            let value = self.value(&candidates);
            self.at.pop();
            // The first field keeps the text of its name.
            let mut field = field.clone();
            field.value = value;
            field
        });
        fields.collect()
    }

    /// Returns the value of a place, of all members that have one, empty or not.
    fn value(&mut self, all: &[Candidate<'_>]) -> Value {
        let filled: Vec<Candidate<'_>> = all
            .iter()
            .filter(|candidate| !is_empty(candidate.value))
            .copied()
            .collect();
        let Some(first) = filled.first() else {
            return all.first().map_or_else(Value::null, |first| first.value.clone());
        };
        let survival = self.survival;
        let (number, rule) = survival.rule_at(&self.at);
        let is_object = |candidate: &Candidate<'_>| candidate.value.kind() == Kind::Object;
        if !rule.whole && filled.iter().all(is_object) {
            let objects = all.iter().filter_map(|candidate| {
                let object = candidate.value.as_object()?;
                Some((candidate.member, object))
            });
            let objects: Vec<_> = objects.collect();
            let objects: Vec<_> = objects
                .iter()
                .map(|(member, object)| (*member, &**object))
                .collect();
            return Value::Object(self.object(&objects));
        }
        if filled.iter().all(|candidate| candidate.value == first.value) {
            let member = self.members.least(&filled, |_| ()).member;
            self.came_from(vec![member]);
            return first.value.clone();
        }
        match &rule.by {
            Survive::Union => self.union(&filled),
            by => self.choice(by, number, &filled),
        }
    }

    fn choice(&mut self, by: &Survive, rule: usize, candidates: &[Candidate<'_>]) -> Value {
        match choose(by, candidates, &self.members, &self.standings[rule]) {
            Ok(chosen) => {
                let key = key_text(chosen.value);
                if candidates.iter().any(|other| key_text(other.value) != key) {
                    let number = self.members.list[chosen.member].number;
                    self.won.insert(self.pointer(), number);
                }
                self.came_from(vec![chosen.member]);
                chosen.value.clone()
            }
            Err(mut violation) => {
                violation.pointer = self.pointer();
                self.violations.push(violation);
                Value::null()
            }
        }
    }

    fn union(&mut self, candidates: &[Candidate<'_>]) -> Value {
        let (mut kept, mut seen, mut from) = (Vec::new(), BTreeSet::new(), Vec::new());
        let mut is_list = false;
        for candidate in candidates {
            let (value, before) = (candidate.value, kept.len());
            let mut add = |element: &Value| {
                if seen.insert(key_text(element)) {
                    kept.push(element.clone());
                }
            };
            if value.each_element(&mut add).is_some() {
                is_list = true;
            } else {
                add(value);
            }
            if kept.len() > before {
                from.push(candidate.member);
            }
        }
        self.came_from(from);
        match kept.len() {
            1 if !is_list => kept.swap_remove(0),
            _ => Value::List(kept),
        }
    }

    fn came_from(&mut self, members: Vec<usize>) {
        if self.survival.provenance.is_some() {
            self.sources.insert(self.pointer(), members);
        }
    }

    fn pointer(&self) -> String {
        Path::from_segments(self.at.clone()).pointer()
    }
}

impl Survival {
    /// Returns the rule of a place, that of the longest path that covers it, and its position among the rules.
    fn rule_at(&self, place: &[Segment]) -> (usize, &SurvivalRule) {
        let covering = self.fields.iter().enumerate();
        let covering = covering.filter(|(_, (path, _))| place.starts_with(path.segments()));
        let longest = covering.max_by_key(|(_, (path, _))| path.segments().len());
        longest.map_or((0, &self.default), |(at, (_, rule))| (at + 1, rule))
    }
}

//! One rule applied to the values of one place.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use super::Survive;
use super::filled::{filled, length};
use super::member::Member;
use super::standing::Standing;
use crate::contract::key_text;
use crate::op::MemberValue;
use crate::record::Value;
use crate::refusal::Violation;

/// A member's value that is not empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'v> {
    /// The member, by its position.
    pub(super) member: usize,
    pub(super) value: &'v Value,
}

/// The members, and how complete each is.
#[derive(Debug)]
pub(super) struct Members<'m> {
    pub(super) list: Vec<Member<'m>>,
    pub(super) filled: Vec<usize>,
}

impl<'m> Members<'m> {
    /// What decides where a rule does not: more fields, then the id that comes first.
    fn precedence(&self, candidate: &Candidate<'_>) -> (Reverse<usize>, &'m str) {
        let member = candidate.member;
        (Reverse(self.filled[member]), self.list[member].id)
    }

    /// Returns the candidate with the smallest key.
    pub(super) fn least<'c, 'v, K: Ord>(
        &self,
        candidates: &'c [Candidate<'v>],
        key: impl Fn(&Candidate<'v>) -> K,
    ) -> &'c Candidate<'v> {
        let least = candidates.iter().min_by(|a, b| {
            key(a)
                .cmp(&key(b))
                .then_with(|| self.precedence(a).cmp(&self.precedence(b)))
        });
        least.expect("a choice has candidates")
    }
}

/// Chooses among at least one candidate that are not all the same; `standings` has what each member is to the rule.
pub(super) fn choose<'c, 'v>(
    by: &Survive,
    candidates: &'c [Candidate<'v>],
    members: &Members<'_>,
    standings: &[Standing],
) -> Result<&'c Candidate<'v>, Violation> {
    match by {
        // Lists are united elsewhere.
        Survive::MostComplete | Survive::Union => {
            Ok(members.least(candidates, |candidate| Reverse(filled(candidate.value))))
        }
        Survive::First => Ok(&candidates[0]),
        Survive::Newest => Ok(&candidates[candidates.len() - 1]),
        Survive::Longest => Ok(members.least(candidates, |candidate| Reverse(length(candidate.value)))),
        Survive::Source { .. } => {
            Ok(
                members.least(candidates, |candidate| match standings[candidate.member] {
                    Standing::Place(place) => place,
                    _ => usize::MAX,
                }),
            )
        }
        Survive::NewestBy(_) => ranked(candidates, members, standings, Ordering::reverse),
        Survive::OldestBy(_) => ranked(candidates, members, standings, |order| order),
        Survive::Majority => {
            let keys = keys(candidates);
            let mut counts = BTreeMap::new();
            for key in keys.values() {
                *counts.entry(key).or_insert(0) += 1;
            }
            Ok(members.least(candidates, |candidate| Reverse(counts[&keys[&candidate.member]])))
        }
        Survive::Fail => {
            let keys = keys(candidates);
            let mut others = keys.values();
            let first = others.next();
            if others.any(|key| Some(key) != first) {
                return Err(differs());
            }
            Ok(members.least(candidates, |_| ()))
        }
        Survive::Custom(survivor) => {
            let values = candidates
                .iter()
                .map(|candidate| MemberValue::new(candidate.value, members.list[candidate.member].document));
            let chosen = survivor.choose(&values.collect::<Vec<_>>());
            chosen.and_then(|at| candidates.get(at)).ok_or_else(differs)
        }
    }
}

/// The values by which candidates are compared, by member: numbers by value, objects in any order of their fields.
fn keys(candidates: &[Candidate<'_>]) -> BTreeMap<usize, String> {
    let keys = candidates.iter();
    keys.map(|candidate| (candidate.member, key_text(candidate.value)))
        .collect()
}

fn differs() -> Violation {
    Violation::new("merge.differs", "").expected("the same value in all members")
}

/// Chooses the first by the ranks of its member; those without a rank come last.
fn ranked<'c, 'v>(
    candidates: &'c [Candidate<'v>],
    members: &Members<'_>,
    standings: &[Standing],
    direction: fn(Ordering) -> Ordering,
) -> Result<&'c Candidate<'v>, Violation> {
    let unlike = || Violation::new("merge.unlike", "").expected("values of one type to order the members by");
    let mut best: Vec<Candidate<'v>> = Vec::new();
    for candidate in candidates {
        let Standing::Rank(rank) = &standings[candidate.member] else {
            continue;
        };
        let order = match best.first().map(|best| &standings[best.member]) {
            Some(Standing::Rank(before)) => direction(rank.compare(before).ok_or_else(unlike)?),
            _ => Ordering::Less,
        };
        match order {
            Ordering::Less => best = vec![*candidate],
            Ordering::Equal => best.push(*candidate),
            Ordering::Greater => {}
        }
    }
    let is_behind = |candidate: &Candidate<'_>| best.iter().all(|best| best.member != candidate.member);
    Ok(members.least(candidates, is_behind))
}

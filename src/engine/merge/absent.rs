//! What a stage reads and no member has: probably a typing error, which nothing else would show.

use super::members::Members;
use crate::ledger::AbsentValue;
use crate::matching::ABSENT;
use crate::stage::Merge;

/// Returns what the stage reads and no member has; nothing if there are no members.
pub(super) fn absent(merge: &Merge, members: &Members) -> Vec<AbsentValue> {
    let features = &members.features;
    if features.len() == 0 {
        return Vec::new();
    }
    let mut absent = Vec::new();
    for (field, (name, from)) in merge.sources().enumerate() {
        // The parts of `by` are watched one by one.
        if let Some(from) = from
            && features.column(field).iter().all(|value| *value == ABSENT)
        {
            absent.push(AbsentValue::new("field", name).from(from));
        }
    }
    for (at, part) in merge.computed().enumerate() {
        if features.computed(at).iter().all(|hash| *hash == 0) {
            absent.push(AbsentValue::new("block", part));
        }
    }
    if let Some(one_per) = merge.one_per()
        && (0..features.len()).all(|member| features.owner(member).is_none())
    {
        absent.push(AbsentValue::new("one_per", one_per));
    }
    let watched = merge.watched().zip(&members.has).filter(|(_, has)| !**has);
    absent.extend(watched.map(|((what, path), _)| AbsentValue::new(what, path.to_string())));
    absent
}

//! Why two clusters that a probable pair would join stay apart.

use super::rings::Rings;
use super::{Conflict, Constraints, Joining};
use crate::matching::features::Features;
use crate::matching::score::Scorer;
use crate::matching::settings::Settings;

/// What keeps two clusters apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parted {
    /// These two of them are decided to be two.
    Decided(usize, usize),
    /// Together they have more members than a cluster may have.
    TooMany,
    /// These two of them are not one: something contradicts it, or speaks against it.
    By(usize, usize),
    /// Their pairs are not probable enough together; this one is the weakest.
    Weak(usize, usize),
}

/// Returns what keeps two clusters apart; `None` if they go together. `stand`: whether both stand already, which takes
/// more certainty.
pub(crate) fn parted(
    (features, settings, scorer): (&Features, &Settings, &Scorer<'_>),
    constraints: &Constraints<'_>,
    conflict: Conflict<'_>,
    clusters: [&[usize]; 2],
    stand: bool,
) -> Option<Parted> {
    let [ours, theirs] = clusters;
    let member = |member: usize| u32::try_from(member).unwrap_or(u32::MAX);
    let is_across = |(a, b): &&(usize, usize)| {
        (ours.contains(a) && theirs.contains(b)) || (ours.contains(b) && theirs.contains(a))
    };
    if let Some((one, other)) = constraints.cannot.iter().find(is_across) {
        return Some(Parted::Decided(*one, *other));
    }
    if ours.len() + theirs.len() > settings.most {
        return Some(Parted::TooMany);
    }
    let comparer = scorer.comparison.plain_comparer();
    // Only these two clusters are looked at, so there is nothing to join.
    let mut joining = Joining::new(features, settings, scorer, comparer, conflict, Rings::new(0));
    for (a, b) in constraints.must {
        joining.linked.link(member(*a), member(*b));
    }
    let line = if stand { settings.auto } else { settings.review };
    let [us, them] = clusters.map(|cluster| cluster.iter().map(|at| member(*at)).collect::<Vec<u32>>());
    let refused = joining.members_go_together(&us, &them, line).err()?;
    if let Some((one, other)) = refused.parted {
        return Some(Parted::By(one as usize, other as usize));
    }
    let pairs = ours
        .iter()
        .flat_map(|one| theirs.iter().map(move |other| (*one, *other)));
    let weakest = pairs.min_by_key(|(one, other)| {
        let evidence = scorer.pair(*one, *other);
        (evidence.bits, features.tie(*one), features.tie(*other))
    })?;
    Some(Parted::Weak(weakest.0, weakest.1))
}

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
    let comparer = scorer.comparison.plain_comparer();
    let mut joining = Joining::new(features, settings, scorer, comparer, conflict);
    // What decisions make one counts as one, but only these two clusters stand.
    joining.begin(constraints);
    joining.rings = Rings::new(features.len());
    let member = |member: usize| u32::try_from(member).unwrap_or(u32::MAX);
    let roots = clusters.map(|cluster| {
        for two in cluster.windows(2) {
            joining.rings.join(member(two[0]), member(two[1]));
        }
        cluster.first().map(|first| joining.rings.root(member(*first)))
    });
    let [Some(a), Some(b)] = roots else { return None };
    if let Some((one, other)) = joining.forbidden(a, b) {
        return Some(Parted::Decided(one as usize, other as usize));
    }
    if ours.len() + theirs.len() > settings.most {
        return Some(Parted::TooMany);
    }
    let line = if stand { settings.auto } else { settings.review };
    let refused = joining.go_together(a, b, line).err()?;
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

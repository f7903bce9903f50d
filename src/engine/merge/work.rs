//! What a pass of a merge has judged and still has to write.

use super::earlier::Earlier;
use super::judge::{Judged, ModelOrigin};
use super::members::{Members, index_of};
use super::reasons::MemberReason;
use super::units::{Before as _, Cluster};
use crate::ledger::golden::WaitingPair;
use crate::matching::{Bits, Model, Probability};
use crate::record::RecordNumber;

/// What is to be written.
pub(super) struct Work {
    pub(super) members: Members,
    pub(super) earlier: Earlier,
    pub(super) origin: ModelOrigin,
    pub(super) judged: Judged,
    /// Number of units that are written.
    pub(super) done: usize,
}

impl Work {
    /// Returns what speaks for the place of each member of a cluster.
    pub(super) fn reasons(&self, cluster: &Cluster) -> Vec<MemberReason> {
        let reason = |member: &RecordNumber| {
            let mut reason = MemberReason {
                has_moved: self
                    .earlier
                    .golden(*member)
                    .is_some_and(|was| !cluster.is_in(was)),
                ..MemberReason::default()
            };
            let Some(at) = index_of(&self.members.features, *member) else {
                return reason;
            };
            let place = &mut reason.place;
            place.review = self.review(at);
            if let Some(score) = self.judged.scores.get(&at) {
                place.bits = Some(Bits::new(score.strongest));
                // Of a pair both are the same.
                place.weakest = (cluster.members.len() > 2).then_some(Bits::new(score.weakest));
                place.by = names(&score.by, self.origin.model());
            }
            reason
        };
        cluster.members.iter().map(reason).collect()
    }

    fn review(&self, at: usize) -> Vec<WaitingPair> {
        let features = &self.members.features;
        let pairs = self.judged.reviews.get(&at).map_or(&[][..], Vec::as_slice);
        let mut pairs: Vec<WaitingPair> = pairs
            .iter()
            .map(|review| {
                let other = if review.a == at { review.b } else { review.a };
                WaitingPair {
                    with: RecordNumber::new(features.number(other)),
                    bits: Bits::new(review.bits),
                    probability: Probability::new(review.posterior),
                    band: review.band.name().to_owned(),
                }
            })
            .collect();
        pairs.sort_unstable_by_key(|pair| pair.with);
        pairs
    }
}

/// Returns the names of slots.
fn names(slots: &[usize], model: &Model) -> Vec<String> {
    let names = slots.iter().filter_map(|slot| model.slots.get(*slot));
    names.map(|slot| slot.name.clone()).collect()
}

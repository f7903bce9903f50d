//! A merge of a few records in memory, as a first pass over them would do it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::merge::{MemberFeatures, Merge};
use super::{Output, Stage};
use crate::context::Context;
use crate::expression::Scope;
use crate::matching::{Constraints, FeaturesBuilder, Scorer, Threads, Unfinished, cluster, learn, score};
use crate::record::Record;
use crate::refusal::Refusal;

/// Why records cannot be merged.
#[derive(Clone, Debug)]
pub(super) enum Unmerged {
    /// A member, or a golden record, is refused.
    Refused(Refusal),
    /// A limit of the stage would be exceeded.
    Unfinished(Unfinished),
}

impl From<Refusal> for Unmerged {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Unfinished> for Unmerged {
    fn from(unfinished: Unfinished) -> Self {
        Self::Unfinished(unfinished)
    }
}

impl Stage {
    /// Merges records, and returns the golden records in the order of the members that were there first. Records that
    /// `where` leaves out have no part in it.
    pub(super) fn goldens(
        &self,
        merge: &Merge,
        records: &[Record],
        context: &Context<'_>,
    ) -> Result<Vec<Output>, Unmerged> {
        let mut members: Vec<(&Record, MemberFeatures)> = Vec::with_capacity(records.len());
        for record in records {
            let features = self.member_in(record, &mut Scope::new(context.id(&record.id)))?;
            members.extend(features.map(|features| (record, features)));
        }
        let clusters = clusters(merge, &members, context)?;
        let mut goldens = Vec::with_capacity(clusters.len());
        for cluster in clusters.values() {
            let joined: Vec<&Record> = cluster.iter().map(|at| members[*at].0).collect();
            let mut scope = Scope::new(context.id(&joined[0].id));
            goldens.push(self.golden_of(merge, &joined, &mut scope)?.0);
        }
        Ok(goldens)
    }
}

/// Returns the clusters, each with the positions of its members, by the first of them.
fn clusters(
    merge: &Merge,
    members: &[(&Record, MemberFeatures)],
    context: &Context<'_>,
) -> Result<BTreeMap<u32, Vec<usize>>, Unfinished> {
    let settings = merge.settings();
    let mut builder = FeaturesBuilder::new(settings);
    for (record, features) in members {
        features.push_to(&mut builder, record)?;
    }
    let features = builder.build();
    let model = learn(&features, settings, Threads::new(1))?;
    let scored = score(&features, settings, &model, None, Threads::new(1))?;
    let pairs = Scorer::new(&features, settings, &model);
    let scope = RefCell::new(Scope::new(*context));
    let conflict = |a: usize, b: usize| {
        let values = |at: usize| &members[at].1.values;
        merge.conflict(values(a), values(b), &mut scope.borrow_mut())
    };
    let found = cluster(
        &features,
        settings,
        &scored,
        &pairs,
        &Constraints::default(),
        &conflict,
    );
    let mut clusters: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (member, label) in found.of.iter().enumerate() {
        clusters.entry(*label).or_default().push(member);
    }
    Ok(clusters)
}

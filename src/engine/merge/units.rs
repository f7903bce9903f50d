//! The units of a merge: clusters and golden records that depend on each other, each written in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::record::RecordNumber;

/// Clusters, and the golden records that their members are in, as far as one depends on another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unit {
    /// Clusters, in order of their smallest members.
    pub(super) clusters: Vec<Cluster>,
    /// Records that are in no cluster any more: deleted, filtered or refused.
    pub(super) left: Vec<Left>,
}

/// The members of one golden record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cluster {
    /// Ascending.
    pub(super) members: Vec<RecordNumber>,
    /// The golden record that they keep; `None` for a new one.
    pub(super) keeps: Option<RecordNumber>,
    /// Golden records that become part of it.
    pub(super) absorbs: Vec<RecordNumber>,
}

impl Cluster {
    /// Returns whether a golden record is, or becomes part of, the one that it keeps.
    pub(super) fn is_in(&self, golden: RecordNumber) -> bool {
        self.keeps == Some(golden) || self.absorbs.contains(&golden)
    }
}

/// A record that is in no cluster any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) record: RecordNumber,
    /// The golden record that was its alone, and is removed with it.
    pub(super) removes: Option<RecordNumber>,
}

impl Unit {
    /// Returns its smallest record, which no other unit of the pass has: the resume point behind it.
    pub(super) fn key(&self) -> RecordNumber {
        let members = self.clusters.iter().filter_map(|cluster| cluster.members.first());
        let left = self.left.iter().map(|left| &left.record);
        members.chain(left).min().copied().unwrap_or_default()
    }

    /// Returns its records.
    pub(super) fn records(&self) -> impl Iterator<Item = RecordNumber> {
        let members = self.clusters.iter().flat_map(|cluster| &cluster.members);
        members.copied().chain(self.left.iter().map(|left| left.record))
    }

    /// Returns how many records it has.
    pub(super) fn len(&self) -> usize {
        self.clusters
            .iter()
            .map(|cluster| cluster.members.len())
            .sum::<usize>()
            + self.left.len()
    }
}

/// Where the records of a merge stood before a pass, and what has changed.
pub(super) trait Before {
    /// Returns the golden record that a record was in.
    fn golden(&self, record: RecordNumber) -> Option<RecordNumber>;

    /// Returns the smallest member of the cluster with which a record was refused when it was last read; `None` if it was
    /// not.
    fn refused_with(&self, record: RecordNumber) -> Option<RecordNumber>;

    /// Returns whether a record was refused or left out when it was last read. If it is in a golden record nevertheless,
    /// this is an earlier version, or one that was changed by hand.
    fn is_left(&self, record: RecordNumber) -> bool;

    /// Returns whether the pass has to process a record, whatever its cluster is.
    fn is_changed(&self, record: RecordNumber) -> bool;
}

/// Returns the units that a pass has to process, in order of their keys. `clusters`: all of them, each with its members
/// ascending; `left`: the records that are in none and were in one, or have to be processed.
pub(super) fn units(
    clusters: Vec<Vec<RecordNumber>>,
    left: Vec<RecordNumber>,
    before: &impl Before,
) -> Vec<Unit> {
    let mut clusters: Vec<Cluster> = clusters
        .into_iter()
        .map(|members| Cluster {
            members,
            ..Cluster::default()
        })
        .collect();
    clusters.sort_unstable_by_key(|cluster| cluster.members.first().copied());
    let (goldens, refused) = (
        held(&clusters, &left, |record| before.golden(record)),
        held(&clusters, &left, |record| before.refused_with(record)),
    );
    let mut left: Vec<Left> = left
        .into_iter()
        .map(|record| Left {
            record,
            removes: None,
        })
        .collect();
    left.sort_unstable_by_key(|left| left.record);
    assign(&mut clusters, &mut left, &goldens);
    grouped(clusters, left, (&goldens, &refused), before)
}

/// The records of each golden record, or of each cluster that was refused, ascending, with the clusters that they are in
/// now.
type Held = BTreeMap<RecordNumber, Vec<(RecordNumber, Option<usize>)>>;

fn held(
    clusters: &[Cluster],
    left: &[RecordNumber],
    was_in: impl Fn(RecordNumber) -> Option<RecordNumber>,
) -> Held {
    let mut held = Held::new();
    let members = clusters
        .iter()
        .enumerate()
        .flat_map(|(at, cluster)| cluster.members.iter().map(move |member| (*member, Some(at))));
    for (record, at) in members.chain(left.iter().map(|record| (*record, None))) {
        if let Some(golden) = was_in(record) {
            held.entry(golden).or_default().push((record, at));
        }
    }
    for records in held.values_mut() {
        records.sort_unstable();
    }
    held
}

/// Decides who keeps each golden record: the cluster with the member that was there first, of those that do not keep an
/// older one. A golden record that nobody keeps becomes part of the cluster of its first member; if no member is left,
/// it is removed.
fn assign(clusters: &mut [Cluster], left: &mut [Left], held: &Held) {
    for (golden, records) in held {
        let mut now = records.iter().filter_map(|(_, at)| *at);
        let first = now.clone().next();
        if let Some(at) = now.find(|at| clusters[*at].keeps.is_none()) {
            clusters[at].keeps = Some(*golden);
        } else if let Some(at) = first {
            clusters[at].absorbs.push(*golden);
        } else if let Some((record, _)) = records.first()
            && let Ok(at) = left.binary_search_by_key(record, |left| left.record)
        {
            left[at].removes = Some(*golden);
        }
    }
}

/// Joins what shares a golden record, and what was refused together; keeps what is affected.
fn grouped(
    clusters: Vec<Cluster>,
    left: Vec<Left>,
    (held, refused): (&Held, &Held),
    before: &impl Before,
) -> Vec<Unit> {
    let mut groups = Groups::new(clusters.len() + left.len());
    for records in held.values().chain(refused.values()) {
        let mut nodes = records.iter().map(|(record, at)| match at {
            Some(at) => *at,
            None => clusters.len() + left.partition_point(|left| left.record < *record),
        });
        if let Some(first) = nodes.next() {
            nodes.for_each(|node| groups.join(first, node));
        }
    }
    let mut affected = BTreeSet::new();
    for (at, cluster) in clusters.iter().enumerate() {
        if is_affected(cluster, refused, before) {
            affected.insert(groups.root(at));
        }
    }
    for (at, gone) in left.iter().enumerate() {
        // Its golden record, if it was in one, is not what it was.
        let was_in = before
            .golden(gone.record)
            .filter(|_| !before.is_left(gone.record));
        if before.is_changed(gone.record) || was_in.is_some() {
            affected.insert(groups.root(clusters.len() + at));
        }
    }
    let mut units: HashMap<usize, Unit> = HashMap::new();
    let of_clusters = clusters.len();
    for (at, cluster) in clusters.into_iter().enumerate() {
        let root = groups.root(at);
        if affected.contains(&root) {
            units.entry(root).or_default().clusters.push(cluster);
        }
    }
    for (at, gone) in left.into_iter().enumerate() {
        let root = groups.root(of_clusters + at);
        if affected.contains(&root) {
            units.entry(root).or_default().left.push(gone);
        }
    }
    let mut units: Vec<Unit> = units.into_values().collect();
    units.sort_unstable_by_key(Unit::key);
    units
}

fn is_affected(cluster: &Cluster, refused: &Held, before: &impl Before) -> bool {
    let members = || cluster.members.iter().copied();
    if members().any(|member| before.is_changed(member)) {
        return true;
    }
    let first = members().next().and_then(|first| before.refused_with(first));
    if let Some(first) = first {
        // The same members would be refused again.
        let with = refused.get(&first).map_or(&[][..], Vec::as_slice);
        return !members().eq(with.iter().map(|(record, _)| *record));
    }
    let is_as_before =
        |member| before.golden(member) == cluster.keeps && before.refused_with(member).is_none();
    !cluster.absorbs.is_empty() || !members().all(is_as_before)
}

/// Disjoint sets.
struct Groups {
    above: Vec<usize>,
}

impl Groups {
    fn new(len: usize) -> Self {
        Self {
            above: (0..len).collect(),
        }
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.above[at] != at {
            self.above[at] = self.above[self.above[at]];
            at = self.above[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.above[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Was(Vec<(i64, i64)>, Vec<i64>);

    /// As well, the records that were refused, each with the smallest member of its cluster.
    struct Refused(Was, Vec<(i64, i64)>);

    impl Before for Was {
        fn golden(&self, record: RecordNumber) -> Option<RecordNumber> {
            let found = self.0.iter().find(|(member, _)| *member == record.get());
            found.map(|(_, golden)| RecordNumber::new(*golden))
        }

        fn refused_with(&self, _: RecordNumber) -> Option<RecordNumber> {
            None
        }

        fn is_left(&self, _: RecordNumber) -> bool {
            false
        }

        fn is_changed(&self, record: RecordNumber) -> bool {
            self.1.contains(&record.get())
        }
    }

    impl Before for Refused {
        fn golden(&self, record: RecordNumber) -> Option<RecordNumber> {
            self.0.golden(record)
        }

        fn refused_with(&self, record: RecordNumber) -> Option<RecordNumber> {
            let found = self.1.iter().find(|(refused, _)| *refused == record.get());
            found.map(|(_, first)| RecordNumber::new(*first))
        }

        fn is_left(&self, record: RecordNumber) -> bool {
            self.refused_with(record).is_some()
        }

        fn is_changed(&self, record: RecordNumber) -> bool {
            self.0.is_changed(record)
        }
    }

    fn numbers(numbers: &[i64]) -> Vec<RecordNumber> {
        numbers.iter().map(|number| RecordNumber::new(*number)).collect()
    }

    /// Each cluster as (members, keeps, absorbs); each record that left as (record, removes).
    #[track_caller]
    fn check(was: &impl Before, clusters: &[&[i64]], left: &[i64], expected: &str) {
        let clusters = clusters.iter().map(|members| numbers(members)).collect();
        let mut shown = Vec::new();
        for unit in units(clusters, numbers(left), was) {
            for cluster in unit.clusters {
                let of = |numbers: &[RecordNumber]| {
                    let texts: Vec<String> = numbers.iter().map(|number| number.get().to_string()).collect();
                    texts.join(",")
                };
                let keeps = cluster
                    .keeps
                    .map_or("new".to_owned(), |golden| golden.get().to_string());
                shown.push(format!(
                    "{}={}-{}",
                    of(&cluster.members),
                    keeps,
                    of(&cluster.absorbs)
                ));
            }
            for gone in unit.left {
                let removes = gone
                    .removes
                    .map_or("".to_owned(), |golden| golden.get().to_string());
                shown.push(format!("{}x{removes}", gone.record.get()));
            }
            shown.push("|".to_owned());
        }
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn the_worked_example_of_the_design() {
        check(
            &Was(vec![], vec![1, 2, 3]),
            &[&[1, 2], &[3]],
            &[],
            "1,2=new- | 3=new- |",
        );
        let first = vec![(1, 4), (2, 4), (3, 5)];
        check(&Was(first.clone(), vec![3]), &[&[1, 2, 3]], &[], "1,2,3=4-5 |");
        check(&Was(first, vec![]), &[&[1, 2], &[3]], &[], "");
        let joined = vec![(1, 4), (2, 4), (3, 4)];
        check(&Was(joined, vec![2]), &[&[1, 3], &[2]], &[], "1,3=4- 2=new- |");
    }

    #[test]
    fn a_golden_record_stays_with_whoever_is_left() {
        let was = || vec![(1, 4), (2, 4), (3, 5), (6, 5)];
        check(&Was(was(), vec![3]), &[&[1, 2, 3], &[6]], &[], "1,2,3=4- 6=5- |");
        check(&Was(was(), vec![1]), &[&[2], &[3, 6]], &[1], "2=4- 1x |");
        check(&Was(was(), vec![1, 2]), &[&[3, 6]], &[1, 2], "1x4 2x |");
        check(&Was(was(), vec![9]), &[&[1, 2, 9], &[3, 6]], &[], "1,2,9=4- |");
        check(&Was(was(), vec![9]), &[&[1, 2, 3, 6, 9]], &[], "1,2,3,6,9=4-5 |");
    }

    #[test]
    fn a_refused_cluster_is_tried_again_only_when_something_about_it_changes() {
        let was = |changed: &[i64]| {
            let goldens = Was(vec![(1, 9)], changed.to_vec());
            Refused(goldens, vec![(1, 1), (2, 1), (3, 1), (5, 5)])
        };
        let clusters: &[&[i64]] = &[&[1, 2, 3], &[4], &[5]];
        check(&was(&[]), clusters, &[], "");
        check(&was(&[2]), clusters, &[], "1,2,3=9- |");
        // One of them has gone, or belongs to others now: the rest may be accepted.
        check(&was(&[3]), &[&[1, 2], &[5]], &[3], "1,2=9- 3x |");
        check(&was(&[3]), &[&[1, 2], &[3, 5]], &[], "1,2=9- 3,5=new- |");
        check(&was(&[]), &[&[1], &[2, 3], &[5]], &[], "1=9- 2,3=new- |");
        // A refused record whose earlier version stays.
        check(&was(&[]), &[&[5]], &[1], "");
    }
}

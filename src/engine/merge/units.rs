//! The units of a merge: clusters and golden records that depend on each other, each written in one transaction.

use std::collections::BTreeMap;

use crate::record::RecordNumber;

/// Clusters, and the golden records that their members are in, as far as one depends on another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unit {
    /// Clusters, in order of their smallest members.
    pub(super) clusters: Vec<Cluster>,
    /// Records that are in no cluster any more: deleted, filtered or refused.
    pub(super) loose: Vec<Loose>,
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

/// A loose record: it is in no cluster any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Loose {
    pub(super) record: RecordNumber,
    /// The golden record that was its alone, and is removed with it.
    pub(super) removes: Option<RecordNumber>,
}

impl Unit {
    /// Returns its smallest record, which no other unit of the pass has: the resume point behind it.
    pub(super) fn key(&self) -> RecordNumber {
        let members = self.clusters.iter().filter_map(|cluster| cluster.members.first());
        let loose = self.loose.iter().map(|loose| &loose.record);
        members.chain(loose).min().copied().unwrap_or_default()
    }

    /// Returns its records.
    pub(super) fn records(&self) -> impl Iterator<Item = RecordNumber> {
        let members = self.clusters.iter().flat_map(|cluster| &cluster.members);
        members
            .copied()
            .chain(self.loose.iter().map(|loose| loose.record))
    }

    /// Returns how many records it has.
    pub(super) fn len(&self) -> usize {
        self.clusters
            .iter()
            .map(|cluster| cluster.members.len())
            .sum::<usize>()
            + self.loose.len()
    }
}

/// The clusters of all records, in order of their smallest members: numbers only, because there may be millions.
#[derive(Clone, Debug, Default)]
pub(super) struct Clusters {
    /// Cluster after cluster, ascending in each.
    members: Vec<RecordNumber>,
    /// Where the members of each cluster end.
    ends: Vec<usize>,
}

impl Clusters {
    /// Adds the next cluster.
    pub(super) fn push(&mut self, members: impl IntoIterator<Item = RecordNumber>) {
        self.members.extend(members);
        self.ends.push(self.members.len());
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, at: usize) -> &[RecordNumber] {
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.members[begin..self.ends[at]]
    }
}

/// The units of a pass, in order of their keys. Each is put together when it is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Units {
    clusters: Clusters,
    /// What each cluster keeps and absorbs.
    goldens: Goldens,
    loose: Vec<Loose>,
    /// The clusters, and the places in `loose`, in the order of the units.
    order: (Vec<u32>, Vec<u32>),
    /// Where the clusters, and the places in `loose`, of each unit end.
    ends: Vec<(usize, usize)>,
}

/// What becomes of golden records.
#[derive(Clone, Debug, Default)]
struct Goldens {
    /// By cluster: the golden record that it keeps.
    keeps: Vec<Option<RecordNumber>>,
    /// By cluster, where there are any: the golden records that become part of it.
    absorbs: BTreeMap<usize, Vec<RecordNumber>>,
}

impl Goldens {
    fn absorbed_by(&self, cluster: usize) -> &[RecordNumber] {
        self.absorbs.get(&cluster).map_or(&[], Vec::as_slice)
    }
}

impl Units {
    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns a unit.
    pub(super) fn get(&self, at: usize) -> Unit {
        let begin = at.checked_sub(1).map_or((0, 0), |before| self.ends[before]);
        let end = self.ends[at];
        let cluster = |at: &u32| {
            let at = *at as usize;
            Cluster {
                members: self.clusters.get(at).to_vec(),
                keeps: self.goldens.keeps[at],
                absorbs: self.goldens.absorbed_by(at).to_vec(),
            }
        };
        Unit {
            clusters: self.order.0[begin.0..end.0].iter().map(cluster).collect(),
            loose: self.order.1[begin.1..end.1]
                .iter()
                .map(|at| self.loose[*at as usize])
                .collect(),
        }
    }

    /// Returns all of them, from one on.
    pub(super) fn from(&self, first: usize) -> impl Iterator<Item = Unit> {
        (first..self.len()).map(|at| self.get(at))
    }

    /// Returns the members of each of their clusters.
    pub(super) fn clusters(&self) -> impl Iterator<Item = &[RecordNumber]> {
        self.order.0.iter().map(|at| self.clusters.get(*at as usize))
    }

    /// Returns how many of them have keys up to this one.
    pub(super) fn up_to(&self, key: RecordNumber) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.get(middle).key() <= key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
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
    fn is_set_aside(&self, record: RecordNumber) -> bool;

    /// Returns whether a person has taken a record out of the golden record of another one.
    fn has_left(&self, record: RecordNumber, other: RecordNumber) -> bool;

    /// Returns whether the pass has to process a record, whatever its cluster is.
    fn is_changed(&self, record: RecordNumber) -> bool;
}

/// Returns the units that a pass has to process. `clusters`: all of them; `loose`: the records that are in none and were in
/// one, or have to be processed, ascending.
pub(super) fn units(clusters: Clusters, loose: &[RecordNumber], before: &impl Before) -> Units {
    let (mut held_by, refused) = (
        held(&clusters, loose, |record| before.golden(record)),
        held(&clusters, loose, |record| before.refused_with(record)),
    );
    // Whom a person has taken out of a golden record leaves it to the others.
    for records in held_by.values_mut().filter(|records| records.len() > 1) {
        let all: Vec<RecordNumber> = records.iter().map(|(record, _)| *record).collect();
        records.sort_by_key(|(record, _)| all.iter().any(|other| before.has_left(*record, *other)));
    }
    let loose = loose.iter().map(|record| Loose {
        record: *record,
        removes: None,
    });
    let mut loose: Vec<Loose> = loose.collect();
    let goldens = assigned(clusters.len(), &mut loose, &held_by);
    let roots = roots(clusters.len(), &loose, [&held_by, &refused]);
    let mut keys = vec![None; roots.len()];
    for (at, root) in roots.iter().enumerate() {
        let root = *root as usize;
        let is_affected = match at.checked_sub(clusters.len()) {
            None => is_affected(clusters.get(at), &goldens, at, &refused, before),
            Some(at) => is_loose_affected(loose[at].record, before),
        };
        if is_affected {
            keys[root] = Some(RecordNumber::MAX);
        }
    }
    for (at, root) in roots.iter().enumerate() {
        let first = match at.checked_sub(clusters.len()) {
            None => clusters.get(at).first().copied(),
            Some(at) => Some(loose[at].record),
        };
        if let (Some(key), Some(first)) = (&mut keys[*root as usize], first) {
            *key = first.min(*key);
        }
    }
    let key = |at: usize| keys[roots[at] as usize];
    let in_order = |nodes: std::ops::Range<usize>| {
        let mut order: Vec<u32> = (nodes.clone())
            .filter(|at| key(*at).is_some())
            .map(|at| small(at - nodes.start))
            .collect();
        order.sort_by_key(|at| key(*at as usize + nodes.start));
        order
    };
    let order = (
        in_order(0..clusters.len()),
        in_order(clusters.len()..clusters.len() + loose.len()),
    );
    let ends = ends(
        &order,
        |at| key(at as usize),
        |at| key(at as usize + clusters.len()),
    );
    Units {
        clusters,
        goldens,
        loose,
        order,
        ends,
    }
}

/// Returns where each unit ends, among clusters and records in none that are in the order of their units' keys.
fn ends(
    (clusters, loose): &(Vec<u32>, Vec<u32>),
    of_cluster: impl Fn(u32) -> Option<RecordNumber>,
    of_loose: impl Fn(u32) -> Option<RecordNumber>,
) -> Vec<(usize, usize)> {
    let (mut ends, mut at) = (Vec::new(), (0, 0));
    loop {
        let next = [
            clusters.get(at.0).and_then(|cluster| of_cluster(*cluster)),
            loose.get(at.1).and_then(|loose| of_loose(*loose)),
        ];
        let Some(key) = next.into_iter().flatten().min() else {
            return ends;
        };
        at.0 += clusters[at.0..]
            .iter()
            .take_while(|cluster| of_cluster(**cluster) == Some(key))
            .count();
        at.1 += loose[at.1..]
            .iter()
            .take_while(|loose| of_loose(**loose) == Some(key))
            .count();
        ends.push(at);
    }
}

fn small(at: usize) -> u32 {
    u32::try_from(at).expect("fewer records than numbers of 32 bits")
}

/// The records of each golden record, or of each cluster that was refused, ascending, with the clusters that they are in
/// now.
type Held = BTreeMap<RecordNumber, Vec<(RecordNumber, Option<usize>)>>;

fn held(
    clusters: &Clusters,
    loose: &[RecordNumber],
    was_in: impl Fn(RecordNumber) -> Option<RecordNumber>,
) -> Held {
    let mut held = Held::new();
    let members =
        (0..clusters.len()).flat_map(|at| clusters.get(at).iter().map(move |member| (*member, Some(at))));
    for (record, at) in members.chain(loose.iter().map(|record| (*record, None))) {
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
fn assigned(clusters: usize, loose: &mut [Loose], held: &Held) -> Goldens {
    let mut goldens = Goldens {
        keeps: vec![None; clusters],
        absorbs: BTreeMap::new(),
    };
    for (golden, records) in held {
        let mut now = records.iter().filter_map(|(_, at)| *at);
        let first = now.clone().next();
        if let Some(at) = now.find(|at| goldens.keeps[*at].is_none()) {
            goldens.keeps[at] = Some(*golden);
        } else if let Some(at) = first {
            goldens.absorbs.entry(at).or_default().push(*golden);
        } else if let Some((record, _)) = records.first()
            && let Ok(at) = loose.binary_search_by_key(record, |loose| loose.record)
        {
            loose[at].removes = Some(*golden);
        }
    }
    goldens
}

/// Joins the clusters, and the records in none behind them, that share a golden record or were refused together. Returns
/// the first of each one's group.
fn roots(clusters: usize, loose: &[Loose], held: [&Held; 2]) -> Vec<u32> {
    let mut groups = Groups::new(clusters + loose.len());
    for records in held.into_iter().flat_map(BTreeMap::values) {
        let mut nodes = records.iter().map(|(record, at)| match at {
            Some(at) => *at,
            None => clusters + loose.partition_point(|loose| loose.record < *record),
        });
        if let Some(first) = nodes.next() {
            nodes.for_each(|node| groups.join(first, node));
        }
    }
    (0..clusters + loose.len())
        .map(|at| small(groups.root(at)))
        .collect()
}

/// Returns whether a record that is in no cluster changes anything: its golden record, if it was in one, is not what it
/// was.
fn is_loose_affected(record: RecordNumber, before: &impl Before) -> bool {
    let was_in = before.golden(record).filter(|_| !before.is_set_aside(record));
    before.is_changed(record) || was_in.is_some()
}

fn is_affected(
    members: &[RecordNumber],
    goldens: &Goldens,
    at: usize,
    refused: &Held,
    before: &impl Before,
) -> bool {
    let (keeps, absorbs) = (goldens.keeps[at], goldens.absorbed_by(at));
    let members = || members.iter().copied();
    if members().any(|member| before.is_changed(member)) {
        return true;
    }
    let first = members().next().and_then(|first| before.refused_with(first));
    if let Some(first) = first {
        // The same members would be refused again.
        let with = refused.get(&first).map_or(&[][..], Vec::as_slice);
        return !members().eq(with.iter().map(|(record, _)| *record));
    }
    let is_as_before = |member| before.golden(member) == keeps && before.refused_with(member).is_none();
    !absorbs.is_empty() || !members().all(is_as_before)
}

/// Disjoint sets.
struct Groups {
    above: Vec<u32>,
}

impl Groups {
    fn new(len: usize) -> Self {
        Self {
            above: (0..small(len)).collect(),
        }
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.above[at] as usize != at {
            self.above[at] = self.above[self.above[at] as usize];
            at = self.above[at] as usize;
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.above[a.max(b)] = small(a.min(b));
    }
}

#[cfg(test)]
mod tests;

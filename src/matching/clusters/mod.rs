//! Clusters: pairs joined, the strongest first, as long as all members of a cluster go together.

mod linked;
mod parted;
mod rings;

use std::collections::{HashMap, HashSet};

use linked::Linked;
pub(crate) use parted::{Parted, parted};
use rings::Rings;

use crate::matching::compare::{Comparer, MISSING};
use crate::matching::features::Features;
use crate::matching::odds::bits_of;
use crate::matching::score::{Edge, Held, Scored, Scorer};
use crate::matching::settings::{Join, Millibits, Ppm, Settings};

/// What a stage's own conflict does to a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Then {
    /// Never merged, and not shown.
    Never,
    /// Shown at most.
    Review,
}

/// Decisions and clusters that stand already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Constraints<'c> {
    /// Pairs that are one.
    pub(crate) must: &'c [(usize, usize)],
    /// Pairs that are not: no cluster holds both.
    pub(crate) cannot: &'c [(usize, usize)],
    /// Pairs of these that are shown again.
    pub(crate) reopened: &'c [(usize, usize)],
    /// Members that join nobody unless a person has decided so.
    pub(crate) apart: &'c [usize],
    /// By member: the label of the cluster it is in, or [`FREE`].
    pub(crate) initial: Option<&'c [u32]>,
}

/// The label of a member that is in no cluster yet.
pub(crate) const FREE: u32 = u32::MAX;

/// Why a probable pair is in two clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Band {
    /// Not certain enough to be merged.
    Near,
    /// Merging it would join members that do not go together.
    Chain,
    /// Something contradicts it.
    Conflict,
    /// It would join two clusters that stand already.
    Joins,
}

impl Band {
    /// Returns the name that entries and screens use.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Chain => "chain",
            Self::Conflict => "conflict",
            Self::Joins => "joins",
        }
    }
}

/// A pair that a person should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Review {
    pub(crate) a: usize,
    pub(crate) b: usize,
    pub(crate) bits: Millibits,
    pub(crate) posterior: Ppm,
    pub(crate) band: Band,
}

/// What clustering gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clustering {
    /// By member: the member of its cluster with the smallest record number.
    pub(crate) of: Vec<u32>,
    /// The strongest pair between each two clusters that are probably one, the strongest first.
    pub(crate) reviews: Vec<Review>,
}

/// A contradiction between two members, as the stage defines it.
pub(crate) type Conflict<'c> = &'c dyn Fn(usize, usize) -> Option<Then>;

/// Below this probability two members never get into one cluster through others: one in a thousand of such pairs is one, so
/// that a third record which fits both is more probably of two people.
const FLOOR: Ppm = 1_000;

/// Joins members to clusters.
pub(crate) fn cluster(
    features: &Features,
    settings: &Settings,
    candidates: &Scored,
    scorer: &Scorer<'_>,
    constraints: &Constraints<'_>,
    conflict: Conflict<'_>,
) -> Clustering {
    let apart: HashSet<usize> = constraints.apart.iter().copied().collect();
    let mut contested = HashSet::new();
    loop {
        let comparer = scorer.comparison.comparer();
        let rings = Rings::new(features.len());
        let mut joining = Joining::new(features, settings, scorer, comparer, conflict, rings);
        joining.begin(constraints);
        let (mut refused, before) = (HashMap::new(), contested.len());
        for (at, edge) in candidates.edges.iter().enumerate() {
            if !edge.is_certain(settings) {
                continue;
            }
            let is_apart = |member: u32| apart.contains(&(member as usize));
            if is_apart(edge.a) || is_apart(edge.b) {
                refused.insert(at, Some(Band::Conflict));
            } else if contested.contains(&edge.a) || contested.contains(&edge.b) {
                refused.insert(at, Some(Band::Chain));
            } else if let Err(Refused { band, parted }) = joining.join(edge) {
                refused.insert(at, band);
                contested.extend(parted.and_then(|parted| joining.torn(edge, parted, constraints)));
            }
        }
        // What a contested member held together is joined anew, without it.
        if contested.len() == before {
            return Clustering {
                reviews: joining.reviews(candidates, &refused),
                of: joining.rings.labels(|member| features.number(member)),
            };
        }
    }
}

impl Constraints<'_> {
    /// Returns whether two members stand in one cluster already.
    fn stand_together(&self, one: u32, other: u32) -> bool {
        let labels = self.initial.unwrap_or_default();
        let [one, other] = [one, other].map(|member| labels.get(member as usize).copied().unwrap_or(FREE));
        one != FREE && one == other
    }
}

/// Why a pair was not joined.
struct Refused {
    /// The band that it is shown in, if at all.
    band: Option<Band>,
    /// Two members of the clusters, in the order of the pair, that are not one.
    parted: Option<(u32, u32)>,
}

impl Refused {
    fn new(band: impl Into<Option<Band>>) -> Self {
        Self {
            band: band.into(),
            parted: None,
        }
    }
}

struct Joining<'j, 'f> {
    features: &'j Features,
    settings: &'j Settings,
    scorer: &'j Scorer<'f>,
    conflict: Conflict<'j>,
    comparer: Comparer<'j, 'f>,
    levels: Vec<u8>,
    rings: Rings,
    /// The roots of clusters that stood before.
    established: HashSet<u32>,
    cannot: HashMap<u32, Vec<u32>>,
    /// Pairs, the smaller member first, that are shown again though they are decided to be two.
    reopened: HashSet<(u32, u32)>,
    /// The members that decisions make one.
    linked: Linked,
}

impl<'j, 'f> Joining<'j, 'f> {
    fn new(
        features: &'j Features,
        settings: &'j Settings,
        scorer: &'j Scorer<'f>,
        comparer: Comparer<'j, 'f>,
        conflict: Conflict<'j>,
        rings: Rings,
    ) -> Self {
        Self {
            features,
            settings,
            scorer,
            conflict,
            comparer,
            levels: vec![MISSING; scorer.comparison.slots.len()],
            rings,
            established: HashSet::new(),
            cannot: HashMap::new(),
            reopened: HashSet::new(),
            linked: Linked::default(),
        }
    }
}

impl Joining<'_, '_> {
    /// Starts from the clusters that stand, and from decisions.
    fn begin(&mut self, constraints: &Constraints<'_>) {
        let member = |member: usize| u32::try_from(member).unwrap_or(FREE);
        for &(a, b) in constraints.cannot {
            self.cannot.entry(member(a)).or_default().push(member(b));
            self.cannot.entry(member(b)).or_default().push(member(a));
        }
        let reopened = constraints
            .reopened
            .iter()
            .map(|&(a, b)| (member(a.min(b)), member(a.max(b))));
        self.reopened.extend(reopened);
        let mut first = HashMap::new();
        for (at, &label) in constraints.initial.unwrap_or_default().iter().enumerate() {
            if label != FREE {
                let root = *first.entry(label).or_insert(member(at));
                self.rings.join(root, member(at));
            }
        }
        let roots: Vec<u32> = first.values().map(|&first| self.rings.root(first)).collect();
        self.established.extend(roots);
        let tie = |(a, b): (usize, usize)| {
            let (a, b) = (self.features.tie(a), self.features.tie(b));
            (a.min(b), a.max(b))
        };
        let mut must = constraints.must.to_vec();
        must.sort_by_key(|&pair| tie(pair));
        for (a, b) in must {
            let (a, b) = (member(a), member(b));
            if self.rings.root(a) == self.rings.root(b) || !self.is_forbidden(a, b) {
                self.linked.link(a, b);
                self.unite(a, b);
            }
        }
    }

    /// Joins the clusters of a pair if all their members go together.
    fn join(&mut self, edge: &Edge) -> Result<(), Refused> {
        let (a, b) = (self.rings.root(edge.a), self.rings.root(edge.b));
        if a == b {
            return Ok(());
        }
        if let Some(parted) = self.forbidden(a, b) {
            // What is decided about the two themselves leaves no question whose record a third is.
            let is_decided = self
                .cannot
                .get(&edge.a)
                .is_some_and(|others| others.contains(&edge.b));
            return Err(Refused {
                band: None,
                parted: (!is_decided).then_some(parted),
            });
        }
        if self.rings.size(a) + self.rings.size(b) > self.settings.most {
            return Err(Refused::new(Band::Chain));
        }
        let both_stand = self.established.contains(&a) && self.established.contains(&b);
        let line = if both_stand {
            self.settings.auto
        } else {
            self.settings.review
        };
        self.go_together(a, b, line).map_err(|why| match why.band {
            Some(Band::Chain) if both_stand => Refused {
                band: Some(Band::Joins),
                ..why
            },
            _ => why,
        })?;
        self.unite(a, b);
        Ok(())
    }

    fn unite(&mut self, a: u32, b: u32) {
        let stands = [a, b]
            .map(|member| self.rings.root(member))
            .iter()
            .any(|root| self.established.remove(root));
        let root = self.rings.join(a, b);
        if stands {
            self.established.insert(root);
        }
    }

    /// Checks every pair across two clusters. Members that a person has made one count as one: what goes with one of them
    /// goes with all.
    fn go_together(&mut self, a: u32, b: u32, line: Ppm) -> Result<(), Refused> {
        let [ours, theirs] = [a, b].map(|root| self.rings.members(root));
        self.members_go_together(&ours, &theirs, line)
    }

    /// As [`go_together`](Self::go_together), of clusters as lists of members.
    fn members_go_together(&mut self, ours: &[u32], theirs: &[u32], line: Ppm) -> Result<(), Refused> {
        let [our_people, their_people] = [ours, theirs].map(|members| self.linked.grouped(members));
        let (mut sum, mut least) = (0_u64, Ppm::MAX);
        for one in &our_people {
            for other in &their_people {
                let posterior = self.best_across(one, other, [ours, theirs])?;
                sum += u64::from(posterior);
                least = least.min(posterior);
            }
        }
        let mean = sum / (our_people.len() * their_people.len()) as u64;
        let goes = match self.settings.join {
            Join::Mean => mean >= u64::from(line) && least >= FLOOR,
            Join::All => least >= line,
            Join::Any => true,
        };
        if goes {
            Ok(())
        } else {
            Err(Refused::new(Band::Chain))
        }
    }

    /// Returns the probability of the best of the pairs across; what speaks against the first, if all are contradicted.
    fn best_across(&mut self, ours: &[u32], theirs: &[u32], clusters: [&[u32]; 2]) -> Result<Ppm, Refused> {
        let (mut best, mut against) = (None, None);
        for &one in ours {
            for &other in theirs {
                match self.across(one, other, clusters) {
                    Ok(posterior) => best = best.max(Some(posterior)),
                    Err(refused) => against = against.or(Some(refused)),
                }
            }
        }
        match (best, against) {
            (None, Some(refused)) => Err(refused),
            (best, _) => Ok(best.unwrap_or_default()),
        }
    }

    /// Returns the probability that two members of the clusters are one; an error if something contradicts it.
    fn across(&mut self, one: u32, other: u32, clusters: [&[u32]; 2]) -> Result<Ppm, Refused> {
        let parted = |band| Refused {
            band,
            parted: Some((one, other)),
        };
        let (one, other) = (one as usize, other as usize);
        match self.contradiction(one, other) {
            Some(Then::Never) => return Err(parted(None)),
            Some(Then::Review) => return Err(parted(Some(Band::Conflict))),
            None => {}
        }
        let evidence = self
            .scorer
            .evidence(&mut self.comparer, &mut self.levels, one, other);
        if evidence.held == Some(Held::Unique) {
            return Err(parted(Some(Band::Conflict)));
        }
        if evidence.held == Some(Held::Against) && !self.is_bridged(one, other, clusters) {
            return Err(parted(Some(Band::Chain)));
        }
        Ok(if evidence.held == Some(Held::NoAgreement) {
            0
        } else {
            evidence.posterior()
        })
    }

    /// Returns what the stage's own rules say against a pair: its conflicts, and that a cluster has one member of each owner.
    fn contradiction(&self, one: usize, other: usize) -> Option<Then> {
        (self.conflict)(one, other).or_else(|| {
            let owner = self.features.owner(one);
            (owner.is_some() && owner == self.features.owner(other)).then_some(Then::Review)
        })
    }

    /// Returns the member of a pair that fits two who are not one about equally well, one in its own cluster and the other
    /// one of the pair: a person has to say whose record it is. `parted`: who is not one, of the clusters of the pair. Members
    /// with which it stood already do not count: what stands stays.
    fn torn(&mut self, edge: &Edge, parted: (u32, u32), constraints: &Constraints<'_>) -> Option<u32> {
        // The two of the pair themselves have to go together.
        let (a, b) = (edge.a as usize, edge.b as usize);
        if self.contradiction(a, b).is_some() {
            return None;
        }
        let of_own = |own: u32, parted: (u32, u32), other: u32| own != parted.0 && other == parted.1;
        let torn = if of_own(edge.a, parted, edge.b) {
            edge.a
        } else if of_own(edge.b, (parted.1, parted.0), edge.a) {
            edge.b
        } else {
            return None;
        };
        let own = self.rings.members(torn);
        let is_new = |member: &u32| *member != torn && !constraints.stand_together(*member, torn);
        let own = own.into_iter().filter(is_new);
        let bits = own.map(|member| {
            let (one, other) = (torn as usize, member as usize);
            let evidence = self
                .scorer
                .evidence(&mut self.comparer, &mut self.levels, one, other);
            evidence.bits
        });
        let best = bits.max()?;
        // It must be as certain whose it is as that it is one with anybody.
        (best < edge.bits + bits_of(self.settings.auto)).then_some(torn)
    }

    /// Returns whether others explain the contradictions of a pair in what identifies: for each, a third member has a value
    /// there, and goes with both by the rule of caution. One that has no value there says less, and joins nobody to another.
    fn is_bridged(&mut self, one: usize, other: usize, clusters: [&[u32]; 2]) -> bool {
        self.comparer.levels(one, other, &mut self.levels);
        let against = self.scorer.contradictions(&self.levels);
        against.into_iter().all(|slot| {
            let mut others = clusters.into_iter().flatten().map(|member| *member as usize);
            others.any(|third| {
                let goes_with = |side: usize| {
                    let evidence = self
                        .scorer
                        .evidence(&mut self.comparer, &mut self.levels, third, side);
                    evidence.held.is_none() && self.levels[slot] != MISSING
                };
                third != one && third != other && [one, other].into_iter().all(goes_with)
            })
        })
    }

    /// Returns a pair of two clusters that is decided to be two.
    fn forbidden(&self, a: u32, b: u32) -> Option<(u32, u32)> {
        if self.cannot.is_empty() {
            return None;
        }
        let theirs = self.rings.root(b);
        let pairs = self.rings.members(a).into_iter().flat_map(|one| {
            let others = self.cannot.get(&one).into_iter().flatten();
            others.map(move |other| (one, *other))
        });
        pairs
            .into_iter()
            .find(|(_, other)| self.rings.root(*other) == theirs)
    }

    fn is_forbidden(&self, a: u32, b: u32) -> bool {
        self.forbidden(a, b).is_some()
    }

    /// The pairs to be shown: of each two clusters the strongest.
    fn reviews(&self, scored: &Scored, refused: &HashMap<usize, Option<Band>>) -> Vec<Review> {
        let mut seen = HashSet::new();
        let mut reviews = Vec::new();
        for (at, edge) in scored.edges.iter().enumerate() {
            let (a, b) = (self.rings.root(edge.a), self.rings.root(edge.b));
            let is_reopened = self.reopened.contains(&(edge.a.min(edge.b), edge.a.max(edge.b)));
            if a == b || (self.is_forbidden(a, b) && !is_reopened) {
                continue;
            }
            let band = match (refused.get(&at), edge.held) {
                // A person has decided otherwise.
                (Some(None), _) if is_reopened => Band::Conflict,
                (Some(None), _) => continue,
                (Some(Some(band)), _) => *band,
                (None, Some(Held::Unique)) => Band::Conflict,
                (None, Some(Held::Against)) if edge.posterior >= self.settings.auto => Band::Conflict,
                (None, _) => match (self.conflict)(edge.a as usize, edge.b as usize) {
                    Some(Then::Never) => continue,
                    Some(Then::Review) => Band::Conflict,
                    None => Band::Near,
                },
            };
            if seen.insert((a.min(b), a.max(b))) {
                reviews.push(Review {
                    a: edge.a as usize,
                    b: edge.b as usize,
                    bits: edge.bits,
                    posterior: edge.posterior,
                    band,
                });
            }
        }
        reviews
    }
}

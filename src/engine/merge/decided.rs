//! What people have decided about pairs, as a merge honours it.

use std::collections::{BTreeSet, HashSet};

use rusqlite::Connection;

use super::members::index_of;
use crate::error::{Error, Result};
use crate::ledger::decisions::{
    Linked, Verdict, Verdicts, chain, decided_by, in_order, taken_back, verdicts,
};
use crate::ledger::merged::{StandingMember, left_by};
use crate::ledger::review::NumberPair;
use crate::matching::{Constraints, Edge, Features};
use crate::record::{BatchId, RecordNumber};
use crate::stage::Stage;
use crate::store::{Salted, Table};

/// The decisions that stood before a pass.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    verdicts: Verdicts,
    /// Rejected pairs of which one has changed since: they are shown again.
    reopened: BTreeSet<NumberPair>,
    /// Pairs that a decision made one which was taken back.
    taken_back: BTreeSet<NumberPair>,
    /// Records that a person has taken out of a golden record, and that are what they were then.
    apart: BTreeSet<RecordNumber>,
}

impl Decisions {
    /// Reads the decisions of batches before one.
    ///
    /// # Errors
    /// [`Error::Invalid`] if accepted pairs link two records that are decided to be two.
    pub(super) fn read(
        connection: &Connection,
        project: &str,
        stage: &Stage,
        before: BatchId,
    ) -> Result<Self> {
        let verdicts = verdicts(connection, project, stage.number(), before)?;
        refuse_contradiction(connection, &verdicts)?;
        let (mut reopened, mut apart) = (BTreeSet::new(), BTreeSet::new());
        let source = Table::from_name(stage.source())?;
        for (pair, found) in &verdicts {
            let has_left = found.left != [false; 2];
            if found.verdict != Verdict::Rejected && !has_left {
                continue;
            }
            let now = versions(connection, &source, *pair)?;
            if found.verdict == Verdict::Rejected && found.seen != now {
                reopened.insert(*pair);
            }
            for (side, record) in [pair.0, pair.1].into_iter().enumerate() {
                if found.left[side] && found.left_as[side] == now[side] {
                    apart.insert(record);
                }
            }
        }
        Ok(Self {
            taken_back: taken_back(connection, project, stage.number(), before)?,
            verdicts,
            reopened,
            apart,
        })
    }

    /// Returns the records of a selection that are there only because of a decision: their rows are what the stage has read.
    pub(super) fn only_decided(
        &self,
        connection: &Connection,
        stage: &Stage,
        selected: &[RecordNumber],
        standing: &[StandingMember],
    ) -> Result<BTreeSet<RecordNumber>> {
        let pairs = self.verdicts.keys().chain(&self.taken_back);
        let named: BTreeSet<RecordNumber> = pairs.flat_map(|(a, b)| [*a, *b]).collect();
        let source = Table::from_name(stage.source())?;
        let mut only = BTreeSet::new();
        for record in selected.iter().filter(|record| named.contains(record)) {
            let Ok(at) = standing.binary_search_by_key(record, |member| member.record) else {
                continue;
            };
            let (read, _) = left_by(connection, (standing[at].batch, *record))?;
            let [now, _] = versions(connection, &source, (*record, *record))?;
            if read == now {
                only.insert(*record);
            }
        }
        Ok(only)
    }

    /// Returns the pairs that are not one (any more) by decision, though something may hold them together.
    pub(super) fn dividing(&self) -> impl Iterator<Item = &NumberPair> {
        let parted = self
            .verdicts
            .iter()
            .filter(|(_, found)| found.verdict != Verdict::Accepted);
        let undecided = self
            .taken_back
            .iter()
            .filter(|pair| !self.verdicts.contains_key(pair));
        parted.map(|(pair, _)| pair).chain(undecided)
    }

    /// Returns the accepted pairs.
    pub(super) fn accepted(&self) -> impl Iterator<Item = &NumberPair> {
        let accepted = self
            .verdicts
            .iter()
            .filter(|(_, found)| found.verdict == Verdict::Accepted);
        accepted.map(|(pair, _)| pair)
    }

    /// Returns the decisions about pairs of members.
    pub(super) fn of_members(&self, features: &Features) -> DecidedPairs {
        let mut pairs = DecidedPairs::default();
        for ((a, b), found) in &self.verdicts {
            let (Some(one), Some(other)) = (index_of(features, *a), index_of(features, *b)) else {
                continue;
            };
            pairs.all.insert((one.min(other), one.max(other)));
            if found.verdict == Verdict::Accepted {
                pairs.must.push((one, other));
                continue;
            }
            pairs.cannot.push((one, other));
            if self.reopened.contains(&(*a, *b)) {
                pairs.reopened.push((one, other));
            }
        }
        pairs.apart = self
            .apart
            .iter()
            .filter_map(|record| index_of(features, *record))
            .collect();
        pairs
    }

    /// Returns whether a person has taken a record out of the golden record of another one.
    pub(super) fn has_left(&self, record: RecordNumber, other: RecordNumber) -> bool {
        let found = self.verdicts.get(&in_order(record, other));
        found.is_some_and(|found| found.left[usize::from(record > other)])
    }
}

/// Decisions about pairs, by the places of the members among the features.
#[derive(Debug, Default)]
pub(super) struct DecidedPairs {
    must: Vec<(usize, usize)>,
    cannot: Vec<(usize, usize)>,
    reopened: Vec<(usize, usize)>,
    apart: Vec<usize>,
    /// All of them, the smaller place first.
    all: HashSet<(usize, usize)>,
}

impl DecidedPairs {
    /// Returns whether something is decided about the members of an edge.
    pub(super) fn has(&self, edge: &Edge) -> bool {
        let (a, b) = (edge.a as usize, edge.b as usize);
        self.all.contains(&(a.min(b), a.max(b)))
    }

    /// Returns what clustering has to hold, beside the clusters that stand.
    pub(super) fn constraints<'c>(&'c self, initial: Option<&'c [u32]>) -> Constraints<'c> {
        Constraints {
            must: &self.must,
            cannot: &self.cannot,
            reopened: &self.reopened,
            apart: &self.apart,
            initial,
        }
    }
}

/// Returns what the rows of two records are, as commitments.
pub(crate) fn versions(
    connection: &Connection,
    source: &Table,
    (a, b): NumberPair,
) -> Result<[Option<crate::digest::Hash>; 2]> {
    if !source.exists(connection)? {
        return Ok([None; 2]);
    }
    let version = |record| -> Result<_> {
        let row = source.by_number(connection, record)?;
        Ok(row.as_ref().and_then(Salted::hash))
    };
    Ok([version(a)?, version(b)?])
}

/// Number of pairs that an error names.
const NAMED: usize = 5;

/// Refuses decisions that contradict each other.
///
/// # Errors
/// [`Error::Invalid`] if accepted pairs link two records that are decided to be two.
pub(crate) fn refuse_contradiction(connection: &Connection, verdicts: &Verdicts) -> Result<()> {
    let Some((a, b)) = Linked::new(verdicts).contradicted(verdicts).first().copied() else {
        return Ok(());
    };
    let said = |pair: &NumberPair| -> Result<String> {
        let decided = decided_by(connection, verdicts[pair].batch)?;
        Ok(match decided {
            Some(by) => format!("{}+{} by {} in run {}", pair.0, pair.1, by.actor, by.run),
            None => format!("{}+{} now", pair.0, pair.1),
        })
    };
    let links = chain(verdicts, a, b);
    let newest = links
        .iter()
        .map(|pair| verdicts[pair].batch)
        .max()
        .unwrap_or_default();
    let run = decided_by(connection, newest)?
        .map(|by| by.run)
        .unwrap_or_default();
    let more = links.len().saturating_sub(NAMED);
    let mut links: Vec<String> = links.iter().take(NAMED).map(said).collect::<Result<_>>()?;
    if more > 0 {
        links.push(format!("{more} more"));
    }
    Err(Error::invalid(
        format!(
            "records {a} and {b} are decided to be two ({}), but accepted pairs make them one ({})",
            said(&(a, b))?,
            links.join(", ")
        ),
        format!(
            "decide one of these pairs anew, or take a decision back: `counterfoil rollback --run {run}` \
             (`counterfoil review show {a}+{b}` compares the two)"
        ),
    ))
}

//! What people have decided about pairs, as a merge honours it.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::judge::index_of;
use crate::error::{Error, Result};
use crate::ledger::decisions::{Linked, Verdict, Verdicts, chain, decided_by, in_order, verdicts};
use crate::matching::{Constraints, Features};
use crate::record::{BatchId, RecordNumber};
use crate::stage::Stage;
use crate::store::{Salted, Table};

/// The decisions that stood before a pass.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    verdicts: Verdicts,
    /// Rejected pairs of which one has changed since: they are shown again.
    reopened: BTreeSet<(RecordNumber, RecordNumber)>,
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
        let mut reopened = BTreeSet::new();
        if !verdicts.is_empty() {
            let source = Table::from_name(stage.source())?;
            for (pair, found) in &verdicts {
                if found.verdict == Verdict::Rejected && found.seen != versions(connection, &source, *pair)? {
                    reopened.insert(*pair);
                }
            }
        }
        Ok(Self { verdicts, reopened })
    }

    /// Returns the decisions about pairs of members.
    pub(super) fn of_members(&self, features: &Features) -> DecidedPairs {
        let mut pairs = DecidedPairs::default();
        for ((a, b), found) in &self.verdicts {
            let (Some(one), Some(other)) = (index_of(features, *a), index_of(features, *b)) else {
                continue;
            };
            if found.verdict == Verdict::Accepted {
                pairs.must.push((one, other));
                continue;
            }
            pairs.cannot.push((one, other));
            if self.reopened.contains(&(*a, *b)) {
                pairs.reopened.push((one, other));
            }
        }
        pairs
    }

    /// Returns whether a person has taken a record out of the golden record of another one.
    pub(super) fn has_left(&self, record: RecordNumber, other: RecordNumber) -> bool {
        let found = self.verdicts.get(&in_order(record, other));
        found.is_some_and(|found| found.left == Some(record))
    }
}

/// Decisions about pairs, by the places of the members among the features.
#[derive(Debug, Default)]
pub(super) struct DecidedPairs {
    must: Vec<(usize, usize)>,
    cannot: Vec<(usize, usize)>,
    reopened: Vec<(usize, usize)>,
}

impl DecidedPairs {
    /// Returns what clustering has to hold, beside the clusters that stand.
    pub(super) fn constraints<'c>(&'c self, initial: Option<&'c [u32]>) -> Constraints<'c> {
        Constraints {
            must: &self.must,
            cannot: &self.cannot,
            reopened: &self.reopened,
            initial,
        }
    }
}

/// Returns what the rows of two records are, as commitments.
pub(crate) fn versions(
    connection: &Connection,
    source: &Table,
    (a, b): (RecordNumber, RecordNumber),
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

/// Refuses decisions that contradict each other.
///
/// # Errors
/// [`Error::Invalid`] if accepted pairs link two records that are decided to be two.
pub(crate) fn refuse_contradiction(connection: &Connection, verdicts: &Verdicts) -> Result<()> {
    let Some((a, b)) = Linked::new(verdicts).contradicted(verdicts).first().copied() else {
        return Ok(());
    };
    let said = |pair: &(RecordNumber, RecordNumber)| -> Result<String> {
        let decided = decided_by(connection, verdicts[pair].batch)?;
        Ok(format!(
            "{}+{} by {} in run {}",
            pair.0, pair.1, decided.actor, decided.run
        ))
    };
    let links: Vec<String> = chain(verdicts, a, b).iter().map(said).collect::<Result<_>>()?;
    let run = decided_by(connection, verdicts[&(a, b)].batch)?.run;
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

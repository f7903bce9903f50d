//! The queue: the pairs that wait for a decision.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rusqlite::Connection;

use super::pair::{PairNote, QueuedPair, Side};
use crate::digest::{hex, sha256};
use crate::engine::versions;
use crate::error::Result;
use crate::ledger::decisions::{PairVerdict, in_order, verdicts};
use crate::ledger::review::{NumberPair, WaitingChoice, remarks, waiting};
use crate::record::{BatchId, RecordNumber};
use crate::shown::utc;
use crate::store::{Store, Table};

/// Which waiting pairs are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueFilter {
    /// Only those of this stage.
    pub stage: Option<u32>,
    /// Only those that wait for this reason: `near`, `chain`, `conflict`, `joins` or `contract`.
    pub band: Option<String>,
    /// Only this pair.
    pub pair: Option<(RecordNumber, RecordNumber)>,
    /// At most so many; `None` for all.
    pub limit: Option<usize>,
}

impl QueueFilter {
    /// Selects the pairs of one stage.
    #[must_use]
    pub fn stage(mut self, stage: impl Into<Option<u32>>) -> Self {
        self.stage = stage.into();
        self
    }

    /// Selects the pairs that wait for one reason.
    #[must_use]
    pub fn band(mut self, band: impl Into<Option<String>>) -> Self {
        self.band = band.into();
        self
    }

    /// Selects one pair.
    #[must_use]
    pub fn pair(mut self, pair: impl Into<Option<(RecordNumber, RecordNumber)>>) -> Self {
        self.pair = pair.into();
        self
    }

    /// Sets the greatest number of pairs.
    #[must_use]
    pub fn limit(mut self, limit: impl Into<Option<usize>>) -> Self {
        self.limit = limit.into();
        self
    }
}

impl Store {
    /// Returns the pairs that wait for a decision: first those of the band `contract`, which have no probability, then the
    /// most probable. Ids are not masked: [`HiddenIds`](crate::history::HiddenIds) says which must not be shown.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn review_queue(&self, project: &str, filter: &QueueFilter) -> Result<Vec<QueuedPair>> {
        let connection = self.connection();
        let choice = WaitingChoice {
            stage: filter.stage,
            band: filter.band.as_deref(),
            pair: filter.pair,
            limit: filter.limit,
        };
        let mut said_of = BTreeMap::new();
        let mut pairs = Vec::new();
        for listed in waiting(connection, project, &choice)? {
            let (remarks, verdicts) = match said_of.entry(listed.stage) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert((
                    remarks(connection, project, listed.stage)?,
                    verdicts(connection, project, listed.stage, BatchId::MAX)?,
                )),
            };
            let remark = remarks.get(&listed.pair);
            let source = Table::from_name(&listed.source)?;
            let version = version(connection, &source, listed.pair, verdicts.get(&listed.pair))?;
            let [a, b] = listed.ids;
            let side = |record, id| Side { record, id };
            pairs.push(QueuedPair {
                stage: listed.stage,
                source: listed.source,
                a: side(listed.pair.0, a),
                b: side(listed.pair.1, b),
                band: listed.band,
                bits: listed.bits,
                probability: listed.probability,
                since: listed.since,
                at: listed.at,
                note: remark.map(|remark| PairNote {
                    text: remark.text.clone(),
                    actor: remark.by.actor.clone(),
                    at: utc(remark.by.committed_us),
                }),
                version,
            });
        }
        Ok(pairs)
    }
}

/// Returns what stands for two records as they are, and for what is decided about them: eight hexadecimal digits of a hash
/// over the commitments to their rows and the batch of the decision.
pub(super) fn version(
    connection: &Connection,
    source: &Table,
    pair: NumberPair,
    decided: Option<&PairVerdict>,
) -> Result<String> {
    let [a, b] = versions(connection, source, in_order(pair.0, pair.1))?;
    let of_none = [0; 32];
    let mut version = hex(&sha256(&[
        &a.unwrap_or(of_none),
        &b.unwrap_or(of_none),
        &decided.map_or(0, |decided| decided.batch.get()).to_be_bytes(),
    ]));
    version.truncate(8);
    Ok(version)
}

//! The pairs that wait for a decision, and the remarks about them.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};

use super::decisions::{Decided, in_order};
use crate::error::Result;
use crate::matching::{Bits, Probability};
use crate::record::{BatchId, RecordNumber};

/// A pair, the smaller number first.
pub(crate) type NumberPair = (RecordNumber, RecordNumber);

/// Which waiting pairs are read.
#[derive(Clone, Debug, Default)]
pub(crate) struct WaitingChoice<'c> {
    pub(crate) stage: Option<u32>,
    pub(crate) band: Option<&'c str>,
    pub(crate) pair: Option<NumberPair>,
    pub(crate) limit: Option<usize>,
}

/// A pair that waits for a decision, as the view `audit_review` lists it.
#[derive(Clone, Debug)]
pub(crate) struct ListedPair {
    pub(crate) stage: u32,
    pub(crate) pair: NumberPair,
    pub(crate) ids: [Option<String>; 2],
    pub(crate) band: String,
    pub(crate) bits: Option<Bits>,
    pub(crate) probability: Option<Probability>,
    pub(crate) since: BatchId,
    pub(crate) at: String,
    /// The database of the two.
    pub(crate) source: String,
}

/// The lines of the view, of a project `?1`, a stage `?2` and a band `?3`, if these are not NULL. Bits have one digit after
/// the point, and probabilities two.
macro_rules! waiting_pairs {
    ($further:literal) => {
        concat!(
            "SELECT number, a, b, a_id, b_id, band, CASE WHEN bits IS NOT NULL THEN format('%.1f', bits) END,
               CASE WHEN probability IS NOT NULL THEN format('%.2f', probability) END, since, at, source
             FROM audit_review WHERE project=?1 AND (?2 IS NULL OR number=?2) AND (?3 IS NULL OR band=?3)",
            $further
        )
    };
}

/// Returns the pairs that wait, those without a probability first, then the most probable.
pub(crate) fn waiting(
    connection: &Connection,
    project: &str,
    choice: &WaitingChoice<'_>,
) -> Result<Vec<ListedPair>> {
    let limit = choice
        .limit
        .and_then(|limit| i64::try_from(limit).ok())
        .unwrap_or(-1);
    let mut listed = Vec::new();
    if let Some((a, b)) = choice.pair {
        let (a, b) = in_order(a, b);
        let mut statement = connection.prepare_cached(waiting_pairs!(" AND a=?4 AND b=?5"))?;
        let mut rows = statement.query(params![project, choice.stage, choice.band, a, b])?;
        while let Some(row) = rows.next()? {
            listed.push(listed_pair(row)?);
        }
        return Ok(listed);
    }
    let sql = waiting_pairs!(
        " ORDER BY probability IS NOT NULL, probability DESC, bits DESC, number, a, b LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![project, choice.stage, choice.band, limit])?;
    while let Some(row) = rows.next()? {
        listed.push(listed_pair(row)?);
    }
    Ok(listed)
}

fn listed_pair(row: &Row<'_>) -> Result<ListedPair> {
    let (bits, probability): (Option<String>, Option<String>) = (row.get(6)?, row.get(7)?);
    Ok(ListedPair {
        stage: row.get(0)?,
        pair: (row.get(1)?, row.get(2)?),
        ids: [row.get(3)?, row.get(4)?],
        band: row.get(5)?,
        bits: bits.and_then(|bits| serde_json::from_str(&bits).ok()),
        probability: probability.and_then(|share| serde_json::from_str(&share).ok()),
        since: row.get(8)?,
        at: row.get(9)?,
        source: row.get(10)?,
    })
}

/// Returns why each pair of a stage waits that does.
pub(crate) fn bands(
    connection: &Connection,
    project: &str,
    number: u32,
) -> Result<BTreeMap<NumberPair, String>> {
    let sql = "SELECT a, b, band FROM audit_review WHERE project=?1 AND number=?2";
    let mut statement = connection.prepare_cached(sql)?;
    let pairs = statement.query_map(params![project, number], |row| {
        Ok(((row.get(0)?, row.get(1)?), row.get(2)?))
    })?;
    Ok(pairs.collect::<rusqlite::Result<_>>()?)
}

/// Returns the newest standing label of each pair of a stage: whether the two are one.
pub(crate) fn labels(
    connection: &Connection,
    project: &str,
    number: u32,
) -> Result<BTreeMap<NumberPair, bool>> {
    let sql = "SELECT e.record, e.target, json_extract(e.reason,'$.code')='review.same'
         FROM ledger_stage s CROSS JOIN ledger_standing p ON p.stage=s.stage AND p.kind='merge'
         CROSS JOIN ledger_batch b ON b.pass=p.pass CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE s.project=?1 AND s.number=?2 AND e.record<e.target
           AND json_extract(e.reason,'$.code') IN('review.same','review.different') ORDER BY +b.batch";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(params![project, number], |row| {
        Ok(((row.get(0)?, row.get(1)?), row.get(2)?))
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// A remark about a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    pub(crate) text: String,
    pub(crate) by: Decided,
}

/// Returns the newest standing remark about each pair of a stage.
pub(crate) fn remarks(
    connection: &Connection,
    project: &str,
    number: u32,
) -> Result<BTreeMap<NumberPair, Remark>> {
    let sql = "SELECT e.record, e.target, json_extract(e.reason,'$.note'), r.run, r.actor, b.committed_us
         FROM ledger_stage s CROSS JOIN ledger_standing p ON p.stage=s.stage AND p.kind='merge'
         CROSS JOIN ledger_batch b ON b.pass=p.pass CROSS JOIN ledger_entry e ON e.batch=b.batch
         JOIN ledger_run r ON r.run=b.run
         WHERE s.project=?1 AND s.number=?2 AND e.record<e.target AND e.reason GLOB '{\"code\":\"review.noted\"*' ORDER BY +b.batch";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(params![project, number], |row| {
        let remark = Remark {
            text: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
            by: Decided {
                run: row.get(3)?,
                actor: row.get(4)?,
                committed_us: row.get(5)?,
            },
        };
        Ok(((row.get(0)?, row.get(1)?), remark))
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

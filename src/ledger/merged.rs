//! What the standing entries of a merge stage say about its members: the golden record of each, and the model that
//! judged them.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value as Json;

use super::match_figures::MatchFigures;
use super::sql::undone_singly;
use super::{Counts, EntryOutcome};
use crate::digest::Hash;
use crate::error::Result;
use crate::matching::Model;
use crate::record::{BatchId, PassId, RecordNumber, RunId};

/// The newest standing entry of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StandingMember {
    pub(crate) record: RecordNumber,
    /// The batch of the entry.
    pub(crate) batch: BatchId,
    /// The golden record that it is in.
    pub(crate) golden: Option<RecordNumber>,
    pub(crate) outcome: EntryOutcome,
}

/// Returns the newest standing entry of each member of a merge stage, of batches before one, in order of the records.
pub(crate) fn members(
    connection: &Connection,
    project: &str,
    number: u32,
    before: BatchId,
) -> Result<Vec<StandingMember>> {
    let sql = concat!(
        "SELECT e.record, e.outcome, CASE WHEN e.after IS NOT NULL THEN e.target END, b.batch
         FROM ledger_stage s CROSS JOIN ledger_standing p ON p.stage=s.stage AND p.kind IN('apply','retry')
         CROSS JOIN ledger_batch b ON b.pass=p.pass AND b.read>0 AND b.batch<?3
         CROSS JOIN ledger_entry e ON e.batch=b.batch AND e.part=0
         WHERE s.project=?1 AND s.number=?2 AND NOT ",
        undone_singly!("p.pass", "e"),
        " ORDER BY b.batch"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(params![project, number, before], |row| {
        Ok(StandingMember {
            record: row.get(0)?,
            batch: row.get(3)?,
            outcome: row.get(1)?,
            golden: row.get(2)?,
        })
    })?;
    let mut members: Vec<StandingMember> = found.collect::<rusqlite::Result<_>>()?;
    // Stable, so that of the entries of one member the newest comes last.
    members.sort_by_key(|member| member.record);
    let mut newest: Vec<StandingMember> = Vec::with_capacity(members.len());
    for member in members {
        match newest.last_mut() {
            Some(last) if last.record == member.record => *last = member,
            _ => newest.push(member),
        }
    }
    Ok(newest)
}

/// Returns what the entry of a member says it read, and what it left.
pub(crate) fn left_by(
    connection: &Connection,
    (batch, member): (BatchId, RecordNumber),
) -> Result<(Option<Hash>, Option<Hash>)> {
    let sql = "SELECT input, after FROM ledger_entry WHERE batch=?1 AND record=?2 AND part=0";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![batch, member], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Returns the stages that merge and were ever applied, each by its project and its number.
pub(crate) fn merging_stages(connection: &Connection) -> Result<Vec<(String, u32)>> {
    let sql = "SELECT DISTINCT project, number FROM ledger_stage WHERE json_type(meaning,'$.merge') IS NOT NULL ORDER BY 1, 2";
    let mut statement = connection.prepare_cached(sql)?;
    let stages = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(stages.collect::<rusqlite::Result<_>>()?)
}

/// Returns the members of a merge stage that standing passes refused together with others, each with the smallest member
/// of the cluster; of batches before one. The newest refusal of a member counts.
pub(crate) fn refused_together(
    connection: &Connection,
    project: &str,
    number: u32,
    before: BatchId,
) -> Result<BTreeMap<RecordNumber, RecordNumber>> {
    let sql = "SELECT e.record, coalesce(json_extract(e.reason,'$.cluster'), e.record)
         FROM ledger_stage s CROSS JOIN ledger_standing p ON p.stage=s.stage AND p.kind IN('apply','retry')
         CROSS JOIN ledger_batch b ON b.pass=p.pass AND b.refused>0 AND b.batch<?3
         CROSS JOIN ledger_refused e ON e.batch=b.batch AND e.part=0
         WHERE s.project=?1 AND s.number=?2 ORDER BY +b.batch";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(params![project, number, before], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// What a pass of a merge stage noted in its first batch.
#[derive(Clone, Debug)]
pub(crate) struct MergeNote {
    pub(crate) batch: BatchId,
    /// The note, as JSON.
    pub(crate) body: String,
    /// Meaning of the stage at the time.
    pub(crate) meaning: String,
}

/// Returns the newest standing note of a merge stage that has a model that was learned.
pub(crate) fn newest_model(connection: &Connection, project: &str, number: u32) -> Result<Option<MergeNote>> {
    let sql = "SELECT b.batch, b.body, s.meaning
     FROM ledger_stage s CROSS JOIN ledger_standing p ON p.stage=s.stage AND p.kind IN('apply','retry')
     CROSS JOIN ledger_batch b ON b.pass=p.pass AND b.step='note' AND json_extract(b.body,'$.merge.learned') IS NOT NULL
     WHERE s.project=?1 AND s.number=?2 ORDER BY b.batch DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![project, number], note).optional()?)
}

/// Returns the note of a pass of a merge stage.
pub(crate) fn note_of(connection: &Connection, pass: PassId) -> Result<Option<MergeNote>> {
    let sql = "SELECT b.batch, b.body, s.meaning FROM ledger_pass p JOIN ledger_stage s USING(stage) JOIN ledger_batch b USING(pass)
     WHERE p.pass=?1 AND b.step='note' AND json_extract(b.body,'$.merge') IS NOT NULL ORDER BY b.batch LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([pass], note).optional()?)
}

fn note(row: &rusqlite::Row<'_>) -> rusqlite::Result<MergeNote> {
    Ok(MergeNote {
        batch: row.get(0)?,
        body: row.get(1)?,
        meaning: row.get(2)?,
    })
}

/// What a pass of a merge stage noted: which records it compared, and what that gave.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Matching {
    /// Number of records that were compared.
    pub members: u64,
    /// The batch that keeps the model, if an earlier pass learned it.
    pub model_batch: Option<BatchId>,
    /// SHA-256 of the model, in hexadecimal.
    pub model_sha256: String,
    /// SHA-256 over the clusters, in hexadecimal.
    pub clusters_sha256: String,
    /// The figures.
    #[serde(flatten)]
    pub figures: MatchFigures,
}

impl Matching {
    /// Reads a note; `None` if it is that of no merge.
    pub(crate) fn from_note(body: &str) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Note {
            merge: Noted,
        }
        #[derive(serde::Deserialize)]
        struct Noted {
            #[serde(default)]
            model: Option<BatchId>,
            members: u64,
            figures: MatchFigures,
            digest: String,
            model_sha256: String,
        }
        let Note { merge } = serde_json::from_str(body).ok()?;
        Some(Self {
            members: merge.members,
            model_batch: merge.model,
            model_sha256: merge.model_sha256,
            clusters_sha256: merge.digest,
            figures: merge.figures,
        })
    }
}

/// What a pass of a merge stage came to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct MergeOutcome {
    /// Number of records that were merged with others.
    pub merged: u64,
    /// Number of golden records that these are in.
    pub golden: u64,
    /// Number of records that became a golden record alone.
    pub alone: u64,
    /// What was compared, and what that gave; `None` if the pass stopped before.
    #[serde(flatten)]
    pub matching: Option<Matching>,
}

impl MergeOutcome {
    /// Returns what a pass of a merge stage came to so far.
    pub(crate) fn of_pass(connection: &Connection, pass: PassId, counts: &Counts) -> Result<Self> {
        let note = note_of(connection, pass)?;
        Ok(Self {
            merged: counts.merged,
            golden: golden_of_pass(connection, pass)?,
            alone: counts.written,
            matching: note.and_then(|note| Matching::from_note(&note.body)),
        })
    }
}

/// Number of golden records that the merged records of the batches `b` are in. All members of one are in one batch.
macro_rules! golden {
    () => {
        "coalesce(sum(CASE WHEN b.merged=0 THEN 0 ELSE (SELECT count(DISTINCT o.target) FROM ledger_entry o
           WHERE o.batch=b.batch AND o.outcome=5 AND o.part=0) END),0)"
    };
}

pub(crate) use golden;

fn golden_of_pass(connection: &Connection, pass: PassId) -> Result<u64> {
    let sql = concat!("SELECT ", golden!(), " FROM ledger_batch b WHERE b.pass=?1");
    let golden: i64 = connection
        .prepare_cached(sql)?
        .query_row([pass], |row| row.get(0))?;
    Ok(golden.unsigned_abs())
}

/// Returns whether a number is left out of JSON: one that only merges have.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
pub(crate) fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl MergeNote {
    /// Returns whether its pass has learned a model.
    pub(crate) fn has_model(&self) -> bool {
        let body: Option<Json> = serde_json::from_str(&self.body).ok();
        body.is_some_and(|body| body.pointer("/merge/learned").is_some())
    }
}

/// Returns the model that a note names: its own, or that of the batch that it refers to.
pub(crate) fn model_of(connection: &Connection, note: &MergeNote) -> Result<Option<Model>> {
    let body: Option<Json> = serde_json::from_str(&note.body).ok();
    let merge = body.as_ref().and_then(|body| body.get("merge"));
    if let Some(learned) = merge.and_then(|merge| merge.get("learned")) {
        return Ok(Model::from_json(learned));
    }
    let Some(batch) = merge.and_then(|merge| merge.get("model")?.as_i64()) else {
        return Ok(None);
    };
    let sql = "SELECT body FROM ledger_batch WHERE batch=?1";
    let mut statement = connection.prepare_cached(sql)?;
    let body: Option<Option<String>> = statement.query_row([batch], |row| row.get(0)).optional()?;
    let body: Option<Json> = body.flatten().and_then(|body| serde_json::from_str(&body).ok());
    let learned = body.as_ref().and_then(|body| body.get("merge")?.get("learned"));
    Ok(learned.and_then(Model::from_json))
}

/// How often values of one origin survived.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct SourceWins {
    /// The database in which the records began.
    pub database: String,
    /// Number of values.
    pub values: u64,
}

/// Returns how often values survived where members of one golden record differ, by the database in which the record
/// with the value began; the most frequent first.
pub(crate) fn wins(connection: &Connection, pass: PassId, run: RunId) -> Result<Vec<SourceWins>> {
    let sql = "SELECT r.database, count(*) FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch AND e.outcome=5 AND e.part=0
       AND instr(e.reason,'\"won\":')
     CROSS JOIN json_each(e.reason,'$.won') w CROSS JOIN ledger_record r ON r.record=w.value
     WHERE b.pass=?1 AND b.run=?2 AND b.merged>0 GROUP BY r.database ORDER BY 2 DESC, 1";
    let mut statement = connection.prepare_cached(sql)?;
    let wins = statement.query_map(params![pass, run], |row| {
        Ok(SourceWins {
            database: row.get(0)?,
            values: row.get::<_, i64>(1)?.unsigned_abs(),
        })
    })?;
    Ok(wins.collect::<rusqlite::Result<_>>()?)
}

/// The pairs of a merge stage that wait for a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ReviewQueue {
    /// Number of pairs.
    pub pairs: u64,
    /// Number of pairs by the reason for which they wait.
    pub bands: BTreeMap<String, u64>,
    /// Since when the first of them waits, ISO 8601 in UTC.
    pub oldest: Option<String>,
}

/// Returns the pairs of a merge stage that wait for a decision.
pub(crate) fn queue(connection: &Connection, project: &str, number: u32) -> Result<ReviewQueue> {
    let sql = "SELECT band, count(*), min(at) FROM audit_review WHERE project=?1 AND number=?2 GROUP BY band";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![project, number])?;
    let mut queue = ReviewQueue::default();
    while let Some(row) = rows.next()? {
        let pairs = row.get::<_, i64>(1)?.unsigned_abs();
        let oldest: Option<String> = row.get(2)?;
        queue.pairs += pairs;
        queue.bands.insert(row.get(0)?, pairs);
        queue.oldest = [queue.oldest.take(), oldest].into_iter().flatten().min();
    }
    Ok(queue)
}

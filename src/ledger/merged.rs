//! What the standing entries of a merge stage say about its members: the golden record of each, and the model that
//! judged them.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value as Json;

use super::match_figures::MatchFigures;
use super::member_of::{golden_of, members_of};
use super::sql::stands;
use super::{Counts, Entry, EntryOutcome, refusals};
use crate::digest::Hash;
use crate::error::{Error, Result};
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

/// Returns the newest standing entry of each member of a merge stage, of batches before one, in order of the records. A
/// refusal counts too, because the next pass has to know of it (`stands!`).
pub(crate) fn members(
    connection: &Connection,
    project: &str,
    number: u32,
    before: BatchId,
) -> Result<Vec<StandingMember>> {
    let sql = concat!(
        "SELECT e.record, e.outcome, CASE WHEN e.after IS NOT NULL THEN e.target END, b.batch
         FROM ledger_stage s CROSS JOIN ledger_standing p ON p.stage=s.stage
         CROSS JOIN ledger_batch b ON b.pass=p.pass AND b.read>0 AND b.batch<?3
         CROSS JOIN ledger_entry e ON e.batch=b.batch AND e.part=0
         WHERE s.project=?1 AND s.number=?2 AND ",
        stands!("p", "e"),
        " ORDER BY b.batch"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![project, number, before])?;
    let (mut newest, mut unsorted) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        newest.push(StandingMember {
            record: row.get(0)?,
            batch: row.get(3)?,
            outcome: row.get(1)?,
            golden: row.get(2)?,
        });
        unsorted += 1;
        // There may be many passes: their entries are never all in memory.
        if unsorted > FOLDED.max(newest.len() / 2) {
            fold(&mut newest);
            unsorted = 0;
        }
    }
    fold(&mut newest);
    Ok(newest)
}

/// Number of entries after which those of one member are folded into the newest.
const FOLDED: usize = 100_000;

/// Keeps the last entry of each member, in order of the records.
fn fold(members: &mut Vec<StandingMember>) {
    // Stable, so that of the entries of one member the newest stays the last.
    members.sort_by_key(|member| member.record);
    members.dedup_by(|later, earlier| {
        let is_same = later.record == earlier.record;
        if is_same {
            *earlier = *later;
        }
        is_same
    });
}

/// Returns how many members a batch has put into a golden record: all that it has, because a pass writes them together.
pub(crate) fn placed_by(connection: &Connection, batch: BatchId, golden: RecordNumber) -> Result<u64> {
    let sql = "SELECT count(*) FROM ledger_entry WHERE +batch=?1 AND target=?2 AND part=0 AND outcome IN(1,2,5) AND after IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let count: i64 = statement.query_row(params![batch, golden], |row| row.get(0))?;
    Ok(count.unsigned_abs())
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

/// Returns the refused records, waived or not, that a merge stage judges together with `changed` ones (ascending): a pass
/// writes all records again that were refused together or are in one golden record, if one of them has changed.
pub(crate) fn judged_with(
    connection: &Connection,
    project: &str,
    number: u32,
    changed: &[RecordNumber],
) -> Result<Vec<RecordNumber>> {
    let together = refused_together(connection, project, number, BatchId::MAX)?;
    let mut refused = Vec::new();
    for record in refusals::refused_or_waived(connection, project, number)? {
        if let Some(first) = together.get(&record) {
            let golden = golden_of(connection, (project, number), record)?;
            refused.push((record, *first, golden));
        }
    }
    let (mut firsts, mut goldens) = (BTreeSet::new(), BTreeSet::new());
    let earlier: BTreeSet<RecordNumber> = refused.iter().filter_map(|(_, _, golden)| *golden).collect();
    for golden in earlier {
        let members = members_of(connection, (project, number), golden)?;
        if members.iter().any(|member| changed.binary_search(member).is_ok()) {
            goldens.insert(golden);
        }
    }
    let mut judged = Vec::new();
    loop {
        let is_judged = |(record, first, golden): &(RecordNumber, RecordNumber, Option<RecordNumber>)| {
            changed.binary_search(record).is_ok()
                || firsts.contains(first)
                || golden.is_some_and(|golden| goldens.contains(&golden))
        };
        let (with, rest): (Vec<_>, Vec<_>) = refused.into_iter().partition(is_judged);
        if with.is_empty() {
            return Ok(judged);
        }
        for (record, first, golden) in with {
            judged.push(record);
            firsts.insert(first);
            goldens.extend(golden);
        }
        refused = rest;
    }
}

/// What a pass of a merge stage noted in its first batch.
#[derive(Clone, Debug)]
pub(crate) struct MergeNote {
    pub(crate) batch: BatchId,
    pub(crate) noted: Noted,
    /// Meaning of the stage at the time.
    pub(crate) meaning: String,
}

/// The note of a merge: the judgement of a pass, never a value of a record. It begins with a model or refers to one.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Noted {
    /// The model, if the pass has learned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) learned: Option<Json>,
    /// The batch that keeps the model, if an earlier pass has learned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<BatchId>,
    pub(crate) members: u64,
    pub(crate) figures: MatchFigures,
    /// SHA-256 over the clusters.
    pub(crate) digest: String,
    pub(crate) model_sha256: String,
}

impl Noted {
    /// Renders it as the ledger keeps it.
    pub(crate) fn to_json(&self) -> Json {
        serde_json::json!({ "merge": self })
    }

    /// Reads it; `None` if a note is that of no merge.
    pub(crate) fn from_note(body: &str) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Note {
            merge: Noted,
        }
        serde_json::from_str(body).ok().map(|note: Note| note.merge)
    }

    /// Returns whether its pass has learned a model.
    pub(crate) fn has_model(&self) -> bool {
        self.learned.is_some()
    }
}

/// Returns the newest standing note of a merge stage that has a model that was learned.
pub(crate) fn newest_model(connection: &Connection, project: &str, number: u32) -> Result<Option<MergeNote>> {
    let sql = "SELECT b.batch, b.body, s.meaning
     FROM ledger_stage s CROSS JOIN ledger_standing p ON p.stage=s.stage AND p.kind IN('apply','retry')
     CROSS JOIN ledger_batch b ON b.pass=p.pass AND b.step='note' AND json_extract(b.body,'$.merge.learned') IS NOT NULL
     WHERE s.project=?1 AND s.number=?2 ORDER BY b.batch DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row(params![project, number], note);
    read(found.optional()?)
}

/// Returns the note of a pass of a merge stage.
pub(crate) fn note_of(connection: &Connection, pass: PassId) -> Result<Option<MergeNote>> {
    let sql = "SELECT b.batch, b.body, s.meaning FROM ledger_pass p JOIN ledger_stage s USING(stage) JOIN ledger_batch b USING(pass)
     WHERE p.pass=?1 AND b.step='note' AND json_extract(b.body,'$.merge') IS NOT NULL ORDER BY b.batch LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([pass], note);
    read(found.optional()?)
}

/// Batch, body and meaning.
type NoteRow = (BatchId, String, String);

fn note(row: &rusqlite::Row<'_>) -> rusqlite::Result<NoteRow> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn read(row: Option<NoteRow>) -> Result<Option<MergeNote>> {
    let Some((batch, body, meaning)) = row else {
        return Ok(None);
    };
    let noted = Noted::from_note(&body).ok_or_else(|| Error::Damaged {
        what: format!("the note of a merge in batch {batch} cannot be read"),
    })?;
    Ok(Some(MergeNote {
        batch,
        noted,
        meaning,
    }))
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
    /// Describes why the result is probably wrong, each reason with what to do; empty if nothing speaks against it.
    #[must_use]
    pub fn alarms(&self) -> Vec<String> {
        self.figures.alarms(self.model_batch.is_some())
    }

    /// Describes what is probably not intended: what the stage reads and no member has, and a model that was learned from
    /// few pairs.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.figures.warnings()
    }

    /// What the public sees of a note.
    pub(crate) fn from_noted(noted: Noted) -> Self {
        Self {
            members: noted.members,
            model_batch: noted.model,
            model_sha256: noted.model_sha256,
            clusters_sha256: noted.digest,
            figures: noted.figures,
        }
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
    /// Number of records that were deleted from the source; the outcomes count them as filtered.
    #[serde(skip_serializing_if = "is_zero")]
    pub deleted: u64,
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
            deleted: deleted_in(connection, pass)?,
            matching: note.map(|note| Matching::from_noted(note.noted)),
        })
    }
}

/// Whether an entry is that of a record which has been deleted from the source.
pub(crate) fn is_deleted(entry: &Entry) -> bool {
    let reason = entry.reason.as_deref().unwrap_or_default();
    entry.outcome == EntryOutcome::Filtered && reason.starts_with(r#"{"code":"source.deleted""#)
}

/// Counts the records of a pass that were deleted from its source.
pub(crate) fn deleted_in(connection: &Connection, pass: PassId) -> Result<u64> {
    let sql = "SELECT count(*) FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.pass=?1 AND b.filtered>0 AND e.part=0 AND e.outcome=3 AND e.reason GLOB '{\"code\":\"source.deleted\"*'";
    let deleted: i64 = connection
        .prepare_cached(sql)?
        .query_row([pass], |row| row.get(0))?;
    Ok(deleted.unsigned_abs())
}

/// Number of golden records that the merged records of the batches `b` are in. All members of one are in one batch.
macro_rules! count_goldens {
    () => {
        "coalesce(sum(CASE WHEN b.merged=0 THEN 0 ELSE (SELECT count(DISTINCT o.target) FROM ledger_entry o
           WHERE o.batch=b.batch AND o.outcome=5 AND o.part=0) END),0)"
    };
}

pub(crate) use count_goldens;

fn golden_of_pass(connection: &Connection, pass: PassId) -> Result<u64> {
    let sql = concat!(
        "SELECT ",
        count_goldens!(),
        " FROM ledger_batch b WHERE b.pass=?1"
    );
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

/// Returns the model that a note names: its own, or that of the batch that it refers to.
pub(crate) fn model_of(connection: &Connection, note: &Noted) -> Result<Option<Model>> {
    let Some(batch) = note.model.filter(|_| !note.has_model()) else {
        return Ok(note.learned.as_ref().and_then(Model::from_json));
    };
    let sql = "SELECT body FROM ledger_batch WHERE batch=?1";
    let mut statement = connection.prepare_cached(sql)?;
    let body: Option<Option<String>> = statement.query_row([batch], |row| row.get(0)).optional()?;
    let learned = body.flatten().and_then(|body| Noted::from_note(&body)?.learned);
    Ok(learned.as_ref().and_then(Model::from_json))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_entries_of_a_member_the_newest_is_left() {
        let entry = |record: i64, batch: i64| StandingMember {
            record: RecordNumber::new(record),
            batch: BatchId::new(batch),
            golden: None,
            outcome: EntryOutcome::Written,
        };
        let mut members = vec![
            entry(2, 1),
            entry(1, 1),
            entry(2, 5),
            entry(3, 5),
            entry(2, 4),
            entry(1, 6),
        ];
        // As they come: in order of the batches.
        members.sort_by_key(|member| member.batch);
        fold(&mut members);
        assert_eq!(members, [entry(1, 6), entry(2, 5), entry(3, 5)]);
        members.extend([entry(1, 7), entry(3, 8), entry(3, 9)]);
        fold(&mut members);
        assert_eq!(members, [entry(1, 7), entry(2, 5), entry(3, 9)]);
    }
}

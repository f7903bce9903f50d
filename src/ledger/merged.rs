//! What the standing entries of a merge stage say about its members: the golden record of each, and the model that
//! judged them.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::EntryOutcome;
use super::sql::undone_singly;
use crate::error::Result;
use crate::record::{BatchId, PassId, RecordNumber};

/// The newest standing entry of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StandingMember {
    pub(crate) record: RecordNumber,
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
        "SELECT e.record, e.outcome, CASE WHEN e.after IS NOT NULL THEN e.target END
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
pub(crate) fn newest_model(
    connection: &Connection,
    project: &str,
    number: u32,
) -> Result<Option<MergeNote>> {
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

//! The remaining input of a stage: the records that others wrote to its source since it last read.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::sql::{is_about_place, of_record, of_row, standing_life};
use crate::error::Result;
use crate::lookup::LookupQuery;
use crate::record::{BatchId, PassId, RecordNumber, RunId};
use crate::stage::Stage;

/// A stage, as far as its input is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StageInput<'a> {
    pub(crate) project: &'a str,
    pub(crate) number: u32,
    pub(crate) source: &'a str,
    pub(crate) target: &'a str,
    pub(crate) in_place: bool,
    /// Whether it compares all its records with each other.
    pub(crate) merges: bool,
    /// Whether it makes windows of its records.
    pub(crate) aggregates: bool,
    /// What it looks up in other databases.
    pub(crate) lookups: &'a [LookupQuery],
}

impl<'a> StageInput<'a> {
    /// A stage of a project.
    pub(crate) fn new(project: &'a str, stage: &'a Stage) -> Self {
        Self {
            project,
            number: stage.number(),
            source: stage.source(),
            target: stage.target(),
            in_place: stage.in_place(),
            merges: stage.merge().is_some(),
            aggregates: stage.aggregate().is_some(),
            lookups: stage.lookups(),
        }
    }
}

// Parameters of `increment` and its parts: ?1 and ?2 the project and the number of the stage, ?3 and ?4 the batches
// between which, ?5 the source, ?6 whether the stage works in place.

/// Whether the stage has worked on a record in standing passes, with further conditions on that: `f` is the entry.
macro_rules! has_worked_on {
    ($record:literal, $when:literal) => {
        concat!(
            "EXISTS(SELECT 1 FROM ",
            standing_life!(),
            " WHERE ",
            of_record!("f", $record),
            " AND t.project=?1 AND t.number=?2 AND q.kind IN('apply','retry')",
            $when,
            ")"
        )
    };
}

/// Whether a write of a batch `b` in the pass `p` has the new shape: by hand, in a database that the stage changes in
/// place.
macro_rules! has_new_shape {
    () => {
        "?6 AND e.before IS NOT NULL AND p.kind IN('load','edit') AND b.cursor->>'$.reprocess' IS NULL"
    };
}

/// Whether an entry `e` of a batch `b` is input for the stage: it changed the row or, in place, it leaves out what the
/// stage refused before.
macro_rules! is_news {
    () => {
        concat!(
            "(e.before IS NOT e.after OR (?6 AND (e.outcome=3 OR (e.outcome<>4 AND e.target IS NOT NULL AND e.after IS NULL))
             AND EXISTS(SELECT 1 FROM ledger_life g CROSS JOIN ledger_batch d ON d.batch=g.batch
               CROSS JOIN ledger_pass r ON r.pass=d.pass CROSS JOIN ledger_stage v ON v.stage=r.stage
               WHERE ",
            of_record!("g", "coalesce(e.target,e.record)"),
            " AND g.outcome=4 AND g.batch<b.batch AND v.project=?1 AND v.number=?2)))"
        )
    };
}

/// Whether a pass `p` of a stage `s` provides input for the stage: loads, merges, edits and earlier stages do; stages
/// that copy, and those of other projects, also do if the stage does not work in place.
macro_rules! is_upstream {
    () => {
        "(p.kind IN('load','merge','edit')
             OR (p.kind IN('apply','retry') AND ((s.number,s.project)<(?2,?1) OR (NOT ?6 AND (p.source<>p.target OR s.project<>?1)))
               AND NOT (s.project=?1 AND s.number=?2)))"
    };
}
pub(super) use is_upstream;

/// The records that others have written, each once: without this, the whole life of a record that many stages changed
/// would be read again for each of its entries. The newest entry decides, and of those in the new shape the newest.
macro_rules! written_by_others {
    () => {
        concat!(
            "SELECT w.fed FROM (SELECT coalesce(e.target,e.record) AS fed, max(CASE WHEN ",
            has_new_shape!(),
            " THEN 0 ELSE b.batch END) AS newest, max(CASE WHEN ",
            has_new_shape!(),
            " THEN b.batch ELSE 0 END) AS shaped
         FROM ledger_written w CROSS JOIN ledger_batch b ON b.batch=w.batch CROSS JOIN ledger_standing p ON p.pass=b.pass
         LEFT JOIN ledger_stage s ON s.stage=p.stage CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE w.database=?5 AND w.rollback=0 AND w.batch>?3 AND w.batch<?4 AND ",
            is_news!(),
            " AND ",
            is_upstream!(),
            " GROUP BY fed) w WHERE (w.newest>0 AND NOT ",
            has_worked_on!("w.fed", " AND f.batch>w.newest AND f.batch<?4"),
            ") OR (w.shaped>0 AND NOT ",
            has_worked_on!("w.fed", " AND f.batch<?4 AND (f.batch>w.shaped OR f.outcome IN(1,2))"),
            ")"
        )
    };
}

/// The records of the stage that were rolled back singly.
macro_rules! rolled_back_singly {
    () => {
        concat!(
            "SELECT e.record FROM ledger_stage s CROSS JOIN ledger_pass p ON p.stage=s.stage AND p.kind='rollback'
         CROSS JOIN ledger_batch b ON b.pass=p.pass CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE b.batch>?3 AND b.batch<?4 AND p.reverses IS NULL AND s.project=?1 AND s.number=?2 AND NOT ",
            has_worked_on!("e.record", " AND f.batch>b.batch AND f.batch<?4")
        )
    };
}

/// The rows that a rollback of a load or an edit restored before the stage processed them.
macro_rules! corrections_brought_back {
    () => {
        concat!(
            "SELECT coalesce(e.target,e.record) FROM ledger_written l CROSS JOIN ledger_batch b ON b.batch=l.batch
         CROSS JOIN ledger_pass p ON p.pass=b.pass CROSS JOIN ledger_pass w ON w.pass=coalesce(p.reverses, json_extract(b.body,'$.undoes')) CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE l.database=?5 AND l.rollback=1 AND l.batch>?3 AND l.batch<?4 AND w.kind IN('load','edit')
           AND e.before IS NOT e.after AND e.after IS NOT NULL AND NOT ",
            has_worked_on!(
                "coalesce(e.target,e.record)",
                " AND f.batch<?4 AND (f.batch>b.batch OR (?6 AND f.outcome IN(1,2)))"
            )
        )
    };
}

/// The members of pairs that were decided since, or whose decision was taken back since.
macro_rules! decided_since {
    () => {
        concat!(
            "SELECT d.record FROM (SELECT e.record, max(b.batch, coalesce((SELECT min(x.batch) FROM ledger_pass q
             CROSS JOIN ledger_batch x ON x.pass=q.pass WHERE q.reverses=p.pass AND x.batch<?4),0)) AS batch
         FROM ledger_stage s CROSS JOIN ledger_pass p ON p.stage=s.stage AND p.kind='merge'
         CROSS JOIN ledger_batch b ON b.pass=p.pass AND b.batch<?4 CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE s.project=?1 AND s.number=?2 AND json_extract(e.reason,'$.code') IN('review.accepted','review.rejected','review.never')) d
         WHERE d.batch>?3 AND NOT ",
            has_worked_on!("d.record", " AND f.batch>d.batch AND f.batch<?4")
        )
    };
}

/// Returns the numbers of the records that batches after `after` and before `before` wrote to the source and that no
/// standing pass of the stage has read since; ascending.
///
/// Not every write to a source is input for a stage. Undone writes are not. A rollback restores records to what the
/// stage has already read, so it is not either, except for records that it has not read because they were deleted
/// before the stage came. A stage in place provides input only for the stages after it, and receives input only from
/// those before it: what a later one writes has the later shape. A record that is edited by hand in a database that the
/// stage has already changed in place has the new shape, so it is input only for later stages; so is a record that a
/// load overwrites there unless the load says otherwise. One that the stage left unchanged is input for the stage too.
/// A waiver settles what was refused, not a correction of it. What the stage refused in place and an earlier stage now
/// leaves out is input although no row has changed. A record of the stage that was rolled back singly is processed
/// again, as after the rollback of a whole stage or run. Of a merge, the members of a pair are input that was decided, or
/// whose decision was rolled back.
pub(crate) fn increment(
    connection: &Connection,
    stage: StageInput<'_>,
    after: BatchId,
    before: BatchId,
) -> Result<Vec<RecordNumber>> {
    let sql = concat!(
        written_by_others!(),
        " UNION ",
        rolled_back_singly!(),
        " UNION ",
        corrections_brought_back!(),
        " UNION ",
        decided_since!(),
        " ORDER BY fed"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let key = params![
        stage.project,
        stage.number,
        after,
        before,
        stage.source,
        stage.in_place
    ];
    let rows = statement.query_map(key, |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the records whose rows a rollback restored although the stage's last outcome for them differs: a copying
/// stage was rolled back while a stage in place had refused the row, or another stage replaced it, so that there was
/// nothing to remove; a stage in place has refused them again since what is undone. Like [`increment`], between two
/// batches.
pub(crate) fn brought_back(
    connection: &Connection,
    stage: StageInput<'_>,
    after: BatchId,
    before: BatchId,
) -> Result<Vec<RecordNumber>> {
    let sql = "SELECT DISTINCT b.batch, coalesce(e.target,e.record) FROM ledger_written l CROSS JOIN ledger_batch b ON b.batch=l.batch
     CROSS JOIN ledger_pass p ON p.pass=b.pass CROSS JOIN ledger_pass w ON w.pass=coalesce(p.reverses, json_extract(b.body,'$.undoes')) CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE l.database=?1 AND l.rollback=1 AND l.batch>?2 AND l.batch<?3 AND w.kind IN('apply','retry')
       AND e.before IS NULL AND e.after IS NOT NULL ORDER BY 1";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![stage.target, after, before], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let rows: Vec<(BatchId, RecordNumber)> = rows.collect::<rusqlite::Result<_>>()?;
    // The stage's newest outcome for the row before that, and whether it has processed the record since.
    let newest = concat!(
        "SELECT record, is_taken_back AND NOT EXISTS(SELECT 1 FROM ",
        standing_life!(),
        " WHERE ",
        of_record!("f", "found.record"),
        " AND t.project=?1 AND t.number=?2 AND q.kind IN('apply','retry') AND f.batch>?4 AND f.batch<?5)
         FROM (SELECT f.record, f.before IS NULL AND f.after IS NULL AND (f.outcome=4)=?6 AND NOT ",
        is_about_place!("f"),
        " AS is_taken_back FROM ",
        standing_life!("ledger_row_life"),
        " WHERE ",
        of_row!("f", "?3"),
        " AND t.project=?1 AND t.number=?2 AND q.kind IN('apply','retry') AND f.batch<?4
           ORDER BY f.batch DESC, f.record DESC, f.part DESC LIMIT 1) AS found"
    );
    let mut statement = connection.prepare_cached(newest)?;
    let mut records = Vec::new();
    for (batch, row) in rows {
        let key = params![stage.project, stage.number, row, batch, before, stage.in_place];
        let found: Option<(RecordNumber, bool)> = statement
            .query_row(key, |found| Ok((found.get(0)?, found.get(1)?)))
            .optional()?;
        records.extend(found.filter(|(_, is_fed)| *is_fed).map(|(record, _)| record));
    }
    Ok(records)
}

/// Returns the record that a stage has processed most often in later passes of a run: the number of the stage, the
/// record, and how often.
pub(crate) fn most_often(
    connection: &Connection,
    run: RunId,
    project: &str,
) -> Result<Option<(u32, RecordNumber, u64)>> {
    let sql = "SELECT s.number, e.record, count(DISTINCT e.batch) AS times
     FROM ledger_batch b JOIN ledger_pass p USING(pass) JOIN ledger_stage s USING(stage)
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.run=?1 AND s.project=?2 AND p.kind='apply' AND p.after_batch IS NOT NULL GROUP BY s.number, e.record ORDER BY times DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row(params![run, project], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?.unsigned_abs()))
    });
    Ok(found.optional()?)
}

/// Returns whether a later stage has written to a stage's target too.
pub(crate) fn is_written_by_later(connection: &Connection, stage: StageInput<'_>) -> Result<bool> {
    let sql = "SELECT 1 FROM ledger_stage s WHERE (s.number,s.project)>(?2,?1)
     AND EXISTS(SELECT 1 FROM ledger_pass p WHERE p.stage=s.stage AND p.kind IN('apply','retry') AND p.target=?3) LIMIT 1";
    let key = params![stage.project, stage.number, stage.target];
    Ok(connection.prepare_cached(sql)?.exists(key)?)
}

/// For a load, returns how many records it overwrote that stages in place had changed and that they do not process
/// again, with the numbers of those stages; `None` for no record.
pub(crate) fn fixed_by_hand(
    connection: &Connection,
    database: &str,
    pass: PassId,
) -> Result<Option<(u64, Vec<u32>)>> {
    let sql = "SELECT DISTINCT s.number FROM ledger_stage s WHERE EXISTS(
       SELECT 1 FROM ledger_standing p WHERE p.stage=s.stage AND p.kind IN('apply','retry') AND p.source=?1 AND p.target=?1)
     ORDER BY s.number";
    let mut statement = connection.prepare_cached(sql)?;
    let stages = statement.query_map([database], |row| row.get(0))?;
    let stages: Vec<u32> = stages.collect::<rusqlite::Result<_>>()?;
    if stages.is_empty() {
        return Ok(None);
    }
    let sql = concat!(
        "SELECT count(*) FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE b.pass=?2 AND b.cursor->>'$.reprocess' IS NULL AND e.before IS NOT NULL AND e.before IS NOT e.after AND EXISTS(
           SELECT 1 FROM ",
        standing_life!(),
        " WHERE ",
        of_record!("f", "e.record"),
        " AND f.outcome IN(1,2) AND q.source=?1 AND q.target=?1 AND q.kind IN('apply','retry'))"
    );
    let count: i64 = connection
        .prepare_cached(sql)?
        .query_row(params![database, pass], |row| row.get(0))?;
    Ok((count > 0).then_some((count.unsigned_abs(), stages)))
}

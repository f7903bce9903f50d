//! What a report reads of the ledger.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _};

use super::{PassOutcome, StageTold, Undone};
use crate::error::Result;
use crate::ledger::out::came_out;
use crate::ledger::read::counts;

/// A time of the ledger as people read it.
pub(super) fn iso(micros: i64) -> String {
    let at = chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default();
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The newest run that did something to a record, and did not only find it as it should be; else the newest that has looked
/// at records, else the newest.
pub(super) fn newest_run(connection: &Connection) -> Result<Option<i64>> {
    let sql = "SELECT coalesce((SELECT run FROM ledger_batch WHERE read>unchanged ORDER BY batch DESC LIMIT 1),
       (SELECT run FROM ledger_batch WHERE entries>0 ORDER BY batch DESC LIMIT 1), (SELECT max(run) FROM ledger_run))";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// The newest run that wrote at all.
pub(super) fn last_run(connection: &Connection) -> Result<Option<i64>> {
    let sql = "SELECT run FROM ledger_batch ORDER BY batch DESC LIMIT 1";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))
        .optional()?)
}

/// When a run began, in microseconds.
pub(super) fn started(connection: &Connection, run: i64) -> Result<i64> {
    let sql = "SELECT started_us FROM ledger_run WHERE run=?1";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([run], |row| row.get(0))?)
}

/// The project whose stages a run worked on.
pub(super) fn project(connection: &Connection, run: i64) -> Result<Option<String>> {
    let sql = "SELECT s.project FROM ledger_batch b JOIN ledger_pass p USING(pass) LEFT JOIN ledger_pass u ON u.pass=p.reverses
     JOIN ledger_stage s ON s.stage=coalesce(p.stage,u.stage) WHERE b.run=?1 LIMIT 1";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([run], |row| row.get(0))
        .optional()?)
}

/// The passes of a run, each as far as the run carried it.
pub(super) fn passes(connection: &Connection, run: i64) -> Result<Vec<PassOutcome>> {
    let sql = concat!(
        "SELECT p.pass, p.kind, s.number, s.slug, p.source, p.target, sum(b.read), sum(b.written), sum(b.unchanged),
       sum(b.filtered), sum(b.refused), sum(b.merged), p.reverses,
       (SELECT min(q.pass) FROM ledger_pass q JOIN ledger_batch x USING(pass) WHERE q.reverses=p.pass AND x.step='end'),
       (SELECT min(x.run) FROM ledger_batch x WHERE x.pass=p.pass AND x.step='end'),
       (SELECT nullif(min(x.run),?1) FROM ledger_batch x WHERE x.pass=p.pass), ",
        came_out!(),
        " FROM ledger_batch b JOIN ledger_pass p USING(pass) LEFT JOIN ledger_pass u ON u.pass=p.reverses
     LEFT JOIN ledger_stage s ON s.stage=coalesce(p.stage,u.stage) WHERE b.run=?1 GROUP BY p.pass ORDER BY p.pass"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([run], |row| {
        Ok(PassOutcome {
            pass: row.get(0)?,
            kind: row.get(1)?,
            stage: row.get(2)?,
            slug: row.get(3)?,
            source: row.get(4)?,
            target: row.get(5)?,
            counts: counts(row, 6)?,
            out: row.get::<_, i64>(16)?.unsigned_abs(),
            warnings: BTreeMap::new(),
            whole: None,
            reverses: row.get(12)?,
            undone_by: row.get(13)?,
            ended_in: row.get(14)?,
            begun_in: row.get(15)?,
        })
    })?;
    let mut passes: Vec<PassOutcome> = rows.collect::<rusqlite::Result<_>>()?;
    let sql = "SELECT w.key, sum(w.value) FROM ledger_batch b, json_each(b.body,'$.warnings') w
     WHERE b.pass=?1 AND b.run=?2 GROUP BY w.key";
    let mut statement = connection.prepare_cached(sql)?;
    for pass in &mut passes {
        let warned = statement.query_map([pass.pass, run], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
        })?;
        pass.warnings = warned.collect::<rusqlite::Result<_>>()?;
    }
    let sql = "SELECT sum(read), sum(written), sum(unchanged), sum(filtered), sum(refused), sum(merged)
     FROM ledger_batch WHERE pass=?1 HAVING min(run)<?2 OR max(run)>?2";
    let mut statement = connection.prepare_cached(sql)?;
    for pass in &mut passes {
        let whole = statement.query_row([pass.pass, run], |row| counts(row, 0));
        pass.whole = whole.optional()?;
    }
    Ok(passes)
}

/// What was rolled back of a run's passes: whole passes, and single records.
pub(super) fn undone(connection: &Connection, run: i64) -> Result<Vec<Undone>> {
    let sql = "WITH of(pass) AS (SELECT DISTINCT pass FROM ledger_batch WHERE run=?1),
       back(pass) AS (SELECT p.pass FROM of CROSS JOIN ledger_pass p ON p.reverses=of.pass
         UNION SELECT b.pass FROM of CROSS JOIN ledger_batch b ON json_extract(b.body,'$.undoes')=+of.pass)
     SELECT coalesce(p.reverses, json_extract(b.body,'$.undoes')) AS undone, p.pass, max(b.run), r.actor, r.reason, max(b.committed_us),
       p.reverses IS NOT NULL, max(b.step='end'),
       sum((SELECT count(*) FROM ledger_entry e WHERE e.batch=b.batch AND e.before IS NOT e.after))
     FROM back CROSS JOIN ledger_pass p ON p.pass=back.pass CROSS JOIN ledger_batch b ON b.pass=p.pass JOIN ledger_run r USING(run)
     WHERE p.kind='rollback' AND b.run>?1 AND undone IN (SELECT pass FROM of) GROUP BY 1, p.pass ORDER BY p.pass";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([run], |row| {
        Ok(Undone {
            pass: row.get(0)?,
            by_pass: row.get(1)?,
            run: row.get(2)?,
            actor: row.get(3)?,
            reason: row.get(4)?,
            at: iso(row.get(5)?),
            whole: row.get(6)?,
            finished: row.get(7)?,
            records: row.get::<_, i64>(8)?.unsigned_abs(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The stages that a run worked on, in their order.
pub(super) fn stages(connection: &Connection, run: i64) -> Result<Vec<StageTold>> {
    let sql = "SELECT s.number, s.slug, s.source_text FROM ledger_stage s WHERE s.stage IN (
       SELECT coalesce(p.stage,u.stage) FROM ledger_batch b JOIN ledger_pass p USING(pass)
       LEFT JOIN ledger_pass u ON u.pass=p.reverses WHERE b.run=?1) ORDER BY s.number, s.stage";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([run], |row| {
        Ok(StageTold {
            number: row.get(0)?,
            slug: row.get(1)?,
            description: description(&row.get::<_, String>(2)?),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What a stage file says that it does; a stage that was built in Rust says nothing.
fn description(text: &str) -> Option<String> {
    let document = text.parse::<toml_edit::DocumentMut>().ok()?;
    let description = document.get("stage")?.get("description")?.as_str()?;
    Some(description.trim().to_owned())
}

/// A batch, as far as it tells how fast the run was.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimedBatch {
    pub(super) batch: i64,
    pub(super) pass: i64,
    pub(super) read: u64,
    pub(super) committed_us: i64,
}

/// The batches of a run, in order.
pub(super) fn timed_batches(connection: &Connection, run: i64) -> Result<Vec<TimedBatch>> {
    let sql = "SELECT batch, pass, read, committed_us FROM ledger_batch WHERE run=?1 ORDER BY batch";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([run], |row| {
        Ok(TimedBatch {
            batch: row.get(0)?,
            pass: row.get(1)?,
            read: row.get::<_, i64>(2)?.unsigned_abs(),
            committed_us: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

//! What a stage still has to do: the records that others wrote to its source since it last looked.

use std::collections::{BTreeMap, HashMap, VecDeque};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::sql::{of_record, of_row, standing_life};
use crate::digest::{Hash, Salt, sha256};
use crate::error::Result;
use crate::stage::Stage;
use crate::store::Table;

/// A stage, as far as feeding it is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fed<'a> {
    pub(crate) project: &'a str,
    pub(crate) number: u32,
    pub(crate) source: &'a str,
    pub(crate) target: &'a str,
    pub(crate) in_place: bool,
}

impl<'a> Fed<'a> {
    /// A stage of a project.
    pub(crate) fn of(project: &'a str, stage: &'a Stage) -> Self {
        Self {
            project,
            number: stage.number(),
            source: stage.source(),
            target: stage.target(),
            in_place: stage.in_place(),
        }
    }
}

/// The numbers of the records that batches after `after` and before `before` wrote to the source, and that no
/// standing pass of the stage has seen since; ascending.
///
/// Not everything that writes to a source feeds a stage: what was undone does not, and a rollback takes records back
/// to what the stage has already seen, but for those that it has not: they were deleted before the stage came. A stage in place feeds only the stages after it, and is fed only by those before
/// it: what a later one writes has the later shape. A record that is edited by hand in a database that the stage has
/// already changed in place has the new shape, so that it feeds only what comes after, and so has a record that a load
/// writes over there unless it says otherwise; one that the stage has left as it was feeds the stage too. A waiver settles what was refused, not a correction of it. What the stage has refused in place, and an earlier stage leaves out now, feeds it although
/// no row has changed. And a record of the stage that was rolled back by itself is carried again, as a whole stage or
/// run that was rolled back would be.
pub(crate) fn increment(
    connection: &Connection,
    stage: Fed<'_>,
    after: i64,
    before: i64,
) -> Result<Vec<i64>> {
    // Record by record, because each of the entries of a record that many stages have changed would have its whole life read
    // again: the newest entry tells, and of those in the new shape the newest.
    let sql = concat!(
        "SELECT w.fed FROM (SELECT coalesce(e.target,e.record) AS fed,
           max(CASE WHEN ?6 AND e.before IS NOT NULL AND p.kind IN('load','edit') AND b.cursor->>'$.reprocess' IS NULL
             THEN 0 ELSE b.batch END) AS newest,
           max(CASE WHEN ?6 AND e.before IS NOT NULL AND p.kind IN('load','edit') AND b.cursor->>'$.reprocess' IS NULL
             THEN b.batch ELSE 0 END) AS shaped
         FROM ledger_written w CROSS JOIN ledger_batch b ON b.batch=w.batch CROSS JOIN ledger_standing p ON p.pass=b.pass
         LEFT JOIN ledger_stage s ON s.stage=p.stage CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE w.database=?5 AND w.rollback=0 AND w.batch>?3 AND w.batch<?4
           AND (e.before IS NOT e.after OR (?6 AND (e.outcome=3 OR (e.outcome<>4 AND e.target IS NOT NULL AND e.after IS NULL))
             AND EXISTS(SELECT 1 FROM ledger_life g CROSS JOIN ledger_batch d ON d.batch=g.batch
               CROSS JOIN ledger_pass r ON r.pass=d.pass CROSS JOIN ledger_stage v ON v.stage=r.stage
               WHERE ",
        of_record!("g", "coalesce(e.target,e.record)"),
        " AND g.outcome=4 AND g.batch<b.batch AND v.project=?1 AND v.number=?2)))
           AND (p.kind IN('load','merge','edit')
             OR (p.kind IN('apply','retry') AND ((s.number,s.project)<(?2,?1) OR (NOT ?6 AND (p.source<>p.target OR s.project<>?1)))
               AND NOT (s.project=?1 AND s.number=?2)))
         GROUP BY fed) w
         WHERE (w.newest>0 AND NOT EXISTS(SELECT 1 FROM ",
        standing_life!(),
        " WHERE ",
        of_record!("f", "w.fed"),
        " AND t.project=?1 AND t.number=?2 AND q.kind IN('apply','retry') AND f.batch>w.newest AND f.batch<?4))
           OR (w.shaped>0 AND NOT EXISTS(SELECT 1 FROM ",
        standing_life!(),
        " WHERE ",
        of_record!("f", "w.fed"),
        " AND t.project=?1 AND t.number=?2 AND q.kind IN('apply','retry') AND f.batch<?4
             AND (f.batch>w.shaped OR f.outcome IN(1,2))))
         UNION SELECT e.record FROM ledger_stage s CROSS JOIN ledger_pass p ON p.stage=s.stage AND p.kind='rollback'
         CROSS JOIN ledger_batch b ON b.pass=p.pass CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE b.batch>?3 AND b.batch<?4 AND p.reverses IS NULL AND s.project=?1 AND s.number=?2
           AND NOT EXISTS(SELECT 1 FROM ",
        standing_life!(),
        " WHERE ",
        of_record!("f", "e.record"),
        " AND t.project=?1 AND t.number=?2 AND q.kind IN('apply','retry') AND f.batch>b.batch AND f.batch<?4)
         UNION SELECT coalesce(e.target,e.record) FROM ledger_written l CROSS JOIN ledger_batch b ON b.batch=l.batch
         CROSS JOIN ledger_pass p ON p.pass=b.pass CROSS JOIN ledger_pass w ON w.pass=coalesce(p.reverses, json_extract(b.body,'$.undoes')) CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE l.database=?5 AND l.rollback=1 AND l.batch>?3 AND l.batch<?4 AND w.kind IN('load','edit')
           AND e.before IS NOT e.after AND e.after IS NOT NULL
           AND NOT EXISTS(SELECT 1 FROM ",
        standing_life!(),
        " WHERE ",
        of_record!("f", "coalesce(e.target,e.record)"),
        " AND t.project=?1 AND t.number=?2 AND q.kind IN('apply','retry') AND f.batch<?4
             AND (f.batch>b.batch OR (?6 AND f.outcome IN(1,2))))
         ORDER BY fed"
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

/// The records whose rows a rollback has brought back, though that is not what the stage has said of them last: a copying
/// stage had taken them back, while a stage in place had refused the row, or another stage replaced it, so that there was
/// nothing to take out; a stage in place has refused them once more since what is undone. As in [`increment`], between two batches.
pub(crate) fn brought_back(
    connection: &Connection,
    stage: Fed<'_>,
    after: i64,
    before: i64,
) -> Result<Vec<i64>> {
    let sql = "SELECT DISTINCT b.batch, coalesce(e.target,e.record) FROM ledger_written l CROSS JOIN ledger_batch b ON b.batch=l.batch
     CROSS JOIN ledger_pass p ON p.pass=b.pass CROSS JOIN ledger_pass w ON w.pass=coalesce(p.reverses, json_extract(b.body,'$.undoes')) CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE l.database=?1 AND l.rollback=1 AND l.batch>?2 AND l.batch<?3 AND w.kind IN('apply','retry')
       AND e.before IS NULL AND e.after IS NOT NULL ORDER BY 1";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![stage.target, after, before], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let rows: Vec<(i64, i64)> = rows.collect::<rusqlite::Result<_>>()?;
    // The newest word of the stage on the row before that, and whether it has carried the record since.
    let newest = concat!(
        "SELECT record, is_taken_back AND NOT EXISTS(SELECT 1 FROM ",
        standing_life!(),
        " WHERE ",
        of_record!("f", "found.record"),
        " AND t.project=?1 AND t.number=?2 AND q.kind IN('apply','retry') AND f.batch>?4 AND f.batch<?5)
         FROM (SELECT f.record, f.before IS NULL AND f.after IS NULL AND (f.outcome=4)=?6
             AND coalesce(f.reason,'') NOT GLOB '{\"code\":\"target.*' AS is_taken_back
           FROM ",
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
        let found: Option<(i64, bool)> = statement
            .query_row(key, |found| Ok((found.get(0)?, found.get(1)?)))
            .optional()?;
        records.extend(found.filter(|(_, is_fed)| *is_fed).map(|(record, _)| record));
    }
    Ok(records)
}

/// Of a batch `c`: whether the stage of a refusal `r` has worked in it. What `ledger_life` would say, without a look at entries
/// that no one asks about.
macro_rules! of_same_stage {
    ($since:literal) => {
        concat!(
            " CROSS JOIN ledger_standing q ON q.pass=c.pass CROSS JOIN ledger_stage t ON t.stage=q.stage
               WHERE t.project=?1 AND t.number=r.number AND (q.kind<>'rollback' OR q.reverses IS NULL)",
            $since
        )
    };
}

/// The last refusal of each record by the standing passes of each stage of a project, where nothing has happened to the
/// record in the stage since: `r` the refusal; and what more is asked of it, and of the batch `c` and the pass `q` of what
/// may have happened. An earlier refusal cannot stand, and the batches that have refused something are few.
macro_rules! refused_in_stages {
    ($columns:literal, $which:literal, $since:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM (SELECT s.number AS number, e.record AS record, max(e.batch) AS batch
               FROM ledger_batch b CROSS JOIN ledger_standing p ON p.pass=b.pass AND p.kind IN('apply','retry')
               CROSS JOIN ledger_stage s ON s.stage=p.stage CROSS JOIN ledger_refused e ON e.batch=b.batch
               WHERE b.refused>0 AND s.project=?1",
            $which,
            " GROUP BY s.number, e.record) r
             WHERE NOT EXISTS(SELECT 1 FROM ledger_sparse z CROSS JOIN ledger_batch c ON c.batch=z.batch",
            of_same_stage!($since),
            " AND z.record=r.record AND z.batch>r.batch)
             AND NOT EXISTS(SELECT 1 FROM ledger_batch c",
            of_same_stage!($since),
            " AND c.entries>256 AND c.last_record-c.first_record<4*c.entries AND c.last_record-c.first_record<16384
               AND c.first_record<=r.record AND c.last_record>=r.record AND c.last_record<r.record+16384 AND +c.batch>r.batch
               AND EXISTS(SELECT 1 FROM ledger_entry f WHERE f.batch=c.batch AND f.record=r.record))"
        )
    };
}

/// The numbers of the records that a stage has refused and that nothing has happened to since; ascending. Only what
/// stood before the batch `before`, so that a resumed pass finds the same list again.
pub(crate) fn refused(connection: &Connection, project: &str, number: u32, before: i64) -> Result<Vec<i64>> {
    let sql = concat!(
        refused_in_stages!("r.record", " AND s.number=?2 AND +b.batch<?3", " AND c.batch<?3"),
        " ORDER BY r.record"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![project, number, before], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How many records the stages of a project have refused that nothing has happened to since, by the stage's number.
pub(crate) fn refused_counts(connection: &Connection, project: &str) -> Result<BTreeMap<u32, u64>> {
    let sql = concat!(
        refused_in_stages!("r.number, count(*)", "", ""),
        " GROUP BY r.number"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let counts = statement.query_map([project], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
    })?;
    Ok(counts.collect::<rusqlite::Result<_>>()?)
}

/// The numbers of the records that a stage has refused, waived or not, and that nothing else has happened to since;
/// ascending.
pub(crate) fn refused_or_waived(connection: &Connection, project: &str, number: u32) -> Result<Vec<i64>> {
    let sql = concat!(
        refused_in_stages!("r.record", " AND s.number=?2", " AND q.kind<>'waive'"),
        " ORDER BY r.record"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![project, number], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The numbers of the records that one pass has refused, and that nothing has happened to in the stage since; ascending.
pub(crate) fn refused_by(connection: &Connection, project: &str, number: u32, pass: i64) -> Result<Vec<i64>> {
    let mut of_stage = refused(connection, project, number, i64::MAX)?;
    let sql = "SELECT DISTINCT e.record FROM ledger_batch b CROSS JOIN ledger_refused e ON e.batch=b.batch
     WHERE b.pass=?1 AND b.refused>0 ORDER BY e.record";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([pass], |row| row.get(0))?;
    let of_pass: Vec<i64> = rows.collect::<rusqlite::Result<_>>()?;
    of_stage.retain(|record| of_pass.binary_search(record).is_ok());
    Ok(of_stage)
}

/// The record that a stage has carried most often in later passes of a run: the number of the stage, the record, and how often.
pub(crate) fn most_often(
    connection: &Connection,
    run: i64,
    project: &str,
) -> Result<Option<(u32, i64, u64)>> {
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

/// Whether a later stage has written to a stage's target too.
pub(crate) fn is_written_by_later(connection: &Connection, stage: Fed<'_>) -> Result<bool> {
    let sql = "SELECT 1 FROM ledger_stage s WHERE (s.number,s.project)>(?2,?1)
     AND EXISTS(SELECT 1 FROM ledger_pass p WHERE p.stage=s.stage AND p.kind IN('apply','retry') AND p.target=?3) LIMIT 1";
    let key = params![stage.project, stage.number, stage.target];
    Ok(connection.prepare_cached(sql)?.exists(key)?)
}

/// The numbers of all records that a stage has ever refused; ascending.
pub(crate) fn ever_refused(connection: &Connection, project: &str, number: u32) -> Result<Vec<i64>> {
    let sql = "SELECT DISTINCT e.record FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass
     CROSS JOIN ledger_stage s ON s.stage=p.stage CROSS JOIN ledger_refused e ON e.batch=b.batch
     WHERE b.refused>0 AND s.project=?1 AND s.number=?2 ORDER BY e.record";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![project, number], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The lines of one input that loads into one database have refused and that still wait in quarantine.
#[derive(Debug, Default)]
pub(crate) struct RefusedLines {
    waiting: HashMap<i64, RefusedLine>,
    by_reason: HashMap<String, VecDeque<i64>>,
    by_line: HashMap<u64, Vec<i64>>,
    by_id: HashMap<String, Vec<i64>>,
    /// The record that was let in under a line's id.
    let_in: BTreeMap<i64, i64>,
}

#[derive(Debug)]
struct RefusedLine {
    salt: Salt,
    input: Hash,
    id: Option<String>,
}

/// A record that a load lets in, as far as it may be the correction of a line that was refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LetIn<'r> {
    pub(crate) line: u64,
    pub(crate) id: &'r str,
    pub(crate) record: i64,
    /// Whether the input so far is what it was when the line was refused, so that the same place means the same record.
    pub(crate) in_place: bool,
}

/// A line that leaves quarantine, and the record that it does so for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settled {
    pub(crate) line: i64,
    /// The commitment to its bytes.
    pub(crate) input: Hash,
    pub(crate) record: i64,
}

impl RefusedLines {
    /// What other passes than `pass` have refused, so that a pass that is resumed finds what is still left for it.
    pub(crate) fn of(connection: &Connection, database: &str, source: &str, pass: i64) -> Result<Self> {
        let sql = "SELECT q.reason, q.record, r.salt, e.input, r.id FROM audit_quarantine q
         JOIN ledger_entry e ON e.batch=q.batch AND e.record=q.record AND e.part=0
         JOIN ledger_record r ON r.record=q.record
         WHERE q.kind='load' AND q.database=?1 AND q.source=?2 AND q.pass<>?3
           AND r.salt IS NOT NULL AND e.input IS NOT NULL ORDER BY q.record";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![database, source, pass])?;
        let mut lines = Self::default();
        while let Some(row) = rows.next()? {
            let (reason, record): (String, i64) = (row.get(0)?, row.get(1)?);
            let line = RefusedLine {
                salt: row.get(2)?,
                input: row.get(3)?,
                id: row.get(4)?,
            };
            let place = line_of(&reason);
            lines.by_reason.entry(reason).or_default().push_back(record);
            if let Some(number) = place {
                lines.by_line.entry(number).or_default().push(record);
            }
            if let Some(id) = &line.id {
                lines.by_id.entry(id.clone()).or_default().push(record);
            }
            lines.waiting.insert(record, line);
        }
        lines.note_before(connection, database, pass)?;
        Ok(lines)
    }

    /// The number and salt of a line that stands refused for the same reason, which tells its place, with the same
    /// bytes. Each is given once: several elements of an array may share a line, a reason and their bytes.
    pub(crate) fn take(&mut self, reason: &str, raw: &[u8]) -> Option<(i64, Salt)> {
        let waiting = &self.waiting;
        let lines = self.by_reason.get_mut(reason)?;
        let same = |record: &i64| {
            let line = waiting.get(record);
            line.is_some_and(|line| sha256(&[&line.salt, raw]) == line.input)
        };
        let at = lines.iter().position(same)?;
        let record = lines.remove(at)?;
        let line = self.waiting.remove(&record)?;
        Some((record, line.salt))
    }

    /// Whether a line of the input still waits.
    pub(crate) fn stands_at(&self, line: u64) -> bool {
        let at_place = self.by_line.get(&line);
        at_place.is_some_and(|at_place| at_place.iter().any(|number| self.waiting.contains_key(number)))
    }

    /// The lines whose place this record of the input takes, ascending: they leave quarantine with it.
    ///
    /// Under the id that was read there it is their correction. Where no id could be read, the place alone has to tell,
    /// and does so only as long as the input is what it was.
    pub(crate) fn replaced_by(&mut self, record: LetIn<'_>) -> Vec<Settled> {
        let Some(at_place) = self.by_line.get(&record.line) else {
            return Vec::new();
        };
        let is_same = |line: &RefusedLine| match &line.id {
            Some(id) => id == record.id,
            None => record.in_place,
        };
        let waiting = &mut self.waiting;
        let settled = |number: &i64| {
            waiting.get(number).filter(|line| is_same(line))?;
            let input = waiting.remove(number)?.input;
            Some(Settled {
                line: *number,
                input,
                record: record.record,
            })
        };
        at_place.iter().filter_map(settled).collect()
    }

    /// Notes that a record was let in, for lines with its id at other places: they may still come, and be refused again.
    pub(crate) fn note(&mut self, id: &str, record: i64) {
        if let Some(numbers) = self.by_id.get(id) {
            self.let_in.extend(numbers.iter().map(|number| (*number, record)));
        }
    }

    /// As [`note`](Self::note), for what a pass that is resumed has let in before.
    fn note_before(&mut self, connection: &Connection, database: &str, pass: i64) -> Result<()> {
        let table = Table::of(database)?;
        if self.by_id.is_empty() || !table.exists(connection)? {
            return Ok(());
        }
        let sql = concat!(
            "SELECT 1 FROM ledger_life e CROSS JOIN ledger_batch b ON b.batch=e.batch WHERE ",
            of_record!("e", "?2"),
            " AND b.pass=?1 AND e.outcome IN(1,2)"
        );
        let mut statement = connection.prepare_cached(sql)?;
        let ids: Vec<String> = self.by_id.keys().cloned().collect();
        for id in ids {
            if let Some(record) = table.number_of(connection, &id)?
                && statement.exists(params![pass, record])?
            {
                self.note(&id, record);
            }
        }
        Ok(())
    }

    /// What is settled at the end of the input, at most so many lines, ascending: it has brought the id, and not the line.
    pub(crate) fn settled_at_end(&mut self, most: usize) -> Vec<Settled> {
        let mut settled = Vec::new();
        while settled.len() < most
            && let Some((line, record)) = self.let_in.pop_first()
        {
            if let Some(refused) = self.waiting.remove(&line) {
                let input = refused.input;
                settled.push(Settled { line, input, record });
            }
        }
        settled
    }
}

/// The line of the input that a reason names.
fn line_of(reason: &str) -> Option<u64> {
    serde_json::from_str::<serde_json::Value>(reason).ok()?["line"].as_u64()
}

/// Of a load: how many records it has written over that stages in place had changed, and that they do not process again;
/// with the numbers of those stages. `None`: no record.
pub(crate) fn fixed_by_hand(
    connection: &Connection,
    database: &str,
    pass: i64,
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

/// The records that a pass has refused over a contract in the mode `refuse`, and that still stand so.
pub(crate) fn halting(connection: &Connection, pass: i64) -> Result<Vec<i64>> {
    let sql = "SELECT DISTINCT record FROM audit_quarantine WHERE pass=?1 AND json_extract(reason,'$.halts')";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([pass], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

//! Undoing what the newest pass did to one record.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::undo::Undoing;
use super::{RollbackOptions, begins, since};
use crate::apply::Claims;
use crate::error::{Error, Result};
use crate::ledger::past::number_by_origin;
use crate::ledger::read::{BEHIND_ALL, PassSummary, passes, stubs_of_record};
use crate::ledger::{Counts, PassKind, Step};
use crate::observe::{Event, Observer};
use crate::pipeline::Reader;
use crate::run::Run;
use crate::store::Store;

/// The newest pass that changed a record of a database and was not undone, with the source's number in its stubs.
pub(super) fn newest(store: &Store, database: &str, id: &str) -> Result<(PassSummary, i64)> {
    let connection = store.connection();
    let missing = || Error::NoSuchRecord {
        database: database.to_owned(),
        id: id.to_owned(),
    };
    let number = match store.table(database)?.number_of(connection, id)? {
        Some(number) => number,
        None => number_by_origin(connection, database, id)?
            .pop()
            .ok_or_else(missing)?,
    };
    // A rollback that came to a change has undone it, though it may have found nothing to do.
    let sql = "SELECT p.pass, e.record, b.batch, coalesce(p.reverses, b.body->>'$.undoes')
     FROM ledger_batch b JOIN ledger_pass p USING(pass) CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE p.target=?1 AND coalesce(e.target,e.record)=?2 AND p.kind<>'load'
       AND CASE p.kind WHEN 'rollback' THEN NOT (e.outcome=4 AND e.before IS e.after) ELSE e.before IS NOT e.after END
       AND (e.target IS NOT NULL OR (b.first_record<=?2 AND b.last_record>=?2)) ORDER BY b.batch";
    let mut statement = connection.prepare(sql)?;
    let mut standing: Vec<(i64, i64, i64)> = Vec::new();
    let mut rows = statement.query(params![database, number])?;
    while let Some(row) = rows.next()? {
        match row.get::<_, Option<i64>>(3)? {
            Some(undone) => standing.retain(|(pass, ..)| *pass != undone),
            None => standing.push((row.get(0)?, row.get(1)?, row.get(2)?)),
        }
    }
    let (pass, record, batch) = standing.pop().ok_or_else(|| {
        Error::invalid(
            format!("no stage has changed `{id}` in `{database}`"),
            "see `counterfoil trace` for its life",
        )
    })?;
    refuse_dependent(connection, database, id, number, batch)?;
    // All that the pass has made of the source record is undone with it.
    for stub in stubs_of_record(connection, pass, record)? {
        if stub.number() != number {
            let row = store.table(database)?.by_number(connection, stub.number())?;
            let other = row.map_or_else(|| id.to_owned(), |row| row.record.id);
            refuse_dependent(connection, database, &other, stub.number(), stub.batch)?;
        }
    }
    let found = passes(connection)?
        .into_iter()
        .find(|summary| summary.row.pass == pass)
        .ok_or_else(missing)?;
    Ok((found, record))
}

/// What a pass wrote must not be undone while a stage stands that has carried it on: nothing would carry the old
/// version after it.
fn refuse_dependent(
    connection: &Connection,
    database: &str,
    id: &str,
    number: i64,
    batch: i64,
) -> Result<()> {
    let sql = "SELECT s.number, s.slug, q.target FROM ledger_pass q JOIN ledger_stage s USING(stage)
     JOIN ledger_batch c USING(pass) CROSS JOIN ledger_entry f ON f.batch=c.batch AND f.record=?2
     WHERE q.source=?1 AND q.kind IN('apply','retry') AND c.batch>?3 AND c.first_record<=?2 AND c.last_record>=?2
       AND f.before IS NOT f.after
       AND NOT EXISTS(SELECT 1 FROM ledger_pass u JOIN ledger_batch x USING(pass) WHERE u.reverses=q.pass AND x.step='end')
       AND NOT EXISTS(SELECT 1 FROM ledger_pass u JOIN ledger_batch x USING(pass)
         CROSS JOIN ledger_entry g ON g.batch=x.batch AND g.record=f.record AND g.part=f.part
         WHERE u.kind='rollback' AND u.reverses IS NULL AND x.body->>'$.undoes'=q.pass
           AND NOT (g.outcome=4 AND g.before IS g.after))
     ORDER BY c.batch DESC LIMIT 1";
    let dependent = connection
        .query_row(sql, params![database, number, batch], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((stage, slug, target)): Option<(u32, String, String)> = dependent else {
        return Ok(());
    };
    Err(Error::invalid(
        format!("stage {stage} ({slug}) has carried `{id}` from `{database}` to `{target}` since"),
        format!("roll back what became of it in `{target}` first"),
    ))
}

/// Undoes a pass for one source record, in one batch that is the whole pass: a kill leaves all of it or nothing.
pub(super) fn undo(
    run: &mut Run<'_>,
    undone: &PassSummary,
    record: i64,
    options: &RollbackOptions,
    observer: &mut dyn Observer,
) -> Result<Counts> {
    let mut pass = run.new_pass(PassKind::Rollback, undone.row.stage.clone())?;
    pass.row.target.clone_from(&undone.row.target);
    begins(&pass, undone, 1, 0, observer);
    let mut undoing = Undoing {
        pass: undone.row.pass,
        target: run
            .store()
            .table(undone.row.target.as_deref().unwrap_or_default())?,
        before: BEHIND_ALL,
        down_to: 0,
        batch_size: 1,
        on_conflict: options.on_conflict,
        shape: Vec::new(),
        alone: false,
        done: since::undone_singly(run.connection(), undone.row.pass)?,
        overwritten: since::overwritten(run.connection(), undone, &[undone.row.pass])?,
        deferred: since::deferred(run.connection(), undone)?,
        claims: Claims::default(),
    };
    let stubs = stubs_of_record(run.connection(), undone.row.pass, record)?;
    let mut batch = undoing.undo(&Reader::beside(run)?, stubs)?;
    batch.step = Step::End;
    batch.body = Some(serde_json::json!({ "undoes": undone.row.pass }).to_string());
    let (number, counts) = (run.next_batch(), batch.counts);
    run.commit_now(&mut pass, batch)?;
    let pass = pass.row.pass;
    observer.observe(&Event::BatchCommitted {
        pass,
        batch: number,
        counts,
    });
    observer.observe(&Event::PassEnded { pass, counts });
    Ok(counts)
}

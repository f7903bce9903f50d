//! Undoing what the newest pass did to one record.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::since::Since;
use super::undo::Undoing;
use super::{RollbackOptions, begins, since};
use crate::engine::Claims;
use crate::engine::Run;
use crate::error::{Error, Result};
use crate::ledger::past::number_by_origin;
use crate::ledger::read::{self, BEHIND_ALL, PassSummary, stubs_of_record};
use crate::ledger::sql::{of_record, of_row, standing_life};
use crate::ledger::{Counts, PassKind, Step};
use crate::observe::{Event, Observer};
use crate::shown::word;
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
    let (pass, record, batch) = newest_change(connection, database, number)?.ok_or_else(|| {
        Error::invalid(
            format!("no stage has changed `{id}` in `{database}`"),
            format!("`counterfoil trace {database} {}` tells its life", word(id)),
        )
    })?;
    refuse_dependent(connection, database, Some(id), number, batch)?;
    // All that the pass has made of the source record is undone with it.
    for stub in stubs_of_record(connection, pass, record)? {
        if stub.number() != number {
            refuse_dependent(connection, database, None, stub.number(), stub.batch)?;
        }
    }
    let found = read::pass(connection, pass)?.ok_or_else(missing)?;
    Ok((found, record))
}

/// The newest change of a row that was not undone: the pass, the source's number and the batch. Looked for from the newest
/// batches back, in ever longer stretches, because a row may have had many versions.
fn newest_change(connection: &Connection, database: &str, number: i64) -> Result<Option<(i64, i64, i64)>> {
    // A rollback that came to a change has undone it, though it may have found nothing to do.
    let sql = concat!(
        "SELECT p.pass, e.record, b.batch, coalesce(p.reverses, json_extract(b.body,'$.undoes'))
         FROM ledger_row_life e CROSS JOIN ledger_batch b ON b.batch=e.batch CROSS JOIN ledger_pass p ON p.pass=b.pass
         WHERE ",
        of_row!("e", "?2"),
        " AND e.batch>?3 AND e.batch<=?4 AND p.target=?1 AND p.kind<>'load'
           AND CASE p.kind WHEN 'rollback' THEN NOT (e.outcome=4 AND e.before IS e.after) ELSE e.before IS NOT e.after END
         ORDER BY e.batch DESC, e.record DESC, e.part DESC"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let newest = "SELECT coalesce(max(batch),0) FROM ledger_batch";
    let mut newest: i64 = connection.query_row(newest, [], |row| row.get(0))?;
    let (mut stretch, mut undone) = (64, HashSet::new());
    while newest > 0 {
        let after = newest.saturating_sub(stretch).max(0);
        let mut rows = statement.query(params![database, number, after, newest])?;
        while let Some(row) = rows.next()? {
            let pass: i64 = row.get(0)?;
            match row.get::<_, Option<i64>>(3)? {
                Some(of) => drop(undone.insert(of)),
                None if !undone.contains(&pass) => return Ok(Some((pass, row.get(1)?, row.get(2)?))),
                None => {}
            }
        }
        (newest, stretch) = (after, stretch.saturating_mul(4));
    }
    Ok(None)
}

/// What a pass wrote must not be undone while a stage stands that has carried it on: nothing would carry the old
/// version after it. `id`: the one that was asked for, of that record alone.
fn refuse_dependent(
    connection: &Connection,
    database: &str,
    id: Option<&str>,
    number: i64,
    batch: i64,
) -> Result<()> {
    let sql = concat!(
        "SELECT t.number, t.slug, q.target, coalesce(f.target,f.record) FROM ",
        standing_life!(),
        " WHERE ",
        of_record!("f", "?2"),
        " AND f.batch>?3 AND q.source=?1 AND q.kind IN('apply','retry') AND f.before IS NOT f.after
           AND NOT EXISTS(SELECT 1 FROM ledger_batch x CROSS JOIN ledger_pass u ON u.pass=x.pass
             CROSS JOIN ledger_entry g ON g.batch=x.batch AND g.record=f.record AND g.part=f.part
             WHERE json_extract(x.body,'$.undoes')=+q.pass AND u.kind='rollback' AND u.reverses IS NULL
               AND NOT (g.outcome=4 AND g.before IS g.after))
         ORDER BY f.batch DESC LIMIT 1"
    );
    let dependent = connection
        .prepare_cached(sql)?
        .query_row(params![database, number, batch], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    let Some((stage, slug, target, copy)): Option<(u32, String, String, i64)> = dependent else {
        return Ok(());
    };
    Err(Error::CarriedOn {
        stage,
        slug,
        database: database.to_owned(),
        record: number,
        id: id.map(str::to_owned),
        target,
        copy,
    })
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
    let since = Since::of(run.connection(), &[undone])?;
    let mut deferred = since.deferred(run.connection(), undone)?;
    deferred.extend(since::set_aside(run.connection(), undone.row.pass, record)?);
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
        overwritten: since.overwritten(undone),
        deferred,
        claims: Claims::default(),
    };
    let stubs = stubs_of_record(run.connection(), undone.row.pass, record)?;
    let mut batch = undoing.undo(&run.reader()?, stubs)?;
    batch.step = Step::End;
    batch.body = Some(serde_json::json!({ "undoes": undone.row.pass }).to_string());
    let (number, counts) = (run.next_batch(), batch.counts);
    run.commit(&mut pass, batch)?;
    let pass = pass.row.pass;
    observer.observe(&Event::BatchCommitted {
        pass,
        batch: number,
        counts,
    });
    observer.observe(&Event::PassEnded { pass, counts });
    Ok(counts)
}

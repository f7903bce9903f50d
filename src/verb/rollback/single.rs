//! Undoes what the newest pass did to one record.

use rusqlite::Connection;

use super::options::RollbackOptions;
use super::plan::Chosen;
use super::since::{self, ChangesSince};
use super::undo::{Undoing, begins};
use crate::engine::{Claims, Run};
use crate::error::{Error, Result};
use crate::ledger::members::entries_together;
use crate::ledger::past::number_by_origin;
use crate::ledger::read::{self, BEHIND_ALL, PassSummary};
use crate::ledger::since::{newest_change, record_processed_since};
use crate::ledger::{BatchKind, Counts, PassKind, undone};
use crate::observe::{Event, Observer};
use crate::record::{BatchId, RecordNumber};
use crate::shown::word;
use crate::store::Store;

/// Returns the newest pass that changed a record of a database and was not undone.
pub(super) fn newest(store: &Store, database: &str, id: &str) -> Result<Chosen> {
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
    let change = newest_change(connection, database, number)?.ok_or_else(|| {
        Error::invalid(
            format!("no stage has changed `{id}` in `{database}`"),
            format!("`counterfoil trace {database} {}` shows its history", word(id)),
        )
    })?;
    refuse_dependent(connection, database, Some(id), number, change.batch)?;
    // Everything that the pass made of the source record is undone with it.
    for recorded in entries_together(connection, change.pass, change.record)? {
        if recorded.number() != number {
            refuse_dependent(connection, database, None, recorded.number(), recorded.batch)?;
        }
    }
    Ok(Chosen {
        pass: read::pass(connection, change.pass)?.ok_or_else(missing)?,
        only: Some(change.record),
    })
}

/// Refuses to undo what a pass wrote while an applied stage has processed it: nothing would process the restored
/// version. `id` is the requested one, of that record alone.
fn refuse_dependent(
    connection: &Connection,
    database: &str,
    id: Option<&str>,
    number: RecordNumber,
    batch: BatchId,
) -> Result<()> {
    let Some(processed) = record_processed_since(connection, database, number, batch)? else {
        return Ok(());
    };
    Err(Error::ProcessedSince {
        stage: processed.stage,
        slug: processed.slug,
        database: database.to_owned(),
        record: number,
        id: id.map(str::to_owned),
        target: processed.target,
        copy: processed.row,
    })
}

/// Undoes a pass for one source record, in one batch that is the whole pass: a kill leaves all of it or nothing.
pub(super) fn undo(
    run: &mut Run<'_>,
    of: &PassSummary,
    record: RecordNumber,
    options: &RollbackOptions,
    observer: &mut dyn Observer,
) -> Result<Counts> {
    let mut pass = run.new_pass(PassKind::Rollback, of.row.stage.clone())?;
    pass.row.target.clone_from(&of.row.target);
    begins(&pass, of, 1, &Counts::default(), observer);
    let since = ChangesSince::new(run.connection(), &[of])?;
    let mut deferred = since.deferred(run.connection(), of)?;
    deferred.extend(since::set_aside(run.connection(), of.row.pass, record)?);
    let mut undoing = Undoing {
        pass: of.row.pass,
        target: Some(run.store().table(of.row.target.as_deref().unwrap_or_default())?),
        before: BEHIND_ALL,
        down_to: BatchId::BEFORE_FIRST,
        batch_size: 1,
        on_conflict: options.on_conflict,
        shape: Vec::new(),
        alone: false,
        done: undone::singly(run.connection(), of.row.pass)?,
        overwritten: since.overwritten(of),
        deferred,
        claims: Claims::default(),
    };
    let entries = entries_together(run.connection(), of.row.pass, record)?;
    let mut batch = undoing.undo(&run.reader()?, entries)?;
    batch.step = BatchKind::End;
    batch.body = Some(serde_json::json!({ "undoes": of.row.pass }).to_string());
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

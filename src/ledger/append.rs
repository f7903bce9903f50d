//! Writing to the ledger. Only the run calls this, inside the one transaction of a batch.

use rusqlite::{Connection, params};

use super::entry::{BatchKind, Sealed};
use super::head::{Head, PassRow, RunRow, StageRow, to_integer};
use crate::error::Result;
use crate::record::{PassId, RunId};

/// Writes the run's row, together with its first batch.
pub(crate) fn insert_run(connection: &Connection, run: &RunRow) -> Result<()> {
    let sql = "INSERT INTO ledger_run VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)";
    connection.execute(
        sql,
        params![
            run.run,
            run.uuid,
            run.command,
            run.actor,
            run.host,
            run.tool,
            run.arguments,
            run.reason,
            run.started_us
        ],
    )?;
    Ok(())
}

/// Writes the pass's row and, if its stage's revision is new, that revision's row, together with the pass's first
/// batch.
pub(crate) fn insert_pass(connection: &Connection, pass: &PassRow) -> Result<()> {
    if let Some(stage) = &pass.stage {
        insert_stage(connection, stage)?;
    }
    let sql = "INSERT INTO ledger_pass VALUES(?1,?2,?3,?4,?5,?6,?7,?8)";
    let stage = pass.stage.as_ref().map(|stage| stage.stage);
    connection.execute(
        sql,
        params![
            pass.pass,
            pass.kind.name(),
            stage,
            pass.source,
            pass.target,
            pass.reverses,
            pass.after_batch,
            pass.now_us
        ],
    )?;
    Ok(())
}

fn insert_stage(connection: &Connection, stage: &StageRow) -> Result<()> {
    let known = connection
        .prepare("SELECT 1 FROM ledger_stage WHERE stage=?1")?
        .exists([stage.stage])?;
    if known {
        return Ok(());
    }
    let sql = "INSERT INTO ledger_stage VALUES(?1,?2,?3,?4,?5,?6,?7,?8)";
    connection.execute(
        sql,
        params![
            stage.stage,
            stage.project,
            stage.number,
            stage.slug,
            stage.source_text,
            stage.text_sha256,
            stage.meaning,
            stage.meaning_sha256
        ],
    )?;
    Ok(())
}

/// Writes the record numbers, entries and images of a batch.
pub(crate) fn insert_entries(connection: &Connection, sealed: &Sealed) -> Result<()> {
    let mut statement = connection.prepare_cached("INSERT INTO ledger_record VALUES(?1,?2,?3,?4)")?;
    for record in &sealed.batch.records {
        statement.execute(params![record.record, record.database, record.id, record.salt])?;
    }
    let mut statement =
        connection.prepare_cached("INSERT INTO ledger_entry VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)")?;
    for entry in &sealed.batch.entries {
        statement.execute(params![
            sealed.number,
            entry.record,
            entry.part,
            entry.outcome as i64,
            entry.target,
            entry.input,
            entry.before,
            entry.after,
            entry.reason
        ])?;
    }
    let mut statement = connection.prepare_cached("INSERT INTO ledger_image VALUES(?1,?2,?3,?4,?5)")?;
    for image in &sealed.batch.images {
        statement.execute(params![
            sealed.number,
            image.record,
            image.part,
            image.kind as i64,
            image.body
        ])?;
    }
    Ok(())
}

/// Writes the batch's row, which closes the batch. The triggers reject the row unless it extends the chain.
pub(crate) fn insert_batch(
    connection: &Connection,
    run: RunId,
    pass: PassId,
    sealed: &Sealed,
    previous: &Head,
    head: &Head,
) -> Result<()> {
    let sql = "INSERT INTO ledger_batch VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22)";
    let batch = &sealed.batch;
    let counts = &batch.counts;
    connection.prepare_cached(sql)?.execute(params![
        sealed.number,
        run,
        pass,
        batch.step.name(),
        batch.first_record,
        batch.last_record,
        batch.cursor,
        to_integer(counts.read),
        to_integer(counts.written),
        to_integer(counts.unchanged),
        to_integer(counts.filtered),
        to_integer(counts.refused),
        to_integer(counts.merged),
        to_integer(batch.entries.len() as u64),
        head.committed_us,
        batch.body,
        sealed.entries_sha256,
        previous.head,
        head.head,
        to_integer(head.frontier.size()),
        head.frontier.root(),
        head.frontier.to_bytes()
    ])?;
    Ok(())
}

impl rusqlite::types::FromSql for BatchKind {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        let name = value.as_str()?;
        [Self::Data, Self::Index, Self::Note, Self::End]
            .into_iter()
            .find(|step| step.name() == name)
            .ok_or_else(|| rusqlite::types::FromSqlError::Other(format!("`{name}` is not a step").into()))
    }
}

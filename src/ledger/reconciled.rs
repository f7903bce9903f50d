//! The results of reconciliations, from the remarks of their batches.

use rusqlite::{Connection, params};

use crate::error::Result;
use crate::record::{PassId, RunId};

/// The remark of a reconciliation, as far as it is read again.
#[derive(serde::Deserialize)]
struct ReconcileRemark {
    whole: bool,
    passes: Vec<PassId>,
    reconciled: Vec<Held>,
}

#[derive(serde::Deserialize)]
struct Held {
    holds: bool,
}

/// Returns whether the standing work of a stage is unreconciled: by the last reconciliation of all of it, or one of a
/// part since.
pub(crate) fn is_unreconciled(connection: &Connection, project: &str, number: u32) -> Result<bool> {
    // These texts match those of `remark`; any other remark that contains them is read and recognized as something
    // else.
    let failed = "SELECT b.batch, b.body FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass
       CROSS JOIN ledger_stage s ON s.stage=p.stage
     WHERE instr(b.body,'\"holds\":false') AND p.kind='reconcile' AND s.project=?1 AND s.number=?2 AND b.batch>?3
     ORDER BY b.pass DESC";
    let fails = |remark: &ReconcileRemark| remark.reconciled.iter().any(|held| !held.holds);
    let Some(failed) = newest(connection, failed, (project, number, PassId::BEFORE_FIRST), fails)? else {
        return Ok(false);
    };
    let whole = "SELECT b.batch, b.body FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass
       CROSS JOIN ledger_stage s ON s.stage=p.stage
     WHERE instr(b.body,'\"whole\":true') AND b.pass>(SELECT pass FROM ledger_batch WHERE batch=?3)
       AND p.kind='reconcile' AND s.project=?1 AND s.number=?2
     ORDER BY b.pass DESC";
    let looked_at_all = newest(connection, whole, (project, number, failed), |remark| {
        remark.whole
    })?;
    Ok(looked_at_all.is_none())
}

/// Returns the batch of the newest remark with a result among those about passes that stand.
fn newest(
    connection: &Connection,
    sql: &str,
    (project, number, after): (&str, u32, PassId),
    says: impl Fn(&ReconcileRemark) -> bool,
) -> Result<Option<PassId>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![project, number, after])?;
    while let Some(row) = rows.next()? {
        let body: String = row.get(1)?;
        // A remark of another kind has no result; `verify` detects whether it was changed.
        let Ok(remark) = serde_json::from_str::<ReconcileRemark>(&body) else {
            continue;
        };
        if says(&remark) && stands(connection, &remark.passes)? {
            return Ok(Some(row.get(0)?));
        }
    }
    Ok(None)
}

/// Returns whether one of these passes stands as a pass of a stage.
fn stands(connection: &Connection, passes: &[PassId]) -> Result<bool> {
    let sql = "SELECT 1 FROM ledger_standing WHERE pass=?1 AND kind IN('apply','retry','waive')";
    let mut statement = connection.prepare_cached(sql)?;
    for pass in passes {
        if statement.exists([pass])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A reconciliation of a stage.
#[derive(Clone, Debug)]
pub(crate) struct RecordedReconciliation {
    pub(crate) run: RunId,
    pub(crate) committed_us: i64,
    pub(crate) stage: u32,
    pub(crate) slug: String,
    pub(crate) source: Option<String>,
    pub(crate) target: Option<String>,
    /// Its result, as JSON.
    pub(crate) remark: String,
}

/// Returns the reconciliations of a run, and later ones of what it processed, in order.
pub(crate) fn looks(connection: &Connection, run: RunId) -> Result<Vec<RecordedReconciliation>> {
    let sql = "SELECT b.run, b.committed_us, s.number, s.slug, p.source, p.target, b.body
     FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass JOIN ledger_stage s USING(stage)
     WHERE b.batch>=(SELECT min(batch) FROM ledger_batch WHERE run=?1) AND p.kind='reconcile' AND b.body IS NOT NULL AND (b.run=?1 OR EXISTS(
       SELECT 1 FROM json_each(b.body,'$.passes') j WHERE j.value IN (SELECT pass FROM ledger_batch WHERE run=?1)))
     ORDER BY b.batch";
    let mut statement = connection.prepare_cached(sql)?;
    let looks = statement.query_map([run], |row| {
        Ok(RecordedReconciliation {
            run: row.get(0)?,
            committed_us: row.get(1)?,
            stage: row.get(2)?,
            slug: row.get(3)?,
            source: row.get(4)?,
            target: row.get(5)?,
            remark: row.get(6)?,
        })
    })?;
    Ok(looks.collect::<rusqlite::Result<_>>()?)
}

//! What reconciliations came to, by the remarks of their batches.

use rusqlite::{Connection, params};

use super::read::PassSummary;
use crate::error::Result;

/// The remark of a reconciliation, as far as it is looked at again.
#[derive(serde::Deserialize)]
struct Remark {
    /// The batch that it stands on.
    #[serde(skip)]
    batch: i64,
    whole: bool,
    passes: Vec<i64>,
    reconciled: Vec<Held>,
}

#[derive(serde::Deserialize)]
struct Held {
    holds: bool,
}

fn remarks(connection: &Connection, project: &str, number: u32) -> Result<Vec<Remark>> {
    let sql =
        "SELECT b.batch, b.body FROM ledger_pass p JOIN ledger_stage s USING(stage) JOIN ledger_batch b USING(pass)
     WHERE s.project=?1 AND s.number=?2 AND p.kind='reconcile' AND b.body IS NOT NULL ORDER BY b.batch";
    let mut statement = connection.prepare_cached(sql)?;
    let bodies = statement.query_map(params![project, number], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut remarks = Vec::new();
    for found in bodies {
        let (batch, body) = found?;
        // What is no such remark says nothing; that it was changed is for `verify` to find.
        remarks.extend(
            serde_json::from_str(&body)
                .map(|remark| Remark { batch, ..remark })
                .ok(),
        );
    }
    Ok(remarks)
}

/// Whether what stands of a stage was reconciled: by the last look at all of it, and every look at a part since. `None`
/// where nobody has looked.
pub(crate) fn is_reconciled(
    connection: &Connection,
    project: &str,
    number: u32,
    standing: &[i64],
) -> Result<Option<bool>> {
    let mut state = None;
    for remark in remarks(connection, project, number)? {
        if !remark.passes.iter().any(|pass| standing.contains(pass)) {
            continue;
        }
        let holds = remark.reconciled.iter().all(|held| held.holds);
        state = Some(holds && (remark.whole || state.unwrap_or(true)));
    }
    Ok(state)
}

/// Those of a stage's passes that no reconciliation has looked at since they have ended.
pub(crate) fn not_looked_at(
    connection: &Connection,
    project: &str,
    number: u32,
    passes: &[&PassSummary],
) -> Result<Vec<i64>> {
    let remarks = remarks(connection, project, number)?;
    let is_new = |pass: &&&PassSummary| {
        let looks =
            |remark: &Remark| remark.batch > pass.last_batch && remark.passes.contains(&pass.row.pass);
        !remarks.iter().any(looks)
    };
    Ok(passes.iter().filter(is_new).map(|pass| pass.row.pass).collect())
}

//! Which records a pass has to read: decided from the ledger alone, so that a resumed pass finds the same ones again.

use rusqlite::Connection;

use crate::error::Result;
use crate::ledger::feed::{self, Fed};
use crate::ledger::read::{PassSummary, StageHistory};
use crate::store::Table;

/// The records that are still to be read.
#[derive(Clone, Debug)]
pub(crate) enum Selection {
    /// The whole source after a number, in order of the numbers.
    Table {
        /// The keyset cursor.
        after: i64,
    },
    /// These numbers, ascending, from a place on.
    List {
        /// The numbers.
        records: Vec<i64>,
        /// How many are already read.
        read: usize,
    },
}

impl Selection {
    /// The numbers of a list.
    pub(crate) fn list(mut records: Vec<i64>) -> Self {
        records.sort_unstable();
        records.dedup();
        Self::List { records, read: 0 }
    }

    /// How many there are still, where that is known without counting the table.
    pub(crate) fn remaining(&self) -> Option<u64> {
        match self {
            Self::Table { .. } => None,
            Self::List { records, read } => Some((records.len() - read) as u64),
        }
    }

    fn skip_to(self, after: i64) -> Self {
        match self {
            Self::Table { .. } => Self::Table { after },
            Self::List { records, .. } => {
                Self::list(records.into_iter().filter(|record| *record > after).collect())
            }
        }
    }
}

/// What is left of a pass that an earlier run has begun.
pub(crate) fn of_open_pass(
    connection: &Connection,
    stage: Fed<'_>,
    history: &StageHistory,
    pass: &PassSummary,
) -> Result<Selection> {
    let whole = match pass.row.after_batch {
        None => Selection::Table { after: 0 },
        Some(after) => {
            let earlier = history
                .applied()
                .rev()
                .find(|earlier| earlier.row.pass < pass.row.pass);
            let revised = earlier.filter(|earlier| earlier.row.stage != pass.row.stage);
            of_later_pass(connection, stage, revised, after, pass.first_batch)?
        }
    };
    Ok(whole.skip_to(pass.last_record.unwrap_or(0)))
}

/// What a later pass has to read: what others wrote to the source after a batch; and, where the stage's meaning was
/// revised, what the earlier revision has refused or never reached.
pub(crate) fn of_later_pass(
    connection: &Connection,
    stage: Fed<'_>,
    revised: Option<&PassSummary>,
    after: i64,
    before: i64,
) -> Result<Selection> {
    let mut records = feed::increment(connection, stage, after, before)?;
    if let Some(earlier) = revised {
        records.extend(feed::refused(connection, stage.project, stage.number, before)?);
        if earlier.row.after_batch.is_none() && is_superseded(connection, earlier)? {
            let reached = earlier.last_record.unwrap_or(0);
            records.extend(Table::of(stage.source)?.numbers_after(connection, reached)?);
        }
    }
    Ok(Selection::list(records))
}

/// Whether a pass was ended before it had read everything, because the stage was revised.
fn is_superseded(connection: &Connection, pass: &PassSummary) -> Result<bool> {
    let sql = "SELECT 1 FROM ledger_batch WHERE pass=?1 AND step='end' AND body->>'$.superseded'";
    Ok(connection.prepare(sql)?.exists([pass.row.pass])?)
}

/// The remark on the end of such a pass.
pub(crate) const SUPERSEDED: &str = r#"{"superseded":true}"#;

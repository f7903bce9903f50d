//! Where targets deviate from what their stages would produce, as `status` and the report show it: counted by cause,
//! with a few ids.

use super::HiddenIds;

use crate::deviation::{Deviation, DeviationCause};
use crate::engine::check_drift;
use crate::error::{Error, Result};
use crate::record::REDACTED;
use crate::stage::Stages;
use crate::store::Store;

/// Maximum number of rows that are listed; all are counted.
const LISTED: usize = 100;
/// Maximum number of ids shown for each cause.
const TOLD: usize = 3;

/// Where the targets differ from what the stages would produce from scratch.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Deviations {
    /// Number of rows that deviate.
    pub total: u64,
    /// Counts by database, cause and stage.
    pub causes: Vec<CauseCount>,
    /// First hundred of the rows, by database and id.
    pub rows: Vec<Deviation>,
    /// Why the deviations are unknown, if they are.
    pub unknown: Option<String>,
}

/// Number of rows of a target that deviate for one cause.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct CauseCount {
    /// Name of the target.
    pub database: String,
    /// Cause of the deviation.
    pub cause: DeviationCause,
    /// Stage that causes it.
    pub stage: u32,
    /// Number of rows.
    pub rows: u64,
    /// First ids; masked when stages redact the values that the ids are derived from.
    pub ids: Vec<String>,
}

impl Deviations {
    /// Inspects every target of the stages.
    ///
    /// # Errors
    /// When the store cannot be read. It is not an error that the data and the ledger contradict each other, or that a
    /// stage is not the one that was applied: the deviations are then unknown.
    pub fn new(store: &Store, stages: &Stages) -> Result<Self> {
        let unknown = |why: String| {
            Ok(Self {
                unknown: Some(why),
                ..Self::default()
            })
        };
        match check_drift(store.connection(), stages, false) {
            // `apply` reports a new stage before the others; it does not affect the existing data.
            Ok(_) | Err(Error::Invalid { .. }) => {}
            Err(Error::Drift { number, .. }) => {
                return unknown(format!("stage {number} has changed since it was applied"));
            }
            Err(error) => return Err(error),
        }
        let mut rows = match store.deviations(stages) {
            Ok(rows) => rows,
            Err(Error::Damaged { what }) => return unknown(what),
            Err(error) => return Err(error),
        };
        let total = rows.len() as u64;
        let redact = store.redacted_paths()?;
        let hidden = HiddenIds::new(store, stages.iter(), &redact)?;
        for row in &mut rows {
            if hidden.hides(&row.database) {
                REDACTED.clone_into(&mut row.id);
            }
        }
        let mut causes: Vec<CauseCount> = Vec::new();
        for row in &rows {
            let is_its = |count: &&mut CauseCount| {
                (&count.database, count.cause, count.stage) == (&row.database, row.cause, row.stage)
            };
            if let Some(count) = causes.iter_mut().find(is_its) {
                count.rows += 1;
                if count.ids.len() < TOLD {
                    count.ids.push(clipped(&row.id));
                }
            } else {
                causes.push(CauseCount {
                    database: row.database.clone(),
                    cause: row.cause,
                    stage: row.stage,
                    rows: 1,
                    ids: vec![clipped(&row.id)],
                });
            }
        }
        causes.sort_by(|left, right| {
            let key = |count: &CauseCount| (count.database.clone(), count.cause, count.stage);
            key(left).cmp(&key(right))
        });
        rows.truncate(LISTED);
        Ok(Self {
            total,
            causes,
            rows,
            unknown: None,
        })
    }

    /// Returns a sentence for each target: `orders_v2 differs from its stages in 2 rows: 1 stale (7), 1 edited (9)`.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let mut databases: Vec<&str> = self.causes.iter().map(|count| count.database.as_str()).collect();
        databases.dedup();
        let of_database = |database: &str| {
            let causes: Vec<&CauseCount> = self
                .causes
                .iter()
                .filter(|count| count.database == database)
                .collect();
            let all: u64 = causes.iter().map(|count| count.rows).sum();
            let several = causes.iter().any(|count| count.stage != causes[0].stage);
            let parts: Vec<String> = causes.iter().map(|count| count.describe(several)).collect();
            let rows = if all == 1 { "row" } else { "rows" };
            format!(
                "{database} differs from its stages in {all} {rows}: {}",
                parts.join(", ")
            )
        };
        databases.into_iter().map(of_database).collect()
    }

    /// Returns the causes that occur, each with its meaning.
    #[must_use]
    pub fn meanings(&self) -> Vec<CauseMeaning> {
        let mut causes: Vec<DeviationCause> = self.causes.iter().map(|count| count.cause).collect();
        causes.sort_unstable();
        causes.dedup();
        causes
            .into_iter()
            .map(|cause| CauseMeaning {
                cause: cause.name(),
                meaning: meaning(cause),
            })
            .collect()
    }
}

/// A cause of deviations, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CauseMeaning {
    /// Name of the cause.
    pub cause: &'static str,
    /// Meaning of the cause.
    pub meaning: &'static str,
}

impl CauseCount {
    fn describe(&self, with_stage: bool) -> String {
        let by = if with_stage {
            format!(" by stage {}", self.stage)
        } else {
            String::new()
        };
        let more = if self.rows > self.ids.len() as u64 {
            ", \u{2026}"
        } else {
            ""
        };
        let ids = if self.ids.iter().all(|id| id == REDACTED) {
            String::new()
        } else {
            format!(" ({}{more})", self.ids.join(", "))
        };
        format!("{} {}{by}{ids}", self.rows, self.cause.name())
    }
}

/// Cuts a text to what a line can show.
fn clipped(id: &str) -> String {
    match id.char_indices().nth(80) {
        Some((at, _)) => format!("{}\u{2026}", &id[..at]),
        None => id.to_owned(),
    }
}

/// Returns the meaning of a cause, in a line.
fn meaning(cause: DeviationCause) -> &'static str {
    match cause {
        DeviationCause::Stale => {
            "a correction of the record was refused or waived, so its earlier version remains"
        }
        DeviationCause::Edited => "the row was changed or removed by hand after its stage wrote it",
        DeviationCause::Skipped => "the record was left out, because another one has its id",
        DeviationCause::Refused => "the record was refused, because another one has its id",
    }
}

//! Whether the stages are those that were applied, in the order in which they were applied.

use rusqlite::{Connection, OptionalExtension as _};

use crate::error::{Error, Result};
use crate::ledger::read::StageHistory;
use crate::stage::{Stage, Stages};

use super::ApplyOptions;

/// Refuses stages whose applied meaning is another one now, that are gone, or that come before applied ones. Returns
/// those of which only the text has changed.
pub(crate) fn check_drift(
    connection: &Connection,
    stages: &Stages,
    options: &ApplyOptions,
) -> Result<Vec<u32>> {
    let applied = applied_numbers(connection, stages.project())?;
    if applied.is_empty() {
        check_name(connection, stages)?;
    }
    let (mut cosmetic, mut newest) = (Vec::new(), None);
    for number in applied {
        let history = StageHistory::read(connection, stages.project(), number)?;
        let (Some(row), Some(first)) = (history.revision(), history.applied().next()) else {
            continue;
        };
        newest = Some((number, first.first_batch));
        let stage = stages.get(number);
        let same_meaning = stage.is_some_and(|stage| stage.meaning_sha256() == row.meaning_sha256);
        if !same_meaning && (stage.is_none() || !options.revise) {
            let diff = crate::stage::diff(&row.source_text, stage.map_or("", Stage::source_text));
            return Err(Error::Drift {
                number,
                slug: row.slug.clone(),
                diff,
            });
        }
        if same_meaning && stage.is_some_and(|stage| stage.text_sha256() != row.text_sha256) {
            cosmetic.push(number);
        }
    }
    if let Some((number, first_batch)) = newest {
        check_order(connection, stages, number, first_batch)?;
    }
    Ok(cosmetic)
}

/// Refuses stages that another project has applied under the same numbers and names, where this one has applied none:
/// the project was given another name, under which everything would be applied once more.
fn check_name(connection: &Connection, stages: &Stages) -> Result<()> {
    let sql = "SELECT project FROM ledger_stage WHERE number=?1 AND slug=?2 ORDER BY stage DESC LIMIT 1";
    let mut statement = connection.prepare(sql)?;
    for stage in stages.iter() {
        let other: Option<String> = statement
            .query_row((stage.number(), stage.slug()), |row| row.get(0))
            .optional()?;
        if let Some(other) = other {
            return Err(Error::invalid(
                format!(
                    "the store has applied stage {} `{}` as one of the project `{other}`, and this project is `{}`",
                    stage.number(),
                    stage.slug(),
                    stages.project()
                ),
                format!(
                    "write `name = \"{other}\"` in counterfoil.toml again; another project gives its stages other names, or \
                     has a store of its own"
                ),
            ));
        }
    }
    Ok(())
}

/// Refuses a stage that was not there when the newest applied one began. One that was, and was rolled back since
/// because the newest does not build upon it, may be applied again.
fn check_order(connection: &Connection, stages: &Stages, newest: u32, first_batch: i64) -> Result<()> {
    for stage in stages.iter().filter(|stage| stage.number() < newest) {
        let history = StageHistory::read(connection, stages.project(), stage.number())?;
        let stood = history.passes.iter().any(|pass| pass.last_batch > first_batch);
        if history.revision().is_none() && !stood {
            return Err(Error::invalid(
                format!(
                    "stage {} is not applied, but the later stage {newest} is",
                    stage.number()
                ),
                "give the new stage a number after the last applied one, or roll back to before it",
            ));
        }
    }
    Ok(())
}

/// The numbers of a project's stages that were ever applied, ascending.
fn applied_numbers(connection: &Connection, project: &str) -> Result<Vec<u32>> {
    let sql = "SELECT DISTINCT number FROM ledger_stage WHERE project=?1 ORDER BY number";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([project], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

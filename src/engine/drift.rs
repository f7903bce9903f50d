//! Checks that the stages are those that were applied, in the order in which they were applied.

use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::ledger::StageHistory;
use crate::ledger::revisions::project_of;
use crate::ledger::stage_history::{applied_numbers, applied_since, has_worked_after};
use crate::record::BatchId;
use crate::stage::{Stage, Stages, diff};

/// Rejects stages whose applied meaning has changed, that are missing, or that come before applied ones. Returns those
/// of which only the text has changed. `revise`: whether applied stages may continue with a changed meaning.
pub(crate) fn check_drift(connection: &Connection, stages: &Stages, revise: bool) -> Result<Vec<u32>> {
    let applied = applied_numbers(connection, stages.project())?;
    if applied.is_empty() {
        check_name(connection, stages)?;
    }
    let (mut cosmetic, mut standing) = (Vec::new(), Vec::new());
    for number in applied {
        let history = StageHistory::read(connection, stages.project(), number)?;
        let since = applied_since(connection, stages.project(), number)?;
        let (Some(row), Some(since)) = (history.revision(), since) else {
            continue;
        };
        standing.push((number, since));
        let stage = stages.get(number);
        let same_meaning = stage.is_some_and(|stage| stage.does_as(&row.meaning));
        if !same_meaning && (stage.is_none() || !revise) {
            let diff = diff(&row.source_text, stage.map_or("", Stage::source_text));
            return Err(Error::Drift {
                number,
                slug: row.slug.clone(),
                diff,
                // All languages so far read a merge in the same way; what it needs follows from what is written there.
                is_of_language: stage
                    .is_some_and(|stage| stage.merge().is_none() && stage.needs_later_language(&row.meaning)),
            });
        }
        if same_meaning && stage.is_some_and(|stage| stage.text_sha256() != row.text_sha256) {
            cosmetic.push(number);
        }
    }
    check_order(connection, stages, &standing)?;
    Ok(cosmetic)
}

/// Rejects stages that another project has applied under the same numbers and names if this one has applied none: the
/// project was renamed, and everything would be applied once more under the new name.
fn check_name(connection: &Connection, stages: &Stages) -> Result<()> {
    for stage in stages.iter() {
        let other = project_of(connection, stage.number(), stage.slug())?;
        if let Some(other) = other {
            return Err(Error::invalid(
                format!(
                    "stage {} `{}` was applied under the project name `{other}`, but this project is named `{}`",
                    stage.number(),
                    stage.slug(),
                    stages.project()
                ),
                format!(
                    "restore `name = \"{other}\"` in counterfoil.toml; a different project needs different stage names \
                     or its own store"
                ),
            ));
        }
    }
    Ok(())
}

/// Rejects a stage that did not exist when a later one that builds upon it began. One that existed and was rolled back
/// since may be applied again; so may one that had to wait while others, which do not depend on it, continued.
fn check_order(connection: &Connection, stages: &Stages, applied: &[(u32, BatchId)]) -> Result<()> {
    let of_files = stages.iter().map(Stage::number);
    let last = of_files
        .chain(applied.iter().map(|(number, _)| *number))
        .max()
        .unwrap_or(0);
    for stage in stages.iter() {
        let history = StageHistory::read(connection, stages.project(), stage.number())?;
        if history.revision().is_some() {
            continue;
        }
        let builds_upon = |(number, _): &&(u32, BatchId)| {
            let later = stages
                .get(*number)
                .filter(|later| later.number() > stage.number());
            later.is_some_and(|later| later.depends_on(stage.target()))
        };
        for (later, first_batch) in applied.iter().filter(builds_upon) {
            if has_worked_after(connection, stages.project(), stage.number(), *first_batch)? {
                continue;
            }
            return Err(Error::invalid(
                format!(
                    "stage {} has not been applied, but the later stage {later}, which depends on `{}`, has",
                    stage.number(),
                    stage.target()
                ),
                format!(
                    "rename `{}` to `{:04}_{}.toml`, with a number after the last applied stage; or roll back what was \
                     built without it: `counterfoil rollback --to {}`",
                    stage.file_name(),
                    last.saturating_add(1),
                    stage.slug(),
                    stage.number().saturating_sub(1)
                ),
            ));
        }
    }
    Ok(())
}

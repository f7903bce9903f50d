//! `status`: shows the state of the project.

mod health;
mod next;
mod render;

use std::time::Duration;

use counterfoil::Error;
use counterfoil::history::Since;
use counterfoil::stage::Stages;
use counterfoil::store::Store;

use crate::cli::advice::Advice;
use crate::cli::answer::{Answer, json};
use crate::cli::failure::Failure;
use crate::cli::render::{bold, count, dim, short};
use crate::cli::session::{Session, stages_of};
use crate::cli::values::duration;
use health::healthy;
use next::next;
use render::{databases, deviating, in_quarantine, in_review, not_finished, stages};

/// Show the state of every stage, the databases, and what to do next.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  counterfoil status\n  counterfoil status --check --since 24h --json")]
pub(crate) struct Status {
    /// Report for monitoring: the last run, unfinished work, the age of the quarantine, and since when the
    /// ledger is unsigned. The exit code is 3 if the newest load of a database refused records that are still
    /// in quarantine, or if the newest run of a stage did and no database that feeds the stage was loaded
    /// since; otherwise it is 0. If a database is loaded several times between two checks, add --since.
    #[arg(long)]
    check: bool,
    /// With --check: exit with 3 if any run refused records within this time: 30m, 24h.
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "check")]
    since: Option<Duration>,
}

impl Status {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        if self.check {
            return self.checked(session);
        }
        let project = session.stages()?;
        let store = session.open_to_read()?;
        let status = store.status(&*stages_of(project.as_ref())?)?;
        let mut text = String::new();
        if let Some(project) = &project {
            session.warn_of_another_name(&store, project.name())?;
            session.warn_of_absent_sources(&store, project)?;
            text += &format!("{} {}\n\n", dim("project"), bold(project.name()));
        }
        text += &stages(&status.stages);
        text += &databases(&status);
        text += &in_quarantine(session, &status);
        text += &in_review(&status);
        text += &deviating(&status);
        text += &not_finished(session, &status);
        let unsigned = status.signed.filter(|signed| signed.unsigned > 0);
        let unsigned = unsigned.map(|signed| format!(", unsigned since batch {}", signed.batch.next()));
        text += &format!(
            "\n{} {} batches, tree size {}, root {}, origin {}{}\n",
            dim("ledger"),
            count(status.batches.get().unsigned_abs()),
            count(status.tree_size),
            short(&status.tree_root),
            status.origin,
            unsigned.unwrap_or_default()
        );
        let mut answer = Answer::new(json(&status), text);
        let stages = stages_of(project.as_ref())?;
        let next = match store.objection() {
            Some(objection) => Advice::from_error(objection).hint,
            None => next(session, &stages, &status, obstacle(&store, &stages)?),
        };
        if let Some(next) = next {
            answer = answer.hint(next);
        }
        Ok(answer)
    }

    fn checked(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.settings()?.name;
        let store = session.open_to_read()?;
        let since = self.since.map_or(Since::LastRun, |time| {
            Since::Time(i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
        });
        let health = store.health(&project, since)?;
        let mut answer = Answer::new(json(&health), healthy(session, &health));
        if health.refused_since > 0 {
            answer = answer.hint(session.command("quarantine list"));
        }
        Ok(answer.refused_if(health.refused_since > 0))
    }
}

/// Returns what keeps `apply` from beginning, and what to do about it; a drifted stage is reported elsewhere.
fn obstacle(store: &Store, stages: &Stages) -> Result<Option<String>, Failure> {
    Ok(match store.obstacle_to_apply(stages)? {
        Some(Error::Invalid { message, hint }) => Some(format!("{message}: {}", hint.unwrap_or_default())),
        _ => None,
    })
}

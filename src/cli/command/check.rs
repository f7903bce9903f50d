//! `check`: reports stages that do not compile, and likely mistakes.

use counterfoil::op::Reversibility;
use counterfoil::stage::Stage;
use serde_json::json;

use crate::cli::answer::Answer;
use crate::cli::failure::{Failure, problem_json, rendered_problem};
use crate::cli::render::{counted, green, route, table};
use crate::cli::session::Session;

/// Report errors and likely mistakes in every stage.
///
/// Nothing is run. If there is a store, only the names of its databases are read. The exit code is 4 if a
/// stage does not compile; warnings alone do not change it.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil check")]
pub(crate) struct Check;

impl Check {
    #[expect(
        clippy::unused_self,
        reason = "every command runs by its arguments; this one has none"
    )]
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.project()?;
        let mut problems = project.check();
        if let Ok(true) = session.has_store() {
            // Problems of the store are not the subject of this command.
            let databases = session
                .open_to_read()
                .ok()
                .and_then(|store| store.databases().ok());
            let absent = databases.map_or(Vec::new(), |databases| {
                problems = project.check_with(&databases);
                project.absent_sources(&databases)
            });
            let told: Vec<_> = problems.iter().map(|problem| problem.place.clone()).collect();
            problems.extend(
                absent
                    .into_iter()
                    .filter(|problem| !told.contains(&problem.place)),
            );
        }
        let rows = project.stages().iter().map(|stage| {
            vec![
                stage.number().to_string(),
                stage.slug().to_owned(),
                route(stage.source(), stage.target()),
                stage.ops().len().to_string(),
                stage.examples().len().to_string(),
                undo(stage).to_owned(),
            ]
        });
        let mut text = table(
            &[">stage", "name", "route", ">ops", ">examples", "rollback"],
            rows,
        );
        let stages = counted(project.stages().iter().count() as u64, "stage");
        if problems.is_empty() {
            text += &format!("{} {stages}, no warnings\n", green("ok:"));
        } else {
            text += "\n";
            text.extend(problems.iter().map(rendered_problem));
            text += &format!(
                "{} {stages}, {}\n",
                green("ok:"),
                counted(problems.len() as u64, "warning")
            );
        }
        let stages = project.stages().iter().map(|stage| {
            json!({
                "number": stage.number(), "slug": stage.slug(), "source": stage.source(), "target": stage.target(),
                "operations": stage.ops().len(), "examples": stage.examples().len(), "rollback": undo(stage),
            })
        });
        let data = json!({
            "project": project.name(),
            "stages": stages.collect::<Vec<_>>(),
            "problems": problems.iter().map(problem_json).collect::<Vec<_>>(),
        });
        Ok(Answer::new(data, text))
    }
}

/// Returns how a rollback undoes the stage.
fn undo(stage: &Stage) -> &'static str {
    if !stage.in_place() {
        return "removes the copies";
    }
    let exact = stage
        .ops()
        .iter()
        .all(|op| op.reversibility() == Reversibility::Exact);
    if exact && !stage.ops().is_empty() {
        "exact, operations are invertible"
    } else {
        "exact, by before images"
    }
}

//! `report`: one run, for people, for programs, and as a page.

mod matching;
mod render;
mod series;

use std::path::{Path, PathBuf};

use counterfoil::project::Project;
use counterfoil::record::RunId;
use counterfoil::report::{ReportOptions, RunReport};
use counterfoil::store::Store;

use crate::cli::answer::{Answer, json};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::files::{print_page, write_page};
use crate::cli::masking::redactions;
use crate::cli::render::{counted, shown};
use crate::cli::session::Session;

/// Report on one run, as text or as an HTML page.
///
/// Shows what ran, by whom and why, the outcome of the records, the speed, what was refused, whether source
/// and target reconcile, and how to verify all of it without this program.
///
/// The command only reads. With --html it writes one self-contained page that loads nothing from elsewhere.
/// Refused records are shown by id, place and rule; --inputs adds their values, redacted fields masked.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil report\n  counterfoil report 7 --html run-7.html\n  counterfoil --json report 7"
)]
pub(crate) struct Report {
    /// Number of the run, as `history` shows it [default: the newest run that wrote records].
    #[arg(value_name = "RUN", allow_negative_numbers = true)]
    run: Option<RunId>,
    /// Write the page to a new file; `-` is stdout.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Overwrite an existing page.
    #[arg(long, requires = "html")]
    force: bool,
    /// Maximum number of refused records to show per cause; all are counted.
    #[arg(long, value_name = "N", default_value_t = 5)]
    examples: usize,
    /// Show these records as they were read, redacted values masked.
    #[arg(long)]
    inputs: bool,
}

impl Report {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let to_stdout = self.html.as_deref() == Some(Path::new("-"));
        if to_stdout && session.screen.json {
            return Err(Failure::usage(
                "report.json",
                "with --json the envelope goes to stdout, so the page cannot",
                "name a file with --html",
            ));
        }
        let name = session.settings()?.name;
        let store = session.open_to_read()?;
        let options = ReportOptions::default()
            .project(Some(name).filter(|name| !name.is_empty()))
            .redact(redactions(session, &store)?)
            .examples(self.examples)
            .inputs(self.inputs);
        let project = session.stages()?;
        let report = self.made(&store, project.as_ref(), &options)?;
        let data = json(&report);
        let Some(file) = &self.html else {
            let run = report.summary.run.run;
            let hint = session.command(&format!("report {run} --html run-{run}.html"));
            return Ok(Answer::new(data, render::render(session, &report)).hint(hint));
        };
        if to_stdout {
            print_page(&report.to_html())?;
        } else {
            write_page(file, &report.to_html(), self.force)?;
            session.screen.say(&format!(
                "Wrote the report of run {} to {}.",
                report.summary.run.run,
                shown(&file.display().to_string())
            ));
        }
        Ok(Answer::new(data, ""))
    }

    fn made(
        &self,
        store: &Store,
        project: Option<&Project>,
        options: &ReportOptions,
    ) -> Result<RunReport, Failure> {
        store
            .report_with(project.map(Project::stages), self.run, options)
            .map_err(|error| match error {
                counterfoil::Error::NoSuch { what } => missing(store, &what),
                other => Failure::from(other),
            })
    }
}

/// Failure that lists the existing runs, when another was requested.
fn missing(store: &Store, what: &str) -> Failure {
    const LISTED: usize = 5;
    let failure = Failure::new(Exit::Failed, "run.missing", format!("there is no {what}"));
    let Ok(runs) = store.history(LISTED) else {
        return failure;
    };
    let listed = runs.iter().map(|run| format!("{} ({})", run.run, run.command));
    let listed = listed.collect::<Vec<_>>().join(", ");
    let all = runs.first().map_or(0, |newest| newest.run.get()).unsigned_abs();
    failure.hint(if all > runs.len() as u64 {
        format!(
            "{} wrote to this store; the newest are {listed}; `counterfoil history` lists them",
            counted(all, "run")
        )
    } else {
        format!("the runs that wrote to this store are {listed}")
    })
}

//! The verb `report`: everything about one run in one value, from which the page, the terminal text and the JSON are
//! rendered. It only reads, in one snapshot of the store.

mod evidence;
mod matching;
mod options;
mod page;
mod parts;
mod reconciliation;
mod refused;
mod series;
mod speed;

use crate::engine::{name_running, unfinished_in};
use crate::error::{Error, Result};
use crate::history::{Deviations, RunRecord};
use crate::ledger::Head;
use crate::ledger::open::run_started_us;
use crate::ledger::run_outcome as outcome;
use crate::record::RunId;
use crate::shown::{utc, word};
use crate::stage::Stages;
use crate::store::Store;

pub use evidence::{CheckByHand, Evidence, SignedNote};
pub use matching::StageMatching;
pub use options::ReportOptions;
pub use parts::{Ending, RunReport, RunStage, StoreState, Summary};
pub use reconciliation::{CauseTotal, ReconciliationResult, StageReconciliation};
pub use refused::{RefusalExample, Refused, RefusedCause};
pub use series::{Column, GroupSeries, SeriesChart, StageSeries};
pub use speed::{Speed, SpeedPoint};

pub use crate::ledger::run_outcome::{PassOutcome, Undone};
pub use crate::ledger::seal::Seal;

impl RunReport {
    /// Renders the report as one self-contained page without scripts, fonts or images from elsewhere.
    #[must_use]
    pub fn to_html(&self) -> String {
        page::html(self)
    }
}

impl Store {
    /// Reports everything about one run; without a run, about the newest one that changed a record.
    ///
    /// # Errors
    /// [`Error::NoSuch`] if there is no such run.
    pub fn report(&self, run: Option<RunId>, options: &ReportOptions) -> Result<RunReport> {
        self.report_with(None, run, options)
    }

    /// Like [`Store::report`], also reporting where the targets of these stages deviate from what the stages would make
    /// of their sources.
    ///
    /// # Errors
    /// As for [`Store::report`].
    pub fn report_with(
        &self,
        stages: Option<&Stages>,
        run: Option<RunId>,
        options: &ReportOptions,
    ) -> Result<RunReport> {
        // One snapshot of the store, whatever is written meanwhile.
        let moment = self.connection().unchecked_transaction()?;
        let number = match run {
            Some(number) => number,
            None => outcome::newest_run(&moment)?.ok_or_else(|| no_such("run yet"))?,
        };
        let passed_over = match run {
            Some(_) => None,
            None => outcome::last_run(&moment)?.filter(|last| *last != number),
        };
        let missing = || no_such(&format!("run {number}"));
        let record = self.run(number)?.ok_or_else(missing)?;
        let mut unfinished = unfinished_in(&moment)?;
        name_running(self, &moment, &mut unfinished)?;
        let head = Head::read(&moment)?;
        let outcomes = outcome::passes(&moment, number)?;
        let undone = outcome::undone(&moment, number)?;
        let refused = refused::refused(self, number, record.batches, &outcomes, options)?;
        let reconciliation = reconciliation::looks(&moment, number)?;
        let timed = outcome::timed_batches(&moment, number)?;
        let (started_us, project) = (
            run_started_us(&moment, number)?.ok_or_else(missing)?,
            outcome::project(&moment, number)?,
        );
        let matching = matching::merges(&moment, number, project.as_deref(), &outcomes)?;
        let series = series::series(self, &outcomes, &options.redact)?;
        let (ending, ending_text) = ended(number, &outcomes, &undone, &refused, &reconciliation);
        Ok(RunReport {
            made: utc(self.environment().clock.now_us()),
            store: StoreState {
                path: self.path().display().to_string(),
                batch: head.batch,
                tree_size: head.frontier.size(),
                tree_root: crate::digest::hex(&head.frontier.root()),
            },
            summary: Summary {
                command_line: command_line(&record),
                project: project.or_else(|| options.project.clone()),
                stages: outcome::stages(&moment, number)?
                    .into_iter()
                    .map(RunStage::new)
                    .collect(),
                duration_us: timed
                    .last()
                    .map_or(0, |last| last.committed_us.saturating_sub(started_us))
                    .unsigned_abs(),
                batch_count: timed.len() as u64,
                ending,
                ending_text,
                run: record,
            },
            passed_over,
            undone,
            unfinished,
            outcomes,
            speed: speed::measured(started_us, &timed),
            refused,
            matching,
            series,
            reconciliation,
            deviations: stages.map(|stages| Deviations::new(self, stages)).transpose()?,
            evidence: evidence::evidence(self, number)?,
        })
    }
}

fn no_such(what: &str) -> Error {
    Error::NoSuch {
        what: what.to_owned(),
    }
}

/// Returns the command with its arguments.
fn command_line(run: &RunRecord) -> String {
    let arguments = run.arguments.iter().map(|argument| word(argument).into_owned());
    let words = std::iter::once(run.command.clone()).chain(arguments);
    words.collect::<Vec<_>>().join(" ")
}

/// Returns how a run ended: its gravest ending, and all of them in words.
fn ended(
    run: RunId,
    passes: &[PassOutcome],
    undone: &[Undone],
    refused: &Refused,
    looks: &[StageReconciliation],
) -> (Ending, String) {
    let (mut endings, mut told) = (Vec::new(), Vec::new());
    let mut found = |ending: Ending, words: String| {
        endings.push(ending);
        told.push(words);
    };
    if !undone.is_empty() {
        let processed = |pass: &&PassOutcome| pass.kind != "reconcile" && pass.counts.read > 0;
        let all = passes
            .iter()
            .filter(processed)
            .all(|pass| pass.undone_by.is_some());
        let ending = if all { Ending::Undone } else { Ending::PartlyUndone };
        let which = if all { "all" } else { "some" };
        found(ending, format!("{which} of what it wrote has been rolled back"));
    }
    for pass in passes {
        match pass.ended_in {
            // Rolled-back work does not continue.
            None if pass.undone_by.is_some() => {}
            None => found(
                Ending::Interrupted,
                match pass.counts.refused {
                    0 => format!(
                        "pass {} is unfinished: run the same command again to continue",
                        pass.pass
                    ),
                    _ => format!("pass {} is unfinished", pass.pass),
                },
            ),
            Some(later) if later > run => found(
                Ending::Continued,
                format!("it stopped during pass {}, which run {later} finished", pass.pass),
            ),
            Some(_) => {}
        }
    }
    let open = looks
        .iter()
        .flat_map(|look| &look.results)
        .filter(|result| !result.holds);
    match open.count() {
        0 => {}
        1 => found(
            Ending::Unreconciled,
            "one reconciliation has unexplained differences".to_owned(),
        ),
        more => found(
            Ending::Unreconciled,
            format!("{more} reconciliations have unexplained differences"),
        ),
    }
    if refused.standing > 0 {
        found(Ending::RefusedLeft, refused_left(refused));
    }
    let gravest = endings.into_iter().min_by_key(|ending| *ending as u8);
    match gravest {
        Some(ending) => (ending, told.join("; ")),
        None => (Ending::Done, "it completed all its work".to_owned()),
    }
}

/// Describes how many of the refused records are in quarantine.
fn refused_left(refused: &Refused) -> String {
    match (refused.standing, refused.records) {
        (1, 1) => "the one refused record is still in quarantine".to_owned(),
        (standing, all) if standing == all => format!("all {all} refused records are still in quarantine"),
        (1, all) => format!("1 of {all} refused records is still in quarantine"),
        (standing, all) => format!("{standing} of {all} refused records are still in quarantine"),
    }
}

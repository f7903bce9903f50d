//! The verb `report`: everything about one run in one value, from which the page, the text on a terminal and the JSON are
//! made. It reads only, and at one moment of the store.

mod evidence;
mod look;
mod page;
mod read;
mod refused;
mod speed;

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::history::{Deviations, RunRecord, UnfinishedPass, name_running, unfinished_in};
use crate::ledger::{Counts, Head};
use crate::path::Path;
use crate::shown::word;
use crate::stage::Stages;
use crate::store::Store;

pub use evidence::{CheckByHand, Evidence, Seal, SignedNote};
pub use look::{LookCause, LookResult, StageLook};
pub use refused::{Example, Refused, RefusedCause};
pub use speed::{Speed, SpeedPoint};

/// What a report is to tell.
#[derive(Clone, Debug)]
pub struct ReportOptions {
    /// The project's name, for runs whose passes have no stage.
    pub project: Option<String>,
    /// What the stages at hand redact, beside what those in the ledger do.
    pub redact: Vec<Path>,
    /// The most refused records that are shown for each cause; all are counted.
    pub examples: usize,
    /// Whether the examples show the record as it was read, redacted values masked.
    pub inputs: bool,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self {
            project: None,
            redact: Vec::new(),
            examples: 5,
            inputs: false,
        }
    }
}

/// One run: what it was, what came of it, and how to check that.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RunReport {
    /// When the report was made, ISO 8601 in UTC.
    pub made: String,
    /// The store as it was then.
    pub store: StoreState,
    /// The newest run, where it was passed over for this one because it has done nothing to a record; `None` where the run was
    /// asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed_over: Option<i64>,
    /// What was taken back since; it stands above everything else.
    pub undone: Vec<Undone>,
    /// The passes of the store that have begun and not ended, whichever run began them.
    pub unfinished: Vec<UnfinishedPass>,
    /// What ran, by whom and why.
    pub summary: Summary,
    /// What became of the records, pass by pass.
    pub outcomes: Vec<PassOutcome>,
    /// Records per second, batch by batch.
    pub speed: Speed,
    /// What was refused, by cause.
    pub refused: Refused,
    /// Both sides of the stages against each other.
    pub reconciliation: Vec<StageLook>,
    /// Where the targets of the stages are not what these would make of their sources, as the store is now; `None` where
    /// the stages were not given.
    pub deviations: Option<Deviations>,
    /// What holds it all together.
    pub evidence: Evidence,
}

impl RunReport {
    /// The report as one self-contained page: no script, no font, no image from anywhere.
    #[must_use]
    pub fn to_html(&self) -> String {
        page::html(self)
    }
}

/// The store that a report was made of.
#[derive(Clone, Debug, serde::Serialize)]
pub struct StoreState {
    /// Its file, as it was named.
    pub path: String,
    /// The newest batch.
    pub batch: i64,
    /// The size of the ledger's tree.
    pub tree_size: u64,
    /// The root over it, in hexadecimal.
    pub tree_root: String,
}

/// A rollback of what the run has done.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Undone {
    /// The pass of the run that was rolled back.
    pub pass: i64,
    /// The pass that did it.
    pub by_pass: i64,
    /// In which run.
    pub run: i64,
    /// By whom.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
    /// When, ISO 8601 in UTC.
    pub at: String,
    /// Whether the whole pass was to be taken back, and not single records.
    pub whole: bool,
    /// Whether that is finished.
    pub finished: bool,
    /// The records that were taken back.
    pub records: u64,
}

/// What ran, by whom and why.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Summary {
    /// The run as `history` shows it.
    #[serde(flatten)]
    pub run: RunRecord,
    /// The command with its arguments, as a shell would need it.
    pub command_line: String,
    /// The project.
    pub project: Option<String>,
    /// The stages that it worked on, in their order.
    pub stages: Vec<StageTold>,
    /// From its start to its last commit, in microseconds.
    pub duration_us: u64,
    /// How many batches it committed.
    pub batch_count: u64,
    /// How it ended.
    pub ending: Ending,
    /// The same in words.
    pub ending_told: String,
}

/// A stage, as its text in the ledger tells it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct StageTold {
    /// Its number.
    pub number: u32,
    /// Its name.
    pub slug: String,
    /// What it says that it does.
    pub description: Option<String>,
}

/// How a run ended, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All of it was rolled back since.
    Undone,
    /// It stopped within a pass that nobody has finished.
    Interrupted,
    /// Some of it was rolled back since.
    PartlyUndone,
    /// A reconciliation left something unexplained.
    Unreconciled,
    /// Records that it refused are still in quarantine.
    RefusedLeft,
    /// It stopped within a pass, which a later run has finished.
    Continued,
    /// Done, and nothing is left.
    Done,
}

impl Ending {
    /// The ending in a word or two.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Undone => "rolled back",
            Self::Interrupted => "interrupted",
            Self::PartlyUndone => "partly rolled back",
            Self::Unreconciled => "not reconciled",
            Self::RefusedLeft => "records in quarantine",
            Self::Continued => "continued later",
            Self::Done => "done",
        }
    }
}

/// What became of the records in one pass, as far as this run carried it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct PassOutcome {
    /// The pass.
    pub pass: i64,
    /// Its kind.
    pub kind: String,
    /// The stage: of a rollback, the one that it took back.
    pub stage: Option<u32>,
    /// The stage's name.
    pub slug: Option<String>,
    /// Where it read.
    pub source: Option<String>,
    /// Where it wrote.
    pub target: Option<String>,
    /// The outcomes in this run.
    pub counts: Counts,
    /// How many records came out of those that were written in this run: others than these where one becomes several.
    pub out: u64,
    /// How often the stage warned in this run, by code: of dates that two formats read, of contracts that only warn.
    pub warnings: BTreeMap<String, u64>,
    /// Those of the whole pass, where other runs have worked on it too.
    pub whole: Option<Counts>,
    /// The pass that it undoes.
    pub reverses: Option<i64>,
    /// The pass that has undone it.
    pub undone_by: Option<i64>,
    /// The run in which the pass ended.
    pub ended_in: Option<i64>,
    /// The run that began it, where that was another.
    pub begun_in: Option<i64>,
}

/// Everything about one run; where none is named, about the newest that did something to a record.
///
/// # Errors
/// [`Error::NoSuch`] where there is no such run.
pub fn report(store: &Store, run: Option<i64>, options: &ReportOptions) -> Result<RunReport> {
    report_with(store, None, run, options)
}

/// As [`report`], with where the targets of these stages deviate from what they would make of their sources.
///
/// # Errors
/// As [`report`].
pub fn report_with(
    store: &Store,
    stages: Option<&Stages>,
    run: Option<i64>,
    options: &ReportOptions,
) -> Result<RunReport> {
    // One moment of the store, whoever writes meanwhile.
    let moment = store.connection().unchecked_transaction()?;
    let number = match run {
        Some(number) => number,
        None => read::newest_run(&moment)?.ok_or_else(|| no_such("run yet"))?,
    };
    let passed_over = match run {
        Some(_) => None,
        None => read::last_run(&moment)?.filter(|last| *last != number),
    };
    let record = crate::history::run(store, number)?.ok_or_else(|| no_such(&format!("run {number}")))?;
    let mut unfinished = unfinished_in(&moment)?;
    name_running(store, &moment, &mut unfinished)?;
    let head = Head::read(&moment)?;
    let outcomes = read::passes(&moment, number)?;
    let undone = read::undone(&moment, number)?;
    let refused = refused::refused(store, number, record.batches, &outcomes, options)?;
    let reconciliation = look::looks(&moment, number)?;
    let timed = read::timed_batches(&moment, number)?;
    let (started_us, project) = (read::started(&moment, number)?, read::project(&moment, number)?);
    let (ending, ending_told) = ended(number, &outcomes, &undone, &refused, &reconciliation);
    Ok(RunReport {
        made: read::iso(store.surroundings().clock.now_us()),
        store: StoreState {
            path: store.path().display().to_string(),
            batch: head.batch,
            tree_size: head.frontier.size(),
            tree_root: crate::digest::hex(&head.frontier.root()),
        },
        summary: Summary {
            command_line: command_line(&record),
            project: project.or_else(|| options.project.clone()),
            stages: read::stages(&moment, number)?,
            duration_us: timed
                .last()
                .map_or(0, |last| last.committed_us.saturating_sub(started_us))
                .unsigned_abs(),
            batch_count: timed.len() as u64,
            ending,
            ending_told,
            run: record,
        },
        passed_over,
        undone,
        unfinished,
        outcomes,
        speed: speed::measured(started_us, &timed),
        refused,
        reconciliation,
        deviations: stages.map(|stages| Deviations::of(store, stages)).transpose()?,
        evidence: evidence::evidence(store, number)?,
    })
}

fn no_such(what: &str) -> Error {
    Error::NoSuch {
        what: what.to_owned(),
    }
}

/// The command with its arguments.
fn command_line(run: &RunRecord) -> String {
    let arguments = run.arguments.iter().map(|argument| word(argument).into_owned());
    let words = std::iter::once(run.command.clone()).chain(arguments);
    words.collect::<Vec<_>>().join(" ")
}

/// How a run ended: the gravest of it, and all of it in words.
fn ended(
    run: i64,
    passes: &[PassOutcome],
    undone: &[Undone],
    refused: &Refused,
    looks: &[StageLook],
) -> (Ending, String) {
    let (mut endings, mut told) = (Vec::new(), Vec::new());
    let mut found = |ending: Ending, words: String| {
        endings.push(ending);
        told.push(words);
    };
    if !undone.is_empty() {
        let carried = |pass: &&PassOutcome| pass.kind != "reconcile" && pass.counts.read > 0;
        let all = passes.iter().filter(carried).all(|pass| pass.undone_by.is_some());
        let ending = if all { Ending::Undone } else { Ending::PartlyUndone };
        let which = if all { "all" } else { "some" };
        found(ending, format!("{which} of what it wrote was rolled back since"));
    }
    for pass in passes {
        match pass.ended_in {
            // What was taken back goes on no more.
            None if pass.undone_by.is_some() => {}
            None => found(
                Ending::Interrupted,
                match pass.counts.refused {
                    0 => format!("pass {} has not ended yet: the same command goes on", pass.pass),
                    _ => format!("pass {} has not ended yet", pass.pass),
                },
            ),
            Some(later) if later > run => found(
                Ending::Continued,
                format!(
                    "it stopped within pass {}, which run {later} has finished",
                    pass.pass
                ),
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
            "one reconciliation leaves something unexplained".to_owned(),
        ),
        more => found(
            Ending::Unreconciled,
            format!("{more} reconciliations leave something unexplained"),
        ),
    }
    if refused.standing > 0 {
        found(Ending::RefusedLeft, refused_left(refused));
    }
    let gravest = endings.into_iter().min_by_key(|ending| *ending as u8);
    match gravest {
        Some(ending) => (ending, told.join("; ")),
        None => (Ending::Done, "everything that it was to do is done".to_owned()),
    }
}

/// How many of the refused are in quarantine.
fn refused_left(refused: &Refused) -> String {
    match (refused.standing, refused.records) {
        (1, 1) => "the one refused record is still in quarantine".to_owned(),
        (standing, all) if standing == all => format!("all {all} refused records are still in quarantine"),
        (1, all) => format!("1 of {all} refused records is still in quarantine"),
        (standing, all) => format!("{standing} of {all} refused records are still in quarantine"),
    }
}

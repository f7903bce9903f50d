//! `unmerge`: takes members out of their golden record, for good. What they are decided not to be, and what that makes of
//! them, are two passes of one run: if it is killed between them, the next `apply` does the second, except that it overwrites
//! nothing that a person has changed.

mod chosen;
mod conflicts;
mod options;

use rusqlite::Connection;

use super::decision::{ChosenPair, commit};
use super::pair::Decision;
use crate::engine::{
    Bounds, Due, PassLimits, PassReport, Run, Stopped, Work, check_drift, end_retries_of_many,
    refuse_contradiction, run_pass,
};
use crate::error::{Error, Result};
use crate::ledger::decisions::{PairVerdict, Verdict, in_order, verdicts};
use crate::ledger::selection::RecordSelection;
use crate::ledger::{StageEvent, StageHistory, next_stage};
use crate::observe::Observer;
use crate::record::{BatchId, RecordNumber};
use crate::shown::grouped;
use crate::stage::{MaxErrors, OnError, Stage, Stages};
use crate::store::Store;
use chosen::{Apart, chosen};
use conflicts::{abort_on, conflicts};

pub use options::{Unmerge, UnmergeConflict, UnmergeOptions, UnmergeReport};

/// Takes members out of golden records: each becomes what it was before it was merged, and is never merged with the others
/// again, until a person decides otherwise.
///
/// # Errors
/// [`Error::RollbackConflict`] if a golden record or a member has changed since and `on_conflict` is
/// [`UnmergeConflict::Abort`]; [`Error::NoSuchRecord`] for an unknown id; [`Error::Invalid`] if a golden record has one
/// member only, if a pass of the stage was interrupted, or if accepted pairs hold the members together. Nothing is written.
pub fn unmerge(
    store: &mut Store,
    stages: &Stages,
    what: &Unmerge,
    options: &UnmergeOptions,
    observer: &mut dyn Observer,
) -> Result<UnmergeReport> {
    let mut run = Run::begin(store, &options.run_info)?;
    check_drift(run.connection(), stages, false)?;
    let stage = what.stage_of(stages)?;
    let history = StageHistory::read(run.connection(), stages.project(), stage.number())?;
    next_stage(stage.number(), history.state, StageEvent::Apply)?;
    refuse_unfinished(stage, &history)?;
    let mut report = UnmergeReport {
        stage: stage.number(),
        ..UnmergeReport::default()
    };
    let mut apart = Vec::new();
    for one in chosen(run.connection(), stages.project(), stage, what)? {
        let conflicts = conflicts(run.connection(), stages.project(), stage, &one)?;
        match options.on_conflict {
            UnmergeConflict::Abort => abort_on(run.connection(), stages.project(), stage, &one, conflicts)?,
            UnmergeConflict::Skip if !conflicts.is_empty() => {
                report.left.extend(conflicts);
                continue;
            }
            UnmergeConflict::Skip | UnmergeConflict::Force => {}
        }
        apart.push(one);
    }
    if apart.is_empty() {
        return Ok(report);
    }
    refuse_too_many(&apart)?;
    let pairs: Vec<ChosenPair> = apart.iter().flat_map(never_again).collect();
    refuse_if_held_together(run.connection(), stages.project(), stage, &pairs)?;
    end_retries_of_many(&mut run, stage, &history)?;
    commit(&mut run, stages.project(), stage, &pairs)?;
    report.never = pairs.len() as u64;
    report.golden = apart.iter().map(|one| one.golden).collect();
    report.members = apart.iter().flat_map(Apart::parting).collect();
    let (done, stopped) = make_anew(&mut run, (stages, stage), &apart, options, observer)?;
    (report.pass, report.stopped) = (Some(done), stopped);
    report.run = Some(run.number());
    run.finish()?;
    Ok(report)
}

fn refuse_unfinished(stage: &Stage, history: &StageHistory) -> Result<()> {
    if history.open_apply().is_none() {
        return Ok(());
    }
    Err(Error::invalid(
        format!("a pass of stage {} was interrupted", stage.number()),
        "`counterfoil apply` completes it; then take the golden record apart",
    ))
}

/// The greatest number of pairs that one `unmerge` decides, in one batch.
const MOST_PAIRS: usize = 50_000;

/// Refuses to decide more pairs than one batch should hold: those of a golden record grow with the square of its members.
fn refuse_too_many(apart: &[Apart]) -> Result<()> {
    let pairs: usize = apart.iter().map(Apart::pairs).sum();
    if pairs <= MOST_PAIRS {
        return Ok(());
    }
    let members: usize = apart.iter().map(|one| one.members.len()).sum();
    Err(Error::invalid(
        format!(
            "to part these {} members, {} pairs would have to be decided; one `unmerge` decides up to {}",
            grouped(members as u64),
            grouped(pairs as u64),
            grouped(MOST_PAIRS as u64)
        ),
        "take single members out with --member; or, if the stage merges what it should not, change it: \
         `counterfoil rollback --stage N` takes everything apart first",
    ))
}

/// Processes the members of golden records that are taken apart.
fn make_anew(
    run: &mut Run<'_>,
    (stages, stage): (&Stages, &Stage),
    apart: &[Apart],
    options: &UnmergeOptions,
    observer: &mut dyn Observer,
) -> Result<(PassReport, Option<Stopped>)> {
    let members = apart.iter().flat_map(|one| one.members.iter().copied());
    let work = Work {
        due: Due::Unmerged {
            overwrites: options.on_conflict == UnmergeConflict::Force,
        },
        selection: RecordSelection::list(members.collect()),
    };
    // Refused records are reported, and keep nobody else from leaving.
    let limits = PassLimits {
        on_error: Some(OnError::Quarantine),
        max_errors: Some(MaxErrors::Count(u64::MAX)),
        batch_size: None,
    };
    let bounds = Bounds::new(&options.stop, None);
    run_pass(run, stages.project(), stage, work, &limits, &bounds, observer)
}

/// Returns the pairs that are never to be one again.
fn never_again(one: &Apart) -> Vec<ChosenPair> {
    let mut pairs = Vec::new();
    for (at, a) in one.members.iter().enumerate() {
        for b in &one.members[at + 1..] {
            let leaves = |member: &RecordNumber| one.leaves(*member);
            if !leaves(a) && !leaves(b) {
                continue;
            }
            pairs.push(ChosenPair {
                pair: in_order(*a, *b),
                code: Decision::Never.code(),
                note: None,
                left: [leaves(a), leaves(b)],
            });
        }
    }
    pairs
}

/// Refuses to part members that accepted pairs hold together through others.
fn refuse_if_held_together(
    connection: &Connection,
    project: &str,
    stage: &Stage,
    pairs: &[ChosenPair],
) -> Result<()> {
    let mut then = verdicts(connection, project, stage.number(), BatchId::MAX)?;
    for chosen in pairs {
        let batch = then.get(&chosen.pair).map(|found| found.batch);
        let never = PairVerdict {
            verdict: Verdict::Never,
            batch: batch.unwrap_or(BatchId::BEFORE_FIRST),
            seen: [None; 2],
            left: [false; 2],
            left_as: [None; 2],
        };
        then.insert(chosen.pair, never);
    }
    refuse_contradiction(connection, &then)
}

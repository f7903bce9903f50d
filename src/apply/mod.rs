//! The verb `apply`: bring every stage up to date, resuming whatever was interrupted.

mod ahead;
mod carry;
mod claims;
mod cross;
mod decide;
mod drift;
mod item;
mod items;
mod pin;
mod place;
mod transform;

use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) use carry::{
    Work, allowed_refusals, carry_out, comes_last, is_overtaken, kept_places, preparation, set_aside,
    unfinished,
};
pub(crate) use claims::Claims;
pub(crate) use cross::Cross;
pub(crate) use drift::check_drift;
pub use drift::obstacle;
pub(crate) use item::{Found, Numbers, PlannedRows, Standing};
pub(crate) use items::source_as_read;
pub use pin::{Pin, PinnedStage};
pub(crate) use transform::Transforming;

use crate::error::{Error, Result};
use crate::ledger::feed::{self, Fed};
use crate::ledger::read::PassSummary;
use crate::ledger::selection::{SUPERSEDED, of_first_pass, of_later_pass, of_open_pass};
use crate::ledger::stage_history::not_looked_at;
use crate::ledger::{Batch, Counts, PassKind, Shape, StageEvent, StageHistory, StageState, Step, next_stage};
use crate::observe::{Observer, StopSignal};
use crate::pipeline::{Bounds, Stopped, needs_index};
use crate::reconcile::{ReconcileOptions, StageReconciled, Wanted, of_stage};
use crate::run::{Pass, Purpose, Run};
use crate::stage::{MaxErrors, OnError, Stage, Stages};
use crate::store::Store;

/// How to apply.
#[derive(Clone, Debug)]
pub struct ApplyOptions {
    /// The last stage to bring up to date; `None`: all.
    pub to: Option<u32>,
    /// The most records in a batch; `None`: what the store's options say.
    pub batch_size: Option<usize>,
    /// Overrides what the stages say about refusals.
    pub on_error: Option<OnError>,
    /// Overrides how many refusals the stages allow.
    pub max_errors: Option<MaxErrors>,
    /// Stop after the batch at hand when so much time is over.
    pub max_time: Option<Duration>,
    /// Let a stage that was applied go on with its changed meaning.
    pub revise: bool,
    /// Only where stages and data are still those of this plan; the run has the plan's hash among its arguments.
    pub plan: Option<Pin>,
    /// What stands in the ledger about this run.
    pub purpose: Purpose,
    /// Asks the verb to stop.
    pub stop: StopSignal,
}

impl Default for ApplyOptions {
    fn default() -> Self {
        Self {
            to: None,
            batch_size: None,
            on_error: None,
            max_errors: None,
            max_time: None,
            revise: false,
            plan: None,
            purpose: Purpose::new("apply"),
            stop: StopSignal::default(),
        }
    }
}

/// What an `apply` did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct ApplyReport {
    /// The run's number; `None` when there was nothing to do.
    pub run: Option<i64>,
    /// What was done, pass by pass.
    pub passes: Vec<PassReport>,
    /// The stages that were up to date already.
    pub up_to_date: Vec<u32>,
    /// Stages whose text changed, but not their meaning.
    pub cosmetic: Vec<u32>,
    /// Why it stopped before its end, or the first stage that did.
    pub stopped: Option<Stopped>,
    /// The stages that were left as they are, because a stage that they depend on is not up to date.
    pub held_back: Vec<HeldBack>,
    /// How many records these stages have in quarantine now.
    pub quarantined: u64,
    /// What the reconciliations of the stages came to that have carried something.
    pub reconciled: Vec<StageReconciled>,
    /// The other stages whose last reconciliation left something unexplained.
    pub unreconciled: Vec<u32>,
}

/// A stage that has to wait for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct HeldBack {
    /// The stage.
    pub stage: u32,
    /// The stage that is not up to date: it has stopped, or was taken back.
    pub by: u32,
}

/// What was done in one pass.
#[derive(Clone, Debug, serde::Serialize)]
pub struct PassReport {
    /// The pass's number.
    pub pass: i64,
    /// Its kind.
    pub kind: PassKind,
    /// The stage's number.
    pub stage: u32,
    /// The stage's slug.
    pub slug: String,
    /// Where it read.
    pub source: String,
    /// Where it wrote.
    pub target: String,
    /// Whether an earlier run had begun it.
    pub resumed: bool,
    /// The outcomes over all its runs.
    pub counts: Counts,
    /// How many records came out of those that were written: others than these where one becomes several.
    pub out: u64,
    /// How often the stage warned over all its runs, by code.
    pub warnings: BTreeMap<String, u64>,
    /// Whether it has ended.
    pub ended: bool,
}

/// Brings every stage up to date: goes on with a pass that was interrupted, begins the first pass of a stage that
/// never ran, and carries what others wrote to a source through the stages that were applied before.
///
/// # Errors
/// [`Drift`](crate::Error::Drift) when an applied stage has another meaning now, [`PlanMoved`](crate::Error::PlanMoved)
/// when a plan was given that does not fit any more, [`Locked`](crate::Error::Locked) when another process writes.
/// Refused records are no error: they are counted, and stand in quarantine.
pub fn apply(
    store: &mut Store,
    stages: &Stages,
    options: &ApplyOptions,
    observer: &mut dyn Observer,
) -> Result<ApplyReport> {
    let mut purpose = options.purpose.clone();
    purpose.arguments.extend(options.plan.as_ref().map(Pin::argument));
    let mut run = Run::begin(store, &purpose)?;
    if let Some(plan) = &options.plan {
        plan.check(run.connection(), stages, options)?;
    }
    let bounds = Bounds::new(&options.stop, options.max_time);
    let mut report = ApplyReport {
        cosmetic: check_drift(run.connection(), stages, options)?,
        ..ApplyReport::default()
    };
    bring_all_up_to_date(&mut run, stages, options, &bounds, observer, &mut report)?;
    report.run = run.has_written().then_some(run.number());
    report.quarantined = quarantined(&run, stages)?;
    report.unreconciled = unreconciled(&run, stages, options, &report.reconciled)?;
    run.finish()?;
    Ok(report)
}

/// The stages that stand unreconciled, less those that were reconciled just now.
fn unreconciled(
    run: &Run<'_>,
    stages: &Stages,
    options: &ApplyOptions,
    now: &[StageReconciled],
) -> Result<Vec<u32>> {
    let mut unreconciled = Vec::new();
    for stage in stages.up_to(options.to) {
        let is_new = now.iter().any(|reconciled| reconciled.stage == stage.number());
        if is_new || stage.reconciles().is_empty() {
            continue;
        }
        let history = StageHistory::read(run.connection(), stages.project(), stage.number())?;
        if history.state == StageState::Unreconciled {
            unreconciled.push(stage.number());
        }
    }
    Ok(unreconciled)
}

/// Works on every stage, until none has anything left to do: a later stage may free a place in the target that a record of
/// an earlier one waits for.
fn bring_all_up_to_date(
    run: &mut Run<'_>,
    stages: &Stages,
    options: &ApplyOptions,
    bounds: &Bounds,
    observer: &mut dyn Observer,
    report: &mut ApplyReport,
) -> Result<()> {
    let project = stages.project();
    let mut stopped = StoppedStages::default();
    for stage in stages.up_to(options.to) {
        if let Some(by) = stopped.holds_back(stage) {
            report.held_back.push(HeldBack {
                stage: stage.number(),
                by,
            });
            continue;
        }
        let passes = report.passes.len();
        let why = bring_up_to_date(run, project, stage, options, bounds, observer, report)?;
        if report.passes.len() == passes && why.is_none() {
            report.up_to_date.push(stage.number());
        }
        if stopped.takes_note(stage, why, report) {
            return Ok(());
        }
    }
    let mut passes = 0;
    while passes != report.passes.len() {
        passes = report.passes.len();
        for stage in stages.up_to(options.to) {
            if stopped.holds_back(stage).is_some() || stopped.is(stage) {
                continue;
            }
            let why = bring_up_to_date(run, project, stage, options, bounds, observer, report)?;
            if stopped.takes_note(stage, why, report) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// After so many passes, and as many again, it is asked whether the stages get anywhere.
const PASSES: usize = 64;

/// So often a stage may carry one record in later passes of a run.
const TIMES: u64 = 10;

/// Refuses to go on where a stage has carried the same record time and again: what one stage writes, another takes away,
/// and gives it back to the first. A chain of records that wait for each other's places takes many passes too, but each
/// record of it is carried once or twice.
fn refuse_going_round(run: &Run<'_>, project: &str) -> Result<()> {
    let Some((stage, record, times)) = feed::most_often(run.connection(), run.number(), project)? else {
        return Ok(());
    };
    if times < TIMES {
        return Ok(());
    }
    let message = format!(
        "the stages do not come to an end: stage {stage} has carried record {record} {times} times in this run, because a \
         later stage takes away what it has written, or gives it back"
    );
    let hint = "what was carried stands; give the stages other ids, another `on_conflict`, or let no stage write to what an \
                earlier one reads, and then run `counterfoil apply` again";
    Err(Error::invalid(message, hint))
}

/// The stages that had to stop, and the databases that are not up to date because of them.
#[derive(Debug, Default)]
pub(crate) struct StoppedStages {
    databases: Vec<(String, u32)>,
    stages: Vec<u32>,
}

impl StoppedStages {
    /// The stage because of which another has to wait: what it would read, write or refer to is not up to date. Whatever
    /// depends on that one waits as well.
    pub(crate) fn holds_back(&mut self, stage: &Stage) -> Option<u32> {
        let mut databases = self.databases.iter();
        let (_, by) = databases.find(|(database, _)| stage.depends_on(database))?;
        let by = *by;
        let waits = (stage.target().to_owned(), by);
        if !self.databases.contains(&waits) {
            self.databases.push(waits);
        }
        Some(by)
    }

    fn is(&self, stage: &Stage) -> bool {
        self.stages.contains(&stage.number())
    }

    /// A stage has stopped.
    pub(crate) fn add(&mut self, stage: &Stage) {
        self.stages.push(stage.number());
        self.databases.push((stage.target().to_owned(), stage.number()));
    }

    /// Notes why a stage has stopped; `true` where the whole run has to stop.
    fn takes_note(&mut self, stage: &Stage, why: Option<Stopped>, report: &mut ApplyReport) -> bool {
        let Some(why) = why else { return false };
        let of_all = matches!(why, Stopped::Asked | Stopped::Time);
        self.add(stage);
        if of_all || report.stopped.is_none() {
            report.stopped = Some(why);
        }
        of_all
    }
}

/// Works on a stage, pass after pass, until it is up to date; why, where it has to stop before.
fn bring_up_to_date(
    run: &mut Run<'_>,
    project: &str,
    stage: &Stage,
    options: &ApplyOptions,
    bounds: &Bounds,
    observer: &mut dyn Observer,
    report: &mut ApplyReport,
) -> Result<Option<Stopped>> {
    while let Some(work) = next_work(run, project, stage, options)? {
        let (done, stopped) = carry_out(run, project, stage, work, options, bounds, observer)?;
        report.passes.push(done);
        if stopped.is_some() {
            return Ok(stopped);
        }
        if report.passes.len().is_multiple_of(PASSES) {
            refuse_going_round(run, project)?;
        }
    }
    reconcile_new(run, project, stage, options, report)
}

/// Reconciles what a stage has carried and nobody has reconciled yet: in this run, or in one that was killed before.
pub(crate) fn reconcile_new(
    run: &mut Run<'_>,
    project: &str,
    stage: &Stage,
    options: &ApplyOptions,
    report: &mut ApplyReport,
) -> Result<Option<Stopped>> {
    if stage.reconciles().is_empty() {
        return Ok(None);
    }
    let new = not_looked_at(run.connection(), project, stage.number())?;
    if new.passes.is_empty() {
        return Ok(None);
    }
    let wanted = Wanted {
        passes: &new.passes,
        whole: new.is_all,
        examples: ReconcileOptions::default().examples,
    };
    Ok(match of_stage(run, project, stage, &wanted, &options.stop)? {
        Some(reconciled) => {
            report.reconciled.push(reconciled);
            None
        }
        None => Some(Stopped::Asked),
    })
}

/// Carries what was just written through the stages that were applied before. One that was taken back since is not applied
/// again here, and what depends on it is held back with it: a later stage would see its records before it.
pub(crate) fn apply_again(
    run: &mut Run<'_>,
    stages: &Stages,
    options: &ApplyOptions,
    bounds: &Bounds,
    observer: &mut dyn Observer,
    report: &mut ApplyReport,
) -> Result<()> {
    let project = stages.project();
    let mut missing = StoppedStages::default();
    for stage in stages.iter() {
        let history = StageHistory::read(run.connection(), project, stage.number())?;
        if history.revision().is_none() {
            missing.add(stage);
        } else if let Some(by) = missing.holds_back(stage) {
            let stage = stage.number();
            report.held_back.push(HeldBack { stage, by });
        } else if report.stopped.is_none() {
            report.stopped = bring_up_to_date(run, project, stage, options, bounds, observer, report)?;
        }
    }
    Ok(())
}

/// What a stage has to do next; `None` when it is up to date.
fn next_work(
    run: &mut Run<'_>,
    project: &str,
    stage: &Stage,
    options: &ApplyOptions,
) -> Result<Option<Work>> {
    let history = StageHistory::read(run.connection(), project, stage.number())?;
    next_stage(stage.number(), history.state, StageEvent::Apply)?;
    let revised = history.revision().is_some_and(|row| !stage.does_as(&row.meaning));
    if let Some(open) = history.open_apply() {
        if revised || is_overtaken(run.connection(), project, stage, options, open)? {
            supersede(run, open)?;
            return next_work(run, project, stage, options);
        }
        let selection = of_open_pass(run.connection(), Fed::of(project, stage), open)?;
        return Ok(Some(Work {
            pass: Pass::resumed(open),
            selection,
            counts: open.counts,
            resumed: Some(open.first_batch - 1),
        }));
    }
    let begun = |pass, selection| Work {
        pass,
        selection,
        counts: Counts::default(),
        resumed: None,
    };
    if history.begins_anew() {
        let pass = run.stage_pass(project, stage, PassKind::Apply)?;
        let selection = of_first_pass(run.connection(), Fed::of(project, stage), None)?;
        return Ok(Some(begun(pass, selection)));
    }
    let after = history.frontier(run.connection())?;
    let before = run.next_batch();
    let selection = of_later_pass(run.connection(), Fed::of(project, stage), revised, after, before)?;
    if !revised && selection.remaining() == Some(0) {
        return Ok(None);
    }
    let mut pass = run.stage_pass(project, stage, PassKind::Apply)?;
    pass.row.after_batch = Some(after);
    Ok(Some(begun(pass, selection)))
}

/// Ends a pass where it stands: one of an earlier revision, or one whose source has changed behind its reader. What it has
/// not read is left to the next pass, which may only write where the index is not missing.
pub(crate) fn supersede(run: &mut Run<'_>, open: &PassSummary) -> Result<()> {
    let mut pass = Pass::resumed(open);
    if needs_index(run, &pass)? {
        let mut index = Batch::new(Step::Index);
        index.shape.push(Shape::CreateIndex);
        run.commit_now(&mut pass, index)?;
    }
    let mut end = Batch::new(Step::End);
    end.body = Some(SUPERSEDED.to_owned());
    run.commit_now(&mut pass, end)
}

pub(crate) fn quarantined(run: &Run<'_>, stages: &Stages) -> Result<u64> {
    let standing = feed::refused_counts(run.connection(), stages.project())?;
    let of_stages = stages.up_to(None).map(Stage::number);
    Ok(of_stages.filter_map(|number| standing.get(&number)).sum())
}

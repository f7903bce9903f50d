//! One pass of a stage, from its current state to its end.

use std::collections::BTreeMap;

use super::batches::StageBatches;
use super::bounds::{Bounds, Stopped};
use super::decide::{Due, Work};
use super::each::Beginning;
use super::foreseen::Foreseen;
use super::limits::PassLimits;
use super::pass::Pass;
use super::pipeline::drive_to_end;
use super::prepared::PreparedTarget;
use super::run::Run;
use crate::context::Context;
use crate::error::Result;
use crate::ledger::read::warnings;
use crate::ledger::selection::{SUPERSEDED, halting, settled_since};
use crate::ledger::stage_input::StageInput;
use crate::ledger::{
    AggregateOutcome, Batch, BatchKind, Counts, MergeOutcome, PassKind, PassState, StageHistory, TableChange,
    out,
};
use crate::observe::{Event, Observer};
use crate::record::PassId;
use crate::stage::{Cardinality, Stage};
use crate::store::Table;

/// Results of one pass.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct PassReport {
    /// Pass number.
    pub pass: PassId,
    /// Kind of the pass.
    pub kind: PassKind,
    /// Number of the stage.
    pub stage: u32,
    /// Slug of the stage.
    pub slug: String,
    /// Database that it read.
    pub source: String,
    /// Database that it wrote.
    pub target: String,
    /// Whether an earlier run began it.
    pub resumed: bool,
    /// Outcomes over all its runs.
    pub counts: Counts,
    /// Number of records that came out of those written; differs from them if one becomes several.
    pub out: u64,
    /// What a merge stage came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge: Option<MergeOutcome>,
    /// What a stage that aggregates came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<AggregateOutcome>,
    /// Number of the stage's warnings over all its runs, by code.
    pub warnings: BTreeMap<String, u64>,
    /// Whether it has ended.
    pub ended: bool,
}

/// Works on a pass until it ends or has to stop.
pub(crate) fn run_pass(
    run: &mut Run<'_>,
    project: &str,
    stage: &Stage,
    work: Work,
    limits: &PassLimits,
    bounds: &Bounds,
    observer: &mut dyn Observer,
) -> Result<(PassReport, Option<Stopped>)> {
    let Work { due, selection } = work;
    let overwrites = matches!(due, Due::Unmerged { overwrites: true });
    let (mut pass, mut counts, resumed) = match due {
        Due::Open(open) => (
            Pass::resumed(&open),
            open.counts,
            Some(open.first_batch.previous()),
        ),
        due => (begun(run, project, stage, &due)?, Counts::default(), None),
    };
    let in_source = Table::from_name(stage.source())?.count(run.connection())?;
    let total = selection.total(in_source, counts.read);
    observer.observe(&Event::PassBegins {
        pass: pass.row.pass,
        kind: pass.row.kind,
        stage: Some(crate::name::StageName::new(stage.number(), stage.slug())),
        source: pass.row.source.clone(),
        target: pass.row.target.clone(),
        total: total.map(|total| total.max(counts.read)),
        done: counts.read,
        refused: counts.refused,
    });
    let fed = StageInput::new(project, stage);
    let of = resumed.map(|before| (pass.row.pass, before));
    let settled = settled_since(run.connection(), fed, of, &counts)?;
    let bounds = bounds.allowing(limits.refusals(stage, in_source, &counts), settled);
    let refused = of.map_or(Ok(0), |of| halting(run.connection(), fed, of))?;
    let halted = (refused > 0).then_some(Stopped::Contract { refused });
    let mut stopped = halted.or_else(|| bounds.reached(&counts, 0));
    if stopped.is_none() {
        let connection = run.connection();
        let environment = run.store().environment().clone();
        let options = run.store().options();
        let beginning = Beginning {
            stage,
            context: Context {
                project,
                stage: stage.number(),
                id: "",
                salt: None,
                now_us: pass.row.now_us,
                secrets: &environment.secrets,
                limits: options.limits,
                probe: None,
                lookups: None,
            },
            prepared: PreparedTarget::new(connection, project, stage, pass.begins(), &selection, false)?,
            selection,
            foreseen: Foreseen::default(),
            overwrites,
            batch_size: limits.batch_size.unwrap_or(options.batch_size),
        };
        let mut batches = StageBatches::begin(connection, &pass, beginning)?;
        let end = || Batch::new(BatchKind::End);
        stopped = drive_to_end(run, &mut pass, &mut batches, &mut counts, &bounds, observer, end)?;
    }
    let report = PassReport::new(run, stage, &pass, counts, resumed.is_some())?;
    Ok((report, stopped))
}

impl PassReport {
    fn new(run: &Run<'_>, stage: &Stage, pass: &Pass, counts: Counts, resumed: bool) -> Result<Self> {
        Ok(Self {
            pass: pass.row.pass,
            kind: pass.row.kind,
            stage: stage.number(),
            slug: stage.slug().to_owned(),
            source: stage.source().to_owned(),
            target: stage.target().to_owned(),
            resumed,
            counts,
            out: came_out(run, stage, pass, &counts)?,
            merge: stage
                .merge()
                .map(|_| MergeOutcome::of_pass(run.connection(), pass.row.pass, &counts))
                .transpose()?,
            aggregate: stage
                .aggregate()
                .map(|_| AggregateOutcome::of_pass(run.connection(), pass.row.pass))
                .transpose()?,
            warnings: warnings(run.connection(), pass.row.pass)?,
            ended: pass.state == PassState::Ended,
        })
    }
}

/// Makes a pass that begins now.
fn begun(run: &Run<'_>, project: &str, stage: &Stage, due: &Due) -> Result<Pass> {
    let kind = match due {
        Due::Retry | Due::Unmerged { .. } => PassKind::Retry,
        _ => PassKind::Apply,
    };
    let mut pass = run.stage_pass(project, stage, kind)?;
    if let Due::Later { after, .. } = due {
        pass.row.after_batch = Some(*after);
    }
    Ok(pass)
}

/// Returns how many records came out of those that a pass wrote.
fn came_out(run: &Run<'_>, stage: &Stage, pass: &Pass, counts: &Counts) -> Result<u64> {
    if stage.cardinality() == Cardinality::OneToOne {
        Ok(counts.written)
    } else {
        out::of_pass(run.connection(), pass.row.pass)
    }
}

/// Ends the interrupted retries of a merge, or of an aggregate, where they are: a new pass judges all records anyway, and what such
/// a retry was to do follows from the ledger, be it a refusal that stands or a decision that no pass has honoured yet.
pub(crate) fn end_retries_of_many(run: &mut Run<'_>, stage: &Stage, history: &StageHistory) -> Result<()> {
    if stage.merge().is_none() && stage.aggregate().is_none() {
        return Ok(());
    }
    for open in history.open_retries() {
        supersede(run, Pass::resumed(open))?;
    }
    Ok(())
}

/// Ends a pass where it is: one of an earlier revision, or one whose source changed after its reader had passed. What
/// it has not read is left to the next pass, which may write only if the index is not missing.
pub(crate) fn supersede(run: &mut Run<'_>, mut pass: Pass) -> Result<()> {
    if pass.owes_index(run.connection())? {
        let mut index = Batch::new(BatchKind::Index);
        index.shape.push(TableChange::CreateIndex);
        run.commit(&mut pass, index)?;
    }
    let mut end = Batch::new(BatchKind::End);
    end.body = Some(SUPERSEDED.to_owned());
    run.commit(&mut pass, end).map(drop)
}

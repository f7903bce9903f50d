//! Plans the stages in order: what each would read now, and what it would produce, overlaid on the store.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::facts::PlanFacts;
use super::forecast::Forecast;
use super::merging::Merging;
use super::options::PlanOptions;
use super::report::{ErrorLimit, PassPlan, PlanReport, PlannedPass, StagePlan};
use super::sink::Laid;
use super::summary::{StageSummary, scaled};
use crate::context::{Context, Probe, Tally};
use crate::engine::{
    Beginning, Bounds, Due, Next, Pass, PassLimits, PreparedTarget, ReadConnection, StageBatches, Stopped,
    StoppedStages, Work, drive, next,
};
use crate::error::Result;
use crate::history::HiddenIds;
use crate::ledger::read::{LedgerTable, largest};
use crate::ledger::selection::{RecordSelection, halting, settled_since};
use crate::ledger::stage_input::StageInput;
use crate::ledger::{Counts, PassKind, PassRow, StageHistory};
use crate::observe::{Event, Observer};
use crate::path::Path;
use crate::record::{BatchId, PassId, RecordNumber};
use crate::stage::{Stage, Stages};
use crate::store::{Overlay, Store, Table};

/// Plans one stage after the other, each over what those before it would write.
pub(super) struct Planner<'t> {
    store: &'t Store,
    project: &'t str,
    options: &'t PlanOptions,
    limits: PassLimits,
    redact: Vec<Path>,
    /// Databases whose ids must not be shown; known only if a stage merges.
    hidden: Option<HiddenIds>,
    reader: ReadConnection,
    overlay: Overlay,
    /// Newest record number that would be assigned.
    newest: RecordNumber,
    bounds: Bounds,
    stopped: Option<Stopped>,
    /// Stages whose open pass would be ended where it is.
    superseded: BTreeSet<u32>,
    forecast: Forecast,
}

/// What the passes of one stage share.
struct StagePass<'c> {
    telling: StageSummary<'c>,
    tally: Arc<Tally>,
    passes: Vec<PassPlan>,
    bytes: u64,
    took: Duration,
    stops: Option<ErrorLimit>,
    /// Number of records that a contract in the mode `refuse` refused in the pass that would be resumed.
    halted: u64,
}

/// A pass that `apply` would make.
struct NextPass {
    kind: PlannedPass,
    pass: Pass,
    /// Outcomes of earlier runs.
    earlier: Counts,
    /// For a pass that continues: its number, and the batch before its first one.
    open: Option<(PassId, BatchId)>,
}

impl<'t> Planner<'t> {
    pub(super) fn new(
        store: &'t Store,
        stages: &'t Stages,
        options: &'t PlanOptions,
        redact: Vec<Path>,
    ) -> Result<Self> {
        let merges = stages.iter().any(|stage| stage.merge().is_some());
        let hidden = merges.then(|| HiddenIds::new(store, stages.iter(), &redact));
        Ok(Self {
            hidden: hidden.transpose()?,
            store,
            project: stages.project(),
            options,
            limits: options.apply.limits(),
            redact,
            reader: ReadConnection::alone(store)?,
            overlay: Overlay::default(),
            newest: largest(store.connection(), LedgerTable::Record)?,
            bounds: Bounds::new(&options.apply.stop, options.apply.max_time),
            stopped: None,
            superseded: BTreeSet::new(),
            forecast: Forecast::new(stages),
        })
    }

    /// Plans every stage, and repeats while one of them frees a place that another waits for, as `apply` does.
    pub(super) fn of_all(
        &mut self,
        stages: &Stages,
        observer: &mut dyn Observer,
        report: &mut PlanReport,
    ) -> Result<()> {
        let mut stopped = StoppedStages::default();
        let mut before = None;
        while before != Some(report.stages.len()) {
            let first = before.is_none();
            before = Some(report.stages.len());
            for stage in stages.up_to(self.options.apply.to) {
                match self.of_stage(stage, observer)? {
                    Some(mut planned) => {
                        planned.held_back_by = stopped.holds_back(stage);
                        if planned.stops.is_some() || planned.halted > 0 || planned.halts() {
                            stopped.add(stage);
                        }
                        report.stages.push(planned);
                    }
                    None if first => report.up_to_date.push(stage.number()),
                    None => {}
                }
                if self.stopped.is_some() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    pub(super) fn stopped(&self) -> Option<Stopped> {
        self.stopped.clone()
    }

    /// Plans a stage; returns `None` when it is up to date.
    fn of_stage(&mut self, stage: &Stage, observer: &mut dyn Observer) -> Result<Option<StagePlan>> {
        let number = stage.number();
        let mut history = StageHistory::read(self.store.connection(), self.project, number)?;
        if self.superseded.contains(&number) {
            history.supersede_open();
        } else if self.forecast.stage(number).is_some() {
            history.end_open();
        }
        let redact = self.redact.clone();
        let mut course = StagePass {
            telling: StageSummary::new(stage, &redact, self.options.examples, self.options.full)
                .merging(self.merging(stage)),
            tally: Arc::new(Tally::new(stage.ops().len())),
            passes: Vec::new(),
            bytes: 0,
            took: Duration::ZERO,
            stops: None,
            halted: 0,
        };
        let asks = self.options.apply.relearn && stage.merge().is_some();
        let mut relearns = asks && self.forecast.stage(number).is_none();
        while self.stopped.is_none() {
            let facts = PlanFacts {
                store: self.store,
                project: self.project,
                stage,
                limits: &self.limits,
                reader: &self.reader,
                forecast: &self.forecast,
                relearns,
                has_relearned: asks && self.forecast.stage(number).is_some(),
            };
            match next(stage, &history, &facts)? {
                None => break,
                Some(Next::Supersede(_)) => {
                    history.supersede_open();
                    self.superseded.insert(number);
                }
                Some(Next::Pass(work)) => {
                    relearns = false;
                    self.try_pass(stage, work, &mut course, observer)?;
                    history.end_open();
                }
            }
        }
        if course.passes.is_empty() {
            return Ok(None);
        }
        let mut planned = course
            .telling
            .finish(course.passes, &course.tally, course.bytes, course.took);
        planned.stops = course.stops.filter(|_| self.options.sample.is_none());
        planned.halted = course.halted;
        Ok(Some(planned))
    }

    fn merging(&self, stage: &Stage) -> Option<Merging<'t>> {
        stage.merge()?;
        let hides = |database: &str| self.hidden.as_ref().is_none_or(|hidden| hidden.hides(database));
        let hides = [stage.source(), stage.target()].map(hides);
        Some(Merging::new(self.project, stage.number(), hides))
    }

    /// Tries a pass: its batches are summarized, and overlaid on the store.
    fn try_pass(
        &mut self,
        stage: &Stage,
        work: Work,
        course: &mut StagePass<'_>,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let began = Instant::now();
        let source = Table::from_name(stage.source())?;
        let Work { due, selection } = work;
        let mut planned = self.planned(stage, due);
        let (in_source, records) = self.ahead(stage, &selection, &source)?;
        if let Some(of) = planned.open {
            let fed = StageInput::new(self.project, stage);
            course.halted += halting(self.store.connection(), fed, of)?;
        }
        let kind = planned.kind;
        course.passes.push(PassPlan { kind, records });
        if self.stops_before_judging(stage, in_source, &planned, course)? {
            self.forecast.begin(stage, false);
            return Ok(());
        }
        let (prepared, selection) = self.prepare(stage, &planned.pass, selection)?;
        self.announce(stage, records, observer);
        let (tally, options) = (Arc::clone(&course.tally), self.store.options());
        let beginning = Beginning {
            stage,
            context: Context::new(self.project, stage.number(), &self.store.environment().secrets)
                .now_us(planned.pass.row.now_us)
                .limits(options.limits)
                .probe(&*tally as &dyn Probe),
            selection,
            prepared,
            foreseen: self.forecast.foreseen(stage, self.newest),
            overwrites: false,
            batch_size: self.limits.batch_size.unwrap_or(options.batch_size),
        };
        let first = |connection: &Connection| StageBatches::begin(connection, &planned.pass, beginning);
        let mut each = self.reader.read(first)?;
        self.forecast.begin(stage, kind.reads_all());
        let mut counts = Counts::default();
        let mut laid = Laid {
            stage,
            source,
            target: Table::from_name(stage.target())?,
            reader: &self.reader,
            overlay: &mut self.overlay,
            forecast: &mut self.forecast,
            telling: &mut course.telling,
            waiting: 0,
        };
        self.stopped = drive(
            &mut laid,
            &mut planned.pass,
            &mut each,
            &mut counts,
            &self.bounds,
            observer,
        )?;
        let waiting = laid.waiting;
        self.announce_end(counts, observer);
        if let Some(left) = self.forecast.database_mut(stage.target()) {
            left.rows = scaled(left.standing.len(), records, counts.read);
        }
        (self.newest, course.bytes) = (each.newest(), course.bytes + each.bytes());
        course.took += began.elapsed();
        let stops = self.stops(stage, in_source, &planned, counts.refused.saturating_sub(waiting))?;
        course.stops = course.stops.or(stops);
        Ok(())
    }

    fn announce(&self, stage: &Stage, records: u64, observer: &mut dyn Observer) {
        observer.observe(&Event::PassBegins {
            pass: PassId::BEFORE_FIRST,
            kind: PassKind::Apply,
            stage: Some(crate::name::StageName::new(stage.number(), stage.slug())),
            source: Some(stage.source().to_owned()),
            target: Some(stage.target().to_owned()),
            total: Some(self.options.sample.map_or(records, |sample| sample.min(records))),
            done: 0,
            refused: 0,
        });
    }

    fn announce_end(&self, counts: Counts, observer: &mut dyn Observer) {
        if self.stopped.is_none() {
            observer.observe(&Event::PassEnded {
                pass: PassId::default(),
                counts,
            });
        }
    }

    /// Returns whether `apply` would stop before it continues a merge. Then nothing is judged here either: the pass would
    /// compare the source as it is now with what it began with.
    fn stops_before_judging(
        &self,
        stage: &Stage,
        in_source: u64,
        planned: &NextPass,
        course: &mut StagePass<'_>,
    ) -> Result<bool> {
        if stage.merge().is_none() || planned.open.is_none() {
            return Ok(false);
        }
        let stops = self.stops(stage, in_source, planned, 0)?;
        let at_once = stops.is_some() || course.halted > 0;
        course.stops = course.stops.or(stops);
        Ok(at_once)
    }

    /// Returns whether `apply` would stop because of what a pass would refuse.
    fn stops(
        &self,
        stage: &Stage,
        in_source: u64,
        planned: &NextPass,
        refused: u64,
    ) -> Result<Option<ErrorLimit>> {
        let (connection, earlier) = (self.store.connection(), &planned.earlier);
        let settled = settled_since(
            connection,
            StageInput::new(self.project, stage),
            planned.open,
            earlier,
        )?;
        let refused = (earlier.refused + refused).saturating_sub(settled);
        let limit = self.limits.refusals(stage, in_source, earlier);
        Ok((refused > limit).then_some(ErrorLimit { refused, limit }))
    }

    /// Returns the pass that `apply` would make.
    fn planned(&self, stage: &Stage, due: Due) -> NextPass {
        let (kind, after_batch) = match due {
            Due::Open(open) => {
                return NextPass {
                    kind: PlannedPass::Resumed,
                    pass: Pass::resumed(&open),
                    earlier: open.counts,
                    open: Some((open.row.pass, open.first_batch.previous())),
                };
            }
            Due::First | Due::Retry | Due::Unmerged { .. } => (PlannedPass::First, None),
            Due::Relearned => (PlannedPass::Relearned, None),
            Due::Later {
                after,
                revised: false,
            } => (PlannedPass::Later, Some(after)),
            Due::Later { after, revised: true } => (PlannedPass::Revised, Some(after)),
        };
        let row = PassRow {
            pass: PassId::BEFORE_FIRST,
            kind: PassKind::Apply,
            stage: None,
            source: Some(stage.source().to_owned()),
            target: Some(stage.target().to_owned()),
            reverses: None,
            after_batch,
            now_us: self.store.environment().clock.now_us(),
        };
        NextPass {
            kind,
            pass: Pass::new(row),
            earlier: Counts::default(),
            open: None,
        }
    }

    /// Returns how many records the source has, and approximately how many the pass would read.
    fn ahead(&self, stage: &Stage, selection: &RecordSelection, source: &Table) -> Result<(u64, u64)> {
        let in_source = self.reader.read(|connection| source.count(connection))?;
        let records = match selection {
            RecordSelection::Table {
                after: RecordNumber::BEFORE_FIRST,
            } => in_source,
            RecordSelection::Table { after } => self
                .reader
                .read(|connection| source.count_after(connection, *after))?,
            list => list.remaining().unwrap_or(in_source),
        };
        let estimated = self.forecast.database(stage.source());
        let estimated = estimated.filter(|_| self.options.sample.is_some());
        Ok((
            in_source,
            estimated.map_or(records, |left| left.rows.max(records)),
        ))
    }

    /// Overlays the target, and chooses which of the pass's records to try.
    fn prepare(
        &mut self,
        stage: &Stage,
        pass: &Pass,
        selection: RecordSelection,
    ) -> Result<(PreparedTarget, RecordSelection)> {
        let (source, target) = (
            Table::from_name(stage.source())?,
            Table::from_name(stage.target())?,
        );
        let (overlay, sample, project) = (&mut self.overlay, self.options.sample, self.project);
        let shares_numbers = self.forecast.shares_numbers(stage);
        let tried = self.forecast.database(stage.source()).map(|left| &left.standing);
        self.reader.read(|connection| {
            let mut prepared = PreparedTarget::new(
                connection,
                project,
                stage,
                pass.begins(),
                &selection,
                shares_numbers,
            )?;
            prepared.alone &= !overlay.has(&target);
            // An overlay on the store needs no table.
            prepared.shape = Vec::new();
            let selection = match (sample, selection) {
                // Some readings would make other windows.
                (None, selection) => selection,
                (_, selection) if stage.aggregate().is_some() => selection,
                (Some(_), selection @ RecordSelection::Touched(_)) => selection,
                (Some(sample), RecordSelection::List { records, read }) => {
                    RecordSelection::list(few(&records[read..], sample))
                }
                (Some(sample), RecordSelection::Table { after }) => RecordSelection::list(match tried {
                    Some(tried) => {
                        let later: Vec<RecordNumber> =
                            tried.iter().filter(|number| *number > after).collect();
                        few(&later, sample)
                    }
                    None => source.spread(connection, after, sample)?,
                }),
            };
            overlay.lay(connection, &target, !prepared.alone)?;
            for rule in &stage.contract().references {
                let to = Table::from_name(&rule.to)?;
                if rule.key.is_none() && overlay.has(&to) {
                    overlay.lay(connection, &to, true)?;
                }
            }
            Ok((prepared, selection))
        })
    }
}

/// Returns at most `most` records, spread evenly.
fn few(records: &[RecordNumber], most: u64) -> Vec<RecordNumber> {
    let (count, most) = (records.len() as u128, u128::from(most));
    if count <= most {
        return records.to_vec();
    }
    let place = |at: u128| usize::try_from(at * count / most).ok();
    (0..most)
        .filter_map(place)
        .filter_map(|at| records.get(at).copied())
        .collect()
}

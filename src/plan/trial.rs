//! The stages tried in order: what each would read now, and what it would make of it, laid over the store.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::forecast::Forecast;
use super::tell::{Telling, scaled};
use super::{ErrorLimit, PassPlan, PlanOptions, PlanReport, PlannedPass, StagePlan};
use crate::apply::{
    Claims, Cross, Found, Numbers, StoppedStages, Transforming, allowed_refusals, comes_last, is_overtaken,
    kept_places, preparation, set_aside,
};
use crate::context::Context;
use crate::context::Tally;
use crate::error::Result;
use crate::ledger::feed::Fed;
use crate::ledger::read::{LedgerTable, largest};
use crate::ledger::selection::{Selection, halting, of_first_pass, of_open_pass, of_source, settled_since};
use crate::ledger::{Batch, Counts, PassKind, StageEvent, StageHistory, feed, next_stage, places, rows};
use crate::observe::{Event, Observer};
use crate::path::Path;
use crate::pipeline::{Bounds, Producer as _, Reader, Stopped, spawn_deep};
use crate::record::RecordSet;
use crate::stage::{Stage, Stages};
use crate::store::{Overlay, Store, Table};

/// One stage after the other, each over what those before it would write.
pub(super) struct Trial<'t> {
    store: &'t Store,
    project: &'t str,
    options: &'t PlanOptions,
    redact: Vec<Path>,
    reader: Reader,
    overlay: Overlay,
    /// The newest record number that would be given out.
    newest: i64,
    bounds: Bounds,
    stopped: Option<Stopped>,
    forecast: Forecast,
}

/// What one pass of a stage would read.
struct Work {
    kind: PlannedPass,
    selection: Selection,
    /// What `now()` would give.
    now_us: i64,
    /// The outcomes of earlier runs of the pass.
    earlier: Counts,
    /// Earlier passes of the stage may have written for the same records.
    repeated: bool,
    /// Of the pass that would be resumed: its number, and the batch before its first one.
    open: Option<(i64, i64)>,
    /// Records that stand refused by a contract that refuses, in the pass that would be resumed.
    halted: u64,
}

/// What the passes of one stage share.
struct Course<'c> {
    telling: Telling<'c>,
    tally: Arc<Tally>,
    passes: Vec<PassPlan>,
    bytes: u64,
    took: Duration,
    stops: Option<ErrorLimit>,
    /// Records that stand refused by a contract that refuses, in the pass that would be resumed.
    halted: u64,
}

impl<'t> Trial<'t> {
    pub(super) fn new(
        store: &'t Store,
        stages: &'t Stages,
        options: &'t PlanOptions,
        redact: Vec<Path>,
    ) -> Result<Self> {
        Ok(Self {
            store,
            project: stages.project(),
            options,
            redact,
            reader: Reader::alone(store)?,
            overlay: Overlay::default(),
            newest: largest(store.connection(), LedgerTable::Record)?,
            bounds: Bounds::new(&options.apply.stop, options.apply.max_time),
            stopped: None,
            forecast: Forecast::new(stages),
        })
    }

    /// Tries every stage, and again while one of them frees a place that another waits for, as `apply` does.
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

    /// Tries a stage; `None` when it is up to date.
    pub(super) fn of_stage(
        &mut self,
        stage: &Stage,
        observer: &mut dyn Observer,
    ) -> Result<Option<StagePlan>> {
        let number = stage.number();
        let mut history = StageHistory::read(self.store.connection(), self.project, number)?;
        next_stage(number, history.state, StageEvent::Apply)?;
        let redact = self.redact.clone();
        let mut course = Course {
            telling: Telling::new(stage, &redact, (self.options.examples, self.options.full)),
            tally: Arc::new(Tally::new(stage.ops().len())),
            passes: Vec::new(),
            bytes: 0,
            took: Duration::ZERO,
            stops: None,
            halted: 0,
        };
        let revised = history.revision().is_some_and(|row| !stage.does_as(&row.meaning));
        let again = self.forecast.stage(number).is_some();
        if let Some(work) = self.interrupted(stage, &mut history, revised)?.filter(|_| !again) {
            self.carry_out(stage, work, &mut course, observer)?;
        }
        while self.stopped.is_none()
            && let Some(work) = self.next_work(stage, &history, revised)?
        {
            self.carry_out(stage, work, &mut course, observer)?;
        }
        if course.passes.is_empty() {
            return Ok(None);
        }
        let Course {
            telling,
            tally,
            passes,
            bytes,
            took,
            stops,
            halted,
            ..
        } = course;
        let stops = stops.filter(|_| self.options.sample.is_none());
        Ok(Some(telling.finish(
            (passes, &tally),
            (bytes, took),
            (stops, halted),
        )))
    }

    /// What is left of a pass that was interrupted. One of an earlier revision would be ended where it stands.
    fn interrupted(&self, stage: &Stage, history: &mut StageHistory, revised: bool) -> Result<Option<Work>> {
        let Some(open) = history.open_apply().cloned() else {
            return Ok(None);
        };
        let connection = self.store.connection();
        // Whether a place is free is asked of what the earlier stages would leave.
        let is_overtaken = |connection: &Connection| {
            is_overtaken(connection, self.project, stage, &self.options.apply, &open)
        };
        if !revised && !self.reader.read(is_overtaken)? {
            let (fed, of) = (
                Fed::of(self.project, stage),
                (open.row.pass, open.first_batch - 1),
            );
            return Ok(Some(Work {
                kind: PlannedPass::Resumed,
                selection: of_open_pass(connection, fed, &open)?,
                now_us: open.row.now_us,
                earlier: open.counts,
                repeated: open.row.after_batch.is_some(),
                open: Some(of),
                halted: halting(connection, fed, of)?,
            }));
        }
        history.supersede_open();
        Ok(None)
    }

    /// What a stage would read next; `None` when it is up to date.
    fn next_work(&self, stage: &Stage, history: &StageHistory, revised: bool) -> Result<Option<Work>> {
        let work = |kind, selection| Work {
            kind,
            selection,
            now_us: self.store.surroundings().clock.now_us(),
            earlier: Counts::default(),
            repeated: kind != PlannedPass::First,
            open: None,
            halted: 0,
        };
        let tried = self.forecast.stage(stage.number());
        let is_new = history.begins_anew();
        if is_new && tried.is_none() {
            let selection = self
                .reader
                .read(|connection| of_first_pass(connection, Fed::of(self.project, stage), None))?;
            return Ok(Some(work(PlannedPass::First, selection)));
        }
        let fed = Fed::of(self.project, stage);
        let mut records = if is_new {
            Vec::new()
        } else {
            let after = history.frontier(self.store.connection())?;
            let kept = self.forecast.kept_waiting(self.store.connection(), fed)?;
            let mut due = self.reader.read(|connection| places::free(connection, fed))?;
            due.retain(|record| !kept.contains(record));
            let revised = revised && tried.is_none();
            due.extend(of_source(self.store.connection(), fed, revised, after, i64::MAX)?);
            due
        };
        if let Some(tried) = tried {
            records.retain(|number| !tried.records.contains(*number));
            records.extend(self.forecast.freed(stage, &self.reader)?);
        }
        records.extend(self.forecast.changes(stage));
        let left_out = if is_new {
            Vec::new()
        } else {
            self.forecast.left_out_before(stage)
        };
        if !left_out.is_empty() {
            let refused = feed::ever_refused(self.store.connection(), self.project, stage.number())?;
            records.extend(left_out.into_iter().filter(|number| {
                refused.binary_search(number).is_ok()
                    && tried.is_none_or(|tried| !tried.records.contains(*number))
            }));
        }
        if records.is_empty() && (!revised || tried.is_some()) {
            return Ok(None);
        }
        let kind = if revised && tried.is_none() {
            PlannedPass::Revised
        } else {
            PlannedPass::Later
        };
        Ok(Some(work(kind, Selection::list(records))))
    }

    fn carry_out(
        &mut self,
        stage: &Stage,
        work: Work,
        course: &mut Course<'_>,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let began = Instant::now();
        let (source, target) = (Table::of(stage.source())?, Table::of(stage.target())?);
        let (in_source, records) = self.ahead(stage, &work, &source)?;
        let (kind, earlier) = (work.kind, work.earlier);
        course.halted += work.halted;
        course.passes.push(PassPlan { kind, records });
        let began_with = in_source + if stage.in_place() { earlier.refused } else { 0 };
        let open = work.open;
        let comes_last = comes_last(self.store.connection(), stage, self.project, &work.selection)?
            && !self.forecast.is_beyond(stage.number());
        let (alone, work) = self.prepare(stage, work, &source, &target)?;
        observer.observe(&Event::PassBegins {
            pass: 0,
            kind: PassKind::Apply,
            stage: Some((stage.number(), stage.slug().to_owned())),
            source: Some(stage.source().to_owned()),
            target: Some(stage.target().to_owned()),
            total: Some(self.options.sample.map_or(records, |sample| sample.min(records))),
            done: 0,
        });
        let tally = Arc::clone(&course.tally);
        let context = Context {
            project: self.project,
            stage: stage.number(),
            id: "",
            salt: None,
            now_us: work.now_us,
            secrets: &self.store.surroundings().secrets,
            limits: self.store.options().limits,
            roundings: None,
            tally: Some(&tally),
        };
        let of = (source, target, alone, comes_last);
        let mut producer = self.producer((stage, context), of, work)?;
        let before = *course.telling.counts();
        self.forecast.begin(stage, kind == PlannedPass::First);
        self.run_through(&mut producer, course, observer)?;
        if let Some(left) = self.forecast.database_mut(stage.target()) {
            let tried = course.telling.counts().read - before.read;
            left.rows = scaled(left.standing.len(), records, tried);
        }
        (self.newest, course.bytes) = (producer.newest, course.bytes + producer.bytes);
        course.took += began.elapsed();
        let mut refused = earlier;
        refused.refused += course.telling.counts().refused - before.refused;
        self.limit(stage, began_with, (&earlier, &refused), open, course)
    }

    /// Makes batch after batch, and lays each over the store.
    fn run_through(
        &mut self,
        producer: &mut Transforming<'_>,
        course: &mut Course<'_>,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let (stage, source, target) = (producer.stage, producer.source.clone(), producer.target.clone());
        while let Some(batch) = made(producer, &mut self.reader)? {
            let (telling, overlay) = (&mut course.telling, &mut self.overlay);
            self.reader.read(|connection| {
                telling.add(connection, &source, &batch)?;
                overlay.number(connection, &batch.records)?;
                Overlay::change(connection, &target, &batch.changes)
            })?;
            self.forecast.add(&self.reader, stage, &batch)?;
            observer.observe(&Event::BatchPlanned {
                stage: stage.number(),
                counts: batch.counts,
            });
            self.stopped = self.bounds.reached(&Counts::default());
            if self.stopped.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// What makes the batches of a pass.
    fn producer<'p>(
        &self,
        (stage, context): (&'p Stage, Context<'p>),
        (source, target, alone, comes_last): (Table, Table, bool, bool),
        work: Work,
    ) -> Result<Transforming<'p>> {
        let interrupted = work.open.map(|(pass, _)| pass);
        let set_aside = self
            .reader
            .read(|connection| set_aside(connection, stage, interrupted))?;
        let planned = self.forecast.database(stage.target());
        let kept = |connection: &Connection| {
            let mut kept = kept_places(connection, stage, &target, alone)?;
            if let Some(planned) = planned.filter(|_| !alone && !stage.in_place()) {
                planned.keep(connection, &mut kept)?;
            }
            Ok(kept)
        };
        let kept = self.reader.read(kept)?;
        let is_filled = self.reader.read(|connection| Ok(!target.is_empty(connection)?))?;
        let left = self
            .forecast
            .database(stage.source())
            .filter(|_| stage.in_place());
        Ok(Transforming {
            stage,
            context,
            source,
            target,
            alone,
            found: Found::of(work.repeated, is_filled),
            numbers: Numbers::shared(self.shares_numbers(stage)?),
            selection: work.selection,
            batch_size: self.batch_size(),
            shape: Vec::new(),
            newest: self.newest,
            claims: Claims::default(),
            cross: Cross::of(stage, context),
            planned: left.map_or_else(RecordSet::new, |left| left.settled.clone()),
            set_aside,
            planned_rows: self.forecast.rows(),
            kept,
            comes_last,
            bytes: 0,
        })
    }

    /// Whether another stage copies from a stage's source to its target, or would.
    fn shares_numbers(&self, stage: &Stage) -> Result<bool> {
        let in_ledger =
            |connection: &Connection| rows::shares_numbers(connection, Fed::of(self.project, stage));
        Ok(self.forecast.shares_numbers(stage) || self.reader.read(in_ledger)?)
    }

    /// How many records the source has, and how many the pass would read, about.
    fn ahead(&self, stage: &Stage, work: &Work, source: &Table) -> Result<(u64, u64)> {
        let in_source = self.reader.read(|connection| source.count(connection))?;
        let records = self.reader.read(|connection| {
            Ok(match &work.selection {
                Selection::Table { after: 0 } => in_source,
                Selection::Table { after } => source.count_after(connection, *after)?,
                list @ Selection::List { .. } => list.remaining().unwrap_or(0),
            })
        })?;
        let estimated = self.forecast.database(stage.source());
        let estimated = estimated.filter(|_| self.options.sample.is_some());
        Ok((
            in_source,
            estimated.map_or(records, |left| left.rows.max(records)),
        ))
    }

    /// Whether `apply` would stop because of what is refused.
    fn limit(
        &self,
        stage: &Stage,
        began_with: u64,
        (earlier, refused): (&Counts, &Counts),
        open: Option<(i64, i64)>,
        course: &mut Course<'_>,
    ) -> Result<()> {
        let settled = settled_since(
            self.store.connection(),
            Fed::of(self.project, stage),
            open,
            earlier,
        )?;
        let refused = refused.refused.saturating_sub(settled);
        let limit = allowed_refusals(stage, &self.options.apply, began_with);
        if refused > limit && course.stops.is_none() {
            course.stops = Some(ErrorLimit { refused, limit });
        }
        Ok(())
    }

    /// The records to try, the target laid over, and whether the pass would have it to itself.
    fn prepare(&mut self, stage: &Stage, work: Work, source: &Table, target: &Table) -> Result<(bool, Work)> {
        let begins = work.kind != PlannedPass::Resumed;
        let shares_numbers = self.shares_numbers(stage)?;
        let (overlay, sample) = (&mut self.overlay, self.options.sample);
        let tried = self.forecast.database(stage.source()).map(|left| &left.standing);
        self.reader.read(|connection| {
            let of_stage = (stage, shares_numbers);
            let alone =
                !overlay.has(target) && preparation(connection, of_stage, begins, &work.selection, target)?.0;
            let selection = match (sample, work.selection) {
                (None, selection) => selection,
                (Some(sample), Selection::List { records, read }) => {
                    Selection::list(few(&records[read..], sample))
                }
                (Some(sample), Selection::Table { after }) => Selection::list(match tried {
                    Some(tried) => {
                        let later: Vec<i64> = tried.iter().filter(|number| *number > after).collect();
                        few(&later, sample)
                    }
                    None => source.spread(connection, after, sample)?,
                }),
            };
            overlay.lay(connection, target, !alone)?;
            for rule in &stage.contract().references {
                let to = Table::of(&rule.to)?;
                if rule.key.is_none() && overlay.has(&to) {
                    overlay.lay(connection, &to, true)?;
                }
            }
            Ok((alone, Work { selection, ..work }))
        })
    }

    fn batch_size(&self) -> usize {
        let given = self.options.apply.batch_size;
        given.unwrap_or(self.store.options().batch_size).max(1)
    }
}

/// The next batch. It is made in a thread with a stack for deep documents.
fn made(producer: &mut Transforming<'_>, reader: &mut Reader) -> Result<Option<Batch>> {
    std::thread::scope(|scope| {
        let making = spawn_deep(scope, "counterfoil-plan", move || producer.next(reader))?;
        making.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// At most so many, spread evenly.
fn few(records: &[i64], most: u64) -> Vec<i64> {
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

//! The batches of a merge stage: all records of the source are compared, those that are one become one golden record,
//! and each batch writes whole clusters.

mod absent;
mod compared;
pub(crate) mod decided;
mod earlier;
mod excess;
mod figures;
mod golden;
mod judge;
mod members;
mod place;
mod reasons;
mod resumed;
mod units;
mod work;

use std::collections::HashMap;

use rusqlite::Connection;

use self::absent::absent;
pub(crate) use self::compared::MergeAsJudged;
use self::earlier::Earlier;
pub(crate) use self::golden::golden;
use self::judge::{ModelOrigin, judge, note};
use self::members::gone;
pub(crate) use self::members::is_member;
use self::place::{Made, Placer, ReadyGolden, RecordBefore};
use self::reasons::rendered;
use self::resumed::Resumed;
use self::units::{Before as _, Cluster, Unit};
use self::work::Work;
use super::bounds::Bounds;
use super::claims::Claims;
use super::cores::in_portions;
use super::each::Beginning;
use super::pass::Pass;
use super::pipeline::{BATCH_BYTES, Producer};
use super::reader::ReadConnection;
use super::set_rules::SetRules;
use super::transformed::warned;
use crate::context::Context;
use crate::error::Result;
use crate::ledger::merged::newest_model;
use crate::ledger::places::{self, KeptPlaces};
use crate::ledger::processed::first_id;
use crate::ledger::read::{LedgerTable, largest, pass};
use crate::ledger::selection::RecordSelection;
use crate::ledger::{Batch, BatchKind, PassKind, TableChange};
use crate::matching::Threads;
use crate::record::{BatchId, RecordNumber};
use crate::refusal::cut_pointer;
use crate::stage::{Merge, Outcome, Stage};
use crate::store::{Salted, Table};

/// Number of clusters that a core makes at a time.
const PORTION: usize = 100;

/// Makes the batches of a pass of a merge stage.
pub(crate) struct MergeProducer<'a> {
    stage: &'a Stage,
    merge: &'a Merge,
    /// The facts of the pass, without a record.
    context: Context<'a>,
    source: Table,
    target: Table,
    selection: RecordSelection,
    /// Whether it overwrites what a person has changed in a golden record.
    overwrites: bool,
    /// Maximum number of records in a batch.
    batch_size: usize,
    /// Changes of the target's table by the first batch.
    shape: Vec<TableChange>,
    /// Newest record number given out.
    newest: RecordNumber,
    claims: Claims,
    kept: KeptPlaces,
    cross: Option<SetRules<'a>>,
    /// The first batch of the pass, or the one that will be.
    begins: BatchId,
    /// What an interrupted pass noted, and the last key that it wrote.
    resumed: Option<Resumed>,
    bytes: u64,
    /// What stops the pass while records are judged.
    bounds: Bounds,
    was_stopped: bool,
    /// What is to be written, once the records are judged.
    work: Option<Work>,
}

impl<'a> MergeProducer<'a> {
    /// Reads the state in which the pass finds its databases.
    pub(crate) fn begin(
        connection: &Connection,
        begun: &Pass,
        merge: &'a Merge,
        beginning: Beginning<'a>,
    ) -> Result<Self> {
        let Beginning {
            stage,
            context,
            selection,
            prepared,
            foreseen,
            batch_size,
            overwrites,
        } = beginning;
        let target = Table::from_name(stage.target())?;
        let mut kept = places::kept(connection, &target)?;
        foreseen.keep(connection, &mut kept)?;
        let newest = match foreseen.newest {
            Some(newest) => newest,
            None => largest(connection, LedgerTable::Record)?,
        };
        let earlier = if begun.begins() {
            None
        } else {
            pass(connection, begun.row.pass)?
        };
        // An interrupted retry judges anew what is left of it.
        let resumed = match &earlier {
            Some(earlier) if begun.row.kind == PassKind::Apply => Resumed::read(connection, earlier)?,
            _ => None,
        };
        Ok(Self {
            stage,
            merge,
            context,
            source: Table::from_name(stage.source())?,
            target,
            selection,
            overwrites,
            batch_size: batch_size.max(1),
            shape: prepared.shape,
            newest,
            claims: Claims::default(),
            kept,
            cross: SetRules::new(stage, context),
            begins: earlier.map_or(BatchId::MAX, |earlier| earlier.first_batch),
            resumed,
            bytes: 0,
            bounds: Bounds::default(),
            was_stopped: false,
            work: None,
        })
    }

    /// Returns the newest record number that was given out.
    pub(crate) fn newest(&self) -> RecordNumber {
        self.newest
    }

    /// Returns the number of bytes of the records that were read.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Judges all records; `None` if the pass has to stop.
    fn judged(&mut self, reader: &ReadConnection) -> Result<Option<Work>> {
        let bounds = self.bounds.clone();
        let is_stopped = || bounds.interrupts().is_some();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = Threads::new(cores).until(&is_stopped);
        let members = members::read(
            reader,
            &self.source,
            self.stage,
            self.merge,
            self.context,
            threads,
        )?;
        let Some(members) = members else { return Ok(None) };
        self.bytes += members.bytes;
        let (project, stage) = (self.context.project, self.stage);
        let (earlier, recorded) = reader.read(|connection| {
            let earlier = Earlier::read(connection, project, stage, self.begins, self.selection.clone())?;
            let is_first = matches!(self.selection, RecordSelection::Table { .. });
            let recorded = match &self.resumed {
                Some(resumed) if resumed.note.noted.has_model() => Some(resumed.note.clone()),
                None if is_first => None,
                _ => newest_model(connection, project, stage.number())?,
            };
            Ok((earlier, recorded))
        })?;
        let Some(origin) = ModelOrigin::new(stage, self.merge, &members, recorded, threads)? else {
            return Ok(None);
        };
        let judged = judge(
            stage,
            self.merge,
            self.context,
            &members,
            &earlier,
            origin.model(),
            threads,
        )?;
        let Some(mut judged) = judged else { return Ok(None) };
        judged.figures.learned_from = origin.learned_from(self.merge);
        judged.figures.absent = absent(self.merge, &members);
        let done = match &self.resumed {
            Some(resumed) => resumed.done(stage, &judged)?,
            None => 0,
        };
        Ok(Some(Work {
            members,
            earlier,
            origin,
            judged,
            done,
        }))
    }
}

impl Producer for MergeProducer<'_> {
    fn bound(&mut self, bounds: &Bounds) {
        self.bounds = bounds.clone();
    }

    fn was_stopped(&self) -> bool {
        self.was_stopped
    }

    fn next(&mut self, reader: &ReadConnection) -> Result<Option<Batch>> {
        self.claims.forget_committed();
        if self.work.is_none() {
            let Some(work) = self.judged(reader)? else {
                self.was_stopped = true;
                return Ok(None);
            };
            let note = note(&work.origin, &work.judged, &work.members).to_string();
            self.work = Some(work);
            if self.resumed.is_none() {
                let mut batch = Batch::new(BatchKind::Note);
                batch.body = Some(note);
                batch.shape = std::mem::take(&mut self.shape);
                return Ok(Some(batch));
            }
        }
        let Some(mut work) = self.work.take() else {
            return Ok(None);
        };
        let batch = self.batch(reader, &mut work);
        self.work = Some(work);
        batch
    }
}

impl MergeProducer<'_> {
    /// Makes the batch of the next units.
    fn batch(&mut self, reader: &ReadConnection, work: &mut Work) -> Result<Option<Batch>> {
        let mut records = 0;
        let fits = |unit: &Unit| {
            let is_first = records == 0;
            records += unit.len();
            is_first || records <= self.batch_size
        };
        let units: Vec<Unit> = work.judged.units.from(work.done).take_while(fits).collect();
        if units.is_empty() && self.shape.is_empty() {
            return Ok(None);
        }
        let (units, sources) = self.sources(reader, units)?;
        let known = self.golden_rows(reader, &units)?;
        let made = self.made(work, &units, &sources, &known)?;
        let mut batch = Batch::new(BatchKind::Data);
        batch.shape = std::mem::take(&mut self.shape);
        batch.cursor = units
            .last()
            .map(|unit| serde_json::json!({ "cluster": unit.key() }).to_string());
        work.done += units.len();
        self.claims.begin_batch();
        reader.read(|connection| self.place(connection, work, &units, made, &sources, &mut batch))?;
        Ok(Some(batch))
    }

    /// Reads the source's rows of as many units as may be in memory together, at least of the first.
    fn sources(
        &self,
        reader: &ReadConnection,
        mut units: Vec<Unit>,
    ) -> Result<(Vec<Unit>, HashMap<RecordNumber, Salted>)> {
        let (mut sources, mut bytes, mut whole) = (HashMap::new(), 0, 0);
        reader.read(|connection| {
            for unit in &units {
                for record in unit.records() {
                    if let Some(found) = self.source.by_number(connection, record)? {
                        bytes += found.record.data.len();
                        sources.insert(record, found);
                    }
                }
                whole += 1;
                if bytes >= BATCH_BYTES {
                    break;
                }
            }
            Ok(())
        })?;
        units.truncate(whole);
        Ok((units, sources))
    }

    /// Returns the ids of the golden records that the clusters keep.
    fn golden_rows(&self, reader: &ReadConnection, units: &[Unit]) -> Result<HashMap<RecordNumber, String>> {
        let kept = units
            .iter()
            .flat_map(|unit| &unit.clusters)
            .filter_map(|cluster| cluster.keeps);
        let kept: Vec<RecordNumber> = kept.collect();
        reader.read(|connection| {
            let mut ids = HashMap::with_capacity(kept.len());
            for golden in kept {
                // One that something else has removed comes back under its id.
                let row = self.target.by_number(connection, golden)?;
                let id = match row {
                    Some(row) => Some(row.record.id),
                    None => first_id(connection, golden)?,
                };
                ids.extend(id.map(|id| (golden, id)));
            }
            Ok(ids)
        })
    }

    /// Makes the golden records of the units on every core.
    fn made(
        &self,
        work: &Work,
        units: &[Unit],
        sources: &HashMap<RecordNumber, Salted>,
        known: &HashMap<RecordNumber, String>,
    ) -> Result<Vec<Vec<Made>>> {
        let clusters: Vec<&Cluster> = units.iter().flat_map(|unit| &unit.clusters).collect();
        let make = |portion: &[&Cluster]| -> Vec<Made> {
            let made = portion.iter();
            made.map(|cluster| self.make(work, cluster, sources, known))
                .collect()
        };
        let mut all = in_portions(&clusters, PORTION, make)?.into_iter().flatten();
        let of_unit = |unit: &Unit| all.by_ref().take(unit.clusters.len()).collect();
        Ok(units.iter().map(of_unit).collect())
    }

    fn make(
        &self,
        work: &Work,
        cluster: &Cluster,
        sources: &HashMap<RecordNumber, Salted>,
        known: &HashMap<RecordNumber, String>,
    ) -> Made {
        let members: Vec<&Salted> = (cluster.members.iter())
            .filter_map(|member| sources.get(member))
            .collect();
        let id = cluster.keeps.and_then(|keeps| known.get(&keeps));
        let made = golden(
            (self.stage, self.merge),
            self.context,
            &members,
            id.map(String::as_str),
        );
        match made {
            Err(refusal) => Made::refused(refusal),
            Ok(made) => {
                let mut reasons = work.reasons(cluster);
                if let Some(first) = reasons.first_mut() {
                    for (pointer, member) in made.won {
                        first
                            .place
                            .won
                            .entry(cut_pointer(&pointer, self.stage.redact()))
                            .or_insert(member);
                    }
                }
                let output = made.output;
                let has = match &self.cross {
                    Some(cross) => cross.has(&Outcome::Write(output.clone())),
                    None => Vec::new(),
                };
                Made {
                    codes: made.codes,
                    golden: Ok(ReadyGolden { output, has }),
                    reasons: rendered(reasons, warned(made.warned, self.stage)),
                }
            }
        }
    }

    fn place(
        &mut self,
        connection: &Connection,
        work: &Work,
        units: &[Unit],
        made: Vec<Vec<Made>>,
        sources: &HashMap<RecordNumber, Salted>,
        batch: &mut Batch,
    ) -> Result<()> {
        if let Some(cross) = &mut self.cross {
            cross.begin(connection, &self.target)?;
        }
        let before = |record: RecordNumber| RecordBefore {
            golden: work.earlier.golden(record),
            is_changed: work.earlier.is_changed(record),
        };
        let stands = |golden: RecordNumber| work.earlier.stands(golden);
        let mut placer = Placer {
            project: self.context.project,
            stage: self.stage,
            overwrites: self.overwrites,
            target: &self.target,
            connection,
            claims: &mut self.claims,
            kept: &self.kept,
            cross: self.cross.as_ref(),
            newest: &mut self.newest,
            batch,
            sources,
            before: &before,
            stands: &stands,
        };
        for (unit, made) in units.iter().zip(made) {
            let gone = unit.loose.iter().map(|loose| {
                let source = sources.get(&loose.record);
                gone(self.stage, self.context, loose.record, source)
            });
            placer.place(unit, made, gone.collect::<Result<_>>()?)?;
        }
        Ok(())
    }
}

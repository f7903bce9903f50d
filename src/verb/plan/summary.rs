//! The summary of a stage's trial: batches become counts, examples and an estimate.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use rusqlite::Connection;

use super::alike::Alike;
use super::merging::Merging;
use super::report::{Lint, OperationPlan, PassPlan, RefusalPlan, RefusedExample, StagePlan};
use super::sample::Sample;
use crate::context::Tally;
use crate::error::Result;
use crate::ledger::{AggregateOutcome, Batch, Change, Counts, Entry, EntryOutcome, Image, ImageKind, row_in};
use crate::op::Reversibility;
use crate::path::Path;
use crate::record::{Record, RecordNumber};
use crate::refusal::Refusal;
use crate::stage::Stage;
use crate::store::{Salted, Table};

/// Bytes of a row beside its content: its number, its lengths and its place on the page.
const ROW: u64 = 14;
/// The same for an entry of an index.
const INDEX_ENTRY: u64 = 10;
/// Bytes of an entry without a reason: its numbers and two hashes.
const ENTRY_BYTES: u64 = 88;
/// Bytes of a batch's row, and the unused end of its page.
const BATCH: u64 = 1_500;
/// Bytes of a pass and a run: their rows, and pages of tables that were empty.
const PASS: u64 = 4_096;
/// Approximate time that a commit waits for the disk.
const COMMIT: Duration = Duration::from_millis(4);

/// Summary of a stage's batches.
pub(super) struct StageSummary<'t> {
    stage: &'t Stage,
    redact: &'t [Path],
    most: usize,
    full: bool,
    counts: Counts,
    out: u64,
    warnings: BTreeMap<String, u64>,
    refusals: HashMap<String, RefusalPlan>,
    samples: Vec<Sample>,
    merging: Option<Merging<'t>>,
    aggregate: Option<AggregateOutcome>,
    images: (u64, u64),
    written: u64,
    batches: u64,
    indexed: u64,
}

impl<'t> StageSummary<'t> {
    pub(super) fn new(stage: &'t Stage, redact: &'t [Path], most: usize, full: bool) -> Self {
        Self {
            stage,
            redact,
            most,
            full,
            counts: Counts::default(),
            out: 0,
            warnings: BTreeMap::new(),
            refusals: HashMap::new(),
            samples: Vec::new(),
            merging: None,
            aggregate: stage.aggregate().map(|_| AggregateOutcome::default()),
            images: (0, 0),
            written: 0,
            batches: 0,
            indexed: 0,
        }
    }

    /// Also summarizes what becomes of golden records.
    pub(super) fn merging(mut self, merging: Option<Merging<'t>>) -> Self {
        self.merging = merging;
        self
    }

    /// Adds a batch before its changes are made.
    pub(super) fn add(&mut self, connection: &Connection, source: &Table, batch: &Batch) -> Result<()> {
        self.counts.add(&batch.counts);
        if let Some(merging) = &mut self.merging {
            merging.add(connection, source, batch)?;
        }
        if let (Some(aggregate), Some(body)) = (&mut self.aggregate, &batch.body) {
            aggregate.add_remark(body);
        }
        // Of the records that are merged into one, one changes its row.
        let came_out = |entry: &&Entry| match entry.outcome {
            EntryOutcome::Written => entry.after.is_some(),
            EntryOutcome::Merged => entry.after.is_some() && entry.before != entry.after,
            _ => false,
        };
        self.out += batch.entries.iter().filter(came_out).count() as u64;
        for (code, count) in &batch.warnings {
            *self.warnings.entry(code.clone()).or_default() += count;
        }
        self.weigh(batch);
        self.refused(batch);
        self.show(connection, source, batch)
    }

    fn weigh(&mut self, batch: &Batch) {
        self.batches += 1;
        for change in &batch.changes {
            match change {
                Change::Insert { id, data, .. } => {
                    self.written += (id.len() + data.len()) as u64 + ROW;
                    self.indexed += id.len() as u64 + INDEX_ENTRY;
                }
                Change::Update { data, .. } => self.written += data.len() as u64,
                Change::Delete { .. } => {}
            }
        }
        for entry in &batch.entries {
            let reason = entry.reason.as_ref().map_or(0, String::len);
            self.written += ENTRY_BYTES + reason as u64;
        }
        for record in &batch.records {
            let names = record.database.len() + record.id.as_ref().map_or(0, String::len);
            self.written += ROW + 16 + names as u64;
        }
        for image in &batch.images {
            let bytes = image.body.len() as u64;
            self.written += bytes + ROW;
            if image.kind != ImageKind::Refused {
                self.images = (self.images.0 + 1, self.images.1 + bytes);
            }
        }
    }

    fn refused(&mut self, batch: &Batch) {
        for entry in &batch.entries {
            let reason = entry
                .reason
                .as_ref()
                .filter(|_| entry.outcome == EntryOutcome::Refused);
            let Some(reason) = reason.and_then(|reason| serde_json::from_str::<Refusal>(reason).ok()) else {
                continue;
            };
            let group = self
                .refusals
                .entry(reason.code.to_string())
                .or_insert_with(|| RefusalPlan {
                    code: reason.code.to_string(),
                    records: 0,
                    preexisting: 0,
                    halting: 0,
                    examples: Vec::new(),
                    alike: None,
                });
            let image = || {
                let mut images = batch.images.iter();
                let is_its =
                    |image: &&Image| image.record == entry.record && image.kind == ImageKind::Refused;
                row_in(&images.find(is_its)?.body)
            };
            let reason = reason.cut_at(self.redact);
            let alike = Alike::from_reason(&reason);
            if group.records == 0 {
                group.alike = alike;
                // Names can be redacted values.
                if let Some(alike) = group.alike.as_mut().filter(|_| self.redact.is_empty()) {
                    alike.names = image().map(|(_, data)| alike.names_in(&data)).unwrap_or_default();
                }
            } else if !matches!((&group.alike, &alike), (Some(first), Some(other)) if first.is_at(other)) {
                group.alike = None;
            }
            group.records += 1;
            let before = reason.violations.iter().all(|violation| violation.preexisting);
            group.preexisting += u64::from(before && !reason.violations.is_empty());
            group.halting += u64::from(reason.halts);
            if group.examples.len() < self.most {
                let id = image().map_or_else(String::new, |(id, _)| id);
                group.examples.push(RefusedExample { id, reason });
            }
        }
    }

    /// Returns the row of a window before the pass; nothing but its id for a new one.
    fn as_it_stands(
        &self,
        connection: &Connection,
        number: RecordNumber,
        new: Option<(&str, &str)>,
    ) -> Result<Salted> {
        let target = Table::from_name(self.stage.target())?;
        let row = target.by_number(connection, number)?;
        Ok(row.unwrap_or_else(|| Salted {
            record: Record {
                number,
                id: new.map_or("", |(id, _)| id).to_owned(),
                data: "{}".to_owned(),
            },
            salt: None,
        }))
    }

    fn show(&mut self, connection: &Connection, source: &Table, batch: &Batch) -> Result<()> {
        let writes = batch.entries.iter().filter(|entry| {
            let is_written = matches!(entry.outcome, EntryOutcome::Written | EntryOutcome::Merged);
            is_written && entry.after.is_some() && entry.before != entry.after
        });
        // What is merged says more than what stays alone.
        let (merged, others): (Vec<&Entry>, Vec<&Entry>) =
            writes.partition(|entry| entry.outcome == EntryOutcome::Merged);
        for entry in merged.into_iter().chain(others) {
            if self.samples.len() >= self.most {
                break;
            }
            let number = entry.target.unwrap_or(entry.record);
            let new = batch.changes.iter().find_map(|change| match change {
                Change::Insert { record, id, data } | Change::Update { record, id, data }
                    if *record == number =>
                {
                    Some((id.as_str(), data.as_str()))
                }
                _ => None,
            });
            let old = match self.aggregate {
                Some(_) => Some(self.as_it_stands(connection, number, new)?),
                None => source.by_number(connection, entry.record)?,
            };
            if let (Some(new), Some(old)) = (new, old) {
                let old = (old.record.id.as_str(), old.record.data.as_str());
                let mut sample = Sample::new(old, new, self.redact, self.full)?;
                if let Some(merging) = &self.merging {
                    merging.complete(&mut sample, entry, batch);
                }
                self.samples.push(sample);
            }
        }
        Ok(())
    }

    /// Returns the plan of the stage: it would read `records`, the tried ones had `bytes` in the source, and the trial
    /// took `took`.
    pub(super) fn finish(
        self,
        passes: Vec<PassPlan>,
        tally: &Tally,
        bytes: u64,
        took: Duration,
    ) -> StagePlan {
        let records = passes.iter().map(|pass| pass.records).sum();
        let mut refusals: Vec<RefusalPlan> = self.refusals.into_values().collect();
        refusals.sort_by(|left, right| (right.records, &left.code).cmp(&(left.records, &right.code)));
        let old = if self.stage.in_place() { bytes } else { 0 };
        let of_rows = (self.written + self.indexed).saturating_sub(old.min(self.written));
        let whole = |tried: u64| scaled(tried, records, self.counts.read);
        let batches = whole(self.batches).max(1);
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let commits = batches.saturating_mul(u64::try_from(COMMIT.as_micros()).unwrap_or(0));
        StagePlan {
            stage: self.stage.number(),
            slug: self.stage.slug().to_owned(),
            source: self.stage.source().to_owned(),
            target: self.stage.target().to_owned(),
            records,
            counts: self.counts,
            out: self.out,
            warnings: self.warnings,
            operations: operations(self.stage, tally),
            refusals,
            samples: self.samples,
            merge: self.merging.map(|merging| merging.finish(&self.counts)),
            aggregate: self.aggregate,
            images: self.images.0,
            image_bytes: self.images.1,
            growth: whole(of_rows) + batches * BATCH + passes.len() as u64 * PASS,
            estimated_us: whole(took).saturating_add(commits),
            lints: lints(self.stage),
            halted: 0,
            stops: None,
            held_back_by: None,
            passes,
        }
    }
}

/// Scales an amount from the tried records to all of them.
pub(super) fn scaled(amount: u64, all: u64, tried: u64) -> u64 {
    if tried == 0 || tried >= all {
        return amount;
    }
    u64::try_from(u128::from(amount) * u128::from(all) / u128::from(tried)).unwrap_or(u64::MAX)
}

fn operations(stage: &Stage, tally: &Tally) -> Vec<OperationPlan> {
    let ops = stage.ops().iter().zip(tally.counted()).enumerate();
    ops.map(|(at, (op, tallied))| OperationPlan {
        op: op.name(),
        place: stage.op_place(at).map(|place| place.to_string()),
        reversibility: match op.reversibility() {
            Reversibility::Exact => "exact",
            Reversibility::Image => "image",
            Reversibility::Lossy => "lossy",
        },
        tallied,
    })
    .collect()
}

fn lints(stage: &Stage) -> Vec<Lint> {
    let problems = stage.check().into_iter();
    problems
        .map(|problem| Lint {
            code: problem.code,
            place: problem.place.map(|place| place.to_string()),
            message: problem.message,
            help: problem.help,
        })
        .collect()
}

//! The reading thread of a pass: read a batch, transform it, place the results.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::ahead::Ahead;
use super::claims::Claims;
use super::cross::Cross;
use super::decide::Decision;
use super::item::{Found, Item, Numbers, PlannedRows};
use super::place::Placer;
use crate::context::Context;
use crate::contract::{Broken, Has, Mode};
use crate::error::Result;
use crate::expression::Scope;
use crate::ledger::places::KeptPlaces;
use crate::ledger::selection::Selection;
use crate::ledger::{Batch, RECORD_BYTES, Shape, Step};
use crate::pipeline::{BATCH_BYTES, Producer, Reader, in_portions};
use crate::record::RecordSet;
use crate::refusal::{Refusal, Violation};
use crate::stage::{Outcome, Stage};
use crate::store::{Salted, Table};

/// Makes the batches of a pass of a stage.
pub(crate) struct Transforming<'a> {
    pub(crate) stage: &'a Stage,
    /// The facts of the pass, without a record.
    pub(crate) context: Context<'a>,
    pub(crate) source: Table,
    pub(crate) target: Table,
    pub(crate) selection: Selection,
    pub(crate) batch_size: usize,
    /// Only this pass writes to the target, under ids that are already unique: nothing needs to be looked up.
    pub(crate) alone: bool,
    /// What the target may hold for its records.
    pub(crate) found: Found,
    /// Whose numbers its records have in the target.
    pub(crate) numbers: Numbers,
    /// What the first batch does to the target's table.
    pub(crate) shape: Vec<Shape>,
    /// The newest record number given out.
    pub(crate) newest: i64,
    pub(crate) claims: Claims,
    /// The rules over more than one record, where the stage has any.
    pub(crate) cross: Option<Cross<'a>>,
    /// What has happened to records of the source that is not in the ledger, because it is only planned: what was refused
    /// in place before that does not count any more.
    pub(crate) planned: RecordSet,
    /// Rows that the pass has taken out of a database in place, and whose records it has not come to yet.
    pub(crate) set_aside: BTreeMap<i64, Salted>,
    /// Of rows that are only planned: whose they are.
    pub(crate) planned_rows: PlannedRows,
    /// The ids whose records a later stage in place has refused.
    pub(crate) kept: KeptPlaces,
    /// No row in the target can belong to a record that this pass comes to later, nor to a later stage.
    pub(crate) comes_last: bool,
    /// The bytes of the records that were read.
    pub(crate) bytes: u64,
}

impl Producer for Transforming<'_> {
    fn next(&mut self, reader: &Reader) -> Result<Option<Batch>> {
        self.claims.forget_committed();
        let mut items = reader.read(|connection| self.items(connection))?;
        if items.is_empty() && self.shape.is_empty() {
            return Ok(None);
        }
        let mut batch = Batch::new(Step::Data);
        let results = if self.stage.derives() {
            self.transform_within(&mut items, &mut batch.warnings)?
        } else {
            self.transform_all(&items, &mut batch.warnings)?
        };
        batch.shape = std::mem::take(&mut self.shape);
        self.claims.begin_batch();
        if self.alone && self.cross.is_none() {
            self.place(None, items, results, &mut batch)?;
        } else {
            reader.read(|connection| self.place(Some(connection), items, results, &mut batch))?;
        }
        Ok(Some(batch))
    }
}

/// What became of one record.
pub(crate) struct Transformed {
    pub(crate) result: Result<Outcome, Refusal>,
    /// What the stage warned of, by code.
    codes: Vec<String>,
    /// What it has to do with rules over more than one record.
    has: Vec<Has>,
    /// Whether it becomes several.
    is_derived: bool,
    /// What is wrong with it that is only warned of.
    warned: Vec<Violation>,
}

/// What became of some records, and how often the stage warned, by code.
type Portion = (Vec<Transformed>, BTreeMap<String, u64>);

/// So many bytes are written in one batch, where a record becomes several.
const WRITTEN_BYTES: usize = BATCH_BYTES;
/// So many records tell what the others of a batch may become.
const FIRST: usize = 4;
/// So many records are transformed in one go.
const PORTION: usize = 250;

impl Transforming<'_> {
    /// Transforms a batch on every core: expressions and contracts cost more than all the rest. A transformation is pure,
    /// so that the results, in the order of the records, do not depend on who made them. Where a record becomes several, the
    /// results end with the portion that made as much as may be written together.
    fn transform_all(
        &self,
        items: &[Item],
        warnings: &mut BTreeMap<String, u64>,
    ) -> Result<Vec<Transformed>> {
        let done = in_portions(items, PORTION, |portion| self.transform_portion(portion))?;
        let mut results = Vec::with_capacity(items.len());
        for ((portion, warned), wanted) in done.into_iter().zip(items.chunks(PORTION)) {
            let is_whole = portion.len() == wanted.len();
            results.extend(portion);
            for (code, count) in warned {
                *warnings.entry(code).or_default() += count;
            }
            if !is_whole {
                break;
            }
        }
        Ok(results)
    }

    /// Transforms as many records of a batch as make so much that it may be written together; the others are left to the
    /// next one. What a record becomes is only known then.
    fn transform_within(
        &mut self,
        items: &mut Vec<Item>,
        warnings: &mut BTreeMap<String, u64>,
    ) -> Result<Vec<Transformed>> {
        let (mut results, mut written) = (Vec::new(), 0);
        while results.len() < items.len() && written < WRITTEN_BYTES {
            // As many as there is room for, by what those before have become.
            let each = (written / results.len().max(1)).max(1);
            let room = if results.is_empty() {
                FIRST
            } else {
                // But no more than a few times what they were: those to come may be larger.
                ((WRITTEN_BYTES - written) / each).clamp(1, 4 * results.len())
            };
            let wave = &items[results.len()..items.len().min(results.len() + room)];
            let made = self.transform_all(wave, warnings)?;
            written += made.iter().map(Transformed::written).sum::<usize>();
            results.extend(made);
        }
        self.unread(&items.split_off(results.len()));
        Ok(results)
    }

    fn transform_portion(&self, items: &[Item]) -> Portion {
        let (mut results, mut warnings) = (Vec::with_capacity(items.len()), BTreeMap::new());
        let (derives, mut written) = (self.stage.derives(), 0);
        for item in items {
            if derives && written >= WRITTEN_BYTES {
                break;
            }
            let transformed = transform(self.stage, self.context, self.cross.as_ref(), item);
            for code in &transformed.codes {
                *warnings.entry(code.clone()).or_default() += 1;
            }
            written += transformed.written();
            results.push(transformed);
        }
        (results, warnings)
    }

    fn place(
        &mut self,
        lookup: Option<&Connection>,
        items: Vec<Item>,
        results: Vec<Transformed>,
        batch: &mut Batch,
    ) -> Result<()> {
        let (stage, table) = (self.stage, &self.target);
        let cross = match (&mut self.cross, lookup) {
            (Some(cross), Some(connection)) => {
                cross.begin(connection, table)?;
                Some((&*cross, connection))
            }
            _ => None,
        };
        let numbers: Vec<i64> = items.iter().map(|item| item.number).collect();
        let mut results: Vec<Option<Transformed>> = results.into_iter().map(Some).collect();
        let mut placer = Placer {
            stage,
            table,
            lookup: lookup.filter(|_| !self.alone),
            claims: &mut self.claims,
            shares_numbers: self.numbers == Numbers::Shared,
            newest: &mut self.newest,
            batch,
            warned: None,
            set_aside: Vec::new(),
            kept: &mut self.kept,
        };
        for (at, mut item) in items.into_iter().enumerate() {
            let Some(mut transformed) = results[at].take() else {
                continue;
            };
            if let Some(aside) = self.set_aside.remove(&item.number) {
                item.is_set_aside(aside);
            }
            placer.refresh(&mut item);
            let ahead = Ahead {
                stage,
                context: self.context,
                source: &self.source,
                planned: &self.planned,
                numbers: &numbers,
                results: &results,
                selection: &self.selection,
                comes_last: self.comes_last,
                planned_rows: &self.planned_rows,
            };
            let mut decision = placer.decide(&item, transformed.outcome(), &ahead)?;
            if let Some((cross, connection)) = cross {
                let broken = cross.broken(connection, &item, transformed.parts(), &decision.displaced())?;
                if let Some(refusal) = transformed.broke(broken, placer.batch) {
                    decision = Decision::Refuse(refusal);
                }
            }
            let back = cross.and_then(|(cross, _)| cross.comes_back(&item));
            placer.warned = transformed.reason(stage);
            let before = placer.batch.entries.len();
            placer.place(&item, decision)?;
            for aside in std::mem::take(&mut placer.set_aside) {
                self.set_aside.extend(aside.into_salted());
            }
            if let Some((cross, connection)) = cross {
                let entries = &placer.batch.entries[before..];
                cross.placed(connection, entries, &transformed.has, back.as_ref())?;
            }
        }
        Ok(())
    }
}

/// What a stage makes of one record. Pure.
pub(crate) fn transform(
    stage: &Stage,
    context: Context<'_>,
    cross: Option<&Cross<'_>>,
    item: &Item,
) -> Transformed {
    let Some(source) = &item.source else {
        return Transformed {
            result: Ok(Outcome::filter("source.deleted")),
            codes: Vec::new(),
            has: Vec::new(),
            is_derived: false,
            warned: Vec::new(),
        };
    };
    let mut scope = Scope::new(Context {
        id: &source.record.id,
        salt: source.salt,
        ..context
    });
    let result = stage.transform_in(&source.record, &mut scope);
    let has = match (cross, &result) {
        (Some(cross), Ok(outcome)) => cross.has(outcome),
        _ => Vec::new(),
    };
    Transformed {
        is_derived: matches!(result, Ok(Outcome::Derive(_))),
        result,
        codes: scope.warnings().iter().map(ToString::to_string).collect(),
        has,
        warned: scope.broken().to_vec(),
    }
}

impl Transformed {
    /// What it has to do with rules over more than one record, and whether that is told of parts.
    fn parts(&self) -> (&[Has], bool) {
        (&self.has, self.is_derived)
    }

    /// How many bytes its records are in memory until they are written, roughly.
    fn written(&self) -> usize {
        match &self.result {
            Ok(Outcome::Derive(outputs)) => outputs
                .iter()
                .map(|output| output.data.len() + RECORD_BYTES)
                .sum(),
            Ok(Outcome::Write(output)) => output.data.len(),
            _ => 0,
        }
    }

    /// Takes the result out.
    fn outcome(&mut self) -> Result<Outcome, Refusal> {
        std::mem::replace(&mut self.result, Ok(Outcome::filter("placed")))
    }

    /// Takes note of rules over more than one record that it breaks; the refusal where they are enforced.
    fn broke(&mut self, broken: Vec<Broken>, batch: &mut Batch) -> Option<Refusal> {
        let (warned, enforced): (Vec<_>, Vec<_>) =
            broken.into_iter().partition(|broken| broken.mode == Mode::Warn);
        if let Some(first) = enforced.first() {
            return Some(Refusal {
                code: first.violation.code.clone(),
                halts: enforced.iter().any(|broken| broken.mode == Mode::Refuse),
                violations: enforced.into_iter().map(|broken| broken.violation).collect(),
                line: None,
                last_line: None,
                holder: None,
            });
        }
        for broken in warned {
            *batch
                .warnings
                .entry(broken.violation.code.to_string())
                .or_default() += 1;
            self.warned.push(broken.violation);
        }
        None
    }

    /// What stands in the entry of a record that is written though it breaks a contract.
    fn reason(&mut self, stage: &Stage) -> Option<String> {
        let violations = std::mem::take(&mut self.warned);
        let warned = Refusal {
            code: "contract.warned".into(),
            violations,
            line: None,
            last_line: None,
            halts: false,
            holder: None,
        };
        (!warned.violations.is_empty()).then(|| warned.cut_at(stage.redact()).to_json())
    }
}

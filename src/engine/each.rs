//! The batches of a stage that processes each record separately: read some, transform them, place the results.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::ahead::Ahead;
use super::claims::Claims;
use super::cores::in_portions;
use super::fate::Decision;
use super::foreseen::Foreseen;
use super::item::{Item, Numbering, TargetState};
use super::items::Items;
use super::lookups::Answers;
use super::pass::Pass;
use super::pipeline::{BATCH_BYTES, Producer};
use super::place::Placer;
use super::prepared::PreparedTarget;
use super::reader::ReadConnection;
use super::set_rules::SetRules;
use super::transformed::{Transformed, transform};
use crate::context::Context;
use crate::error::Result;
use crate::ledger::places::{self, KeptPlaces};
use crate::ledger::read::{LedgerTable, largest};
use crate::ledger::selection::RecordSelection;
use crate::ledger::{Batch, BatchKind, PassKind, TableChange, whole_record};
use crate::record::RecordNumber;
use crate::stage::Stage;
use crate::store::{Salted, Table};

/// Makes the batches of a pass of a stage.
pub(crate) struct StageProducer<'a> {
    stage: &'a Stage,
    /// The facts of the pass, without a record.
    context: Context<'a>,
    /// What the stage looks up in other databases; `None` if it looks up nothing.
    answers: Option<Answers>,
    items: Items<'a>,
    /// Changes of the target's table by the first batch.
    shape: Vec<TableChange>,
    /// Newest record number given out.
    newest: RecordNumber,
    claims: Claims,
    /// The rules over more than one record, if the stage has any.
    cross: Option<SetRules<'a>>,
    /// The ids whose records a later stage in place refused.
    kept: KeptPlaces,
    /// Whether no row in the target can belong to a record that this pass reaches later, or to a later stage.
    comes_last: bool,
}

/// The starting point of a pass of a stage that begins or continues.
pub(crate) struct Beginning<'a> {
    pub(crate) stage: &'a Stage,
    /// The facts of the pass, without a record.
    pub(crate) context: Context<'a>,
    /// Records that it still has to read.
    pub(crate) selection: RecordSelection,
    /// State in which it finds its target.
    pub(crate) prepared: PreparedTarget,
    /// Results of the plan so far.
    pub(crate) foreseen: Foreseen,
    /// Whether a merge overwrites what a person has changed in a golden record.
    pub(crate) overwrites: bool,
    /// Maximum number of records in a batch.
    pub(crate) batch_size: usize,
}

impl<'a> StageProducer<'a> {
    /// Reads the state in which the pass finds its databases.
    pub(crate) fn begin(connection: &Connection, pass: &Pass, beginning: Beginning<'a>) -> Result<Self> {
        let Beginning {
            stage,
            context,
            selection,
            prepared,
            foreseen,
            batch_size,
            overwrites: _,
        } = beginning;
        let (source, target) = (
            Table::from_name(stage.source())?,
            Table::from_name(stage.target())?,
        );
        let mut kept = KeptPlaces::default();
        if !prepared.alone && !stage.in_place() {
            kept = places::kept(connection, &target)?;
            foreseen.keep(connection, &mut kept)?;
        }
        let is_repeated = pass.row.after_batch.is_some() || pass.row.kind != PassKind::Apply;
        let newest = match foreseen.newest {
            Some(newest) => newest,
            None => largest(connection, LedgerTable::Record)?,
        };
        Ok(Self {
            stage,
            context,
            answers: Answers::of(stage).map(|answers| answers.planned(foreseen.members)),
            shape: prepared.shape,
            newest,
            claims: Claims::default(),
            cross: SetRules::new(stage, context),
            kept,
            comes_last: prepared.comes_last && !foreseen.is_beyond,
            items: Items {
                project: context.project,
                stage,
                source,
                selection,
                batch_size: batch_size.max(1),
                alone: prepared.alone,
                found: TargetState::new(is_repeated, !target.is_empty(connection)?),
                target,
                numbers: Numbering::shared(prepared.shares_numbers),
                planned: foreseen.settled,
                planned_rows: foreseen.rows,
                set_aside: set_aside(connection, stage, pass)?,
                bytes: 0,
            },
        })
    }

    /// Returns the newest record number that was given out.
    pub(crate) fn newest(&self) -> RecordNumber {
        self.newest
    }

    /// Returns the number of bytes of the records that were read.
    pub(crate) fn bytes(&self) -> u64 {
        self.items.bytes
    }
}

/// Returns the rows that an interrupted pass in place has set aside; none for a pass that only begins.
fn set_aside(connection: &Connection, stage: &Stage, pass: &Pass) -> Result<BTreeMap<RecordNumber, Salted>> {
    let mut aside = BTreeMap::new();
    if pass.begins() || !stage.in_place() {
        return Ok(aside);
    }
    for (number, salt, body) in places::set_aside(connection, pass.row.pass)? {
        let record = whole_record(number, &body)?;
        let salt = Some(salt);
        aside.insert(number, Salted { record, salt });
    }
    Ok(aside)
}

impl Producer for StageProducer<'_> {
    fn next(&mut self, reader: &ReadConnection) -> Result<Option<Batch>> {
        self.claims.forget_committed();
        let mut items = reader.read(|connection| self.items.next(connection, &self.claims))?;
        if items.is_empty() && self.shape.is_empty() {
            return Ok(None);
        }
        let mut batch = Batch::new(BatchKind::Data);
        if let Some(answers) = &self.answers {
            answers.limit();
        }
        let results = if self.stage.derives() {
            self.transform_within(reader, &mut items, &mut batch.warnings)?
        } else {
            self.transform_all(reader, &items, &mut batch.warnings)?
        };
        batch.shape = std::mem::take(&mut self.shape);
        self.claims.begin_batch();
        if self.items.alone && self.cross.is_none() {
            self.place(None, items, results, &mut batch)?;
        } else {
            reader.read(|connection| self.place(Some(connection), items, results, &mut batch))?;
        }
        Ok(Some(batch))
    }
}

/// The outcomes of some records, and the number of the stage's warnings by code.
type Portion = (Vec<Transformed>, BTreeMap<String, u64>);

/// Maximum number of bytes written in one batch, if a record becomes several.
const WRITTEN_BYTES: usize = BATCH_BYTES;
/// Number of records from which the size of a batch's other results is estimated.
const FIRST: usize = 4;
/// Number of records that are transformed at a time.
const PORTION: usize = 250;

impl StageProducer<'_> {
    /// Transforms a batch on every core: expressions and contracts cost more than everything else. A transformation is
    /// pure, so the results, in the order of the records, do not depend on which core made them. If a record becomes
    /// several, the results end with the portion that reached the limit of what is written together.
    fn transform_all(
        &self,
        reader: &ReadConnection,
        items: &[Item],
        warnings: &mut BTreeMap<String, u64>,
    ) -> Result<Vec<Transformed>> {
        self.ask(reader, items)?;
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

    /// Reads all that the records look up, which is known only once they are transformed: what one look-up finds may
    /// decide what is looked up next.
    fn ask(&self, reader: &ReadConnection, items: &[Item]) -> Result<()> {
        let Some(answers) = &self.answers else {
            return Ok(());
        };
        let context = Context {
            // What is counted is counted once.
            probe: None,
            ..self.context
        };
        let mut asking: Vec<&Item> = items.iter().collect();
        loop {
            let is_unread =
                |item: &&&Item| transform(self.stage, context, None, Some(answers), item).is_unread;
            let unread = in_portions(&asking, PORTION, |portion| {
                portion.iter().filter(is_unread).copied().collect::<Vec<_>>()
            })?;
            asking = unread.into_iter().flatten().collect();
            if asking.is_empty() {
                return Ok(());
            }
            reader.read(|connection| answers.read(connection))?;
        }
    }

    /// Transforms as many records of a batch as may be written together; the others are left to the next one. The size
    /// of a record's results is known only after its transformation.
    fn transform_within(
        &mut self,
        reader: &ReadConnection,
        items: &mut Vec<Item>,
        warnings: &mut BTreeMap<String, u64>,
    ) -> Result<Vec<Transformed>> {
        let (mut results, mut written) = (Vec::new(), 0);
        while results.len() < items.len() && written < WRITTEN_BYTES {
            // As many as there is room for, estimated from the previous results.
            let each = (written / results.len().max(1)).max(1);
            let room = if results.is_empty() {
                FIRST
            } else {
                // But only a few times as many as before: the next ones may be larger.
                ((WRITTEN_BYTES - written) / each).clamp(1, 4 * results.len())
            };
            let wave = &items[results.len()..items.len().min(results.len() + room)];
            let made = self.transform_all(reader, wave, warnings)?;
            written += made.iter().map(Transformed::written).sum::<usize>();
            results.extend(made);
        }
        self.items.unread(&items.split_off(results.len()));
        Ok(results)
    }

    fn transform_portion(&self, items: &[Item]) -> Portion {
        let (mut results, mut warnings) = (Vec::with_capacity(items.len()), BTreeMap::new());
        let (derives, mut written) = (self.stage.derives(), 0);
        for item in items {
            if derives && written >= WRITTEN_BYTES {
                break;
            }
            let transformed = transform(
                self.stage,
                self.context,
                self.cross.as_ref(),
                self.answers.as_ref(),
                item,
            );
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
        let stage = self.stage;
        let cross = match (&mut self.cross, lookup) {
            (Some(cross), Some(connection)) => {
                cross.begin(connection, &self.items.target)?;
                Some((&*cross, connection))
            }
            _ => None,
        };
        let numbers: Vec<RecordNumber> = items.iter().map(|item| item.number).collect();
        let mut results: Vec<Option<Transformed>> = results.into_iter().map(Some).collect();
        let mut placer = Placer {
            stage,
            table: &self.items.target,
            lookup: lookup.filter(|_| !self.items.alone),
            claims: &mut self.claims,
            shares_numbers: self.items.numbers == Numbering::Shared,
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
            if let Some(aside) = self.items.set_aside.remove(&item.number) {
                item.is_set_aside(aside);
            }
            placer.refresh(&mut item);
            let ahead = Ahead {
                stage,
                context: self.context,
                answers: self.answers.as_ref(),
                items: &self.items,
                numbers: &numbers,
                results: &results,
                comes_last: self.comes_last,
            };
            let mut decision = placer.arbiter().decide(&item, transformed.outcome(), &ahead)?;
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
            placer.used(before, &item, &transformed.uses)?;
            for aside in std::mem::take(&mut placer.set_aside) {
                self.items.set_aside.extend(aside.into_salted());
            }
            if let Some((cross, connection)) = cross {
                let entries = &placer.batch.entries[before..];
                cross.placed(connection, entries, &transformed.has, back.as_ref())?;
            }
        }
        Ok(())
    }
}

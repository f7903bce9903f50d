//! The reading thread of a pass: read a batch, transform it, place the results.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::claims::Claims;
use super::cross::Cross;
use super::place::{Item, Placer, Standing};
use super::select::Selection;
use crate::context::Context;
use crate::contract::{Broken, Has, Mode};
use crate::error::{Error, Result};
use crate::expression::Scope;
use crate::ledger::read::{newest_of_stage, refused_image, salt};
use crate::ledger::{Batch, Shape, Step, split_whole};
use crate::pipeline::{BATCH_BYTES, Producer, Reader, in_portions};
use crate::record::Record;
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
    /// Earlier passes of the stage may have written for the same records.
    pub(crate) repeated: bool,
    /// What the first batch does to the target's table.
    pub(crate) shape: Vec<Shape>,
    /// The newest record number given out.
    pub(crate) newest: i64,
    pub(crate) claims: Claims,
    /// The rules over more than one record, where the stage has any.
    pub(crate) cross: Option<Cross<'a>>,
    /// What has happened to records of the source that is not in the ledger, because it is only planned: what was refused
    /// in place before that does not count any more.
    pub(crate) planned: BTreeSet<i64>,
    /// The bytes of the records that were read.
    pub(crate) bytes: u64,
}

impl Producer for Transforming<'_> {
    fn next(&mut self, reader: &Reader) -> Result<Option<Batch>> {
        let items = reader.read(|connection| self.items(connection))?;
        if items.is_empty() && self.shape.is_empty() {
            return Ok(None);
        }
        let mut batch = Batch::new(Step::Data);
        let results = self.transform_all(&items, &mut batch.warnings)?;
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
    /// What it has to do with rules over more than one record.
    has: Vec<Has>,
    /// What is wrong with it that is only warned of.
    warned: Vec<Violation>,
}

/// What became of some records, and how often the stage warned, by code.
type Portion = (Vec<Transformed>, BTreeMap<String, u64>);

/// So many records are transformed in one go.
const PORTION: usize = 250;

impl Transforming<'_> {
    /// Transforms a batch on every core: expressions and contracts cost more than all the rest. A transformation is pure,
    /// so that the results, in the order of the records, do not depend on who made them.
    fn transform_all(
        &self,
        items: &[Item],
        warnings: &mut BTreeMap<String, u64>,
    ) -> Result<Vec<Transformed>> {
        let done = in_portions(items, PORTION, |portion| self.transform_portion(portion))?;
        let mut results = Vec::with_capacity(items.len());
        for (portion, warned) in done {
            results.extend(portion);
            for (code, count) in warned {
                *warnings.entry(code).or_default() += count;
            }
        }
        Ok(results)
    }

    fn transform_portion(&self, items: &[Item]) -> Portion {
        let mut warnings = BTreeMap::new();
        let results = items.iter().map(|item| self.transform(item, &mut warnings));
        (results.collect(), warnings)
    }

    fn transform(&self, item: &Item, warnings: &mut BTreeMap<String, u64>) -> Transformed {
        let Some(source) = &item.source else {
            return Transformed {
                result: Ok(Outcome::filter("source.deleted")),
                has: Vec::new(),
                warned: Vec::new(),
            };
        };
        let mut scope = Scope::new(Context {
            id: &source.record.id,
            ..self.context
        });
        let result = self.stage.transform_in(&source.record, &mut scope);
        for code in scope.warnings() {
            *warnings.entry(code.to_string()).or_default() += 1;
        }
        let has = match (&self.cross, &result) {
            (Some(cross), Ok(outcome)) => cross.has(outcome),
            _ => Vec::new(),
        };
        Transformed {
            result,
            has,
            warned: scope.broken().to_vec(),
        }
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
        let mut placer = Placer {
            stage,
            table,
            lookup: lookup.filter(|_| !self.alone),
            claims: &mut self.claims,
            newest: &mut self.newest,
            batch,
            warned: None,
        };
        for (item, mut transformed) in items.into_iter().zip(results) {
            if let Some((cross, connection)) = cross {
                let replaced = placer.replaced(&item, &transformed.result)?;
                let broken = cross.broken(connection, &item, &transformed.has, &replaced)?;
                transformed.broke(broken, placer.batch);
            }
            let back = cross.and_then(|(cross, _)| cross.comes_back(&item));
            placer.warned = transformed.reason(stage);
            let before = placer.batch.entries.len();
            placer.place(item, transformed.result)?;
            if let Some((cross, connection)) = cross {
                cross.placed(
                    connection,
                    &placer.batch.entries[before..],
                    &transformed.has,
                    back.as_ref(),
                )?;
            }
        }
        Ok(())
    }

    /// The next batch of source records, with what the target holds for them.
    fn items(&mut self, connection: &Connection) -> Result<Vec<Item>> {
        let mut items = match &mut self.selection {
            Selection::Table { after } => {
                let found = self
                    .source
                    .after(connection, *after, self.batch_size, BATCH_BYTES)?;
                *after = found.last().map_or(*after, |last| last.record.record);
                found.into_iter().map(Item::present).collect()
            }
            Selection::List { records, read } => {
                let (mut items, mut size) = (Vec::new(), 0);
                while *read < records.len() && items.len() < self.batch_size && size < BATCH_BYTES {
                    let number = records[*read];
                    *read += 1;
                    let of = (self.context.project, self.stage);
                    let item = listed(connection, of, &self.source, &self.planned, number)?;
                    size += item.source.as_ref().map_or(0, |source| source.record.data.len());
                    items.push(item);
                }
                items
            }
        };
        let length = |item: &Item| {
            item.source
                .as_ref()
                .map_or(0, |source| source.record.data.len() as u64)
        };
        self.bytes += items.iter().map(length).sum::<u64>();
        if !self.alone {
            for item in &mut items {
                item.standing = self.standing(connection, item)?;
            }
        }
        Ok(items)
    }

    /// What the target holds for a source record: in place the record itself; in a copy the row of the same number, or
    /// those that an earlier pass of the stage wrote for it.
    fn standing(&self, connection: &Connection, item: &Item) -> Result<Vec<Standing>> {
        let number = item.number;
        if self.stage.in_place() {
            let own = item
                .source
                .clone()
                .and_then(|source| Some((source.salt?, source.record)));
            return Ok(own
                .map(|(salt, row)| Standing {
                    part: 0,
                    target: number,
                    salt,
                    row: item.present.then_some(row),
                })
                .into_iter()
                .collect());
        }
        let earlier = if self.repeated {
            newest_of_stage(connection, self.context.project, self.stage.number(), number)?
        } else {
            Vec::new()
        };
        let homes = earlier
            .iter()
            .filter(|stub| stub.entry.part > 0 || stub.entry.target.is_some())
            .filter(|stub| !Standing::is_replaced(&stub.entry));
        let mut homes: Vec<(i64, i64)> = homes
            .map(|stub| (stub.entry.part, stub.entry.target.unwrap_or(number)))
            .collect();
        if homes.is_empty() && !self.stage.derives() {
            homes.push((0, number));
        }
        let mut standing = Vec::with_capacity(homes.len());
        for (part, target) in homes {
            if let Some(on_the_way) = self.claims.row(target) {
                standing.push(Standing {
                    part,
                    ..on_the_way.clone()
                });
            } else if let Some(salt) = salt(connection, target)? {
                let row = self
                    .target
                    .by_number(connection, target)?
                    .map(|found| found.record);
                standing.push(Standing {
                    part,
                    target,
                    salt,
                    row,
                });
            }
        }
        Ok(standing)
    }
}

impl Transformed {
    /// Takes note of rules over more than one record that it breaks.
    fn broke(&mut self, broken: Vec<Broken>, batch: &mut Batch) {
        let (warned, enforced): (Vec<_>, Vec<_>) =
            broken.into_iter().partition(|broken| broken.mode == Mode::Warn);
        if let Some(first) = enforced.first() {
            self.result = Err(Refusal {
                code: first.violation.code.clone(),
                halts: enforced.iter().any(|broken| broken.mode == Mode::Refuse),
                violations: enforced.into_iter().map(|broken| broken.violation).collect(),
                line: None,
            });
            return;
        }
        for broken in warned {
            *batch
                .warnings
                .entry(broken.violation.code.to_string())
                .or_default() += 1;
            self.warned.push(broken.violation);
        }
    }

    /// What stands in the stub of a record that is written though it breaks a contract.
    fn reason(&mut self, stage: &Stage) -> Option<String> {
        let violations = std::mem::take(&mut self.warned);
        let warned = Refusal {
            code: "contract.warned".into(),
            violations,
            line: None,
            halts: false,
        };
        (!warned.violations.is_empty()).then(|| warned.cut_at(stage.redact()).to_json())
    }
}

/// A record of a list: from the source, or where a stage in place had refused it, from its image; without a source
/// where it was deleted since.
fn listed(
    connection: &Connection,
    (project, stage): (&str, &Stage),
    source: &Table,
    planned: &BTreeSet<i64>,
    number: i64,
) -> Result<Item> {
    if let Some(found) = source.by_number(connection, number)? {
        return Ok(Item::present(found));
    }
    let image = if stage.in_place() && !planned.contains(&number) {
        refused_image(connection, (project, stage.number()), stage.source(), number)?
    } else {
        None
    };
    let source = match image {
        None => None,
        Some(body) => {
            let (id, data) = split_whole(&body).ok_or_else(|| Error::Damaged {
                what: format!("the image of record {number} is no record"),
            })?;
            let record = Record {
                record: number,
                id: id.to_owned(),
                data: data.to_owned(),
            };
            let salt = salt(connection, number)?;
            Some(Salted { record, salt })
        }
    };
    Ok(Item {
        number,
        source,
        present: false,
        standing: Vec::new(),
    })
}

impl Item {
    fn present(source: Salted) -> Self {
        Self {
            number: source.record.record,
            source: Some(source),
            present: true,
            standing: Vec::new(),
        }
    }
}

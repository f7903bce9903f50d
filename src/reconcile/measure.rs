//! The amounts of both sides, summed exactly, and what explains their differences.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZero;

use rust_decimal::Decimal;

use super::lineage::Carried;
use super::{Attribution, Cause, Discrepancy, Reconciliation, Side};
use crate::context::{Context, Roundings};
use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::expression::{Evaluated, Expression, Scope};
use crate::record::{Document, Limits, Record, exact_decimal};
use crate::refusal::Refusal;
use crate::stage::{Reconcile, Stage};
use crate::surroundings::Secrets;

/// With more roundings than this in one record only their sum is tried.
const MOST_ROUNDINGS: usize = 12;

/// Every `[[reconcile]]` of a stage, record by record.
pub(super) struct Measuring<'m> {
    project: &'m str,
    stage: &'m Stage,
    secrets: Secrets,
    examples: usize,
    sums: Vec<Sums<'m>>,
}

/// One `[[reconcile]]` so far.
struct Sums<'m> {
    rule: &'m Reconcile,
    source: Half,
    target: Half,
    causes: BTreeMap<Cause, Attribution>,
    /// The keys to which a record has added more on one side than on the other. Where each record fits, so does its key.
    keys: HashMap<Key, Net>,
}

/// A key as text; `None` is the bucket of null.
type Key = Option<String>;

#[derive(Default)]
struct Half {
    side: Side,
    keys: HashSet<[u8; 16]>,
}

#[derive(Clone, Copy, Default)]
struct Net {
    difference: Decimal,
    explained: Decimal,
}

/// What a record has on one side: its amount, where it has one, and its key.
struct Measured {
    amount: Option<Decimal>,
    key: Key,
}

/// A record's id and what it says, where it can be read; read once for every `[[reconcile]]`.
type Read = (String, Option<Document>);

/// What a record has on both sides.
struct Both {
    source: Option<Measured>,
    targets: Vec<Measured>,
    /// Whether something of it has no amount that could be told.
    unmeasured: bool,
}

impl<'m> Measuring<'m> {
    pub(super) fn new(project: &'m str, stage: &'m Stage, examples: usize, secrets: Secrets) -> Self {
        let sums = |rule| Sums {
            rule,
            source: Half::default(),
            target: Half::default(),
            causes: BTreeMap::new(),
            keys: HashMap::new(),
        };
        Self {
            project,
            stage,
            secrets,
            examples,
            sums: stage.reconciles().iter().map(sums).collect(),
        }
    }

    /// Takes source records with what became of them. They are measured on every core, and summed in their order.
    pub(super) fn add(&mut self, slice: &[Carried]) -> Result<()> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let length = slice.len().div_ceil(cores).max(1);
        let measured: Vec<Vec<Both>> = std::thread::scope(|scope| {
            let measuring = &*self;
            let threads: Vec<_> = slice
                .chunks(length)
                .map(|part| {
                    scope.spawn(move || {
                        part.iter()
                            .map(|carried| measuring.both(carried))
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            let joined = threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_default());
            joined.flatten().collect()
        });
        if measured.len() != slice.len() {
            return Err(Error::Damaged {
                what: "the measuring of some records ended unexpectedly".to_owned(),
            });
        }
        let mut sums = std::mem::take(&mut self.sums);
        for (carried, both) in slice.iter().zip(measured) {
            for (sums, both) in sums.iter_mut().zip(both) {
                self.add_to(sums, carried, both)?;
            }
        }
        self.sums = sums;
        Ok(())
    }

    /// Both sides of a record, for each `[[reconcile]]`. Pure.
    fn both(&self, carried: &Carried) -> Vec<Both> {
        let read = |record: &Record| (record.id.clone(), record.document().ok());
        let source = carried.source.as_ref().map(read);
        let targets: Vec<_> = carried.targets.iter().map(read).collect();
        let of_rule = |rule: &Reconcile| {
            let keys = rule.by.as_ref();
            let mut unmeasured = false;
            let measure = |amount: &Expression, key: Option<&Expression>, (id, document): &Read| {
                let document = document.as_ref()?;
                self.measured((amount, key), (id, carried.now_us), document).ok()
            };
            let mut noted = |measured: Option<Measured>| {
                unmeasured |= measured.is_none();
                measured
            };
            let source = source
                .as_ref()
                .and_then(|record| noted(measure(&rule.source, keys.map(|keys| &keys.source), record)));
            let targets = targets
                .iter()
                .filter_map(|record| noted(measure(&rule.target, keys.map(|keys| &keys.target), record)))
                .collect();
            Both {
                source,
                targets,
                unmeasured,
            }
        };
        self.stage.reconciles().iter().map(of_rule).collect()
    }

    fn add_to(&self, sums: &mut Sums<'_>, carried: &Carried, both: Both) -> Result<()> {
        let Both {
            source,
            targets,
            unmeasured,
        } = both;
        let keys = sums.rule.by.as_ref();
        let (mut nets, mut difference): (Vec<(Key, Decimal)>, Decimal) = (Vec::new(), Decimal::ZERO);
        if let Some(Measured {
            amount: Some(amount),
            key,
        }) = source
        {
            sums.source.add(amount, keys.map(|_| &key))?;
            difference = sum(difference, -amount)?;
            nets.push((key, -amount));
        }
        for measured in targets {
            let Measured {
                amount: Some(amount),
                key,
            } = measured
            else {
                continue;
            };
            sums.target.add(amount, keys.map(|_| &key))?;
            difference = sum(difference, amount)?;
            match nets.iter_mut().find(|(known, _)| *known == key) {
                Some((_, net)) => *net = sum(*net, amount)?,
                None => nets.push((key, amount)),
            }
        }
        nets.retain(|(_, net)| !net.is_zero());
        if nets.is_empty() && !unmeasured && carried.fate.is_none() {
            return Ok(());
        }
        let cause = self.cause(carried, &nets, unmeasured);
        // Without an amount a refused record explains nothing, and is told of all the same.
        sums.attribute(cause, difference, unmeasured, &carried.id, self.examples)?;
        for (key, net) in nets {
            let of_key = sums.keys.entry(key).or_default();
            of_key.difference = sum(of_key.difference, net)?;
            if cause != Cause::Unexplained {
                of_key.explained = sum(of_key.explained, net)?;
            }
        }
        Ok(())
    }

    /// The amount and the key of a record.
    fn measured(
        &self,
        (amount, key): (&Expression, Option<&Expression>),
        (id, now_us): (&str, i64),
        document: &Document,
    ) -> Result<Measured, Refusal> {
        let mut scope = Scope::new(self.context(id, now_us, None));
        let amount = match amount.value(document, &mut scope)? {
            Evaluated::Omit => None,
            Evaluated::Value(value) if value.is_null() => None,
            Evaluated::Value(value) => {
                let text = value
                    .as_number()
                    .map(str::to_owned)
                    .or_else(|| value.as_text().map(Into::into));
                let number = text.and_then(|text| exact_decimal(&text).ok());
                Some(number.ok_or_else(|| Refusal::new("reconcile.amount", ""))?)
            }
        };
        let key = match key {
            None => None,
            Some(key) => match key.value(document, &mut scope)? {
                Evaluated::Omit => None,
                Evaluated::Value(value) if value.is_null() => None,
                Evaluated::Value(value) => Some(value.as_text().map_or_else(|| value.to_json(), Into::into)),
            },
        };
        Ok(Measured { amount, key })
    }

    fn context<'c>(&'c self, id: &'c str, now_us: i64, roundings: Option<&'c Roundings>) -> Context<'c> {
        Context {
            project: self.project,
            stage: self.stage.number(),
            id,
            now_us,
            secrets: &self.secrets,
            limits: Limits::default(),
            roundings,
            tally: None,
        }
    }

    /// Why a record's sides differ.
    fn cause(&self, carried: &Carried, nets: &[(Key, Decimal)], unmeasured: bool) -> Cause {
        match (carried.fate, nets) {
            (Some(fate), _) => fate,
            (None, [(_, net)]) if !unmeasured && self.is_rounded_by(carried, *net) => Cause::Rounding,
            _ => Cause::Unexplained,
        }
    }

    /// Whether the stage, carrying the record once more, rounds by exactly so much: as a whole, or some of its values.
    fn is_rounded_by(&self, carried: &Carried, net: Decimal) -> bool {
        let Some(source) = &carried.source else {
            return false;
        };
        let roundings = Roundings::default();
        let context = self.context(&source.id, carried.now_us, Some(&roundings));
        if self.stage.transform(source, &context).is_err() {
            return false;
        }
        let amounts = roundings.amounts();
        let total = |chosen: u32| {
            let chosen = amounts.iter().enumerate().filter(|(at, _)| chosen >> at & 1 == 1);
            chosen
                .map(|(_, amount)| *amount)
                .try_fold(Decimal::ZERO, Decimal::checked_add)
        };
        if amounts.len() > MOST_ROUNDINGS {
            return amounts
                .iter()
                .copied()
                .try_fold(Decimal::ZERO, Decimal::checked_add)
                == Some(net);
        }
        (1_u32..1 << amounts.len()).any(|chosen| total(chosen) == Some(net))
    }

    /// What each came to.
    pub(super) fn results(self) -> Result<Vec<Reconciliation>> {
        let examples = self.examples;
        self.sums.into_iter().map(|sums| sums.result(examples)).collect()
    }
}

impl Half {
    fn add(&mut self, amount: Decimal, key: Option<&Key>) -> Result<()> {
        let side = &mut self.side;
        side.records += 1;
        side.amount = sum(side.amount, amount)?;
        if amount.is_sign_negative() {
            side.negative = sum(side.negative, amount)?;
        } else {
            side.positive = sum(side.positive, amount)?;
        }
        side.least = Some(side.least.map_or(amount, |least| least.min(amount)));
        side.greatest = Some(side.greatest.map_or(amount, |greatest| greatest.max(amount)));
        if let Some(key) = key {
            let hash = match key {
                Some(key) => sha256(&[b"1", key.as_bytes()]),
                None => sha256(&[b"0"]),
            };
            let mut short = [0; 16];
            short.copy_from_slice(&hash[..16]);
            self.keys.insert(short);
        }
        Ok(())
    }

    fn told(mut self, has_keys: bool) -> Side {
        self.side.keys = has_keys.then_some(self.keys.len() as u64);
        self.side
    }
}

impl Sums<'_> {
    fn attribute(
        &mut self,
        cause: Cause,
        amount: Decimal,
        unmeasured: bool,
        id: &str,
        examples: usize,
    ) -> Result<()> {
        let attribution = self.causes.entry(cause).or_insert_with(|| Attribution {
            cause,
            records: 0,
            amount: Decimal::ZERO,
            unmeasured: 0,
            ids: Vec::new(),
        });
        attribution.records += 1;
        attribution.amount = sum(attribution.amount, amount)?;
        attribution.unmeasured += u64::from(unmeasured);
        if attribution.ids.len() < examples {
            attribution.ids.push(id.to_owned());
        }
        Ok(())
    }

    fn result(self, examples: usize) -> Result<Reconciliation> {
        let tolerance = self.rule.tolerance;
        let (mut unexplained, mut found) = (Decimal::ZERO, Vec::new());
        for (key, net) in self.keys {
            let left = sum(net.difference, -net.explained)?;
            unexplained = sum(unexplained, left)?;
            if left.abs() > tolerance {
                found.push(Discrepancy {
                    key,
                    difference: net.difference,
                    unexplained: left,
                });
            }
        }
        let discrepancies = found.len() as u64;
        found.sort_by(|left, right| left.key.cmp(&right.key));
        found.truncate(examples);
        let unmeasured = self
            .causes
            .get(&Cause::Unexplained)
            .is_some_and(|cause| cause.unmeasured > 0);
        let has_keys = self.rule.by.is_some();
        let (source, target) = (self.source.told(has_keys), self.target.told(has_keys));
        Ok(Reconciliation {
            name: self.rule.name.clone(),
            tolerance,
            difference: sum(target.amount, -source.amount)?,
            source,
            target,
            causes: self.causes.into_values().collect(),
            unexplained,
            discrepancies,
            keys: found,
            holds: discrepancies == 0 && unexplained.abs() <= tolerance && !unmeasured,
        })
    }
}

/// The exact sum.
fn sum(one: Decimal, other: Decimal) -> Result<Decimal> {
    one.checked_add(other).ok_or_else(|| {
        Error::invalid(
            "a sum of the reconciliation needs more than 28 digits",
            "reconcile in parts, by a key, or in larger units",
        )
    })
}

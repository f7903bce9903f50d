//! The sums of both sides, key by key, and what explains their differences.

use std::collections::{BTreeMap, HashMap, HashSet};

use rust_decimal::Decimal;

use super::outcome::{Attribution, DifferenceCause, Discrepancy, Reconciliation, Side};
use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::stage::Reconcile;

/// A key as text; `None` is the group of null.
pub(super) type Key = Option<String>;

/// The sums of one `[[reconcile]]` so far.
pub(super) struct Sums<'m> {
    pub(super) rule: &'m Reconcile,
    source: Half,
    target: Half,
    causes: BTreeMap<DifferenceCause, Attribution>,
    /// The keys to which a record added more on one side than on the other. If each record matches, so does its key.
    keys: HashMap<Key, Net>,
    /// Number of records whose rows do not match the ledger.
    behind: u64,
    /// Maximum number of records that are named for a cause.
    examples: usize,
}

#[derive(Default)]
pub(super) struct Half {
    side: Side,
    keys: HashSet<[u8; 16]>,
}

/// The sum of a key's records.
#[derive(Default)]
struct Net {
    difference: Decimal,
    explained: Decimal,
    /// What the filtered records leave out, and what records without an amount in the source bring.
    filtered: Decimal,
    brought: Decimal,
    /// Number of the latter, and the id of the first.
    bringing: u64,
    first: Option<String>,
}

/// A record's contribution to the difference, by key.
#[derive(Default)]
pub(super) struct Nets {
    pub(super) keys: Vec<(Key, Decimal)>,
    pub(super) difference: Decimal,
}

impl Nets {
    /// Adds an amount; that of the source is negative.
    pub(super) fn add(&mut self, key: &Key, amount: Decimal) -> Result<()> {
        self.difference = sum(self.difference, amount)?;
        match self.keys.iter_mut().find(|(known, _)| known == key) {
            Some((_, net)) => *net = sum(*net, amount)?,
            None => self.keys.push((key.clone(), amount)),
        }
        Ok(())
    }

    /// Keeps only the keys to which the record adds something.
    pub(super) fn describe(mut self) -> Self {
        self.keys.retain(|(_, net)| !net.is_zero());
        self
    }
}

/// A record to which a cause is attributed.
#[derive(Clone, Copy)]
pub(super) struct NamedRecord<'n> {
    pub(super) id: &'n str,
    /// The record that caused it.
    pub(super) by: Option<&'n str>,
    /// Whether a part of it has no amount that could be determined.
    pub(super) unmeasured: bool,
    /// Whether a row of it does not match the ledger.
    pub(super) behind: bool,
    /// Whether it has an amount on one side only because of the kind of record it is.
    pub(super) one_sided: bool,
}

impl Half {
    pub(super) fn add(&mut self, amount: Decimal, key: Option<&Key>) -> Result<()> {
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

    fn describe(mut self, has_keys: bool) -> Side {
        self.side.keys = has_keys.then_some(self.keys.len() as u64);
        self.side
    }
}

impl<'m> Sums<'m> {
    pub(super) fn new(rule: &'m Reconcile, examples: usize) -> Self {
        Self {
            rule,
            source: Half::default(),
            target: Half::default(),
            causes: BTreeMap::new(),
            keys: HashMap::new(),
            behind: 0,
            examples,
        }
    }

    /// Adds an amount to a side.
    pub(super) fn measure(&mut self, is_source: bool, amount: Decimal, key: &Key) -> Result<()> {
        let half = if is_source {
            &mut self.source
        } else {
            &mut self.target
        };
        half.add(amount, self.rule.by.as_ref().map(|_| key))
    }

    /// Attributes a record's contribution to a cause.
    pub(super) fn attribute(
        &mut self,
        cause: DifferenceCause,
        nets: Nets,
        named: NamedRecord<'_>,
    ) -> Result<()> {
        self.behind += u64::from(named.behind);
        // Other records can make up for a key; a grand total does not show which records make up for which.
        let brings = named.one_sided && cause == DifferenceCause::Unexplained && self.rule.by.is_some();
        if !brings {
            let attribution = self.cause(cause);
            attribution.records += 1;
            attribution.amount = sum(attribution.amount, nets.difference)?;
            attribution.unmeasured += u64::from(named.unmeasured);
            if attribution.ids.len() < self.examples {
                let attribution = self.cause(cause);
                attribution.ids.push(named.id.to_owned());
                attribution.by.extend(named.by.map(str::to_owned));
            }
        }
        let mut counted = false;
        for (key, net) in nets.keys {
            let of_key = self.keys.entry(key).or_default();
            of_key.difference = sum(of_key.difference, net)?;
            if cause != DifferenceCause::Unexplained {
                of_key.explained = sum(of_key.explained, net)?;
            }
            if cause == DifferenceCause::Filtered && named.one_sided {
                of_key.filtered = sum(of_key.filtered, net)?;
            }
            if brings {
                of_key.brought = sum(of_key.brought, net)?;
                of_key.bringing += u64::from(!std::mem::replace(&mut counted, true));
                of_key.first.get_or_insert_with(|| named.id.to_owned());
            }
        }
        Ok(())
    }

    fn cause(&mut self, cause: DifferenceCause) -> &mut Attribution {
        self.causes.entry(cause).or_insert_with(|| Attribution {
            cause,
            records: 0,
            amount: Decimal::ZERO,
            unmeasured: 0,
            ids: Vec::new(),
            by: Vec::new(),
        })
    }

    /// Settles what records without an amount in the source brought to a key: it is the counterpart of what was
    /// filtered there if it makes up for exactly that, and nothing else of the key is unexplained.
    fn settle(&mut self, net: &mut Net) -> Result<()> {
        if net.bringing == 0 {
            return Ok(());
        }
        let left = sum(net.difference, -net.explained)?;
        let makes_up = left == net.brought && sum(net.brought, net.filtered)?.abs() <= self.rule.tolerance;
        let cause = if makes_up {
            DifferenceCause::Counterpart
        } else {
            DifferenceCause::Unexplained
        };
        if makes_up {
            net.explained = net.difference;
        }
        let examples = self.examples;
        let attribution = self.cause(cause);
        attribution.records += net.bringing;
        attribution.amount = sum(attribution.amount, net.brought)?;
        if attribution.ids.len() < examples {
            attribution.ids.extend(net.first.take());
        }
        Ok(())
    }

    /// Doubts a result without any measured amount in which some could not be measured: the expressions may be wrong,
    /// and a difference of zero would vouch for what was never measured.
    fn doubt(&mut self) {
        if self.source.side.records > 0 || self.target.side.records > 0 {
            return;
        }
        if let Some(unreadable) = self.causes.remove(&DifferenceCause::Unreadable) {
            let cause = DifferenceCause::Unexplained;
            self.causes.insert(cause, Attribution { cause, ..unreadable });
        }
    }

    pub(super) fn result(mut self, whole: bool) -> Result<Reconciliation> {
        let (tolerance, examples) = (self.rule.tolerance, self.examples);
        let (mut unexplained, mut found) = (Decimal::ZERO, Vec::new());
        let mut keys: Vec<(Key, Net)> = std::mem::take(&mut self.keys).into_iter().collect();
        keys.sort_by(|(left, _), (right, _)| left.cmp(right));
        for (key, mut net) in keys {
            self.settle(&mut net)?;
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
        if whole {
            self.doubt();
        }
        let discrepancies = found.len() as u64;
        found.truncate(examples);
        let unmeasured = self
            .causes
            .get(&DifferenceCause::Unexplained)
            .is_some_and(|cause| cause.unmeasured > 0);
        let has_keys = self.rule.by.is_some();
        let (source, target) = (self.source.describe(has_keys), self.target.describe(has_keys));
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
            behind: self.behind,
            // One change without a ledger entry does not make up for another.
            holds: discrepancies == 0 && unexplained.abs() <= tolerance && !unmeasured && self.behind == 0,
        })
    }
}

/// Returns the exact sum; zero has no sign.
pub(super) fn sum(one: Decimal, other: Decimal) -> Result<Decimal> {
    let mut sum = one.checked_add(other).ok_or_else(|| {
        Error::invalid(
            "a sum of the reconciliation needs more than 28 digits",
            "reconcile by a key, or in larger units",
        )
    })?;
    sum.set_sign_positive(sum.is_zero() || sum.is_sign_positive());
    Ok(sum)
}

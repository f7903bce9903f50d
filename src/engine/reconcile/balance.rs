//! Sums of both sides by key, exact whatever their length, where single records have no counterpart: many readings become
//! one window. What explains a difference is summed beside it. Sums of many keys that do not fit in memory go to a
//! temporary file.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;

use super::outcome::{Attribution, DifferenceCause, Discrepancy, Reconciliation, Side};
use super::sums::Key;
use crate::aggregate::Exact;
use crate::engine::{Sorted, Sorting};
use crate::error::{Error, Result};

/// Bytes of memory for a key, in addition to its text.
const KEY_BYTES: usize = 220;

/// The amounts of some records of one side.
#[derive(Clone, Debug, Default)]
pub(super) struct Amounts {
    pub(super) records: u64,
    sum: Exact,
    negative: Exact,
    least: Option<Exact>,
    greatest: Option<Exact>,
}

impl Amounts {
    /// Adds the amount of a record.
    pub(super) fn add(&mut self, amount: &Exact) {
        self.records += 1;
        self.sum = self.sum.plus(amount);
        if *amount < Exact::default() {
            self.negative = self.negative.plus(amount);
        }
        if self.least.as_ref().is_none_or(|least| amount < least) {
            self.least = Some(amount.clone());
        }
        if self.greatest.as_ref().is_none_or(|greatest| amount > greatest) {
            self.greatest = Some(amount.clone());
        }
    }

    /// The amount of one record.
    pub(super) fn one(amount: &Exact) -> Self {
        let mut one = Self::default();
        one.add(amount);
        one
    }

    /// So many records of the amount 1.
    pub(super) fn count(records: u64) -> Self {
        let one = Some(Exact::from(Decimal::ONE)).filter(|_| records > 0);
        Self {
            records,
            sum: Exact::from(Decimal::from(records)),
            negative: Exact::default(),
            least: one.clone(),
            greatest: one,
        }
    }

    /// So many records of which only the sum is known.
    pub(super) fn sum(records: u64, sum: Exact) -> Self {
        Self {
            records,
            sum,
            ..Self::default()
        }
    }

    fn merge(&mut self, other: &Self) {
        self.records += other.records;
        self.sum = self.sum.plus(&other.sum);
        self.negative = self.negative.plus(&other.negative);
        let less = |a: &Exact, b: &Exact| a < b;
        self.least = further(self.least.take(), other.least.as_ref(), less);
        self.greatest = further(self.greatest.take(), other.greatest.as_ref(), |a, b| a > b);
    }

    fn side(&self, keys: Option<u64>) -> Result<Side> {
        Ok(Side {
            records: self.records,
            amount: decimal(&self.sum)?,
            positive: decimal(&self.sum.minus(&self.negative))?,
            negative: decimal(&self.negative)?,
            least: self.least.as_ref().map(decimal).transpose()?,
            greatest: self.greatest.as_ref().map(decimal).transpose()?,
            keys,
        })
    }
}

fn further(own: Option<Exact>, other: Option<&Exact>, is: impl Fn(&Exact, &Exact) -> bool) -> Option<Exact> {
    match (own, other) {
        (Some(own), Some(other)) if is(other, &own) => Some(other.clone()),
        (None, other) => other.cloned(),
        (own, _) => own,
    }
}

/// Which side records are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    Source,
    Target,
}

/// The sum of a key.
#[derive(Clone, Debug, Default)]
struct Net {
    difference: Exact,
    explained: Exact,
    in_source: bool,
    in_target: bool,
}

impl Net {
    fn merge(&mut self, other: &Self) {
        self.difference = self.difference.plus(&other.difference);
        self.explained = self.explained.plus(&other.explained);
        self.in_source |= other.in_source;
        self.in_target |= other.in_target;
    }

    fn encode(&self) -> Vec<u8> {
        let sides = u8::from(self.in_source) + 2 * u8::from(self.in_target);
        format!("{sides} {} {}", self.difference.text(), self.explained.text()).into_bytes()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut parts = std::str::from_utf8(bytes).ok()?.split(' ');
        let sides: u8 = parts.next()?.parse().ok()?;
        Some(Self {
            difference: Exact::read(parts.next()?)?,
            explained: Exact::read(parts.next()?)?,
            in_source: sides & 1 == 1,
            in_target: sides & 2 == 2,
        })
    }
}

/// What one cause explains.
#[derive(Clone, Debug, Default)]
struct Explained {
    records: u64,
    amount: Exact,
    unmeasured: u64,
    ids: Vec<String>,
}

/// The sums of one rule.
#[derive(Clone, Debug, Default)]
pub(super) struct Balance {
    source: Amounts,
    target: Amounts,
    causes: BTreeMap<DifferenceCause, Explained>,
    keys: HashMap<Key, Net>,
    /// Bytes of the keys.
    bytes: usize,
    /// Number of records that do not match the ledger.
    behind: u64,
}

impl Balance {
    /// Adds records of one side. `cause`: what explains that the other side has no such amount. What is explained whole,
    /// and has no key, counts for no key.
    pub(super) fn add(
        &mut self,
        on: On,
        amounts: &Amounts,
        key: Option<&Key>,
        cause: Option<DifferenceCause>,
    ) {
        if amounts.records == 0 && amounts.sum == Exact::default() {
            return;
        }
        let (half, net) = match on {
            On::Source => (&mut self.source, Exact::default().minus(&amounts.sum)),
            On::Target => (&mut self.target, amounts.sum.clone()),
        };
        half.merge(amounts);
        if let Some(cause) = cause {
            let explained = self.causes.entry(cause).or_default();
            explained.amount = explained.amount.plus(&net);
        }
        if let Some(key) = key {
            let of_key = Net {
                explained: if cause.is_some() {
                    net.clone()
                } else {
                    Exact::default()
                },
                difference: net,
                in_source: on == On::Source,
                in_target: on == On::Target,
            };
            self.add_key(key, &of_key);
        }
    }

    /// Adds to the target what a change of a record has added, which a cause explains.
    pub(super) fn changes(&mut self, amount: &Exact, key: &Key, cause: DifferenceCause) {
        self.target.sum = self.target.sum.plus(amount);
        let explained = self.causes.entry(cause).or_default();
        explained.amount = explained.amount.plus(amount);
        let net = Net {
            difference: amount.clone(),
            explained: amount.clone(),
            in_source: false,
            in_target: true,
        };
        self.add_key(key, &net);
    }

    fn add_key(&mut self, key: &Key, net: &Net) {
        if let Some(known) = self.keys.get_mut(key) {
            known.merge(net);
            return;
        }
        self.bytes += KEY_BYTES + key.as_ref().map_or(0, String::len);
        self.keys.insert(key.clone(), net.clone());
    }

    /// Counts records of a cause; names as many as there is room for.
    pub(super) fn count(&mut self, cause: DifferenceCause, records: u64, id: Option<&str>, most: usize) {
        let explained = self.causes.entry(cause).or_default();
        explained.records += records;
        if let Some(id) = id.filter(|_| explained.ids.len() < most) {
            explained.ids.push(id.to_owned());
        }
    }

    /// Counts a record whose amount cannot be determined.
    pub(super) fn unmeasured(&mut self, cause: Option<DifferenceCause>, id: &str, most: usize) {
        let cause = cause.unwrap_or(DifferenceCause::Unexplained);
        self.causes.entry(cause).or_default().unmeasured += 1;
        if cause == DifferenceCause::Unexplained {
            self.count(cause, 1, Some(id), most);
        }
    }

    /// Counts records that do not match the ledger.
    pub(super) fn behind(&mut self, records: u64, id: Option<&str>, most: usize) {
        if records > 0 {
            self.behind += records;
            self.count(DifferenceCause::Unexplained, records, id, most);
        }
    }

    fn merge(&mut self, other: Self, most: usize) {
        self.source.merge(&other.source);
        self.target.merge(&other.target);
        self.behind += other.behind;
        for (cause, explained) in other.causes {
            let own = self.causes.entry(cause).or_default();
            own.records += explained.records;
            own.unmeasured += explained.unmeasured;
            own.amount = own.amount.plus(&explained.amount);
            let room = most.saturating_sub(own.ids.len());
            own.ids.extend(explained.ids.into_iter().take(room));
        }
        for (key, net) in other.keys {
            self.add_key(&key, &net);
        }
    }
}

/// What a rule is called, and how exact it is.
#[derive(Clone, Debug)]
pub(super) struct RuleName {
    pub(super) name: String,
    pub(super) tolerance: Decimal,
    pub(super) has_keys: bool,
}

/// The sums of all rules of a stage.
pub(super) struct Balances {
    rules: Vec<Balance>,
    spilled: Sorting,
    /// Maximum number of bytes of keys in memory.
    limit: usize,
    /// Maximum number of records and keys that are named.
    most: usize,
}

impl Balances {
    pub(super) fn within(rules: usize, limit: usize, most: usize) -> Self {
        Self {
            rules: vec![Balance::default(); rules],
            spilled: Sorting::within(limit),
            limit,
            most,
        }
    }

    /// Adds the sums of some records.
    pub(super) fn merge(&mut self, others: Vec<Balance>) -> Result<()> {
        for (own, other) in self.rules.iter_mut().zip(others) {
            own.merge(other, self.most);
        }
        if self.rules.iter().map(|rule| rule.bytes).sum::<usize>() > self.limit {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<()> {
        for (at, rule) in self.rules.iter_mut().enumerate() {
            rule.bytes = 0;
            for (key, net) in rule.keys.drain() {
                self.spilled.add(&key_bytes(at, key.as_deref()), &net.encode())?;
            }
        }
        Ok(())
    }

    /// Returns the results, in the order of the rules.
    pub(super) fn results(mut self, names: &[RuleName]) -> Result<Vec<Reconciliation>> {
        self.spill()?;
        let mut keys = self.spilled.sorted()?;
        let mut results = Vec::with_capacity(names.len());
        for (at, (balance, name)) in self.rules.into_iter().zip(names).enumerate() {
            let found = Found::of_rule(at, name, &mut keys, self.most)?;
            results.push(balance.result(name, found, self.most)?);
        }
        Ok(results)
    }
}

/// What the keys of a rule come to.
#[derive(Default)]
struct Found {
    unexplained: Exact,
    discrepancies: u64,
    first: Vec<Discrepancy>,
    /// Number of keys with something unexplained, within the tolerance or not.
    open: u64,
    in_source: u64,
    in_target: u64,
}

impl Found {
    fn of_rule(at: usize, name: &RuleName, keys: &mut Sorted, most: usize) -> Result<Self> {
        let (mut found, tolerance) = (Self::default(), Exact::from(name.tolerance));
        let prefix = key_prefix(at);
        while keys.peek().is_some_and(|key| key.starts_with(&prefix)) {
            let Some((bytes, value)) = keys.next()? else { break };
            let mut net = Net::decode(&value).ok_or_else(lost)?;
            while keys.peek() == Some(&bytes[..]) {
                if let Some((_, more)) = keys.next()? {
                    net.merge(&Net::decode(&more).ok_or_else(lost)?);
                }
            }
            found.in_source += u64::from(net.in_source);
            found.in_target += u64::from(net.in_target);
            let left = net.difference.minus(&net.explained);
            if left == Exact::default() {
                continue;
            }
            found.open += 1;
            found.unexplained = found.unexplained.plus(&left);
            if size(&left) > tolerance {
                found.discrepancies += 1;
                if found.first.len() < most {
                    found.first.push(Discrepancy {
                        key: key_of(&bytes[prefix.len()..]).ok_or_else(lost)?,
                        difference: decimal(&net.difference)?,
                        unexplained: decimal(&left)?,
                    });
                }
            }
        }
        Ok(found)
    }
}

impl Balance {
    fn result(mut self, name: &RuleName, found: Found, most: usize) -> Result<Reconciliation> {
        let is_open = found.unexplained != Exact::default() || found.open > 0;
        if is_open {
            let open = self.causes.entry(DifferenceCause::Unexplained).or_default();
            open.amount = found.unexplained.clone();
            open.records = open.records.max(found.open);
        }
        let unmeasured = self
            .causes
            .get(&DifferenceCause::Unexplained)
            .map_or(0, |open| open.unmeasured);
        let is_within = size(&found.unexplained) <= Exact::from(name.tolerance);
        let causes = self
            .causes
            .into_iter()
            .filter(|(_, explained)| explained.is_any());
        let causes = causes.map(|(cause, explained)| {
            Ok(Attribution {
                cause,
                records: explained.records,
                amount: decimal(&explained.amount)?,
                unmeasured: explained.unmeasured,
                ids: explained.ids.into_iter().take(most).collect(),
                by: Vec::new(),
            })
        });
        Ok(Reconciliation {
            name: name.name.clone(),
            tolerance: name.tolerance,
            causes: causes.collect::<Result<_>>()?,
            difference: decimal(&self.target.sum.minus(&self.source.sum))?,
            source: self.source.side(name.has_keys.then_some(found.in_source))?,
            target: self.target.side(name.has_keys.then_some(found.in_target))?,
            unexplained: decimal(&found.unexplained)?,
            discrepancies: found.discrepancies,
            keys: found.first,
            behind: self.behind,
            holds: found.discrepancies == 0 && is_within && unmeasured == 0 && self.behind == 0,
        })
    }
}

impl Explained {
    fn is_any(&self) -> bool {
        self.records > 0 || self.unmeasured > 0 || self.amount != Exact::default()
    }
}

fn key_prefix(rule: usize) -> [u8; 4] {
    u32::try_from(rule).unwrap_or(u32::MAX).to_be_bytes()
}

/// Returns bytes in the order of the rules, then of the keys; null comes first.
fn key_bytes(rule: usize, key: Option<&str>) -> Vec<u8> {
    let mut bytes = key_prefix(rule).to_vec();
    bytes.push(u8::from(key.is_some()));
    bytes.extend_from_slice(key.unwrap_or_default().as_bytes());
    bytes
}

fn key_of(bytes: &[u8]) -> Option<Key> {
    match bytes.split_first()? {
        (0, _) => Some(None),
        (_, text) => Some(Some(String::from_utf8(text.to_vec()).ok()?)),
    }
}

fn size(number: &Exact) -> Exact {
    let zero = Exact::default();
    if *number < zero {
        zero.minus(number)
    } else {
        number.clone()
    }
}

/// Returns an amount as it is shown: what needs more than 28 digits is rounded, once it is compared.
fn decimal(number: &Exact) -> Result<Decimal> {
    let text = number.text();
    Decimal::from_str_exact(&text)
        .or_else(|_| text.parse())
        .map_err(|_| {
            Error::invalid(
                "a sum of the reconciliation needs more than 28 digits",
                "reconcile by a key, or in larger units",
            )
        })
}

fn lost() -> Error {
    Error::Damaged {
        what: "a temporary file was changed while it was used".to_owned(),
    }
}

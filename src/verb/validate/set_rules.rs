//! Rules over more than one record, over a whole database.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::Connection;

use super::origin::{RowVersion, ViolationOrigins};
use super::outcome::ViolationOrigin;
use super::validation::Validation;
use crate::context::Context;
use crate::contract::{Contract, Mode, References, RuleKeys, key_text};
use crate::error::Result;
use crate::expression::Scope;
use crate::ledger::past::{Past, numbers_under};
use crate::record::{BatchId, Record, RecordNumber};
use crate::refusal::Violation;
use crate::store::{RuleKeyTable, Table};

/// First number for the keys that records refer to.
const WANTED: i64 = 1 << 32;

pub(super) struct Across<'a> {
    contract: &'a Contract,
    context: Context<'a>,
    connection: &'a Connection,
    keys: RuleKeyTable<'a>,
    /// Expressions that could not be evaluated.
    failed: Vec<(Record, Violation, Mode)>,
}

impl<'a> Across<'a> {
    /// Returns `None` when the contract has no such rule.
    pub(super) fn begin(
        connection: &'a Connection,
        contract: &'a Contract,
        context: Context<'a>,
    ) -> Result<Option<Self>> {
        if !contract.is_cross_record() {
            return Ok(None);
        }
        Ok(Some(Self {
            contract,
            context,
            connection,
            keys: RuleKeyTable::begin(connection)?,
            failed: Vec::new(),
        }))
    }

    fn scope<'s>(&self, id: &'s str) -> Scope<'s>
    where
        'a: 's,
    {
        Scope::new(Context { id, ..self.context })
    }

    fn has(&self, database: &str, record: &Record) -> Option<RuleKeys> {
        let document = record.document().ok()?;
        let mut scope = self.scope(&record.id);
        Some(RuleKeys::new(
            self.contract,
            database,
            &record.id,
            &document,
            &mut scope,
        ))
    }

    /// Returns the key of a record under a uniqueness rule.
    fn key(&self, database: &str, record: &Record, at: usize) -> Option<String> {
        self.has(database, record)?.unique.into_iter().nth(at)?.ok()?
    }

    /// Returns the number of a reference among the keys.
    fn reference(&self, at: i64) -> i64 {
        at + i64::try_from(self.contract.unique.len()).unwrap_or(0)
    }

    /// Registers one record of the database.
    pub(super) fn add(&mut self, database: &str, record: &Record) -> Result<()> {
        let Some(has) = self.has(database, record) else {
            return Ok(());
        };
        for ((at, key), rule) in (0..).zip(has.unique).zip(&self.contract.unique) {
            match key {
                Ok(Some(key)) => self.keys.take(at, &key, record.number)?,
                Ok(None) => {}
                Err(violation) => self
                    .failed
                    .push((record.clone(), violation.rule(&*rule.name), rule.mode)),
            }
        }
        let references = (0..).zip(has.refers).zip(has.is).zip(&self.contract.references);
        for (((at, wanted), is), rule) in references {
            match wanted {
                Ok(wanted) => {
                    for key in wanted {
                        self.keys.take(WANTED + at, &key, record.number)?;
                    }
                }
                Err(violation) => self
                    .failed
                    .push((record.clone(), violation.rule(&*rule.name), rule.mode)),
            }
            if let Some(key) = is {
                self.keys.take(self.reference(at), &key, record.number)?;
            }
        }
        Ok(())
    }

    /// Shows the violations of the rules.
    pub(super) fn tell(
        mut self,
        origins: &mut ViolationOrigins,
        validation: &mut Validation<'_>,
    ) -> Result<()> {
        for (record, violation, mode) in std::mem::take(&mut self.failed) {
            validation.tell(record.number, &record.id, violation, mode, None)?;
        }
        self.unique(origins, validation)?;
        self.references(origins, validation)
    }

    fn unique(&self, origins: &mut ViolationOrigins, validation: &mut Validation<'_>) -> Result<()> {
        let database = validation.table.name().to_owned();
        for (at, rule) in self.contract.unique.iter().enumerate() {
            let number = i64::try_from(at).unwrap_or(i64::MAX);
            let mut groups: BTreeMap<RecordNumber, Vec<(Record, Option<BatchId>)>> = BTreeMap::new();
            for (record, first) in self.keys.shared(number)? {
                let Some(found) = validation.table.by_number(self.connection, record)? else {
                    continue;
                };
                let key = |version: &RowVersion| self.key(&database, &version.record, at);
                let versions = origins.versions(self.connection, &found.record)?;
                let batch = since(&versions, key).map(|version| version.batch);
                groups.entry(first).or_default().push((found.record, batch));
            }
            for group in groups.values() {
                for (at, (record, own)) in group.iter().enumerate() {
                    // The rule is broken since the second of the records came.
                    let others = group.iter().enumerate().filter(|(other, _)| *other != at);
                    let others = others.map(|(_, (_, batch))| *batch).min().flatten();
                    let batch = (*own).max(others);
                    let holder = group.iter().find(|(other, _)| other.number != record.number);
                    let violation = rule.violation(holder.map_or(record.number, |(other, _)| other.number));
                    let origin = self.of_batch(origins, batch)?;
                    validation.tell(record.number, &record.id, violation, rule.mode, origin)?;
                }
            }
        }
        Ok(())
    }

    fn of_batch(
        &self,
        origins: &mut ViolationOrigins,
        batch: Option<BatchId>,
    ) -> Result<Option<ViolationOrigin>> {
        batch
            .map(|batch| origins.of_batch(self.connection, batch))
            .transpose()
    }

    fn references(&self, origins: &mut ViolationOrigins, validation: &mut Validation<'_>) -> Result<()> {
        for (at, rule) in self.contract.references.iter().enumerate() {
            let number = i64::try_from(at).unwrap_or(i64::MAX);
            if rule.to != validation.table.name() {
                self.referred_to(rule, self.reference(number))?;
            }
            let unmet = self.keys.unmet(WANTED + number, self.reference(number))?;
            if unmet.is_empty() {
                continue;
            }
            let gone = Gone::new(self.connection, rule, &unmet)?;
            for (record, key) in unmet {
                let Some(found) = validation.table.by_number(self.connection, record)? else {
                    continue;
                };
                let refers = |version: &RowVersion| {
                    let has = self.has(validation.table.name(), &version.record)?;
                    let wanted = has.refers.into_iter().nth(at)?.ok()?;
                    wanted.contains(&key).then(|| key.clone())
                };
                let versions = origins.versions(self.connection, &found.record)?;
                let own = since(&versions, refers).map(|version| version.batch);
                let batch = gone.since(self.connection, &key, own)?;
                let origin = self.of_batch(origins, batch)?;
                validation.tell(record, &found.record.id, rule.violation(), rule.mode, origin)?;
            }
        }
        Ok(())
    }

    /// Registers what a reference may point to in another database.
    fn referred_to(&self, rule: &References, number: i64) -> Result<()> {
        Table::from_name(&rule.to)?.each(self.connection, |record| {
            let key = match &rule.key {
                None => Some(record.id.clone()),
                Some(key) => record.document().ok().and_then(|document| {
                    let value = key.value(&document, &mut self.scope(&record.id));
                    value.ok().flatten().as_ref().map(key_text)
                }),
            };
            match key {
                Some(key) => self.keys.take(number, &key, record.number),
                None => Ok(()),
            }
        })
    }
}

/// Referenced records that do not exist: they may have existed and be gone since.
struct Gone {
    past: Past,
    /// Numbers of the records that had each id; for keys the ledger does not know them.
    numbers: Option<HashMap<String, Vec<RecordNumber>>>,
}

impl Gone {
    fn new(connection: &Connection, rule: &References, unmet: &[(RecordNumber, String)]) -> Result<Self> {
        let ids: HashSet<String> = unmet.iter().map(|(_, key)| key.clone()).collect();
        let numbers = rule.key.is_none().then(|| numbers_under(connection, &ids));
        Ok(Self {
            past: Past::new(connection, &rule.to)?,
            numbers: numbers.transpose()?,
        })
    }

    /// Returns since which batch a reference, which itself exists since batch `own`, is dangling. `None` when that
    /// cannot be known: a record may have had the key and been changed or removed since.
    fn since(&self, connection: &Connection, key: &str, own: Option<BatchId>) -> Result<Option<BatchId>> {
        let Some(numbers) = &self.numbers else {
            return Ok(own.filter(|own| self.past.newest_change.is_none_or(|change| change <= *own)));
        };
        let mut batch = own;
        for number in numbers.get(key).into_iter().flatten() {
            let newest = self.past.changes(connection, *number)?.into_iter().next();
            let gone = newest.filter(|recorded| recorded.entry.after.is_none());
            batch = batch.max(gone.map(|recorded| recorded.batch));
        }
        Ok(batch)
    }
}

/// Returns the version since which a row has its current key.
fn since(versions: &[RowVersion], key: impl Fn(&RowVersion) -> Option<String>) -> Option<&RowVersion> {
    let now = key(versions.first()?)?;
    let same = versions
        .iter()
        .take_while(|version| key(version).as_ref() == Some(&now));
    versions.get(same.count().saturating_sub(1))
}

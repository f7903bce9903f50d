//! Rules over more than one record, over a whole database.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use super::Validation;
use super::origin::{Origins, Version};
use crate::context::Context;
use crate::contract::{Contract, Has, Mode, References, key_text};
use crate::error::Result;
use crate::expression::Scope;
use crate::ledger::past::{changes_of_row, numbers_under};
use crate::record::Record;
use crate::refusal::Violation;
use crate::store::{Keys, Table};

/// What records refer to is kept under numbers from here on.
const WANTED: i64 = 1 << 32;

pub(super) struct Across<'a> {
    contract: &'a Contract,
    context: Context<'a>,
    connection: &'a Connection,
    keys: Keys<'a>,
    /// Expressions that could not be evaluated.
    failed: Vec<(Record, Violation, Mode)>,
}

impl<'a> Across<'a> {
    /// `None` where the contract has no such rule.
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
            keys: Keys::begin(connection)?,
            failed: Vec::new(),
        }))
    }

    fn scope<'s>(&self, id: &'s str) -> Scope<'s>
    where
        'a: 's,
    {
        Scope::new(Context { id, ..self.context })
    }

    fn has(&self, database: &str, record: &Record) -> Option<Has> {
        let document = record.document().ok()?;
        let mut scope = self.scope(&record.id);
        Some(Has::of(
            self.contract,
            database,
            &record.id,
            &document,
            &mut scope,
        ))
    }

    /// The key of a record under a rule of uniqueness.
    fn key(&self, database: &str, record: &Record, at: usize) -> Option<String> {
        self.has(database, record)?.unique.into_iter().nth(at)?.ok()?
    }

    /// The number of a reference among the keys.
    fn reference(&self, at: i64) -> i64 {
        at + i64::try_from(self.contract.unique.len()).unwrap_or(0)
    }

    /// Takes note of one record of the database.
    pub(super) fn add(&mut self, database: &str, record: &Record) -> Result<()> {
        let Some(has) = self.has(database, record) else {
            return Ok(());
        };
        for ((at, key), rule) in (0..).zip(has.unique).zip(&self.contract.unique) {
            match key {
                Ok(Some(key)) => self.keys.take(at, &key, record.record)?,
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
                        self.keys.take(WANTED + at, &key, record.record)?;
                    }
                }
                Err(violation) => self
                    .failed
                    .push((record.clone(), violation.rule(&*rule.name), rule.mode)),
            }
            if let Some(key) = is {
                self.keys.take(self.reference(at), &key, record.record)?;
            }
        }
        Ok(())
    }

    /// Shows what breaks the rules.
    pub(super) fn tell(mut self, origins: &mut Origins, validation: &mut Validation<'_>) -> Result<()> {
        for (record, violation, mode) in std::mem::take(&mut self.failed) {
            validation.tell(record.record, &record.id, violation, mode, None)?;
        }
        self.unique(origins, validation)?;
        self.references(origins, validation)
    }

    fn unique(&self, origins: &mut Origins, validation: &mut Validation<'_>) -> Result<()> {
        let database = validation.table.name().to_owned();
        for (at, rule) in self.contract.unique.iter().enumerate() {
            let number = i64::try_from(at).unwrap_or(i64::MAX);
            for (record, first) in self.keys.shared(number)? {
                let Some(found) = validation.table.by_number(self.connection, record)? else {
                    continue;
                };
                let key = |version: &Version| self.key(&database, &version.record, at);
                let versions = origins.versions(self.connection, &found.record)?;
                let origin = origins.origin(self.connection, since(&versions, key))?;
                // The first of them is told of the second.
                let holder = if record == first {
                    let key = self.key(&database, &found.record, at).unwrap_or_default();
                    self.keys.holder(number, &key, &[first])?.unwrap_or(first)
                } else {
                    first
                };
                let violation = rule.violation(holder);
                validation.tell(record, &found.record.id, violation, rule.mode, origin)?;
            }
        }
        Ok(())
    }

    fn references(&self, origins: &mut Origins, validation: &mut Validation<'_>) -> Result<()> {
        for (at, rule) in self.contract.references.iter().enumerate() {
            let number = i64::try_from(at).unwrap_or(i64::MAX);
            if rule.to != validation.table.name() {
                self.referred_to(rule, self.reference(number))?;
            }
            let unmet = self.keys.unmet(WANTED + number, self.reference(number))?;
            let gone = if rule.key.is_none() {
                let ids: HashSet<String> = unmet.iter().map(|(_, key)| key.clone()).collect();
                numbers_under(self.connection, &ids)?
            } else {
                HashMap::new()
            };
            for (record, key) in unmet {
                let Some(found) = validation.table.by_number(self.connection, record)? else {
                    continue;
                };
                let refers = |version: &Version| {
                    let has = self.has(validation.table.name(), &version.record)?;
                    let wanted = has.refers.into_iter().nth(at)?.ok()?;
                    wanted.contains(&key).then(|| key.clone())
                };
                let versions = origins.versions(self.connection, &found.record)?;
                let mut batch = since(&versions, refers).map(|version| version.batch);
                for number in gone.get(&key).into_iter().flatten() {
                    batch = batch.max(self.taken_out(&rule.to, *number)?);
                }
                let origin = batch
                    .map(|batch| origins.of_batch(self.connection, batch))
                    .transpose()?;
                validation.tell(record, &found.record.id, rule.violation(), rule.mode, origin)?;
            }
        }
        Ok(())
    }

    /// Takes note of what a reference may lead to in another database.
    fn referred_to(&self, rule: &References, number: i64) -> Result<()> {
        Table::of(&rule.to)?.each(self.connection, |record| {
            let key = match &rule.key {
                None => Some(record.id.clone()),
                Some(key) => record.document().ok().and_then(|document| {
                    let value = key.value(&document, &mut self.scope(&record.id));
                    value.ok().flatten().as_ref().map(key_text)
                }),
            };
            match key {
                Some(key) => self.keys.take(number, &key, record.record),
                None => Ok(()),
            }
        })
    }

    /// The batch that took a row out of a database, where it is gone: what it was referred to by may be there still.
    fn taken_out(&self, database: &str, number: i64) -> Result<Option<i64>> {
        let newest = changes_of_row(self.connection, database, number)?
            .into_iter()
            .next();
        let gone = newest.filter(|stub| stub.entry.after.is_none());
        Ok(gone.map(|stub| stub.batch))
    }
}

/// The version since which a row has the key that it has now.
fn since(versions: &[Version], key: impl Fn(&Version) -> Option<String>) -> Option<&Version> {
    let now = key(versions.first()?)?;
    let same = versions
        .iter()
        .take_while(|version| key(version).as_ref() == Some(&now));
    versions.get(same.count().saturating_sub(1))
}

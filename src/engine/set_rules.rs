//! Rules over more than one record while a stage writes: a record that is second with a unique key, or that refers to a
//! missing one, breaks them. One thread decides, in the order of the records, so the answer does not depend on which
//! batch is committed when.

use rusqlite::Connection;

use super::item::Item;
use crate::context::Context;
use crate::contract::{Broken, Contract, Mode, RuleKeys, key_text};
use crate::error::Result;
use crate::expression::Scope;
use crate::ledger::{Entry, EntryOutcome, places};
use crate::record::{Document, RecordNumber};
use crate::refusal::{Part, Refusal, Violation};
use crate::stage::{Outcome, Output, Stage};
use crate::store::{RuleKeyTable, Table};

/// The rules of a stage in progress.
#[derive(Debug)]
pub(super) struct SetRules<'a> {
    stage: &'a Stage,
    /// The facts of the pass, without a record.
    context: Context<'a>,
    /// Whether the contents of the databases have been read, which the first batch does.
    begun: bool,
}

impl<'a> SetRules<'a> {
    /// Returns the rules of a stage; `None` if it has none.
    pub(super) fn new(stage: &'a Stage, context: Context<'a>) -> Option<Self> {
        stage.contract().is_cross_record().then_some(Self {
            stage,
            context,
            begun: false,
        })
    }

    fn contract(&self) -> &'a Contract {
        self.stage.contract()
    }

    /// Returns the number of a rule among the keys.
    fn reference(&self, at: usize) -> i64 {
        number(self.contract().unique.len() + at)
    }

    /// Reads the contents of the databases, once.
    pub(super) fn begin(&mut self, connection: &Connection, target: &Table) -> Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let keys = RuleKeyTable::begin(connection)?;
        target.each(connection, |record| {
            let Ok(document) = record.document() else {
                return Ok(());
            };
            let has = self.has_one(&record.id, &document);
            self.take(keys, &has, record.number)
        })?;
        for (at, rule) in self.contract().references.iter().enumerate() {
            let Some(key) = rule.key.as_ref().filter(|_| rule.to != self.stage.target()) else {
                continue;
            };
            Table::from_name(&rule.to)?.each(connection, |record| {
                let Ok(document) = record.document() else {
                    return Ok(());
                };
                // A record keeps its number from database to database: the sign distinguishes rows of another database
                // from the target's.
                match key.value(&document, &mut scope(&self.context, &record.id)) {
                    Ok(Some(value)) => keys.take(
                        self.reference(at),
                        &key_text(&value),
                        RecordNumber::new(-record.number.get()),
                    ),
                    _ => Ok(()),
                }
            })?;
        }
        Ok(())
    }

    fn take(&self, keys: RuleKeyTable<'_>, has: &RuleKeys, record: RecordNumber) -> Result<()> {
        for (at, key) in has.unique.iter().enumerate() {
            if let Ok(Some(key)) = key {
                keys.take(number(at), key, record)?;
            }
        }
        for (at, key) in has.is.iter().enumerate() {
            if let Some(key) = key {
                keys.take(self.reference(at), key, record)?;
            }
        }
        Ok(())
    }

    /// Returns the violations of the records that a stage makes of one record; `replaced`: the rows whose places they
    /// would take.
    pub(super) fn broken(
        &self,
        connection: &Connection,
        item: &Item,
        parts: SetRuleParts<'_>,
        replaced: &[RecordNumber],
    ) -> Result<Vec<Broken>> {
        let SetRuleParts { has, is_derived } = parts;
        let mut broken = Vec::new();
        let keys = RuleKeyTable::on(connection);
        let own: Vec<RecordNumber> = item
            .standing
            .iter()
            .map(|standing| standing.target)
            .chain(self.stage.in_place().then_some(item.number))
            .chain(replaced.iter().copied())
            .collect();
        let mut tell = |at: usize, violation: Violation, mode| {
            let part = Part::numbered(number(at + 1));
            broken.push(Broken {
                violation: if is_derived {
                    violation.of_part(&part)
                } else {
                    violation
                },
                mode,
                of_schema: false,
            });
        };
        for (part, record) in has.iter().enumerate() {
            for (at, rule) in self.contract().unique.iter().enumerate() {
                let key = match &record.unique[at] {
                    Ok(Some(key)) => key,
                    Ok(None) => continue,
                    Err(violation) => {
                        tell(part, violation.clone().rule(&*rule.name), rule.mode);
                        continue;
                    }
                };
                let before = has[..part]
                    .iter()
                    .position(|other| matches!(&other.unique[at], Ok(Some(same)) if same == key));
                if let Some(other) = before {
                    let violation = rule.violation_of_part(number(part + 1), number(other + 1));
                    tell(part, violation, rule.mode);
                } else if let Some(holder) = keys.holder(number(at), key, &own)? {
                    tell(part, rule.violation(holder), rule.mode);
                }
            }
            for (at, rule) in self.contract().references.iter().enumerate() {
                match &record.refers[at] {
                    Err(violation) => tell(part, violation.clone().rule(&*rule.name), rule.mode),
                    Ok(wanted) => {
                        for key in wanted {
                            let itself = has.iter().any(|part| part.is[at].as_ref() == Some(key));
                            if !itself && !self.is_there(connection, at, key, &own)? {
                                tell(part, rule.violation(), rule.mode);
                                break;
                            }
                        }
                    }
                }
            }
        }
        Ok(broken)
    }

    fn is_there(&self, connection: &Connection, at: usize, key: &str, own: &[RecordNumber]) -> Result<bool> {
        let rule = &self.contract().references[at];
        if rule.key.is_some() || rule.to == self.stage.target() {
            // The record's own previous keys no longer count.
            let holder = RuleKeyTable::on(connection).holder(self.reference(at), key, own)?;
            return Ok(holder.is_some());
        }
        Ok(Table::from_name(&rule.to)?.number_of(connection, key)?.is_some())
    }

    /// Notes what was placed in the target for one record.
    pub(super) fn placed(
        &self,
        connection: &Connection,
        entries: &[Entry],
        has: &[RuleKeys],
        back: Option<&RuleKeys>,
    ) -> Result<()> {
        let keys = RuleKeyTable::on(connection);
        let is_written = |entry: &&Entry| {
            let reason = entry.reason.as_deref().and_then(places::reason);
            !matches!(reason, Some((places::EXISTS | places::EDITED, _)))
        };
        for entry in entries.iter().filter(is_written) {
            let row = entry.target.unwrap_or(entry.record);
            let settled = matches!(
                entry.outcome,
                EntryOutcome::Written | EntryOutcome::Unchanged | EntryOutcome::Merged
            );
            let changed = entry.after.is_none() || settled;
            if changed && entry.before.is_some() {
                keys.release(row)?;
            }
            // In place: a record that was refused before and is now left out comes back from quarantine unchanged.
            let comes_back = entry.outcome == EntryOutcome::Filtered && entry.before.is_none();
            if let (true, Some(_), Some(has)) = (comes_back, entry.after, back) {
                self.take(keys, has, row)?;
            }
            let part = usize::try_from((entry.part - 1).max(0)).unwrap_or(usize::MAX);
            if let (true, Some(_), Some(has)) = (settled, entry.after, has.get(part)) {
                self.take(keys, has, row)?;
            }
        }
        Ok(())
    }

    /// Returns the keys of a record that would come back from quarantine unchanged.
    pub(super) fn comes_back(&self, item: &Item) -> Option<RuleKeys> {
        let record = &item.source.as_ref().filter(|_| !item.present)?.record;
        Some(self.has_one(&record.id, &record.document().ok()?))
    }

    fn has_one(&self, id: &str, document: &Document) -> RuleKeys {
        let mut scope = scope(&self.context, id);
        RuleKeys::new(self.contract(), self.stage.target(), id, document, &mut scope)
    }

    /// Returns the keys of one record's outputs. Pure.
    pub(super) fn has(&self, outcome: &Outcome) -> Vec<RuleKeys> {
        let outputs = match outcome {
            Outcome::Write(output) => std::slice::from_ref(output),
            Outcome::Derive(outputs) => outputs,
            Outcome::Filter(_) => &[],
        };
        let has = |output: &Output| {
            let document = Document::parse(&output.data).unwrap_or_default();
            self.has_one(&output.id, &document)
        };
        outputs.iter().map(has).collect()
    }
}

/// The keys of the records that are made of one record.
#[derive(Clone, Copy)]
pub(super) struct SetRuleParts<'t> {
    /// Keys, part by part.
    pub(super) has: &'t [RuleKeys],
    /// Whether one record becomes several, so that violations name parts.
    pub(super) is_derived: bool,
}

/// Returns the refusal for violations that are enforced; `None` if there are none.
pub(super) fn enforced(broken: Vec<Broken>) -> Option<Refusal> {
    let enforced: Vec<Broken> = broken
        .into_iter()
        .filter(|broken| broken.mode != Mode::Warn)
        .collect();
    let first = enforced.first()?;
    Some(Refusal {
        code: first.violation.code.clone(),
        halts: enforced.iter().any(|broken| broken.mode == Mode::Refuse),
        violations: enforced.into_iter().map(|broken| broken.violation).collect(),
        line: None,
        last_line: None,
        holder: None,
    })
}

/// Converts the number of a rule or of a part.
fn number(at: usize) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

fn scope<'s>(context: &Context<'s>, id: &'s str) -> Scope<'s> {
    Scope::new(Context { id, ..*context })
}

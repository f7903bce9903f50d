//! The transformation of one record by a stage: pure, so that every core can do it.

use rusqlite::Connection;

use super::item::Item;
use super::lookups::{Answers, RecordLookups};
use super::set_rules::{SetRuleParts, SetRules, enforced};
use crate::context::Context;
use crate::contract::{Broken, Mode, RuleKeys};
use crate::error::Result;
use crate::expression::Scope;
use crate::ledger::lookups::Uses;
use crate::ledger::{Batch, RECORD_BYTES};
use crate::lookup::Lookups;
use crate::refusal::{Refusal, Violation};
use crate::stage::{Outcome, Stage};

/// The result of transforming one record.
pub(crate) struct Transformed {
    pub(crate) result: Result<Outcome, Refusal>,
    /// Codes of the stage's warnings.
    pub(super) codes: Vec<String>,
    /// Its keys for rules over more than one record.
    pub(super) has: Vec<RuleKeys>,
    /// Whether it becomes several records.
    is_derived: bool,
    /// Violations of which the stage only warns.
    warned: Vec<Violation>,
    /// What it uses of other databases.
    pub(super) uses: Uses,
    /// Whether something that it looks up is not known yet.
    pub(super) is_unread: bool,
}

/// Transforms one record by a stage. Pure.
pub(crate) fn transform(
    stage: &Stage,
    context: Context<'_>,
    cross: Option<&SetRules<'_>>,
    answers: Option<&Answers>,
    item: &Item,
) -> Transformed {
    let Some(source) = &item.source else {
        return Transformed {
            result: Ok(Outcome::filter("source.deleted")),
            codes: Vec::new(),
            has: Vec::new(),
            is_derived: false,
            warned: Vec::new(),
            uses: Uses::new(),
            is_unread: false,
        };
    };
    let lookups = answers.map(Answers::for_record);
    let mut scope = Scope::new(Context {
        id: &source.record.id,
        salt: source.salt,
        lookups: lookups.as_ref().map(|lookups| lookups as &dyn Lookups),
        ..context
    });
    let result = stage.transform_in(&source.record, &mut scope);
    let has = match (cross, &result) {
        (Some(cross), Ok(outcome)) => cross.has(outcome),
        _ => Vec::new(),
    };
    let (codes, warned) = (scope.warnings().iter(), scope.broken().to_vec());
    Transformed {
        is_derived: matches!(result, Ok(Outcome::Derive(_))),
        result,
        codes: codes.map(ToString::to_string).collect(),
        has,
        warned,
        is_unread: lookups.as_ref().is_some_and(RecordLookups::is_unread),
        uses: lookups.map(RecordLookups::into_uses).unwrap_or_default(),
    }
}

/// Transforms one record by a stage, and reads what it looks up.
pub(crate) fn transform_reading(
    connection: &Connection,
    stage: &Stage,
    context: Context<'_>,
    answers: Option<&Answers>,
    item: &Item,
) -> Result<Transformed> {
    loop {
        let transformed = transform(stage, context, None, answers, item);
        match answers.filter(|_| transformed.is_unread) {
            Some(answers) => drop(answers.read(connection)?),
            None => return Ok(transformed),
        }
    }
}

impl Transformed {
    /// Returns its keys for rules over more than one record.
    pub(super) fn parts(&self) -> SetRuleParts<'_> {
        SetRuleParts {
            has: &self.has,
            is_derived: self.is_derived,
        }
    }

    /// Returns the approximate number of bytes that its records occupy in memory until they are written.
    pub(super) fn written(&self) -> usize {
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
    pub(super) fn outcome(&mut self) -> Result<Outcome, Refusal> {
        std::mem::replace(&mut self.result, Ok(Outcome::filter("placed")))
    }

    /// Notes rules over more than one record that it breaks; returns the refusal if they are enforced.
    pub(super) fn broke(&mut self, broken: Vec<Broken>, batch: &mut Batch) -> Option<Refusal> {
        let (warned, broken): (Vec<_>, Vec<_>) =
            broken.into_iter().partition(|broken| broken.mode == Mode::Warn);
        if let Some(refusal) = enforced(broken) {
            return Some(refusal);
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

    /// Returns the reason for the entry of a record that is written though it breaks a contract.
    pub(super) fn reason(&mut self, stage: &Stage) -> Option<String> {
        warned(std::mem::take(&mut self.warned), stage)
    }
}

/// Returns the reason for the entry of a record that is written though it breaks a contract in these ways.
pub(super) fn warned(violations: Vec<Violation>, stage: &Stage) -> Option<String> {
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

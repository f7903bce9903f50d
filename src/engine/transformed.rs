//! What a stage makes of one record: pure, so that every core can do it.

use super::item::Item;
use super::set_rules::{SetRuleParts, SetRules};
use crate::context::Context;
use crate::contract::{Broken, Mode, RuleKeys};
use crate::error::Result;
use crate::expression::Scope;
use crate::ledger::{Batch, RECORD_BYTES};
use crate::refusal::{Refusal, Violation};
use crate::stage::{Outcome, Stage};

/// What became of one record.
pub(crate) struct Transformed {
    pub(crate) result: Result<Outcome, Refusal>,
    /// What the stage warned of, by code.
    pub(super) codes: Vec<String>,
    /// What it has to do with rules over more than one record.
    pub(super) has: Vec<RuleKeys>,
    /// Whether it becomes several.
    is_derived: bool,
    /// What is wrong with it that is only warned of.
    warned: Vec<Violation>,
}

/// What a stage makes of one record. Pure.
pub(crate) fn transform(
    stage: &Stage,
    context: Context<'_>,
    cross: Option<&SetRules<'_>>,
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
    /// What it has to do with rules over more than one record.
    pub(super) fn parts(&self) -> SetRuleParts<'_> {
        SetRuleParts {
            has: &self.has,
            is_derived: self.is_derived,
        }
    }

    /// How many bytes its records are in memory until they are written, roughly.
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

    /// Takes note of rules over more than one record that it breaks; the refusal where they are enforced.
    pub(super) fn broke(&mut self, broken: Vec<Broken>, batch: &mut Batch) -> Option<Refusal> {
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
    pub(super) fn reason(&mut self, stage: &Stage) -> Option<String> {
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

//! Shows and counts what is found.

use std::collections::{BTreeMap, BTreeSet};

use super::outcome::{ValidateOptions, ValidateReport, ValidationFinding, ViolationGroup, ViolationOrigin};
use crate::context::Context;
use crate::contract::{Contract, Mode};
use crate::error::Result;
use crate::record::RecordNumber;
use crate::refusal::{Refusal, Violation};
use crate::store::Table;

/// A kind of violation: code, place, rule, mode.
type GroupKey = (String, String, Option<String>, &'static str);

/// A validation in progress: its rules, and what it has found so far.
pub(super) struct Validation<'v> {
    pub(super) table: Table,
    pub(super) contract: &'v Contract,
    pub(super) options: &'v ValidateOptions<'v>,
    pub(super) context: Context<'v>,
    pub(super) report: ValidateReport,
    pub(super) groups: BTreeMap<GroupKey, (RecordNumber, ViolationGroup)>,
    pub(super) failing: BTreeSet<RecordNumber>,
    pub(super) warned: BTreeSet<RecordNumber>,
    pub(super) show: &'v mut dyn FnMut(&ValidationFinding) -> Result<()>,
}

impl Validation<'_> {
    /// Shows one violation and counts it.
    pub(super) fn tell(
        &mut self,
        record: RecordNumber,
        id: &str,
        violation: Violation,
        mode: Mode,
        origin: Option<ViolationOrigin>,
    ) -> Result<()> {
        let mut refusal = Refusal::from(violation).cut_at(self.options.redact);
        let Some(mut violation) = refusal.violations.pop() else {
            return Ok(());
        };
        violation.preexisting = match (&origin, self.options.since) {
            (Some(origin), Some(since)) => origin.run <= since,
            (Some(origin), None) => matches!(origin.kind.as_str(), "load" | "edit"),
            (None, _) => false,
        };
        let finding = ValidationFinding {
            record,
            id: id.to_owned(),
            violation,
            mode,
            origin,
        };
        (self.show)(&finding)?;
        self.count(finding);
        Ok(())
    }

    fn count(&mut self, finding: ValidationFinding) {
        let broken = if finding.mode == Mode::Warn {
            &mut self.warned
        } else {
            &mut self.failing
        };
        broken.insert(finding.record);
        let Violation {
            code,
            pointer,
            expected,
            rule,
            preexisting,
            ..
        } = finding.violation;
        let pointer = without_positions(&pointer);
        let key = (
            code.to_string(),
            pointer.clone(),
            rule.clone(),
            finding.mode.name(),
        );
        let (newest, group) = self.groups.entry(key).or_insert_with(|| {
            let group = ViolationGroup {
                code: code.to_string(),
                pointer,
                // For a rule over several records, each record has its own expected value.
                expected: expected.filter(|_| code != "contract.unique"),
                rule,
                mode: finding.mode,
                records: 0,
                preexisting: 0,
                by_run: BTreeMap::new(),
                examples: Vec::new(),
            };
            (RecordNumber::BEFORE_FIRST, group)
        });
        if *newest == finding.record {
            return;
        }
        *newest = finding.record;
        group.records += 1;
        group.preexisting += u64::from(preexisting);
        if let Some(origin) = finding.origin {
            *group.by_run.entry(origin.run).or_default() += 1;
        }
        if group.examples.len() < self.options.examples {
            group.examples.push(finding.id);
        }
    }

    pub(super) fn finish(self) -> ValidateReport {
        let mut violations: Vec<ViolationGroup> = self.groups.into_values().map(|(_, group)| group).collect();
        violations.sort_by_key(|group| std::cmp::Reverse(group.records));
        ValidateReport {
            failing: self.failing.len() as u64,
            warned: self.warned.difference(&self.failing).count() as u64,
            violations,
            ..self.report
        }
    }
}

/// Replaces the positions in lists of a pointer with `*`.
fn without_positions(pointer: &str) -> String {
    let is_position = |token: &str| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
    let tokens = pointer
        .split('/')
        .map(|token| if is_position(token) { "*" } else { token });
    tokens.collect::<Vec<_>>().join("/")
}

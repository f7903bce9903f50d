//! Warnings about a stage that compiles, each with a stable code.

use rust_decimal::Decimal;

use super::steps::leaves_value;
use super::{MaxErrors, Merge, OnError, Stage};
use crate::expression::Expression;
use crate::op::{Effects, Operation, Reversibility};
use crate::path::Path;
use crate::problem::{Place, Problem};
use crate::toml::Collected;

impl Stage {
    /// Returns warnings about what is legal but probably not intended, in the order of the file.
    ///
    /// `check.lossy`, `check.overwritten`, `check.gone`, `check.redact_leaks`, `check.redact_source`,
    /// `check.redact_id`, `check.redact_sum`, `check.unused_name`, `check.no_effect`, `check.max_errors_unused`,
    /// `check.max_errors_all`, `check.on_conflict_unused`, `check.stale_unused`, `check.id_twice`,
    /// `check.not_an_expression`, `check.ambiguous_formats`, `check.never`, `check.unknown_member`,
    /// `check.lone_field`, `check.constant_id`, `check.silent_rule`, `check.mean_of_means`, `check.mixed`,
    /// `contract.budget`.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Collected::default();
        self.check_ops(&mut problems);
        self.check_gone(&mut problems);
        self.check_members(&mut problems);
        self.check_lone_field(&mut problems);
        self.check_aggregate(&mut problems);
        self.check_redacted_windows(&mut problems);
        self.check_redaction(&mut problems);
        self.check_redacted_sources(&mut problems);
        self.check_redacted_ids(&mut problems);
        self.check_redacted_names(&mut problems);
        self.check_redacted_sums(&mut problems);
        self.check_settings(&mut problems);
        self.check_stale(&mut problems);
        self.check_names(&mut problems);
        self.check_texts(&mut problems);
        self.check_expressions(&mut problems);
        self.check_op_settings(&mut problems);
        let schemas = [self.source_contract(), self.contract().schema.as_ref()];
        for schema in schemas.into_iter().flatten() {
            schema
                .warnings()
                .into_iter()
                .for_each(|problem| problems.add(problem));
        }
        problems.sorted()
    }

    fn check_ops(&self, problems: &mut Collected) {
        for (at, op) in self.ops().iter().enumerate() {
            if self.in_place() && op.reversibility() == Reversibility::Lossy {
                let message = format!(
                    "`{}` loses information when it changes a record in place",
                    op.name()
                );
                let problem = Problem::warning("check.lossy", self.op_place(at), message);
                problems.add(
                    problem.help("rollback needs the before images: keep them, or write to a new database"),
                );
            }
            for path in op.writes() {
                let before = self.ops()[..at]
                    .iter()
                    .rposition(|earlier| leaves_value(earlier.as_ref(), &path));
                let Some(before) = before else { continue };
                let between = &self.ops()[before + 1..=at];
                if !between.iter().any(|op| {
                    op.reads()
                        .iter()
                        .any(|read| read.covers(&path) || path.covers(read))
                }) {
                    let earlier = self.ops()[before].name();
                    let message = format!(
                        "`{}` overwrites `{path}`, which `{earlier}` wrote and nothing read",
                        op.name()
                    );
                    problems.add(Problem::warning("check.overwritten", self.op_place(at), message));
                }
            }
        }
        let rekeys = self.ops().iter().position(|op| op.effects() == Effects::REKEYS);
        if let Some(at) = rekeys.filter(|_| self.settings.id.is_some()) {
            let message = format!("`{}` has no effect: [stage] sets the id", self.ops()[at].name());
            problems.add(Problem::warning("check.id_twice", self.op_place(at), message));
        }
    }

    /// Warns of reading what an operation has moved away or removed.
    fn check_gone(&self, problems: &mut Collected) {
        let ops = self.ops();
        let gone = |path: &Path, before: usize| {
            let toucher = |op: &dyn Operation| {
                op.writes()
                    .iter()
                    .any(|write| write.covers(path) || path.covers(write))
            };
            let last = ops[..before].iter().rfind(|op| toucher(op.as_ref()))?;
            last.takes_away().contains(path).then(|| last.name())
        };
        let mut check = |reads: Vec<Path>, before: usize, place: Option<Place>| {
            for path in reads {
                if let Some(name) = gone(&path, before) {
                    let message = format!("`{path}` is read, but `{name}` removed it earlier");
                    problems.add(Problem::warning("check.gone", place.clone(), message));
                }
            }
        };
        for (at, op) in ops.iter().enumerate() {
            check(op.reads(), at, self.op_place(at));
        }
        if let Some(id) = &self.steps.id {
            check(id.reads(), ops.len(), self.place_of("stage", "id"));
        }
        if let Some(crate::expression::Template::Object(fields)) = &self.steps.into {
            for crate::expression::TemplateField { name, template } in fields {
                check(template.reads(), ops.len(), self.place_of("into", name));
            }
        }
    }

    /// Warns of a model of one field: without others that agree or differ beside it, nothing can be learned of it.
    fn check_lone_field(&self, problems: &mut Collected) {
        let merge = self.steps.merge.as_ref();
        if let Some((name, place)) = merge.and_then(Merge::lone_field) {
            let message =
                format!("the model compares `{name}` only, and nothing can be learned from one field");
            let help = format!(
                "name more fields; or write `by = {{ {name} = ... }}` in place of `identity`, which merges records that are \
                 equal in it"
            );
            problems.add(Problem::warning("check.lone_field", place, message).help(help));
        }
    }

    fn check_settings(&self, problems: &mut Collected) {
        let written = |key| self.place_of("stage", key);
        let steps = &self.steps;
        if steps.id.as_ref().is_some_and(Expression::is_constant) {
            let message = "`id` is the same for every record, so at most one has it";
            let problem = Problem::warning("check.constant_id", written("id"), message);
            problems.add(problem.help("read a field that differs, for example `id = \"= doc.number\"`"));
        }
        if self.in_place()
            && steps.ops.is_empty()
            && steps.into.is_none()
            && steps.closure.is_none()
            && steps.id.is_none()
            && steps.source_contract.is_none()
            && steps.contract.is_empty()
        {
            let problem = Problem::warning("check.no_effect", written("source"), "the stage changes nothing");
            problems.add(problem.help("give it operations, [into] or a `target`"));
        }
        if self.on_error() == OnError::Stop && written("max_errors").is_some() {
            let message = "`max_errors` has no effect: the first refusal stops the pass";
            problems.add(Problem::warning(
                "check.max_errors_unused",
                written("max_errors"),
                message,
            ));
        }
        if self.max_errors() == MaxErrors::Share(Decimal::ONE_HUNDRED) {
            let message = "even if every record is refused, the pass continues to its end";
            problems.add(Problem::warning(
                "check.max_errors_all",
                written("max_errors"),
                message,
            ));
        }
        if self.in_place() && self.takes_over_ids() && written("on_conflict").is_some() {
            let message = "`on_conflict` has no effect: an in-place stage that keeps its ids never meets another record";
            problems.add(Problem::warning(
                "check.on_conflict_unused",
                written("on_conflict"),
                message,
            ));
        }
    }

    /// A stage in place removes what it refuses from its database, so no earlier version remains there.
    fn check_stale(&self, problems: &mut Collected) {
        let place = self.place_of("stage", "stale");
        if self.in_place() && place.is_some() {
            let message =
                "`stale` has no effect: an in-place stage removes the rows that it refuses from its database";
            problems.add(Problem::warning("check.stale_unused", place, message));
        }
    }

    /// Warns of names of `prepare` that are not used in the rest of the file.
    fn check_names(&self, problems: &mut Collected) {
        let Some(prepare) = &self.steps.prepare else {
            return;
        };
        for name in prepare.names() {
            let uses = words(&self.source_text).filter(|word| *word == name).count();
            if uses == 1 {
                let message = format!("`prepare` defines `{name}`, and nothing uses it");
                problems.add(Problem::warning(
                    "check.unused_name",
                    self.place_of("stage", "prepare"),
                    message,
                ));
            }
        }
    }
}

/// Splits a text into words of letters, digits and `_`.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}

//! Warnings about a stage that redacts.

use super::Stage;
use super::merge::Merge;
use super::steps::leaves_value;
use crate::contract::Schema;
use crate::expression::TemplateField;
use crate::expression::{Expression, Template};
use crate::op::{Operation, PassedOn};
use crate::path::{Path, Segment};
use crate::problem::Problem;
use crate::record::MaskRelation;
use crate::toml::Collected;

/// Functions whose result is no longer the value that was read.
const DISGUISING_FUNCTIONS: [&str; 3] = ["hmac(", "sha256(", "uuid5("];

impl Stage {
    /// Warns of redacted values that are written to places that are not redacted, where they would be shown.
    pub(super) fn check_redaction(&self, problems: &mut Collected) {
        let redacted = |path: &Path| self.redact().iter().any(|redact| redact.covers(path));
        let reads_redacted = |reads: &[Path]| {
            let meets = |redact: &Path| {
                reads
                    .iter()
                    .any(|read| redact.covers(read) || read.covers(redact))
            };
            self.redact().iter().find(|redact| meets(redact)).cloned()
        };
        // What is taken from a row of another database is redacted there under the same name.
        let taken = |op: &dyn Operation| {
            let taken = op.lookups().into_iter().filter_map(|query| query.take);
            taken.into_iter().find(redacted)
        };
        let leaks = |op: &dyn Operation| {
            if let Some(path) = taken(op) {
                let written = op.writes().into_iter().find(|write| !redacted(write));
                return written.filter(|_| !op.disguises()).map(|written| (path, written));
            }
            let reads = op.reads();
            let path = reads_redacted(&reads)?;
            let written = op
                .writes()
                .into_iter()
                .find(|write| !redacted(write) && !reads.contains(write))?;
            (!op.disguises()).then_some((path, written))
        };
        let warn = |place, path: &Path, written: &str, problems: &mut Collected| {
            let message = format!("`{path}` is redacted, but its value goes to `{written}`, which is not");
            let problem = Problem::warning("check.redact_leaks", place, message);
            problems.add(problem.help(format!("add \"{written}\" to `redact`")));
        };
        for (at, op) in self.ops().iter().enumerate() {
            if let Some((path, written)) = leaks(op.as_ref()) {
                warn(self.op_place(at), &path, &written.to_string(), problems);
            }
        }
        let Some(crate::expression::Template::Object(fields)) = &self.steps.into else {
            return;
        };
        for TemplateField { name, template } in
            fields.iter().filter(|field| !redacted(&Path::field(&field.name)))
        {
            if let Some(path) = reads_redacted(&template.reads()) {
                // A nested field of it may be redacted even if the whole is not.
                let nested = self
                    .redact()
                    .iter()
                    .any(|redact| Path::field(name).covers(redact));
                if !nested {
                    warn(self.place_of("into", name), &path, name, problems);
                }
            }
        }
    }

    /// Returns what is redacted but appears in the ids, and the key of the stage's file that causes it.
    fn redacted_in_ids(&self) -> Option<(Path, &'static str)> {
        let hides = |redact: &Path, path: &Path| MaskRelation::new(redact, path.segments()).may_hide();
        let redacted = |path: &Path| self.redact().iter().any(|redact| hides(redact, path));
        let disguised = |source: &str| DISGUISING_FUNCTIONS.iter().any(|name| source.contains(name));
        match &self.steps.id {
            // The ids of windows are their groups.
            _ if self.steps.aggregate.is_some() => None,
            Some(id) if disguised(id.source()) => None,
            Some(id) => id.reads().into_iter().find(redacted).map(|path| (path, "id")),
            None => Some(Path::field("id"))
                .filter(redacted)
                .map(|path| (path, "redact")),
        }
    }

    /// Warns of redacted values in ids: ids are shown wherever a record is named.
    pub(super) fn check_redacted_ids(&self, problems: &mut Collected) {
        let Some((path, key)) = self.redacted_in_ids() else {
            return;
        };
        let message =
            format!("`{path}` is redacted, but as the record's id it is shown wherever the record is named");
        let problem = Problem::warning("check.redact_id", self.place_of("stage", key), message);
        problems.add(
            problem.help(
                "derive the id from it with `hmac` (ids that come from a load are chosen by that load)",
            ),
        );
    }

    /// Warns of a probable typing error in `redact`, which would show what should be hidden: a name that the stage does
    /// not have but that is similar to one that it has.
    pub(super) fn check_redacted_names(&self, problems: &mut Collected) {
        let steps = &self.steps;
        let mut known: Vec<Path> = self
            .ops()
            .iter()
            .flat_map(|op| [op.reads(), op.writes()].concat())
            .collect();
        known.extend(steps.filter.iter().flat_map(Expression::reads));
        known.extend(steps.id.iter().flat_map(Expression::reads));
        if let Some(Template::Object(fields)) = &steps.into {
            known.extend(fields.iter().map(|field| Path::field(&field.name)));
            known.extend(fields.iter().flat_map(|field| field.template.reads()));
        }
        known.extend(steps.merge.iter().flat_map(Merge::reads));
        if let Some(aggregate) = &steps.aggregate {
            known.extend(aggregate.reads_by_place().into_iter().map(|(path, _)| path));
            known.extend(aggregate.fields().map(Path::field));
        }
        let schemas = steps.source_contract.iter().chain(&steps.contract.schema);
        known.extend(schemas.flat_map(Schema::fields));
        for redact in self.redact() {
            if known
                .iter()
                .any(|path| path.covers(redact) || redact.covers(path))
            {
                continue;
            }
            let given = redact.to_string();
            let near = |name: &String| {
                let distance = strsim::damerau_levenshtein(name, &given);
                distance <= 2 && distance * 3 <= given.chars().count()
            };
            if let Some(near) = known.iter().map(ToString::to_string).find(near) {
                let message = format!("`{given}` is redacted, but nothing else in the stage has that name");
                let problem =
                    Problem::warning("check.redact_unknown", self.place_of("stage", "redact"), message);
                problems.add(problem.help(format!("did you mean `{near}`?")));
            }
        }
    }

    /// Warns of redacted amounts in sums. Sums are shown and kept in the ledger; if few records have an amount, they
    /// reveal it.
    pub(super) fn check_redacted_sums(&self, problems: &mut Collected) {
        let redacted = |path: &Path| self.redact().iter().any(|redact| redact.covers(path));
        for rule in self.reconciles() {
            let reads = [rule.source.reads(), rule.target.reads()].concat();
            let Some(path) = reads.into_iter().find(redacted) else {
                continue;
            };
            let message = format!(
                "`{path}` is redacted, but `{}` shows its sum, which can reveal it where only few records have one",
                rule.name
            );
            let problem = Problem::warning("check.redact_sum", None, message);
            problems.add(problem.help("reconcile a count (`= 1`), or accept that the sum is shown"));
        }
    }

    /// Warns of a value that is redacted at its destination but not at its origin, where it would be shown.
    pub(super) fn check_redacted_sources(&self, problems: &mut Collected) {
        let mut redacted = self.redact().to_vec();
        let mut warn = |place, from: &Path, to: &Path| {
            let message = format!("`{to}` is redacted, but its value comes from `{from}`, which is not");
            let problem = Problem::warning("check.redact_source", place, message);
            problems.add(problem.help(format!("list \"{from}\" in `redact` too")));
        };
        // Backwards, because a value may have gone through several fields.
        let mut look = |place, before: usize, from: Path, to: &Path, redacted: &mut Vec<Path>| {
            let is_redacted = |path: &Path| redacted.iter().any(|redact| redact.covers(path));
            if !is_redacted(to) || is_redacted(&from) {
                return;
            }
            let made_here = |op: &dyn Operation| leaves_value(op, &from);
            if !self.ops()[..before].iter().any(|op| made_here(op.as_ref())) {
                warn(place, &from, to);
            }
            redacted.push(from);
        };
        if let Some(template @ Template::Object(_)) = &self.steps.into {
            let mut handed = Vec::new();
            plain_paths(template, &mut Vec::new(), &mut handed);
            for PassedOn { from, to } in handed {
                let place = to.segments().first().and_then(|first| match first {
                    Segment::Key(name) => self.place_of("into", name),
                    _ => None,
                });
                look(place, self.ops().len(), from, &to, &mut redacted);
            }
        }
        for (at, op) in self.ops().iter().enumerate().rev() {
            for PassedOn { from, to } in op.passes_on() {
                look(self.op_place(at), at, from, &to, &mut redacted);
            }
        }
    }
}

/// Finds the fields of a new document that only copy a value of the old one.
fn plain_paths(template: &Template, to: &mut Vec<Segment>, found: &mut Vec<PassedOn>) {
    match template {
        Template::Object(fields) => {
            for TemplateField { name, template } in fields {
                to.push(Segment::Key(name.clone()));
                plain_paths(template, to, found);
                to.pop();
            }
        }
        Template::Expression(expression) if !to.is_empty() => {
            let plain = |letter: char| letter.is_alphanumeric() || "_.[]\"".contains(letter);
            let source = expression.source().trim();
            if let ([from], true) = (&expression.reads()[..], source.chars().all(plain)) {
                found.push(PassedOn {
                    from: from.clone(),
                    to: Path::from_segments(to.clone()),
                });
            }
        }
        _ => {}
    }
}

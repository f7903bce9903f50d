//! The first steps of one record: filter, contract, prepare and ops; `finish.rs` has the rest.

use super::closure::Closure;
use super::derived::{DerivedParts, MOST_PARTS, joined};
use super::finish::{Draft, RedactedView, broken_promise, enforce, parse};
use super::{Outcome, Stage};
use crate::context::{Context, Operated};
use crate::contract::Broken;
use crate::expression::Scope;
use crate::op::{Effect, Operation};
use crate::path::Path;
use crate::record::{Document, Record};
use crate::refusal::Refusal;

impl Stage {
    /// Transforms one record: filter, source contract, prepare, ops, into, id, target contract, rules. The function is
    /// pure: the same record and context always give the same outcome.
    ///
    /// # Errors
    /// The [`Refusal`], with every violation; `merge.single` and `aggregate.single` from stages that merge or aggregate, which
    /// make nothing of one record alone.
    pub fn transform(&self, record: &Record, context: &Context<'_>) -> Result<Outcome, Refusal> {
        self.transform_in(record, &mut Scope::new(*context))
    }

    /// Like [`transform`](Self::transform), in a scope that the caller makes for this record and can query for warnings
    /// afterwards.
    ///
    /// # Errors
    /// The [`Refusal`], with every violation.
    pub fn transform_in(&self, record: &Record, scope: &mut Scope<'_>) -> Result<Outcome, Refusal> {
        self.process(record, scope)
            .map_err(|refusal| refusal.cut_at(self.redact()))
    }

    fn process(&self, record: &Record, scope: &mut Scope<'_>) -> Result<Outcome, Refusal> {
        if self.merge().is_some() {
            return Err(Refusal::new("merge.single", "").expected("all members of a golden record"));
        }
        if self.aggregate().is_some() {
            return Err(Refusal::new("aggregate.single", "").expected("all readings of a window"));
        }
        if let Some(closure) = self.only_function() {
            return self.call(closure, record, record, scope);
        }
        match self.begin(record, scope)? {
            Some(source) => self.operate(record, source, scope),
            None => Ok(Outcome::filter("where")),
        }
    }

    /// Does what comes before the operations: filter, source contract, prepare. Returns `None` if the record is left
    /// out.
    pub(super) fn begin(&self, record: &Record, scope: &mut Scope<'_>) -> Result<Option<Document>, Refusal> {
        let source = parse(&record.data)?;
        let steps = &self.steps;
        if !self.takes(&source, scope)? {
            return Ok(None);
        }
        if let Some(prepare) = &steps.prepare {
            prepare
                .run(&source, scope)
                .map_err(|refusal| refusal.rule("prepare"))?;
        }
        Ok(Some(source))
    }

    /// Returns whether the stage takes a record of its source: `where` holds. Refuses one that violates the source
    /// contract.
    pub(super) fn takes(&self, source: &Document, scope: &mut Scope<'_>) -> Result<bool, Refusal> {
        let steps = &self.steps;
        if let Some(filter) = &steps.filter
            && !filter
                .truth(source, scope)
                .map_err(|refusal| refusal.rule("where"))?
        {
            return Ok(false);
        }
        if let Some(schema) = &steps.source_contract {
            let found = schema.check(source).into_iter().map(|violation| Broken {
                violation: violation.preexisting(),
                mode: steps.preexisting,
                of_schema: true,
            });
            let seen = RedactedView {
                document: source,
                redact: self.redact(),
            };
            enforce("contract.source", found.collect(), seen, scope)?;
        }
        Ok(true)
    }

    /// Returns the function of a stage built in Rust if nothing happens before it: then the data need not be parsed.
    fn only_function(&self) -> Option<&Closure> {
        let steps = &self.steps;
        let looked_into = steps.filter.is_some()
            || steps.source_contract.is_some()
            || steps.prepare.is_some()
            || steps.id.is_some()
            || !steps.ops.is_empty();
        steps.closure.as_ref().filter(|_| !looked_into)
    }

    /// Runs the operations and finishes their results. A record's parts go through the remaining operations one by one,
    /// in order; each part is finished at once, so that only its text is kept.
    fn operate(
        &self,
        record: &Record,
        document: Document,
        scope: &mut Scope<'_>,
    ) -> Result<Outcome, Refusal> {
        let first = Draft::first(document, scope.context().salt);
        // Each with the operation that it comes to next; the last one first.
        let mut waiting = vec![(0, first)];
        let (mut parts, mut derived, mut reason) = (DerivedParts::default(), false, None);
        'parts: while let Some((from, mut draft)) = waiting.pop() {
            scope.turn_to_part(draft.salt);
            for (at, op) in self.steps.ops.iter().enumerate().skip(from) {
                let effect = applied(at, op.as_ref(), &mut draft.document, scope);
                let effect = effect.map_err(|refusal| self.refused_part(refusal, &draft, &parts, scope))?;
                match effect {
                    Effect::Changed | Effect::Unchanged => {}
                    Effect::Rekeyed(id) if op.effects().rekeys => draft.id = Some(id),
                    Effect::Derived(_) if !op.effects().derives => return Err(broken_promise()),
                    Effect::Rekeyed(_) => return Err(broken_promise()),
                    Effect::Filtered(code) => {
                        reason.get_or_insert(code);
                        continue 'parts;
                    }
                    Effect::Derived(documents) => {
                        derived = true;
                        if parts.count + waiting.len() + documents.len() > MOST_PARTS {
                            let most = format!("at most {MOST_PARTS} records");
                            return Err(Refusal::new("derive.too_many", "").expected(most));
                        }
                        let made = self.drafts(&draft, at, documents);
                        waiting.extend(made.into_iter().rev().map(|part| (at + 1, part)));
                        continue 'parts;
                    }
                }
            }
            if !derived {
                return self.finish(record, draft, scope);
            }
            self.finish_part(record, draft, &mut parts, scope)?;
        }
        match parts.refusal {
            Some(refusal) => Err(refusal),
            None if parts.count == 0 => Ok(Outcome::Filter(
                reason.unwrap_or_else(|| "derive.none".to_owned()),
            )),
            None => Ok(joined(parts.outcomes)),
        }
    }
}

/// Applies an operation, and counts what it does if counting is requested.
fn applied(
    at: usize,
    op: &dyn Operation,
    document: &mut Document,
    scope: &mut Scope<'_>,
) -> Result<Effect, Refusal> {
    let Some(probe) = scope.context().probe.filter(|probe| probe.follows_operations()) else {
        return op.apply(document, scope);
    };
    let reads = op.reads();
    let is_there = |path: &Path| {
        document
            .places(path)
            .iter()
            .any(|place| document.at(place).is_some())
    };
    let matched = reads.is_empty() || reads.iter().any(is_there);
    let effect = op.apply(document, scope);
    let changed = effect
        .as_ref()
        .is_ok_and(|effect| !matches!(effect, Effect::Unchanged));
    let did = Operated {
        matched,
        changed,
        refused: effect.is_err(),
    };
    probe.operated(at, did);
    effect
}

//! What one record goes through: filter, contract, prepare, ops, into, id, contract.

use super::closure::Closure;
use super::derived::{Draft, MOST_PARTS, Parts, as_number, joined};
use super::{Outcome, Output, Stage, may_derive, may_rekey};
use crate::context::{Context, Operated};
use crate::contract::{Broken, Mode};
use crate::digest::derived_salt;
use crate::expression::{Evaluated, Expression, Scope, Template};
use crate::op::{Effect, Operation};
use crate::path::Path;
use crate::record::{Document, Kind, Malformed, Record, Value, admit, id_of_number, within};
use crate::refusal::{Refusal, is_reserved};

impl Stage {
    /// Transforms one record: filter, source contract, prepare, ops, into, id, target contract, rules. Pure: the
    /// same record and context always give the same outcome.
    ///
    /// # Errors
    /// The [`Refusal`], with every violation.
    pub fn transform(&self, record: &Record, context: &Context<'_>) -> Result<Outcome, Refusal> {
        self.transform_in(record, &mut Scope::new(*context))
    }

    /// As [`transform`](Self::transform), in a scope that the caller made for this record and can ask for warnings
    /// afterwards.
    ///
    /// # Errors
    /// The [`Refusal`], with every violation.
    pub fn transform_in(&self, record: &Record, scope: &mut Scope<'_>) -> Result<Outcome, Refusal> {
        self.carry(record, scope)
            .map_err(|refusal| refusal.cut_at(self.redact()))
    }

    fn carry(&self, record: &Record, scope: &mut Scope<'_>) -> Result<Outcome, Refusal> {
        if let Some(closure) = self.only_function() {
            return self.call(closure, record, record, scope);
        }
        let source = parse(&record.data)?;
        let steps = &self.steps;
        if let Some(filter) = &steps.filter
            && !filter
                .truth(&source, scope)
                .map_err(|refusal| refusal.rule("where"))?
        {
            return Ok(Outcome::filter("where"));
        }
        if let Some(schema) = &steps.source_contract {
            let found = schema.check(&source).into_iter().map(|violation| Broken {
                violation: violation.preexisting(),
                mode: steps.preexisting,
                of_schema: true,
            });
            enforce(
                "contract.source",
                found.collect(),
                (&source, self.redact()),
                scope,
            )?;
        }
        if let Some(prepare) = &steps.prepare {
            prepare
                .run(&source, scope)
                .map_err(|refusal| refusal.rule("prepare"))?;
        }
        self.operate(record, source, scope)
    }

    /// The function of a stage built in Rust where nothing happens before it: the data need not be looked into then.
    fn only_function(&self) -> Option<&Closure> {
        let steps = &self.steps;
        let looked_into = steps.filter.is_some()
            || steps.source_contract.is_some()
            || steps.prepare.is_some()
            || steps.id.is_some()
            || !steps.ops.is_empty();
        steps.closure.as_ref().filter(|_| !looked_into)
    }

    /// Runs the operations, and finishes what they make. What a record is derived into goes through the remaining ones part
    /// by part, in order; each part is finished at once, so that only its text is kept.
    fn operate(
        &self,
        record: &Record,
        document: Document,
        scope: &mut Scope<'_>,
    ) -> Result<Outcome, Refusal> {
        let first = Draft {
            document,
            id: None,
            part: None,
            salt: scope.context().salt,
            is_part: false,
            derived: None,
        };
        let mut waiting = vec![(0, first)];
        let (mut parts, mut derived, mut reason) = (Parts::default(), false, None);
        'parts: while let Some((from, mut draft)) = waiting.pop() {
            scope.turn_to_part(draft.salt);
            for (at, op) in self.steps.ops.iter().enumerate().skip(from) {
                let effect = applied(at, op.as_ref(), &mut draft.document, scope);
                let effect = effect.map_err(|refusal| self.refused_part(refusal, &draft, &parts, scope))?;
                match effect {
                    Effect::Changed | Effect::Unchanged => {}
                    Effect::Rekeyed(id) if may_rekey(op.as_ref()) => draft.id = Some(id),
                    Effect::Derived(_) if !may_derive(op.as_ref()) => return Err(broken_promise()),
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
                        // By its place in the list, whatever becomes of the others.
                        let salt = |part| Some(derived_salt(&draft.salt?, self.number, part));
                        let made = (1..).zip(documents).enumerate();
                        let made = made.map(|(index, (part, document))| Draft {
                            document,
                            id: None,
                            part: None,
                            salt: salt(part),
                            is_part: true,
                            // Of a part of a part, the place in the record is not known.
                            derived: Some((at, index)).filter(|_| !draft.is_part),
                        });
                        let made: Vec<Draft> = made.collect();
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

    /// `into`, then the id.
    pub(super) fn finish(
        &self,
        record: &Record,
        draft: Draft,
        scope: &mut Scope<'_>,
    ) -> Result<Outcome, Refusal> {
        let built = match &self.steps.into {
            Some(into) => Some(build(into, &draft.document, scope)?),
            None => None,
        };
        let id = match (&self.steps.id, draft.id, draft.part) {
            (Some(id), ..) => evaluated_id(id, &draft.document, scope)?,
            (None, Some(id), _) => checked_id(id)?,
            (None, None, Some(part)) => scope.context().uuid(&part.to_string()),
            (None, None, None) => record.id.clone(),
        };
        if let Some(part) = draft.part {
            scope.note_part(as_number(part), &id);
        }
        let document = built.unwrap_or(draft.document);
        let Some(closure) = &self.steps.closure else {
            self.check_target(&document, record, scope)?;
            let output = Output::new(id, &document);
            within(&output.data, &scope.context().limits).map_err(|error| too_much(&error))?;
            return Ok(Outcome::Write(output));
        };
        let changed = Record {
            record: record.record,
            id,
            data: document.to_json(),
        };
        self.call(closure, &changed, record, scope)
    }

    /// Calls the function of a stage built in Rust, and checks what it gives. `source`: the record before the stage.
    fn call(
        &self,
        closure: &Closure,
        record: &Record,
        source: &Record,
        scope: &mut Scope<'_>,
    ) -> Result<Outcome, Refusal> {
        let outcome = (closure.transform)(record, scope.context());
        let outcome = outcome.map_err(|refusal| {
            if is_reserved(&refusal.code) {
                reserved()
            } else {
                refusal
            }
        })?;
        let (outputs, kept) = match outcome {
            Outcome::Filter(reason) if is_reserved(&reason) => return Err(reserved()),
            Outcome::Filter(reason) => return Ok(Outcome::Filter(reason)),
            Outcome::Write(output) => (vec![output], true),
            Outcome::Derive(outputs) => (outputs, false),
        };
        if outputs.is_empty() {
            return Ok(Outcome::filter("derive.none"));
        }
        let mut checked = Vec::with_capacity(outputs.len());
        for output in outputs {
            if closure.keeps_ids && (!kept || output.id != record.id) {
                return Err(broken_promise());
            }
            checked.push(self.checked_output(output, source, scope)?);
        }
        Ok(match checked.pop() {
            Some(output) if kept => Outcome::Write(output),
            last => Outcome::Derive(checked.into_iter().chain(last).collect()),
        })
    }

    /// An output that comes from the program: it goes through the door, as everything that is stored.
    fn checked_output(
        &self,
        output: Output,
        source: &Record,
        scope: &mut Scope<'_>,
    ) -> Result<Output, Refusal> {
        let id = checked_id(output.id)?;
        let data = admit(output.data.as_bytes(), &scope.context().limits).map_err(|error| {
            let expected = match error.code {
                "json.size" | "json.depth" => return too_much(&error),
                _ => "valid JSON from the function",
            };
            Refusal::new(error.code, "").expected(expected)
        })?;
        if !data.starts_with('{') {
            return Err(not_an_object());
        }
        if !self.steps.contract.is_empty() {
            self.check_target(&parse(&data)?, source, scope)?;
        }
        Ok(Output { id, data })
    }

    /// The target contract, every violation in one refusal. In place, what the record broke already before the stage is
    /// told apart from what the stage broke.
    fn check_target(
        &self,
        document: &Document,
        source: &Record,
        scope: &mut Scope<'_>,
    ) -> Result<(), Refusal> {
        let contract = &self.steps.contract;
        let mut broken = contract.check(document, scope);
        if self.in_place() && !broken.is_empty() {
            let before = contract.check(&parse(&source.data)?, scope);
            for broken in &mut broken {
                if before.iter().any(|old| old.violation == broken.violation) {
                    broken.violation.preexisting = true;
                    broken.mode = self.steps.preexisting;
                }
            }
        }
        enforce("contract.target", broken, (document, self.redact()), scope)
    }
}

/// Applies an operation, and counts what it does where somebody wants to know.
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

/// What a stage makes has to come in through the door again, where it is exported and loaded.
fn too_much(error: &Malformed) -> Refusal {
    Refusal::new(error.code, "").expected(format!(
        "at most what the store's limits allow ({})",
        error.message
    ))
}

/// Refuses where there is something that is not only to be warned of. `code`: that of a broken schema.
/// What it says of places ends at what is redacted in the document.
fn enforce(
    code: &'static str,
    mut broken: Vec<Broken>,
    (document, redact): (&Document, &[Path]),
    scope: &mut Scope<'_>,
) -> Result<(), Refusal> {
    for broken in &mut broken {
        broken.violation.cut_in(document, redact);
    }
    let (warned, enforced): (Vec<_>, Vec<_>) =
        broken.into_iter().partition(|broken| broken.mode == Mode::Warn);
    if enforced.is_empty() {
        for broken in warned {
            scope.warn_of(broken.violation);
        }
        return Ok(());
    }
    let of_schema = enforced.iter().any(|broken| broken.of_schema);
    Err(Refusal {
        code: if of_schema { code } else { "contract.rule" }.into(),
        halts: enforced.iter().any(|broken| broken.mode == Mode::Refuse),
        holder: None,
        violations: enforced.into_iter().map(|broken| broken.violation).collect(),
        line: None,
        last_line: None,
    })
}

/// The document that `[into]` describes.
fn build(into: &Template, document: &Document, scope: &mut Scope<'_>) -> Result<Document, Refusal> {
    match into
        .value(document, scope)
        .map_err(|refusal| refusal.rule("into"))?
    {
        Evaluated::Value(Value::Object(built)) => Ok(built),
        Evaluated::Value(value) if value.kind() == Kind::Object => parse(&value.to_json()),
        Evaluated::Value(_) | Evaluated::Omit => Err(not_an_object().rule("into")),
    }
}

pub(super) fn evaluated_id(
    id: &Expression,
    document: &Document,
    scope: &mut Scope<'_>,
) -> Result<String, Refusal> {
    let refused = |code| {
        Err(Refusal::new(code, "")
            .expected("a text or a whole number")
            .rule("id"))
    };
    let Evaluated::Value(value) = id.value(document, scope).map_err(|refusal| refusal.rule("id"))? else {
        return refused("id.missing");
    };
    if value.is_null() {
        return refused("id.missing");
    }
    if let Some(text) = value.as_text() {
        return checked_id(text.into_owned()).map_err(|refusal| refusal.rule("id"));
    }
    match value.as_number().and_then(id_of_number) {
        Some(id) => Ok(id.to_owned()),
        None => refused("id.wrong_type"),
    }
}

fn checked_id(id: String) -> Result<String, Refusal> {
    if id.is_empty() {
        return Err(Refusal::new("id.empty", "").expected("an id that is not empty"));
    }
    if id.contains('\0') {
        return Err(Refusal::new("id.nul", "").expected("an id without NUL"));
    }
    Ok(id)
}

/// The store relies on what a stage says of its ids: an operation or function of the program that does otherwise
/// is refused.
fn broken_promise() -> Refusal {
    Refusal::new("id.changed", "").expected("one record with the id of its source")
}

fn reserved() -> Refusal {
    Refusal::new("stage.reserved_code", "").expected("a code that is not one of the ledger's own")
}

fn not_an_object() -> Refusal {
    Refusal::new("record.not_object", "").expected("a JSON object")
}

fn parse(data: &str) -> Result<Document, Refusal> {
    Document::parse(data).map_err(|error| Refusal::new(error.code, "").expected("a JSON object"))
}

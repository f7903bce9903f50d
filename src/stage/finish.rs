//! The last steps of a record: `into`, the id, the function of a stage built in Rust, the target contract.

use super::closure::Closure;
use super::{Outcome, Output, Stage};
use crate::contract::{Broken, Mode};
use crate::digest::Salt;
use crate::expression::{Evaluated, Expression, Scope, Template};
use crate::path::Path;
use crate::record::{Document, Kind, Malformed, Record, Value, admit, id_of_number, within};
use crate::refusal::{Refusal, is_reserved};

/// A record after the operations.
pub(super) struct Draft {
    pub(super) document: Document,
    /// The id that `rekey` set.
    pub(super) id: Option<String>,
    /// Number among the parts of a derived record, from 1.
    pub(super) part: Option<usize>,
    /// The salt from which its random values are derived.
    pub(super) salt: Option<Salt>,
    /// Whether it is one of several that the record became.
    pub(super) is_part: bool,
    /// Where it was derived, if that is known.
    pub(super) derived: Option<DerivedPlace>,
}

/// Where a record was derived.
#[derive(Clone, Copy)]
pub(super) struct DerivedPlace {
    /// Index of the operation.
    pub(super) op: usize,
    /// Position in the operation's list.
    pub(super) index: usize,
}

impl Draft {
    /// Makes the draft of a record before the operations.
    pub(super) fn first(document: Document, salt: Option<Salt>) -> Self {
        Self {
            document,
            id: None,
            part: None,
            salt,
            is_part: false,
            derived: None,
        }
    }
}

impl Stage {
    /// Applies `into`, then computes the id.
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
            number: record.number,
            id,
            data: document.to_json(),
        };
        self.call(closure, &changed, record, scope)
    }

    /// Calls the function of a stage built in Rust, and checks its result. `source`: the record before the stage.
    pub(super) fn call(
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

    /// Checks an output that comes from the program: it has to pass admission, like everything that is stored.
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

    /// Checks the target contract, and collects every violation in one refusal. In place, violations that the record
    /// already had before the stage are distinguished from those that the stage caused.
    pub(super) fn check_target(
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
        let seen = RedactedView {
            document,
            redact: self.redact(),
        };
        enforce("contract.target", broken, seen, scope)
    }
}

pub(super) fn as_number(part: usize) -> i64 {
    i64::try_from(part).unwrap_or(i64::MAX)
}

/// Refuses an output that would be rejected at admission if it were exported and loaded again.
pub(super) fn too_much(error: &Malformed) -> Refusal {
    Refusal::new(error.code, "").expected(format!(
        "at most what the store's limits allow ({})",
        error.message
    ))
}

/// A document, and the paths at which nothing of it is shown.
#[derive(Clone, Copy)]
pub(super) struct RedactedView<'d> {
    pub(super) document: &'d Document,
    pub(super) redact: &'d [Path],
}

/// Refuses if a violation is more than a warning. `code`: that of a broken schema. The places that it names end where
/// the document is redacted.
pub(super) fn enforce(
    code: &'static str,
    mut broken: Vec<Broken>,
    seen: RedactedView<'_>,
    scope: &mut Scope<'_>,
) -> Result<(), Refusal> {
    for broken in &mut broken {
        broken.violation.cut_in(seen.document, seen.redact);
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

/// Builds the document that `[into]` describes.
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
            .expected("a string or a whole number")
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

/// Makes the refusal for a broken promise: the store relies on what a stage promises about its ids, so an operation or
/// function of the program that breaks the promise is refused.
pub(super) fn broken_promise() -> Refusal {
    Refusal::new("id.changed", "").expected("one record with the id of its source")
}

fn reserved() -> Refusal {
    Refusal::new("stage.reserved_code", "").expected("a code that is not reserved for the ledger")
}

fn not_an_object() -> Refusal {
    Refusal::new("record.not_object", "").expected("a JSON object")
}

pub(super) fn parse(data: &str) -> Result<Document, Refusal> {
    Document::parse(data).map_err(|error| Refusal::new(error.code, "").expected("a JSON object"))
}

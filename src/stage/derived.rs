//! The parts that a record is derived into, both in progress and finished.

use super::finish::{DerivedPlace, Draft, as_number, evaluated_id};
use super::{Outcome, Stage};
use crate::digest::derived_salt;
use crate::expression::Scope;
use crate::op::{Effects, Operation};
use crate::path::Path;
use crate::record::{Document, Record};
use crate::refusal::{Part, Refusal};

/// Maximum number of records that one record may become.
pub(super) const MOST_PARTS: usize = 10_000;
/// Maximum number of bytes of these records together, unless a single record may have more: the results of one record
/// are written in one transaction, and are in memory until then.
const MOST_BYTES: usize = 16 << 20;

/// The finished parts of a derived record.
#[derive(Default)]
pub(super) struct DerivedParts {
    pub(super) count: usize,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) bytes: usize,
    /// Refusal of the first refused part, unless an operation refuses a later one.
    pub(super) refusal: Option<Refusal>,
}

impl Stage {
    /// Makes the refusal by an operation, with the part that it concerns if the record has become several.
    pub(super) fn refused_part(
        &self,
        refusal: Refusal,
        draft: &Draft,
        parts: &DerivedParts,
        scope: &mut Scope<'_>,
    ) -> Refusal {
        if !draft.is_part {
            return refusal;
        }
        let number = parts.count + 1;
        if scope.notes_parts()
            && let Some(id) = &self.steps.id
            && let Ok(id) = evaluated_id(id, &draft.document, scope)
        {
            scope.note_part(as_number(number), &id);
        }
        refusal.of_part(&self.part(number, draft.derived))
    }

    /// Returns a part, with its place in the source record if no earlier operation has changed the list that it comes
    /// from.
    fn part(&self, number: usize, derived: Option<DerivedPlace>) -> Part {
        let ops = &self.steps.ops;
        let child = derived.and_then(|DerivedPlace { op: at, index }| {
            let list = ops[at].derives_from()?;
            let touches = |path: &Path| path.covers(&list) || list.covers(path);
            let is_changed =
                |op: &dyn Operation| op.effects() == Effects::ANY || op.writes().iter().any(touches);
            let is_there = !ops[..at].iter().any(|op| is_changed(op.as_ref()));
            is_there.then(|| format!("{}/{index}", list.pointer()))
        });
        Part {
            child,
            ..Part::numbered(as_number(number))
        }
    }

    /// Makes the drafts that an operation derived from a record, or from a part of one, in order.
    pub(super) fn drafts(&self, draft: &Draft, op: usize, documents: Vec<Document>) -> Vec<Draft> {
        let made = (1..).zip(documents).enumerate();
        made.map(|(index, (part, document))| {
            // By its place in the list, whatever happens to the others.
            let salt = draft.salt.map(|salt| derived_salt(&salt, self.number, part));
            Draft {
                is_part: true,
                // For a part of a part, the place in the record is not known.
                derived: (!draft.is_part).then_some(DerivedPlace { op, index }),
                ..Draft::first(document, salt)
            }
        })
        .collect()
    }

    /// Finishes one part of a derived record.
    pub(super) fn finish_part(
        &self,
        record: &Record,
        mut draft: Draft,
        parts: &mut DerivedParts,
        scope: &mut Scope<'_>,
    ) -> Result<(), Refusal> {
        parts.count += 1;
        if parts.refusal.is_some() {
            return Ok(());
        }
        draft.part = Some(parts.count);
        let (derived, broken) = (draft.derived, scope.broken().len());
        let finished = self.finish(record, draft, scope);
        if scope.broken().len() > broken {
            scope.broken_by(broken, &self.part(parts.count, derived));
        }
        match finished {
            Ok(outcome) => {
                parts.bytes += written_bytes(&outcome);
                let most = MOST_BYTES.max(scope.context().limits.bytes);
                if parts.bytes > most {
                    let expected = format!("records of at most {most} bytes in all");
                    return Err(Refusal::new("derive.too_large", "").expected(expected));
                }
                parts.outcomes.push(outcome);
            }
            Err(refusal) => {
                parts.outcomes = Vec::new();
                parts.refusal = Some(refusal.of_part(&self.part(parts.count, derived)));
            }
        }
        Ok(())
    }
}

fn written_bytes(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Write(output) => output.data.len(),
        Outcome::Derive(outputs) => outputs.iter().map(|output| output.data.len()).sum(),
        Outcome::Filter(_) => 0,
    }
}

/// Joins the outcomes of a derived record's parts.
pub(super) fn joined(outcomes: Vec<Outcome>) -> Outcome {
    let (mut outputs, mut reason) = (Vec::new(), None);
    for outcome in outcomes {
        match outcome {
            Outcome::Write(output) => outputs.push(output),
            Outcome::Derive(parts) => outputs.extend(parts),
            Outcome::Filter(code) => {
                reason.get_or_insert(code);
            }
        }
    }
    match reason {
        Some(reason) if outputs.is_empty() => Outcome::Filter(reason),
        _ => Outcome::Derive(outputs),
    }
}

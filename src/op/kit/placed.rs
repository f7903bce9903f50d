//! An operation at its place in a stage file.

use super::operation::{Effect, Effects, Operation, PassedOn, Reversibility};
use crate::expression::{Expression, Scope};
use crate::language::Language;
use crate::lineage::Flow;
use crate::lookup::LookupQuery;
use crate::path::Path;
use crate::problem::Problem;
use crate::record::Document;
use crate::refusal::Refusal;

/// An operation of a stage file: its refusals name its place, and may have a code of their own.
#[derive(Debug)]
pub(crate) struct PlacedOperation {
    pub(crate) inner: Box<dyn Operation>,
    pub(crate) rule: String,
    pub(crate) refuse_as: Option<String>,
}

impl Operation for PlacedOperation {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        self.inner.apply(document, scope).map_err(|refusal| {
            let refusal = refusal.rule(&self.rule);
            match &self.refuse_as {
                Some(code) => refusal.named(code),
                None => refusal,
            }
        })
    }

    fn reads(&self) -> Vec<Path> {
        self.inner.reads()
    }

    fn writes(&self) -> Vec<Path> {
        self.inner.writes()
    }

    fn lineage(&self, flow: &mut Flow) {
        self.inner.lineage(flow);
    }

    fn reversibility(&self) -> Reversibility {
        self.inner.reversibility()
    }

    fn inverse(&self) -> Option<Box<dyn Operation>> {
        Some(Box::new(Self {
            inner: self.inner.inverse()?,
            rule: self.rule.clone(),
            refuse_as: self.refuse_as.clone(),
        }))
    }

    /// Returns the meaning, which does not include the place: moving an operation down a line changes nothing.
    fn meaning(&self) -> serde_json::Value {
        let mut meaning = self.inner.meaning();
        if let (Some(code), Some(settings)) = (&self.refuse_as, meaning.as_object_mut()) {
            settings.insert("refuse_as".to_owned(), code.as_str().into());
        }
        meaning
    }

    fn language(&self) -> Language {
        self.inner.language()
    }

    fn expressions(&self) -> Vec<&Expression> {
        self.inner.expressions()
    }

    fn lookups(&self) -> Vec<LookupQuery> {
        self.inner.lookups()
    }

    fn problems(&self) -> Vec<Problem> {
        self.inner.problems()
    }

    fn concerns_whole_record(&self) -> bool {
        self.inner.concerns_whole_record()
    }

    fn derives_from(&self) -> Option<Path> {
        self.inner.derives_from()
    }
    fn effects(&self) -> Effects {
        self.inner.effects()
    }

    fn disguises(&self) -> bool {
        self.inner.disguises()
    }

    fn passes_on(&self) -> Vec<PassedOn> {
        self.inner.passes_on()
    }

    fn takes_away(&self) -> Vec<Path> {
        self.inner.takes_away()
    }

    fn makes_unknown_fields(&self) -> bool {
        self.inner.makes_unknown_fields()
    }

    fn warnings(&self) -> Vec<Problem> {
        self.inner.warnings()
    }
}

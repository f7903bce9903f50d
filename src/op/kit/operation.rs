//! The trait of operations: one typed step inside a stage, with its description.

use std::fmt;

use crate::expression::{Expression, Scope};
use crate::language::Language;
use crate::lineage::{Dependence, Flow, Shape};
use crate::lookup::LookupQuery;
use crate::path::Path;
use crate::problem::Problem;
use crate::record::Document;
use crate::refusal::Refusal;

/// One typed step inside a stage.
pub trait Operation: fmt::Debug + Send + Sync {
    /// Returns the name in stage files, such as `rename`.
    fn name(&self) -> &'static str;

    /// Changes the document, or refuses the record. Never both: after a refusal the document is discarded.
    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal>;

    /// Returns the paths that it reads.
    fn reads(&self) -> Vec<Path>;

    /// Returns the paths that it writes or removes.
    fn writes(&self) -> Vec<Path>;

    /// Describes how it changes the origin of values. By default, what it writes may come from everything that it
    /// reads, or keep its earlier value; an operation that concerns the record as a whole may do anything.
    fn lineage(&self, flow: &mut Flow) {
        if self.concerns_whole_record() {
            return flow.unknown();
        }
        let sources = flow.sources(&self.reads()).made(Dependence::Transformation);
        for path in self.writes() {
            flow.put_or_keep(&path, Shape::made(sources.clone()));
        }
    }

    /// Returns how its work can be undone.
    fn reversibility(&self) -> Reversibility;

    /// Returns the operation that undoes this one, if its reversibility is [`Reversibility::Exact`].
    fn inverse(&self) -> Option<Box<dyn Operation>> {
        None
    }

    /// Returns every setting that affects its work, with defaults filled in: its part of the stage's meaning, which is
    /// hashed.
    fn meaning(&self) -> serde_json::Value;

    /// Returns the earliest version of the stage language in which these settings have the same effect on every record.
    /// The needs of its expressions come from [`Operation::expressions`].
    fn language(&self) -> Language {
        Language::One
    }

    /// Returns its expressions, and those of the operations inside it.
    fn expressions(&self) -> Vec<&Expression> {
        Vec::new()
    }

    /// Returns what it looks up in other databases, including its expressions and the operations inside it.
    fn lookups(&self) -> Vec<LookupQuery> {
        let expressions = self.expressions().into_iter();
        expressions.flat_map(Expression::lookups).cloned().collect()
    }

    /// Returns the problems of its settings, which are reported when a stage is built: constructors take paths as text
    /// and neither panic nor return a `Result`.
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }

    /// Returns whether its effect may concern the record as a whole (leave it out, make it several, give it another
    /// id), so that `each` cannot contain it.
    fn concerns_whole_record(&self) -> bool {
        false
    }

    /// Returns the list whose elements it makes into separate records, if it does so.
    fn derives_from(&self) -> Option<Path> {
        None
    }

    /// Returns what it may do to the record as a whole. By default anything if it concerns the record as a whole, and
    /// nothing otherwise. A stage enforces this.
    fn effects(&self) -> Effects {
        if self.concerns_whole_record() {
            Effects::ANY
        } else {
            Effects::NONE
        }
    }

    /// Returns whether what it writes no longer shows what it read, as with a digest.
    fn disguises(&self) -> bool {
        false
    }

    /// Returns the values that it copies unchanged to other paths.
    fn passes_on(&self) -> Vec<PassedOn> {
        Vec::new()
    }

    /// Returns the paths that do not exist after it.
    fn takes_away(&self) -> Vec<Path> {
        Vec::new()
    }

    /// Returns whether it creates fields whose names come from the record.
    fn makes_unknown_fields(&self) -> bool {
        false
    }

    /// Returns settings that are legal but probably mistakes, each with a stable code.
    fn warnings(&self) -> Vec<Problem> {
        Vec::new()
    }
}

/// A value that an operation copies unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOn {
    /// Path that is read.
    pub from: Path,
    /// Path that is written.
    pub to: Path,
}

/// What an operation may do to a record as a whole, beyond changing its document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Whether it may leave the record out.
    pub filters: bool,
    /// Whether it may give the record another id.
    pub rekeys: bool,
    /// Whether it may make the record into several.
    pub derives: bool,
}

impl Effects {
    /// Changes the document alone.
    pub const NONE: Self = Self {
        filters: false,
        rekeys: false,
        derives: false,
    };
    /// May do anything: the effects are unknown.
    pub const ANY: Self = Self {
        filters: true,
        rekeys: true,
        derives: true,
    };
    /// Leaves records out, and does nothing else to them as a whole.
    pub const FILTERS: Self = Self {
        filters: true,
        ..Self::NONE
    };
    /// Gives records another id, and does nothing else to them as a whole.
    pub const REKEYS: Self = Self {
        rekeys: true,
        ..Self::NONE
    };

    /// Returns the combined effects of two operations, one after the other.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            filters: self.filters || other.filters,
            rekeys: self.rekeys || other.rekeys,
            derives: self.derives || other.derives,
        }
    }

    /// Returns whether it is known to derive, rather than merely unknown.
    #[must_use]
    pub fn surely_derives(self) -> bool {
        self.derives && self != Self::ANY
    }
}

/// What an operation did to a record.
#[derive(Debug)]
pub enum Effect {
    /// The document was changed.
    Changed,
    /// The document was not changed.
    Unchanged,
    /// The record is left out; the reason is a code, never a value.
    Filtered(String),
    /// The record becomes these documents, in this order, at least one (`derive`).
    Derived(Vec<Document>),
    /// The record continues under this id (`rekey`): not empty, without NUL.
    Rekeyed(String),
}

/// How an operation can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reversibility {
    /// By another operation, to the byte: order, number texts and all. (Only a name or a text that was written with
    /// needless escapes, `"\u0061"`, and that the operation itself renamed or cut comes back without them.)
    Exact,
    /// From the before image that the ledger keeps.
    Image,
    /// It loses information that only the before image (in place) or the untouched source (copying) still has.
    Lossy,
}

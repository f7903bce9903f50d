//! What an operation is: one typed step inside a stage, and what it tells of itself.

use std::fmt;

use crate::expression::{Expression, Scope};
use crate::language::Language;
use crate::lineage::{Dependence, Flow, Shape};
use crate::path::Path;
use crate::problem::Problem;
use crate::record::Document;
use crate::refusal::Refusal;

/// One typed step inside a stage.
pub trait Operation: fmt::Debug + Send + Sync {
    /// The name in stage files, `rename`.
    fn name(&self) -> &'static str;

    /// Changes the document, or refuses the record. Never both: after a refusal the document is thrown away.
    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal>;

    /// What it reads.
    fn reads(&self) -> Vec<Path>;

    /// What it writes or removes.
    fn writes(&self) -> Vec<Path>;

    /// What it does to where values come from. By default, what it writes may come from everything that it reads, or be
    /// what it was before; what concerns the record as a whole may do anything.
    fn lineage(&self, flow: &mut Flow) {
        if self.concerns_whole_record() {
            return flow.unknown();
        }
        let sources = flow.sources(&self.reads()).made(Dependence::Transformation);
        for path in self.writes() {
            flow.put_or_keep(&path, Shape::made(sources.clone()));
        }
    }

    /// How its work can be undone.
    fn reversibility(&self) -> Reversibility;

    /// The operation that undoes this one, where its reversibility is [`Reversibility::Exact`].
    fn inverse(&self) -> Option<Box<dyn Operation>> {
        None
    }

    /// Every setting that decides what it does, defaults filled in: the part of the stage's meaning that is hashed.
    fn meaning(&self) -> serde_json::Value;

    /// The earliest language of stages in which these settings do the same to every record. What its expressions need
    /// beyond that is told by [`Operation::expressions`].
    fn language(&self) -> Language {
        Language::One
    }

    /// Its expressions, and those of the operations inside it.
    fn expressions(&self) -> Vec<&Expression> {
        Vec::new()
    }

    /// What is wrong with its settings, found when a stage is built of it: constructors take paths as text and
    /// neither panic nor return a `Result`.
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }

    /// Whether its effect may concern the record as a whole (leave it out, make it several, give it another id), so
    /// that it cannot stand inside `each`.
    fn concerns_whole_record(&self) -> bool {
        false
    }

    /// The list whose elements it makes into records of their own, where it does that with one.
    fn derives_from(&self) -> Option<Path> {
        None
    }

    /// What it may do to the record as a whole. By default anything, where it concerns the record as a whole, and nothing
    /// where it does not. A stage holds it to that.
    fn effects(&self) -> Effects {
        if self.concerns_whole_record() {
            Effects::ANY
        } else {
            Effects::NONE
        }
    }

    /// Whether what it writes no longer shows what it read, as a digest does.
    fn disguises(&self) -> bool {
        false
    }

    /// The values that it hands on as they are, to other paths.
    fn passes_on(&self) -> Vec<PassedOn> {
        Vec::new()
    }

    /// The paths at which nothing stands after it.
    fn takes_away(&self) -> Vec<Path> {
        Vec::new()
    }

    /// Whether it makes fields whose names only the record has.
    fn makes_unknown_fields(&self) -> bool {
        false
    }

    /// What is legal in its settings but probably not meant, each with a stable code.
    fn warnings(&self) -> Vec<Problem> {
        Vec::new()
    }
}

/// A value that an operation hands on as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOn {
    /// Where it is read.
    pub from: Path,
    /// Where it is written.
    pub to: Path,
}

/// What an operation may do to a record as a whole, beyond changing its document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// It may leave the record out.
    pub filters: bool,
    /// It may give the record another id.
    pub rekeys: bool,
    /// It may make the record into several.
    pub derives: bool,
}

impl Effects {
    /// It changes the document alone.
    pub const NONE: Self = Self {
        filters: false,
        rekeys: false,
        derives: false,
    };
    /// It may do anything: what it does is not known.
    pub const ANY: Self = Self {
        filters: true,
        rekeys: true,
        derives: true,
    };
    /// It leaves records out, and does nothing else to them as a whole.
    pub const FILTERS: Self = Self {
        filters: true,
        ..Self::NONE
    };
    /// It gives records another id, and does nothing else to them as a whole.
    pub const REKEYS: Self = Self {
        rekeys: true,
        ..Self::NONE
    };

    /// What two operations may do, one after the other.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            filters: self.filters || other.filters,
            rekeys: self.rekeys || other.rekeys,
            derives: self.derives || other.derives,
        }
    }

    /// Whether it is known to derive, and not only not known what it does.
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
    /// There was nothing to do.
    Unchanged,
    /// The record is left out; the reason is a code, never a value.
    Filtered(String),
    /// The record becomes these documents, in this order, at least one (`derive`).
    Derived(Vec<Document>),
    /// The record goes on under this id (`rekey`): not empty, without NUL.
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

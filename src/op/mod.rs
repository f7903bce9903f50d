//! Operations: one typed step inside a stage, one file each.
//!
//! An operation is pure: no SQL, no clock, no randomness, no environment, no input or output. What it may know
//! beyond the document stands in the [`Scope`]'s context.

use std::fmt;

use crate::expression::{Expression, Scope};
use crate::language::Language;
use crate::lineage::{Dependence, Flow, Shape};
use crate::path::Path;
use crate::problem::Problem;
use crate::record::Document;
use crate::refusal::Refusal;

mod add;
mod bands;
mod case;
mod convert;
mod copy;
mod cut;
mod dates;
mod decimal;
mod dedupe;
mod default;
mod derive;
mod each;
mod filter;
mod flatten;
mod format_date;
mod frame;
mod functions;
mod given;
mod hash;
mod hmac;
mod join;
mod layer;
mod manual;
mod map;
mod r#move;
mod nest;
mod parse_date;
mod read;
mod reference;
mod rekey;
mod remove;
mod rename;
mod replace;
mod round;
mod rust;
mod schema;
mod set;
mod settings;
mod split;
mod transfer;
mod trim;
mod unwrap;
mod uuid;
mod walk;
mod wrap;
mod zip;

#[cfg(test)]
mod example_tests;
#[cfg(test)]
mod first_language_tests;
#[cfg(test)]
mod inverse_tests;
#[cfg(test)]
mod parent_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod value_promises;

pub use add::Add;
pub use bands::Bands;
pub use case::{Case, ChangeCase};
pub use convert::{Convert, Scalar};
pub use copy::Copy;
pub use decimal::{Emit, ToDecimal};
pub use dedupe::{Dedupe, Keep};
pub use default::{Absent, SetDefault};
pub use derive::Derive;
pub use each::Each;
pub use filter::Filter;
pub use flatten::Flatten;
pub use format_date::FormatDate;
pub use functions::{Function, Functions};
pub use given::PathText;
pub use hash::HashText;
pub use hmac::HmacText;
pub use join::Join;
pub use manual::{Form, Key, Manual};
pub use map::{Keys, MapValues};
pub use r#move::Move;
pub use nest::Nest;
pub use parse_date::ParseDate;
pub use read::read;
pub use reference::reference;
pub use rekey::Rekey;
pub use remove::Remove;
pub use rename::Rename;
pub use replace::Replace;
pub use round::Round;
pub use schema::json_schema;
pub use set::Set;
pub use settings::Settings;
pub use split::{Fewer, Split};
pub use trim::{Side, Trim};
pub use unwrap::Unwrap;
pub use uuid::AddUuid;
pub use walk::Missing;
pub use wrap::Wrap;
pub use zip::Zip;

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

/// Every operation that stage files can name, in the order of the documentation.
pub static MANUALS: &[&Manual] = &[
    // shape
    &rename::MANUAL,
    &r#move::MANUAL,
    &copy::MANUAL,
    &add::MANUAL,
    &remove::MANUAL,
    &nest::MANUAL,
    &flatten::MANUAL,
    &wrap::MANUAL,
    &unwrap::MANUAL,
    // collection
    &each::MANUAL,
    &zip::MANUAL,
    &filter::MANUAL,
    &dedupe::MANUAL,
    // record
    &derive::MANUAL,
    &rekey::MANUAL,
    &rust::MANUAL,
    // value
    &set::MANUAL,
    &default::MANUAL,
    &convert::MANUAL,
    &decimal::MANUAL,
    &round::MANUAL,
    &map::MANUAL,
    &split::MANUAL,
    &join::MANUAL,
    &replace::MANUAL,
    &trim::MANUAL,
    &case::MANUAL,
    &parse_date::MANUAL,
    &format_date::MANUAL,
    &hash::MANUAL,
    &hmac::MANUAL,
    &uuid::MANUAL,
    &bands::MANUAL,
];

/// The manual of an operation.
#[must_use]
pub fn manual(name: &str) -> Option<&'static Manual> {
    MANUALS.iter().copied().find(|manual| manual.name == name)
}

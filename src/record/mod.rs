//! Records: one JSON object with an id, in a logical database.
//!
//! A record's data is JSON text, kept exactly as [admitted](admit): insignificant whitespace removed, nothing else
//! changed. That text is what is stored and what is hashed. A [`Document`] is the lazy view that stages work on: the
//! top level as names and raw text, with a value expanded only where an operation touches it, so that untouched fields
//! keep their order and their number text.

mod access;
mod admission;
mod admitted;
pub mod digest;
mod ids;
pub(crate) mod listed;
mod mask;
pub mod name;
mod names;
mod number;
mod number_text;
pub mod path;
pub(crate) mod pattern;
mod places;
pub mod refusal;
mod scan;
mod set;
mod split;
mod stream;
mod text;
mod value;

pub use access::Blocked;
pub(crate) use access::{members_in, value_in};
pub(crate) use admission::within;
pub use admission::{Limits, Malformed, admit};
pub(crate) use admitted::admit_record;
pub use ids::{BatchId, NotANumber, PassId, RecordNumber, RunId};
pub(crate) use mask::ANY_NAME;
pub use mask::{MaskRelation, Masked, REDACTED, masked};
pub(crate) use names::{HasName, Names};
pub use number::{NotExact, Rounding, exact_decimal};
pub use number_text::Point;
pub(crate) use number_text::{NotRead, NumberText, id_of_number};
pub(crate) use places::Places;
pub(crate) use scan::{Build, read};
pub(crate) use set::RecordSet;
pub(crate) use split::{RawField, each_field, elements, parts_of};
pub(crate) use stream::{Element, StringState};
pub use text::Text;
pub use value::{Document, Field, Kind, Object, Value};

/// One record of a logical database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The record's number, which it keeps through 1:1 stages: ascending, never reused.
    pub number: RecordNumber,
    /// The record's id, unique in its database; never contains NUL.
    pub id: String,
    /// The JSON object, as stored.
    pub data: String,
}

impl Record {
    /// Returns the lazy view of the data.
    ///
    /// # Errors
    /// [`Malformed`] when the stored data is not a JSON object, which happens only after damage: admission validates
    /// everything that is stored.
    pub fn document(&self) -> Result<Document, Malformed> {
        Document::parse(&self.data)
    }
}

//! Operations: one typed step inside a stage, one file each. What they have in common, and how they are read from stage
//! files, is in `kit/`.
//!
//! An operation is pure: no SQL, no clock, no randomness, no environment, no input or output. Everything else that it
//! may use is in the [`Scope`](crate::expression::Scope)'s context.

use serde_json::Value as Json;
use toml_edit::Table;

use crate::reading::Reading;
use crate::toml::{Problems, Section};
use kit::settings::OperationReader;

mod add;
mod bands;
mod case;
mod convert;
mod copy;
mod decimal;
mod dedupe;
mod default;
mod derive;
mod each;
mod filter;
mod flatten;
mod format_date;
mod hash;
mod hmac;
mod join;
mod kit;
mod lookup;
mod map;
mod r#move;
mod nest;
mod parse_date;
mod partition;
mod rekey;
mod remove;
mod rename;
mod replace;
mod round;
mod rust;
mod set;
mod split;
mod trim;
mod unwrap;
mod uuid;
mod wrap;
mod zip;

#[cfg(test)]
mod tests;

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
pub use hash::HashText;
pub use hmac::HmacText;
pub use join::Join;
pub use kit::checked::PathText;
pub(crate) use kit::dates::{problem as date_problem, zone as date_zone};
use kit::form::{Form, Key};
pub use kit::function::{FunctionOperation, Functions};
pub use kit::missing::Missing;
pub use kit::operation::{Effect, Effects, Operation, PassedOn, Reversibility};
use kit::settings::{Manual, Settings};
pub use kit::survivor::{MemberValue, Survivor};
pub use lookup::{LookUp, Unfound};
pub use map::{MapKeys, MapValues};
pub use r#move::Move;
pub use nest::Nest;
pub use parse_date::ParseDate;
pub use partition::{Partition, PartitionKey};
pub use rekey::Rekey;
pub use remove::Remove;
pub use rename::Rename;
pub use replace::Replace;
pub use round::Round;
pub use set::Set;
pub use split::{Fewer, Split};
pub use trim::{Trim, TrimSide};
pub use unwrap::Unwrap;
pub use uuid::AddUuid;
pub use wrap::Wrap;
pub use zip::Zip;

/// Every operation that stage files can name, in the order of the documentation.
static MANUALS: &[&Manual] = &[
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
    &lookup::MANUAL,
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
    &partition::MANUAL,
];

/// Returns the reference of all operations as Markdown: per group a section, per operation its keys with their
/// defaults, its refusal codes, and how it can be undone.
#[must_use]
pub fn reference() -> String {
    kit::reference::reference(MANUALS)
}

/// Returns the JSON Schema (2020-12) of one `[[op]]` table, as a fragment: the caller must put it at `#/$defs/op`,
/// because operations contain operations.
#[must_use]
pub fn json_schema() -> Json {
    kit::schema::json_schema(MANUALS)
}

/// Reads one `[[op]]` table. The operation's refusals name its place in the file as their rule, and have the code in
/// `refuse_as`, if it is set. `op = "rust"` may call `functions`.
///
/// # Errors
/// Every problem of the table: no `op`, an unknown one, unknown or missing keys, wrong types, bad paths.
pub(crate) fn read(
    table: &Table,
    reading: &Reading<'_>,
    functions: &Functions,
) -> Result<Box<dyn Operation>, Problems> {
    let section = Section::new("an operation".to_owned(), table, table.span(), reading);
    reader(reading, functions).read(section)
}

fn reader<'a>(reading: &'a Reading<'a>, functions: &'a Functions) -> OperationReader<'a> {
    OperationReader {
        manuals: MANUALS,
        reading,
        functions,
    }
}

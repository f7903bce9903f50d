//! `[merge]`: several records that describe the same person, or the same thing, become one golden record.
//!
//! This part knows what a stage says about its merge: the fields that are compared, with every default, and what of a
//! record is compared. `matching/` decides which records are one.

mod build;
mod compile;
mod compile_fields;
mod compile_keys;
mod compiled;
mod conflict;
mod draft;
mod exclusions;
mod features;
mod kind;
mod meaning;
mod names;
mod normal;
mod read;
mod read_tables;
mod read_values;
mod schema;
mod shown;
mod survival;
mod survive;
mod words;

pub use build::{MergeBlock, MergeBuilder, MergeField};
pub use compiled::Merge;
pub use survival::Survive;

pub(super) use exclusions::exclusions;
pub(crate) use features::MemberFeatures;
#[cfg(test)]
pub(super) use kind::table as kinds_table;
pub(super) use read::read;
pub(super) use schema::schema;
pub(crate) use shown::{FieldOrigin, role_name};
pub(crate) use survive::{Golden, Member};

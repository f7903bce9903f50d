//! Contracts: what a record must satisfy before and after a stage.
//!
//! A [`Schema`] is JSON Schema 2020-12, from a stage file or from the [builder](Schema::record); a [`Rule`] is an
//! expression for what a schema cannot say. Both only look: they change nothing, and what they report
//! ([`Violation`](crate::refusal::Violation)) names places and expectations, never a value of the record.

mod builder;
mod keywords;
mod number;
mod rule;
mod schema;
mod tree;
mod vocabulary;
mod wording;

#[cfg(test)]
mod tests;

pub use builder::SchemaBuilder;
pub use rule::Rule;
pub use schema::Schema;

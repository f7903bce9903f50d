//! The sources of each value of a target, tracked through the expressions and operations of a stage, without any
//! record. `Stage::lineage` returns the result.
//!
//! The result never omits a source: where it cannot be known which fields a value comes from, the result names the
//! record as a whole. It may name too many sources where an operation has its effect only sometimes.

mod flow;
mod shape;
mod source;

pub use flow::Flow;
pub use shape::{Count, Shape};
pub use source::{Dependence, Source, SourceField, Sources};

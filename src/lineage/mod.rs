//! Where the values of a target come from: what is followed through the expressions and operations of a stage, without
//! any record. `Stage::lineage` tells the result.
//!
//! What is told is never too little: where it cannot be known which fields a value comes from, it is said to come from
//! the record as a whole. It may be too much where an operation only sometimes does something.

mod flow;
mod shape;
mod source;

pub use flow::Flow;
pub use shape::{Count, Shape};
pub use source::{Dependence, Source, SourceField, Sources};

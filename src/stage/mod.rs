//! Stages: one versioned step of change, from a file or built in Rust.

use crate::context::Context;
use crate::record::Record;
use crate::refusal::Refusal;

/// What a stage makes of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The record's new form.
    Write(Output),
    /// The record becomes several (`derive`), in order; their parts are counted from 1.
    Derive(Vec<Output>),
    /// The record is left out; the reason is a code, never a value.
    Filter(String),
}

/// One record that a stage writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The id in the target.
    pub id: String,
    /// The JSON object, without insignificant whitespace.
    pub data: String,
}

/// One versioned step of change. Its identity is (project name, number).
#[derive(Debug)]
pub struct Stage {
    number: u32,
}

impl Stage {
    /// The number, from 1.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Transforms one record: filter, prepare, ops, into, contract. Pure.
    ///
    /// # Errors
    /// The [`Refusal`], with every violation.
    pub fn transform(&self, record: &Record, context: &Context<'_>) -> Result<Outcome, Refusal> {
        let _ = (record, context);
        todo!("stages")
    }
}

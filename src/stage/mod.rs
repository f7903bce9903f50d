//! Stages: one versioned step of change, from a file or built in Rust.
#![allow(missing_docs)]

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

#[allow(missing_docs)]
impl Stage {
    pub fn slug(&self) -> &str {
        todo!()
    }
    pub fn source(&self) -> &str {
        todo!()
    }
    pub fn target(&self) -> &str {
        todo!()
    }
    pub fn in_place(&self) -> bool {
        todo!()
    }
    pub fn takes_over_ids(&self) -> bool {
        todo!()
    }
    pub fn derives(&self) -> bool {
        todo!()
    }
    pub fn source_text(&self) -> &str {
        todo!()
    }
    pub fn text_sha256(&self) -> crate::digest::Hash {
        todo!()
    }
    pub fn meaning(&self) -> &str {
        todo!()
    }
    pub fn meaning_sha256(&self) -> crate::digest::Hash {
        todo!()
    }
    pub fn on_error(&self) -> OnError {
        todo!()
    }
    pub fn max_errors(&self) -> MaxErrors {
        todo!()
    }
    pub fn on_conflict(&self) -> OnConflict {
        todo!()
    }
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    Stop,
    Quarantine,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    Refuse,
    Skip,
    Replace,
}
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxErrors {
    Count(u64),
    Share(rust_decimal::Decimal),
}
mod stages;
pub use stages::Stages;
pub fn diff(old: &str, new: &str) -> String {
    format!("{old}{new}")
}

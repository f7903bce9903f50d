//! The outcome of transforming one record.

use crate::record::{Document, Record};

/// The outcome of transforming one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The record is written in its new form.
    Write(Output),
    /// The record becomes several (`derive`), in order; their parts are counted from 1.
    Derive(Vec<Output>),
    /// The record is left out; the reason is a code, never a value.
    Filter(String),
}

/// One record that a stage writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Id in the target.
    pub id: String,
    /// JSON object, without insignificant whitespace.
    pub data: String,
}

impl Output {
    /// Makes an output with this id.
    pub fn new(id: impl Into<String>, document: &Document) -> Self {
        Self {
            id: id.into(),
            data: document.to_json(),
        }
    }
}

impl Outcome {
    /// Writes the record's new form under its old id.
    pub fn write(record: &Record, document: &Document) -> Self {
        Self::Write(Output::new(record.id.as_str(), document))
    }

    /// Writes the record unchanged.
    pub fn keep(record: &Record) -> Self {
        Self::Write(Output {
            id: record.id.clone(),
            data: record.data.clone(),
        })
    }

    /// Leaves the record out; the reason is a code, never a value.
    pub fn filter(reason: impl Into<String>) -> Self {
        Self::Filter(reason.into())
    }
}

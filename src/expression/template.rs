//! Values in stage files that may hold expressions.

use toml_edit::Item;

use super::{Evaluated, Expression, Scope};
use crate::path::Path;
use crate::problem::Problem;
use crate::reading::Reading;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// A value written in a stage file: fixed, computed, or a table or list that holds such values.
#[derive(Clone, Debug)]
pub enum Template {
    /// A fixed value. A TOML number keeps its text; `{ json = "..." }` is any JSON.
    Fixed(Value),
    /// A text that begins with `= `.
    Expression(Expression),
    /// A table: an object in the order written.
    Object(Vec<(String, Template)>),
    /// A list.
    List(Vec<Template>),
}

impl Template {
    /// Reads a TOML value.
    pub fn read(item: &Item, reading: &Reading<'_>) -> Result<Self, Problem> {
        let _ = (item, reading);
        todo!("templates")
    }

    /// The value for a document; `omit` inside an object leaves that field out.
    pub fn value(&self, document: &Document, scope: &mut Scope<'_>) -> Result<Evaluated, Refusal> {
        let _ = (document, scope);
        todo!("templates")
    }

    /// The paths of `doc` that its expressions read.
    #[must_use]
    pub fn reads(&self) -> Vec<Path> {
        todo!("templates")
    }

    /// The template's meaning: fixed values as JSON text, expressions by their source.
    #[must_use]
    pub fn meaning(&self) -> serde_json::Value {
        todo!("templates")
    }
}

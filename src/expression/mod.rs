//! Expressions: the part of a stage file that begins with `= `.

use std::borrow::Cow;

use crate::context::Context;
use crate::path::Path;
use crate::problem::{Place, Problem};
use crate::reading::Reading;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

mod template;

pub use template::Template;

/// What an expression or a template gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Evaluated {
    /// A value; `()` is null.
    Value(Value),
    /// `omit`: the field is left out.
    Omit,
}

/// What expressions see while one record goes through a stage.
#[derive(Debug)]
pub struct Scope<'a> {
    context: Context<'a>,
    warnings: Vec<Cow<'static, str>>,
}

impl<'a> Scope<'a> {
    /// A scope for one record, with nothing prepared.
    #[must_use]
    pub fn new(context: Context<'a>) -> Self {
        Self {
            context,
            warnings: Vec::new(),
        }
    }

    /// Notes something about the record that is no refusal but is to be counted: a stable code, never a value.
    pub fn warn(&mut self, code: impl Into<Cow<'static, str>>) {
        self.warnings.push(code.into());
    }

    /// The codes noted so far, in order.
    #[must_use]
    pub fn warnings(&self) -> &[Cow<'static, str>] {
        &self.warnings
    }

    /// The facts around the record.
    #[must_use]
    pub fn context(&self) -> &Context<'a> {
        &self.context
    }
}

/// A compiled expression. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Expression {
    source: String,
}

impl Expression {
    /// Compiles an expression (without its leading `= `).
    pub fn compile(source: &str, place: &Place, reading: &Reading<'_>) -> Result<Self, Problem> {
        let _ = (place, reading);
        Ok(Self {
            source: source.to_owned(),
        })
    }

    /// The source text.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The paths of `doc` that it reads, as far as they can be known.
    #[must_use]
    pub fn reads(&self) -> Vec<Path> {
        Vec::new()
    }

    /// The value for a document.
    pub fn value(&self, document: &Document, scope: &mut Scope<'_>) -> Result<Evaluated, Refusal> {
        let _ = (document, scope);
        todo!("the expression engine")
    }

    /// The value as a condition; anything but a boolean is refused.
    pub fn truth(&self, document: &Document, scope: &mut Scope<'_>) -> Result<bool, Refusal> {
        let _ = (document, scope);
        todo!("the expression engine")
    }
}

/// A compiled `prepare` script: statements that run once per record and whose names later expressions see.
#[derive(Clone, Debug)]
pub struct Preparation {
    source: String,
}

impl Preparation {
    /// Compiles the script.
    pub fn compile(source: &str, place: &Place, reading: &Reading<'_>) -> Result<Self, Problem> {
        let _ = (place, reading);
        Ok(Self {
            source: source.to_owned(),
        })
    }

    /// The names that it defines at its top level.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let _ = &self.source;
        todo!("the expression engine")
    }

    /// Runs it; its names are visible in the scope from here on.
    pub fn run(&self, document: &Document, scope: &mut Scope<'_>) -> Result<(), Refusal> {
        let _ = (document, scope);
        todo!("the expression engine")
    }
}

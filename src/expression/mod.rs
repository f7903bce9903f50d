//! Expressions: the part of a stage file that begins with `= `.
//!
//! Their syntax is [Rhai](https://rhai.rs)'s and Rhai parses them. Their meaning is defined here. In short: numbers are
//! exact or the record is refused, unlike types are never compared, a missing property is a refusal, nothing runs
//! forever, and no error holds a value of the record.
//!
//! There are `let`, `=`, `+=`, `if`, `switch`, `for`, `while`, `loop`, `break`, `continue`, `return`, blocks, the
//! operators `+ - * / % == != < <= > >= && || ! ?? ?. in !in .. ..=`, texts, numbers, booleans, lists, objects
//! `#{ a: 1 }` whose order is kept, and the functions that [`functions()`] lists. `+` joins two texts or two lists;
//! only `x == ()` compares unlike types, for null.

use std::fmt;
use std::sync::Arc;

use crate::language::Language;
use crate::lookup::LookupQuery;
use crate::path::Path;
use crate::problem::{Place, Problem};
use crate::reading::Reading;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

mod arithmetic;
mod compile;
mod datum;
mod fault;
mod foreign;
mod functions;
mod limits;
mod lineage;
mod machine;
mod moment;
mod named;
mod node;
mod operator;
mod origin;
mod parser;
mod rank;
mod scope;
mod stop;
mod template;
#[cfg(test)]
mod tests;
mod types;

use datum::Datum;
use fault::Fault;
pub use functions::{Function, functions};
use machine::Machine;
pub(crate) use named::SimpleForm;
use node::{NodeKind, Program, found};
pub(crate) use rank::Rank;
pub use scope::Scope;
use stop::Stop;
pub use template::{Template, TemplateField};

/// Result of an expression or a template.
#[derive(Clone, Debug, PartialEq)]
pub enum Evaluated {
    /// A value; `()` is null.
    Value(Value),
    /// `omit`: the field is left out.
    Omit,
}

impl From<Datum> for Evaluated {
    fn from(datum: Datum) -> Self {
        datum.into_value().map_or(Self::Omit, Self::Value)
    }
}

/// A compiled expression. Cheap to clone.
#[derive(Clone)]
pub struct Expression {
    program: Arc<Program>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.program.source).finish()
    }
}

impl Expression {
    /// Compiles an expression outside a stage file, without the leading `= `. Problems call it `name`, and count lines
    /// and columns within it. It has no prepared names and no rounding.
    ///
    /// # Errors
    /// A [`Problem`] with its place and its code, as for an expression in a stage file.
    ///
    /// ```
    /// use counterfoil::expression::Expression;
    ///
    /// let total = Expression::new("total", "doc.price * doc.quantity")?;
    /// assert_eq!(total.reads().len(), 2);
    /// # Ok::<(), counterfoil::Error>(())
    /// ```
    pub fn new(name: &str, source: &str) -> Result<Self, Problem> {
        let reading = Reading::new(name, source);
        Self::compile(source, &reading.place(None), &reading)
    }

    /// Compiles a condition outside a stage file, as [`Expression::new`].
    ///
    /// # Errors
    /// A [`Problem`], as there; `expression.never` also for an expression that never returns a boolean.
    pub fn new_condition(name: &str, source: &str) -> Result<Self, Problem> {
        let reading = Reading::new(name, source);
        Self::condition(source, &reading.place(None), &reading)
    }

    /// Compiles an expression (without its leading `= `). `place` is where its TOML value begins; the names of
    /// `reading` are visible to it, beside `doc` and `omit`.
    ///
    /// # Errors
    /// A [`Problem`] with its place in the file: `expression.syntax`, `expression.unknown_name`,
    /// `expression.unknown_function`, `expression.forbidden`, `expression.pattern`, `expression.path`,
    /// `expression.format`, `expression.zone`, `expression.names`, `expression.code`, `stage.rounding_undeclared`,
    /// `expression.never` for an expression that refuses every record.
    pub(crate) fn compile(source: &str, place: &Place, reading: &Reading<'_>) -> Result<Self, Problem> {
        let program = Arc::new(compile::compile(source, place, reading)?);
        Ok(Self { program })
    }

    /// Returns the source text.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.program.source
    }

    /// Returns the paths of `doc` that it reads, as far as they can be known. [`Preparation::reads`] returns what it
    /// reads through a prepared name.
    #[must_use]
    pub fn reads(&self) -> Vec<Path> {
        self.program.reads.clone()
    }

    /// Compiles a condition, as [`Expression::compile`] does.
    ///
    /// # Errors
    /// A [`Problem`], as there; `expression.never` also for an expression that never returns a boolean.
    pub(crate) fn condition(source: &str, place: &Place, reading: &Reading<'_>) -> Result<Self, Problem> {
        let condition = Self::compile(source, place, reading)?;
        let types = condition.program.types;
        if types.may_be_condition() || reading.language == Language::One {
            return Ok(condition);
        }
        let message = format!("a condition must be true or false, and this is {}", types.words());
        Err(Problem::error("expression.never", condition.start(), message)
            .help("compare it with something: `== 0`, `!= ()`"))
    }

    /// Returns where it begins in the stage file.
    pub(crate) fn start(&self) -> Place {
        self.place(self.program.start)
    }

    fn place(&self, spot: origin::SourcePosition) -> Place {
        Place {
            file: Arc::clone(&self.program.file),
            line: spot.line as usize,
            column: spot.column as usize,
        }
    }

    /// Returns warnings for the parts that refuse every record that reaches them: `check.never`.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = Problem> {
        self.program.never.iter().map(|never| {
            let message = format!(
                "{}: every record that reaches this part is refused",
                never.message
            );
            Problem::warning("check.never", self.place(never.spot), message)
        })
    }

    /// Returns whether it uses no name that `prepare` defines, so that it needs only a document.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.program.is_alone
    }

    /// Returns whether it reads a field or a name of `prepare`, or calls a function: `doc` alone may also be a word.
    pub(super) fn computes(&self) -> bool {
        let computes = |step: &NodeKind| {
            matches!(
                step,
                NodeKind::Path(_)
                    | NodeKind::Property(_)
                    | NodeKind::Index(_)
                    | NodeKind::Prepared(_)
                    | NodeKind::Call(_)
            )
        };
        found(&self.program.root, &computes)
    }

    /// Returns whether it may leave its field out.
    pub(crate) fn may_omit(&self) -> bool {
        let omits = |step: &NodeKind| matches!(step, NodeKind::Constant(Datum::Omit) | NodeKind::Prepared(_));
        found(&self.program.root, &omits)
    }

    /// Returns the earliest version of the stage language in which it has the same meaning.
    #[must_use]
    pub fn language(&self) -> Language {
        self.program.language
    }

    /// Returns what it looks up in other databases.
    #[must_use]
    pub fn lookups(&self) -> &[LookupQuery] {
        &self.program.lookups
    }

    /// Returns the value for a document.
    ///
    /// # Errors
    /// A [`Refusal`] with the code `expression.<reason>`, or with the code in `refuse`.
    pub fn value(&self, document: &Document, scope: &mut Scope<'_>) -> Result<Evaluated, Refusal> {
        self.program.datum(document, scope).map(Evaluated::from)
    }

    /// Returns the value as a condition; refuses anything but a boolean.
    ///
    /// # Errors
    /// A [`Refusal`], as for [`Expression::value`].
    pub fn truth(&self, document: &Document, scope: &mut Scope<'_>) -> Result<bool, Refusal> {
        let datum = self.program.datum(document, scope)?;
        datum.as_boolean().map_err(|fault| self.program.refusal(fault))
    }
}

impl Program {
    fn refusal(&self, fault: Fault) -> Refusal {
        fault.refusal(&self.file, self.start)
    }

    /// Evaluates; returns a place, a prepared name and a constant unchanged.
    fn datum(&self, document: &Document, scope: &Scope<'_>) -> Result<Datum, Refusal> {
        let spot = self.root.spot;
        match &self.root.step {
            NodeKind::Constant(constant) => Ok(constant.clone()),
            NodeKind::Path(path) => {
                let value = machine::read(document, path, &scope.places);
                value.map_err(|fault| self.refusal(fault.at(spot)))
            }
            NodeKind::Prepared(name) => {
                let value = scope.prepared.get(name);
                value.map_err(|fault| self.refusal(fault.at(spot)))
            }
            _ => self.run(document, scope).map(|(datum, _)| datum),
        }
    }

    /// Evaluates with the machine; returns the value and the values of the names.
    fn run(&self, document: &Document, scope: &Scope<'_>) -> Result<(Datum, Vec<Datum>), Refusal> {
        let mut machine = Machine {
            document,
            context: &scope.context,
            prepared: &scope.prepared,
            places: &scope.places,
            locals: vec![Datum::Null; self.slots],
            operations: 0,
        };
        let datum = match machine.evaluate(&self.root) {
            Ok(datum) | Err(Stop::Return(datum) | Stop::Break(datum)) => datum,
            Err(Stop::Continue) => Datum::Null,
            Err(Stop::Fault(fault)) => return Err(self.refusal(fault)),
        };
        Ok((datum, machine.locals))
    }
}

/// A compiled `prepare` script: statements that run once per record and whose names later expressions see.
#[derive(Clone, Debug)]
pub struct Preparation {
    script: Expression,
}

impl Preparation {
    /// Compiles the script, as [`Expression::compile`] does.
    ///
    /// # Errors
    /// A [`Problem`], as for [`Expression::compile`].
    pub(crate) fn compile(source: &str, place: &Place, reading: &Reading<'_>) -> Result<Self, Problem> {
        Expression::compile(source, place, reading).map(|script| Self { script })
    }

    /// Returns the source text.
    #[must_use]
    pub fn source(&self) -> &str {
        self.script.source()
    }

    /// Returns the names that it defines at its top level, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let names = self.script.program.names.iter();
        names.map(|(name, _)| name.to_string()).collect()
    }

    /// Returns the paths of `doc` that it reads, as far as they can be known.
    #[must_use]
    pub fn reads(&self) -> Vec<Path> {
        self.script.reads()
    }

    /// Returns the earliest version of the stage language in which it has the same meaning.
    #[must_use]
    pub fn language(&self) -> Language {
        self.script.language()
    }

    /// Returns what it looks up in other databases.
    pub(crate) fn lookups(&self) -> &[LookupQuery] {
        self.script.lookups()
    }

    /// Returns whether it calls one of these functions, by name.
    pub(crate) fn calls(&self, functions: &[&str]) -> Option<&'static str> {
        self.script.calls(functions)
    }

    /// Returns where it begins in the stage file.
    pub(crate) fn start(&self) -> Place {
        self.script.start()
    }

    /// Returns its warnings.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = Problem> {
        self.script.warnings()
    }

    /// Runs it; its names are visible in the scope from here on.
    ///
    /// # Errors
    /// A [`Refusal`], as for [`Expression::value`].
    pub fn run(&self, document: &Document, scope: &mut Scope<'_>) -> Result<(), Refusal> {
        let (_, mut values) = self.script.program.run(document, scope)?;
        for (name, slot) in &self.script.program.names {
            let value = std::mem::replace(&mut values[*slot], Datum::Null);
            scope.prepared.set(name, value);
        }
        Ok(())
    }
}

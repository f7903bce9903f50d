//! The definition of a function, what the compiler finds out for it, and the arguments of a call.

use std::sync::Arc;

use chrono_tz::Tz;
use regex::Regex;

use crate::context::Context;
use crate::datetime::{ReadFormat, WriteFormat};
use crate::expression::datum::{Datum, Number};
use crate::expression::fault::Fault;
use crate::lookup::LookupQuery;
use crate::path::Path;
use crate::record::Rounding;

pub(super) type Result<T> = std::result::Result<T, Fault>;

/// A function that expressions can call, as `f(a, b)` or `a.f(b)`.
#[derive(Debug)]
pub struct Function {
    /// Name of the function.
    pub name: &'static str,
    /// Signature, such as `round(x, places)`; `[...]` marks optional arguments.
    pub signature: &'static str,
    /// What it returns and when it refuses, in one line.
    pub summary: &'static str,
    pub(in crate::expression) least: usize,
    pub(in crate::expression) most: usize,
    pub(in crate::expression) needs: Needs,
    pub(in crate::expression) body: fn(&Call<'_>) -> Result<Datum>,
}

/// What the compiler must find out for a function before any record is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::expression) enum Needs {
    /// Nothing.
    Nothing,
    /// The second argument is a pattern, written out.
    Pattern,
    /// The second argument is a path, if it is a literal.
    Path,
    /// The stage declares its rounding.
    Rounding,
    /// Every argument is a literal text: the first a code, the second a JSON Pointer.
    Code,
    /// The second argument is a format, the third a zone, both checked if they are literals.
    DateRead,
    /// As `DateRead`, but to write.
    DateWritten,
    /// The first argument may be a literal list of names.
    Names,
    /// Every argument but the second is a literal: a database, what the value identifies, a field.
    Lookup,
}

/// What the compiler found out.
#[derive(Clone, Debug)]
pub(in crate::expression) enum Known {
    Nothing,
    /// The pattern, and whether its replacement is a literal that names groups.
    Pattern(Regex, bool),
    Path(Path),
    Rounding(Rounding),
    Names(Vec<Arc<str>>),
    /// The format that is read.
    DateRead(Arc<ReadFormat>),
    /// The format that is written.
    DateWritten(Arc<WriteFormat>),
    /// What is looked up in another database.
    Lookup(Arc<LookupQuery>),
}

/// A call with its arguments evaluated.
#[derive(Debug)]
pub(in crate::expression) struct Call<'c> {
    pub(in crate::expression) arguments: &'c [Datum],
    pub(in crate::expression) known: &'c Known,
    pub(in crate::expression) context: &'c Context<'c>,
}

impl Call<'_> {
    pub(super) fn argument(&self, at: usize) -> Option<&Datum> {
        self.arguments.get(at)
    }

    pub(super) fn first(&self) -> &Datum {
        self.required(0)
    }

    /// The compiler has checked the number of arguments against the table, so `Null` never shows.
    pub(super) fn required(&self, at: usize) -> &Datum {
        self.argument(at).unwrap_or(&Datum::Null)
    }

    pub(super) fn text(&self, at: usize) -> Result<std::borrow::Cow<'_, str>> {
        self.required(at).as_text()
    }

    pub(super) fn number(&self, at: usize) -> Result<Number> {
        self.required(at).as_number()
    }

    pub(super) fn places(&self, at: usize) -> Result<u32> {
        let places = match self.number(at)? {
            Number::Integer(places @ 0..=28) => u32::try_from(places).ok(),
            _ => None,
        };
        places.ok_or_else(|| Fault::new("expression.argument", "a number of places from 0 to 28"))
    }

    pub(super) fn zone(&self, at: usize) -> Result<Option<Tz>> {
        let Some(zone) = self.argument(at) else {
            return Ok(None);
        };
        let zone = zone.as_text()?.parse();
        zone.map(Some).map_err(|_| {
            Fault::new(
                "expression.argument",
                "a zone such as \"UTC\" or \"Europe/Berlin\"",
            )
        })
    }
}

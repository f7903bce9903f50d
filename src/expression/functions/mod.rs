//! The functions of expressions: one table, from which the compiler, the documentation and the tests are fed.

use std::sync::Arc;

use chrono_tz::Tz;
use regex::Regex;

use super::datum::{Datum, Number};
use super::fault::Fault;
use crate::context::Context;
use crate::datetime::{ReadFormat, WriteFormat};
use crate::language::Language;
use crate::path::Path;
use crate::record::Rounding;

mod document;
mod identity;
mod number;
mod text;
mod time;

pub(super) use identity::is_code;
pub(super) use text::written;

type Result<T> = std::result::Result<T, Fault>;

/// A function that expressions can call, as `f(a, b)` or `a.f(b)`.
#[derive(Debug)]
pub struct Function {
    /// The name.
    pub name: &'static str,
    /// How it is called, for example `round(x, places)`; `[...]` marks what may be left out.
    pub signature: &'static str,
    /// One line: what it gives and when it refuses.
    pub summary: &'static str,
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) needs: Needs,
    pub(super) body: fn(&Call<'_>) -> Result<Datum>,
}

/// What the compiler must find out for a function before any record is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing.
    Nothing,
    /// The second argument is a pattern, written out.
    Pattern,
    /// The second argument is a path, where it is written out.
    Path,
    /// The stage declares its rounding.
    Rounding,
    /// Every argument is a text that is written out: the first a code, the second a JSON Pointer.
    Code,
    /// The second argument is a format, the third a zone, both checked where they are written out.
    DateRead,
    /// The same, to write.
    DateWritten,
    /// The first argument may be a written list of names.
    Names,
}

/// What the compiler found out.
#[derive(Clone, Debug)]
pub(super) enum Known {
    Nothing,
    /// The pattern, and whether its replacement is written out and names groups.
    Pattern(Regex, bool),
    Path(Path),
    Rounding(Rounding),
    Names(Vec<Arc<str>>),
    /// The format that is read.
    DateRead(Arc<ReadFormat>),
    /// The format that is written.
    DateWritten(Arc<WriteFormat>),
}

/// A call with its arguments evaluated.
#[derive(Debug)]
pub(super) struct Call<'c> {
    pub(super) arguments: &'c [Datum],
    pub(super) known: &'c Known,
    pub(super) context: &'c Context<'c>,
}

impl Call<'_> {
    fn argument(&self, at: usize) -> Option<&Datum> {
        self.arguments.get(at)
    }

    fn first(&self) -> &Datum {
        self.required(0)
    }

    /// The compiler has checked the number of arguments against the table, so `Null` never shows.
    fn required(&self, at: usize) -> &Datum {
        self.argument(at).unwrap_or(&Datum::Null)
    }

    fn text(&self, at: usize) -> Result<std::borrow::Cow<'_, str>> {
        self.required(at).as_text()
    }

    fn number(&self, at: usize) -> Result<Number> {
        self.required(at).as_number()
    }

    fn places(&self, at: usize) -> Result<u32> {
        let places = match self.number(at)? {
            Number::Integer(places @ 0..=28) => u32::try_from(places).ok(),
            _ => None,
        };
        places.ok_or_else(|| Fault::new("expression.argument", "a number of places from 0 to 28"))
    }

    fn zone(&self, at: usize) -> Result<Option<Tz>> {
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

/// Every function, in the order of the documentation.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    let groups = [
        number::FUNCTIONS,
        text::FUNCTIONS,
        document::FUNCTIONS,
        time::FUNCTIONS,
        identity::FUNCTIONS,
    ];
    groups.into_iter().flatten()
}

pub(super) fn function(name: &str) -> Option<&'static Function> {
    functions().find(|function| function.name == name)
}

/// The earliest language of stages in which a call of a function means the same; `texts` are those of its arguments that
/// are written out.
pub(super) fn language(function: &Function, texts: &[Option<&str>]) -> Language {
    match function.name {
        // Years of less than four digits, a sixtieth second, fractions of any length: no format reads every text as it did.
        "date" => Language::Two,
        "format_date" => {
            let format = texts.get(1).copied().flatten().map(WriteFormat::new);
            // One that only a record gives, or that means nothing today.
            format.map_or(Language::Two, |format| {
                format.map_or(Language::Two, |format| format.language())
            })
        }
        _ => Language::One,
    }
}

//! The functions of expressions: one table, which the compiler, the documentation and the tests use.

use crate::datetime::WriteFormat;
use crate::language::Language;

mod alike;
pub(super) mod call;
mod document;
mod identity;
mod lookup;
mod number;
mod text;
mod time;

pub use call::Function;
pub(super) use identity::is_code;
pub(super) use text::written;

/// Returns every function, in the order of the documentation.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    let groups = [
        number::FUNCTIONS,
        text::FUNCTIONS,
        alike::FUNCTIONS,
        document::FUNCTIONS,
        time::FUNCTIONS,
        identity::FUNCTIONS,
        lookup::FUNCTIONS,
    ];
    groups.into_iter().flatten()
}

pub(super) fn function(name: &str) -> Option<&'static Function> {
    functions().find(|function| function.name == name)
}

/// Returns the earliest version of the stage language in which a call of a function has the same meaning; `texts` are
/// its literal arguments.
pub(super) fn language(function: &Function, texts: &[Option<&str>]) -> Language {
    match function.name {
        // Years of less than four digits, a sixtieth second, fractions of any length: no format reads every text as it did.
        "date" => Language::Two,
        "format_date" => {
            let format = texts.get(1).copied().flatten().map(WriteFormat::new);
            // A format that only a record supplies, or that has no meaning today.
            format.map_or(Language::Two, |format| {
                format.map_or(Language::Two, |format| format.language())
            })
        }
        _ => Language::One,
    }
}

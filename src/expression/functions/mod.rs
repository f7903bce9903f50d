//! The functions of expressions: one table, from which the compiler, the documentation and the tests are fed.

use crate::datetime::WriteFormat;
use crate::language::Language;

pub(super) mod call;
mod document;
mod identity;
mod number;
mod text;
mod time;

pub use call::Function;
pub(super) use identity::is_code;
pub(super) use text::written;

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

//! What is wrong with an input as a whole.

use crate::error::Error;
use crate::input::source::SourceError;
use crate::record::PassId;

pub(super) fn unreadable(name: &str, error: &std::io::Error) -> Error {
    Error::Input {
        input: name.to_owned(),
        problem: error.to_string(),
    }
}

/// Describes what is wrong with a source, by its name; a cursor that it does not recognize belongs to an interrupted
/// pass.
pub(super) fn describe(name: &str, pass: PassId, error: SourceError) -> Error {
    match error {
        SourceError::Unreadable(problem) => Error::Input {
            input: name.to_owned(),
            problem,
        },
        SourceError::Otherwise {
            code,
            problem,
            options,
        } => Error::read_otherwise(code, name, problem, options),
        SourceError::Changed { offset } => Error::InputChanged {
            input: name.to_owned(),
            offset,
        },
        SourceError::Foreign => Error::Damaged {
            what: format!("the resume point of pass {pass} cannot be read"),
        },
    }
}

//! The error for an invalid format.

use std::borrow::Cow;

/// What is wrong with a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FormatError {
    pub(crate) message: String,
    pub(crate) help: Cow<'static, str>,
}

impl FormatError {
    pub(super) fn new(message: impl Into<String>, help: impl Into<Cow<'static, str>>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
        }
    }

    pub(super) fn unknown(message: String) -> Self {
        Self::new(
            message,
            "formats use strftime notation: %Y-%m-%d, %d/%m/%Y %H:%M:%S, %Y-%m-%dT%H:%M:%S%:z; docs/dates.md lists \
             every specifier",
        )
    }
}

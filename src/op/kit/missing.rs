//! The keys about what is not there, and what is there already.

use super::form::{Form, Key};
use super::settings::Settings;

/// What an operation does where its source is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// It refuses the record: `<op>.missing`.
    #[default]
    Refuse,
    /// It does nothing there.
    Skip,
}

impl Missing {
    /// The key of stage files.
    pub(crate) const KEY: Key = Key::optional(
        "missing",
        Form::Choice(&["refuse", "skip"]),
        "refuse",
        "what to do if the source is missing",
    );

    pub(crate) fn read(settings: &Settings<'_>) -> Self {
        match settings.text("missing") {
            Some("skip") => Self::Skip,
            _ => Self::Refuse,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Skip => "skip",
        }
    }
}

/// The builder method of an operation with a `missing`.
macro_rules! skip_missing_builder {
    ($operation:ident, $promise:literal) => {
        impl $operation {
            #[doc = $promise]
            #[must_use]
            pub fn skip_missing(mut self) -> Self {
                self.missing = Missing::Skip;
                self
            }
        }
    };
}
pub(crate) use skip_missing_builder;

/// The key that allows overwriting.
pub(crate) const OVERWRITE: Key = Key::optional(
    "overwrite",
    Form::Boolean,
    "false",
    "replace an existing target, whose value is lost",
);

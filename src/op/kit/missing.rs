//! The keys for missing sources and existing targets.

use super::form::{Form, Key};
use super::settings::Settings;

/// What an operation does when its source is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// Refuse the record: `<op>.missing`.
    #[default]
    Refuse,
    /// Do nothing.
    Skip,
}

impl Missing {
    /// Key of stage files.
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

/// Key that allows overwriting.
pub(crate) const OVERWRITE: Key = Key::optional(
    "overwrite",
    Form::Boolean,
    "false",
    "replace an existing target, whose value is lost",
);

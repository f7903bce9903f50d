//! Versions of the language that stage files are written in.
//!
//! The meaning of a stage names the version that it needs, where that is not the first. Where a later version reads
//! something differently (a format of dates, the text of a number), an applied stage that uses it has a new meaning,
//! which is reported as drift; every other applied stage keeps its meaning. `docs/language.md` lists the differences.

/// A version of the language of stage files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Language {
    /// The first version, of stages whose meaning names none.
    One,
    /// The current version.
    #[default]
    Two,
}

impl Language {
    /// Returns the number in a stage's meaning; `None` for the first version, which a meaning does not name.
    #[must_use]
    pub const fn number(self) -> Option<u32> {
        match self {
            Self::One => None,
            Self::Two => Some(2),
        }
    }

    /// Returns the language version of a stage from its meaning; `None` where a later program wrote it.
    #[must_use]
    pub(crate) fn from_meaning(meaning: &serde_json::Value) -> Option<Self> {
        match meaning.get("language") {
            None => Some(Self::One),
            Some(number) if number.as_u64() == Some(2) => Some(Self::Two),
            Some(_) => None,
        }
    }
}

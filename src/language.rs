//! Versions of the language that stage files are written in.
//!
//! A stage's meaning says which version it needs, where that is not the first. What a later version reads otherwise (a
//! format of dates, a text of a number) makes a stage that uses it another stage than the one that was applied, which is
//! told as drift; every other applied stage stays what it was. `docs/language.md` lists the differences.

/// A version of the language of stage files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Language {
    /// The first, of stages whose meaning names none.
    One,
    /// The language of today.
    #[default]
    Two,
}

impl Language {
    /// The number that a stage's meaning has; `None` for the first, which stands in no meaning.
    #[must_use]
    pub const fn number(self) -> Option<u32> {
        match self {
            Self::One => None,
            Self::Two => Some(2),
        }
    }

    /// The language of a stage from its meaning; `None` where it is of a later program.
    #[must_use]
    pub(crate) fn from_meaning(meaning: &serde_json::Value) -> Option<Self> {
        match meaning.get("language") {
            None => Some(Self::One),
            Some(number) if number.as_u64() == Some(2) => Some(Self::Two),
            Some(_) => None,
        }
    }
}

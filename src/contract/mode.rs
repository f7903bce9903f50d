//! What happens to a record that violates a contract.

/// What happens to a record that violates a contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The record is refused, and the pass stops, however many refusals are allowed.
    Refuse,
    /// The record is refused and goes to quarantine; the pass continues within its limit of refusals.
    #[default]
    Quarantine,
    /// The record is written, and its ledger entry lists the violations.
    Warn,
}

const MODES: [(&str, Mode); 3] = [
    ("refuse", Mode::Refuse),
    ("quarantine", Mode::Quarantine),
    ("warn", Mode::Warn),
];

impl Mode {
    /// The words in stage files.
    pub const WORDS: [&'static str; 3] = ["refuse", "quarantine", "warn"];

    /// Returns the mode of a word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        MODES
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, mode)| *mode)
    }

    /// Returns its word in stage files.
    #[must_use]
    pub fn name(self) -> &'static str {
        MODES
            .iter()
            .find(|(_, mode)| *mode == self)
            .map_or("", |(name, _)| name)
    }
}

//! Values of options: times and limits.

use std::time::Duration;

use counterfoil::rollback::ConflictPolicy;
use counterfoil::stage::{MaxErrors, OnError};

/// `30s`, `5m`, `2h`, `500ms`; a number alone is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let wrong = || "expected a time such as 30s, 5m or 2h".to_owned();
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let seconds = match &text[digits.len()..] {
        "ms" => return Ok(Duration::from_millis(number)),
        "" | "s" => Some(number),
        "m" => number.checked_mul(60),
        "h" => number.checked_mul(3_600),
        _ => None,
    };
    seconds.map(Duration::from_secs).ok_or_else(wrong)
}

/// A stage's number.
pub(crate) fn stage_number(text: &str) -> Result<u32, String> {
    text.parse()
        .map_err(|_| "expected a stage number such as 2".to_owned())
}

/// `10`, or a share of the source: `0.5%`.
pub(crate) fn max_errors(text: &str) -> Result<MaxErrors, String> {
    let count = text.parse().ok().map(MaxErrors::Count);
    count
        .or_else(|| MaxErrors::share(text))
        .ok_or_else(|| "expected a count, or a share such as 0.5%".to_owned())
}

/// What separates the cells of a table: one character of ASCII, or `tab`.
pub(crate) fn separator(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        _ if text == "tab" || text == "\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !b"\"'\r\n".contains(byte) => Ok(*byte),
        _ => Err("expected one character such as ; or |, or `tab`".to_owned()),
    }
}

/// What to do when a record is refused, overriding the stages.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum OnErrorChoice {
    /// Stop the pass after the batch with the first refused record.
    Stop,
    /// Put refused records in quarantine and continue.
    Quarantine,
}

impl From<OnErrorChoice> for OnError {
    fn from(choice: OnErrorChoice) -> Self {
        match choice {
            OnErrorChoice::Stop => Self::Stop,
            OnErrorChoice::Quarantine => Self::Quarantine,
        }
    }
}

/// What happens to records that were changed since.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum OnConflictChoice {
    /// Change nothing.
    Abort,
    /// Leave those records unchanged.
    Skip,
    /// Undo only the fields that were not changed since.
    Merge,
    /// Restore them anyway; the ledger keeps their current data.
    Force,
}

impl From<OnConflictChoice> for ConflictPolicy {
    fn from(choice: OnConflictChoice) -> Self {
        match choice {
            OnConflictChoice::Abort => Self::Abort,
            OnConflictChoice::Skip => Self::Skip,
            OnConflictChoice::Merge => Self::Merge,
            OnConflictChoice::Force => Self::Force,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_unit_beside_them() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7_200)));
        for text in ["", "s", "-1", "1.5s", "3d", "1 s", "99999999999999999999h", "é"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn limits_of_errors_are_counts_or_shares() {
        assert_eq!(max_errors("10"), Ok(MaxErrors::Count(10)));
        assert!(matches!(max_errors("0.5%"), Ok(MaxErrors::Share(_))));
        for text in ["", "%", "101%", "-1", "1.5", "x"] {
            assert!(max_errors(text).is_err(), "{text}");
        }
    }
}

//! The settings in `[stage]`: where the records come from and go to, and what happens when one is refused.

use rust_decimal::Decimal;
use serde_json::{Map, Value as Json, json};

use crate::name;
use crate::path::Path;
use crate::problem::Problem;
use crate::record::{Rounding, exact_decimal};
use crate::toml::{Collected, Section};

/// What to do when a record is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// The pass stops.
    Stop,
    /// The record goes to quarantine and the pass continues.
    Quarantine,
}

/// How many records may be refused before a pass stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxErrors {
    /// This many.
    Count(u64),
    /// This percentage of the source's records at the start, from 0 to 100: `0.5%` is 0.5.
    Share(Decimal),
}

/// What happens when a target id already exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// The record is refused as `target.exists`.
    Refuse,
    /// The record is filtered.
    Skip,
    /// The existing record is replaced; its before image is kept.
    Replace,
}

/// What happens to the earlier version of a record in the target when a correction of it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// It stays until the correction is admitted; `status` and the report name it.
    Keep,
    /// It is removed; its image is kept.
    Remove,
}

const ON_ERROR: [(&str, OnError); 2] = [("quarantine", OnError::Quarantine), ("stop", OnError::Stop)];
const ON_CONFLICT: [(&str, OnConflict); 3] = [
    ("refuse", OnConflict::Refuse),
    ("skip", OnConflict::Skip),
    ("replace", OnConflict::Replace),
];
const STALE: [(&str, Stale); 2] = [("keep", Stale::Keep), ("remove", Stale::Remove)];
const ROUNDING: [(&str, Rounding); 2] = [("half-even", Rounding::HalfEven), ("half-up", Rounding::HalfUp)];

impl OnError {
    /// Returns the name in stage files.
    #[must_use]
    pub fn name(self) -> &'static str {
        ON_ERROR
            .iter()
            .find(|(_, value)| *value == self)
            .map_or("", |(word, _)| word)
    }
}

impl OnConflict {
    /// Returns the name in stage files.
    #[must_use]
    pub fn name(self) -> &'static str {
        ON_CONFLICT
            .iter()
            .find(|(_, value)| *value == self)
            .map_or("", |(word, _)| word)
    }
}

impl Stale {
    /// Returns the name in stage files.
    #[must_use]
    pub fn name(self) -> &'static str {
        STALE
            .iter()
            .find(|(_, value)| *value == self)
            .map_or("", |(word, _)| word)
    }
}

impl MaxErrors {
    /// Parses a share such as `0.5%`; returns `None` if it is not a share from 0 to 100.
    #[must_use]
    pub fn share(text: &str) -> Option<Self> {
        let number = text.strip_suffix('%')?.trim_end();
        let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let share = exact_decimal(number).ok().filter(|_| plain)?;
        (share <= Decimal::ONE_HUNDRED).then_some(Self::Share(share.normalize()))
    }

    /// Parses a limit in its written form, `10` or `0.5%`.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().map(Self::Count).or_else(|| Self::share(text))
    }

    /// Returns the maximum number of records that may be refused, given the number in the source.
    #[must_use]
    pub fn of(self, records: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            // Whole hundredths first: a share times a count fits 28 digits for every count that a store can hold; if it
            // does not fit, the limit exceeds every count.
            Self::Share(share) => share
                .checked_mul(Decimal::from(records))
                .and_then(|product| product.checked_div(Decimal::ONE_HUNDRED))
                .and_then(|limit| u64::try_from(limit.floor()).ok())
                .unwrap_or(records),
        }
    }
}

impl std::fmt::Display for MaxErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Share(share) => write!(f, "{share}%"),
        }
    }
}

/// The settings in `[stage]`, with defaults filled in, without the compiled form of its expressions.
#[derive(Clone, Debug)]
pub(super) struct StageSettings {
    pub(super) description: String,
    pub(super) source: String,
    /// `None` if the stage works in place.
    pub(super) target: Option<String>,
    pub(super) filter: Option<String>,
    pub(super) prepare: Option<String>,
    pub(super) id: Option<String>,
    pub(super) on_error: OnError,
    pub(super) max_errors: MaxErrors,
    pub(super) on_conflict: OnConflict,
    pub(super) stale: Stale,
    pub(super) rounding: Option<Rounding>,
    pub(super) redact: Vec<Path>,
}

impl StageSettings {
    /// The keys of `[stage]`.
    pub(super) const KEYS: [&'static str; 12] = [
        "description",
        "source",
        "target",
        "where",
        "id",
        "on_error",
        "max_errors",
        "on_conflict",
        "stale",
        "rounding",
        "redact",
        "prepare",
    ];

    /// Makes settings with every default.
    pub(super) fn new() -> Self {
        Self {
            description: String::new(),
            source: String::new(),
            target: None,
            filter: None,
            prepare: None,
            id: None,
            on_error: OnError::Quarantine,
            max_errors: MaxErrors::Share(Decimal::ONE),
            on_conflict: OnConflict::Refuse,
            stale: Stale::Keep,
            rounding: None,
            redact: Vec::new(),
        }
    }

    /// Reads `[stage]`. An invalid value is reported and keeps its default, so that reading can continue.
    pub(super) fn read(section: &Section<'_>, problems: &mut Collected) -> Self {
        section.only(&Self::KEYS, problems);
        let defaults = Self::new();
        let needed = section.needed_text("source", "the database whose records it reads", problems);
        let source = database(section, "source", needed, problems).unwrap_or_default();
        let target = section.text("target", problems);
        let target = database(section, "target", target, problems);
        let text = |key, problems: &mut Collected| section.text(key, problems);
        let expression = |key, problems: &mut Collected| section.expression(key, problems).map(str::to_owned);
        Self {
            description: text("description", problems).unwrap_or_default().to_owned(),
            target: target.filter(|target| *target != source),
            source,
            filter: expression("where", problems),
            prepare: text("prepare", problems).map(str::to_owned),
            id: expression("id", problems),
            on_error: section
                .word("on_error", &ON_ERROR, problems)
                .unwrap_or(defaults.on_error),
            max_errors: max_errors(section, problems).unwrap_or(defaults.max_errors),
            on_conflict: section
                .word("on_conflict", &ON_CONFLICT, problems)
                .unwrap_or(defaults.on_conflict),
            stale: section.word("stale", &STALE, problems).unwrap_or(defaults.stale),
            rounding: section.word("rounding", &ROUNDING, problems),
            redact: redact(section, problems),
        }
    }

    /// Returns the part of the stage's meaning that `[stage]` determines.
    pub(super) fn meaning(&self) -> Map<String, Json> {
        let redact: Vec<String> = self.redact.iter().map(Path::pointer).collect();
        let meaning = json!({
            "source": self.source,
            "target": self.target.as_ref().unwrap_or(&self.source),
            "where": self.filter,
            "prepare": self.prepare,
            "id": self.id,
            "on_error": self.on_error.name(),
            "max_errors": self.max_errors.to_string(),
            "on_conflict": self.on_conflict.name(),
            "rounding": self.rounding.map(Rounding::name),
            "redact": redact,
        });
        let mut meaning = match meaning {
            Json::Object(meaning) => meaning,
            _ => Map::new(),
        };
        // Stages from before this key existed keep their meaning.
        if self.stale != Stale::Keep {
            meaning.insert("stale".to_owned(), self.stale.name().into());
        }
        meaning
    }
}

fn database(
    section: &Section<'_>,
    key: &str,
    text: Option<&str>,
    problems: &mut Collected,
) -> Option<String> {
    let text = text?;
    if let Err(error) = name::check_database(text) {
        problems.add(Problem::error(
            "stage.bad_name",
            section.place_of(key),
            error.to_string(),
        ));
    }
    Some(text.to_owned())
}

fn max_errors(section: &Section<'_>, problems: &mut Collected) -> Option<MaxErrors> {
    let item = section.item("max_errors")?;
    if let Some(count) = item.as_integer()
        && let Ok(count) = u64::try_from(count)
    {
        return Some(MaxErrors::Count(count));
    }
    let share = item.as_str().and_then(MaxErrors::share);
    if share.is_none() {
        let problem = section.wrong_type("max_errors", "a count or a share of the source");
        problems.add(Problem {
            message: "`max_errors` takes a count or a share of the source, from 0% to 100%".to_owned(),
            ..problem.help("write `max_errors = 100` or `max_errors = \"0.5%\"`")
        });
    }
    share
}

fn redact(section: &Section<'_>, problems: &mut Collected) -> Vec<Path> {
    let mut paths = Vec::new();
    for text in section.texts("redact", problems) {
        match text.parse() {
            Ok(path) => paths.push(path),
            Err(error) => {
                let error: crate::path::PathError = error;
                problems.add(Problem::error(
                    "stage.bad_path",
                    section.place_of("redact"),
                    error.to_string(),
                ));
            }
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_errors_is_exact() {
        let share = |text| MaxErrors::share(text).map(|share| share.of(1000));
        assert_eq!(share("0.5%"), Some(5));
        assert_eq!(share("0.1%"), Some(1));
        assert_eq!(share("100%"), Some(1000));
        assert_eq!(share("0%"), Some(0));
        for text in ["0.5", "101%", "-1%", "1e2%", "%", "x%", "+1%"] {
            assert_eq!(share(text), None, "{text}");
        }
        assert_eq!(
            MaxErrors::share("1%").map(|share| share.of(u64::MAX)),
            Some(u64::MAX / 100)
        );
        assert_eq!(MaxErrors::share("1.0%"), MaxErrors::share("1%"));
    }
}

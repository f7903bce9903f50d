//! Typed numbers of runs, passes, batches and records, which the compiler keeps apart.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The error for a text that is not a whole number where a run, pass, batch or record number is expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {what} is a whole number, as in `12`: {source}")]
pub struct NotANumber {
    what: &'static str,
    source: ParseIntError,
}

/// The number of a run: one command that wrote to the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(i64);

/// The number of a pass: the work of one stage, or of one verb, in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PassId(i64);

/// The number of a batch: one transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BatchId(i64);

/// The number of a record, which it keeps through 1:1 stages: ascending, never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordNumber(i64);

macro_rules! number {
    ($name:ident, $what:literal) => {
        impl $name {
            /// A number less than every number in a ledger: those count from 1.
            pub const BEFORE_FIRST: Self = Self(0);
            /// The largest possible number.
            pub const MAX: Self = Self(i64::MAX);

            /// Wraps a number without checking that the ledger has it.
            #[must_use]
            pub const fn new(number: i64) -> Self {
                Self(number)
            }

            /// Returns the plain number.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }

            /// Returns the next number.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }

            /// Returns the previous number.
            #[must_use]
            pub const fn previous(self) -> Self {
                Self(self.0.saturating_sub(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = NotANumber;

            fn from_str(text: &str) -> Result<Self, NotANumber> {
                text.parse().map(Self).map_err(|source| NotANumber {
                    what: $what,
                    source,
                })
            }
        }

        impl PartialEq<i64> for $name {
            fn eq(&self, other: &i64) -> bool {
                self.0 == *other
            }
        }
    };
}

number!(RunId, "run's number");
number!(PassId, "pass's number");
number!(BatchId, "batch's number");
number!(RecordNumber, "record's number");

#[cfg(test)]
mod tests;

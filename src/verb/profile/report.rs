//! How to profile, and what is told of it.

use std::collections::BTreeMap;

use crate::engine::Stopped;
use crate::observe::StopSignal;
use crate::path::Path;

/// How to profile.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ProfileOptions<'o> {
    /// What is redacted: of these fields no value is told.
    pub redact: &'o [Path],
    /// Asks the verb to stop.
    pub stop: StopSignal,
}

impl<'o> ProfileOptions<'o> {
    /// Shows no value of these fields. Default: none.
    #[must_use]
    pub fn redact(mut self, redact: &'o [Path]) -> Self {
        self.redact = redact;
        self
    }

    /// Sets the signal that asks the verb to stop. Default: a signal that is never sent.
    #[must_use]
    pub fn stop(mut self, stop: StopSignal) -> Self {
        self.stop = stop;
        self
    }
}

/// What the records of a database look like.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[non_exhaustive]
pub struct ProfileReport {
    /// The database.
    pub database: String,
    /// How many records there are.
    pub records: u64,
    /// The bytes of their data.
    pub bytes: u64,
    /// Every field, those of nested objects and of elements of lists as well, in the order in which they were met.
    pub fields: Vec<FieldProfile>,
    /// Why it stopped before its end.
    pub stopped: Option<Stopped>,
}

/// A value and how often a field has it. In JSON a list of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrequentValue {
    /// The value, as JSON.
    pub value: String,
    /// How often.
    pub count: u64,
}

crate::record::listed::as_list!(FrequentValue: value, count);

/// What one field holds.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct FieldProfile {
    /// Where: `customer.name`, `items[*].price`. `*` stands for the names of an object that has very many.
    pub path: String,
    /// How many values were met, nulls among them; of elements of lists, all of them.
    pub values: u64,
    /// How many records have none at all.
    pub missing: u64,
    /// How many values are null.
    pub nulls: u64,
    /// How many are empty texts, lists or objects.
    pub empty: u64,
    /// How many are of each kind: `text`, `integer`, `number`, `boolean`, `list`, `object`, `null`.
    pub kinds: BTreeMap<&'static str, u64>,
    /// How many texts have a form that a stage could convert: `date`, `date_time`, `decimal`, `uuid`.
    pub forms: BTreeMap<&'static str, u64>,
    /// How many distinct values there are beside null; objects and lists are not compared.
    pub distinct: u64,
    /// Whether there may be more of them: too many to be told apart.
    pub distinct_is_bound: bool,
    /// The smallest and the largest number, as written.
    pub numbers: Option<[String; 2]>,
    /// The first and the last text by its bytes; long ones are cut.
    pub texts: Option<[String; 2]>,
    /// The shortest and the longest: characters of texts, elements of lists.
    pub lengths: Option<[u64; 2]>,
    /// Every value and how often, as JSON, the most frequent first, where there are few.
    pub frequent: Vec<FrequentValue>,
    /// Whether values are left out because the field is redacted.
    pub redacted: bool,
}

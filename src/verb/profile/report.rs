//! Options and report of `profile`.

use std::collections::BTreeMap;

use crate::engine::Stopped;
use crate::observe::StopSignal;
use crate::path::Path;
use crate::stage::Aggregate;

/// Options of [`profile`](super::profile).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ProfileOptions<'o> {
    /// Redacted fields, whose values are not shown.
    pub redact: &'o [Path],
    /// The field by whose values the records are counted.
    pub by: Option<Path>,
    /// What has made the records, if they are windows.
    pub aggregate: Option<&'o Aggregate>,
    /// Signal that asks the verb to stop.
    pub stop: StopSignal,
}

impl<'o> ProfileOptions<'o> {
    /// Shows no value of these fields. Default: none.
    #[must_use]
    pub fn redact(mut self, redact: &'o [Path]) -> Self {
        self.redact = redact;
        self
    }

    /// Counts the records by the values of a field as well. Default: `None`.
    #[must_use]
    pub fn by(mut self, by: Path) -> Self {
        self.by = Some(by);
        self
    }

    /// Says what has made the records: of each group, its readings, empty windows and anomalies are counted then. Default: `None`.
    #[must_use]
    pub fn aggregate(mut self, aggregate: &'o Aggregate) -> Self {
        self.aggregate = Some(aggregate);
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
    /// Name of the database.
    pub database: String,
    /// Number of records.
    pub records: u64,
    /// Size of their data in bytes.
    pub bytes: u64,
    /// Every field, including those of nested objects and of list elements, in the order of first appearance.
    pub fields: Vec<FieldProfile>,
    /// The records by the values of a field: those with most anomalies first, then those with most records; empty if that was not
    /// requested.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupProfile>,
    /// Why it stopped early.
    pub stopped: Option<Stopped>,
}

/// The records that have one value of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct GroupProfile {
    /// The value, as JSON; `None` if the field is redacted.
    pub value: Option<String>,
    /// Number of records.
    pub records: u64,
    /// Number of readings, of windows.
    pub readings: u64,
    /// Number of windows without readings.
    pub empty: u64,
    /// Number of windows that a rule marks.
    pub anomalies: u64,
    /// Beginning of the first window, ISO 8601 in UTC.
    pub first: Option<String>,
    /// Beginning of the last window, ISO 8601 in UTC.
    pub last: Option<String>,
}

/// A value and how often a field has it. In JSON, a list of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrequentValue {
    /// The value, as JSON.
    pub value: String,
    /// Number of occurrences.
    pub count: u64,
}

crate::record::listed::as_list!(FrequentValue: value, count);

/// Statistics of one field.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct FieldProfile {
    /// Path, such as `customer.name` or `items[*].price`. `*` represents the names of an object that has very many.
    pub path: String,
    /// Number of values, including nulls; for list elements, over all lists.
    pub values: u64,
    /// Number of records without the field.
    pub missing: u64,
    /// Number of values that are null.
    pub nulls: u64,
    /// Number of empty texts, lists or objects.
    pub empty: u64,
    /// Number of values of each kind: `text`, `integer`, `number`, `boolean`, `list`, `object`, `null`.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Number of texts in a form that a stage could convert: `date`, `date_time`, `decimal`, `uuid`.
    pub forms: BTreeMap<&'static str, u64>,
    /// Number of distinct values beside null; objects and lists are not compared.
    pub distinct: u64,
    /// Whether there may be more of them, because they were too many to keep.
    pub distinct_is_bound: bool,
    /// Smallest and largest number, as written.
    pub numbers: Option<[String; 2]>,
    /// First and last text in byte order; long ones are cut.
    pub texts: Option<[String; 2]>,
    /// Smallest and largest length: characters of texts, elements of lists.
    pub lengths: Option<[u64; 2]>,
    /// Every value as JSON with its number of occurrences, the most frequent first, if there are few.
    pub frequent: Vec<FrequentValue>,
    /// Whether values are omitted because the field is redacted.
    pub redacted: bool,
}

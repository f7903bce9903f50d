//! A time to compare with.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::operator::QueryError;
use crate::datetime::Moment;

/// An instant to compare with texts of records, regardless of the offsets on either side: RFC 3339,
/// `2024-01-31T12:00:00.250+02:00`. A value that is not such a time (a day, a time without an offset, a number) neither
/// equals it nor comes before or after it.
///
/// ```
/// use counterfoil::query::{Is, Query, Time};
/// use counterfoil::record::Document;
///
/// let query = Query::new().filter("at", Is::AtLeast, "2024-01-31T12:00:00+02:00".parse::<Time>()?)?;
/// assert!(query.matches(&Document::parse(r#"{"at":"2024-01-31T05:00:00-05:00"}"#)?));
/// assert!(!query.matches(&Document::parse(r#"{"at":"2024-01-31T11:00:00+02:00"}"#)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(DateTime<Utc>);

impl FromStr for Time {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let moment = Moment::iso(text).ok();
        let instant = moment.and_then(|moment| moment.as_instant());
        instant.map(Self).ok_or(QueryError::Time)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Moment::Instant(self.0.fixed_offset()).fmt(f)
    }
}

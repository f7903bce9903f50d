//! Reading the time of a reading.

use chrono_tz::Tz;

use crate::datetime::{ReadFormat, Unread};

/// Reads the time of a reading, in microseconds since 1970 UTC; a finer fraction is cut off, towards the past.
#[derive(Clone, Debug)]
pub(crate) struct TimeReader {
    /// Empty: RFC 3339.
    formats: Vec<ReadFormat>,
    /// The zone of times without an offset.
    zone: Option<Tz>,
}

impl TimeReader {
    /// Reads RFC 3339.
    pub(crate) fn rfc3339() -> Self {
        Self { formats: Vec::new(), zone: None }
    }

    /// Reads these formats, tried in this order. A format with a time and no offset needs the zone.
    pub(crate) fn new(formats: Vec<ReadFormat>, zone: Option<Tz>) -> Self {
        Self { formats, zone }
    }

    /// Reads a text.
    pub(crate) fn read(&self, _text: &str) -> Result<i64, Unread> {
        todo!()
    }
}

//! Which window an instant is in. Instants are microseconds since 1970 UTC.

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::every::Unit;

/// The windows of a stage: they follow each other without a gap.
#[derive(Clone, Debug)]
pub(crate) enum Windows {
    /// Of equal length, from an origin.
    Fixed { length: i64, origin: i64 },
    /// Of equal length, beginning anew with every day of a zone; the last one of a day may be shorter.
    Daily { length: i64, zone: Tz },
    /// Calendar units in a zone, from a first day.
    Calendar { unit: Unit, count: u32, zone: Tz, origin: NaiveDate },
}

impl Windows {
    /// Returns the beginning of the window with an instant; `None` if it or its end is not between the years 1 and 9999.
    pub(crate) fn start_of(&self, _at: i64) -> Option<i64> {
        todo!()
    }

    /// Returns the end of a window, which is the beginning of the next one.
    pub(crate) fn end_of(&self, _start: i64) -> Option<i64> {
        todo!()
    }

    /// Returns the number of windows between the windows that begin at these two instants, without them.
    pub(crate) fn between(&self, _first: i64, _last: i64) -> u64 {
        todo!()
    }

    /// Returns an instant in UTC, as `2026-03-01T00:05:00Z`.
    pub(crate) fn utc(_at: i64) -> String {
        todo!()
    }

    /// Reads what [`utc`](Self::utc) has written.
    pub(crate) fn from_utc(_text: &str) -> Option<i64> {
        todo!()
    }

    /// Returns an instant in the local time of a zone, with its offset.
    pub(crate) fn local(_at: i64, _zone: Tz) -> String {
        todo!()
    }
}

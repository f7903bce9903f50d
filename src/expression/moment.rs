//! Dates inside expressions: what `date` and `format_date` do, and what they refuse.

use chrono_tz::Tz;

use super::fault::Fault;
use crate::datetime::{self, FormatError, ReadFormat, Unread, Unwritten, WriteFormat};

pub(super) use crate::datetime::Moment;

fn unread(why: Unread, form: &str) -> Fault {
    Fault::new("expression.date", why.expected(form).to_owned())
}

/// Name of a format that must not be shown, because it may be a value of the record.
const SOME_FORMAT: &str = "a date in the format";

fn unwritten(why: Unwritten) -> Fault {
    Fault::new("expression.date", why.expected())
}

/// Reports a bad format that is not a literal: it is only known with the record.
pub(super) fn bad_format(error: &FormatError) -> Fault {
    Fault::new("expression.date", format!("a date format; {}", error.help))
}

/// Reads a date. A format with a time of day but without an offset needs a zone; a day in a zone is its beginning
/// there. If a format from the stage does not match, the fault shows it.
pub(super) fn read(
    text: &str,
    format: &ReadFormat,
    is_written: bool,
    zone: Option<Tz>,
) -> Result<Moment, Fault> {
    let unread = |why| {
        if is_written {
            unread(why, &datetime::form([format]))
        } else {
            unread(why, SOME_FORMAT)
        }
    };
    let moment = format.read(text).map_err(unread)?;
    match (moment, zone) {
        (Moment::Local(_), None) => {
            let expected = "a zone: date(text, format, \"UTC\"), because the format has a time and no offset";
            Err(Fault::new("expression.date", expected))
        }
        (moment, None) => Ok(moment),
        (moment, Some(zone)) => moment.beginning_in_zone(zone).map_err(unread),
    }
}

/// An instant of the pass, in microseconds since 1970 UTC.
pub(super) fn from_microseconds(microseconds: i64) -> Result<Moment, Fault> {
    Moment::from_microseconds(microseconds).map_err(|why| unread(why, SOME_FORMAT))
}

/// Returns the text in a format, in a zone if one is given.
pub(super) fn written(moment: Moment, format: &WriteFormat, zone: Option<Tz>) -> Result<String, Fault> {
    let moment = match zone {
        Some(zone) => moment.shown_in(zone),
        None => moment,
    };
    format.write(&moment).map_err(unwritten)
}

//! Functions of dates.

use super::call::{Call, Function, Known, Needs, Result};
use crate::datetime::{ReadFormat, WriteFormat};
use crate::expression::datum::{Datum, View};
use crate::expression::fault::Fault;
use crate::expression::moment;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "date",
        signature: "date(text, format[, zone])",
        summary: "the date in a string: `date(doc.at, \"%Y-%m-%d %H:%M:%S\", \"UTC\")`; a time without an offset needs \
                  a zone; as a result it is written as ISO 8601",
        least: 2,
        most: 3,
        needs: Needs::DateRead,
        body: date,
    },
    Function {
        name: "format_date",
        signature: "format_date(date, format[, zone])",
        summary: "the date as a string in that format, and in that zone if one is given",
        least: 2,
        most: 3,
        needs: Needs::DateWritten,
        body: format_date,
    },
    Function {
        name: "now",
        signature: "now()",
        summary: "the time of the pass, the same for every record even if another run continues it; the time of the \
            command if there is no pass",
        least: 0,
        most: 0,
        needs: Needs::Nothing,
        body: |call| moment::from_microseconds(call.context.now_us).map(Datum::Moment),
    },
];

fn date(call: &Call<'_>) -> Result<Datum> {
    let text = call.text(0)?;
    let read = |format: &ReadFormat, is_written| {
        let moment = moment::read(&text, format, is_written, call.zone(2)?)?;
        Ok(Datum::Moment(moment))
    };
    if let Known::DateRead(format) = call.known {
        return read(format, true);
    }
    let format = ReadFormat::new(&call.text(1)?).map_err(|error| moment::bad_format(&error))?;
    read(&format, false)
}

fn format_date(call: &Call<'_>) -> Result<Datum> {
    let View::Moment(date) = call.first().view() else {
        return Err(Fault::types(format!(
            "a date from date(text, format), not {}",
            call.first().kind()
        )));
    };
    let write = |format: &WriteFormat| Ok(Datum::text(&moment::written(*date, format, call.zone(2)?)?));
    match call.known {
        Known::DateWritten(format) => write(format),
        _ => write(&WriteFormat::new(&call.text(1)?).map_err(|error| moment::bad_format(&error))?),
    }
}

//! Records on their way to the screen, or into the envelope.

use std::borrow::Cow;
use std::io::{BufWriter, StdoutLock, Write as _};

use counterfoil::record::{Record, RecordNumber, Value};

use super::pretty;
use crate::cli::failure::Failure;
use crate::cli::listed::Listed;
use crate::cli::render::{self, shown_json};

/// How each record is shown.
#[derive(Clone, Copy)]
pub(super) struct OutputForm {
    /// With its number and id.
    pub(super) with_id: bool,
    /// Over several lines.
    pub(super) pretty: bool,
}

/// What is shown: to stdout as it comes, or for programs into the list of the envelope.
pub(super) struct QueryOutput {
    how: OutputForm,
    list: Option<Listed>,
    out: BufWriter<StdoutLock<'static>>,
    pub(super) count: usize,
    /// The number of the last record.
    pub(super) last: RecordNumber,
}

impl QueryOutput {
    pub(super) fn new(how: OutputForm, json: bool) -> Self {
        Self {
            how,
            list: json.then(Listed::new),
            out: BufWriter::new(std::io::stdout().lock()),
            count: 0,
            last: RecordNumber::BEFORE_FIRST,
        }
    }

    pub(super) fn add(&mut self, record: &Record) -> Result<(), Failure> {
        (self.count, self.last) = (self.count + 1, record.number);
        if let Some(list) = &mut self.list {
            record.document().map_err(damaged)?;
            return list.push(envelope_text(record));
        }
        self.print(record).map_err(|error| Failure::output(&error))
    }

    fn print(&mut self, record: &Record) -> std::io::Result<()> {
        let line = if self.how.with_id {
            Cow::Owned(envelope_text(record))
        } else {
            Cow::Borrowed(record.data.as_str())
        };
        if self.how.pretty && !record.data.starts_with('{') {
            // No longer a record: shown as quarantine shows what never was one.
            writeln!(self.out, "{}", render::pretty(&line))
        } else if self.how.pretty {
            pretty::pretty(&line, &mut self.out)?;
            writeln!(self.out)
        } else {
            writeln!(self.out, "{}", shown_json(&line))
        }
    }

    pub(super) fn finish(mut self) -> Result<Option<Listed>, Failure> {
        self.out.flush().map_err(|error| Failure::output(&error))?;
        Ok(self.list)
    }
}

/// A record with its number and id, as JSON. The data is as stored, which is JSON.
fn envelope_text(record: &Record) -> String {
    let id = Value::text(&record.id).to_json();
    format!(
        "{{\"record\":{},\"id\":{id},\"data\":{}}}",
        record.number, record.data
    )
}

pub(super) fn damaged(error: impl std::fmt::Display) -> Failure {
    Failure::damaged(format!("a stored record cannot be read: {error}"))
}

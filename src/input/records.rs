//! An input of bytes, a file or a stream, as a source of records.

use std::io::{self, Read};

use super::bytes::Resume;
use super::source::{
    Cursor, OpenSource, Page, PageLimit, RecordSource, SourceError, SourcePlace, SourceRecord,
};
use super::{Format, HeaderError, OpenError, Options, Reader, Ready, Rejected, ResumeError, option};

/// The records of an input of bytes.
pub(crate) struct Records<R> {
    options: Options,
    state: State<R>,
}

enum State<R> {
    /// Not read yet.
    Closed(R),
    Open(Box<Reader<R>>),
    /// It could not be opened, and is dropped.
    Failed,
}

impl<R: Read> Records<R> {
    pub(crate) fn from_input(input: R, options: Options) -> Self {
        let state = State::Closed(input);
        Self { options, state }
    }
}

impl<R: Read + Send> RecordSource for Records<R> {
    fn open(&mut self, at: Option<&Cursor>) -> Result<OpenSource, SourceError> {
        let State::Closed(input) = std::mem::replace(&mut self.state, State::Failed) else {
            return Err(SourceError::Unreadable(
                "an input of bytes cannot be read twice".to_owned(),
            ));
        };
        let options = self.options.clone();
        let reader = match at {
            None => Reader::new(input, options).map_err(SourceError::from)?,
            Some(cursor) => {
                let point = Resume::from_fields(&cursor.fields()).ok_or(SourceError::Foreign)?;
                Reader::resume(input, options, &point).map_err(SourceError::from)?
            }
        };
        let opened = OpenSource {
            cursor: Cursor::Bytes(reader.position().clone()),
            columns: (self.options.format == Format::Csv).then(|| reader.columns()),
        };
        self.state = State::Open(Box::new(reader));
        Ok(opened)
    }

    fn page(&mut self, limit: PageLimit) -> Result<Page, SourceError> {
        let mut incoming: Vec<SourceRecord> = Vec::new();
        let mut bytes = 0;
        while incoming.len() < limit.records && bytes < limit.bytes {
            let reader = self.reader()?;
            let Some(next) = reader.next() else {
                let end = reader.finish().map_err(|error| unreadable(&error))?;
                return Ok(Page {
                    incoming,
                    cursor: Cursor::Bytes(end),
                    last: true,
                });
            };
            let next = self.given(next.map_err(|error| unreadable(&error))?);
            bytes += next.bytes();
            incoming.push(next);
        }
        let reader: &Reader<R> = self.reader()?;
        Ok(Page {
            incoming,
            cursor: Cursor::Bytes(reader.position().clone()),
            last: false,
        })
    }
}

impl<R> Records<R> {
    fn given(&self, incoming: super::Incoming) -> SourceRecord {
        let at = SourcePlace {
            line: incoming.line,
            // The elements of an array may all be on one line.
            is_alone: self.options.format != Format::Array || incoming.line > 1,
            end: Cursor::Bytes(incoming.end),
        };
        match incoming.body {
            Ok(Ready { id, data: raw }) => SourceRecord::Record { raw, id, at },
            Err(Rejected { refusal, raw, id }) => SourceRecord::Rejected { raw, refusal, id, at },
        }
    }

    fn reader(&mut self) -> Result<&mut Reader<R>, SourceError> {
        match &mut self.state {
            State::Open(reader) => Ok(reader),
            State::Closed(_) | State::Failed => {
                Err(SourceError::Unreadable("the input is not open".to_owned()))
            }
        }
    }
}

fn unreadable(error: &io::Error) -> SourceError {
    SourceError::Unreadable(error.to_string())
}

impl From<OpenError> for SourceError {
    fn from(error: OpenError) -> Self {
        let problem = error.to_string();
        match error {
            OpenError::Header(HeaderError::Separated { separator }) => Self::Otherwise {
                code: "input.separator",
                problem,
                options: vec![option("separator", &separator.to_string())],
            },
            OpenError::Io(_) | OpenError::Header(_) | OpenError::NoList { .. } => Self::Unreadable(problem),
        }
    }
}

impl From<ResumeError> for SourceError {
    fn from(error: ResumeError) -> Self {
        match error {
            ResumeError::Changed { offset } | ResumeError::Shorter { offset, .. } => Self::Changed { offset },
            ResumeError::Open(error) => error.into(),
        }
    }
}

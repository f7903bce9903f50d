//! The reader of an input in any format.

use std::io::{self, Read};

use super::array::{self, ArrayPosition};
use super::bytes::{Bytes, Position};
use super::table::TableReader;
use super::{Format, Incoming, OpenError, Options, Resume, ResumeError, lines, wrapped};
use crate::digest;

/// Reads an input record by record. An I/O error ends it.
pub struct Reader<R> {
    source: Bytes<R>,
    options: Options,
    format: FormatState,
    position: Position,
    ended: bool,
}

enum FormatState {
    Lines,
    Array(ArrayPosition),
    Csv(Box<TableReader>),
    /// A CSV file without a header row: nothing to read.
    Nothing,
}

impl<R: Read> Reader<R> {
    /// Begins at the start of an input. The header row of a CSV file is read immediately.
    pub fn new(input: R, options: Options) -> Result<Self, OpenError> {
        let mut source = Bytes::new(input)?;
        let format = FormatState::open(&mut source, &options)?;
        Ok(Self::at(source, options, format))
    }

    /// Resumes where an earlier read of the same input stopped: reads everything before that point again, and fails
    /// where it differs.
    ///
    /// An array that ends exactly at the resume point without its closing bracket is not reported: either the earlier
    /// read has rejected that, or the input has since been truncated at exactly this byte.
    pub fn resume(input: R, options: Options, resume: &Resume) -> Result<Self, ResumeError> {
        if resume.offset == 0 {
            return Ok(Self::new(input, options)?);
        }
        let changed = ResumeError::Changed {
            offset: resume.offset,
        };
        let mut source = Bytes::new(input)?;
        // A changed input is reported before a problem of its header.
        let format = FormatState::open(&mut source, &options);
        let before = source.position().offset;
        if before < resume.offset && !source.skip_to(resume.offset)? {
            return Err(ResumeError::Shorter {
                offset: resume.offset,
                length: source.position().offset,
            });
        }
        let position = source.position();
        let same = position.offset == resume.offset
            && position.line == resume.line
            && digest::hex(&position.prefix_sha256()) == resume.prefix_sha256;
        if !same {
            return Err(changed);
        }
        let mut format = format?;
        if let FormatState::Array(progress) = &mut format
            && before < resume.offset
        {
            *progress = ArrayPosition::resumed(source.last());
        }
        Ok(Self::at(source, options, format))
    }

    /// Returns the names of the columns of a CSV file, in order; empty for any other format.
    pub(crate) fn columns(&self) -> Vec<String> {
        match &self.format {
            FormatState::Csv(table) => table.columns().map(str::to_owned).collect(),
            FormatState::Lines | FormatState::Array(_) | FormatState::Nothing => Vec::new(),
        }
    }

    /// Returns the position after the last record returned: the point to resume at.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// Reads what remains after the last record, and returns the position at the end of the input: its length and the
    /// hash of all of it.
    pub fn finish(&mut self) -> io::Result<Position> {
        self.ended = true;
        self.source.skip(|_| true)?;
        Ok(self.source.position().clone())
    }

    fn at(source: Bytes<R>, options: Options, format: FormatState) -> Self {
        Self {
            position: source.position().clone(),
            source,
            options,
            format,
            ended: false,
        }
    }
}

impl FormatState {
    fn open<R: Read>(source: &mut Bytes<R>, options: &Options) -> Result<Self, OpenError> {
        Ok(match options.format {
            Format::Lines => Self::Lines,
            Format::Array => {
                if let Some(pointer) = &options.records
                    && !wrapped::find(source, pointer)?
                {
                    let pointer = pointer.clone();
                    return Err(OpenError::NoList { pointer });
                }
                Self::Array(ArrayPosition::Before)
            }
            Format::Csv => {
                TableReader::open(source, options)?.map_or(Self::Nothing, |table| Self::Csv(Box::new(table)))
            }
        })
    }

    fn next<R: Read>(&mut self, source: &mut Bytes<R>, options: &Options) -> io::Result<Option<Incoming>> {
        match self {
            Self::Lines => lines::next(source, options),
            Self::Array(progress) => array::next(source, progress, options),
            Self::Csv(table) => table.next(source, options),
            Self::Nothing => Ok(None),
        }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Incoming, io::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.format.next(&mut self.source, &self.options).transpose();
        match &next {
            Some(Ok(incoming)) => self.position = incoming.end.clone(),
            Some(Err(_)) | None => self.ended = true,
        }
        next
    }
}

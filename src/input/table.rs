//! CSV: a header row gives the field names, every row is a record of texts.

use std::io::{self, Read};

use csv_core::ReadRecordResult;

use super::bytes::Bytes;
use super::gathered::{Gathered, rejected};
use super::id::{check_id, refuse};
use super::quotes::Quotes;
use super::{HeaderError, Incoming, OpenError, Options, Ready, Rejected, half_read};
use crate::output::bare;
use crate::record::{Value, admit};

/// The state of reading a table: its header and the buffers of a row.
pub(super) struct TableReader {
    parser: csv_core::Reader,
    columns: Vec<Column>,
    /// The index of the id column.
    id_at: usize,
    row: Row,
}

struct Column {
    name: String,
    /// The name with quotes and colon, as written in the record.
    key: String,
}

/// The decoded fields of a row, concatenated, and the end of each.
struct Row {
    fields: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
    quotes: Quotes,
}

/// The common separators of tables.
const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];

/// Fields beyond this many extra columns need not be distinguished.
const SPARE_FIELDS: usize = 1;

impl TableReader {
    /// Reads the header row; `None` where the input has no row at all.
    pub(super) fn open<R: Read>(source: &mut Bytes<R>, options: &Options) -> Result<Option<Self>, OpenError> {
        let separator = options.cells.separator_byte();
        let mut parser = csv_core::ReaderBuilder::new().delimiter(separator).build();
        let mut row = Row::new(separator);
        let Some(gathered) = row.read(&mut parser, source, options.limits.bytes, usize::MAX)? else {
            return Ok(None);
        };
        let no_end = HeaderError::NoEnd {
            limit: options.limits.bytes,
        };
        if gathered.is_overlong() || row.quotes.are_open() {
            return Err(no_end.into());
        }
        let names = row.texts().ok_or(HeaderError::NotUtf8)?;
        let is_other = |letter: &char| SEPARATORS.contains(letter) && *letter != char::from(separator);
        if let [only] = names.as_slice()
            && (options.cells.separator.is_none() || *only != options.id_field)
            && let Some(separator) = only.chars().find(is_other)
        {
            return Err(HeaderError::Separated { separator }.into());
        }
        let names: Vec<&str> = names.into_iter().map(|name| text_of(name, options)).collect();
        check_names(&names)?;
        let id_at = names.iter().position(|name| *name == options.id_field);
        let id_at = id_at.ok_or_else(|| HeaderError::NoId {
            id_field: options.id_field.clone(),
            columns: names.iter().map(|name| (*name).to_owned()).collect(),
        })?;
        let columns = names.iter().map(|name| Column {
            name: (*name).to_owned(),
            key: Value::text(name).to_json() + ":",
        });
        Ok(Some(Self {
            columns: columns.collect(),
            parser,
            id_at,
            row,
        }))
    }

    /// Returns the names of the columns, in order.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// Returns the next row.
    pub(super) fn next<R: Read>(
        &mut self,
        source: &mut Bytes<R>,
        options: &Options,
    ) -> io::Result<Option<Incoming>> {
        source.skip(is_line_end)?;
        let line = source.line();
        let most = self.columns.len() + SPARE_FIELDS;
        let limit = options.limits.bytes;
        let Some(gathered) = self.row.read(&mut self.parser, source, limit, most)? else {
            return Ok(None);
        };
        let last = source.line() - u64::from(source.last() == Some(b'\n') && source.line() > line);
        let mut body = match gathered.finish(line) {
            // Only the end of the input ends a row inside quotes.
            Ok(raw) if self.row.quotes.are_open() => {
                Err(rejected("csv.quote", "a quoted field that is closed", line, raw))
            }
            Ok(raw) => self.judge(raw, options, line),
            Err(overlong) => Err(overlong),
        };
        if let Err(rejected) = &mut body
            && last > line
        {
            self.row.quotes.explain(&mut rejected.refusal, line..=last);
        }
        if let Err(rejected) = &mut body
            && rejected.id.is_none()
        {
            rejected.id = self.id_of(&rejected.raw, options).map(Into::into);
        }
        Ok(Some(Incoming {
            line,
            end: source.position().clone(),
            body,
        }))
    }

    fn judge(&self, raw: Vec<u8>, options: &Options, line: u64) -> Result<Ready, Rejected> {
        if self.row.count != self.columns.len() {
            let expected = format!(
                "{} fields, as in the header, not {}",
                self.columns.len(),
                self.row.count
            );
            return Err(rejected("csv.fields", expected, line, raw));
        }
        if self.row.quotes.go_on_behind() {
            let expected = "nothing between the closing quote of a field and its end";
            return Err(rejected("csv.quote", expected, line, raw));
        }
        let Some(texts) = self.row.texts() else {
            return Err(rejected("csv.utf8", "valid UTF-8", line, raw));
        };
        let id = text_of(texts[self.id_at], options);
        if let Err(refusal) = check_id(id, &options.id_field) {
            return Err(refuse(refusal, line, raw));
        }
        let mut data = String::with_capacity(raw.len() * 2);
        let stands_for = |cell: &str, text: &Option<String>| text.as_deref() == Some(cell);
        for (at, (column, cell)) in self.columns.iter().zip(&texts).enumerate() {
            if at != self.id_at && stands_for(cell, &options.cells.missing) {
                continue;
            }
            data.push(if data.is_empty() { '{' } else { ',' });
            data.push_str(&column.key);
            if at != self.id_at && stands_for(cell, &options.cells.null) {
                data.push_str("null");
            } else {
                Value::text(text_of(cell, options)).write(&mut data);
            }
        }
        data.push('}');
        // Stored data must pass admission here too: escapes can make a row longer than the limit.
        match admit(data.as_bytes(), &options.limits) {
            Ok(data) => Ok(Ready {
                id: id.to_owned(),
                data,
            }),
            Err(fault) => Err(Rejected {
                id: Some(id.into()),
                ..rejected(fault.code, fault.message, line, raw)
            }),
        }
    }

    /// Returns the id of a rejected row, from the first column only, because in a row with a field too many or too few
    /// the other fields cannot be matched to columns.
    fn id_of(&self, raw: &[u8], options: &Options) -> Option<String> {
        if self.id_at != 0 {
            return None;
        }
        let cell = half_read::first_field(raw, options.cells.separator_byte())?;
        let id = text_of(&cell, options);
        check_id(id, &options.id_field).ok().map(|()| id.to_owned())
    }
}

/// Returns the text of a cell, without the quote that keeps a spreadsheet from executing it.
fn text_of<'c>(cell: &'c str, options: &Options) -> &'c str {
    if options.cells.raw { cell } else { bare(cell) }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn check_names(names: &[&str]) -> Result<(), HeaderError> {
    for (at, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(HeaderError::NoName { column: at + 1 });
        }
    }
    let mut sorted: Vec<(&str, usize)> = names.iter().copied().zip(1..).collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(HeaderError::SameName {
            name: pair[0].0.to_owned(),
            first: pair[0].1,
            second: pair[1].1,
        }),
        None => Ok(()),
    }
}

impl Row {
    fn new(separator: u8) -> Self {
        Self {
            fields: Vec::new(),
            ends: Vec::new(),
            count: 0,
            quotes: Quotes::new(separator),
        }
    }

    /// Reads one row with its line ending; `None` at the end of the input. For a row longer than `limit` or with more
    /// than `most` fields, only the count of fields and the gathered bytes are valid.
    fn read<R: Read>(
        &mut self,
        parser: &mut csv_core::Reader,
        source: &mut Bytes<R>,
        limit: usize,
        most: usize,
    ) -> io::Result<Option<Gathered>> {
        let mut gathered = Gathered::new(limit);
        let (mut length, mut ends) = (0, 0);
        self.count = 0;
        self.quotes.begin();
        loop {
            let bytes = source.fill()?;
            let (result, taken, written, ended) =
                parser.read_record(bytes, &mut self.fields[length..], &mut self.ends[ends..]);
            let last = bytes[..taken].last().copied();
            let ends_line = matches!(result, ReadRecordResult::Record) && last.is_some_and(is_line_end);
            let of_row = &bytes[..taken - usize::from(ends_line)];
            self.quotes.feed(of_row);
            gathered.push(of_row);
            source.consume(taken);
            length += written;
            ends += ended;
            self.count += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if gathered.is_overlong() => length = 0,
                ReadRecordResult::OutputFull => self.fields.resize(self.fields.len() * 2 + 256, 0),
                ReadRecordResult::OutputEndsFull if ends >= most => ends = 0,
                ReadRecordResult::OutputEndsFull => {
                    let size = (self.ends.len() * 2 + 16).min(most);
                    self.ends.resize(size, 0);
                }
                ReadRecordResult::Record => {
                    if last == Some(b'\r') && source.fill()?.first() == Some(&b'\n') {
                        source.consume(1);
                    }
                    return Ok(Some(gathered));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// Returns the fields, where they are UTF-8.
    fn texts(&self) -> Option<Vec<&str>> {
        let whole = &self.fields[..self.ends[..self.count].last().copied().unwrap_or(0)];
        let mut start = 0;
        let fields = self.ends[..self.count].iter().map(|end| {
            let field = std::str::from_utf8(&whole[start..*end]).ok();
            start = *end;
            field
        });
        fields.collect()
    }
}

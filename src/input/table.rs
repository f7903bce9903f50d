//! CSV: a header row gives the names, every row is a record of texts.

use std::io::{self, Read};

use csv_core::ReadRecordResult;

use super::gathered::{Gathered, rejected};
use super::source::Source;
use super::{HeaderError, Incoming, OpenError, Options, Ready, Rejected, half_read, identity};
use crate::record::{Value, admit};

/// The state of reading a table: its header and the buffers of a row.
pub(super) struct Table {
    parser: csv_core::Reader,
    columns: Vec<Column>,
    /// The column of the ids.
    id_at: usize,
    row: Row,
}

struct Column {
    /// The name with quotes and colon, as it stands in the record.
    key: String,
}

/// The decoded fields of a row, one after the other, and where each ends.
#[derive(Default)]
struct Row {
    fields: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

/// More fields than there are columns need not be told apart.
const SPARE_FIELDS: usize = 1;

impl Table {
    /// Reads the header row; `None` where the input has no row at all.
    pub(super) fn open<R: Read>(
        source: &mut Source<R>,
        options: &Options,
    ) -> Result<Option<Self>, OpenError> {
        let mut parser = csv_core::Reader::new();
        let mut row = Row::default();
        let Some(gathered) = row.read(&mut parser, source, options.limits.bytes, usize::MAX)? else {
            return Ok(None);
        };
        let no_end = HeaderError::NoEnd {
            limit: options.limits.bytes,
        };
        if gathered.is_overlong() || ends_inside_quotes(gathered.bytes()) {
            return Err(no_end.into());
        }
        let names = row.texts().ok_or(HeaderError::NotUtf8)?;
        check_names(&names)?;
        let id_at = names.iter().position(|name| *name == options.id_field);
        let id_at = id_at.ok_or_else(|| HeaderError::NoId {
            id_field: options.id_field.clone(),
            columns: names.iter().map(|name| (*name).to_owned()).collect(),
        })?;
        let columns = names.iter().map(|name| Column {
            key: Value::text(name).to_json() + ":",
        });
        Ok(Some(Self {
            columns: columns.collect(),
            parser,
            id_at,
            row,
        }))
    }

    /// The next row.
    pub(super) fn next<R: Read>(
        &mut self,
        source: &mut Source<R>,
        options: &Options,
    ) -> io::Result<Option<Incoming>> {
        source.skip(is_line_end)?;
        let line = source.line();
        let most = self.columns.len() + SPARE_FIELDS;
        let limit = options.limits.bytes;
        let Some(gathered) = self.row.read(&mut self.parser, source, limit, most)? else {
            return Ok(None);
        };
        let cut = source.fill()?.is_empty() && ends_inside_quotes(gathered.bytes());
        let mut body = match gathered.finish(line) {
            Ok(raw) if cut => Err(rejected("csv.quote", "a quoted field that is closed", line, raw)),
            Ok(raw) => self.judge(raw, options, line),
            Err(overlong) => Err(overlong),
        };
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
                "{} fields, as the header has, not {}",
                self.columns.len(),
                self.row.count
            );
            return Err(rejected("csv.fields", expected, line, raw));
        }
        if goes_on_behind_quotes(&raw) {
            let expected = "nothing between the closing quote of a field and its end";
            return Err(rejected("csv.quote", expected, line, raw));
        }
        let Some(texts) = self.row.texts() else {
            return Err(rejected("csv.utf8", "valid UTF-8", line, raw));
        };
        if let Err(refusal) = identity::check_id(texts[self.id_at], &options.id_field) {
            return Err(identity::refuse(refusal, line, raw));
        }
        let mut data = String::with_capacity(raw.len() * 2);
        for (column, text) in self.columns.iter().zip(&texts) {
            data.push(if data.is_empty() { '{' } else { ',' });
            data.push_str(&column.key);
            Value::text(text).write(&mut data);
        }
        data.push('}');
        // What is stored went through the door, here too: escapes can make a row longer than a record may be.
        match admit(data.as_bytes(), &options.limits) {
            Ok(data) => Ok(Ready {
                id: texts[self.id_at].to_owned(),
                data,
            }),
            Err(fault) => Err(Rejected {
                id: Some(texts[self.id_at].into()),
                ..rejected(fault.code, fault.message, line, raw)
            }),
        }
    }

    /// The id of a row that was refused: of the first column alone, because a row with a field too many or too few does
    /// not tell which of the others is which.
    fn id_of(&self, raw: &[u8], options: &Options) -> Option<String> {
        if self.id_at != 0 {
            return None;
        }
        let id = half_read::first_field(raw)?;
        identity::check_id(&id, &options.id_field).ok().map(|()| id)
    }
}

/// Whether a quoted field goes on behind its closing quote, as in `"bad"tail`: the parser would join both without a word.
fn goes_on_behind_quotes(row: &[u8]) -> bool {
    let mut bytes = row.iter().copied().peekable();
    let mut begins = true;
    while let Some(byte) = bytes.next() {
        if !(begins && byte == b'"') {
            begins = byte == b',';
            continue;
        }
        // Inside quotes, up to one that is not doubled.
        loop {
            match bytes.next() {
                None => return false,
                Some(b'"') if bytes.next_if_eq(&b'"').is_none() => break,
                Some(_) => {}
            }
        }
        match bytes.next() {
            None | Some(b'\r' | b'\n') => return false,
            Some(b',') => begins = true,
            Some(_) => return true,
        }
    }
    false
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
    /// Reads one row with its line end; `None` at the end of the input. Of a row longer than `limit` or with more
    /// than `most` fields, only the count of fields and the bytes gathered mean anything.
    fn read<R: Read>(
        &mut self,
        parser: &mut csv_core::Reader,
        source: &mut Source<R>,
        limit: usize,
        most: usize,
    ) -> io::Result<Option<Gathered>> {
        let mut gathered = Gathered::new(limit);
        let (mut length, mut ends) = (0, 0);
        self.count = 0;
        loop {
            let bytes = source.fill()?;
            let (result, taken, written, ended) =
                parser.read_record(bytes, &mut self.fields[length..], &mut self.ends[ends..]);
            let last = bytes[..taken].last().copied();
            let ends_line = matches!(result, ReadRecordResult::Record) && last.is_some_and(is_line_end);
            gathered.push(&bytes[..taken - usize::from(ends_line)]);
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

    /// The fields, where they are UTF-8.
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

/// Whether a row that the input's end cut off was cut inside a quoted field; the parser itself lets that pass.
fn ends_inside_quotes(raw: &[u8]) -> bool {
    let (mut quoted, mut at_start) = (false, true);
    for byte in raw {
        match byte {
            b'"' if quoted || at_start => {
                quoted = !quoted;
                // Behind a closing quote another one opens the field again: `""` is a quote.
                at_start = !quoted;
            }
            b',' | b'\n' | b'\r' if !quoted => at_start = true,
            _ => at_start = false,
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::goes_on_behind_quotes;

    #[test]
    fn what_stands_behind_a_closing_quote_is_seen_and_nothing_else_is() {
        for row in [r#"6,"bad"tail"#, r#""a"b,1"#, r#""a" ,1"#, r#"1,"x""y"z"#] {
            assert!(goes_on_behind_quotes(row.as_bytes()), "{row}");
        }
        for row in [
            r#"6,"good""#,
            r#""a","b""#,
            r#"a"b,c"#,
            r#""a""b",1"#,
            "\"a\nb\",2\r\n",
            r#""""#,
            "",
            ",",
            r#"x,"open"#,
        ] {
            assert!(!goes_on_behind_quotes(row.as_bytes()), "{row}");
        }
    }
}

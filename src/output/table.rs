//! CSV: the top level of each record as a row.

use std::borrow::Cow;
use std::io::Write;

use super::guard::guarded;
use super::{OutputError, RecordWriter};
use crate::path::{Path, Segment};
use crate::record::{Document, Field, HasName, Kind, Names, Record, Value};

/// Writes the top level of each record as a row: a text as it is, a number in its exact text, a list or an object as
/// JSON text. `null`, a missing field and the empty text are all written as an empty cell, unless [`null`](Self::null)
/// and [`missing`](Self::missing) give them distinct texts ([`blanks`](Self::blanks) counts them). Rows end with a line
/// feed.
///
/// The columns are the fields of the first record, in order, unless they are [given](Self::columns).
///
/// A cell that a spreadsheet would execute (it begins with `=`, `+`, `-`, `@`, a tab or a line end, and is not a plain
/// number) gets a single quote prefix, which the [reader](crate::input) removes; [`raw`](Self::raw) writes it
/// unchanged.
#[derive(Debug)]
pub struct CsvWriter<W: Write> {
    output: csv::Writer<W>,
    columns: Vec<String>,
    given: bool,
    begun: bool,
    raw: bool,
    null: Option<String>,
    missing: Option<String>,
    blanks: Blanks,
    /// The current row: only whole rows are written.
    row: csv::ByteRecord,
}

/// Number of empty cells, by what they represent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blanks {
    /// Number of `null` values.
    pub nulls: u64,
    /// Number of empty texts.
    pub texts: u64,
    /// Number of missing fields.
    pub missing: u64,
    /// Whether any text is one of [`Blanks::WORDS`].
    pub has_words: bool,
}

impl Blanks {
    /// Common texts for null and for a missing field.
    pub const WORDS: [&str; 2] = ["NULL", "MISSING"];

    /// Returns texts for null and for a missing field that differ from every text in the output.
    #[must_use]
    pub fn apart(&self) -> [&'static str; 2] {
        if self.has_words {
            ["<null>", "<missing>"]
        } else {
            Self::WORDS
        }
    }
}

impl<W: Write> CsvWriter<W> {
    /// Creates a writer that takes its columns from the first record; a later record with a further field is an error.
    pub fn new(output: W) -> Self {
        Self {
            output: csv::Writer::from_writer(output),
            columns: Vec::new(),
            given: false,
            begun: false,
            raw: false,
            null: None,
            missing: None,
            blanks: Blanks::default(),
            row: csv::ByteRecord::new(),
        }
    }

    /// Writes these columns only, in this order, and drops other fields. A column is the name of a field or a path to a
    /// value, `customer.name`.
    #[must_use]
    pub fn columns(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.columns = names.into_iter().map(Into::into).collect();
        self.given = true;
        self
    }

    /// Writes every cell exactly, even one that a spreadsheet would execute.
    #[must_use]
    pub fn raw(mut self, raw: bool) -> Self {
        self.raw = raw;
        self
    }

    /// Writes `null` as this text; a record that contains the same text is an error.
    #[must_use]
    pub fn null(mut self, text: Option<String>) -> Self {
        self.null = text;
        self
    }

    /// Writes a missing field as this text; a record that contains the same text is an error.
    #[must_use]
    pub fn missing(mut self, text: Option<String>) -> Self {
        self.missing = text;
        self
    }

    /// Returns the number of empty cells written.
    #[must_use]
    pub fn blanks(&self) -> Blanks {
        self.blanks
    }

    fn begin(&mut self) -> Result<(), OutputError> {
        self.begun = true;
        let guard = |name| guarded_unless(self.raw, Cow::Borrowed(name));
        let names: Vec<Cow<'_, str>> = self.columns.iter().map(|name| guard(name.as_str())).collect();
        row(&mut self.output, names.iter().map(|name| name.as_bytes()))
    }
}

impl<W: Write> RecordWriter for CsvWriter<W> {
    fn write(&mut self, record: &Record) -> Result<(), OutputError> {
        let document = record.document().map_err(|fault| OutputError::Damaged {
            id: record.id.clone(),
            fault,
        })?;
        if !self.begun {
            if !self.given {
                self.columns = names(&document).map(Cow::into_owned).collect();
            }
            self.begin()?;
        }
        let mut known = Names::from_fields(&self.columns);
        if !self.given
            && let Some(field) = names(&document).find(|name| known.position(name).is_none())
        {
            return Err(OutputError::NoColumn {
                id: record.id.clone(),
                field: field.into_owned(),
            });
        }
        let mut fields = Names::from_fields(document.fields());
        self.row.clear();
        for name in &self.columns {
            let value = found(&document, &mut fields, name);
            let (text, blank) = match value.as_deref() {
                None => (
                    Cow::Borrowed(self.missing.as_deref().unwrap_or_default()),
                    &mut self.blanks.missing,
                ),
                Some(value) if value.is_null() => (
                    Cow::Borrowed(self.null.as_deref().unwrap_or_default()),
                    &mut self.blanks.nulls,
                ),
                Some(value) => {
                    let text = guarded_unless(self.raw, cell(value));
                    for (taken, stands_for) in [(&self.null, "`null`"), (&self.missing, "a missing field")] {
                        if taken.as_deref() == Some(&*text) {
                            return Err(OutputError::Taken {
                                id: record.id.clone(),
                                column: name.clone(),
                                stands_for,
                            });
                        }
                    }
                    self.blanks.has_words |= Blanks::WORDS.contains(&&*text);
                    (text, &mut self.blanks.texts)
                }
            };
            if text.is_empty() {
                *blank += 1;
            }
            self.row.push_field(text.as_bytes());
        }
        self.output.write_byte_record(&self.row).map_err(unwritten)
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        if !self.begun && self.given {
            self.begin()?;
        }
        Ok(self.output.flush()?)
    }
}

fn row<'c, W: Write>(
    output: &mut csv::Writer<W>,
    cells: impl Iterator<Item = &'c [u8]>,
) -> Result<(), OutputError> {
    output.write_record(cells).map_err(unwritten)
}

/// Converts the error of a write. Every row has the same number of cells, so that only the output itself can fail.
fn unwritten(error: csv::Error) -> OutputError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => OutputError::Io(error),
        other => OutputError::Io(std::io::Error::other(format!("{other:?}"))),
    }
}

/// Returns the value of a column: the field with this name, or else the value at this path.
#[must_use]
pub fn column<'d>(document: &'d Document, name: &str) -> Option<Cow<'d, Value>> {
    if let Some(value) = document.get(name) {
        return Some(Cow::Borrowed(value));
    }
    document.at(&name.parse::<Path>().ok()?)
}

/// As [`column`], with the names of the document's fields: a record may have a million fields, each with a column.
pub(crate) fn found<'d>(
    document: &'d Document,
    fields: &mut Names<'d, Field>,
    name: &str,
) -> Option<Cow<'d, Value>> {
    if let Some(field) = fields.get(name) {
        return Some(Cow::Borrowed(&field.value));
    }
    let path = name.parse::<Path>().ok()?;
    match path.segments() {
        // Where the first step does not exist, the path need not be followed.
        [Segment::Key(first), _, ..] if fields.position(first).is_some() => document.at(&path),
        [Segment::Key(first)] => fields.get(first).map(|field| Cow::Borrowed(&field.value)),
        _ => None,
    }
}

impl HasName for String {
    fn is(&self, name: &str) -> bool {
        self == name
    }

    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

fn names(document: &Document) -> impl Iterator<Item = Cow<'_, str>> {
    document.fields().iter().map(Field::name)
}

fn guarded_unless(raw: bool, text: Cow<'_, str>) -> Cow<'_, str> {
    if raw { text } else { guarded(text) }
}

/// Returns the text of a value as written in a cell, unguarded.
pub(crate) fn cell(value: &Value) -> Cow<'_, str> {
    match value.kind() {
        Kind::Null => Cow::Borrowed(""),
        Kind::Text => value.as_text().unwrap_or_default(),
        Kind::Number => Cow::Borrowed(value.as_number().unwrap_or_default()),
        Kind::Boolean | Kind::List | Kind::Object => Cow::Owned(value.to_json()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RecordNumber;

    fn record(data: &str) -> Record {
        Record {
            number: RecordNumber::new(1),
            id: "a".to_owned(),
            data: data.to_owned(),
        }
    }

    fn written(columns: Option<[&str; 2]>, records: &[&str]) -> Result<String, OutputError> {
        let mut out = Vec::new();
        let mut writer = CsvWriter::new(&mut out);
        if let Some(columns) = columns {
            writer = writer.columns(columns);
        }
        for data in records {
            writer.write(&record(data))?;
        }
        writer.finish()?;
        drop(writer);
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn values_are_exact_and_nested_ones_are_json() {
        let first = r#"{"t":"a \"b\"\nc","n":6.00,"l":[1,"x"],"z":null,"f":"=1+1"}"#;
        let out = written(None, &[first, r#"{"n":-0,"b":true}"#]);
        assert!(matches!(out, Err(OutputError::NoColumn { field, .. }) if field == "b"));
        let out = written(None, &[first, r#"{"n":-0}"#]).unwrap();
        assert_eq!(
            out,
            "t,n,l,z,f\n\"a \"\"b\"\"\nc\",6.00,\"[1,\"\"x\"\"]\",,'=1+1\n,-0,,,\n"
        );
    }

    #[test]
    fn given_columns_are_written_even_without_a_record() {
        let given = Some(["n", "q"]);
        assert_eq!(written(given, &[]).unwrap(), "n,q\n");
        assert_eq!(written(given, &[r#"{"x":1,"n":2}"#]).unwrap(), "n,q\n2,\n");
        assert_eq!(written(None, &[]).unwrap(), "");
        assert_eq!(
            written(None, &[r#"{"n":null}"#, r#"{"n":1}"#]).unwrap(),
            "n\n\"\"\n1\n"
        );
    }

    #[test]
    fn very_many_columns_take_a_time_in_proportion() {
        let count = 60_000;
        let all = |order: &mut dyn Iterator<Item = usize>| {
            let fields: Vec<String> = order.map(|at| format!("\"f{at}\":{at}")).collect();
            format!("{{{}}}", fields.join(","))
        };
        let records = [
            all(&mut (0..count)),
            all(&mut (0..count).rev()),
            all(&mut (0..count).step_by(2)),
        ];
        let started = std::time::Instant::now();
        let out = written(None, &records.each_ref().map(String::as_str)).unwrap();
        assert!(
            started.elapsed().as_secs() < 10,
            "{} ms",
            started.elapsed().as_millis()
        );
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[1], lines[2]);
        assert!(lines[3].starts_with("0,,2,,4,"));
    }

    #[test]
    fn a_column_may_be_a_path_and_a_name_with_a_dot_stays_a_name() {
        let records = [r#"{"a":{"b":6.00},"l":[1,2]}"#, r#"{"a":1,"a.b":"x"}"#];
        assert_eq!(
            written(Some(["a.b", "l[1]"]), &records).unwrap(),
            "a.b,l[1]\n6.00,2\nx,\n"
        );
    }
}

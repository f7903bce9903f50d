//! CSV: the top level of each record as a row.

use std::borrow::Cow;
use std::io::Write;

use super::{OutputError, RecordWriter};
use crate::path::Path;
use crate::record::{Document, Kind, Record, Value};

/// Writes the top level of each record as a row: a text as it is, a number in its exact text, a list or an object as
/// JSON text; `null` and a missing field are both empty, as is the empty text (NDJSON tells them apart). Rows end
/// with a line feed.
///
/// The columns are the fields of the first record, in their order, unless they are [given](Self::columns).
///
/// Values are exact: one that begins with `=`, `+`, `-` or `@` is not disarmed, though a spreadsheet that opens the
/// file may take it for a formula.
#[derive(Debug)]
pub struct CsvWriter<W: Write> {
    output: csv::Writer<W>,
    columns: Vec<String>,
    given: bool,
    begun: bool,
}

impl<W: Write> CsvWriter<W> {
    /// Takes its columns from the first record; a later record with a field beside them is an error.
    pub fn new(output: W) -> Self {
        Self {
            output: csv::Writer::from_writer(output),
            columns: Vec::new(),
            given: false,
            begun: false,
        }
    }

    /// Writes these columns only, in this order; other fields are left out. A column is the name of a field or a path
    /// to a value, `customer.name`.
    #[must_use]
    pub fn columns(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.columns = names.into_iter().map(Into::into).collect();
        self.given = true;
        self
    }

    fn begin(&mut self) -> Result<(), OutputError> {
        self.begun = true;
        row(&mut self.output, self.columns.iter().map(String::as_bytes))
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
        let beside = |name: &str| !self.columns.iter().any(|column| column == name);
        if !self.given
            && let Some(field) = names(&document).find(|name| beside(name))
        {
            return Err(OutputError::NoColumn {
                id: record.id.clone(),
                field: field.into_owned(),
            });
        }
        let cells: Vec<Cow<'_, str>> = self
            .columns
            .iter()
            .map(|name| {
                column(&document, name)
                    .map_or(Cow::Borrowed(""), |value| Cow::Owned(cell(&value).into_owned()))
            })
            .collect();
        row(&mut self.output, cells.iter().map(|cell| cell.as_bytes()))
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
    // Every row has the same number of cells, so that only the output itself can fail.
    output
        .write_record(cells)
        .map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => OutputError::Io(error),
            other => OutputError::Io(std::io::Error::other(format!("{other:?}"))),
        })
}

/// The value of a column: of the field of this name, else at this path.
#[must_use]
pub fn column<'d>(document: &'d Document, name: &str) -> Option<Cow<'d, Value>> {
    if let Some(value) = document.get(name) {
        return Some(Cow::Borrowed(value));
    }
    document.at(&name.parse::<Path>().ok()?)
}

fn names(document: &Document) -> impl Iterator<Item = Cow<'_, str>> {
    document.fields().iter().map(crate::record::Field::name)
}

fn cell(value: &Value) -> Cow<'_, str> {
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

    fn record(data: &str) -> Record {
        Record {
            record: 1,
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
            "t,n,l,z,f\n\"a \"\"b\"\"\nc\",6.00,\"[1,\"\"x\"\"]\",,=1+1\n,-0,,,\n"
        );
    }

    #[test]
    fn given_columns_are_written_even_without_a_record() {
        let given = Some(["n", "q"]);
        assert_eq!(written(given, &[]).unwrap(), "n,q\n");
        assert_eq!(written(given, &[r#"{"x":1,"n":2}"#]).unwrap(), "n,q\n2,\n");
        assert_eq!(written(None, &[]).unwrap(), "");
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

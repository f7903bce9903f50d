//! NDJSON: one record on each line.

use std::io::Write;

use super::{OutputError, RecordWriter};
use crate::record::{Record, Value};

/// Writes the data of each record on its own line, byte for byte as stored.
#[derive(Debug)]
pub struct NdjsonWriter<W> {
    output: W,
    with_id: bool,
}

impl<W: Write> NdjsonWriter<W> {
    /// Creates a writer of the data only. Pass a buffered output.
    pub fn new(output: W) -> Self {
        Self {
            output,
            with_id: false,
        }
    }

    /// Writes `{"id":ID,"data":DATA}` instead of the data only.
    #[must_use]
    pub fn with_id(mut self) -> Self {
        self.with_id = true;
        self
    }
}

impl<W: Write> RecordWriter for NdjsonWriter<W> {
    fn write(&mut self, record: &Record) -> Result<(), OutputError> {
        if self.with_id {
            let id = Value::text(&record.id).to_json();
            writeln!(self.output, "{{\"id\":{id},\"data\":{}}}", record.data)?;
        } else {
            self.output.write_all(record.data.as_bytes())?;
            self.output.write_all(b"\n")?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        Ok(self.output.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RecordNumber;

    #[test]
    fn with_id_reports_the_id_beside_data_that_stays_as_stored() {
        let mut out = Vec::new();
        let mut writer = NdjsonWriter::new(&mut out).with_id();
        let record = Record {
            number: RecordNumber::new(1),
            id: "a\"b\n".to_owned(),
            data: r#"{"x":6.00}"#.to_owned(),
        };
        writer.write(&record).unwrap();
        writer.finish().unwrap();
        assert_eq!(out, b"{\"id\":\"a\\\"b\\n\",\"data\":{\"x\":6.00}}\n");
    }
}

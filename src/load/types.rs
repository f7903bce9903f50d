//! What becomes of the cells of a CSV, which are texts, where records have values of other kinds.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::error::Result;
use crate::input::{Format, Options, Types};
use crate::output::{cell, column};
use crate::path::{Path, Segment};
use crate::pipeline::BATCH_BYTES;
use crate::record::{
    Document, Field, Kind, Limits, Malformed, REDACTED, Record, Value, admit, exact_decimal,
};
use crate::refusal::Refusal;
use crate::store::Table;

/// So many records are read in one go.
const CHUNK: usize = 1_000;

/// The code of a row that would make a text of another value.
pub(super) const CODE: &str = "load.types";

/// Why a row cannot be read as a record; the record itself is at fault where it is not JSON.
pub(super) enum Misread {
    Refused(Box<Refusal>),
    Malformed(Malformed),
}

/// The first column in which a row of texts would take the place of another kind of value.
pub(super) fn loses_kind(old: &Document, new: &Document) -> Option<String> {
    let loses = |field: &&Field| {
        let name = field.name();
        let was = column(old, &name);
        was.is_some_and(|was| was.kind() != field.value.kind() || old.get(&name).is_none())
    };
    new.fields()
        .iter()
        .find(loses)
        .map(|field| field.name().into_owned())
}

/// The kinds of the values that the columns of a database have, as far as they were asked for.
pub(super) struct Columns {
    /// What becomes of cells, where the input has such.
    pub(super) types: Option<Types>,
    limits: Limits,
    known: HashMap<String, Column>,
}

/// What the records of a database have in a column.
#[derive(Clone, Copy, Debug, Default)]
struct Column {
    /// The kind of all of its values beside nulls; `None`: it has none, or several.
    kind: Option<Kind>,
    has_several: bool,
    /// Whether it is the name of a path, not of a field.
    is_path: bool,
}

impl Columns {
    pub(super) fn of(reading: &Options) -> Self {
        Self {
            types: (reading.format == Format::Csv).then_some(reading.cells.types),
            limits: reading.limits,
            known: HashMap::new(),
        }
    }

    fn column(&mut self, lookup: Option<&Connection>, table: &Table, name: &str) -> Result<Column> {
        if let Some(known) = self.known.get(name) {
            return Ok(*known);
        }
        let (mut found, mut after) = (Column::default(), 0);
        while let Some(connection) = lookup {
            let rows = table.after(connection, after, CHUNK, BATCH_BYTES)?;
            let Some(last) = rows.last() else { break };
            after = last.record.record;
            for row in &rows {
                found.add(&row.record, name);
            }
        }
        self.known.insert(name.to_owned(), found);
        Ok(found)
    }

    /// The record that a row makes of the one that exists: each cell a value of the kind that stands there, or else that
    /// the column has. What has no column stays.
    pub(super) fn typed(
        &mut self,
        (lookup, table): (Option<&Connection>, &Table),
        old: Option<&Record>,
        row: &str,
    ) -> Result<Result<String, Misread>> {
        let (row, old) = match (Document::parse(row), old.map(Record::document).transpose()) {
            (Ok(row), Ok(old)) => (row, old),
            (Err(fault), _) | (_, Err(fault)) => return Ok(Err(Misread::Malformed(fault))),
        };
        let mut made = old.clone().unwrap_or_default();
        for field in row.fields() {
            let name = field.name();
            let was = old.as_ref().and_then(|old| column(old, &name));
            let value = match (field.value.as_text(), was.as_deref()) {
                (None, _) => field.value.clone(),
                (Some(text), Some(was)) if is_same(&text, was) => continue,
                (Some(text), None) if text.is_empty() && old.is_some() => continue,
                (Some(text), was) => {
                    let has_kind = was.map(Value::kind).filter(|kind| *kind != Kind::Null);
                    let known = match has_kind {
                        None => self.column(lookup, table, &name)?,
                        kind => Column {
                            kind,
                            ..Column::default()
                        },
                    };
                    let is_left_out = text.is_empty() && known.kind != Some(Kind::Text);
                    if is_left_out && was.is_none() {
                        continue;
                    }
                    match known.read(&text) {
                        Ok(value) => value,
                        Err(expected) => return Ok(Err(refused(&name, expected))),
                    }
                }
            };
            let is_path = match was {
                Some(_) => made.get(&name).is_none(),
                None => self.column(lookup, table, &name)?.is_path,
            };
            let place = if is_path {
                name.parse().unwrap_or_else(|_| Path::field(&name))
            } else {
                Path::field(&name)
            };
            if made.set_at(&place, value).is_err() {
                return Ok(Err(refused(&name, "a place that the record can have".to_owned())));
            }
        }
        Ok(admit(made.to_json().as_bytes(), &self.limits).map_err(Misread::Malformed))
    }
}

impl Column {
    fn add(&mut self, record: &Record, name: &str) {
        let Ok(document) = record.document() else { return };
        let Some(value) = column(&document, name) else {
            return;
        };
        self.is_path |= document.get(name).is_none();
        match (self.kind, value.kind()) {
            (_, Kind::Null) => {}
            (None, kind) if !self.has_several => self.kind = Some(kind),
            (known, kind) => {
                self.has_several |= known != Some(kind);
                self.kind = known.filter(|_| !self.has_several);
            }
        }
    }

    /// The value that a cell is here, or what was expected.
    fn read(self, text: &str) -> Result<Value, String> {
        let parsed = |kind: Kind| {
            let value = Value::parse(text).ok().filter(|value| value.kind() == kind);
            value.ok_or_else(|| format!("{kind}, as there is in this column"))
        };
        match self.kind {
            _ if self.has_several => Err(
                "a record that has a value here already: those of the column are of several kinds".to_owned(),
            ),
            None | Some(Kind::Text) => Ok(Value::text(text)),
            // Spreadsheets write it in capitals.
            Some(Kind::Boolean) if text.eq_ignore_ascii_case("true") => Ok(Value::boolean(true)),
            Some(Kind::Boolean) if text.eq_ignore_ascii_case("false") => Ok(Value::boolean(false)),
            Some(kind) => parsed(kind),
        }
    }
}

/// Whether a cell says what stands there: as it would go out, the same number written otherwise, or masked.
fn is_same(text: &str, was: &Value) -> bool {
    let is_number = || {
        let (Some(was), Ok(said)) = (was.as_number(), exact_decimal(text)) else {
            return false;
        };
        exact_decimal(was).is_ok_and(|was| was == said)
    };
    *text == *cell(was) || text == REDACTED || is_number()
}

fn refused(name: &str, expected: String) -> Misread {
    let pointer = Path::of(vec![Segment::Key(name.to_owned())]).pointer();
    Misread::Refused(Box::new(Refusal::new(CODE, pointer).expected(expected)))
}

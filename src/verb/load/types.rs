//! How the cells of a CSV, which are texts, become values of the kinds that records have.

use std::borrow::Cow;
use std::fmt;

use rusqlite::Connection;

use super::masks;
use crate::engine::BATCH_BYTES;
use crate::error::Result;
use crate::input::{Cells, Types};
use crate::observe::StopSignal;
use crate::output::{cell, column, found};
use crate::path::{Path, Segment};
use crate::record::{
    Document, Field, Kind, Limits, Malformed, Names, NumberText, REDACTED, Record, RecordNumber, Value, admit,
};
use crate::refusal::Refusal;
use crate::store::Table;

/// Number of records read at once.
const CHUNK: usize = 1_000;

/// Refusal code of a row that would replace a value with one of another kind.
pub(super) const CODE: &str = "load.types";
/// Refusal code of a text that would replace null, while no option says which text means null.
const NULL: &str = "load.null";
/// Refusal code of a text for a field that the record does not have, while no option says which text means a missing
/// field.
const MISSING: &str = "load.missing";

/// Why a row cannot be read as a record, or why the existing record, if it is not JSON, cannot be used.
pub(super) enum Misread {
    Refused(Box<Refusal>),
    Malformed(Malformed),
}

impl From<Malformed> for Misread {
    fn from(fault: Malformed) -> Self {
        Self::Malformed(fault)
    }
}

impl Misread {
    fn refused(code: &'static str, name: &str, expected: String) -> Self {
        Self::Refused(Box::new(refusal(code, name, expected)))
    }

    pub(super) fn refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => *refusal,
            Self::Malformed(fault) => Refusal::new(fault.code, "").expected(fault.message),
        }
    }
}

/// A column in which a row would replace a value with one of another kind.
pub(super) struct Lost {
    column: String,
    was: Kind,
    now: Kind,
    /// Whether the value is inside another one, so that the row would not even replace it.
    is_inside: bool,
}

impl Lost {
    pub(super) fn refusal(&self) -> Refusal {
        let expected = if self.is_inside {
            format!("{} inside another value, as the record has here", self.was)
        } else {
            format!("{}, as the record has here, not {}", self.was, self.now)
        };
        refusal(
            CODE,
            &self.column,
            format!("{expected}: `--types` reads cells as the types of the stored record"),
        )
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, was, now, .. } = self;
        if self.is_inside {
            write!(
                f,
                "{was} at `{column}`, which this CSV would turn into a field of that name"
            )
        } else {
            write!(
                f,
                "{was} in the column `{column}`, where this CSV would put {now}"
            )
        }
    }
}

/// Returns the first column in which a row would replace a value with one of another kind.
pub(super) fn loses_kind(old: &Document, new: &Document) -> Option<Lost> {
    let mut fields = Names::from_fields(old.fields());
    new.fields().iter().find_map(|field| {
        let name = field.name();
        let was = found(old, &mut fields, &name)?.kind();
        let (now, is_inside) = (field.value.kind(), old.get(&name).is_none());
        (was != now || is_inside).then(|| Lost {
            column: name.into_owned(),
            was,
            now,
            is_inside,
        })
    })
}

/// Returns a field of the old record for which the row has no column; an object may span several columns.
pub(super) fn left_out(old: &Document, new: &Document) -> Option<String> {
    let has_column = |name: &str| {
        let inside = |field: &str| {
            field
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        new.fields()
            .iter()
            .any(|field| *field.name() == *name || inside(&field.name()))
    };
    let names = old.fields().iter().map(Field::name);
    names.map(Cow::into_owned).find(|name| !has_column(name))
}

/// Columns of a CSV, and what the records of its database had in them before the load.
pub(super) struct Columns {
    /// How cells become values, if the input has cells.
    pub(super) types: Option<Types>,
    limits: Limits,
    /// Whether a text means null, and whether one means a missing field.
    says_null: bool,
    says_missing: bool,
    names: Vec<String>,
    known: Vec<ColumnTypes>,
}

/// What the records of a database have in a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct ColumnTypes {
    /// Kind of all its values beside nulls; `None` when there is none, or more than one.
    kind: Option<Kind>,
    has_several: bool,
    /// Whether it names a path, not a field.
    is_path: bool,
}

/// What the record has in the place of a cell.
struct There<'v> {
    known: ColumnTypes,
    has_record: bool,
    /// Value that the record has there.
    was: Option<&'v Value>,
}

/// Why a cell cannot replace the value.
struct Unfit {
    code: &'static str,
    expected: String,
}

impl Unfit {
    fn from_code(code: &'static str, expected: impl Into<String>) -> Self {
        let expected = expected.into();
        Self { code, expected }
    }
}

impl Columns {
    /// `names` are those of the source's columns, if its records are rows of cells.
    pub(super) fn new(cells: &Cells, limits: Limits, names: Option<Vec<String>>) -> Self {
        let types = names.as_ref().map(|_| cells.types);
        let names = names
            .filter(|_| types == Some(Types::Existing))
            .unwrap_or_default();
        Self {
            types,
            limits,
            says_null: cells.null.is_some(),
            says_missing: cells.missing.is_some(),
            known: vec![ColumnTypes::default(); names.len()],
            names,
        }
    }

    /// Learns what the records have in the columns: from a resume point of this load, because the load itself has
    /// written to them since; from all records, if there is none. Returns `false` when the stop signal came.
    pub(super) fn learn(
        &mut self,
        cursor: Option<&str>,
        connection: &Connection,
        table: &Table,
        stop: &StopSignal,
    ) -> Result<bool> {
        if self.names.is_empty() || self.recall(cursor) {
            return Ok(true);
        }
        let mut after = RecordNumber::BEFORE_FIRST;
        loop {
            let rows = table.after(connection, after, CHUNK, BATCH_BYTES)?;
            let Some(last) = rows.last() else { return Ok(true) };
            after = last.record.number;
            for row in &rows {
                if stop.is_asked() {
                    return Ok(false);
                }
                self.add(&row.record);
            }
        }
    }

    fn add(&mut self, record: &Record) {
        let Ok(document) = record.document() else { return };
        let mut fields = Names::from_fields(document.fields());
        for (name, known) in self.names.iter().zip(&mut self.known) {
            if let Some(value) = found(&document, &mut fields, name) {
                known.is_path |= document.get(name).is_none();
                known.add(value.kind());
            }
        }
    }

    /// Returns what was learned, one letter for each column, as a resume point stores it.
    pub(super) fn describe(&self) -> Option<String> {
        let letters = || self.known.iter().map(|column| column.letter()).collect();
        (!self.known.is_empty()).then(letters)
    }

    fn recall(&mut self, cursor: Option<&str>) -> bool {
        let cursor = cursor.and_then(|cursor| serde_json::from_str::<serde_json::Value>(cursor).ok());
        let told = cursor.as_ref().and_then(|cursor| cursor["columns"].as_str());
        let known: Vec<ColumnTypes> = told
            .unwrap_or_default()
            .chars()
            .map_while(ColumnTypes::describe)
            .collect();
        let is_whole = known.len() == self.names.len();
        if is_whole {
            self.known = known;
        }
        is_whole
    }

    /// Returns the record that a row makes of the existing one: each cell becomes a value of the kind that the record
    /// has there, or else of the column's kind; a field that a cell marks as missing is removed. Fields without a
    /// column stay.
    pub(super) fn typed(&self, old: Option<&Record>, row: &str) -> Result<String, Misread> {
        let (row, old) = (Document::parse(row)?, old.map(Record::document).transpose()?);
        let mut made = old.clone().unwrap_or_default();
        let mut cells = Names::from_fields(row.fields());
        for (name, known) in self.names.iter().zip(&self.known) {
            let was = old.as_ref().and_then(|old| column(old, name));
            let is_inside = match was {
                Some(_) => made.get(name).is_none(),
                None => known.is_path,
            };
            let place = if is_inside {
                name.parse().unwrap_or_else(|_| Path::field(name))
            } else {
                Path::field(name)
            };
            let Some(cell) = cells.get(name) else {
                made.remove_at(&place);
                continue;
            };
            let there = There {
                known: *known,
                has_record: old.is_some(),
                was: was.as_deref(),
            };
            let value = self
                .value(&there, &cell.value)
                .map_err(|unfit| Misread::refused(unfit.code, name, unfit.expected))?;
            if let Some(value) = value
                && made.set_at(&place, value).is_err()
            {
                let expected = "a path that the record can have";
                return Err(Misread::refused(CODE, name, expected.to_owned()));
            }
        }
        Ok(admit(made.to_json().as_bytes(), &self.limits)?)
    }

    /// Returns the record with the existing record's values in the places of masks; `None` when there are no masks.
    pub(super) fn lifted(&self, old: Option<&Record>, data: &str) -> Result<Option<String>, Misread> {
        let (mut made, old) = (Document::parse(data)?, old.map(Record::document).transpose()?);
        let any = masks::lift(&mut made, old.as_ref(), self.types.is_some()).map_err(Misread::Refused)?;
        let json = any.then(|| admit(made.to_json().as_bytes(), &self.limits));
        Ok(json.transpose()?)
    }

    /// Returns the value that a cell sets; `None` when it changes nothing.
    fn value(&self, there: &There<'_>, cell: &Value) -> Result<Option<Value>, Unfit> {
        let There {
            known,
            has_record,
            was,
        } = *there;
        let Some(text) = cell.as_text() else {
            return Ok(Some(cell.clone()));
        };
        // The value behind a mask is known once the whole record is.
        if text == REDACTED {
            return Ok(Some(cell.clone()));
        }
        if was.is_some_and(|was| is_same(&text, was)) || (was.is_none() && text.is_empty() && has_record) {
            return Ok(None);
        }
        let here = was.map(Value::kind).filter(|kind| *kind != Kind::Null);
        let known = match here {
            None => known,
            kind => ColumnTypes {
                kind,
                ..ColumnTypes::default()
            },
        };
        if text.is_empty() && known.kind != Some(Kind::Text) && was.is_none() {
            return Ok(None);
        }
        if known.has_several {
            let several = "and the values of the column are of several types";
            let expected = if has_record {
                format!("a record that has a value here already: this one has none, {several}")
            } else {
                format!("a record with this id: there is none whose value determines the type, {several}")
            };
            return Err(Unfit::from_code(CODE, expected));
        }
        let value = known
            .read(&text)
            .map_err(|expected| Unfit::from_code(CODE, expected))?;
        let is_text = value.kind() == Kind::Text;
        if is_text && !self.says_null && was.is_some_and(Value::is_null) {
            let expected = "null, as the record has here: set `--null TEXT` to the text for null; every other text is \
                            a string";
            return Err(Unfit::from_code(NULL, expected));
        }
        if is_text && !self.says_missing && has_record && was.is_none() && known.kind.is_some() {
            let expected = "nothing, because the record has no such field: set `--missing TEXT` to the text for a \
                            missing field; every other text is a string";
            return Err(Unfit::from_code(MISSING, expected));
        }
        Ok(Some(value))
    }
}

impl ColumnTypes {
    fn add(&mut self, kind: Kind) {
        match (self.kind, kind) {
            (_, Kind::Null) => {}
            (None, kind) if !self.has_several => self.kind = Some(kind),
            (known, kind) => {
                self.has_several |= known != Some(kind);
                self.kind = known.filter(|_| !self.has_several);
            }
        }
    }

    /// Returns a letter for the kind, `e` for none and `m` for several; a capital if the column names a path.
    fn letter(self) -> char {
        let letter = match self.kind {
            _ if self.has_several => 'm',
            None | Some(Kind::Null) => 'e',
            Some(Kind::Boolean) => 'b',
            Some(Kind::Number) => 'n',
            Some(Kind::Text) => 't',
            Some(Kind::List) => 'l',
            Some(Kind::Object) => 'o',
        };
        if self.is_path {
            letter.to_ascii_uppercase()
        } else {
            letter
        }
    }

    fn describe(letter: char) -> Option<Self> {
        let kind = match letter.to_ascii_lowercase() {
            'm' | 'e' => None,
            'b' => Some(Kind::Boolean),
            'n' => Some(Kind::Number),
            't' => Some(Kind::Text),
            'l' => Some(Kind::List),
            'o' => Some(Kind::Object),
            _ => return None,
        };
        Some(Self {
            kind,
            has_several: letter.eq_ignore_ascii_case(&'m'),
            is_path: letter.is_ascii_uppercase(),
        })
    }

    /// Returns the value of a cell here, or what was expected.
    fn read(self, text: &str) -> Result<Value, String> {
        let parsed = |kind: Kind, text: &str| {
            let value = Value::parse(text).ok().filter(|value| value.kind() == kind);
            value.ok_or_else(|| format!("{kind}, as elsewhere in this column"))
        };
        match self.kind {
            None | Some(Kind::Text) => Ok(Value::text(text)),
            // Spreadsheets write booleans in capitals.
            Some(Kind::Boolean) if text.eq_ignore_ascii_case("true") => Ok(Value::boolean(true)),
            Some(Kind::Boolean) if text.eq_ignore_ascii_case("false") => Ok(Value::boolean(false)),
            Some(Kind::Number) => parsed(Kind::Number, number_in(text).unwrap_or_default()),
            Some(kind) => parsed(kind, text),
        }
    }
}

/// Returns the number in a cell, if there is one; reading and comparing both use this function.
fn number_in(text: &str) -> Option<&str> {
    let text = text.trim();
    NumberText::CELL.takes(text).then_some(text)
}

/// Returns whether a cell equals the existing value: as an export would write it, or as the same number written
/// differently.
fn is_same(text: &str, was: &Value) -> bool {
    let is_number = || {
        let numbers = was.as_number().zip(number_in(text));
        let read = numbers.map(|(was, said)| [was, said].map(|number| NumberText::CELL.read(number)));
        matches!(read, Some([Ok(was), Ok(said)]) if was == said)
    };
    *text == *cell(was) || is_number()
}

fn refusal(code: &'static str, name: &str, expected: String) -> Refusal {
    let pointer = Path::from_segments(vec![Segment::Key(name.to_owned())]).pointer();
    Refusal::new(code, pointer).expected(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_of_a_column_comes_back_from_its_letter() {
        let kinds = [Kind::Boolean, Kind::Number, Kind::Text, Kind::List, Kind::Object];
        for kind in kinds.map(Some).into_iter().chain([None]) {
            for (has_several, is_path) in [(false, false), (false, true), (true, false), (true, true)] {
                let column = ColumnTypes {
                    kind: kind.filter(|_| !has_several),
                    has_several,
                    is_path,
                };
                assert_eq!(ColumnTypes::describe(column.letter()), Some(column));
            }
        }
        assert_eq!(ColumnTypes::describe('x'), None);
    }
}

//! Which texts can be an id, and how a record without a valid id is rejected.

use super::{MAX_ID_BYTES, Rejected};
use crate::path::Path;
use crate::record::{Kind, Malformed, Value, id_of_number};
use crate::refusal::Refusal;

/// Rejects a record because of its id.
pub(super) fn refuse(mut refusal: Refusal, line: u64, raw: Vec<u8>) -> Rejected {
    refusal.line = Some(line);
    Rejected {
        refusal,
        raw: raw.into(),
        id: None,
    }
}

/// Returns what admission expected, with the place inside the record.
pub(super) fn describe(fault: &Malformed) -> String {
    let place = match (fault.line, fault.column) {
        (Some(line), Some(column)) if line > 1 => format!(" (line {line} of the record, column {column})"),
        (_, Some(column)) => format!(" (column {column})"),
        _ => String::new(),
    };
    format!("one JSON object; {}{place}", fault.message)
}

/// Returns the id that a field's value represents.
pub(crate) fn read_id(value: Option<&Value>, field: &str) -> Result<String, Refusal> {
    let refuse =
        |code| Err(Refusal::new(code, Path::field(field).pointer()).expected("a string or a whole number"));
    let Some(value) = value else {
        return refuse("id.missing");
    };
    match value.kind() {
        Kind::Null => refuse("id.null"),
        Kind::Text => {
            let text = value.as_text().expect("a value of kind text has a text");
            check_id(&text, field).map(|()| text.into_owned())
        }
        Kind::Number => {
            let text = value.as_number().expect("a value of kind number has a number");
            let Some(id) = id_of_number(text) else {
                return refuse("id.type");
            };
            check_id(id, field).map(|()| id.to_owned())
        }
        Kind::Boolean | Kind::List | Kind::Object => refuse("id.type"),
    }
}

/// Checks whether a text can be an id.
pub(super) fn check_id(id: &str, field: &str) -> Result<(), Refusal> {
    let refuse =
        |code, expected: &str| Err(Refusal::new(code, Path::field(field).pointer()).expected(expected));
    if id.is_empty() {
        return refuse("id.empty", "a string that is not empty");
    }
    if id.contains('\0') {
        return refuse("id.nul", "a string without NUL");
    }
    if id.len() > MAX_ID_BYTES {
        return refuse("id.size", &format!("at most {MAX_ID_BYTES} bytes"));
    }
    Ok(())
}

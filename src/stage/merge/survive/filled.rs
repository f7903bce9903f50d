//! What counts as empty, and how much a value holds.

use crate::record::{Document, Kind, Value};

/// Whether a value says nothing: null, a blank text, a list without elements, an object whose fields are all empty.
pub(super) fn is_empty(value: &Value) -> bool {
    match value.kind() {
        Kind::Null => true,
        Kind::Text => value.as_text().is_some_and(|text| text.trim().is_empty()),
        Kind::List => value.as_list().is_some_and(|list| list.is_empty()),
        Kind::Object => value
            .as_object()
            .is_some_and(|object| filled_fields(&object) == 0),
        Kind::Boolean | Kind::Number => false,
    }
}

/// Returns how much a value holds: the filled fields of an object, the filled elements of a list, 1 for any other value.
pub(super) fn filled(value: &Value) -> usize {
    match value.as_list() {
        Some(list) => list.iter().filter(|element| !is_empty(element)).count(),
        None => filled_field(value),
    }
}

/// Returns the number of filled fields of an object, at any depth; a list is one field.
pub(super) fn filled_fields(object: &Document) -> usize {
    let fields = object.fields().iter();
    fields.map(|field| filled_field(&field.value)).sum()
}

fn filled_field(value: &Value) -> usize {
    match value.as_object() {
        Some(object) => filled_fields(&object),
        None => usize::from(!is_empty(value)),
    }
}

/// Returns the length of a list in elements, of a text in characters, of any other value in those of its JSON text.
pub(super) fn length(value: &Value) -> usize {
    match (value.as_list(), value.as_text()) {
        (Some(list), _) => list.len(),
        (_, Some(text)) => text.chars().count(),
        _ => value.to_json().chars().count(),
    }
}

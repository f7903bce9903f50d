//! Masks in an input: what an export has written in the place of a redacted value never takes the place of the value.
//!
//! One rule for every format. Where the record that exists has a value at the place of a mask, that value stays. Where it has
//! none, where there is no record, and inside a list, whose elements may have moved, nobody knows which value is meant:
//! the record is refused.

use crate::path::{Path, Segment};
use crate::record::{Document, Kind, Names, Object, REDACTED, Value};
use crate::refusal::Refusal;

/// The code of a record with a mask in the place of a value that is not known.
const CODE: &str = "load.masked";

/// Whether JSON text may hold a mask: as it is, or with some of it escaped. Nearly no record does.
pub(super) fn may_be_in(json: &str) -> bool {
    json.contains(REDACTED) || (json.contains('\\') && json.contains("\\u00"))
}

/// Puts the values of the record that exists in the places of their masks, and tells whether there was any.
pub(super) fn lift(
    made: &mut Document,
    old: Option<&Document>,
    has_cells: bool,
) -> Result<bool, Box<Refusal>> {
    let mut lifting = Lifting {
        has_cells,
        ..Lifting::default()
    };
    if lifting.object(made, old).is_ok() {
        return Ok(lifting.any);
    }
    let expected = format!(
        "the value itself, not `{REDACTED}`, which an export wrote in its place: `export --reveal` writes the value"
    );
    let pointer = Path::from_segments(lifting.at).pointer();
    Err(Box::new(Refusal::new(CODE, pointer).expected(expected)))
}

/// It is not known which value a mask stands for.
struct UnknownMask;

#[derive(Default)]
struct Lifting {
    /// Whether lists and objects may be the texts of cells.
    has_cells: bool,
    /// The way to where it is at.
    at: Vec<Segment>,
    /// How many lists are on the way.
    lists: usize,
    any: bool,
}

impl Lifting {
    fn object(&mut self, made: &mut Object, old: Option<&Object>) -> Result<(), UnknownMask> {
        let mut names = Names::from_fields(old.map(Object::fields).unwrap_or_default());
        for field in made.fields_mut() {
            if is_free(&field.value) {
                continue;
            }
            let name = field.name().into_owned();
            let was = names.get(&name).map(|field| &field.value);
            self.at.push(Segment::Key(name));
            self.value(&mut field.value, was)?;
            self.at.pop();
        }
        Ok(())
    }

    fn value(&mut self, value: &mut Value, old: Option<&Value>) -> Result<(), UnknownMask> {
        if let Some(text) = value.as_text() {
            let is_mask = text == REDACTED;
            let hides = is_mask || (self.has_cells && is_masked_cell(&text));
            if !hides || old == Some(&*value) {
                return Ok(());
            }
            let kept = old.filter(|_| is_mask && self.lists == 0).ok_or(UnknownMask)?;
            *value = kept.clone();
            self.any = true;
        } else if let Some(object) = value.as_object_mut() {
            self.object(object, old.and_then(Value::as_object).as_deref())?;
        } else if let Some(list) = value.as_list_mut() {
            let were = old.and_then(Value::as_list);
            self.lists += 1;
            for (at, element) in list.iter_mut().enumerate().filter(|(_, value)| !is_free(value)) {
                self.at.push(Segment::Index(at));
                self.value(element, were.as_deref().and_then(|were| were.get(at)))?;
                self.at.pop();
            }
            self.lists -= 1;
        }
        Ok(())
    }
}

/// Whether a value need not be looked into.
fn is_free(value: &Value) -> bool {
    matches!(value, Value::Raw(json) if !may_be_in(json))
}

/// Whether a cell is the JSON text of a list or an object with a mask in it.
fn is_masked_cell(text: &str) -> bool {
    let is_nested = text.starts_with(['[', '{']) && may_be_in(text);
    is_nested && Value::parse(text).is_ok_and(|value| holds_mask(&value))
}

fn holds_mask(value: &Value) -> bool {
    match value.kind() {
        Kind::Text => value.as_text().is_some_and(|text| text == REDACTED),
        Kind::List => value.as_list().is_some_and(|list| list.iter().any(holds_mask)),
        Kind::Object => {
            let object = value.as_object();
            object.is_some_and(|object| object.fields().iter().any(|field| holds_mask(&field.value)))
        }
        Kind::Null | Kind::Boolean | Kind::Number => false,
    }
}

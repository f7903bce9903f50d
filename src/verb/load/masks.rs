//! Masks in an input: what an export wrote instead of a redacted value never replaces the value.
//!
//! One rule applies to every format. When the existing record has a value at the place of a mask, that value stays.
//! When it has none, when there is no record, and inside a list, whose elements may have moved, the value is unknown
//! and the record is refused.

use crate::path::{Path, Segment};
use crate::record::{Document, Kind, Names, Object, REDACTED, Value};
use crate::refusal::Refusal;

/// Refusal code of a record with a mask in the place of an unknown value.
const CODE: &str = "load.masked";

/// Returns whether JSON text may hold a mask, literally or partly escaped. Hardly any record does.
pub(super) fn may_be_in(json: &str) -> bool {
    json.contains(REDACTED) || (json.contains('\\') && json.contains("\\u00"))
}

/// Replaces masks with the values of the existing record, and returns whether there were any.
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

/// The value behind a mask is unknown.
struct UnknownMask;

#[derive(Default)]
struct Lifting {
    /// Whether cells may hold lists and objects as text.
    has_cells: bool,
    /// Path to the current place.
    at: Vec<Segment>,
    /// Number of lists on the path.
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

/// Returns whether a value needs no inspection.
fn is_free(value: &Value) -> bool {
    matches!(value, Value::Raw(json) if !may_be_in(json))
}

/// Returns whether a cell is the JSON text of a list or an object that holds a mask.
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

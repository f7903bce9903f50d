//! The values that expressions work on.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::fault::Fault;
use super::limits::{self, Extent};
use super::moment::Moment;
use crate::record::{Field, Kind, NumberText, Object, Value};

/// A value inside an expression. A value of the document stays JSON text until something inspects it, so that a value
/// that an expression only passes on keeps its order and its number text.
#[derive(Clone)]
pub(super) enum Datum {
    /// `()`
    Null,
    /// `omit`
    Omit,
    Boolean(bool),
    Integer(i64),
    Decimal(Decimal),
    Text(Arc<str>),
    Moment(Moment),
    List(Arc<ValueGroup<Datum>>),
    /// An object that the expression made, in the order written.
    Object(Arc<ValueGroup<(Arc<str>, Datum)>>),
    /// Any value of the document.
    Json(Value),
}

/// The parts of a list or object, and how large they are when written out.
#[derive(Clone)]
pub(super) struct ValueGroup<P> {
    parts: Vec<P>,
    extent: Extent,
}

impl fmt::Debug for Datum {
    /// Shows the kind only: what is shown somewhere must never be a value of a record.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

/// The content of a datum.
#[derive(Debug)]
pub(super) enum View<'d> {
    Null,
    Omit,
    Boolean(bool),
    Number(Number),
    /// A JSON number of more than 28 digits: it can be passed on, but not used in calculations.
    LongNumber,
    Text(Cow<'d, str>),
    Moment(&'d Moment),
    List,
    Object,
}

/// A number to calculate with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Integer(i64),
    Decimal(Decimal),
}

impl Number {
    pub(super) fn decimal(self) -> Decimal {
        match self {
            Self::Integer(integer) => Decimal::from(integer),
            Self::Decimal(decimal) => decimal,
        }
    }
}

impl From<Number> for Datum {
    fn from(number: Number) -> Self {
        match number {
            Number::Integer(integer) => Self::Integer(integer),
            Number::Decimal(decimal) => Self::Decimal(decimal),
        }
    }
}

impl Datum {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }

    pub(super) fn list(elements: Vec<Datum>) -> Result<Self, Fault> {
        let empty = ValueGroup {
            parts: Vec::new(),
            extent: Extent::default(),
        };
        Self::List(Arc::new(empty)).extended(elements)
    }

    /// Appends elements to a list; a list without other references grows in place.
    pub(super) fn extended(self, more: Vec<Datum>) -> Result<Self, Fault> {
        let Self::List(list) = self else {
            let mut elements = self.as_list()?.into_owned();
            elements.extend(more);
            return Self::list(elements);
        };
        limits::list(list.parts.len().saturating_add(more.len()))?;
        let mut group = Arc::unwrap_or_clone(list);
        let extent = more
            .iter()
            .fold(group.extent, |extent, part| extent.with(part.extent()));
        group.extent = extent.checked()?;
        group.parts.extend(more);
        Ok(Self::List(Arc::new(group)))
    }

    pub(super) fn object(fields: Vec<(Arc<str>, Datum)>) -> Result<Self, Fault> {
        let extent = fields.iter().fold(Extent::default(), |extent, (name, part)| {
            extent.with(Extent {
                bytes: part.extent().bytes.saturating_add(name.len()),
                ..part.extent()
            })
        });
        Ok(Self::Object(Arc::new(ValueGroup {
            parts: fields,
            extent: extent.checked()?,
        })))
    }

    /// Returns its size when written out.
    fn extent(&self) -> Extent {
        let bytes = match self {
            Self::List(list) => return list.extent,
            Self::Object(fields) => return fields.extent,
            Self::Text(text) => text.len(),
            Self::Json(value) => written_bytes(value),
            _ => 16,
        };
        Extent { depth: 0, bytes }
    }

    /// Returns its kind, in words for people.
    pub(super) fn kind(&self) -> &'static str {
        match self.view() {
            View::Null => "null",
            View::Omit => "omit",
            View::Boolean(_) => "a boolean",
            View::Number(_) => "a number",
            View::LongNumber => "a number of more than 28 digits",
            View::Text(_) => "a string",
            View::Moment(_) => "a date",
            View::List => "a list",
            View::Object => "an object",
        }
    }

    /// Returns its content.
    pub(super) fn view(&self) -> View<'_> {
        match self {
            Self::Null => View::Null,
            Self::Omit => View::Omit,
            Self::Boolean(boolean) => View::Boolean(*boolean),
            Self::Integer(integer) => View::Number(Number::Integer(*integer)),
            Self::Decimal(decimal) => View::Number(Number::Decimal(*decimal)),
            Self::Text(text) => View::Text(Cow::Borrowed(text)),
            Self::Moment(moment) => View::Moment(moment),
            Self::List(_) => View::List,
            Self::Object(_) => View::Object,
            Self::Json(value) => match value.kind() {
                Kind::Null => View::Null,
                Kind::Boolean => View::Boolean(value.as_boolean() == Some(true)),
                Kind::Number => number(value.as_number().unwrap_or_default()),
                Kind::Text => View::Text(value.as_text().unwrap_or_default()),
                Kind::List => View::List,
                Kind::Object => View::Object,
            },
        }
    }

    pub(super) fn is_null(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Json(value) => value.is_null(),
            _ => false,
        }
    }

    /// The elements of a list.
    pub(super) fn elements(&self) -> Option<Cow<'_, [Datum]>> {
        match self {
            Self::List(list) => Some(Cow::Borrowed(&list.parts)),
            Self::Json(value) => {
                let list = value.as_list()?;
                Some(Cow::Owned(list.iter().cloned().map(Self::Json).collect()))
            }
            _ => None,
        }
    }

    /// Returns the elements of a list, to keep; copies nothing without other references.
    pub(super) fn into_elements(self) -> Result<Vec<Datum>, Fault> {
        match self {
            Self::List(list) => Ok(Arc::unwrap_or_clone(list).parts),
            Self::Json(Value::List(list)) => Ok(list.into_iter().map(Self::Json).collect()),
            other => other.as_list().map(Cow::into_owned),
        }
    }

    /// Returns the value of a field of an object; `None` when it is missing or this is not an object.
    pub(super) fn field(&self, name: &str) -> Option<Datum> {
        match self {
            Self::Object(fields) => {
                let found = fields.parts.iter().find(|(field, _)| **field == *name);
                found.map(|(_, value)| value.clone())
            }
            Self::Json(value) => value.field(name).map(Self::Json),
            _ => None,
        }
    }

    /// The fields of an object in order.
    pub(super) fn fields(&self) -> Option<Vec<(Arc<str>, Datum)>> {
        match self {
            Self::Object(fields) => Some(fields.parts.clone()),
            Self::Json(value) => {
                let object = value.as_object()?;
                let fields = object.fields().iter();
                Some(
                    fields
                        .map(|field| (Arc::from(&*field.name()), Self::Json(field.value.clone())))
                        .collect(),
                )
            }
            _ => None,
        }
    }

    /// Returns the number of operations that reading all of it costs, so that large values count towards the limit.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text.len() / 256,
            Self::List(list) => list.parts.len() / 16 + list.extent.bytes / 256,
            Self::Object(fields) => fields.parts.len() / 16 + fields.extent.bytes / 256,
            Self::Json(Value::Raw(json)) => json.len() / 256,
            Self::Json(value) => written_bytes(value) / 256,
            _ => 0,
        }
    }

    /// Returns the JSON value; `None` for `omit`. Inside lists and objects, `omit` leaves the part out.
    pub(super) fn into_value(self) -> Option<Value> {
        Some(match self {
            Self::Omit => return None,
            Self::Null => Value::null(),
            Self::Boolean(boolean) => Value::boolean(boolean),
            Self::Integer(integer) => Value::integer(integer),
            Self::Decimal(decimal) => Value::decimal(decimal),
            Self::Text(text) => Value::text(&text),
            Self::Moment(moment) => Value::text(&moment.to_string()),
            Self::Json(value) => value,
            Self::List(list) => {
                let elements = Arc::unwrap_or_clone(list).parts.into_iter();
                Value::List(elements.filter_map(Self::into_value).collect())
            }
            Self::Object(fields) => {
                let fields = Arc::unwrap_or_clone(fields).parts.into_iter();
                let kept = fields.filter_map(|(name, value)| Some(Field::new(&name, value.into_value()?)));
                Value::Object(kept.collect::<Object>())
            }
        })
    }

    pub(super) fn as_number(&self) -> Result<Number, Fault> {
        match self.view() {
            View::Number(number) => Ok(number),
            View::LongNumber => Err(Fault::new(
                "expression.number_too_long",
                "a number of at most 28 digits to calculate with",
            )),
            _ => Err(Fault::types(format!("a number, not {}", self.kind()))),
        }
    }

    pub(super) fn as_boolean(&self) -> Result<bool, Fault> {
        match self.view() {
            View::Boolean(boolean) => Ok(boolean),
            _ => Err(Fault::types(format!("a boolean, not {}", self.kind()))),
        }
    }

    pub(super) fn as_text(&self) -> Result<Cow<'_, str>, Fault> {
        match self.view() {
            View::Text(text) => Ok(text),
            _ => Err(Fault::types(format!("a string, not {}", self.kind()))),
        }
    }

    pub(super) fn as_list(&self) -> Result<Cow<'_, [Datum]>, Fault> {
        self.elements()
            .ok_or_else(|| Fault::types(format!("a list, not {}", self.kind())))
    }
}

/// The number of a JSON text.
fn number(text: &str) -> View<'static> {
    if let Ok(integer) = text.parse() {
        return View::Number(Number::Integer(integer));
    }
    let exact = NumberText::CALCULATED.read(text);
    exact.map_or(View::LongNumber, |decimal| View::Number(Number::Decimal(decimal)))
}

fn written_bytes(value: &Value) -> usize {
    match value {
        Value::Raw(json) => json.len(),
        Value::List(list) => list.iter().map(written_bytes).sum(),
        Value::Object(object) => {
            let fields = object.fields().iter();
            fields.map(|field| 16 + written_bytes(&field.value)).sum()
        }
    }
}

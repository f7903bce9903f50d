//! A JSON value that is expanded only where it changes.

use std::borrow::Cow;
use std::fmt;

use rust_decimal::Decimal;

use super::admission::{Limits, Malformed, admit};
use super::names::HasName;
use super::number;
use super::split::{split_list, split_object, try_split_object};
use super::text::{Text, decode_text, is_name, text_of};

/// A JSON value. `Raw` is valid JSON text without insignificant whitespace, of any kind; lists and objects are expanded
/// into the other two variants when something inside them changes. Reading never expands.
#[derive(Clone)]
pub enum Value {
    /// The JSON text of a value of any kind.
    Raw(Text),
    /// An expanded list.
    List(Vec<Value>),
    /// An expanded object.
    Object(Object),
}

/// The kind of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number, of any length.
    Number,
    /// A string.
    Text,
    /// An array.
    List,
    /// An object.
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::List => "a list",
            Self::Object => "an object",
        })
    }
}

impl Value {
    /// Parses a value from JSON text, which must pass [admission](admit).
    pub fn parse(json: &str) -> Result<Self, Malformed> {
        Ok(Self::Raw(Text::from(admit(json.as_bytes(), &Limits::default())?)))
    }

    /// Returns `null`.
    #[must_use]
    pub fn null() -> Self {
        Self::Raw(Text::from("null"))
    }

    /// Returns `true` or `false`.
    #[must_use]
    pub fn boolean(value: bool) -> Self {
        Self::Raw(Text::from(if value { "true" } else { "false" }))
    }

    /// Returns a JSON number without a fraction.
    #[must_use]
    pub fn integer(value: i64) -> Self {
        Self::Raw(Text::from(itoa::Buffer::new().format(value)))
    }

    /// Returns a JSON number with the decimal's own scale: 6.00 stays `6.00`.
    #[must_use]
    pub fn decimal(value: Decimal) -> Self {
        Self::Raw(Text::from(number::text(value)))
    }

    /// Returns a JSON string.
    #[must_use]
    pub fn text(value: &str) -> Self {
        Self::Raw(text_of(value))
    }

    /// Returns the kind of the value.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::List(_) => Kind::List,
            Self::Object(_) => Kind::Object,
            Self::Raw(json) => match json.as_bytes().first() {
                Some(b'n') => Kind::Null,
                Some(b't' | b'f') => Kind::Boolean,
                Some(b'"') => Kind::Text,
                Some(b'[') => Kind::List,
                Some(b'{') => Kind::Object,
                _ => Kind::Number,
            },
        }
    }

    /// Returns whether the value is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// Returns the Boolean, where the value is one.
    #[must_use]
    pub fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Raw(json) if json.as_str() == "true" => Some(true),
            Self::Raw(json) if json.as_str() == "false" => Some(false),
            _ => None,
        }
    }

    /// Returns the decoded string, where the value is one.
    #[must_use]
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Raw(json) => decode_text(json),
            _ => None,
        }
    }

    /// Returns the text of the number as written, where the value is one.
    #[must_use]
    pub fn as_number(&self) -> Option<&str> {
        match self {
            Self::Raw(json) if self.kind() == Kind::Number => Some(json),
            _ => None,
        }
    }

    /// Returns the exact decimal, where the value is a number that has one: `6.00` keeps its places, `1E2` is 100.
    /// `None` for everything else, including a number with more than 28 digits, whose text
    /// [`as_number`](Self::as_number) returns. A text that looks like a number is a text.
    #[must_use]
    pub fn as_decimal(&self) -> Option<Decimal> {
        number::exact_decimal(self.as_number()?).ok()
    }

    /// Returns the elements, where the value is a list; `Raw` is expanded for the caller, not in place.
    #[must_use]
    pub fn as_list(&self) -> Option<Cow<'_, [Value]>> {
        match self {
            Self::List(list) => Some(Cow::Borrowed(list)),
            Self::Raw(json) if self.kind() == Kind::List => Some(Cow::Owned(split_list(json, Self::Raw))),
            _ => None,
        }
    }

    /// Returns the object, where the value is one; `Raw` is expanded for the caller, not in place.
    #[must_use]
    pub fn as_object(&self) -> Option<Cow<'_, Object>> {
        match self {
            Self::Object(object) => Some(Cow::Borrowed(object)),
            Self::Raw(json) if self.kind() == Kind::Object => Some(Cow::Owned(Object::split(json))),
            _ => None,
        }
    }

    /// Returns the elements for modification, where the value is a list; expands it in place.
    pub fn as_list_mut(&mut self) -> Option<&mut Vec<Value>> {
        if let Self::Raw(json) = self {
            if !json.starts_with('[') {
                return None;
            }
            *self = Self::List(split_list(json, Self::Raw));
        }
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// Returns the object for modification, where the value is one; expands it in place.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        if let Self::Raw(json) = self {
            if !json.starts_with('{') {
                return None;
            }
            *self = Self::Object(Object::split(json));
        }
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Appends the JSON text, without insignificant whitespace.
    pub fn write(&self, out: &mut String) {
        match self {
            Self::Raw(json) => out.push_str(json),
            Self::Object(object) => object.write(out),
            Self::List(list) => {
                out.push('[');
                for (at, value) in list.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    value.write(out);
                }
                out.push(']');
            }
        }
    }

    /// Returns the JSON text, without insignificant whitespace.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(self.json_len());
        self.write(&mut out);
        out
    }
}

impl Value {
    /// Returns a lower bound of the length of the JSON text, in bytes.
    fn json_len(&self) -> usize {
        match self {
            Self::Raw(json) => json.len(),
            Self::Object(object) => object.json_len(),
            Self::List(list) => 2 + list.iter().map(|value| value.json_len() + 1).sum::<usize>(),
        }
    }
}

impl PartialEq for Value {
    /// Compares values as stored: by their JSON text, so `6.0` and `6.00` differ.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Raw(left), Self::Raw(right)) => left.as_str() == right.as_str(),
            _ => self.to_json() == other.to_json(),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

/// One field of an object. The name is kept as written (its JSON text), so that an untouched name stays unchanged.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The name's JSON text, with its quotes.
    name: Text,
    /// The field's value.
    pub value: Value,
}

impl Field {
    /// Creates a field with a new name.
    #[must_use]
    pub fn new(name: &str, value: Value) -> Self {
        Self {
            name: text_of(name),
            value,
        }
    }

    /// Creates a field from its JSON texts; that of the name includes its quotes.
    fn of_raw(name: Text, value: Text) -> Self {
        Self {
            name,
            value: Value::Raw(value),
        }
    }

    /// Returns the decoded name.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        decode_text(&self.name).expect("a field's name is a text")
    }

    /// Renames the field, in place.
    pub fn rename(&mut self, name: &str) {
        self.name = text_of(name);
    }

    fn is(&self, name: &str) -> bool {
        is_name(&self.name, name)
    }
}

impl HasName for Field {
    fn is(&self, name: &str) -> bool {
        self.is(name)
    }

    fn name(&self) -> Cow<'_, str> {
        self.name()
    }
}

/// The top level of a record's data.
pub type Document = Object;

/// An expanded JSON object: its fields in the order written.
#[derive(Clone, Default, PartialEq)]
pub struct Object {
    fields: Vec<Field>,
}

impl Object {
    /// Creates an object without fields.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn from_fields(fields: Vec<Field>) -> Self {
        Self { fields }
    }

    /// Returns the lazy view of a stored record's data. The text was validated at admission; this only splits its top
    /// level.
    ///
    /// # Errors
    /// [`Malformed`] when the text is not a JSON object.
    pub fn parse(data: &str) -> Result<Self, Malformed> {
        let text = Text::from(data);
        if !text.starts_with('{') {
            return Err(Malformed::new("record.not_object", "a record is a JSON object"));
        }
        let fields = try_split_object(&text, Field::of_raw);
        fields
            .map(Self::from_fields)
            .map_err(|error| Malformed::from_json(&error))
    }

    /// Returns the object of an admitted JSON text.
    pub(super) fn split(json: &Text) -> Self {
        Self::from_fields(split_object(json, Field::of_raw))
    }

    /// Returns the fields in order.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Returns the fields in order, for modification.
    pub fn fields_mut(&mut self) -> &mut Vec<Field> {
        &mut self.fields
    }

    /// Returns the number of fields.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Returns whether there are no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Returns the position of a field among its siblings.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.is(name))
    }

    /// Returns the value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.position(name).map(|at| &self.fields[at].value)
    }

    /// Returns the value of a field, for modification.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.position(name).map(|at| &mut self.fields[at].value)
    }

    /// Sets a field: in place where it exists, otherwise at the end. Returns the old value.
    pub fn set(&mut self, name: &str, value: Value) -> Option<Value> {
        if let Some(old) = self.get_mut(name) {
            return Some(std::mem::replace(old, value));
        }
        self.fields.push(Field::new(name, value));
        None
    }

    /// Removes a field; the others keep their order.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.position(name).map(|at| self.fields.remove(at).value)
    }

    /// Appends the JSON text, without insignificant whitespace.
    pub fn write(&self, out: &mut String) {
        out.push('{');
        for (at, field) in self.fields.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            out.push_str(&field.name);
            out.push(':');
            field.value.write(out);
        }
        out.push('}');
    }

    /// Returns the JSON text, without insignificant whitespace.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(self.json_len());
        self.write(&mut out);
        out
    }
}

impl Object {
    /// Returns a lower bound of the length of the JSON text, in bytes.
    fn json_len(&self) -> usize {
        let fields = self.fields.iter();
        2 + fields
            .map(|field| field.name.len() + field.value.json_len() + 2)
            .sum::<usize>()
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

impl FromIterator<Field> for Object {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        Self {
            fields: fields.into_iter().collect(),
        }
    }
}

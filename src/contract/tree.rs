//! A document as the validator sees it: borrowed from the record's own text, numbers left as text.

use std::borrow::Cow;
use std::cell::OnceCell;

use serde_json::{Map, Number, Value as Parsed};

use super::number::Exact;
use crate::record::{Build, Document, Value, read};

/// Deeper than admission allows by default; a document built in Rust may be deeper.
const DEPTH_LIMIT: usize = 256;

/// A JSON value, expanded once for one check.
#[derive(Debug)]
pub(super) enum Tree<'t> {
    Null,
    Boolean(bool),
    Number(Numeral<'t>),
    Text(Cow<'t, str>),
    List(Vec<Tree<'t>>),
    Object(TreeFields<'t>),
}

/// The text of a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numeral<'t>(pub(super) &'t str);

/// The text is not admitted JSON, or is nested too deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl<'t> Tree<'t> {
    /// Reads the whole document.
    pub(super) fn from_document(document: &'t Document) -> Result<Self, Unreadable> {
        Self::of_object(document, DEPTH_LIMIT)
    }

    /// Reads a JSON text without insignificant whitespace.
    pub(super) fn parse(json: &'t str) -> Result<Self, Unreadable> {
        Self::parse_within(json, DEPTH_LIMIT)
    }

    fn of_object(object: &'t Document, depth: usize) -> Result<Self, Unreadable> {
        let depth = depth.checked_sub(1).ok_or(Unreadable)?;
        // `collect` into a `Result` would not know the number of fields.
        let mut fields = Vec::with_capacity(object.len());
        for field in object.fields() {
            fields.push((field.name(), Self::of_value(&field.value, depth)?));
        }
        Ok(Self::Object(TreeFields::from_list(fields)))
    }

    fn of_value(value: &'t Value, depth: usize) -> Result<Self, Unreadable> {
        match value {
            Value::Raw(json) => Self::parse_within(json, depth),
            Value::Object(object) => Self::of_object(object, depth),
            Value::List(list) => {
                let depth = depth.checked_sub(1).ok_or(Unreadable)?;
                let mut parts = Vec::with_capacity(list.len());
                for value in list {
                    parts.push(Self::of_value(value, depth)?);
                }
                Ok(Self::List(parts))
            }
        }
    }

    fn parse_within(json: &'t str, depth: usize) -> Result<Self, Unreadable> {
        read(json, depth).ok_or(Unreadable)
    }

    /// Returns the number of values, including itself; beyond `most`, only a number that is larger.
    pub(super) fn size(&self, most: u64) -> u64 {
        let mut size = 1;
        let mut add = |value: &Self| {
            size += value.size(most - size);
            size < most
        };
        let _ = match self {
            _ if most <= 1 => true,
            Self::List(list) => list.iter().all(&mut add),
            Self::Object(fields) => fields.iter().all(|(_, value)| add(value)),
            _ => true,
        };
        size
    }

    /// Returns the same value for the schema compiler, numbers with their text.
    pub(super) fn to_parsed(&self) -> Parsed {
        match self {
            Self::Null => Parsed::Null,
            Self::Boolean(value) => Parsed::Bool(*value),
            Self::Number(number) => Parsed::Number(number.to_parsed()),
            Self::Text(text) => Parsed::String(text.to_string()),
            Self::List(list) => list.iter().map(Self::to_parsed).collect(),
            Self::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, value)| (name.to_string(), value.to_parsed()));
                Parsed::Object(fields.collect::<Map<_, _>>())
            }
        }
    }

    pub(super) fn equals(&self, expected: &Parsed) -> bool {
        match (self, expected) {
            (Self::Null, Parsed::Null) => true,
            (Self::Boolean(left), Parsed::Bool(right)) => left == right,
            (Self::Number(left), Parsed::Number(right)) => left.exact() == Exact::from_text(right.as_str()),
            (Self::Text(left), Parsed::String(right)) => left == right,
            (Self::List(left), Parsed::Array(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left.equals(right))
            }
            (Self::Object(left), Parsed::Object(right)) => {
                let same = |(name, value): &(Cow<'_, str>, Self)| {
                    right.get(name.as_ref()).is_some_and(|other| value.equals(other))
                };
                left.len() == right.len() && left.iter().all(same)
            }
            _ => false,
        }
    }

    /// Writes a text that two values share exactly when they are equal as JSON Schema defines it.
    pub(super) fn write_canonical(&self, out: &mut String) {
        match self {
            Self::Null => out.push('n'),
            Self::Boolean(value) => out.push(if *value { 't' } else { 'f' }),
            Self::Number(number) => number.exact().write_canonical(out),
            Self::Text(text) => write_length_and_text(text, out),
            Self::List(list) => {
                out.push('[');
                for value in list {
                    value.write_canonical(out);
                    out.push(',');
                }
                out.push(']');
            }
            Self::Object(fields) => {
                let mut sorted: Vec<_> = fields.iter().collect();
                sorted.sort_unstable_by(|left, right| left.0.cmp(&right.0));
                out.push('{');
                for (name, value) in sorted {
                    write_length_and_text(name, out);
                    value.write_canonical(out);
                    out.push(',');
                }
                out.push('}');
            }
        }
    }
}

fn write_length_and_text(text: &str, out: &mut String) {
    out.push('"');
    out.push_str(&text.len().to_string());
    out.push(':');
    out.push_str(text);
}

impl<'t> Build<'t> for Tree<'t> {
    fn null() -> Self {
        Self::Null
    }

    fn boolean(value: bool) -> Self {
        Self::Boolean(value)
    }

    fn number(text: &'t str) -> Self {
        Self::Number(Numeral(text))
    }

    fn text(text: Cow<'t, str>) -> Self {
        Self::Text(text)
    }

    fn list(parts: Vec<Self>) -> Self {
        Self::List(parts)
    }

    fn object(fields: Vec<(Cow<'t, str>, Self)>) -> Self {
        Self::Object(TreeFields::from_list(fields))
    }
}

impl<'t> Numeral<'t> {
    pub(super) fn exact(self) -> Exact<'t> {
        Exact::from_text(self.0)
    }

    pub(super) fn to_parsed(self) -> Number {
        self.0
            .parse()
            .expect("the scanner lets only the syntax of a number through")
    }
}

/// The fields of an object, in order.
#[derive(Debug)]
pub(super) struct TreeFields<'t> {
    list: Vec<(Cow<'t, str>, Tree<'t>)>,
    /// Their positions, ordered by name: created when many of them are looked up. In a box, because most objects are
    /// small and have none.
    sorted: OnceCell<Box<Sorted>>,
}

#[derive(Debug)]
struct Sorted(Vec<u32>);

impl<'t> TreeFields<'t> {
    /// With at most this many fields, each is compared.
    const FEW: usize = 16;

    pub(super) fn from_list(list: Vec<(Cow<'t, str>, Tree<'t>)>) -> Self {
        Self {
            list,
            sorted: OnceCell::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, (Cow<'t, str>, Tree<'t>)> {
        self.list.iter()
    }

    /// Returns the field with this name. Looking up all fields takes time in proportion to their number.
    pub(super) fn get(&self, name: &str) -> Option<&Tree<'t>> {
        if self.list.len() <= Self::FEW {
            let mut fields = self.list.iter();
            return fields.find(|(field, _)| field == name).map(|(_, value)| value);
        }
        let name_at = |at: u32| self.list.get(at as usize).map_or("", |(field, _)| &**field);
        let sorted = self.sorted.get_or_init(|| {
            // A record has far fewer than four billion fields.
            let mut sorted: Vec<u32> = (0..).take(self.list.len()).collect();
            sorted.sort_by_key(|at| name_at(*at));
            Box::new(Sorted(sorted))
        });
        let found = sorted.0.partition_point(|at| name_at(*at) < name);
        let (field, value) = self.list.get(*sorted.0.get(found)? as usize)?;
        (field == name).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_wherever_it_stands() {
        for count in [0, 1, 16, 17, 300] {
            let text = (0..count).map(|at| format!("\"f{}\":{at}", at * 7 % count));
            let text = format!("{{{}}}", text.collect::<Vec<_>>().join(","));
            let tree = Tree::parse(&text).expect("JSON");
            let Tree::Object(fields) = tree else {
                unreachable!()
            };
            for at in 0..count {
                let value = fields.get(&format!("f{}", at * 7 % count));
                assert!(matches!(value, Some(Tree::Number(number)) if number.0 == at.to_string()));
            }
            assert!(fields.get("").is_none() && fields.get("f").is_none() && fields.get("g").is_none());
        }
    }
}

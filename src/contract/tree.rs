//! A document as the validator sees it: borrowed from the record's own text, numbers left as text.

use std::borrow::Cow;
use std::collections::HashSet;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity};
use serde_json::{Map, Number, Value as Parsed};

use super::fields::Fields;
use super::number::Exact;
use crate::record::{Document, Value};

/// Deeper than the door lets anything in; a document built in Rust may be deeper.
const DEPTH_LIMIT: usize = 256;

/// A JSON value, expanded once for one check.
#[derive(Debug)]
pub(super) enum Tree<'t> {
    Null,
    Boolean(bool),
    Number(Numeral<'t>),
    Text(Cow<'t, str>),
    List(Vec<Tree<'t>>),
    Object(Fields<'t>),
}

/// The text of a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numeral<'t>(pub(super) &'t str);

/// The text is not the JSON that the door lets in, or is nested too deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl<'t> Tree<'t> {
    /// The whole document.
    pub(super) fn of(document: &'t Document) -> Result<Self, Unreadable> {
        Self::of_object(document, DEPTH_LIMIT)
    }

    /// A JSON text without insignificant whitespace.
    pub(super) fn parse(json: &'t str) -> Result<Self, Unreadable> {
        Self::parse_within(json, DEPTH_LIMIT)
    }

    fn of_object(object: &'t Document, depth: usize) -> Result<Self, Unreadable> {
        let depth = depth.checked_sub(1).ok_or(Unreadable)?;
        // `collect` into a `Result` would not know how many there are.
        let mut fields = Vec::with_capacity(object.len());
        for field in object.fields() {
            fields.push((field.name(), Self::of_value(&field.value, depth)?));
        }
        Ok(Self::Object(Fields::of(fields)))
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
        let mut scanner = Scanner { json, at: 0 };
        let tree = scanner.value(depth)?;
        if scanner.at == json.len() {
            Ok(tree)
        } else {
            Err(Unreadable)
        }
    }

    /// How many values it is, itself included; of more than so many only that they are more.
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

    /// The same value for the schema compiler, numbers with their text.
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

    fn equals(&self, expected: &Parsed) -> bool {
        match (self, expected) {
            (Self::Null, Parsed::Null) => true,
            (Self::Boolean(left), Parsed::Bool(right)) => left == right,
            (Self::Number(left), Parsed::Number(right)) => left.exact() == Exact::of(right.as_str()),
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

    /// A text that two values share exactly when they are equal in the sense of JSON Schema.
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

/// Reads JSON that the door has validated; anything else is [`Unreadable`], never a panic.
struct Scanner<'t> {
    json: &'t str,
    at: usize,
}

impl<'t> Scanner<'t> {
    fn value(&mut self, depth: usize) -> Result<Tree<'t>, Unreadable> {
        match self.peek() {
            Some(b'{') => self.object(depth.checked_sub(1).ok_or(Unreadable)?),
            Some(b'[') => self.list(depth.checked_sub(1).ok_or(Unreadable)?),
            Some(b'"') => self.text().map(Tree::Text),
            Some(b'n') => self.word("null", Tree::Null),
            Some(b't') => self.word("true", Tree::Boolean(true)),
            Some(b'f') => self.word("false", Tree::Boolean(false)),
            _ => {
                let rest = &self.json[self.at..];
                let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}');
                let end = rest.as_bytes().iter().position(ends).unwrap_or(rest.len());
                self.at += end;
                is_number(&rest[..end])
                    .then(|| Tree::Number(Numeral(&rest[..end])))
                    .ok_or(Unreadable)
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Tree<'t>, Unreadable> {
        let mut fields = Vec::with_capacity(8);
        self.at += 1;
        while !self.skip(b'}') {
            if !fields.is_empty() && !self.skip(b',') {
                return Err(Unreadable);
            }
            let name = self.text()?;
            if !self.skip(b':') {
                return Err(Unreadable);
            }
            fields.push((name, self.value(depth)?));
        }
        Ok(Tree::Object(Fields::of(fields)))
    }

    fn list(&mut self, depth: usize) -> Result<Tree<'t>, Unreadable> {
        let mut list = Vec::new();
        self.at += 1;
        while !self.skip(b']') {
            if !list.is_empty() && !self.skip(b',') {
                return Err(Unreadable);
            }
            list.push(self.value(depth)?);
        }
        Ok(Tree::List(list))
    }

    fn text(&mut self) -> Result<Cow<'t, str>, Unreadable> {
        if self.peek() != Some(b'"') {
            return Err(Unreadable);
        }
        let start = self.at;
        let bytes = self.json.as_bytes();
        let (mut at, mut has_escape) = (start + 1, false);
        loop {
            let rest = bytes.get(at..).ok_or(Unreadable)?;
            at += rest
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\'))
                .ok_or(Unreadable)?;
            if bytes[at] == b'"' {
                break;
            }
            has_escape = true;
            at += 2;
        }
        self.at = at + 1;
        if has_escape {
            let text = serde_json::from_str(&self.json[start..=at]).map_err(|_| Unreadable)?;
            return Ok(Cow::Owned(text));
        }
        Ok(Cow::Borrowed(&self.json[start + 1..at]))
    }

    fn word(&mut self, word: &str, tree: Tree<'t>) -> Result<Tree<'t>, Unreadable> {
        if self.json[self.at..].starts_with(word) {
            self.at += word.len();
            return Ok(tree);
        }
        Err(Unreadable)
    }

    fn skip(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }
}

/// Whether the text has the syntax of a JSON number.
fn is_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    digits(whole) && (whole == "0" || !whole.starts_with('0')) && digits(fraction) && digits(exponent)
}

impl<'t> Numeral<'t> {
    pub(super) fn exact(self) -> Exact<'t> {
        Exact::of(self.0)
    }

    fn to_parsed(self) -> Number {
        self.0
            .parse()
            .expect("the scanner lets only the syntax of a number through")
    }
}

impl JsonNumber for Numeral<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// No float on any path of a value: whatever compares numbers does it by their text.
    fn as_f64(&self) -> Option<f64> {
        None
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn to_number(&self) -> Cow<'_, Number> {
        Cow::Owned(self.to_parsed())
    }

    fn is_integer(&self) -> bool {
        self.exact().is_whole()
    }
}

/// The representation that lets the validator read a [`Tree`] where it lies.
#[derive(Debug)]
pub(super) struct Borrowed;

impl Json for Borrowed {
    type Node<'a> = &'a Tree<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = ();

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl for<'a> FnOnce(&'a Tree<'a>) -> T) -> T {
        f(&Tree::Text(Cow::Borrowed(string)))
    }
}

impl<'a> Node<'a, Borrowed> for &'a Tree<'a> {
    type Object = &'a Fields<'a>;
    type Array = &'a [Tree<'a>];
    type Number = Numeral<'a>;

    fn as_object(&self) -> Option<Self::Object> {
        match self {
            Tree::Object(fields) => Some(fields),
            _ => None,
        }
    }

    fn as_array(&self) -> Option<Self::Array> {
        match self {
            Tree::List(list) => Some(list),
            _ => None,
        }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self {
            Tree::Text(text) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    fn as_number(&self) -> Option<Numeral<'a>> {
        match self {
            Tree::Number(number) => Some(*number),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self {
            Tree::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Tree::Null)
    }

    fn json_type(&self) -> JsonType {
        match self {
            Tree::Null => JsonType::Null,
            Tree::Boolean(_) => JsonType::Boolean,
            Tree::Number(_) => JsonType::Number,
            Tree::Text(_) => JsonType::String,
            Tree::List(_) => JsonType::Array,
            Tree::Object(_) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &Parsed) -> bool {
        self.equals(expected)
    }

    /// The validator asks for this only to put the value into an error, where no value of a record may stand.
    fn to_value(&self) -> Cow<'a, Parsed> {
        Cow::Owned(Parsed::Null)
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(std::ptr::from_ref::<Tree<'a>>(self) as usize))
    }
}

impl<'a> Array<'a, Borrowed> for &'a [Tree<'a>] {
    type Node = &'a Tree<'a>;
    type ElementsIter = std::slice::Iter<'a, Tree<'a>>;

    fn len(&self) -> usize {
        <[_]>::len(self)
    }

    fn elements(&self) -> Self::ElementsIter {
        self.iter()
    }

    fn is_unique(&self) -> bool {
        let mut seen = HashSet::with_capacity(<[_]>::len(self));
        self.iter().all(|value| {
            let mut text = String::new();
            value.write_canonical(&mut text);
            seen.insert(text)
        })
    }
}

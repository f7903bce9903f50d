//! Reading and writing a document at a path.

use std::borrow::Cow;
use std::ops::Range;

use super::admission::Malformed;
use super::scan;
use super::split::{LONG, elements, field_of, split_list};
use super::text::{Text, is_name};
use super::value::{Field, Kind, Object, Value};
use crate::path::{Path, Segment};

impl Object {
    /// Returns the value at a path without `[*]`; `None` where a step of the path is missing.
    #[must_use]
    pub fn at(&self, path: &Path) -> Option<Cow<'_, Value>> {
        let (first, rest) = path.segments().split_first()?;
        let Segment::Key(name) = first else { return None };
        rest.iter()
            .try_fold(Cow::Borrowed(self.get(name)?), |value, segment| match value {
                Cow::Borrowed(value) => step(value, segment),
                Cow::Owned(value) => step(&value, segment).map(|found| Cow::Owned(found.into_owned())),
            })
    }

    /// Returns the value at a path without `[*]`, for modification; expands the values along the path.
    pub fn at_mut(&mut self, path: &Path) -> Option<&mut Value> {
        self.reach(path.segments())
    }

    /// Removes the value at a path without `[*]`; its siblings keep their order.
    pub fn remove_at(&mut self, path: &Path) -> Option<Value> {
        self.at(path)?;
        if path.parents().is_empty() {
            let Segment::Key(name) = path.last() else {
                return None;
            };
            return self.remove(name);
        }
        let parent = self.reach(path.parents())?;
        match path.last() {
            Segment::Key(name) if parent.kind() == Kind::Object => parent.as_object_mut()?.remove(name),
            segment => {
                let at = index(segment)?;
                let list = parent.as_list_mut()?;
                (at < list.len()).then(|| list.remove(at))
            }
        }
    }

    /// Sets the value at a path without `[*]`: in place where it exists, otherwise at the end of its object. Creates
    /// missing objects along the path.
    ///
    /// # Errors
    /// [`Blocked`] when a step of the path is neither missing nor an object, or an element does not exist.
    pub fn set_at(&mut self, path: &Path, value: Value) -> Result<Option<Value>, Blocked> {
        put_in_object(self, path.segments(), value)
    }

    /// Returns every place that a path selects in this document, with `[*]` resolved into indices. A place is listed
    /// only when everything before its last segment exists; the last segment itself may be missing.
    #[must_use]
    pub fn places(&self, path: &Path) -> Vec<Path> {
        if !path.is_many() {
            return vec![path.clone()];
        }
        let mut places: Vec<Vec<Segment>> = vec![Vec::new()];
        for segment in path.segments() {
            if *segment != Segment::Each {
                for place in &mut places {
                    place.push(segment.clone());
                }
                continue;
            }
            places = places
                .into_iter()
                .flat_map(|place| {
                    let found = self.at(&Path::from_segments(place.clone()));
                    let count = found
                        .and_then(|value| value.as_list().map(|list| list.len()))
                        .unwrap_or(0);
                    (0..count).map(move |index| [place.clone(), vec![Segment::Index(index)]].concat())
                })
                .collect();
        }
        places.into_iter().map(Path::from_segments).collect()
    }

    fn reach(&mut self, segments: &[Segment]) -> Option<&mut Value> {
        let (first, rest) = segments.split_first()?;
        let Segment::Key(name) = first else { return None };
        rest.iter().try_fold(self.get_mut(name)?, step_mut)
    }
}

impl Value {
    /// Returns the value of a field, where this is an object; a `Raw` value is read only up to that field.
    pub(crate) fn field(&self, name: &str) -> Option<Value> {
        match self {
            Self::Object(object) => object.get(name).cloned(),
            Self::Raw(json) if self.kind() == Kind::Object => field_of(json, name).map(Self::Raw),
            _ => None,
        }
    }

    /// Calls `tell` with each element, where the value is a list, and returns their number.
    pub(crate) fn each_element(&self, tell: &mut dyn FnMut(&Value)) -> Option<usize> {
        match self {
            Self::List(list) => {
                list.iter().for_each(tell);
                Some(list.len())
            }
            Self::Raw(json) if self.kind() == Kind::List => Some(each_part(json, tell)),
            _ => None,
        }
    }
}

/// A step of a path is neither missing nor an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("something along the path is not an object")]
pub struct Blocked;

/// Sets a value below an object; creates missing objects along the path.
fn put_in_object(object: &mut Object, segments: &[Segment], value: Value) -> Result<Option<Value>, Blocked> {
    let Some((Segment::Key(name), rest)) = segments.split_first() else {
        return Err(Blocked);
    };
    if rest.is_empty() {
        return Ok(object.set(name, value));
    }
    if let Some(next) = object.get_mut(name) {
        return put(next, rest, value);
    }
    let mut made = Object::new();
    let old = put_in_object(&mut made, rest, value)?;
    object.fields_mut().push(Field::new(name, Value::Object(made)));
    Ok(old)
}

fn put(target: &mut Value, segments: &[Segment], value: Value) -> Result<Option<Value>, Blocked> {
    let Some((first, rest)) = segments.split_first() else {
        return Ok(Some(std::mem::replace(target, value)));
    };
    if let Some(object) = target.as_object_mut() {
        return put_in_object(object, segments, value);
    }
    let at = index(first).ok_or(Blocked)?;
    put(
        target
            .as_list_mut()
            .and_then(|list| list.get_mut(at))
            .ok_or(Blocked)?,
        rest,
        value,
    )
}

pub(super) fn index(segment: &Segment) -> Option<usize> {
    match segment {
        Segment::Index(index) => Some(*index),
        Segment::Key(digits) => digits.parse().ok(),
        Segment::Each => None,
    }
}

pub(super) fn step<'v>(value: &'v Value, segment: &Segment) -> Option<Cow<'v, Value>> {
    if let (Segment::Key(name), Value::Raw(json), Kind::Object) = (segment, value, value.kind()) {
        return field_of(json, name).map(|value| Cow::Owned(Value::Raw(value)));
    }
    if let (Segment::Key(name), Some(object)) = (segment, value.as_object()) {
        return match object {
            Cow::Borrowed(object) => object.get(name).map(Cow::Borrowed),
            Cow::Owned(object) => object.get(name).cloned().map(Cow::Owned),
        };
    }
    let at = index(segment)?;
    match value.as_list()? {
        Cow::Borrowed(list) => list.get(at).map(Cow::Borrowed),
        Cow::Owned(list) => list.get(at).cloned().map(Cow::Owned),
    }
}

fn step_mut<'v>(value: &'v mut Value, segment: &Segment) -> Option<&'v mut Value> {
    if let (Segment::Key(name), Kind::Object) = (segment, value.kind()) {
        return value.as_object_mut()?.get_mut(name);
    }
    let at = index(segment)?;
    value.as_list_mut()?.get_mut(at)
}

/// Calls `tell` with each element of a list's JSON text, reading a long one piece by piece; returns their number.
fn each_part(json: &Text, tell: &mut dyn FnMut(&Value)) -> usize {
    if json.len() > LONG {
        let parts = elements(json).map(|part| tell(&Value::Raw(json.slice_of(part))));
        return parts.count();
    }
    let list = split_list(json, Value::Raw);
    list.iter().for_each(tell);
    list.len()
}

/// Returns the value of a field of an admitted record; the text is read only up to that field.
///
/// # Errors
/// [`Malformed`] when the text is not a JSON object.
pub(crate) fn value_in(data: &str, name: &str) -> Result<Option<Value>, Malformed> {
    if let (true, Ok(found)) = (
        data.starts_with('{'),
        scan::field(data, |written| is_name(written, name)),
    ) {
        return Ok(found.map(|value| Value::Raw(Text::from(&data[value]))));
    }
    Object::parse(data).map(|object| object.get(name).cloned())
}

/// Finds the values of an admitted record's fields by their names, as ranges of the text, and stops at the last one. `false`
/// where the text has to be read as a document: a name in it has escapes. `found`: as many empty ranges as names; a range
/// stays empty where there is no such field.
pub(crate) fn members_in<N: AsRef<str>>(data: &str, names: &[N], found: &mut [Range<usize>]) -> bool {
    scan::members(data, names, found).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::split::each_field;
    use super::*;

    fn path(text: &str) -> Path {
        text.parse().unwrap()
    }

    #[test]
    fn reading_and_writing_at_a_path_touches_nothing_else() {
        let mut document = Object::parse(r#"{"a":{"x":1.50,"y":[{"p":"1.0"},{"p":2.00}]},"b":-0}"#).unwrap();
        assert_eq!(document.at(&path("a.y[1].p")).unwrap().as_number(), Some("2.00"));
        assert!(document.at(&path("a.q.p")).is_none());
        let places: Vec<String> = document
            .places(&path("a.y[*].p"))
            .iter()
            .map(Path::pointer)
            .collect();
        assert_eq!(places, ["/a/y/0/p", "/a/y/1/p"]);
        document.set_at(&path("a.y[1].p"), Value::integer(7)).unwrap();
        document.set_at(&path("c.d.e"), Value::boolean(true)).unwrap();
        assert_eq!(document.set_at(&path("b.d"), Value::null()), Err(Blocked));
        assert_eq!(
            document.remove_at(&path("a.y[0]")).unwrap().to_json(),
            r#"{"p":"1.0"}"#
        );
        assert_eq!(
            document.to_json(),
            r#"{"a":{"x":1.50,"y":[{"p":7}]},"b":-0,"c":{"d":{"e":true}}}"#
        );
    }

    #[test]
    fn parts_are_reported_one_by_one_as_they_are_split() {
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        for (count, inside) in [
            (0, "1"),
            (3, "\"a\\u002c]\""),
            (9_000, "{\"k\":[1,{}]}"),
            (300, deep.as_str()),
        ] {
            let list = format!("[{}]", vec![inside; count].join(","));
            assert_eq!(elements(&list).collect::<Vec<_>>(), vec![inside; count]);
            let mut described = Vec::new();
            let many = each_part(&Text::from(list.as_str()), &mut |part| {
                described.push(part.to_json());
            });
            assert_eq!((many, described), (count, vec![inside.to_owned(); count]));

            let fields: Vec<_> = (0..count).map(|at| (format!("\"n{at}\""), inside)).collect();
            let object: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("{name}:{value}"))
                .collect();
            let object = format!("{{{}}}", object.join(","));
            let mut described = Vec::new();
            each_field(&object, &mut |part| {
                described.push((part.name.to_owned(), part.value));
            })
            .unwrap();
            assert_eq!(described, fields);
            let name = format!("n{}", count.saturating_sub(1));
            let value = value_in(&object, &name).unwrap();
            assert_eq!(
                value.map(|value| value.to_json()),
                (count > 0).then(|| inside.to_owned())
            );
        }
        assert!(each_field("[1]", &mut |_| {}).is_none());
        assert!(value_in("[1]", "id").is_err());
    }
}

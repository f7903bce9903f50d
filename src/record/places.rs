//! Repeated lookups in one document: a stage may read a thousand fields of a record of a hundred thousand.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::access::step;
use super::names::HasName as _;
use super::split::{RawField, field_of, parts_of};
use super::text::{Text, is_name};
use super::{Document, Kind, Object, Value};
use crate::path::{Path, Segment};

/// An object with at most this many fields is searched.
const FEW: usize = 64;
/// A text of at most this many bytes is searched.
const SHORT: usize = 4 << 10;
/// An object is indexed after more than this many lookups.
const SELDOM: usize = 3;
/// The number of texts that are remembered.
const TEXTS: usize = 4;

/// Finds values by path, and remembers the positions of the fields of large objects. It verifies what it remembers of
/// an object that may have changed, so that one instance serves as long as a record is processed.
#[derive(Default)]
pub(crate) struct Places {
    /// Where the next field of a large object is expected: after the last one found.
    next: Cell<usize>,
    order: RefCell<FieldOrder>,
    texts: RefCell<Vec<FieldIndex>>,
}

/// The fields of an expanded object by the hashes of their names.
#[derive(Default)]
struct FieldOrder {
    /// Identifies the object, as far as possible.
    of: (usize, usize),
    asked: usize,
    places: Vec<(u32, u32)>,
}

/// The fields of an object's text, which never changes, by the hashes of their names.
struct FieldIndex {
    of: Text,
    asked: usize,
    places: Vec<FieldSlot>,
}

/// A field's name and value as ranges of its text.
struct FieldSlot {
    hash: u32,
    name: (u32, u32),
    value: (u32, u32),
}

impl Places {
    /// Returns the value at a path, as [`Object::at`] does.
    pub(crate) fn at<'d>(&self, document: &'d Document, path: &Path) -> Option<Cow<'d, Value>> {
        let (first, rest) = path.segments().split_first()?;
        let Segment::Key(name) = first else { return None };
        let mut found = Cow::Borrowed(self.get(document, name)?);
        for segment in rest {
            found = match found {
                Cow::Borrowed(value) => self.step(value, segment)?,
                Cow::Owned(value) => Cow::Owned(self.step(&value, segment)?.into_owned()),
            };
        }
        Some(found)
    }

    fn step<'v>(&self, value: &'v Value, segment: &Segment) -> Option<Cow<'v, Value>> {
        match (value, segment) {
            (Value::Object(object), Segment::Key(name)) => self.get(object, name).map(Cow::Borrowed),
            (Value::Raw(json), Segment::Key(name)) if json.len() > SHORT && value.kind() == Kind::Object => {
                self.within(json, name).map(Cow::Owned)
            }
            _ => step(value, segment),
        }
    }

    /// Returns the value of a field, as [`Object::get`] does.
    pub(crate) fn get<'o>(&self, object: &'o Object, name: &str) -> Option<&'o Value> {
        let fields = object.fields();
        if fields.len() <= FEW {
            return object.get(name);
        }
        let is_there = |at: &usize| fields.get(*at).is_some_and(|field| field.is(name));
        let next = Some(self.next.get()).filter(is_there);
        let at = next.or_else(|| self.ordered(object, name).filter(is_there));
        let at = at.or_else(|| object.position(name))?;
        self.next.set(at + 1);
        Some(&fields[at].value)
    }

    /// Returns the probable position of a field.
    fn ordered(&self, object: &Object, name: &str) -> Option<usize> {
        let mut order = self.order.borrow_mut();
        let fields = object.fields();
        let of = (fields.as_ptr() as usize, fields.len());
        if order.of != of {
            *order = FieldOrder {
                of,
                ..FieldOrder::default()
            };
        }
        order.asked += 1;
        if order.asked <= SELDOM {
            return None;
        }
        if order.places.is_empty() {
            let place =
                |(at, field): (usize, &super::Field)| Some((hash(&field.name()), u32::try_from(at).ok()?));
            order.places = fields.iter().enumerate().filter_map(place).collect();
            order.places.sort_unstable();
        }
        let hash = hash(name);
        let from = order.places.partition_point(|(other, _)| *other < hash);
        let same = order.places[from..]
            .iter()
            .take_while(|(other, _)| *other == hash);
        let mut same = same.map(|(_, at)| *at as usize);
        same.find(|at| fields.get(*at).is_some_and(|field| field.is(name)))
    }

    /// Returns the value of a field of an object's text.
    fn within(&self, json: &Text, name: &str) -> Option<Value> {
        let mut texts = self.texts.borrow_mut();
        let Some(at) = texts.iter().position(|fields| fields.of.is_same(json)) else {
            if texts.len() == TEXTS {
                texts.remove(0);
            }
            texts.push(FieldIndex {
                of: json.clone(),
                asked: 1,
                places: Vec::new(),
            });
            return field_of(json, name).map(Value::Raw);
        };
        let fields = &mut texts[at];
        fields.asked += 1;
        if fields.asked <= SELDOM {
            return field_of(json, name).map(Value::Raw);
        }
        if fields.places.is_empty() {
            fields.places = entries(json)?;
        }
        fields.find(name)
    }
}

impl FieldIndex {
    fn find(&self, name: &str) -> Option<Value> {
        let hash = hash(name);
        let from = self.places.partition_point(|entry| entry.hash < hash);
        let mut same = self.places[from..].iter().take_while(|entry| entry.hash == hash);
        let range = |(start, end): (u32, u32)| start as usize..end as usize;
        let is_it = |entry: &&FieldSlot| is_name(&self.of[range(entry.name)], name);
        let found = same.find(is_it)?;
        Some(Value::Raw(self.of.slice(range(found.value))))
    }
}

/// Returns the fields of an object's text, ordered by the hashes of their names, and fields with equal hashes in their
/// own order.
fn entries(json: &Text) -> Option<Vec<FieldSlot>> {
    let start = json.as_ptr() as usize;
    let range = |part: &str| {
        let from = part.as_ptr() as usize - start;
        Some((u32::try_from(from).ok()?, u32::try_from(from + part.len()).ok()?))
    };
    let entry = |part: RawField<'_>| {
        Some(FieldSlot {
            hash: hash(&part.name()),
            name: range(part.name)?,
            value: range(part.value)?,
        })
    };
    let mut entries: Vec<FieldSlot> = parts_of(json)?.into_iter().filter_map(entry).collect();
    entries.sort_unstable_by_key(|entry| (entry.hash, entry.name));
    Some(entries)
}

fn hash(name: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    // Half of the hash is enough: every match is compared.
    (hasher.finish() >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(count: usize) -> Document {
        let fields: Vec<String> = (0..count).map(|at| format!("\"f\\u0030{at}\":[{at}]")).collect();
        let fields = fields.join(",");
        Object::parse(&format!("{{\"o\":{{\"p\":{{{fields}}}}},{fields}}}")).unwrap()
    }

    #[test]
    fn a_place_is_found_as_by_looking_through_everything() {
        for count in [1, 64, 65, 1_000] {
            let (mut document, places) = (document(count), Places::default());
            for round in 0..3 {
                let order = (0..count)
                    .chain((0..count).rev())
                    .chain((0..count).map(|at| at * 7 % count));
                for at in order {
                    for prefix in ["", "o.p.", "o.", "o.p.x"] {
                        let path: Path = format!("{prefix}f0{at}").parse().unwrap();
                        assert_eq!(places.at(&document, &path), document.at(&path), "{path}");
                    }
                    let path: Path = format!("o.p.f0{at}[0]").parse().unwrap();
                    assert_eq!(places.at(&document, &path), document.at(&path), "{path}");
                }
                // The remembered positions are no longer valid.
                document.fields_mut().reverse();
                let changed: Path = if round == 0 { "o.p.f00" } else { "f00" }.parse().unwrap();
                document.set_at(&changed, Value::boolean(true)).unwrap();
                document.remove("f01");
            }
        }
    }

    #[test]
    fn very_many_places_take_a_time_in_proportion() {
        let (document, places) = (document(100_000), Places::default());
        let started = std::time::Instant::now();
        for at in (0..100_000).step_by(50) {
            for prefix in ["o.p.", ""] {
                let path: Path = format!("{prefix}f0{}", at * 7 % 100_000).parse().unwrap();
                assert!(places.at(&document, &path).is_some());
            }
        }
        assert!(
            started.elapsed().as_secs() < 5,
            "{} ms",
            started.elapsed().as_millis()
        );
    }
}

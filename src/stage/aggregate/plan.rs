//! How the values of a reading are found in its text, without a document.

use std::borrow::Cow;
use std::ops::Range;

use smallvec::SmallVec;

use crate::path::{Path, Segment};
use crate::record::members_in;

/// The values of a reading, before they are put together: of the groups, the time, then the measures.
pub(super) type Found<'r> = SmallVec<[Option<Cow<'r, str>>; 8]>;

/// How the values of a reading are found in its text, without a document: all of them are fields, or fields of fields.
#[derive(Debug)]
pub(super) struct ReadPlan {
    /// The fields of the record that are read, each once.
    names: Vec<Box<str>>,
    /// In the order of the paths.
    slots: Vec<Slot>,
}

/// Where a value is.
#[derive(Debug)]
struct Slot {
    /// Position among the names.
    name: usize,
    /// The names below.
    rest: Vec<Box<str>>,
}

impl ReadPlan {
    /// Returns the plan for these paths; `None` if a document is needed for one of them.
    pub(super) fn of<'p>(paths: impl Iterator<Item = &'p Path>) -> Option<Self> {
        let mut plan = Self {
            names: Vec::new(),
            slots: Vec::new(),
        };
        for path in paths {
            let keys = path.segments().iter().map(plain_key);
            let mut keys = keys.collect::<Option<Vec<Box<str>>>>()?.into_iter();
            let first = keys.next()?;
            let known = plan.names.iter().position(|name| *name == first);
            let name = known.unwrap_or_else(|| {
                plan.names.push(first);
                plan.names.len() - 1
            });
            plan.slots.push(Slot {
                name,
                rest: keys.collect(),
            });
        }
        Some(plan)
    }

    /// Returns the values, `None` for null; `None` if the record has to be read as a document.
    pub(super) fn values<'r>(&self, data: &'r str) -> Option<Found<'r>> {
        const MANY: usize = 16;
        let (mut few, mut many);
        let found: &mut [Range<usize>] = if self.names.len() <= MANY {
            few = [const { 0..0 }; MANY];
            &mut few[..self.names.len()]
        } else {
            many = vec![0..0; self.names.len()];
            &mut many
        };
        if !members_in(data, &self.names, found) {
            return None;
        }
        let mut values = Found::new();
        for slot in &self.slots {
            let mut json = data.get(found[slot.name].clone()).unwrap_or_default();
            for name in &slot.rest {
                if !json.starts_with('{') {
                    json = "";
                    break;
                }
                let mut place = 0..0;
                if !members_in(json, &[name], std::slice::from_mut(&mut place)) {
                    return None;
                }
                json = json.get(place).unwrap_or_default();
            }
            values.push((!json.is_empty() && json != "null").then_some(Cow::Borrowed(json)));
        }
        Some(values)
    }
}

/// Returns a name that JSON writes as it is. Digits may name an element of a list.
fn plain_key(segment: &Segment) -> Option<Box<str>> {
    let Segment::Key(name) = segment else { return None };
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    let is_index = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    (name.bytes().all(is_plain) && !is_index).then(|| name.as_str().into())
}

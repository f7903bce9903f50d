//! What few measures need: the values themselves, or some of them.

use std::collections::BTreeSet;

use super::bytes::{
    allocated, put_bytes, put_number, put_signed, put_some, take_byte, take_i64, take_length, take_some,
    take_text,
};
use super::key::Key;
use super::list::List;
use super::needs::Needs;
use super::own::Number;
use super::values::{TooMany, Values};
use crate::aggregate::exact::Exact;
use crate::aggregate::measure::Measure;

/// Values, as far as a measure needs them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    first: Option<Timed>,
    last: Option<Timed>,
    pub(super) values: Values,
    pub(super) distinct: Distinct,
    pub(super) list: List,
}

/// A value at its time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Timed {
    time: i64,
    json: String,
}

impl Timed {
    /// Takes the place of another value, in its memory.
    fn set(this: &mut Option<Self>, time: i64, json: &str) {
        let this = this.get_or_insert_with(|| Self {
            time,
            json: String::new(),
        });
        this.time = time;
        this.json.clear();
        this.json.push_str(json);
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_signed(out, self.time.into());
        put_bytes(out, self.json.as_bytes());
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self {
            time: take_i64(bytes)?,
            json: take_text(bytes)?.to_owned(),
        })
    }
}

impl Kept {
    /// Keeps a value if it is the first or last one. Of values of the same time the first is the one with the lowest number,
    /// the last the one with the highest; and values come in the order of their numbers.
    pub(super) fn times(&mut self, needs: Needs, time: i64, json: &str) {
        if needs.has(Needs::FIRST) && self.first.as_ref().is_none_or(|first| time < first.time) {
            Timed::set(&mut self.first, time, json);
        }
        if needs.has(Needs::LAST) && self.last.as_ref().is_none_or(|last| time >= last.time) {
            Timed::set(&mut self.last, time, json);
        }
    }

    pub(super) fn merge(&mut self, later: Self, exact: usize) {
        if let (Some(first), Some(other)) = (&mut self.first, later.first)
            && other.time < first.time
        {
            *first = other;
        }
        if let (Some(last), Some(other)) = (&mut self.last, later.last)
            && other.time >= last.time
        {
            *last = other;
        }
        self.values.merge(later.values, exact);
        self.distinct.merge(later.distinct, exact);
        self.list.merge(later.list, exact);
    }

    /// Returns the JSON text of the first value.
    pub(super) fn first(&self) -> Option<&str> {
        self.first.as_ref().map(|first| first.json.as_str())
    }

    /// Returns the JSON text of the last value.
    pub(super) fn last(&self) -> Option<&str> {
        self.last.as_ref().map(|last| last.json.as_str())
    }

    /// Returns the last number less the first one, as plain text.
    pub(super) fn delta(&self, texts: bool) -> Option<String> {
        let read = |json: &str| Number::read(texts, json).ok();
        let [first, last] =
            [read(self.first()?)?, read(self.last()?)?].map(|number| Exact::from(number.decimal));
        Some(last.minus(&first).text())
    }

    /// Returns about how many bytes it occupies, with itself.
    pub(super) fn bytes(&self) -> usize {
        let timed =
            |timed: &Option<Timed>| timed.as_ref().map_or(0, |timed| allocated(timed.json.capacity()));
        let ends = timed(&self.first) + timed(&self.last);
        allocated(size_of::<Self>()) + ends + self.values.bytes() + self.distinct.bytes() + self.list.bytes()
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_some(out, self.first.as_ref(), Timed::encode);
        put_some(out, self.last.as_ref(), Timed::encode);
        self.values.encode(out);
        self.distinct.encode(out);
        self.list.encode(out);
    }

    pub(super) fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self {
            first: take_some(bytes, Timed::decode)?,
            last: take_some(bytes, Timed::decode)?,
            values: Values::decode(bytes)?,
            distinct: Distinct::decode(bytes)?,
            list: List::decode(bytes)?,
        })
    }
}

/// The different values of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Distinct {
    /// With the bytes that they occupy.
    Keys(BTreeSet<Key>, usize),
    /// More than are kept, so none is.
    TooMany,
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Keys(BTreeSet::new(), 0)
    }
}

impl Distinct {
    pub(super) fn add(&mut self, measure: &Measure, json: &str) {
        if matches!(self, Self::TooMany) {
            return;
        }
        // Where texts are measured, decimals in strings are numbers.
        let number = if measure.texts {
            Number::read(true, json).ok()
        } else {
            None
        };
        let key = match number {
            Some(number) => Key::read(&Exact::from(number.decimal).text()),
            None => Key::read(json),
        };
        self.insert(key, measure.exact);
    }

    fn insert(&mut self, key: Key, exact: usize) {
        if let Self::Keys(keys, bytes) = self {
            let key_bytes = Self::bytes_of(&key);
            if keys.insert(key) {
                *bytes += key_bytes;
                if keys.len() > exact {
                    *self = Self::TooMany;
                }
            }
        }
    }

    /// Nodes of the tree are two thirds full.
    fn bytes_of(key: &Key) -> usize {
        key.bytes() + size_of::<Key>() * 3 / 2
    }

    fn merge(&mut self, other: Self, exact: usize) {
        match other {
            Self::Keys(keys, _) => keys.into_iter().for_each(|key| self.insert(key, exact)),
            Self::TooMany => *self = Self::TooMany,
        }
    }

    /// Returns how many different values there are.
    pub(super) fn count(&self) -> Result<usize, TooMany> {
        match self {
            Self::Keys(keys, _) => Ok(keys.len()),
            Self::TooMany => Err(TooMany),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Keys(_, bytes) => *bytes,
            Self::TooMany => 0,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let Self::Keys(keys, _) = self else {
            return out.push(1);
        };
        out.push(0);
        put_number(out, keys.len() as u128);
        for key in keys {
            key.encode(out);
        }
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        if take_byte(bytes)? != 0 {
            return Some(Self::TooMany);
        }
        let length = take_length(bytes)?;
        let keys: BTreeSet<Key> = (0..length).map(|_| Key::decode(bytes)).collect::<Option<_>>()?;
        let bytes = keys.iter().map(Self::bytes_of).sum();
        Some(Self::Keys(keys, bytes))
    }
}

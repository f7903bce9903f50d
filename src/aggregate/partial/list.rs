//! The values of a window, listed.

use super::bytes::{
    allocated, put_bytes, put_number, put_signed, put_some, take_byte, take_i64, take_length, take_some,
    take_text,
};
use super::key::Key;
use super::values::TooMany;
use crate::aggregate::measure::Order;
use crate::record::RecordNumber;

/// The values of a window, as they come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum List {
    /// With the bytes that the items occupy outside themselves.
    Items(Vec<Item>, usize),
    /// More than are kept, so none is.
    TooMany,
}

/// A value, with what it is ordered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    number: i64,
    time: i64,
    order: Option<Key>,
    json: Box<str>,
}

impl Default for List {
    fn default() -> Self {
        Self::Items(Vec::new(), 0)
    }
}

impl List {
    pub(super) fn add(
        &mut self,
        number: RecordNumber,
        time: i64,
        json: &str,
        order: Option<&str>,
        exact: usize,
    ) {
        match self {
            Self::Items(items, bytes) if items.len() < exact => {
                let item = Item {
                    number: number.get(),
                    time,
                    order: order.map(Key::read),
                    json: json.into(),
                };
                *bytes += item.bytes();
                items.push(item);
            }
            _ => *self = Self::TooMany,
        }
    }

    pub(super) fn merge(&mut self, other: Self, exact: usize) {
        match (&mut *self, other) {
            (Self::Items(items, bytes), Self::Items(mut more, more_bytes))
                if items.len() + more.len() <= exact =>
            {
                items.append(&mut more);
                *bytes += more_bytes;
            }
            _ => *self = Self::TooMany,
        }
    }

    /// Returns a JSON list.
    pub(super) fn json(&self, order: Order) -> Result<String, TooMany> {
        let Self::Items(items, _) = self else {
            return Err(TooMany);
        };
        let mut sorted: Vec<&Item> = items.iter().collect();
        match order {
            Order::Time => sorted.sort_by_key(|item| (item.time, item.number)),
            // What comes without a value to order by comes with null.
            Order::By => sorted.sort_by(|a, b| {
                let [x, y] = [a, b].map(|item| item.order.as_ref().unwrap_or(&Key::Null));
                x.cmp(y).then(a.number.cmp(&b.number))
            }),
        }
        let length: usize = sorted.iter().map(|item| item.json.len() + 1).sum();
        let mut json = String::with_capacity(length + 2);
        for item in sorted {
            json.push(if json.is_empty() { '[' } else { ',' });
            json.push_str(&item.json);
        }
        if json.is_empty() {
            json.push('[');
        }
        json.push(']');
        Ok(json)
    }

    /// Returns about how many bytes it occupies outside itself.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Items(items, bytes) => allocated(items.capacity() * size_of::<Item>()) + bytes,
            Self::TooMany => 0,
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let Self::Items(items, _) = self else {
            return out.push(1);
        };
        out.push(0);
        put_number(out, items.len() as u128);
        for item in items {
            put_signed(out, item.number.into());
            put_signed(out, item.time.into());
            put_some(out, item.order.as_ref(), Key::encode);
            put_bytes(out, item.json.as_bytes());
        }
    }

    pub(super) fn decode(bytes: &mut &[u8]) -> Option<Self> {
        if take_byte(bytes)? != 0 {
            return Some(Self::TooMany);
        }
        let length = take_length(bytes)?;
        let items: Vec<Item> = (0..length).map(|_| Item::decode(bytes)).collect::<Option<_>>()?;
        let bytes = items.iter().map(Item::bytes).sum();
        Some(Self::Items(items, bytes))
    }
}

impl Item {
    fn bytes(&self) -> usize {
        allocated(self.json.len()) + self.order.as_ref().map_or(0, Key::bytes)
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self {
            number: take_i64(bytes)?,
            time: take_i64(bytes)?,
            order: take_some(bytes, Key::decode)?,
            json: take_text(bytes)?.into(),
        })
    }
}

//! Sets of record numbers. Numbers follow each other for the most part, so that they are kept compressed: a million of them
//! are some kilobytes.

use roaring::RoaringTreemap;

/// A set of record numbers, ascending.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RecordSet(RoaringTreemap);

impl RecordSet {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn insert(&mut self, number: i64) {
        self.0.insert(number.cast_unsigned());
    }

    pub(crate) fn remove(&mut self, number: i64) {
        self.0.remove(number.cast_unsigned());
    }

    pub(crate) fn contains(&self, number: i64) -> bool {
        self.0.contains(number.cast_unsigned())
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        self.0.iter().map(u64::cast_signed)
    }
}

impl Extend<i64> for RecordSet {
    fn extend<I: IntoIterator<Item = i64>>(&mut self, numbers: I) {
        numbers.into_iter().for_each(|number| self.insert(number));
    }
}

impl FromIterator<i64> for RecordSet {
    fn from_iter<I: IntoIterator<Item = i64>>(numbers: I) -> Self {
        let mut set = Self::new();
        set.extend(numbers);
        set
    }
}

//! Sets of record numbers. Most numbers are consecutive, so the sets are compressed: a million numbers take some
//! kilobytes.

use roaring::RoaringTreemap;

use super::RecordNumber;

/// A set of record numbers, ascending.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RecordSet(RoaringTreemap);

impl RecordSet {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn insert(&mut self, number: RecordNumber) {
        self.0.insert(number.get().cast_unsigned());
    }

    pub(crate) fn remove(&mut self, number: RecordNumber) {
        self.0.remove(number.get().cast_unsigned());
    }

    pub(crate) fn contains(&self, number: RecordNumber) -> bool {
        self.0.contains(number.get().cast_unsigned())
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = RecordNumber> + '_ {
        self.0
            .iter()
            .map(|number| RecordNumber::new(number.cast_signed()))
    }
}

impl Extend<RecordNumber> for RecordSet {
    fn extend<I: IntoIterator<Item = RecordNumber>>(&mut self, numbers: I) {
        numbers.into_iter().for_each(|number| self.insert(number));
    }
}

impl FromIterator<RecordNumber> for RecordSet {
    fn from_iter<I: IntoIterator<Item = RecordNumber>>(numbers: I) -> Self {
        let mut set = Self::new();
        set.extend(numbers);
        set
    }
}

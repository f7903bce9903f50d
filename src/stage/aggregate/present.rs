//! Which of the paths that a stage reads have a value in any reading: one that none has is probably misspelt.

use std::borrow::Cow;

use super::compiled::{Aggregate, From};
use crate::path::Path;

/// The places of values that are there, a bit for each, in the order in which a reading is read. What does not fit is not
/// watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Present(u64);

impl Present {
    /// Of these values, of which null is `None`.
    #[inline]
    pub(super) fn of(values: &[Option<Cow<'_, str>>]) -> Self {
        let values = values.iter().take(64).enumerate();
        Self(values.fold(0, |all, (at, value)| all | u64::from(value.is_some()) << at))
    }

    /// Adds those of other readings.
    #[inline]
    pub(crate) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    fn has(self, at: usize) -> bool {
        at >= 64 || self.0 & (1 << at) != 0
    }
}

impl Aggregate {
    /// Returns the paths of the groups and of the measures at which no reading has a value, each once.
    pub(crate) fn absent(&self, present: Present) -> Vec<&Path> {
        let by = self.by.iter().map(|field| match &field.from {
            From::Path(path) => Some(path),
            From::Expression(_) => None,
        });
        // A reading without a time is refused.
        let time = self.windowing.iter().map(|_| None);
        let of_measures = self.measures.iter().flat_map(|field| field.of.paths());
        let paths = by.chain(time).chain(of_measures.map(Some)).enumerate();
        let mut absent = Vec::new();
        for (_, path) in paths.filter(|(at, _)| !present.has(*at)) {
            if let Some(path) = path.filter(|path| !absent.contains(path)) {
                absent.push(path);
            }
        }
        absent
    }
}

//! Why two members are not compared: what each key says of them.

use super::{Blocks, keys_of, parts};
use crate::matching::features::Features;
use crate::matching::settings::Settings;

/// Why a key does not bring two members together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Apart {
    /// One of the two has no value for a part of it.
    Absent,
    /// They differ in it.
    Differ,
    /// They agree in it, as do so many others that their block was divided by further parts, or dropped.
    Large,
}

impl Blocks {
    /// Returns whether two members are compared: they agree in a key.
    pub(crate) fn compare(&self, one: usize, other: usize) -> bool {
        self.agree_before(self.hashes.len(), one, other)
    }

    /// Returns the keys, by name, with why each does not bring two members together that are not compared.
    pub(crate) fn apart(
        &self,
        features: &Features,
        settings: &Settings,
        (one, other): (usize, usize),
    ) -> Vec<(&str, Apart)> {
        let keys = keys_of(settings);
        let why = keys.iter().zip(&self.keys).map(|(key, figures)| {
            let (mut absent, mut differ) = (false, false);
            for &part in &key.parts {
                let hashes = parts::hashes(features, part);
                let (one, other) = (hashes[one], hashes[other]);
                absent |= one == 0 || other == 0;
                differ |= one != other;
            }
            let why = match (absent, differ) {
                (true, _) => Apart::Absent,
                (_, true) => Apart::Differ,
                _ => Apart::Large,
            };
            (figures.name.as_str(), why)
        });
        why.collect()
    }
}

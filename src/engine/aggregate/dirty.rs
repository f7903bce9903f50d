//! The windows that an increment makes again: those that a written reading is in now, or was in when the stage read it.

use std::collections::{BTreeMap, HashMap};

use super::keys::WindowKey;
use crate::record::RecordNumber;

/// The windows that are made again.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    pub(super) groups: HashMap<Box<str>, DirtyGroup>,
}

/// Those of one group.
#[derive(Debug, Default)]
pub(super) struct DirtyGroup {
    /// By their beginnings; the number of each that stands, or stands refused.
    pub(super) starts: BTreeMap<i64, Option<RecordNumber>>,
}

impl Dirty {
    pub(super) fn add(&mut self, key: &WindowKey, number: Option<RecordNumber>) {
        let group = self.groups.entry(key.group.clone()).or_default();
        group.starts.insert(key.start, number);
    }

    /// Returns whether a window is made again.
    pub(super) fn has(&self, group: &str, start: i64) -> bool {
        self.groups
            .get(group)
            .is_some_and(|group| group.starts.contains_key(&start))
    }

    /// Returns the groups, in order.
    pub(super) fn groups(self) -> Vec<(Box<str>, DirtyGroup)> {
        let mut groups: Vec<_> = self.groups.into_iter().collect();
        groups.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        groups
    }
}

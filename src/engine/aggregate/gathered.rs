//! All windows of a pass while its readings are gathered: in memory as long as they fit, else as sorted parts in a temporary
//! file, which are put together again at the end. It is the windows that are sorted, never the readings.

use std::collections::{BTreeMap, HashMap};

use super::keys::WindowKey;
use super::sorted::{Sorted, Sorting};
use super::window::Window;
use crate::error::{Error, Result};
use crate::stage::Aggregate;

/// Bytes of memory for a window in the table, in addition to its own.
const WINDOW_BYTES: usize = 64;
/// Bytes of memory for a group in the table, in addition to its text.
const GROUP_BYTES: usize = 300;

/// The windows of one group, by their beginnings.
type OfGroup = BTreeMap<i64, Box<Window>>;

/// The windows so far.
#[derive(Debug)]
pub(super) struct Gathering<'a> {
    aggregate: &'a Aggregate,
    groups: HashMap<Box<str>, OfGroup>,
    bytes: usize,
    limit: usize,
    spilled: Option<Sorting>,
}

impl<'a> Gathering<'a> {
    /// Begins with at most so many bytes in memory.
    pub(super) fn within(aggregate: &'a Aggregate, limit: usize) -> Self {
        Self {
            aggregate,
            groups: HashMap::new(),
            bytes: 0,
            limit,
            spilled: None,
        }
    }

    /// Adds the windows of a block, which come in the order of the blocks.
    pub(super) fn add(&mut self, windows: Vec<(WindowKey, Window)>) -> Result<()> {
        for (key, window) in windows {
            if !self.groups.contains_key(&*key.group) {
                self.bytes += GROUP_BYTES + key.group.len();
            }
            let group = self.groups.entry(key.group).or_default();
            if let Some(earlier) = group.get_mut(&key.start) {
                let before = earlier.bytes();
                earlier.merge(self.aggregate.measures(), window);
                self.bytes = self.bytes + earlier.bytes() - before;
            } else {
                self.bytes += WINDOW_BYTES + window.bytes();
                group.insert(key.start, Box::new(window));
            }
        }
        if self.bytes > self.limit {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<()> {
        let spilled = self.spilled.get_or_insert_with(|| Sorting::within(0));
        for (group, windows) in self.groups.drain() {
            for (start, window) in windows {
                spilled.add(WindowKey::by_group(&group, start), window.encode())?;
            }
        }
        self.bytes = 0;
        Ok(())
    }

    /// Ends: the windows come by group and beginning.
    pub(super) fn gathered(mut self) -> Result<Gathered<'a>> {
        if self.spilled.is_some() {
            self.spill()?;
        }
        let windows = if let Some(spilled) = self.spilled {
            Windows::Spilled(spilled.sorted()?)
        } else {
            let mut groups: Vec<_> = self.groups.into_iter().collect();
            groups.sort_unstable_by(|a, b| b.0.cmp(&a.0));
            Windows::Held {
                groups,
                group: Box::default(),
                rest: BTreeMap::new().into_iter(),
            }
        };
        Ok(Gathered {
            aggregate: self.aggregate,
            windows,
        })
    }
}

/// The windows of a pass, by group and beginning.
#[derive(Debug)]
pub(super) struct Gathered<'a> {
    aggregate: &'a Aggregate,
    windows: Windows,
}

#[derive(Debug)]
enum Windows {
    Held {
        /// The groups that are left, the last one first.
        groups: Vec<(Box<str>, OfGroup)>,
        group: Box<str>,
        rest: std::collections::btree_map::IntoIter<i64, Box<Window>>,
    },
    Spilled(Sorted),
}

impl Gathered<'_> {
    /// Returns the next window.
    pub(super) fn next(&mut self) -> Result<Option<(WindowKey, Window)>> {
        match &mut self.windows {
            Windows::Held { groups, group, rest } => loop {
                if let Some((start, window)) = rest.next() {
                    return Ok(Some((WindowKey::new(group, start), *window)));
                }
                let Some((next, windows)) = groups.pop() else {
                    return Ok(None);
                };
                (*group, *rest) = (next, windows.into_iter());
            },
            Windows::Spilled(sorted) => {
                let Some((key, bytes)) = sorted.next()? else {
                    return Ok(None);
                };
                let mut window = decoded(&bytes)?;
                while sorted.peek()? == Some(&key) {
                    if let Some((_, later)) = sorted.next()? {
                        window.merge(self.aggregate.measures(), decoded(&later)?);
                    }
                }
                let key = WindowKey::from_group(&key).ok_or_else(lost)?;
                Ok(Some((key, window)))
            }
        }
    }
}

fn decoded(bytes: &[u8]) -> Result<Window> {
    Window::decode(bytes).ok_or_else(lost)
}

/// The temporary file does not hold what was written to it.
pub(super) fn lost() -> Error {
    Error::Damaged {
        what: "a temporary file was changed while it was used".to_owned(),
    }
}

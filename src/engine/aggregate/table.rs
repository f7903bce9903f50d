//! Windows in memory, by group and beginning.

use std::collections::HashMap;

/// Bytes of memory for a window, in addition to what is kept of it.
const WINDOW_BYTES: usize = 64;
/// Bytes of memory for a group, in addition to its text.
const GROUP_BYTES: usize = 80;

/// The number of a group in a table, and the beginning of a window.
type Key = (usize, i64);

/// What is kept of windows, by their groups and beginnings.
#[derive(Debug)]
pub(super) struct WindowTable<T> {
    /// The groups by their texts.
    groups: HashMap<Box<str>, usize>,
    places: HashMap<Key, usize>,
    windows: Vec<(Key, T)>,
}

impl<T> Default for WindowTable<T> {
    fn default() -> Self {
        Self {
            groups: HashMap::new(),
            places: HashMap::new(),
            windows: Vec::new(),
        }
    }
}

impl<T> WindowTable<T> {
    fn place(&self, group: &str, start: i64) -> Option<usize> {
        let group = self.groups.get(group)?;
        self.places.get(&(*group, start)).copied()
    }

    /// Returns what is kept of a window.
    pub(super) fn get(&mut self, group: &str, start: i64) -> Option<&mut T> {
        let place = self.place(group, start)?;
        Some(&mut self.windows[place].1)
    }

    /// Adds a window that it does not have, and returns how many bytes it occupies in addition to the window's own.
    pub(super) fn insert(&mut self, group: &str, start: i64, window: T) -> usize {
        let known = self.groups.get(group).copied();
        let number = known.unwrap_or_else(|| {
            let number = self.groups.len();
            self.groups.insert(group.into(), number);
            number
        });
        let key = (number, start);
        self.places.insert(key, self.windows.len());
        self.windows.push((key, window));
        WINDOW_BYTES + known.map_or(GROUP_BYTES + group.len(), |_| 0)
    }

    /// Returns what is kept of a window, which is made if it does not have it.
    pub(super) fn get_or_insert(&mut self, group: &str, start: i64, new: impl FnOnce() -> T) -> &mut T {
        let place = self.place(group, start).unwrap_or_else(|| {
            self.insert(group, start, new());
            self.windows.len() - 1
        });
        &mut self.windows[place].1
    }

    /// Returns the number of windows.
    pub(super) fn len(&self) -> usize {
        self.windows.len()
    }

    /// Takes all windows out, in the order in which they came.
    pub(super) fn take(&mut self) -> Windows<T> {
        self.places.clear();
        let groups = std::mem::take(&mut self.groups);
        let mut names = vec![Box::default(); groups.len()];
        for (name, group) in groups {
            names[group] = name;
        }
        Windows {
            names,
            windows: std::mem::take(&mut self.windows).into_iter(),
        }
    }
}

/// Windows that were taken out of a table.
#[derive(Debug)]
pub(super) struct Windows<T> {
    names: Vec<Box<str>>,
    windows: std::vec::IntoIter<(Key, T)>,
}

impl<T> Windows<T> {
    /// Returns the number of windows that are left.
    pub(super) fn len(&self) -> usize {
        self.windows.len()
    }

    /// Returns the next window, with its group and its beginning.
    pub(super) fn next(&mut self) -> Option<(&str, i64, T)> {
        let ((group, start), window) = self.windows.next()?;
        Some((&self.names[group], start, window))
    }

    /// Changes what is kept of each.
    pub(super) fn map<U>(self, change: impl Fn(T) -> U) -> Windows<U> {
        let windows = self.windows.map(|(key, window)| (key, change(window)));
        Windows {
            names: self.names,
            windows: windows.collect::<Vec<_>>().into_iter(),
        }
    }

    /// Sorts them by group, as text, and beginning.
    pub(super) fn sorted(self) -> Self {
        let names = self.names;
        let mut by_name: Vec<usize> = (0..names.len()).collect();
        by_name.sort_unstable_by(|a, b| names[*a].cmp(&names[*b]));
        let mut ranks = vec![0; names.len()];
        for (rank, group) in by_name.into_iter().enumerate() {
            ranks[group] = rank;
        }
        let mut windows: Vec<_> = self.windows.collect();
        windows.sort_unstable_by_key(|((group, start), _)| (ranks[*group], *start));
        Self {
            names,
            windows: windows.into_iter(),
        }
    }
}

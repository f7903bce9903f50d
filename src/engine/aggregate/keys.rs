//! What a window is sorted by: first by group and beginning, for what follows from one window to the next; then by
//! beginning and group, as windows are written.

use crate::record::RecordNumber;

/// The beginning of the year 1, in microseconds since 1970 UTC.
const FIRST: i64 = -62_135_596_800_000_000;

/// A window by its group, as text, and its beginning.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct WindowKey {
    pub(super) group: Box<str>,
    pub(super) start: i64,
}

/// Bytes in the order of the numbers.
fn ordered(start: i64) -> [u8; 8] {
    (start.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

fn number(bytes: [u8; 8]) -> i64 {
    (u64::from_be_bytes(bytes) ^ (1 << 63)).cast_signed()
}

impl WindowKey {
    pub(super) fn new(group: &str, start: i64) -> Self {
        Self {
            group: group.into(),
            start,
        }
    }

    /// Makes the key of a row that is no window of any group: it comes before all windows.
    pub(super) fn of_number(number: RecordNumber) -> Self {
        Self::new(&format!("\"{number}\""), FIRST)
    }

    /// Returns bytes in the order of the groups, then of the beginnings. The text of a group contains no NUL.
    pub(super) fn by_group(group: &str, start: i64) -> Vec<u8> {
        [group.as_bytes(), &[0], &ordered(start)].concat()
    }

    /// Reads what [`by_group`](Self::by_group) has made.
    pub(super) fn from_group(bytes: &[u8]) -> Option<Self> {
        let (rest, start) = bytes.split_last_chunk::<8>()?;
        let (_, group) = rest.split_last()?;
        Some(Self::new(std::str::from_utf8(group).ok()?, number(*start)))
    }

    /// Returns bytes in the order of the beginnings, then of the groups.
    pub(super) fn by_time(&self) -> Vec<u8> {
        [&ordered(self.start)[..], self.group.as_bytes()].concat()
    }

    /// Reads what [`by_time`](Self::by_time) has made.
    pub(super) fn from_time(bytes: &[u8]) -> Option<Self> {
        let (start, group) = bytes.split_first_chunk::<8>()?;
        Some(Self::new(std::str::from_utf8(group).ok()?, number(*start)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_in_the_order_of_what_they_say() {
        let keys = [("[10]", -9), ("[1]", -5), ("[1]", 3), ("[2]", 0)]
            .map(|(group, start)| WindowKey::new(group, start));
        for pair in keys.windows(2) {
            let bytes = [&pair[0], &pair[1]].map(|key| WindowKey::by_group(&key.group, key.start));
            assert!(bytes[0] < bytes[1]);
        }
        let mut by_time = keys.to_vec();
        by_time.sort_by_key(WindowKey::by_time);
        assert!(by_time.is_sorted_by_key(|key| (key.start, key.group.clone())));
        for key in keys {
            assert_eq!(WindowKey::from_time(&key.by_time()), Some(key.clone()));
            assert_eq!(
                WindowKey::from_group(&WindowKey::by_group(&key.group, key.start)),
                Some(key)
            );
        }
    }
}

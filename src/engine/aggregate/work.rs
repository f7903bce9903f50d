//! The windows that a pass still has to write.

use std::collections::VecDeque;

use super::finished::{Finished, InOrder};
use super::keys::WindowKey;
use super::resumed::Resumed;
use super::standing::RefusedWindows;
use crate::digest::Hash;
use crate::error::Result;
use crate::record::RecordNumber;

/// The windows that are still to be written.
#[derive(Debug)]
pub(super) struct Work {
    windows: InOrder,
    pub(super) refused: RefusedWindows,
    /// The last window that is written already.
    reached: Option<WindowKey>,
    /// Refused readings that can be counted now, but in windows that are held back; each with its commitment.
    held: VecDeque<(RecordNumber, Hash)>,
    /// The resume point after the last window.
    pub(super) cursor: Option<String>,
}

impl Work {
    pub(super) fn new(
        windows: InOrder,
        refused: RefusedWindows,
        mut held: Vec<(RecordNumber, Hash)>,
        resumed: &Resumed,
    ) -> Self {
        held.sort_unstable_by_key(|(reading, _)| *reading);
        Self {
            windows,
            refused,
            reached: resumed.reached(),
            held: held.into(),
            cursor: resumed.cursor(),
        }
    }

    /// Returns the next reading that is held back. They come after all windows.
    pub(super) fn next_held(&mut self) -> Option<(RecordNumber, Hash)> {
        self.held.pop_front()
    }

    /// Returns the next windows, at most so many.
    pub(super) fn next(&mut self, most: usize) -> Result<Vec<(WindowKey, Vec<Finished>)>> {
        let mut windows = Vec::new();
        while windows.len() < most
            && let Some((key, all)) = self.windows.next()?
        {
            let is_written = |reached: &WindowKey| (key.start, &key.group) <= (reached.start, &reached.group);
            if !self.reached.as_ref().is_some_and(is_written) {
                windows.push((key, all));
            }
        }
        Ok(windows)
    }
}

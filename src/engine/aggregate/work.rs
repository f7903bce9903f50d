//! The windows that a pass still has to write.

use super::finished::{Finished, InOrder};
use super::keys::WindowKey;
use super::standing::RefusedWindows;
use crate::error::Result;

/// The windows that are still to be written.
#[derive(Debug)]
pub(super) struct Work {
    windows: InOrder,
    pub(super) refused: RefusedWindows,
    /// The last window that is written already.
    reached: Option<WindowKey>,
}

impl Work {
    pub(super) fn new(windows: InOrder, refused: RefusedWindows, reached: Option<WindowKey>) -> Self {
        Self {
            windows,
            refused,
            reached,
        }
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

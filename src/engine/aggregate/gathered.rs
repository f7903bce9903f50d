//! All windows of a pass while its readings are gathered: in memory as long as they fit, else as sorted parts in a temporary
//! file, which are put together again at the end. It is the windows that are sorted, never the readings.

use super::bytes::lost;
use super::keys::WindowKey;
use super::runs::{Merged, Runs};
use super::table::{WindowTable, Windows};
use super::window::Window;
use crate::error::Result;
use crate::stage::Aggregate;

/// The windows so far.
#[derive(Debug)]
pub(super) struct Gathering<'a> {
    aggregate: &'a Aggregate,
    held: WindowTable<Window>,
    bytes: usize,
    limit: usize,
    spilled: Option<Runs>,
}

impl<'a> Gathering<'a> {
    /// Begins with at most so many bytes in memory.
    pub(super) fn within(aggregate: &'a Aggregate, limit: usize) -> Self {
        Self {
            aggregate,
            held: WindowTable::default(),
            bytes: 0,
            limit,
            spilled: None,
        }
    }

    /// Adds the windows of a block, which come in the order of the blocks.
    pub(super) fn add(&mut self, mut block: Windows<Window>) -> Result<()> {
        while let Some((group, start, window)) = block.next() {
            if let Some(earlier) = self.held.get(group, start) {
                let before = earlier.bytes();
                earlier.merge(self.aggregate.measures(), window);
                self.bytes = self.bytes + earlier.bytes() - before;
            } else {
                self.bytes += window.bytes();
                self.bytes += self.held.insert(group, start, window);
            }
            if self.bytes > self.limit {
                self.spill()?;
            }
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<()> {
        if self.spilled.is_none() {
            self.spilled = Some(Runs::of(self.limit)?);
        }
        let Some(spilled) = &mut self.spilled else {
            return Ok(());
        };
        let (mut windows, mut run) = (self.held.take().sorted(), spilled.begin());
        while let Some((group, start, window)) = windows.next() {
            run.add(&WindowKey::by_group(group, start), &window.encode())?;
        }
        self.bytes = 0;
        run.end()
    }

    /// Ends: the windows come by group and beginning.
    pub(super) fn gathered(mut self) -> Result<Gathered<'a>> {
        if self.spilled.is_some() {
            self.spill()?;
        }
        let windows = match self.spilled {
            Some(spilled) => InOrder::Spilled(spilled.merged()?),
            None => InOrder::Held(self.held.take().sorted()),
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
    windows: InOrder,
}

#[derive(Debug)]
enum InOrder {
    Held(Windows<Window>),
    Spilled(Merged),
}

impl Gathered<'_> {
    /// Returns the next window.
    pub(super) fn next(&mut self) -> Result<Option<(WindowKey, Window)>> {
        match &mut self.windows {
            InOrder::Held(windows) => {
                let next = windows.next();
                Ok(next.map(|(group, start, window)| (WindowKey::new(group, start), window)))
            }
            InOrder::Spilled(merged) => {
                let Some((key, bytes)) = merged.next()? else {
                    return Ok(None);
                };
                let mut window = decoded(&bytes)?;
                while merged.peek() == Some(&key) {
                    if let Some((_, later)) = merged.next()? {
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

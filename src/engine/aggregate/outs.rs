//! The entries of readings that are in no window: refused, or left out.

use std::collections::VecDeque;

use super::judge::{Out, Why, hash_of};
use super::resumed::Resumed;
use crate::digest::Hash;
use crate::engine::fate::reason;
use crate::error::Result;
use crate::ledger::{Batch, BatchKind, Entry, EntryOutcome, Image, ImageKind, whole};
use crate::record::RecordNumber;

/// Entries that are still to be written, in the order of the readings.
#[derive(Debug, Default)]
pub(super) struct Outs {
    waiting: VecDeque<Waiting>,
    /// Bytes of their images.
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    entry: Entry,
    image: Option<Image>,
    halts: bool,
    /// Whether the reading is gone: such entries come last.
    is_gone: bool,
}

/// Makes the entry of a reading that is refused no more, but not counted yet either, because its window is held back.
pub(super) fn held(reading: RecordNumber, commitment: Hash) -> Entry {
    let mut entry = Entry::new(reading, 0, EntryOutcome::Filtered);
    (entry.input, entry.reason) = (Some(commitment), Some(reason("aggregate.held", None)));
    entry
}

impl Outs {
    /// Adds a reading.
    pub(super) fn add(&mut self, out: Out) -> Result<()> {
        let Out { source, why } = out;
        let number = source.record.number;
        let input = Some(hash_of(&source)?);
        let waiting = match why {
            Why::Refused(refusal) => {
                let mut entry = Entry::new(number, 0, EntryOutcome::Refused);
                (entry.input, entry.reason) = (input, Some(refusal.to_json()));
                let body = whole(&source.record.id, &source.record.data);
                let image = Image {
                    record: number,
                    part: 0,
                    kind: ImageKind::Refused,
                    body,
                };
                Waiting {
                    entry,
                    image: Some(image),
                    halts: refusal.halts,
                    is_gone: false,
                }
            }
            Why::Filtered(code) => {
                let mut entry = Entry::new(number, 0, EntryOutcome::Filtered);
                (entry.input, entry.reason) = (input, Some(reason(code, None)));
                Waiting {
                    entry,
                    image: None,
                    halts: false,
                    is_gone: false,
                }
            }
        };
        self.bytes += waiting.image.as_ref().map_or(0, |image| image.body.len());
        self.waiting.push_back(waiting);
        Ok(())
    }

    /// Adds a reading that is no longer there.
    pub(super) fn add_deleted(&mut self, number: RecordNumber) {
        let mut entry = Entry::new(number, 0, EntryOutcome::Filtered);
        entry.reason = Some(reason("source.deleted", None));
        self.waiting.push_back(Waiting {
            entry,
            image: None,
            halts: false,
            is_gone: true,
        });
    }

    /// Returns the batch of the next ones; `None` if they do not fill one, and there may be `more` of them: where a batch ends
    /// must not depend on how much is read at a time.
    pub(super) fn next_batch(&mut self, most: usize, bytes: usize, more: bool) -> Option<Batch> {
        if more && self.waiting.len() < most && self.bytes < bytes {
            return None;
        }
        let mut batch = Batch::new(BatchKind::Data);
        let mut scanned = None;
        let mut size = 0;
        while batch.entries.len() < most && size < bytes {
            let is_gone = self.waiting.front()?.is_gone;
            if scanned.is_some() && is_gone != self.waiting.front().is_some_and(|next| next.is_gone) {
                break;
            }
            let Some(next) = self.waiting.pop_front() else {
                break;
            };
            scanned = Some((next.entry.record, next.is_gone));
            batch.halts |= next.halts;
            let image = next.image.as_ref().map_or(0, |image| image.body.len());
            size += image;
            self.bytes -= image;
            batch.images.extend(next.image);
            batch.add(next.entry);
            if self.waiting.is_empty() {
                break;
            }
        }
        let (number, is_gone) = scanned?;
        batch.cursor = Some(Resumed::after_reading(number, is_gone));
        Some(batch)
    }
}

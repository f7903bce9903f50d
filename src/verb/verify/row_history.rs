//! The history of each row by its entries, number by number. Every large pass wrote its entries in that order already,
//! and is read as stored, so memory use is constant.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rusqlite::Connection;

use crate::digest::{Salt, commitment};
use crate::error::Result as Fallible;
use crate::ledger::row_entries::{Lane, RowEvent};
use crate::ledger::{ImageKind, apply_patch, before_image, row_in};
use crate::record::{BatchId, PassId, RecordNumber};

/// Entries of a number, oldest first, and the first batch that did not find what the entry before it left.
pub(super) struct RowHistory {
    pub(super) entries: Vec<RowEvent>,
    pub(super) broken: Option<BatchId>,
}

impl RowHistory {
    pub(super) fn newest(&self) -> &RowEvent {
        self.entries.last().expect("a story begins with an entry")
    }

    /// Returns whether the record's number was assigned here; otherwise it came with a copy.
    pub(super) fn is_birth(&self) -> bool {
        self.entries.first().is_some_and(|recorded| recorded.born)
    }

    /// Returns whether its number was assigned before there was a row.
    pub(super) fn begins_without_row(&self) -> bool {
        self.entries
            .first()
            .is_some_and(|recorded| recorded.before.is_none() && recorded.after.is_none())
    }

    /// Returns the first batch that has no image of what it changed.
    pub(super) fn without_image(&self) -> Option<BatchId> {
        let lacks = |recorded: &&RowEvent| {
            recorded.keeps
                && recorded.image.is_none()
                && recorded.before.is_some()
                && recorded.before != recorded.after
        };
        self.entries.iter().find(lacks).map(|recorded| recorded.batch)
    }

    /// Goes back from the current row, image by image, to its first version. Returns `Err` with the batch whose image
    /// does not match what its entry found, `Ok(None)` when the images do not reach that far. (Whole images are
    /// verified separately.)
    pub(super) fn first_version(
        &self,
        salt: &Salt,
        row: Option<Version>,
        connection: &Connection,
    ) -> Fallible<Result<Option<Version>, BatchId>> {
        let mut version = row;
        for recorded in self
            .entries
            .iter()
            .skip(1)
            .rev()
            .filter(|recorded| recorded.before != recorded.after)
        {
            version = match &recorded.image {
                // A patch cannot be applied to a row that is gone.
                Some((ImageKind::Patch, _)) if recorded.after.is_none() => return Ok(Err(recorded.batch)),
                Some((ImageKind::Patch, patch)) => match version {
                    None => None,
                    Some((id, data)) => {
                        let patch = recorded.body(patch, connection)?;
                        let text = std::str::from_utf8(&patch).ok();
                        let older = text.and_then(|patch| apply_patch(&data, patch));
                        // The image holds the new texts too, for people and for a merge: an image that differs from the
                        // patch between both rows was changed.
                        let holds = |older: &String| {
                            Some(commitment(salt, &id, older)) == recorded.before
                                && before_image((&id, older), (&id, &data))
                                    == (ImageKind::Patch, patch.to_vec())
                        };
                        let Some(older) = older.filter(holds) else {
                            return Ok(Err(recorded.batch));
                        };
                        Some((id, older))
                    }
                },
                Some((ImageKind::Whole | ImageKind::Refused, body)) => {
                    row_in(&recorded.body(body, connection)?)
                }
                Some((ImageKind::Encrypted, _)) | None => None,
            };
        }
        Ok(Ok(version))
    }
}

/// Id and data of a row at some time.
pub(super) type Version = (String, String);

/// Iterator over the entries of each number, in the order of the numbers.
pub(super) struct Stories<'s> {
    pub(super) lanes: Vec<Lane<'s>>,
    /// Next item of each lane: number, batch and lane. Within a batch the lanes are in order.
    pub(super) heap: BinaryHeap<Reverse<(RecordNumber, BatchId, usize)>>,
}

impl Stories<'_> {
    pub(super) fn fill(&mut self) -> Fallible<Option<PassId>> {
        for lane in 0..self.lanes.len() {
            if let Some(pass) = self.advance(lane)? {
                return Ok(Some(pass));
            }
        }
        Ok(None)
    }

    fn advance(&mut self, lane: usize) -> Fallible<Option<PassId>> {
        let out_of_order = self.lanes[lane].step()?;
        if let Some(next) = &self.lanes[lane].next {
            self.heap.push(Reverse((next.number, next.batch, lane)));
        }
        Ok(out_of_order)
    }

    /// Returns the history of the next number; `Err(pass)` when a pass is not stored in order.
    pub(super) fn next(&mut self) -> Fallible<Result<Option<RowHistory>, PassId>> {
        let mut story: Option<RowHistory> = None;
        while let Some(Reverse((number, _, lane))) = self.heap.peek().copied() {
            if story
                .as_ref()
                .is_some_and(|story| story.newest().number != number)
            {
                break;
            }
            self.heap.pop();
            let Some(left) = self.lanes[lane].next.take() else {
                continue;
            };
            let story = story.get_or_insert_with(|| RowHistory {
                entries: Vec::with_capacity(1),
                broken: None,
            });
            let known = story.entries.last().and_then(|recorded| recorded.after);
            if left.before != known {
                story.broken.get_or_insert(left.batch);
            }
            story.entries.push(left);
            if let Some(pass) = self.advance(lane)? {
                return Ok(Err(pass));
            }
        }
        Ok(Ok(story))
    }
}

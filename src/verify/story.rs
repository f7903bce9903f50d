//! The life of each row by its stubs, number by number. Every large pass wrote its stubs in that order already, and is
//! read as it lies, so that memory is flat.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rusqlite::{Connection, OptionalExtension as _, Rows};

use crate::digest::{Hash, Salt, commitment};
use crate::error::Result as Fallible;
use crate::ledger::{ImageKind, apply_patch, before_image, row_in};

/// What a stub says about a row.
pub(super) struct Left {
    pub(super) number: i64,
    pub(super) batch: i64,
    /// The commitment to the row that it found.
    pub(super) before: Option<Hash>,
    /// The commitment to the row that it left.
    pub(super) after: Option<Hash>,
    /// What was kept of the row that it found.
    pub(super) image: Option<(ImageKind, Body)>,
    /// Whether it gave out the number: loads and edits do, and derived records have numbers of their own.
    pub(super) born: bool,
    /// Whether an image has to be there of what it changed: a rollback's opposite is what it undid.
    pub(super) keeps: bool,
}

/// What an image holds. A long one is read when it is looked at: it would be carried through a sorter otherwise, and stand in
/// memory beside those of other rows.
pub(super) enum Body {
    Read(Vec<u8>),
    Long { record: i64, part: i64 },
}

impl Left {
    /// What an image of it holds.
    fn body<'b>(&self, body: &'b Body, connection: &Connection) -> Fallible<Cow<'b, [u8]>> {
        let (record, part) = match body {
            Body::Read(body) => return Ok(Cow::Borrowed(body)),
            Body::Long { record, part } => (record, part),
        };
        let sql = "SELECT body FROM ledger_image WHERE batch=?1 AND record=?2 AND part=?3";
        let mut statement = connection.prepare_cached(sql)?;
        let body = statement.query_row([self.batch, *record, *part], |row| row.get(0));
        Ok(Cow::Owned(body.optional()?.unwrap_or_default()))
    }
}

/// The stubs of a number, oldest first, and the first batch that did not find what the stub before it had left.
pub(super) struct Story {
    pub(super) stubs: Vec<Left>,
    pub(super) broken: Option<i64>,
}

impl Story {
    pub(super) fn newest(&self) -> &Left {
        self.stubs.last().expect("a story begins with a stub")
    }

    /// Whether the record's number was given out here: otherwise it came with a copy.
    pub(super) fn is_birth(&self) -> bool {
        self.stubs.first().is_some_and(|stub| stub.born)
    }

    /// Whether its number was given out before there was a row.
    pub(super) fn begins_without_row(&self) -> bool {
        self.stubs
            .first()
            .is_some_and(|stub| stub.before.is_none() && stub.after.is_none())
    }

    /// The first batch that has no image of what it changed.
    pub(super) fn without_image(&self) -> Option<i64> {
        let lacks = |stub: &&Left| {
            stub.keeps && stub.image.is_none() && stub.before.is_some() && stub.before != stub.after
        };
        self.stubs.iter().find(lacks).map(|stub| stub.batch)
    }

    /// Goes back from the row as it is, image by image, to what it was at first: `Err` with the batch whose image does
    /// not give what its stub found, `Ok(None)` where the images do not lead so far. (Whole images are proved by
    /// themselves.)
    pub(super) fn first_version(
        &self,
        salt: &Salt,
        row: Option<Version>,
        connection: &Connection,
    ) -> Fallible<Result<Option<Version>, i64>> {
        let mut version = row;
        for stub in self
            .stubs
            .iter()
            .skip(1)
            .rev()
            .filter(|stub| stub.before != stub.after)
        {
            version = match &stub.image {
                // Nothing can be patched together from a row that is gone.
                Some((ImageKind::Patch, _)) if stub.after.is_none() => return Ok(Err(stub.batch)),
                Some((ImageKind::Patch, patch)) => match version {
                    None => None,
                    Some((id, data)) => {
                        let patch = stub.body(patch, connection)?;
                        let text = std::str::from_utf8(&patch).ok();
                        let older = text.and_then(|patch| apply_patch(&data, patch));
                        // It tells the new texts too, for people and for a merge: what says something else than the
                        // patch between both rows was changed.
                        let holds = |older: &String| {
                            Some(commitment(salt, &id, older)) == stub.before
                                && before_image((&id, older), (&id, &data))
                                    == (ImageKind::Patch, patch.to_vec())
                        };
                        let Some(older) = older.filter(holds) else {
                            return Ok(Err(stub.batch));
                        };
                        Some((id, older))
                    }
                },
                Some((ImageKind::Whole | ImageKind::Refused, body)) => row_in(&stub.body(body, connection)?),
                Some((ImageKind::Encrypted, _)) | None => None,
            };
        }
        Ok(Ok(version))
    }
}

/// The id and the data of a row at some time.
pub(super) type Version = (String, String);

/// One stream of stubs in the order of the numbers.
pub(super) struct Lane<'s> {
    pub(super) rows: Rows<'s>,
    /// The stub that is next.
    pub(super) next: Option<Left>,
    /// The pass, where the stream is one pass as it lies.
    pub(super) pass: Option<i64>,
    pub(super) last: i64,
}

impl Lane<'_> {
    /// Reads the next stub; gives the pass where it does not lie in order.
    fn step(&mut self) -> Fallible<Option<i64>> {
        let Some(row) = self.rows.next()? else {
            self.next = None;
            return Ok(None);
        };
        let kind: Option<i64> = row.get(4)?;
        let image = match (kind.and_then(ImageKind::from_number), row.get(5)?) {
            (Some(kind), Some(body)) => Some((kind, Body::Read(body))),
            (Some(kind), None) => {
                let (record, part) = (row.get(8)?, row.get(9)?);
                Some((kind, Body::Long { record, part }))
            }
            (None, _) => None,
        };
        let left = Left {
            number: row.get(0)?,
            batch: row.get(1)?,
            before: row.get(2)?,
            after: row.get(3)?,
            image,
            born: row.get(6)?,
            keeps: row.get(7)?,
        };
        if let (true, Some(pass)) = (left.number <= self.last, self.pass) {
            return Ok(Some(pass));
        }
        self.last = left.number;
        self.next = Some(left);
        Ok(None)
    }
}

/// The stubs of each number, in the order of the numbers.
pub(super) struct Stories<'s> {
    pub(super) lanes: Vec<Lane<'s>>,
    /// What is next in each lane: number, batch and lane. Within a batch the lanes lie in order.
    pub(super) heap: BinaryHeap<Reverse<(i64, i64, usize)>>,
}

impl Stories<'_> {
    pub(super) fn fill(&mut self) -> Fallible<Option<i64>> {
        for lane in 0..self.lanes.len() {
            if let Some(pass) = self.advance(lane)? {
                return Ok(Some(pass));
            }
        }
        Ok(None)
    }

    fn advance(&mut self, lane: usize) -> Fallible<Option<i64>> {
        let out_of_order = self.lanes[lane].step()?;
        if let Some(next) = &self.lanes[lane].next {
            self.heap.push(Reverse((next.number, next.batch, lane)));
        }
        Ok(out_of_order)
    }

    /// The next number's story; `Err(pass)` when a pass does not lie in order.
    pub(super) fn next(&mut self) -> Fallible<Result<Option<Story>, i64>> {
        let mut story: Option<Story> = None;
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
            let story = story.get_or_insert_with(|| Story {
                stubs: Vec::with_capacity(1),
                broken: None,
            });
            let known = story.stubs.last().and_then(|stub| stub.after);
            if left.before != known {
                story.broken.get_or_insert(left.batch);
            }
            story.stubs.push(left);
            if let Some(pass) = self.advance(lane)? {
                return Ok(Err(pass));
            }
        }
        Ok(Ok(story))
    }
}

//! The readings of windows, as they are now: for verifications, proofs and traces.

use std::collections::{HashMap, HashSet};

use super::bytes::{Reader, Writer, lost};
use super::finding::{Finding, Found};
use super::gathered::Gathering;
use super::judge::{Before, Judge, block_of};
use super::scan::{Ranges, Scan, Step};
use super::sorted::{Sorted, Sorting};
use super::standing::RefusedWindows;
use super::window::InputDigest;
use crate::context::Context;
use crate::digest::Hash;
use crate::engine::bounds::Bounds;
use crate::engine::reader::ReadConnection;
use crate::error::Result;
use crate::ledger::aggregated::newest_note;
use crate::ledger::processed::first_id;
use crate::ledger::selection::Touched;
use crate::ledger::windows::{
    StandingWindow, left_readings, refused_windows, standing_of_all, waived_readings,
};
use crate::record::{BatchId, PassId, RecordNumber};
use crate::stage::{Aggregate, Late, Stage};
use crate::store::{PackedRows, Salted, Table};

/// The readings of the windows of a stage.
pub(crate) struct WindowInputs<'a> {
    pub(super) stage: &'a Stage,
    pub(super) aggregate: &'a Aggregate,
    context: Context<'a>,
    pub(super) source: Table,
    pub(super) target: Table,
    pub(super) reader: &'a ReadConnection,
    pub(super) bounds: &'a Bounds,
    pub(super) before: Before,
    pub(super) refused: RefusedWindows,
}

/// A window as its readings make it now, and as it stands; the one or the other may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Compared {
    pub(crate) id: String,
    /// Its readings, and their digest.
    pub(crate) now: Option<(u64, Hash)>,
    /// Its number, and the same as its entry has it.
    pub(crate) stands: Option<(RecordNumber, BatchId, u64, Option<Hash>)>,
}

/// The windows that the next pass makes again.
pub(crate) enum Waiting {
    /// These, by their ids.
    Windows(HashSet<String>),
    /// Nobody knows which.
    Unknown,
}

impl<'a> WindowInputs<'a> {
    /// Reads what the stage has left out. Returns `None` for a stage that does not aggregate.
    pub(crate) fn new(
        stage: &'a Stage,
        context: Context<'a>,
        reader: &'a ReadConnection,
        bounds: &'a Bounds,
    ) -> Result<Option<Self>> {
        let Some(aggregate) = stage.aggregate() else {
            return Ok(None);
        };
        let of = (context.project, stage.number());
        let source = Table::from_name(stage.source())?;
        let (before, refused) = reader.read(|connection| {
            let mut before = Before {
                waived: waived_readings(connection, of.0, of.1, &source)?,
                ..Before::default()
            };
            if aggregate.late() != Late::Reopen {
                before.late = left_readings(connection, of.0, of.1)?;
            }
            Ok((before, RefusedWindows::read(connection, aggregate, of)?))
        })?;
        Ok(Some(Self {
            stage,
            aggregate,
            context,
            source,
            target: Table::from_name(stage.target())?,
            reader,
            bounds,
            before,
            refused,
        }))
    }

    pub(super) fn judge(&self) -> Judge<'_> {
        Judge {
            stage: self.stage,
            aggregate: self.aggregate,
            context: self.context,
            dirty: None,
            before: &self.before,
            measures: false,
        }
    }

    /// Returns the windows that the next pass makes again, because their readings were written after a batch.
    pub(crate) fn waiting(&self, touched: &Touched, after: BatchId) -> Result<Waiting> {
        if touched.whole {
            return Ok(Waiting::Unknown);
        }
        let judge = self.judge();
        let lost = HashMap::new();
        let finding = Finding {
            judge: &judge,
            reader: self.reader,
            source: &self.source,
            target: &self.target,
            bounds: self.bounds,
            after,
            refused: &self.refused,
            even_most: true,
            lost: &lost,
            newest: self.noted_newest()?.filter(|_| self.aggregate.hold().is_some()),
        };
        Ok(match finding.find(touched, &touched.freed, Vec::new())? {
            Found::Windows(dirty, _) => {
                let groups = dirty.groups().into_iter();
                let ids = groups.flat_map(|(group, windows)| {
                    let starts: Vec<i64> = windows.starts.into_keys().collect();
                    starts.into_iter().map(move |start| (group.clone(), start))
                });
                Waiting::Windows(
                    ids.map(|(group, start)| self.aggregate.window_id(&group, start))
                        .collect(),
                )
            }
            Found::All | Found::Stopped => Waiting::Unknown,
        })
    }

    /// Calls `tell` with each window; returns `false` if it had to stop.
    pub(crate) fn each(&self, mut tell: impl FnMut(Compared) -> Result<()>) -> Result<bool> {
        let memory = usize::try_from(self.aggregate.memory() / 4).unwrap_or(usize::MAX);
        let judge = self.judge();
        let mut scan = Scan::new(Ranges::all(), Gathering::within(self.aggregate, memory));
        loop {
            match scan.step(&judge, self.reader, &self.source, self.bounds)? {
                Step::More(_) => {}
                Step::Done => break,
                Step::Stopped => return Ok(false),
            }
        }
        let until = self.held_until()?;
        let mut now = Sorting::within(memory);
        let mut gathered = scan.gathering.gathered()?;
        while let Some((key, window)) = gathered.next()? {
            let end = self
                .aggregate
                .windows()
                .and_then(|windows| windows.end_of(key.start));
            let is_held = until.zip(end).is_some_and(|(until, end)| end > until);
            let mut value = Writer::default();
            value.number(i64::from(is_held));
            value.number(window.rows.cast_signed());
            value.fixed(&window.input());
            let id = self.aggregate.window_id(&key.group, key.start);
            now.add(id.as_bytes(), &value.finish())?;
        }
        let (mut now, mut stands) = (now.sorted()?, self.standing(memory)?.sorted()?);
        while let Some(compared) = next_of_both(&mut now, &mut stands)? {
            tell(compared)?;
        }
        Ok(true)
    }

    /// Returns until when windows were written at the last pass, if the stage holds some back.
    pub(super) fn held_until(&self) -> Result<Option<i64>> {
        let Some(hold) = self.aggregate.hold() else {
            return Ok(None);
        };
        Ok(self.noted_newest()?.and_then(|newest| newest.checked_sub(hold)))
    }

    /// Returns the time of the newest reading at the last pass.
    fn noted_newest(&self) -> Result<Option<i64>> {
        let of = (self.context.project, self.stage.number());
        let note = self
            .reader
            .read(|connection| newest_note(connection, of.0, of.1, PassId::MAX))?;
        let newest = note.and_then(|note| note.aggregate.newest);
        Ok(newest.and_then(|newest| crate::aggregate::Windows::from_utc(&newest)))
    }

    /// Returns the windows as their entries have them, by their ids.
    fn standing(&self, memory: usize) -> Result<Sorting> {
        let of = (self.context.project, self.stage.number());
        let mut standing = Sorting::within(memory);
        self.reader.read(|connection| {
            let mut add = |window: &StandingWindow, id: String| -> Result<()> {
                let mut value = Writer::default();
                value.number(window.record.get());
                value.number(window.batch.get());
                value.number(window.inputs.cast_signed());
                value.length(window.input.iter().len());
                window.input.iter().for_each(|input| value.fixed(input));
                standing.add(id.as_bytes(), &value.finish())
            };
            standing_of_all(connection, of.0, of.1, |window| {
                let id = first_id(connection, window.record)?.unwrap_or_default();
                add(&window, id)
            })?;
            // What is refused is newer.
            for refused in refused_windows(connection, of.0, of.1)? {
                add(&refused.readings, refused.record.id)?;
            }
            Ok(())
        })?;
        Ok(standing)
    }

    /// Calls `tell` with each reading of a window, in order of their numbers: the row, and its commitment. `spans`: the
    /// ranges of record numbers that cover them.
    pub(crate) fn readings(
        &self,
        group: &str,
        start: i64,
        spans: &[(RecordNumber, RecordNumber)],
        mut tell: impl FnMut(&Salted, &Hash) -> Result<()>,
    ) -> Result<()> {
        let (judge, mut rows) = (self.judge(), PackedRows::default());
        let spans = spans.iter().map(|(first, last)| (first.get(), last.get()));
        let mut ranges = Ranges::new(spans.collect());
        loop {
            ranges.read((self.reader, &self.source), 5_000, &mut rows)?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows.views(0..rows.len()) {
                let key = judge.key(row);
                let is_in = key.is_some_and(|key| &*key.group == group && key.start == start);
                if is_in && !self.before.leaves_out(row.number) {
                    tell(&row.to_salted(), &row.hash()?)?;
                }
            }
        }
    }

    /// Calls `tell` with each reading of a window, and returns their digest as the entry of the window has it; `None` without
    /// readings.
    pub(crate) fn digest(
        &self,
        group: &str,
        start: i64,
        spans: &[(RecordNumber, RecordNumber)],
        mut tell: impl FnMut(&Salted) -> Result<()>,
    ) -> Result<Option<Hash>> {
        let mut digest = InputDigest::default();
        self.readings(group, start, spans, |reading, commitment| {
            digest.add(reading.record.number, commitment);
            tell(reading)
        })?;
        Ok(digest.finish())
    }

    /// Returns the commitments of the readings of a window, block by block.
    pub(crate) fn blocks(
        &self,
        group: &str,
        start: i64,
        spans: &[(RecordNumber, RecordNumber)],
    ) -> Result<Vec<Vec<Hash>>> {
        let mut blocks: Vec<(i64, Vec<Hash>)> = Vec::new();
        self.readings(group, start, spans, |reading, commitment| {
            let block = block_of(reading.record.number);
            match blocks.last_mut() {
                Some((of, readings)) if *of == block => readings.push(*commitment),
                _ => blocks.push((block, vec![*commitment])),
            }
            Ok(())
        })?;
        Ok(blocks.into_iter().map(|(_, readings)| readings).collect())
    }

    /// Returns the window that a reading is in, by its id; `None` if the stage leaves it out or refuses it.
    pub(crate) fn window_of(&self, reading: &Salted) -> Option<String> {
        let key = self.judge().key(reading.into())?;
        let is_left = self.before.left.contains(reading.record.number);
        (!is_left).then(|| self.aggregate.window_id(&key.group, key.start))
    }
}

/// Returns the next window, by its id.
fn next_of_both(now: &mut Sorted, stands: &mut Sorted) -> Result<Option<Compared>> {
    let (a, b) = (now.peek().map(<[u8]>::to_vec), stands.peek().map(<[u8]>::to_vec));
    let Some(id) = [&a, &b].into_iter().flatten().min().cloned() else {
        return Ok(None);
    };
    let mut compared = Compared {
        id: String::from_utf8(id.clone()).map_err(|_| lost())?,
        now: None,
        stands: None,
    };
    let is_held = if a.as_ref() == Some(&id)
        && let Some((_, value)) = now.next()?
    {
        let mut input = Reader::new(&value);
        let is_held = input.number().ok_or_else(lost)? != 0;
        let rows = input.number().ok_or_else(lost)?.cast_unsigned();
        let hash = input.fixed().ok_or_else(lost)?;
        compared.now = Some((rows, hash));
        is_held
    } else {
        false
    };
    while stands.peek() == Some(&id) {
        if let Some((_, value)) = stands.next()? {
            compared.stands = Some(stood(&value).ok_or_else(lost)?);
        }
    }
    // A window that is held back need not stand, or no more: the newest reading may be gone.
    let stands = compared.stands.as_ref();
    if is_held && stands.is_none_or(|(.., input)| input.is_none()) {
        compared.now = None;
    }
    Ok(Some(compared))
}

fn stood(value: &[u8]) -> Option<(RecordNumber, BatchId, u64, Option<Hash>)> {
    let mut input = Reader::new(value);
    let (record, batch) = (RecordNumber::new(input.number()?), BatchId::new(input.number()?));
    let inputs = input.number()?.cast_unsigned();
    let hashes = input.list(Reader::fixed)?;
    Some((record, batch, inputs, hashes.first().copied()))
}

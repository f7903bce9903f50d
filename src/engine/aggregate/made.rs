//! The making part of a pass: the windows that were gathered become those that are to be written.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::course::Course;
use super::dirty::Dirty;
use super::finished::FinishedWindows;
use super::gathered::Gathered;
use super::keys::WindowKey;
use super::making::Making;
use super::reading::Reading;
use super::standing::{GroupRows, RefusedWindows};
use super::walk::{Walk, again, make_alone, measured_alone};
use super::whole::{Hold, Summary, make_all};
use super::work::Work;
use crate::aggregate::Windows;
use crate::engine::pipeline::BATCH_BYTES;
use crate::engine::reader::ReadConnection;
use crate::error::Result;
use crate::ledger::aggregated::newest_note;
use crate::ledger::windows::standing_of_all;
use crate::record::{RecordNumber, RecordSet};

/// What is ready to be written.
pub(super) struct Ready {
    pub(super) work: Work,
    /// The note of the pass, and its warnings; `None` if it stands already.
    pub(super) note: Option<(String, BTreeMap<String, u64>)>,
}

/// Makes the windows; `None` if the pass has to stop.
pub(super) fn make(
    course: &Course<'_>,
    reader: &ReadConnection,
    reading: Reading<'_>,
) -> Result<Option<Ready>> {
    let Reading {
        refused,
        dirty,
        scan,
        again,
        before,
        lost,
        ..
    } = reading;
    let (tally, gathering) = (scan.tally, scan.gathering);
    let (of, is_whole) = (course.of(), dirty.is_none());
    let note = reader.read(|connection| newest_note(connection, of.0, of.1, course.pass))?;
    // Where all is read, nothing else counts: the newest reading may be gone.
    let earlier = note.filter(|_| !is_whole).and_then(|note| note.aggregate.newest);
    let earlier = earlier.and_then(|newest| Windows::from_utc(&newest));
    let newest = tally.newest.max(earlier.unwrap_or(i64::MIN));
    let finished = FinishedWindows::within(course.memory());
    let mut making = Making::new(course.stage, course.aggregate, course.context, finished, newest);
    let hold = Hold {
        until: course.aggregate.hold().and_then(|hold| newest.checked_sub(hold)),
    };
    let gathered = gathering.gathered()?;
    let summary = match dirty {
        None => {
            if !course.is_first() {
                add_standing(course, reader, &mut making, (&refused, &lost))?;
            }
            make_all(&mut making, gathered, hold, &course.bounds)?
        }
        Some(dirty) => make_again(course, reader, &mut making, gathered, (dirty, &refused), hold)?,
    };
    let Some(mut summary) = summary else {
        return Ok(None);
    };
    let mut waiting = std::mem::take(&mut summary.not_counted);
    waiting.retain(|(reading, _)| before.refused.contains(*reading));
    let note = course
        .resumed
        .note(&tally, &making, summary, (is_whole, again), course.stage)?;
    let work = Work::new(making.finished.sorted()?, refused, waiting, &course.resumed);
    Ok(Some(Ready { work, note }))
}

/// Says which windows stand, where all are made again.
fn add_standing(
    course: &Course<'_>,
    reader: &ReadConnection,
    making: &mut Making<'_>,
    (refused, lost): (&RefusedWindows, &HashMap<WindowKey, RecordNumber>),
) -> Result<()> {
    let (of, mut own) = (course.of(), RecordSet::new());
    reader.read(|connection| {
        standing_of_all(connection, of.0, of.1, |window| {
            if window.after.is_some() {
                own.insert(window.record);
            }
            Ok(())
        })
    })?;
    let mut after = RecordNumber::BEFORE_FIRST;
    loop {
        let rows = reader.read(|connection| course.target.after(connection, after, 5_000, BATCH_BYTES))?;
        let Some(newest) = rows.last() else { break };
        after = newest.record.number;
        for row in rows.into_iter().filter(|row| own.contains(row.record.number)) {
            // By its id, which it keeps when a person changes it or another revision gives its fields other names.
            let (number, key) = (row.record.number, course.aggregate.window_named(&row.record.id));
            match key {
                Some((group, start)) => making.stands(&group, start, number)?,
                // Another revision of the stage made it, of other groups.
                None => making.gone(&WindowKey::of_number(number), number)?,
            }
        }
    }
    for (key, standing) in refused.all() {
        making.stands(&key.group, key.start, standing.number)?;
    }
    for (key, number) in lost.iter().filter(|(key, _)| refused.number_of(key).is_none()) {
        making.stands(&key.group, key.start, *number)?;
    }
    for number in refused.others() {
        making.gone(&WindowKey::of_number(number), number)?;
    }
    Ok(())
}

/// Makes the windows of an increment again, and what follows from them.
fn make_again(
    course: &Course<'_>,
    reader: &ReadConnection,
    making: &mut Making<'_>,
    mut gathered: Gathered<'_>,
    (dirty, refused): (Dirty, &RefusedWindows),
    hold: Hold,
) -> Result<Option<Summary>> {
    let mut summary = Summary::default();
    let mut next = gathered.next()?;
    for (name, mut group) in dirty.groups() {
        if course.bounds.interrupts().is_some() {
            return Ok(None);
        }
        let mut windows = BTreeMap::new();
        while let Some((key, window)) = next.take_if(|(key, _)| key.group == name) {
            next = gathered.next()?;
            if hold.holds(making, key.start) && group.starts.get(&key.start) == Some(&None) {
                making.figures.held += 1;
                summary.hold(&window);
                group.starts.remove(&key.start);
                continue;
            }
            summary.add(&key, &window);
            windows.insert(key.start, measured_alone(course.aggregate, key.start, window));
        }
        let again: VecDeque<_> = again(&group, windows);
        match course.aggregate.windows() {
            None => make_alone(making, &name, again)?,
            Some(windows) => {
                let rows = GroupRows::new((reader, &course.target), course.aggregate, &name, refused);
                Walk::new(making, windows, &name, &rows).make(again)?;
            }
        }
    }
    making.make()?;
    Ok(Some(summary))
}

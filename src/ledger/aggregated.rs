//! What a pass of an aggregate stage has noted: how many readings it read, and what they came to.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::entry::Counts;
use crate::error::{Error, Result};
use crate::record::{PassId, RecordNumber, RunId};
use crate::shown::grouped;

/// Numbers of readings, by what came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReadingCounts {
    /// Readings read: an increment reads those of the windows that it makes again.
    pub read: u64,
    /// Readings that are in a window.
    pub counted: u64,
    /// Readings that the stage leaves out.
    pub filtered: u64,
    /// Readings that are refused.
    pub refused: u64,
}

/// What the readings came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WindowFigures {
    /// Windows that were made; of an increment, those that it made again or that follow from them and differ.
    pub made: u64,
    /// Of these, those without readings.
    pub empty: u64,
    /// Of these, those that end after the newest reading.
    pub open: u64,
    /// Of these, those that a rule marks.
    pub anomalies: u64,
    /// Windows that are held back.
    pub held: u64,
    /// Gaps that are too long to be filled with empty windows.
    pub gaps: u64,
}

/// What a pass has noted before it writes its windows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AggregateNote {
    pub(crate) readings: ReadingCounts,
    pub(crate) aggregate: Noted,
}

/// The part of the note that is about windows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Noted {
    /// Whether all windows are made, not only those whose readings have changed.
    pub(crate) whole: bool,
    #[serde(flatten)]
    pub(crate) figures: WindowFigures,
    /// Time of the newest reading, in UTC.
    pub(crate) newest: Option<String>,
    /// Readings of windows that are held back: ranges of record numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) waiting: Vec<(i64, i64)>,
    /// Number of those readings.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) held_readings: u64,
    /// Windows that were refused and are made again because their place is free: their numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) again: Vec<RecordNumber>,
    /// Paths that the stage reads, and at which no reading of a pass that makes all windows has a value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) absent: Vec<String>,
    /// Digest over the windows and their readings, in hexadecimal digits.
    pub(crate) digest: String,
}

impl AggregateNote {
    /// Renders it as the ledger keeps it.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts always have a JSON text")
    }

    /// Reads it; `None` if a note is that of no aggregate.
    pub(crate) fn from_note(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }
}

/// Returns the note of a pass; `None` if it has not noted anything yet.
pub(crate) fn note_of(connection: &Connection, pass: PassId) -> Result<Option<AggregateNote>> {
    let sql = "SELECT body FROM ledger_batch WHERE pass=?1 AND step='note' AND json_extract(body,'$.aggregate') IS NOT NULL
     ORDER BY batch LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    read(statement.query_row([pass], |row| row.get(0)).optional()?)
}

/// Returns the note of the newest standing pass of a stage that has one.
pub(crate) fn newest_note(
    connection: &Connection,
    project: &str,
    number: u32,
    before: PassId,
) -> Result<Option<AggregateNote>> {
    let sql = "SELECT b.body FROM ledger_stage s CROSS JOIN ledger_standing p ON p.stage=s.stage AND p.kind IN('apply','retry') AND p.pass<?3
     CROSS JOIN ledger_batch b ON b.pass=p.pass AND b.step='note' AND json_extract(b.body,'$.aggregate') IS NOT NULL
     WHERE s.project=?1 AND s.number=?2 ORDER BY b.batch DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    read(
        statement
            .query_row(params![project, number, before], |row| row.get(0))
            .optional()?,
    )
}

fn read(body: Option<String>) -> Result<Option<AggregateNote>> {
    let note = |body: String| {
        AggregateNote::from_note(&body).ok_or_else(|| Error::Damaged {
            what: "the note of an aggregate cannot be read".to_owned(),
        })
    };
    body.map(note).transpose()
}

/// What a pass of an aggregate stage came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AggregateOutcome {
    /// Its readings.
    pub readings: ReadingCounts,
    /// Its windows.
    pub windows: WindowFigures,
    /// Windows that are new.
    pub new: u64,
    /// Windows whose text has changed.
    pub changed: u64,
    /// Windows that were removed, because no reading is left in them.
    pub removed: u64,
    /// Windows that are refused.
    pub refused: u64,
    /// Paths of groups and measures at which no reading has a value, although all windows were made.
    pub absent: Vec<String>,
}

/// The windows of one batch, by what was done with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WindowChanges {
    pub(crate) new: u64,
    pub(crate) changed: u64,
    pub(crate) removed: u64,
    pub(crate) refused: u64,
    /// Readings that were gathered for windows of which an entry was written.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) readings: u64,
    /// Readings that were gathered for windows that stay as they stood.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) kept: u64,
    /// Readings of windows of which an entry was written because an earlier window has changed: they were not gathered.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) following: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl AggregateOutcome {
    /// Returns what a run has made of the windows of a pass; `None` if the pass makes none, or has made none yet. Each run that
    /// works on it reads all of its readings.
    pub(crate) fn of_run(connection: &Connection, pass: PassId, run: RunId) -> Result<Option<Self>> {
        if note_of(connection, pass)?.is_none() {
            return Ok(None);
        }
        Self::of(connection, pass, Some(run)).map(Some)
    }

    /// Returns what a pass came to so far.
    pub(crate) fn of_pass(connection: &Connection, pass: PassId) -> Result<Self> {
        Self::of(connection, pass, None)
    }

    fn of(connection: &Connection, pass: PassId, run: Option<RunId>) -> Result<Self> {
        let mut outcome = Self::default();
        if let Some(note) = note_of(connection, pass)? {
            outcome.add_note(note);
        }
        let sql = "SELECT coalesce(sum(json_extract(body,'$.windows.new')),0), coalesce(sum(json_extract(body,'$.windows.changed')),0),
           coalesce(sum(json_extract(body,'$.windows.removed')),0), coalesce(sum(json_extract(body,'$.windows.refused')),0)
         FROM ledger_batch WHERE pass=?1 AND step='data' AND body IS NOT NULL AND (?2 IS NULL OR run=?2)";
        let changes = connection
            .prepare_cached(sql)?
            .query_row(params![pass, run], |row| {
                let count = |at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs);
                Ok(WindowChanges {
                    new: count(0)?,
                    changed: count(1)?,
                    removed: count(2)?,
                    refused: count(3)?,
                    ..WindowChanges::default()
                })
            })?;
        outcome.add(&changes);
        Ok(outcome)
    }

    /// Says what its counts of entries are: `216 windows written, 3 readings refused`.
    #[must_use]
    pub fn told(&self, counts: &Counts) -> String {
        let mut told: Vec<String> = Vec::new();
        let mut add = |number: u64, what: &str, done: &str| {
            if number > 0 {
                let end = if number == 1 { "" } else { "s" };
                told.push(format!("{} {what}{end} {done}", grouped(number)));
            }
        };
        add(counts.written, "window", "written");
        add(counts.unchanged, "window", "unchanged");
        add(self.refused, "window", "refused");
        add(self.removed, "window", "removed");
        add(counts.refused.saturating_sub(self.refused), "reading", "refused");
        add(counts.merged, "reading", "counted now");
        // Readings that came late, or that were refused and are left out now, and windows that were left as a person has changed them.
        let left = counts.filtered.saturating_sub(self.removed);
        if left > 0 {
            told.push(format!("{} left out or left", grouped(left)));
        }
        if told.is_empty() {
            told.push("no window changed".to_owned());
        }
        told.join(", ")
    }

    /// Adds what the remark of a batch says.
    pub(crate) fn add_remark(&mut self, body: &str) {
        if let Some(note) = AggregateNote::from_note(body) {
            self.add_note(note);
        } else if let Some(changes) = WindowChanges::from_remark(body) {
            self.add(&changes);
        }
    }

    fn add_note(&mut self, note: AggregateNote) {
        (self.readings, self.windows) = (note.readings, note.aggregate.figures);
        self.absent = note.aggregate.absent;
    }

    fn add(&mut self, changes: &WindowChanges) {
        self.new += changes.new;
        self.changed += changes.changed;
        self.removed += changes.removed;
        self.refused += changes.refused;
    }
}

impl WindowChanges {
    /// Returns whether nothing was done.
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Reads it from the remark of a batch.
    fn from_remark(body: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Remark {
            windows: WindowChanges,
        }
        serde_json::from_str(body)
            .ok()
            .map(|remark: Remark| remark.windows)
    }
}

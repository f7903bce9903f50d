//! What an interrupted pass has done.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde_json::value::RawValue;
use sha2::Digest as _;

use super::judge::Tally;
use super::keys::WindowKey;
use super::making::Making;
use super::whole::Summary;
use crate::aggregate::Windows;
use crate::digest::hex;
use crate::error::{Error, Result};
use crate::ledger::aggregated::{AggregateNote, Noted, ReadingCounts, WindowFigures, note_of};
use crate::ledger::read::PassSummary;
use crate::ledger::windows::left_by;
use crate::record::{RecordNumber, RecordSet};
use crate::stage::{Aggregate, Stage};

/// What an interrupted pass has done; nothing for one that begins.
#[derive(Debug, Default)]
pub(super) struct Resumed {
    /// The last reading up to which entries are written.
    scanned: RecordNumber,
    /// Whether entries of all readings are written that are gone.
    pub(super) has_added_deleted: bool,
    note: Option<AggregateNote>,
    /// The last window that is written, and the number of entries up to it.
    reached: Option<(WindowKey, u64)>,
    /// The readings that the pass has left out because they came late.
    pub(super) left: RecordSet,
}

/// The resume point of a pass.
#[derive(serde::Deserialize)]
struct Cursor<'c> {
    #[serde(default)]
    scanned: RecordNumber,
    #[serde(default)]
    deleted: Option<RecordNumber>,
    #[serde(borrow, default)]
    after: Option<(Option<&'c str>, &'c RawValue)>,
    #[serde(default)]
    windows: u64,
}

impl Resumed {
    /// Reads it.
    pub(super) fn read(connection: &Connection, interrupted: Option<&PassSummary>) -> Result<Self> {
        let Some(interrupted) = interrupted else {
            return Ok(Self::default());
        };
        let mut resumed = Self {
            note: note_of(connection, interrupted.row.pass)?,
            left: left_by(connection, interrupted.row.pass)?,
            ..Self::default()
        };
        if let Some(cursor) = &interrupted.cursor {
            let unread = || Error::Damaged {
                what: "the resume point of an aggregate cannot be read".to_owned(),
            };
            let cursor: Cursor<'_> = serde_json::from_str(cursor).map_err(|_| unread())?;
            resumed.scanned = cursor.scanned;
            if cursor.deleted.is_some() {
                (resumed.scanned, resumed.has_added_deleted) = (RecordNumber::MAX, true);
            }
            if let Some((start, group)) = cursor.after {
                let start = start.map_or(Some(0), Windows::from_utc).ok_or_else(unread)?;
                resumed.reached = Some((WindowKey::new(group.get(), start), cursor.windows));
            }
        }
        Ok(resumed)
    }

    /// Returns whether it has begun to write windows.
    pub(super) fn is_writing(&self) -> bool {
        self.note.is_some()
    }

    /// Returns the windows that the pass makes again because their place was free when it noted it.
    pub(super) fn again(&self) -> Option<RecordSet> {
        let note = self.note.as_ref()?;
        Some(note.aggregate.again.iter().copied().collect())
    }

    /// Returns whether it has written the entry of a reading.
    pub(super) fn has_written(&self, reading: RecordNumber) -> bool {
        self.is_writing() || reading <= self.scanned
    }

    pub(super) fn reached(&self) -> Option<(WindowKey, u64)> {
        self.reached.clone()
    }

    /// Renders the resume point after a window.
    pub(super) fn cursor(aggregate: &Aggregate, window: &WindowKey, windows: u64) -> String {
        let start = match aggregate.windows() {
            Some(_) => format!("\"{}\"", Windows::utc(window.start)),
            None => "null".to_owned(),
        };
        format!("{{\"after\":[{start},{}],\"windows\":{windows}}}", window.group)
    }

    /// Returns the note of the pass, and its warnings, unless it stands already.
    ///
    /// # Errors
    /// If the source has changed since it was noted.
    pub(super) fn note(
        &self,
        tally: &Tally,
        making: &Making<'_>,
        summary: Summary,
        (is_whole, again): (bool, RecordSet),
        stage: &Stage,
    ) -> Result<Option<(String, BTreeMap<String, u64>)>> {
        let digest = hex(&summary.digest.finalize());
        if let Some(note) = &self.note {
            if note.aggregate.digest == digest {
                return Ok(None);
            }
            let message = format!(
                "`{}` was changed outside the ledger since stage {} began to write its windows",
                stage.source(),
                stage.number()
            );
            let hint = "run `counterfoil verify` to see what was changed; `counterfoil rollback` undoes what the stage has \
                        written";
            return Err(Error::invalid(message, hint));
        }
        let figures = &making.figures;
        let note = AggregateNote {
            readings: tally.counts(),
            aggregate: Noted {
                whole: is_whole,
                figures: WindowFigures {
                    made: figures.windows,
                    empty: figures.empty,
                    open: figures.open,
                    anomalies: figures.anomalies,
                    held: figures.held,
                    gaps: figures.gaps,
                },
                newest: (making.newest > i64::MIN).then(|| Windows::utc(making.newest)),
                waiting: summary.held.ranges().to_vec(),
                held_readings: summary.held_readings,
                again: again.iter().collect(),
                digest,
            },
        };
        let mut warnings = making.codes.clone();
        if figures.gaps > 0 {
            warnings.insert("aggregate.gap".to_owned(), figures.gaps);
        }
        Ok(Some((note.to_json(), warnings)))
    }
}

impl Tally {
    /// Returns the numbers of readings for the note of a pass.
    fn counts(&self) -> ReadingCounts {
        ReadingCounts {
            read: self.read,
            counted: self.counted,
            filtered: self.filtered,
            refused: self.refused,
        }
    }
}

//! An interrupted pass that is continued.

use rusqlite::Connection;

use super::judge::{Judged, digest_in};
use crate::error::{Error, Result};
use crate::ledger::merged::{MergeNote, note_of};
use crate::ledger::read::PassSummary;
use crate::record::RecordNumber;
use crate::stage::Stage;

/// What an interrupted pass has recorded.
pub(super) struct Resumed {
    pub(super) note: MergeNote,
    /// The key of the last unit that it has written; 0 if it has written none.
    key: RecordNumber,
}

impl Resumed {
    /// Reads it; `None` if the pass was interrupted before its note.
    pub(super) fn read(connection: &Connection, interrupted: &PassSummary) -> Result<Option<Self>> {
        let note = note_of(connection, interrupted.row.pass)?;
        let resumed = |note| {
            let key = last_key(interrupted.cursor.as_deref())?;
            Ok(Self { note, key })
        };
        note.map(resumed).transpose()
    }

    /// Returns how many units are written, of what the same members were judged to be.
    ///
    /// # Errors
    /// If the source has changed since.
    pub(super) fn done(&self, stage: &Stage, judged: &Judged) -> Result<usize> {
        if digest_in(&self.note) == judged.digest {
            return Ok(judged.units.up_to(self.key));
        }
        let message = format!(
            "`{}` was changed outside the ledger since the merge of stage {} began",
            stage.source(),
            stage.number()
        );
        let hint = "run `counterfoil verify` to see what was changed; `counterfoil rollback` undoes what the merge has \
                    written";
        Err(Error::invalid(message, hint))
    }
}

/// Returns the key in the resume point of a pass; 0 if no unit is written yet.
fn last_key(cursor: Option<&str>) -> Result<RecordNumber> {
    let Some(cursor) = cursor else {
        return Ok(RecordNumber::BEFORE_FIRST);
    };
    let cursor: Option<serde_json::Value> = serde_json::from_str(cursor).ok();
    let key = cursor.and_then(|cursor| cursor.get("cluster")?.as_i64());
    key.map(RecordNumber::new).ok_or_else(|| Error::Damaged {
        what: "the resume point of a merge cannot be read".to_owned(),
    })
}

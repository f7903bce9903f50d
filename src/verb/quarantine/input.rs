//! The door of what was refused: the record or the line that an image of quarantine is, and what may be shown of it.

use rusqlite::Connection;

use crate::error::Result;
use crate::ledger::quarantine::{Quarantined, image};
use crate::ledger::row_in;
use crate::path::Path;
use crate::record::{Malformed, Record, admit_record, masked};
use crate::store::Store;

/// What was refused.
pub(super) enum RetriedInput {
    /// A record, by a stage.
    Record(Record),
    /// What a load was to let in, as it was read.
    Line(Vec<u8>),
}

impl RetriedInput {
    /// What was refused; `None` where its image is gone.
    pub(super) fn new(connection: &Connection, refused: &Quarantined) -> Result<Option<Self>> {
        let Some(body) = image(connection, refused)? else {
            return Ok(None);
        };
        let row = refused.stage.and_then(|_| row_in(&body));
        Ok(Some(match row {
            Some((id, data)) => Self::Record(Record {
                number: refused.record,
                id,
                data,
            }),
            None => Self::Line(body),
        }))
    }
}

/// What a refused record was, as far as it may be shown.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct RefusedInput {
    /// Its id, where it has one.
    pub id: Option<String>,
    /// The record, every redacted field masked; or the line as it was read, where it is no record.
    pub data: Option<String>,
    /// Whether the stage redacts fields and the record cannot be read, so that nothing of it is shown.
    pub withheld: bool,
}

impl Store {
    /// The input of a refused record. What any stage of the project redacts is masked.
    pub fn refused_input(&self, quarantined: &Quarantined, redact: &[Path]) -> Result<RefusedInput> {
        let (id, text) = match RetriedInput::new(self.connection(), quarantined)? {
            Some(RetriedInput::Record(record)) => (Some(record.id), record.data),
            Some(RetriedInput::Line(line)) => (None, String::from_utf8_lossy(&line).into_owned()),
            None => {
                return Ok(RefusedInput {
                    id: None,
                    data: None,
                    withheld: false,
                });
            }
        };
        let data = if redact.is_empty() {
            Ok(text)
        } else {
            shown(self, &text, redact)
        };
        Ok(RefusedInput {
            id,
            withheld: data.is_err(),
            data: data.ok(),
        })
    }
}

/// Only what the door lets in can be masked: of a name that stands twice, one value would be shown.
fn shown(store: &Store, text: &str, redact: &[Path]) -> Result<String, Malformed> {
    let admitted = admit_record(text.as_bytes(), &store.options().limits)?;
    Ok(masked(&admitted.data, redact)?.data.into_owned())
}

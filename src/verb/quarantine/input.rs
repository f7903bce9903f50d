//! The input that was refused: the record or the line in an image of quarantine, and what may be shown of it.

use rusqlite::Connection;

use crate::error::Result;
use crate::ledger::quarantine::{Quarantined, image};
use crate::ledger::row_in;
use crate::path::Path;
use crate::record::{Malformed, Record, admit_record, masked};
use crate::store::Store;

/// The refused input.
pub(super) enum RetriedInput {
    /// A record, by a stage.
    Record(Record),
    /// A line that a load was to admit, as it was read.
    Line(Vec<u8>),
}

impl RetriedInput {
    /// Reads what was refused; `None` when its image is gone.
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

/// The input of a refused record, as far as it may be shown.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct RefusedInput {
    /// Id of the record, if it has one.
    pub id: Option<String>,
    /// The record with every redacted field masked; or the line as it was read, if it is not a record.
    pub data: Option<String>,
    /// Whether the stage redacts fields and the record cannot be read, so that nothing of it is shown.
    pub withheld: bool,
}

impl Store {
    /// Returns the input of a refused record. Values that any stage of the project redacts are masked.
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

/// Only an input that passes admission can be masked: if a name occurred twice, one of its values would be shown.
fn shown(store: &Store, text: &str, redact: &[Path]) -> Result<String, Malformed> {
    let admitted = admit_record(text.as_bytes(), &store.options().limits)?;
    Ok(masked(&admitted.data, redact)?.data.into_owned())
}

//! Where an interrupted load continues: the cursor of its batches.

use serde_json::Value as Json;

use super::course::OpenInput;
use super::fault::describe;
use super::how::ReadingMode;
use crate::error::Result;
use crate::input::source::{Cursor, OpenSource, RecordSource};
use crate::ledger::read::PassSummary;
use crate::record::PassId;

/// Opens the source of a load where it was interrupted, or at its beginning.
pub(super) fn open(
    source: &mut impl RecordSource,
    begun: &OpenInput<'_>,
    pass: PassId,
    interrupted: Option<&PassSummary>,
) -> Result<OpenSource> {
    let cursor = match interrupted.and_then(|open| open.cursor.as_deref()) {
        // A load that was killed before its first record has processed nothing.
        None => None,
        Some(text) => {
            let kept = serde_json::from_str::<Json>(text).ok();
            if let Some(kept) = &kept {
                begun.how.check(kept, begun.name)?;
            }
            let fields = kept.as_ref().and_then(Json::as_object);
            Some(Cursor::Fields(fields.cloned().unwrap_or_default()))
        }
    };
    let opened = source.open(cursor.as_ref());
    opened.map_err(|error| describe(begun.name, pass, error))
}

/// How a load reached its current position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) replace: bool,
    /// Whether stages in place process again what it replaces.
    pub(super) reprocess: bool,
    /// As in [`Loading`](super::place::Loading).
    pub(super) follows: bool,
}

/// Returns where a load continues, and how it read what came before. `columns` is what the load learned of them before
/// it wrote anything.
pub(super) fn cursor_text(
    end: &Cursor,
    how: &ReadingMode,
    manner: Manner,
    columns: Option<String>,
) -> String {
    let mut cursor = Json::Object(end.fields());
    how.note(&mut cursor);
    let Manner {
        replace,
        reprocess,
        follows,
    } = manner;
    for (name, _) in [
        ("replace", replace),
        ("reprocess", reprocess),
        ("follows", follows),
    ]
    .iter()
    .filter(|(_, is)| *is)
    {
        cursor[name] = true.into();
    }
    if let Some(columns) = columns {
        cursor["columns"] = columns.into();
    }
    how.note_special(&mut cursor);
    cursor.to_string()
}

/// Returns whether the input before a resume point was that of an earlier load; at its beginning nothing contradicts
/// that.
pub(super) fn followed(cursor: Option<&str>) -> bool {
    let Some(cursor) = cursor else { return true };
    serde_json::from_str::<Json>(cursor).is_ok_and(|cursor| cursor["follows"].as_bool() == Some(true))
}

/// Returns what the ledger records about a finished input: its hash and its length, or where else it ends, and how it
/// was read.
pub(super) fn end_text(end: &Cursor, how: &ReadingMode) -> String {
    let mut told = match end.read_before() {
        Some(read) => serde_json::json!({ "sha256": read.prefix_sha256, "bytes": read.offset }),
        None => Json::Object(end.fields()),
    };
    how.note(&mut told);
    how.note_special(&mut told);
    told.to_string()
}

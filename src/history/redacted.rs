//! What the stages in the ledger redact, whatever their files say now.

use crate::error::{Error, Result};
use crate::ledger::revisions::meanings;
use crate::path::{Path, Segment};
use crate::store::Store;

/// The paths that any stage in the ledger redacts, whatever its file says now, so that their values are masked where
/// there is no project at hand too.
///
/// # Errors
/// [`Error::Damaged`] when a stage's meaning cannot be read.
pub fn redacted(store: &Store) -> Result<Vec<Path>> {
    let mut paths: Vec<Path> = Vec::new();
    for of in meanings(store.connection())? {
        let redacted = redacted_by(&of.meaning).ok_or_else(|| Error::Damaged {
            what: format!("the meaning of stage row {} does not say what it redacts", of.row),
        })?;
        for path in redacted {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    Ok(paths)
}

/// The paths that a stage of this meaning redacts; `None` where it does not say so.
pub(crate) fn redacted_by(meaning: &str) -> Option<Vec<Path>> {
    let meaning: serde_json::Value = serde_json::from_str(meaning).ok()?;
    let pointers: Vec<String> = serde_json::from_value(meaning.get("redact")?.clone()).ok()?;
    pointers.iter().map(|pointer| redacted_path(pointer)).collect()
}

/// The path of a pointer as [`Path::pointer`] writes it: `*` is every element.
fn redacted_path(pointer: &str) -> Option<Path> {
    let path: Path = pointer.parse().ok()?;
    let every = |segment: &Segment| match segment {
        Segment::Key(key) if key == "*" => Segment::Each,
        other => other.clone(),
    };
    Some(Path::of(path.segments().iter().map(every).collect()))
}

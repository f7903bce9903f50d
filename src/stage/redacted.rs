//! What a stage redacts, by its meaning alone.

use crate::path::{Path, Segment};

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
    Some(Path::from_segments(path.segments().iter().map(every).collect()))
}

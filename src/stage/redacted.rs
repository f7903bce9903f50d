//! What a stage redacts, from its meaning alone.

use crate::path::{Path, Segment};

/// Returns the paths that a stage of this meaning redacts; `None` if the meaning does not contain them.
pub(crate) fn redacted_by(meaning: &str) -> Option<Vec<Path>> {
    let meaning: serde_json::Value = serde_json::from_str(meaning).ok()?;
    let pointers: Vec<String> = serde_json::from_value(meaning.get("redact")?.clone()).ok()?;
    pointers.iter().map(|pointer| redacted_path(pointer)).collect()
}

/// Parses a pointer in the form of [`Path::pointer`]: `*` is every element.
fn redacted_path(pointer: &str) -> Option<Path> {
    let path: Path = pointer.parse().ok()?;
    let every = |segment: &Segment| match segment {
        Segment::Key(key) if key == "*" => Segment::Each,
        other => other.clone(),
    };
    Some(Path::from_segments(path.segments().iter().map(every).collect()))
}

//! Warnings about paths that a stage aggregates and that no reading has: they are probably misspelt.

use counterfoil::path::Path;
use counterfoil::problem::nearest;
use counterfoil::project::Project;
use counterfoil::record::RecordNumber;
use counterfoil::store::Store;
use serde_json::Value as Json;

use super::failure::Failure;
use super::masking::redactions_with;
use super::render::shown;

/// The code of the warning, which counts the paths.
pub(crate) const ABSENT: &str = "aggregate.absent";

/// A pass, or the plan of one.
pub(crate) struct Aggregated<'a> {
    pub(crate) stage: u32,
    pub(crate) slug: &'a str,
    pub(crate) source: &'a str,
    /// The paths at which no reading has a value.
    pub(crate) absent: &'a [String],
}

impl Aggregated<'_> {
    /// Returns a warning for each path.
    pub(crate) fn warnings(&self, store: &Store, project: &Project) -> Result<Vec<String>, Failure> {
        if self.absent.is_empty() {
            return Ok(Vec::new());
        }
        let first = self.first(store, project)?;
        let of_path = |path: &String| {
            let (stage, slug) = (self.stage, shown(self.slug));
            let mut text = format!(
                "stage {stage} {slug}: no reading has a value at `{}`",
                shown(path)
            );
            if let Some(near) = first.as_ref().and_then(|first| near(path, first)) {
                text += &format!("; did you mean `{}`?", shown(&near));
            }
            text
        };
        Ok(self.absent.iter().map(of_path).collect())
    }

    /// Returns the first reading, if its names may be shown: they can be redacted values.
    fn first(&self, store: &Store, project: &Project) -> Result<Option<Json>, Failure> {
        let redact = redactions_with(store, project.stages().iter())?;
        if !redact.is_empty() || !store.has_database(self.source)? {
            return Ok(None);
        }
        let first = store
            .records_after(self.source, RecordNumber::BEFORE_FIRST, 1)?
            .pop();
        Ok(first.and_then(|first| serde_json::from_str(&first.data).ok()))
    }
}

/// Returns the path that is nearly this one, by its last name, as a stage file has it.
fn near(path: &str, reading: &Json) -> Option<String> {
    let pointer = path.parse::<Path>().ok()?.pointer();
    let (object, name) = pointer.rsplit_once('/')?;
    let names = reading.pointer(object)?.as_object()?.keys();
    let near = nearest(name, names.map(String::as_str)).filter(|near| *near != name)?;
    Some(match path.strip_suffix(name) {
        Some(before) => format!("{before}{near}"),
        None => near.to_owned(),
    })
}

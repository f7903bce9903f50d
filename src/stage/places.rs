//! The places of a stage's parts in its file.

use super::Stage;
use crate::problem::Place;
use crate::reading::Reading;
use crate::toml::{Collected, Section, document};

impl Stage {
    /// Returns the place of an operation; `None` if the stage has no file.
    pub(crate) fn op_place(&self, at: usize) -> Option<Place> {
        self.steps.op_places.get(at).cloned()
    }

    /// Returns the place of a key in the file; `None` if the key is absent or the stage has no file.
    pub(crate) fn place_of(&self, section: &str, key: &str) -> Option<Place> {
        let reading = Reading::new(&self.file, &self.source_text);
        let document = document(&reading, "stage.syntax").ok()?;
        let root = Section::root(document.as_table(), &reading);
        let section = root.section(section, &mut Collected::default())?;
        section.has(key).then(|| section.place_of_key(key))
    }
}

//! Where the parts of a stage stand in its file.

use super::Stage;
use crate::problem::Place;
use crate::reading::Reading;
use crate::toml::{Collected, Section, document};

impl Stage {
    /// Where an operation stands; `None` where the stage has no file.
    pub(crate) fn op_place(&self, at: usize) -> Option<Place> {
        self.steps.op_places.get(at).cloned()
    }

    /// Where a key stands in the file; `None` where it is absent or the stage has no file.
    pub(crate) fn place_of(&self, section: &str, key: &str) -> Option<Place> {
        let reading = Reading::new(&self.file, &self.source_text);
        let document = document(&reading, "stage.syntax").ok()?;
        let root = Section::root(document.as_table(), &reading);
        let section = root.section(section, &mut Collected::default())?;
        section.has(key).then(|| section.place_of_key(key))
    }
}

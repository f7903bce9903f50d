//! Tracking a document through the operations of a stage.

use std::sync::Arc;

use super::{Count, Dependence, Shape, SourceField, Sources};
use crate::path::{Path, Segment};

/// What is known of a record at one point of a stage.
#[derive(Clone, Debug)]
pub struct Flow {
    document: Shape,
    prepared: Vec<(Arc<str>, Shape)>,
    record: Sources,
    id: Sources,
    /// The lists whose elements are being tracked: their length decides whether a value exists at all.
    within: Vec<Count>,
}

impl Default for Flow {
    fn default() -> Self {
        Self::new()
    }
}

impl Flow {
    /// Starts with a record as the stage reads it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            document: Shape::record(),
            prepared: Vec::new(),
            record: Sources::none(),
            id: Sources::from_origin(SourceField::Id),
            within: Vec::new(),
        }
    }

    /// Returns the shape of the document.
    #[must_use]
    pub fn document(&self) -> &Shape {
        &self.document
    }

    /// Returns what decides whether the record exists.
    #[must_use]
    pub fn record(&self) -> &Sources {
        &self.record
    }

    /// Returns the sources of the record's id.
    #[must_use]
    pub fn id(&self) -> &Sources {
        &self.id
    }

    /// Returns the shape of the value at a path.
    #[must_use]
    pub fn at(&self, path: &Path) -> Shape {
        self.document.at(path.segments())
    }

    /// Returns the sources of the values at these paths, combined.
    #[must_use]
    pub fn sources(&self, paths: &[Path]) -> Sources {
        let all = paths.iter().map(|path| self.at(path).sources());
        all.fold(Sources::none(), |sources, more| sources.and(&more))
    }

    /// Records that a value is written at a path.
    pub fn put(&mut self, path: &Path, mut value: Shape) {
        let place = path.segments();
        let elements = (0..place.len()).filter(|at| !matches!(place[*at], Segment::Key(_)));
        let lists = elements.map(|at| self.document.at(&place[..at]).count());
        let lists: Vec<Count> = lists.chain(self.within.iter().cloned()).collect();
        for list in &lists {
            value.counted(list);
        }
        self.document.put(place, value);
    }

    /// Records that a value may be written at a path, or the earlier one is kept.
    pub fn put_or_keep(&mut self, path: &Path, value: Shape) {
        let before = self.at(path);
        self.put(path, before.or(value));
    }

    /// Records that the value at a path is removed.
    pub fn remove(&mut self, path: &Path) {
        self.put(path, Shape::nothing());
    }

    /// Records that the whole document is replaced.
    pub fn replace(&mut self, document: Shape) {
        self.document = document;
    }

    /// Records that fields whose names begin with a prefix may come from the object at a path, which is removed.
    pub(crate) fn lift(&mut self, path: &Path, prefix: &str) {
        let from = self.at(path);
        self.remove(path);
        self.document.slot(path.parents()).lift(&from, prefix);
    }

    /// Adds these sources to what decides the value at a path.
    pub fn decide(&mut self, path: &Path, by: &Sources) {
        let slot = self.document.slot(path.segments());
        *slot = std::mem::replace(slot, Shape::nothing()).decided(by);
    }

    /// Adds these sources to what decides whether the record exists.
    pub fn filter(&mut self, by: Sources) {
        let by = by.deciding(Dependence::Filter);
        self.record = std::mem::take(&mut self.record).and(&by);
    }

    /// Records that the record's new id is derived from these sources.
    pub fn rekey(&mut self, sources: Sources) {
        self.id = sources;
    }

    /// Records an unknown operation: any value may come from any source.
    pub fn unknown(&mut self) {
        let whole = self
            .document
            .sources()
            .and(&Sources::from_origin(SourceField::Id));
        let whole = whole.made(Dependence::Transformation);
        self.document = Shape::made(whole.clone());
        self.id = std::mem::take(&mut self.id)
            .made(Dependence::Transformation)
            .and(&whole);
        self.filter(whole);
    }

    /// Tracks the elements of a list, each as a document.
    pub fn each(&mut self, list: &Path, follow: impl FnOnce(&mut Self)) {
        let element: Vec<Segment> = [list.segments(), &[Segment::Each]].concat();
        let mut inner = Self {
            document: self.document.at(&element),
            prepared: self.prepared.clone(),
            record: Sources::none(),
            id: self.id.clone(),
            within: self.within.clone(),
        };
        inner.within.push(self.at(list).count());
        follow(&mut inner);
        self.document.put(&element, inner.document);
    }

    /// Returns the shape of a name that `prepare` defines.
    pub(crate) fn prepared(&self, name: &str) -> Shape {
        let known = self.prepared.iter().find(|(known, _)| **known == *name);
        known.map_or_else(Shape::nothing, |(_, shape)| shape.clone())
    }

    pub(crate) fn prepare(&mut self, name: &Arc<str>, shape: Shape) {
        self.prepared.retain(|(known, _)| known != name);
        self.prepared.push((Arc::clone(name), shape));
    }

    /// Tracks the fields with these names individually; records that the source or the target has no others where it is
    /// closed.
    pub(crate) fn known(&mut self, names: &[String], closed_source: bool, closed_target: bool) {
        for name in names {
            self.document.name(name);
        }
        if closed_source {
            self.document.close_processed();
        }
        if closed_target {
            self.document.close();
        }
    }
}

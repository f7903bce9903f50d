//! Where an operation is in a record, for its refusals.

use crate::path::Path;
use crate::refusal::Refusal;

/// The position of a walk: a chain on the stack, so that a pointer is built only for a refusal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trail<'t> {
    /// The record.
    Record,
    /// A field of the place in the first part.
    Field(&'t Trail<'t>, &'t str),
    /// An element of the place in the first part.
    Element(&'t Trail<'t>, usize),
    /// A path below the place in the first part.
    Below(&'t Trail<'t>, &'t Path),
}

impl Trail<'_> {
    /// Returns the trail of a field.
    pub(crate) fn field<'t>(&'t self, name: &'t str) -> Trail<'t> {
        Trail::Field(self, name)
    }

    /// Returns the trail of the place that a path without `[*]` leads to from here.
    pub(crate) fn below<'t>(&'t self, path: &'t Path) -> Trail<'t> {
        Trail::Below(self, path)
    }

    /// Returns the JSON Pointer.
    pub(crate) fn pointer(&self) -> String {
        match self {
            Self::Record => String::new(),
            Self::Field(before, name) => {
                let name = name.replace('~', "~0").replace('/', "~1");
                format!("{}/{name}", before.pointer())
            }
            Self::Element(before, index) => format!("{}/{index}", before.pointer()),
            Self::Below(before, path) => before.pointer() + path.pointer().as_str(),
        }
    }

    /// Changes the pointers of a refusal from inside an element so that they begin at the record.
    pub(crate) fn locate(&self, mut refusal: Refusal) -> Refusal {
        let before = self.pointer();
        for violation in &mut refusal.violations {
            violation.pointer = format!("{before}{}", violation.pointer);
        }
        refusal
    }
}

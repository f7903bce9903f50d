//! Where an operation stands in a record, for its refusals.

use crate::path::Path;
use crate::refusal::Refusal;

/// Where a walk stands: a chain on the stack, so that a pointer is written only for a refusal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trail<'t> {
    /// The record.
    Record,
    /// A field of what the first part stands for.
    Field(&'t Trail<'t>, &'t str),
    /// An element of what the first part stands for.
    Element(&'t Trail<'t>, usize),
    /// What is below the first part.
    Below(&'t Trail<'t>, &'t Path),
}

impl Trail<'_> {
    /// The trail of a field.
    pub(crate) fn field<'t>(&'t self, name: &'t str) -> Trail<'t> {
        Trail::Field(self, name)
    }

    /// The trail of what a path without `[*]` leads to from here.
    pub(crate) fn below<'t>(&'t self, path: &'t Path) -> Trail<'t> {
        Trail::Below(self, path)
    }

    /// The JSON Pointer.
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

    /// A refusal from inside an element, with its pointers counted from the record.
    pub(crate) fn locate(&self, mut refusal: Refusal) -> Refusal {
        let before = self.pointer();
        for violation in &mut refusal.violations {
            violation.pointer = format!("{before}{}", violation.pointer);
        }
        refusal
    }
}

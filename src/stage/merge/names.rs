//! The names that the expressions of a merge use.

use std::sync::Arc;

use super::draft::Name;
use super::kind::Form;
use super::normal::{DATE_PARTS, DatePart, part_of_date};

/// A name that expressions may use.
#[derive(Debug)]
pub(super) struct SuppliedName {
    pub(super) name: Name,
    pub(super) field: usize,
    /// `None` for the whole value.
    pub(super) part: Option<DatePart>,
}

/// Returns the names of a list of fields, and of the parts of those that are dates.
pub(super) fn supplied_names<'f>(fields: impl Iterator<Item = (&'f str, Form)>) -> Vec<SuppliedName> {
    let mut names = Vec::new();
    for (field, (name, form)) in fields.enumerate() {
        names.push(SuppliedName {
            name: Arc::from(name),
            field,
            part: None,
        });
        if form == Form::Date {
            names.extend(DATE_PARTS.iter().map(|(word, part)| SuppliedName {
                name: Arc::from(format!("{name}.{word}")),
                field,
                part: Some(*part),
            }));
        }
    }
    names
}

impl SuppliedName {
    /// Returns the value of the name, from the values of the fields.
    pub(super) fn value<'v>(&self, values: &'v [Option<String>]) -> Option<&'v str> {
        let value = values.get(self.field)?.as_deref()?;
        match self.part {
            None => Some(value),
            Some(part) => part_of_date(value, part),
        }
    }
}

//! Looking for many fields of one object.

use std::borrow::Cow;
use std::collections::HashMap;

/// What has a name among its siblings.
pub(crate) trait Named {
    /// Whether it has this name.
    fn is(&self, name: &str) -> bool;
    /// Its name, decoded.
    fn name(&self) -> Cow<'_, str>;
}

/// Finds the fields of an object by name, one after the other: at once where they are asked for in their order, by a
/// table of the names otherwise, so that going through all of them takes a time in proportion to their number.
pub(crate) struct Names<'f, F> {
    fields: &'f [F],
    /// Where the next is expected: behind the last that was found.
    next: usize,
    table: Option<HashMap<Cow<'f, str>, usize>>,
}

impl<'f, F: Named> Names<'f, F> {
    /// Of so few fields a table is not worth its making.
    const FEW: usize = 16;

    pub(crate) fn of(fields: &'f [F]) -> Self {
        Self {
            fields,
            next: 0,
            table: None,
        }
    }

    /// The place of a field.
    pub(crate) fn position(&mut self, name: &str) -> Option<usize> {
        let at = if self.fields.get(self.next).is_some_and(|field| field.is(name)) {
            self.next
        } else if self.fields.len() <= Self::FEW {
            self.fields.iter().position(|field| field.is(name))?
        } else {
            let named = || {
                self.fields
                    .iter()
                    .enumerate()
                    .map(|(at, field)| (field.name(), at))
            };
            *self.table.get_or_insert_with(|| named().collect()).get(name)?
        };
        self.next = at + 1;
        Some(at)
    }

    pub(crate) fn get(&mut self, name: &str) -> Option<&'f F> {
        self.position(name).map(|at| &self.fields[at])
    }
}

#[cfg(test)]
mod tests {
    use super::super::Object;
    use super::*;

    #[test]
    fn a_field_is_found_wherever_it_stands() {
        for count in [0, 1, 16, 17, 200] {
            let fields = (0..count).map(|at| format!("\"f\\u0030{at}\":{at}"));
            let object = Object::parse(&format!("{{{}}}", fields.collect::<Vec<_>>().join(","))).unwrap();
            let mut names = Names::of(object.fields());
            let order = (0..count)
                .chain((0..count).rev())
                .chain((0..count).map(|at| at * 7 % count));
            for at in order {
                let name = format!("f0{at}");
                assert_eq!(names.position(&name), object.position(&name));
                assert_eq!(names.position(&format!("{name}?")), None);
            }
        }
    }
}

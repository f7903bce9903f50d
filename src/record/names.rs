//! Looking up many fields of one object.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, RandomState};

/// A value with a name among its siblings.
pub(crate) trait HasName {
    /// Returns whether it has this name.
    fn is(&self, name: &str) -> bool;
    /// Returns its name, decoded.
    fn name(&self) -> Cow<'_, str>;
}

/// Finds the fields of an object by name, one after the other: immediately where the names are requested in the order
/// of the fields, otherwise in a table of the names, so that looking up all of them takes time in proportion to their
/// number.
pub(crate) struct Names<'f, F> {
    fields: &'f [F],
    /// Where the next field is expected: after the last one found.
    next: usize,
    /// The fields by the hashes of their names, which take a fraction of the space of the names.
    table: Option<Vec<(u32, u32)>>,
    hashes: RandomState,
}

impl<'f, F: HasName> Names<'f, F> {
    /// With at most this many fields, a table costs more than it saves.
    const FEW: usize = 16;

    pub(crate) fn from_fields(fields: &'f [F]) -> Self {
        Self {
            fields,
            next: 0,
            table: None,
            hashes: RandomState::new(),
        }
    }

    /// Returns the position of a field.
    pub(crate) fn position(&mut self, name: &str) -> Option<usize> {
        let at = if self.fields.get(self.next).is_some_and(|field| field.is(name)) {
            self.next
        } else if self.fields.len() <= Self::FEW {
            self.fields.iter().position(|field| field.is(name))?
        } else {
            self.look_up(name)?
        };
        self.next = at + 1;
        Some(at)
    }

    fn look_up(&mut self, name: &str) -> Option<usize> {
        let hashes = &self.hashes;
        #[expect(clippy::cast_possible_truncation, reason = "half of a hash is one")]
        let hash = |name: &str| hashes.hash_one(name) as u32;
        let table = self.table.get_or_insert_with(|| {
            let fields = (0..).zip(self.fields);
            let mut table: Vec<_> = fields.map(|(at, field)| (hash(&field.name()), at)).collect();
            table.sort_unstable();
            table
        });
        let wanted = hash(name);
        let first = table.partition_point(|(hash, _)| *hash < wanted);
        let like = table[first..].iter().take_while(|(hash, _)| *hash == wanted);
        let mut found = like.map(|(_, at)| *at as usize);
        found.find(|at| self.fields[*at].is(name))
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
            let mut names = Names::from_fields(object.fields());
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

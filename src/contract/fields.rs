//! The fields of an object as the validator sees it, found by their names.

use std::borrow::Cow;
use std::cell::OnceCell;

use jsonschema::json::Object;

use super::tree::{Borrowed, Tree};

/// The fields of an object, in their order.
#[derive(Debug)]
pub(super) struct Fields<'t> {
    list: Vec<(Cow<'t, str>, Tree<'t>)>,
    /// Where they stand, in the order of their names: made when many of them are looked for. In a box, because most
    /// objects are small and have none.
    sorted: OnceCell<Box<Sorted>>,
}

#[derive(Debug)]
struct Sorted(Vec<u32>);

impl<'t> Fields<'t> {
    /// Of so few fields each is compared.
    const FEW: usize = 16;

    pub(super) fn of(list: Vec<(Cow<'t, str>, Tree<'t>)>) -> Self {
        Self {
            list,
            sorted: OnceCell::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, (Cow<'t, str>, Tree<'t>)> {
        self.list.iter()
    }

    /// The field of a name: going through all of them takes a time in proportion to their number.
    pub(super) fn get(&self, name: &str) -> Option<&Tree<'t>> {
        if self.list.len() <= Self::FEW {
            let mut fields = self.list.iter();
            return fields.find(|(field, _)| field == name).map(|(_, value)| value);
        }
        let name_at = |at: u32| self.list.get(at as usize).map_or("", |(field, _)| &**field);
        let sorted = self.sorted.get_or_init(|| {
            // A record is far from having four billion fields.
            let mut sorted: Vec<u32> = (0..).take(self.list.len()).collect();
            sorted.sort_by_key(|at| name_at(*at));
            Box::new(Sorted(sorted))
        });
        let found = sorted.0.partition_point(|at| name_at(*at) < name);
        let (field, value) = self.list.get(*sorted.0.get(found)? as usize)?;
        (field == name).then_some(value)
    }
}

impl<'a> Object<'a, Borrowed> for &'a Fields<'a> {
    type Node = &'a Tree<'a>;
    type MemberName = &'a str;
    type MembersIter = std::iter::Map<
        std::slice::Iter<'a, (Cow<'a, str>, Tree<'a>)>,
        fn(&'a (Cow<'a, str>, Tree<'a>)) -> (&'a str, &'a Tree<'a>),
    >;

    fn len(&self) -> usize {
        self.list.len()
    }

    fn get(&self, key: &Box<str>) -> Option<&'a Tree<'a>> {
        Fields::get(self, key)
    }

    fn members(&self) -> Self::MembersIter {
        self.list.iter().map(|(name, value)| (name.as_ref(), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_wherever_it_stands() {
        for count in [0, 1, 16, 17, 300] {
            let text = (0..count).map(|at| format!("\"f{}\":{at}", at * 7 % count));
            let text = format!("{{{}}}", text.collect::<Vec<_>>().join(","));
            let tree = Tree::parse(&text).expect("JSON");
            let Tree::Object(fields) = tree else {
                unreachable!()
            };
            for at in 0..count {
                let value = fields.get(&format!("f{}", at * 7 % count));
                assert!(matches!(value, Some(Tree::Number(number)) if number.0 == at.to_string()));
            }
            assert!(fields.get("").is_none() && fields.get("f").is_none() && fields.get("g").is_none());
        }
    }
}

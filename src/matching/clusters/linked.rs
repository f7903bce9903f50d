//! Members that a person has made one.

use std::collections::HashMap;

/// Groups of members; a member that no decision names is one of its own.
#[derive(Debug, Default)]
pub(super) struct Linked {
    first: HashMap<u32, u32>,
}

impl Linked {
    /// Makes two members one.
    pub(super) fn link(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.first.insert(a.max(b), a.min(b));
        self.first.insert(a.min(b), a.min(b));
    }

    fn root(&self, mut member: u32) -> u32 {
        while let Some(&above) = self.first.get(&member).filter(|&&above| above != member) {
            member = above;
        }
        member
    }

    /// Returns members in groups of those that are one, in the order of the first of each.
    pub(super) fn grouped(&self, members: &[u32]) -> Vec<Vec<u32>> {
        if self.first.is_empty() {
            return members.iter().map(|&member| vec![member]).collect();
        }
        let (mut groups, mut place): (Vec<Vec<u32>>, HashMap<u32, usize>) = (Vec::new(), HashMap::new());
        for &member in members {
            let at = *place.entry(self.root(member)).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[at].push(member);
        }
        groups
    }
}

//! Disjoint sets whose members can be listed.

/// Members in rings: each names the next of its set.
#[derive(Debug)]
pub(super) struct Rings {
    root: Vec<u32>,
    next: Vec<u32>,
    size: Vec<u32>,
}

impl Rings {
    /// Returns as many sets as there are members.
    pub(super) fn new(members: usize) -> Self {
        let members = u32::try_from(members).unwrap_or(u32::MAX);
        Self {
            root: (0..members).collect(),
            next: (0..members).collect(),
            size: vec![1; members as usize],
        }
    }

    /// Returns the member that stands for a member's set.
    pub(super) fn root(&self, member: u32) -> u32 {
        self.root[member as usize]
    }

    /// Returns the number of members of a set.
    pub(super) fn size(&self, root: u32) -> usize {
        self.size[root as usize] as usize
    }

    /// Returns the members of a member's set.
    pub(super) fn members(&self, member: u32) -> Vec<u32> {
        let mut members = vec![member];
        let mut at = self.next[member as usize];
        while at != member {
            members.push(at);
            at = self.next[at as usize];
        }
        members
    }

    /// Joins the sets of two members. Returns what stands for them.
    pub(super) fn join(&mut self, one: u32, other: u32) -> u32 {
        let (mut large, mut small) = (self.root(one), self.root(other));
        if large == small {
            return large;
        }
        if self.size[large as usize] < self.size[small as usize] {
            std::mem::swap(&mut large, &mut small);
        }
        for member in self.members(small) {
            self.root[member as usize] = large;
        }
        self.next.swap(large as usize, small as usize);
        self.size[large as usize] += self.size[small as usize];
        large
    }

    /// Returns, by member, the member of its set that comes first.
    pub(super) fn labels<K: Ord>(&self, key: impl Fn(usize) -> K) -> Vec<u32> {
        let mut first = self.root.clone();
        for (member, &root) in (0_u32..).zip(&self.root) {
            let best = &mut first[root as usize];
            if key(member as usize) < key(*best as usize) {
                *best = member;
            }
        }
        self.root.iter().map(|&root| first[root as usize]).collect()
    }
}

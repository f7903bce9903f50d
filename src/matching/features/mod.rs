//! What is compared of each member, in columns: a number per field and member, each distinct text once.

mod dictionary;

use std::borrow::Cow;

use crate::matching::limits::{Exceeded, Excess};
use crate::matching::settings::Settings;

pub(crate) use dictionary::{ABSENT, Dictionary, hash, mixed};

/// The texts of one member.
#[derive(Debug)]
pub(crate) struct MemberText<'t> {
    /// Record number.
    pub(crate) number: i64,
    /// The place among members that are equal otherwise: a hash of the source's id, so that results do not depend on the
    /// order of loading.
    pub(crate) tie: u64,
    /// The normalized value of each field; absent or blank is neutral. The values of a set, and the words of tokens, are
    /// separated by line feeds and blanks.
    pub(crate) values: &'t [Option<Cow<'t, str>>],
    /// The texts that keys name as computed.
    pub(crate) computed: &'t [Option<Cow<'t, str>>],
    /// What a cluster has at most one of.
    pub(crate) owner: Option<Cow<'t, str>>,
}

/// The features of all members.
#[derive(Debug)]
pub(crate) struct Features {
    numbers: Vec<i64>,
    ties: Vec<u64>,
    /// By field: the number of each member's value in the field's dictionary.
    columns: Vec<Vec<u32>>,
    /// By field: how many members have each value.
    counts: Vec<Vec<u32>>,
    /// By field: its dictionary. Fields that are exchanged share one, so that their values compare as numbers.
    dictionary_of: Vec<usize>,
    dictionaries: Vec<Dictionary>,
    /// By position: a hash of each member's computed text, zero where it is absent.
    computed: Vec<Vec<u32>>,
    /// The number of each member's owner. Empty if no member has one.
    owners: Vec<u32>,
    /// Members by their ties.
    order: Vec<u32>,
}

/// Collects the features of members.
#[derive(Debug)]
pub(crate) struct FeaturesBuilder {
    features: Features,
    owner_names: Dictionary,
    /// Largest number of bytes of memory.
    limit: u64,
}

/// How often, in members, the memory is compared with its limit.
const CHECKED_EVERY: usize = 1_000;

impl FeaturesBuilder {
    /// Starts an empty collection for the fields of the settings.
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut dictionary_of: Vec<usize> = (0..settings.fields.len()).collect();
        for (at, field) in settings.fields.iter().enumerate() {
            if let Some(other) = field.swap.filter(|&other| other < dictionary_of.len()) {
                let (from, to) = (dictionary_of[at], dictionary_of[other]);
                for dictionary in &mut dictionary_of {
                    if *dictionary == from {
                        *dictionary = to;
                    }
                }
            }
        }
        let fields = settings.fields.len();
        let features = Features {
            numbers: Vec::new(),
            ties: Vec::new(),
            columns: vec![Vec::new(); fields],
            counts: vec![Vec::new(); fields],
            dictionary_of,
            dictionaries: (0..fields).map(|_| Dictionary::default()).collect(),
            computed: Vec::new(),
            owners: Vec::new(),
            order: Vec::new(),
        };
        Self {
            features,
            owner_names: Dictionary::default(),
            limit: settings.limits.memory,
        }
    }

    /// Adds a member. Refuses it if the members would need more memory than there may be.
    pub(crate) fn push(&mut self, member: &MemberText<'_>) -> Result<(), Excess> {
        if self.features.numbers.len().is_multiple_of(CHECKED_EVERY) {
            self.check()?;
        }
        match self.add(member) {
            Some(()) => Ok(()),
            None => Err(Excess::new(
                Exceeded::Numbers,
                u64::from(u32::MAX) + 1,
                u32::MAX.into(),
            )),
        }
    }

    fn check(&self) -> Result<(), Excess> {
        let needed = self.features.memory() + self.owner_names.memory();
        if needed > self.limit {
            return Err(Excess::new(Exceeded::Memory, needed, self.limit));
        }
        Ok(())
    }

    /// Adds a member. Returns `None` if there are more members, or texts of a field, than numbers of 32 bits can name.
    fn add(&mut self, member: &MemberText<'_>) -> Option<()> {
        let features = &mut self.features;
        let at = features.numbers.len();
        u32::try_from(at + 1).ok()?;
        features.numbers.push(member.number);
        features.ties.push(member.tie);
        for field in 0..features.columns.len() {
            let text = member
                .values
                .get(field)
                .and_then(Option::as_deref)
                .unwrap_or_default();
            let dictionary = &mut features.dictionaries[features.dictionary_of[field]];
            let value = dictionary.intern(text.trim())?;
            features.columns[field].push(value);
            if value != ABSENT {
                let counts = &mut features.counts[field];
                if counts.len() <= value as usize {
                    counts.resize(value as usize + 1, 0);
                }
                counts[value as usize] += 1;
            }
        }
        for (position, text) in member.computed.iter().enumerate() {
            if features.computed.len() <= position {
                features.computed.push(vec![0; at]);
            }
            let text = text.as_deref().unwrap_or_default().trim();
            features.computed[position].push(if text.is_empty() {
                0
            } else {
                short(hash(text.as_bytes()))
            });
        }
        if let Some(owner) = &member.owner {
            features.owners.resize(at, ABSENT);
            let owner = self.owner_names.intern(owner)?;
            features.owners.push(owner);
        }
        Some(())
    }

    /// Returns the features of all members that were added.
    pub(crate) fn build(self) -> Features {
        let mut features = self.features;
        let length = features.numbers.len();
        for dictionary in &mut features.dictionaries {
            dictionary.complete();
        }
        if !features.owners.is_empty() {
            features.owners.resize(length, ABSENT);
        }
        for column in &mut features.columns {
            column.shrink_to_fit();
        }
        for (field, counts) in features.counts.iter_mut().enumerate() {
            let texts = features.dictionaries[features.dictionary_of[field]].len();
            counts.resize(texts + 1, 0);
            counts.shrink_to_fit();
        }
        for column in &mut features.computed {
            column.resize(length, 0);
        }
        features.numbers.shrink_to_fit();
        features.ties.shrink_to_fit();
        let mut order: Vec<u32> = (0..).take(length).collect();
        order.sort_unstable_by_key(|&at| (features.ties[at as usize], features.numbers[at as usize]));
        features.order = order;
        features
    }
}

impl Features {
    /// Returns the number of members.
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Returns a member's record number.
    pub(crate) fn number(&self, member: usize) -> i64 {
        self.numbers[member]
    }

    /// Returns a member's place among equals.
    pub(crate) fn tie(&self, member: usize) -> (u64, i64) {
        (self.ties[member], self.numbers[member])
    }

    /// Returns the members in the order of their ties, which does not depend on the order in which they were added.
    pub(crate) fn by_tie(&self) -> &[u32] {
        &self.order
    }

    /// Returns the value of a member's field.
    pub(crate) fn value(&self, member: usize, field: usize) -> Option<&str> {
        self.dictionary(field).get(self.columns[field][member])
    }

    /// Returns the numbers of the values of a field, by member.
    pub(crate) fn column(&self, field: usize) -> &[u32] {
        &self.columns[field]
    }

    /// Returns how many members have each value of a field, by its number.
    pub(crate) fn counts(&self, field: usize) -> &[u32] {
        &self.counts[field]
    }

    /// Returns the dictionary of a field.
    pub(crate) fn dictionary(&self, field: usize) -> &Dictionary {
        &self.dictionaries[self.dictionary_of[field]]
    }

    /// Returns whether two fields share a dictionary, so that their values compare as numbers.
    pub(crate) fn share(&self, one: usize, other: usize) -> bool {
        self.dictionary_of[one] == self.dictionary_of[other]
    }

    /// Returns the hashes of the computed texts at a position, by member; zero where it is absent.
    pub(crate) fn computed(&self, position: usize) -> &[u32] {
        self.computed.get(position).map_or(&[], Vec::as_slice)
    }

    /// Returns a member's owner, of which a cluster has at most one.
    pub(crate) fn owner(&self, member: usize) -> Option<u32> {
        self.owners.get(member).copied().filter(|&owner| owner != ABSENT)
    }

    /// Returns the bytes of memory held.
    pub(crate) fn memory(&self) -> u64 {
        let texts: u64 = self.dictionaries.iter().map(Dictionary::memory).sum();
        let words = |columns: &[Vec<u32>]| columns.iter().map(Vec::capacity).sum::<usize>();
        let words = words(&self.columns)
            + words(&self.counts)
            + words(&self.computed)
            + self.owners.capacity()
            + self.order.capacity();
        texts + (4 * words + 16 * self.numbers.capacity()) as u64
    }
}

/// Returns a hash in half of the bits, never zero, which means absent.
#[expect(clippy::cast_possible_truncation, reason = "half of the bits are wanted")]
pub(crate) fn short(hash: u64) -> u32 {
    ((hash ^ (hash >> 32)) as u32).max(1)
}

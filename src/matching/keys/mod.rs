//! Candidates: pairs of members that agree in at least one key. Pairs are counted before any is made, visited once each,
//! and never stored.

mod apart;
mod chosen;
mod parts;
mod refine;

pub(crate) use apart::Apart;

use crate::matching::features::Features;
use crate::matching::limits::{Exceeded, Excess, KeyFigures, Threads, Unfinished};
use crate::matching::settings::{Key, KeyPart, Settings};

/// The blocks of all keys.
#[derive(Debug)]
pub(crate) struct Blocks {
    /// By key: the hash of each member's block, zero where it is in none.
    hashes: Vec<Vec<u32>>,
    pub(crate) keys: Vec<KeyFigures>,
    /// Members that are in no block of any key though they were in one before it was dropped.
    pub(crate) alone: u64,
}

fn memory(features: &Features, keys: usize) -> u64 {
    features.memory() + features.len() as u64 * (WORK_PER_MEMBER + 4 * keys as u64) + WORK
}

/// Bytes per member that a merge needs beyond the features and the hashes. Comparing and clustering take about 48: blocks,
/// and rings with their labels. The rest is for what the ledger says of each member and for the units that are written: a
/// million members took 145 bytes each in a first pass and 300 in an increment.
const WORK_PER_MEMBER: u64 = 300;
/// Bytes for any number of members: the memories of comparisons, and the batches on their way.
const WORK: u64 = 32 << 20;

impl Blocks {
    /// Finds the blocks. Refuses before pairs or memory exceed their limits.
    pub(crate) fn new(features: &Features, settings: &Settings) -> Result<Self, Excess> {
        let keys = keys_of(settings);
        let memory = memory(features, keys.len());
        if memory > settings.limits.memory {
            return Err(Excess::new(Exceeded::Memory, memory, settings.limits.memory));
        }
        let is_chosen = settings.keys.is_empty();
        let mut blocks = Self {
            hashes: Vec::with_capacity(keys.len()),
            keys: Vec::with_capacity(keys.len()),
            alone: 0,
        };
        let mut dropped = vec![false; features.len()];
        for key in &keys {
            let (hashes, figures) = block(features, settings, key, is_chosen, &mut dropped);
            blocks.hashes.push(hashes);
            blocks.keys.push(figures);
        }
        let is_alone =
            |member: &usize| dropped[*member] && blocks.hashes.iter().all(|hashes| hashes[*member] == 0);
        blocks.alone = (0..features.len()).filter(is_alone).count() as u64;
        let pairs = blocks.keys.iter().map(|key| key.pairs).sum();
        if pairs > settings.limits.pairs {
            return Err(Excess {
                what: Exceeded::Pairs,
                would: pairs,
                limit: settings.limits.pairs,
                keys: blocks.keys,
            });
        }
        Ok(blocks)
    }

    /// Returns the bytes of memory that features and blocks take, work included.
    pub(crate) fn memory(&self, features: &Features) -> u64 {
        memory(features, self.hashes.len())
    }

    /// Returns the number of keys.
    pub(crate) fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Visits every candidate once, with the first key on which both agree, in as many threads as there are workers.
    /// Which worker sees which pair is not determined: what workers make must not depend on it. An error means that they
    /// had to stop.
    pub(crate) fn visit<W: Send>(
        &self,
        threads: Threads<'_>,
        workers: &mut [W],
        touched: Option<&[bool]>,
        pair: impl Fn(&mut W, usize, usize, usize) + Sync,
    ) -> Result<(), Unfinished> {
        for key in 0..self.hashes.len() {
            let members = refine::in_blocks(&self.hashes[key]);
            let shares = shares(&members, workers.len().max(1));
            let (members, pair) = (&members, &pair);
            std::thread::scope(|scope| {
                for (worker, share) in workers.iter_mut().zip(shares) {
                    scope.spawn(move || {
                        let mut unchecked = 0;
                        for block in members[share].chunk_by(|one, other| one >> 32 == other >> 32) {
                            unchecked += block.len() * block.len();
                            if unchecked >= CHECKED_EVERY {
                                unchecked = 0;
                                if threads.are_stopped() {
                                    return;
                                }
                            }
                            self.visit_block(key, block, touched, &mut |a, b| pair(worker, key, a, b));
                        }
                    });
                }
            });
        }
        if threads.are_stopped() {
            return Err(Unfinished::Stopped);
        }
        Ok(())
    }

    fn visit_block(
        &self,
        key: usize,
        block: &[u64],
        touched: Option<&[bool]>,
        pair: &mut impl FnMut(usize, usize),
    ) {
        let is_touched = |member: usize| touched.is_none_or(|touched| touched[member]);
        for (at, &one) in block.iter().enumerate() {
            let one = refine::member(one);
            let one_is_touched = is_touched(one);
            for &other in &block[at + 1..] {
                let other = refine::member(other);
                if (one_is_touched || is_touched(other)) && !self.agree_before(key, one, other) {
                    pair(one, other);
                }
            }
        }
    }

    /// Returns whether two members agree on a key before this one.
    fn agree_before(&self, key: usize, one: usize, other: usize) -> bool {
        self.hashes[..key]
            .iter()
            .any(|hashes| hashes[one] != 0 && hashes[one] == hashes[other])
    }
}

/// Returns the keys of the settings, or those that are chosen for its fields.
fn keys_of(settings: &Settings) -> Vec<Key> {
    if settings.keys.is_empty() {
        chosen::chosen(settings)
    } else {
        settings.keys.clone()
    }
}

/// After how many pairs a thread looks whether it has to stop.
const CHECKED_EVERY: usize = 20_000;

/// Cuts the members, sorted by block, into parts of about equal numbers of pairs, between blocks.
fn shares(members: &[u64], parts: usize) -> Vec<std::ops::Range<usize>> {
    let blocks = || members.chunk_by(|one, other| one >> 32 == other >> 32);
    let pairs = |block: &[u64]| (block.len() * (block.len() - 1) / 2) as u64;
    let all: u64 = blocks().map(pairs).sum();
    let per_part = all / parts as u64 + 1;
    let (mut shares, mut begin, mut end, mut held) = (Vec::new(), 0, 0, 0);
    for block in blocks() {
        end += block.len();
        held += pairs(block);
        if held >= per_part && shares.len() + 1 < parts {
            shares.push(begin..end);
            (begin, held) = (end, 0);
        }
    }
    shares.push(begin..end);
    shares
}

/// How many pairs a chosen key may have per member before its large blocks are refined. With three, all
/// keys together have two candidates a member among ten thousand people, four among a hundred thousand, and thirteen among a
/// million.
const PAIRS_PER_MEMBER: u64 = 3;
/// Blocks up to this size are never refined for the sake of fewer pairs: a family at one address is a block.
const SMALL: usize = 6;

/// The blocks of one key. Members of dropped blocks are marked.
fn block(
    features: &Features,
    settings: &Settings,
    key: &Key,
    is_chosen: bool,
    dropped: &mut [bool],
) -> (Vec<u32>, KeyFigures) {
    let mut hashes = Vec::new();
    for (at, &part) in key.parts.iter().enumerate() {
        let part = parts::hashes(features, part);
        if at == 0 {
            hashes = part;
        } else {
            for (hash, part) in hashes.iter_mut().zip(part) {
                *hash = parts::joined(*hash, part);
            }
        }
    }
    let chosen;
    let refine: &[KeyPart] = if key.refine.is_empty() && !is_chosen {
        chosen = chosen::refining(settings, &key.parts);
        &chosen
    } else {
        &key.refine
    };
    let refine: Vec<Vec<u32>> = refine.iter().map(|&part| parts::hashes(features, part)).collect();
    let bounds = refine::Bounds {
        limit: key.limit.max(2),
        pairs: if is_chosen {
            features.len() as u64 * PAIRS_PER_MEMBER
        } else {
            u64::MAX
        },
        small: SMALL,
    };
    let figures = refine::refine(&mut hashes, &refine, bounds, dropped);
    let name = parts::name(settings, &key.parts);
    (hashes, KeyFigures { name, ..figures })
}

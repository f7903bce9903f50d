//! Damerau-Levenshtein distance by bit vectors: Hyyrö's algorithm (2003), 64 characters of one text at a time.

use super::by_characters;

/// Number of characters of a text that one machine word holds.
const WORD: usize = 64;

/// Returns the number of slips between two texts: characters inserted, left out, replaced, or exchanged with their
/// neighbour. This is the distance of *optimal string alignment*: no part of the text is changed twice, so `ca` and
/// `abc` are three slips apart, not two.
///
/// It takes memory in proportion to both texts, and time in proportion to their product, divided by 64.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    if a == b {
        return 0;
    }
    by_characters!(a, b, aligned)
}

fn aligned<C: Copy + Eq + Into<u32>>(a: &[C], b: &[C]) -> usize {
    let (mut short, mut long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    // What both begin and end with needs no slip.
    let start = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    (short, long) = (&short[start..], &long[start..]);
    let ends = short.iter().rev().zip(long.iter().rev());
    let end = ends.take_while(|(a, b)| a == b).count();
    (short, long) = (&short[..short.len() - end], &long[..long.len() - end]);

    if short.is_empty() {
        return long.len();
    }

    let words = short.chunks(WORD);
    let last_word = words.len() - 1;
    let mut edges = vec![Edge::FIRST; if last_word == 0 { 0 } else { long.len() }];
    let mut distance = short.len();
    for (number, word) in words.enumerate() {
        let places = Places::of(word);
        let mut column = Column::new();
        let last = 1 << (word.len() - 1);
        for (row, letter) in long.iter().enumerate() {
            let edge = edges.get(row).copied().unwrap_or(Edge::FIRST);
            let step = column.next(places.get((*letter).into()), edge);
            if number == last_word {
                distance += usize::from(step.plus & last != 0);
                distance -= usize::from(step.minus & last != 0);
            } else {
                edges[row] = step.edge();
            }
        }
    }
    distance
}

/// Where each letter stands in a word, as bits.
struct Places {
    ascii: [u64; 128],
    others: Vec<(u32, u64)>,
}

impl Places {
    fn of<C: Copy + Into<u32>>(word: &[C]) -> Self {
        let mut places = Self {
            ascii: [0; 128],
            others: Vec::new(),
        };
        for (at, letter) in word.iter().enumerate() {
            let (letter, bit) = ((*letter).into(), 1 << at);
            if let Some(bits) = places.ascii.get_mut(letter as usize) {
                *bits |= bit;
            } else if let Some((_, bits)) = places.others.iter_mut().find(|(other, _)| *other == letter) {
                *bits |= bit;
            } else {
                places.others.push((letter, bit));
            }
        }
        places
    }

    fn get(&self, letter: u32) -> u64 {
        if let Some(bits) = self.ascii.get(letter as usize) {
            return *bits;
        }
        let other = self.others.iter().find(|(other, _)| *other == letter);
        other.map_or(0, |(_, bits)| *bits)
    }
}

/// The differences between neighbouring cells of the table of distances, for one letter of the long text and a word of
/// the short one, where a bit is a letter of the word.
struct Column {
    /// Where the distance grows along the word, and where it shrinks.
    plus: u64,
    minus: u64,
    /// Where it is that of the cell diagonally before.
    diagonal: u64,
    /// Where the letter before stood in the word.
    places: u64,
}

impl Column {
    fn new() -> Self {
        Self {
            plus: !0,
            minus: 0,
            diagonal: 0,
            places: 0,
        }
    }

    /// Goes on to the next letter, given where it stands in the word and what the word before hands on.
    fn next(&mut self, places: u64, edge: Edge) -> Step {
        let begun = !self.diagonal & places;
        let exchanged = ((begun << 1) | u64::from(edge.exchange)) & self.places;
        let found = places | u64::from(edge.minus);
        let run = (found & self.plus).wrapping_add(self.plus) ^ self.plus;
        let diagonal = run | found | self.minus | exchanged;
        let step = Step {
            plus: self.minus | !(diagonal | self.plus),
            minus: diagonal & self.plus,
            begun,
        };
        let plus = (step.plus << 1) | u64::from(edge.plus);
        let minus = (step.minus << 1) | u64::from(edge.minus);
        self.plus = minus | !(diagonal | plus);
        self.minus = plus & diagonal;
        self.diagonal = diagonal;
        self.places = places;
        step
    }
}

/// Where the distance grows and shrinks from one letter of the long text to the next, and where an exchange may begin.
struct Step {
    plus: u64,
    minus: u64,
    begun: u64,
}

impl Step {
    fn edge(&self) -> Edge {
        let last = |bits: u64| bits >> (WORD - 1) == 1;
        Edge {
            plus: last(self.plus),
            minus: last(self.minus),
            exchange: last(self.begun),
        }
    }
}

/// What a word hands on to the next, for one letter of the long text.
#[derive(Clone, Copy)]
struct Edge {
    plus: bool,
    minus: bool,
    exchange: bool,
}

impl Edge {
    /// Before the first word: the distance to no text at all grows with each letter.
    const FIRST: Self = Self {
        plus: true,
        minus: false,
        exchange: false,
    };
}

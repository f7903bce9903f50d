//! A window while its readings are gathered: what is known of their values, and what proves which readings they are.

use sha2::{Digest as _, Sha256};

use super::bytes::{Reader, Writer};
use super::spans::Spans;
use crate::aggregate::{Measure, Partial};
use crate::digest::{Hash, Salt, digest_of_lines, line};
use crate::record::RecordNumber;
use crate::stage::Reading;

/// Number of bits of a record number within its block.
pub(super) const BLOCK_BITS: u32 = 16;

/// What is known of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Number of readings.
    pub(super) rows: u64,
    /// Salt of its first reading.
    pub(super) salt: Salt,
    pub(super) spans: Spans,
    /// The digests of its readings, of each block that has any, ascending.
    blocks: Vec<Hash>,
    pub(super) partials: Vec<Partial>,
    /// The readings that were refused before, and are counted now, each with its commitment.
    pub(super) counted: Vec<(RecordNumber, Hash)>,
    /// Time of the newest reading.
    pub(super) newest: i64,
}

/// A window in one block.
#[derive(Debug)]
pub(super) struct BlockWindow {
    window: Window,
    lines: Sha256,
}

impl BlockWindow {
    /// Makes a window that has no reading yet.
    pub(super) fn new(measures: usize, salt: Salt) -> Self {
        Self {
            window: Window {
                rows: 0,
                salt,
                spans: Spans::default(),
                blocks: Vec::with_capacity(1),
                partials: vec![Partial::default(); measures],
                counted: Vec::new(),
                newest: i64::MIN,
            },
            lines: Sha256::new(),
        }
    }

    /// Adds a reading, with a greater number than those before.
    pub(super) fn add<'m>(
        &mut self,
        measures: impl Iterator<Item = &'m Measure>,
        number: RecordNumber,
        reading: &Reading<'_>,
        commitment: &Hash,
        was_refused: bool,
    ) {
        let window = &mut self.window;
        window.rows += 1;
        window.spans.add(number);
        window.newest = window.newest.max(reading.time);
        let values = reading.values.iter().enumerate();
        for ((at, value), (measure, partial)) in values.zip(measures.zip(&mut window.partials)) {
            if let Some(value) = value {
                let order = reading.orders.get(at).and_then(Option::as_deref);
                partial.add(measure, number, reading.time, value, order);
            }
        }
        self.lines.update(line(commitment));
        if was_refused {
            window.counted.push((number, *commitment));
        }
    }

    /// Ends the block.
    pub(super) fn end(mut self) -> Window {
        self.window.blocks.push(self.lines.finalize().into());
        self.window
    }
}

impl Window {
    /// Adds the same window in later blocks.
    pub(super) fn merge<'m>(&mut self, measures: impl Iterator<Item = &'m Measure>, later: Self) {
        self.rows += later.rows;
        self.newest = self.newest.max(later.newest);
        self.spans.merge(&later.spans);
        self.blocks.extend(later.blocks);
        self.counted.extend(later.counted);
        for ((measure, partial), later) in measures.zip(&mut self.partials).zip(later.partials) {
            partial.merge(measure, later);
        }
    }

    /// Returns the digest of its readings.
    pub(super) fn input(&self) -> Hash {
        digest_of_lines(&self.blocks)
    }

    /// Returns about how many bytes it occupies.
    pub(super) fn bytes(&self) -> usize {
        let partials: usize = self.partials.iter().map(Partial::bytes).sum();
        size_of::<Self>()
            + self.blocks.len() * 32
            + self.spans.ranges().len() * 16
            + self.counted.len() * 40
            + partials
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.number(self.rows.cast_signed());
        out.number(self.newest);
        out.fixed(&self.salt);
        out.length(self.spans.ranges().len());
        for (first, last) in self.spans.ranges() {
            out.number(*first);
            out.number(*last);
        }
        out.length(self.blocks.len());
        self.blocks.iter().for_each(|block| out.fixed(block));
        out.length(self.counted.len());
        for (number, commitment) in &self.counted {
            out.number(number.get());
            out.fixed(commitment);
        }
        out.length(self.partials.len());
        let mut bytes = out.finish();
        self.partials
            .iter()
            .for_each(|partial| partial.encode(&mut bytes));
        bytes
    }

    /// Reads what [`encode`](Self::encode) has written.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader::new(bytes);
        let (rows, newest, salt) = (input.number()?.cast_unsigned(), input.number()?, input.fixed()?);
        let ranges = input.list(|input| Some((input.number()?, input.number()?)))?;
        let blocks = input.list(Reader::fixed)?;
        let counted = input.list(|input| Some((RecordNumber::new(input.number()?), input.fixed()?)))?;
        let partials = input.length()?;
        let mut rest = input.rest();
        let partials = (0..partials)
            .map(|_| Partial::decode(&mut rest))
            .collect::<Option<_>>()?;
        rest.is_empty().then_some(Self {
            rows,
            salt,
            spans: Spans::from_ranges(ranges),
            blocks,
            partials,
            counted,
            newest,
        })
    }
}

/// The digest of the readings of a window, which come in order of their numbers.
#[derive(Debug, Default)]
pub(super) struct InputDigest {
    block: Option<(i64, Sha256)>,
    blocks: Vec<Hash>,
}

impl InputDigest {
    pub(super) fn add(&mut self, number: RecordNumber, commitment: &Hash) {
        let of = number.get() >> BLOCK_BITS;
        if let Some((_, ended)) = self.block.take_if(|(block, _)| *block != of) {
            self.blocks.push(ended.finalize().into());
        }
        let (_, lines) = self.block.get_or_insert_with(|| (of, Sha256::new()));
        lines.update(line(commitment));
    }

    /// Returns the digest; `None` if there was no reading.
    pub(super) fn finish(mut self) -> Option<Hash> {
        self.blocks
            .extend(self.block.map(|(_, lines)| Hash::from(lines.finalize())));
        (!self.blocks.is_empty()).then(|| digest_of_lines(&self.blocks))
    }
}

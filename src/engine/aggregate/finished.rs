//! Windows that are ready to be written, in the order in which they are: by beginning, then by group.

use super::bytes::{Reader, Writer, lost};
use super::keys::WindowKey;
use super::sorted::{Sorted, Sorting};
use super::spans::Spans;
use crate::digest::{Hash, Salt};
use crate::error::Result;
use crate::record::RecordNumber;

/// What becomes of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finished {
    /// It is to be as it is made here.
    Made(Box<Made>),
    /// It stands under this number; what was made of it, if anything, comes with the same key.
    Stands(RecordNumber),
    /// It stands under this number, and is no longer to be.
    Gone(RecordNumber),
}

/// A window as it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) id: String,
    pub(super) data: String,
    /// Why it is refused, as the ledger keeps it, and whether that stops the pass.
    pub(super) refusal: Option<(String, bool)>,
    /// What the stage warns of, as the ledger keeps it.
    pub(super) warned: Option<String>,
    pub(super) readings: Readings,
    /// What the salt of a new window derives from.
    pub(super) parent: Parent,
    /// The number under which it stands, if it is known.
    pub(super) number: Option<RecordNumber>,
    /// The readings that were not counted before, each with its commitment.
    pub(super) counted: Vec<(RecordNumber, Hash)>,
}

/// The readings of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Readings {
    /// These.
    Own {
        inputs: u64,
        input: Hash,
        spans: Spans,
    },
    /// Those that it has.
    AsBefore,
    None,
}

/// What the salt of a new window derives from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parent {
    Salt(Salt),
    /// The salt of a record.
    Record(RecordNumber),
}

/// Windows that are ready to be written.
#[derive(Debug)]
pub(super) struct FinishedWindows {
    sorting: Sorting,
}

impl FinishedWindows {
    /// Begins with at most so many bytes in memory.
    pub(super) fn within(limit: usize) -> Self {
        Self {
            sorting: Sorting::within(limit),
        }
    }

    pub(super) fn add(&mut self, key: &WindowKey, finished: &Finished) -> Result<()> {
        self.sorting.add(&key.by_time(), &finished.encode())
    }

    /// Ends: they come in order.
    pub(super) fn sorted(self) -> Result<InOrder> {
        Ok(InOrder {
            sorted: self.sorting.sorted()?,
        })
    }
}

/// The windows in order.
#[derive(Debug)]
pub(super) struct InOrder {
    sorted: Sorted,
}

impl InOrder {
    /// Returns everything that was said of the next window.
    pub(super) fn next(&mut self) -> Result<Option<(WindowKey, Vec<Finished>)>> {
        let Some((bytes, value)) = self.sorted.next()? else {
            return Ok(None);
        };
        let mut all = vec![decoded(&value)?];
        while self.sorted.peek() == Some(&bytes) {
            if let Some((_, value)) = self.sorted.next()? {
                all.push(decoded(&value)?);
            }
        }
        let key = WindowKey::from_time(&bytes).ok_or_else(lost)?;
        Ok(Some((key, all)))
    }
}

fn decoded(bytes: &[u8]) -> Result<Finished> {
    Finished::decode(bytes).ok_or_else(lost)
}

impl Finished {
    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        match self {
            Self::Stands(number) => {
                out.number(0);
                out.number(number.get());
            }
            Self::Gone(number) => {
                out.number(1);
                out.number(number.get());
            }
            Self::Made(made) => {
                out.number(2);
                made.encode(&mut out);
            }
        }
        out.finish()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader::new(bytes);
        Some(match input.number()? {
            0 => Self::Stands(RecordNumber::new(input.number()?)),
            1 => Self::Gone(RecordNumber::new(input.number()?)),
            _ => Self::Made(Box::new(Made::decode(&mut input)?)),
        })
    }
}

impl Made {
    fn encode(&self, out: &mut Writer) {
        out.text(&self.id);
        out.text(&self.data);
        let refusal = self.refusal.as_ref();
        out.text(refusal.map_or("", |(reason, _)| reason));
        out.number(i64::from(refusal.is_some_and(|(_, halts)| *halts)));
        out.text(self.warned.as_deref().unwrap_or(""));
        match &self.readings {
            Readings::None => out.number(0),
            Readings::AsBefore => out.number(1),
            Readings::Own { inputs, input, spans } => {
                out.number(2);
                out.number(inputs.cast_signed());
                out.fixed(input);
                out.length(spans.ranges().len());
                for (first, last) in spans.ranges() {
                    out.number(*first);
                    out.number(*last);
                }
            }
        }
        match &self.parent {
            Parent::Salt(salt) => {
                out.number(0);
                out.fixed(salt);
            }
            Parent::Record(number) => out.number(number.get()),
        }
        out.number(self.number.map_or(0, RecordNumber::get));
        out.length(self.counted.len());
        for (number, commitment) in &self.counted {
            out.number(number.get());
            out.fixed(commitment);
        }
    }

    fn decode(input: &mut Reader<'_>) -> Option<Self> {
        let (id, data) = (input.text()?.to_owned(), input.text()?.to_owned());
        let (reason, halts) = (input.text()?.to_owned(), input.number()? != 0);
        let warned = input.text()?.to_owned();
        let readings = match input.number()? {
            0 => Readings::None,
            1 => Readings::AsBefore,
            _ => Readings::Own {
                inputs: input.number()?.cast_unsigned(),
                input: input.fixed()?,
                spans: Spans::from_ranges(input.list(|input| Some((input.number()?, input.number()?)))?),
            },
        };
        let parent = match input.number()? {
            0 => Parent::Salt(input.fixed()?),
            number => Parent::Record(RecordNumber::new(number)),
        };
        let number = Some(RecordNumber::new(input.number()?)).filter(|number| number.get() != 0);
        let counted = input.list(|input| Some((RecordNumber::new(input.number()?), input.fixed()?)))?;
        Some(Self {
            id,
            data,
            refusal: (!reason.is_empty()).then_some((reason, halts)),
            warned: (!warned.is_empty()).then_some(warned),
            readings,
            parent,
            number,
            counted,
        })
    }
}

//! What ends a comparison early: limits of pairs and memory, or a request to stop.

use std::fmt;

/// What one key makes of the members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyFigures {
    /// The parts, as a stage file would write them.
    pub(crate) name: String,
    /// Pairs within its blocks, whether or not an earlier key has them too.
    pub(crate) pairs: u64,
    /// Members of its largest block.
    pub(crate) largest: u64,
    /// Members whose block was refined with a further part.
    pub(crate) refined: u64,
    /// Members whose block was too large with all parts, or who lack the part that would have refined it.
    pub(crate) dropped: u64,
}

/// Why members were not compared to the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// A limit would be exceeded.
    Excess(Excess),
    /// Somebody asked to stop.
    Stopped,
}

impl fmt::Display for Unfinished {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Excess(excess) => {
                let what = match excess.what {
                    Exceeded::Pairs => "pairs",
                    Exceeded::Memory => "bytes of memory",
                    Exceeded::Numbers => "members or bytes of one field",
                };
                write!(
                    out,
                    "{} {what}, of {} that are allowed",
                    excess.would, excess.limit
                )
            }
            Self::Stopped => out.write_str("stopped"),
        }
    }
}

impl From<Excess> for Unfinished {
    fn from(excess: Excess) -> Self {
        Self::Excess(excess)
    }
}

/// What would exceed a limit, noticed before it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excess {
    pub(crate) what: Exceeded,
    /// How much there would be.
    pub(crate) would: u64,
    /// How much there may be.
    pub(crate) limit: u64,
    /// What each key contributes.
    pub(crate) keys: Vec<KeyFigures>,
}

impl Excess {
    /// More than there may be, noticed before there are keys.
    pub(crate) fn new(what: Exceeded, would: u64, limit: u64) -> Self {
        Self {
            what,
            would,
            limit,
            keys: Vec::new(),
        }
    }
}

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exceeded {
    /// `limits.pairs`.
    Pairs,
    /// `limits.memory`, in bytes.
    Memory,
    /// Numbers of 32 bits, which count members, and the bytes of a field's distinct values.
    Numbers,
}

/// The threads that compare pairs, and what makes them stop early.
#[derive(Clone, Copy)]
pub(crate) struct Threads<'t> {
    pub(crate) number: usize,
    is_stopped: Option<&'t (dyn Fn() -> bool + Sync)>,
}

impl<'t> Threads<'t> {
    /// So many threads, at least one, which work to the end.
    pub(crate) fn new(number: usize) -> Self {
        Self {
            number: number.max(1),
            is_stopped: None,
        }
    }

    /// Sets what makes them stop early. It stays true once it is.
    pub(crate) fn until(self, is_stopped: &'t (dyn Fn() -> bool + Sync)) -> Self {
        Self {
            is_stopped: Some(is_stopped),
            ..self
        }
    }

    /// Returns whether they have to stop.
    pub(crate) fn are_stopped(&self) -> bool {
        self.is_stopped.is_some_and(|is_stopped| is_stopped())
    }
}

impl fmt::Debug for Threads<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Threads")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

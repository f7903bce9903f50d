//! What a key makes of the members, in figures.

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

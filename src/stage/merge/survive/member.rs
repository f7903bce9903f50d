//! What a golden record is made of.

use crate::record::{Document, RecordNumber};

/// A member of a cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'m> {
    pub(crate) number: RecordNumber,
    /// Its id in the source.
    pub(crate) id: &'m str,
    pub(crate) document: &'m Document,
}

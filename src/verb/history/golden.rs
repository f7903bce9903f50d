//! The golden records that a record is in, or is.

use crate::error::Result;
use crate::ledger::golden::{GoldenRecord, golden_of};
use crate::record::RecordNumber;
use crate::refusal::cut_pointer;
use crate::store::Store;

impl Store {
    /// Returns the golden records that these records are in, or are, each with all its members as they stand; by their
    /// entries alone. Ids are not masked: [`HiddenIds`](super::HiddenIds) says which must not be shown.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn golden(&self, records: &[RecordNumber]) -> Result<Vec<GoldenRecord>> {
        let redact = self.redacted_paths()?;
        let mut found: Vec<GoldenRecord> = Vec::new();
        for record in records {
            for golden in golden_of(self.connection(), *record)? {
                if !found.contains(&golden) {
                    found.push(golden);
                }
            }
        }
        for member in found.iter_mut().flat_map(|golden| &mut golden.members) {
            member.place.cut(|pointer| cut_pointer(pointer, &redact));
        }
        Ok(found)
    }
}

//! What the stages in the ledger redact, whatever their files say now.

use crate::error::{Error, Result};
use crate::ledger::revisions::meanings;
use crate::path::Path;
use crate::stage::redacted_by;
use crate::store::Store;

impl Store {
    /// Returns the paths that any stage in the ledger redacts, whatever its file says now, so that their values are
    /// masked even without the project.
    ///
    /// # Errors
    /// [`Error::Damaged`] when a stage's meaning cannot be read.
    pub fn redacted_paths(&self) -> Result<Vec<Path>> {
        let mut paths: Vec<Path> = Vec::new();
        for of in meanings(self.connection())? {
            let redacted = redacted_by(&of.meaning).ok_or_else(|| Error::Damaged {
                what: format!("the meaning of stage row {} does not say what it redacts", of.row),
            })?;
            for path in redacted {
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        Ok(paths)
    }
}

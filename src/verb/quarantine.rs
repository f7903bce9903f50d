//! The verbs of quarantine: the refused records, listed, shown, tried again, or let go. It is no table of its own but
//! a view over the ledger: refused, and nothing has happened to the record in that stage since.

mod input;
mod line;
mod named;
mod place;
mod waive;

use crate::error::Result;

use crate::ledger::quarantine as standing;
use crate::ledger::refusers;
use crate::path::Path;
use crate::record::{Document, PassId};
use crate::store::Store;

pub use input::RefusedInput;

pub use named::{Named, NamedKind, Naming};
pub use place::{InPlace, PlaceState};
pub use waive::waive;

pub use crate::apply::retry;

pub use crate::ledger::quarantine::{QuarantineCount, Quarantined, Selected};
pub use crate::ledger::refusers::{EarlierVersions, QuarantineTotal};

impl Store {
    /// The refused records, in the order in which they were refused; at most `limit` of them.
    pub fn quarantine(&self, project: &str, selected: &Selected, limit: usize) -> Result<Vec<Quarantined>> {
        let mut found = Vec::new();
        self.each_quarantined(project, selected, limit, |refused| {
            found.push(refused);
            Ok(true)
        })?;
        Ok(found)
    }

    /// As [`Store::quarantine`], one record after the other, so that a long list is never in memory; `false` ends it.
    pub fn each_quarantined(
        &self,
        project: &str,
        selected: &Selected,
        limit: usize,
        mut tell: impl FnMut(Quarantined) -> Result<bool>,
    ) -> Result<()> {
        // A stage that redacts a path may have come after the one that refused.
        let redact = self.redacted_paths()?;
        standing::each(self.connection(), project, selected, limit, |mut refused| {
            refused.reason = refused.reason.cut_at(&redact);
            tell(refused)
        })
    }

    /// How many of the selected records that stand in quarantine stages have refused, and how many lines loads.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn quarantined_count(&self, project: &str, selected: &Selected) -> Result<QuarantineCount> {
        standing::count(self.connection(), project, selected)
    }

    /// How many records are in quarantine, by stage and code, largest first.
    pub fn quarantine_totals(&self, project: &str) -> Result<Vec<QuarantineTotal>> {
        refusers::totals(self.connection(), project)
    }

    /// What one pass has refused and still stands so, by stage and code, as [`Store::quarantine_totals`].
    pub fn quarantine_totals_of_pass(&self, pass: PassId) -> Result<Vec<QuarantineTotal>> {
        refusers::totals_of(self.connection(), pass)
    }

    /// Those of these passes that have refused something which still stands so.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn still_refusing(&self, passes: &[PassId]) -> Result<Vec<PassId>> {
        refusers::still_refusing(self.connection(), passes)
    }

    /// How many of the records that stages have refused have an earlier version in the stage's target, which stays there
    /// until the record is let in or taken back; by stage.
    pub fn earlier_versions(&self, project: &str) -> Result<Vec<EarlierVersions>> {
        refusers::earlier_versions(self.connection(), project)
    }

    /// Whether a stage has refused a record of which an earlier version stands in its target.
    pub fn has_earlier_version(&self, refused: &Quarantined) -> Result<bool> {
        refusers::has_earlier_version(self.connection(), refused)
    }
}

/// Puts a fixed text in the place of every redacted value, and of what blocks the way to one.
pub fn mask(document: &mut Document, redact: &[Path]) {
    for path in redact {
        document.mask(path);
    }
}

//! The verbs of quarantine: list, show, retry or waive refused records. Quarantine is not a separate table but a view
//! over the ledger: a record is in it when it was refused and nothing has happened to it in that stage since.

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
    /// Returns the refused records, in the order in which they were refused; at most `limit` of them.
    pub fn quarantine(&self, project: &str, selected: &Selected, limit: usize) -> Result<Vec<Quarantined>> {
        let mut found = Vec::new();
        self.each_quarantined(project, selected, limit, |refused| {
            found.push(refused);
            Ok(true)
        })?;
        Ok(found)
    }

    /// As [`Store::quarantine`], one record after the other, so that a long list is never in memory; the callback
    /// returns `false` to stop.
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

    /// Returns how many of the selected records in quarantine were refused by stages, and how many are lines refused by
    /// loads.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn quarantined_count(&self, project: &str, selected: &Selected) -> Result<QuarantineCount> {
        standing::count(self.connection(), project, selected)
    }

    /// Returns the number of records in quarantine, by stage and code, largest first.
    pub fn quarantine_totals(&self, project: &str) -> Result<Vec<QuarantineTotal>> {
        refusers::totals(self.connection(), project)
    }

    /// Returns what one pass refused and is still in quarantine, by stage and code, as [`Store::quarantine_totals`].
    pub fn quarantine_totals_of_pass(&self, pass: PassId) -> Result<Vec<QuarantineTotal>> {
        refusers::totals_of(self.connection(), pass)
    }

    /// Returns those of the passes that refused something that is still in quarantine.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn still_refusing(&self, passes: &[PassId]) -> Result<Vec<PassId>> {
        refusers::still_refusing(self.connection(), passes)
    }

    /// Returns, by stage, how many refused records have an earlier version in the stage's target, which stays there
    /// until the record is admitted or rolled back.
    pub fn earlier_versions(&self, project: &str) -> Result<Vec<EarlierVersions>> {
        refusers::earlier_versions(self.connection(), project)
    }

    /// Returns whether an earlier version of a record that a stage refused is in its target.
    pub fn has_earlier_version(&self, refused: &Quarantined) -> Result<bool> {
        refusers::has_earlier_version(self.connection(), refused)
    }
}

/// Replaces every redacted value, and whatever blocks the path to one, with a fixed text.
pub fn mask(document: &mut Document, redact: &[Path]) {
    for path in redact {
        document.mask(path);
    }
}

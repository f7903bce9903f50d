//! The verbs of quarantine: the refused records, listed, shown, tried again, or let go. It is no table of its own but
//! a view over the ledger: refused, and nothing has happened to the record in that stage since.

mod input;
mod line;
mod named;
mod place;
mod waive;

use crate::error::Result;
use crate::history::redacted;
use crate::ledger::quarantine as standing;
use crate::ledger::refusers;
use crate::path::Path;
use crate::record::Document;
use crate::store::Store;

pub use input::{RefusedInput, refused_input};
pub use line::{is_read_otherwise, load_again, repeats_in_its_input};
pub use named::{Named, NamedKind, Naming};
pub use place::{InPlace, PlaceState, in_its_place};
pub use waive::waive;

pub use crate::apply::retry;

pub use crate::ledger::quarantine::{Quarantined, Selected};

/// The refused records, in the order in which they were refused; at most `limit` of them.
pub fn quarantined(
    store: &Store,
    project: &str,
    selected: &Selected,
    limit: usize,
) -> Result<Vec<Quarantined>> {
    let mut found = Vec::new();
    each_quarantined(store, project, selected, limit, |refused| {
        found.push(refused);
        Ok(true)
    })?;
    Ok(found)
}

/// As [`quarantined`], one record after the other, so that a long list is never in memory; `false` ends it.
pub fn each_quarantined(
    store: &Store,
    project: &str,
    selected: &Selected,
    limit: usize,
    mut tell: impl FnMut(Quarantined) -> Result<bool>,
) -> Result<()> {
    // A stage that redacts a path may have come after the one that refused.
    let redact = redacted(store)?;
    standing::each(store.connection(), project, selected, limit, |mut refused| {
        refused.reason = refused.reason.cut_at(&redact);
        tell(refused)
    })
}

/// How many of the selected records that stand in quarantine stages have refused, and how many lines loads.
///
/// # Errors
/// When the ledger cannot be read.
pub fn quarantined_count(store: &Store, project: &str, selected: &Selected) -> Result<(u64, u64)> {
    standing::count(store.connection(), project, selected)
}

/// How many records are in quarantine, by stage and code, largest first.
pub fn quarantine_totals(store: &Store, project: &str) -> Result<Vec<(Option<u32>, String, u64)>> {
    refusers::totals(store.connection(), project)
}

/// What one pass has refused and still stands so, by stage and code, as [`quarantine_totals`].
pub fn quarantine_totals_of(store: &Store, pass: i64) -> Result<Vec<(Option<u32>, String, u64)>> {
    refusers::totals_of(store.connection(), pass)
}

/// Those of these passes that have refused something which still stands so.
///
/// # Errors
/// When the ledger cannot be read.
pub fn still_refusing(store: &Store, passes: &[i64]) -> Result<Vec<i64>> {
    refusers::still_refusing(store.connection(), passes)
}

/// How many of the records that stages have refused have an earlier version in the stage's target, which stays there
/// until the record is let in or taken back; by stage.
pub fn earlier_versions(store: &Store, project: &str) -> Result<Vec<(u32, String, u64)>> {
    refusers::earlier_versions(store.connection(), project)
}

/// Whether a stage has refused a record of which an earlier version stands in its target.
pub fn has_earlier_version(store: &Store, refused: &Quarantined) -> Result<bool> {
    refusers::has_earlier_version(store.connection(), refused)
}

/// Puts a fixed text in the place of every redacted value, and of what blocks the way to one.
pub fn mask(document: &mut Document, redact: &[Path]) {
    for path in redact {
        document.mask(path);
    }
}

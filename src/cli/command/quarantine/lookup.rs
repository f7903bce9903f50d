//! What is looked up about a refused record when it is shown, with the ids that may be.

use counterfoil::path::Path;
use counterfoil::quarantine::{InPlace, Named, Naming, Quarantined};
use counterfoil::record::REDACTED;
use counterfoil::store::Store;
use serde_json::{Value as Json, json};

use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shown_ids::ShownIds;

/// A refused record as it is shown.
pub(super) struct Looked {
    pub(super) refused: Quarantined,
    /// Whether an earlier version of it stays in the target.
    pub(super) has_earlier_version: bool,
    /// What is in its place there.
    pub(super) in_its_place: Option<InPlace>,
    /// What its reason names by numbers.
    pub(super) named: Vec<Named>,
    /// The id that it has in the database where the stage read it, if an earlier stage gave it another one.
    pub(super) own_id: Option<String>,
}

impl Looked {
    /// Adds what was looked up to the record in an envelope.
    pub(super) fn complete(&self, record: &mut Json) {
        record["earlier_version"] = json!(self.has_earlier_version);
        record["in_its_place"] = json!(self.in_its_place);
        record["named"] = json!(self.named);
    }
}

/// Looks up refused records.
pub(super) struct RefusedLookup<'l> {
    store: &'l Store,
    naming: Naming<'l>,
    ids: ShownIds,
}

impl<'l> RefusedLookup<'l> {
    pub(super) fn new(session: &Session<'_>, store: &'l Store, redact: &'l [Path]) -> Result<Self, Failure> {
        Ok(Self {
            store,
            naming: Naming::new(store, redact),
            ids: ShownIds::new(session, store)?,
        })
    }

    pub(super) fn look(&mut self, refused: &Quarantined) -> Result<Looked, Failure> {
        Ok(Looked {
            refused: self.shown(refused),
            has_earlier_version: self.store.has_earlier_version(refused)?,
            in_its_place: self.in_its_place(refused)?,
            named: self.named(refused)?,
            own_id: self.own_id(refused)?,
        })
    }

    fn own_id(&self, refused: &Quarantined) -> Result<Option<String>, Failure> {
        let (Some(source), Some(_)) = (&refused.source, refused.stage) else {
            return Ok(None);
        };
        let row = self.store.record(source, refused.record)?;
        let other = row.map(|row| row.id).filter(|id| Some(id) != refused.id.as_ref());
        let shown = other.map(|id| self.id_where_read(refused, id));
        Ok(shown.filter(|id| id != REDACTED))
    }

    /// The row that is in the place of a refused record.
    fn in_its_place(&self, refused: &Quarantined) -> Result<Option<InPlace>, Failure> {
        let mut place = self.store.in_its_place(refused)?;
        if let Some(place) = &mut place {
            let id = place.id.take();
            place.id = id.map(|id| self.ids.shown(refused.database.as_deref(), id));
        }
        Ok(place)
    }

    /// What a refusal names by numbers.
    fn named(&mut self, refused: &Quarantined) -> Result<Vec<Named>, Failure> {
        let mut named = self.naming.named(refused)?;
        for named in &mut named {
            let id = named.id.take();
            named.id = id.map(|id| self.ids.shown(Some(&named.database), id));
        }
        Ok(named)
    }

    /// The refused record as it may be shown.
    fn shown(&self, refused: &Quarantined) -> Quarantined {
        let mut shown = refused.clone();
        // A load reads no database; the id is that of a line for one.
        let origin = match refused.stage {
            Some(_) => refused.source.as_deref(),
            None => refused.database.as_deref(),
        };
        shown.id = shown.id.map(|id| self.ids.shown_first(origin, id));
        shown
    }

    /// The id by which a refused record may be named.
    pub(super) fn id(&self, refused: &Quarantined) -> Option<String> {
        self.shown(refused).id.filter(|id| id != REDACTED)
    }

    /// The id that a record has where a refused one was read.
    pub(super) fn id_where_read(&self, refused: &Quarantined, id: String) -> String {
        self.ids.shown(refused.source.as_deref(), id)
    }
}

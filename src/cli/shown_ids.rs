//! Ids on screens: those that are derived from redacted values are hidden.

use counterfoil::history::HiddenIds;
use counterfoil::record::REDACTED;
use counterfoil::store::Store;

use super::exit::Exit;
use super::failure::Failure;
use super::masking::redactions;
use super::session::{Session, stages_of};

/// Which ids may be shown.
pub(super) struct ShownIds {
    /// `None` where the stages do not compile, so that it is not known what is redacted.
    hidden: Option<HiddenIds>,
}

impl ShownIds {
    pub(super) fn new(session: &Session<'_>, store: &Store) -> Result<Self, Failure> {
        match (session.stages(), redactions(session, store)) {
            (Ok(project), Ok(redact)) => {
                let stages = stages_of(project.as_ref())?;
                let hidden = HiddenIds::new(store, stages.iter(), &redact)?;
                Ok(Self { hidden: Some(hidden) })
            }
            (Err(failure), _) | (_, Err(failure)) if failure.exit != Exit::StageInvalid => Err(failure),
            _ => Ok(Self { hidden: None }),
        }
    }

    /// Returns an id in a database, or its mask if the id is derived from redacted values.
    pub(super) fn shown(&self, database: Option<&str>, id: String) -> String {
        self.unless(id, |hidden| database.is_some_and(|name| hidden.hides(name)))
    }

    /// An id with which a record began that is in a database now, as the ledger has it.
    pub(super) fn shown_first(&self, database: Option<&str>, id: String) -> String {
        self.unless(id, |hidden| database.is_some_and(|name| hidden.hides_first(name)))
    }

    fn unless(&self, id: String, hides: impl FnOnce(&HiddenIds) -> bool) -> String {
        if self.hidden.as_ref().is_none_or(hides) {
            REDACTED.to_owned()
        } else {
            id
        }
    }
}

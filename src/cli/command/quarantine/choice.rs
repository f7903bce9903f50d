//! Which refused records are meant.

use counterfoil::quarantine::Selected;
use counterfoil::record::RecordNumber;
use counterfoil::store::Store;

use super::lookup::RefusedLookup;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::values::stage_number;

/// Which refused records.
#[derive(clap::Args, Debug)]
pub(super) struct Choice {
    /// Only records that this stage refused.
    #[arg(long, value_name = "N", value_parser = stage_number)]
    pub(super) stage: Option<u32>,
    /// Only records refused with this code.
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Only the record with this id.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Only the record with this number; use it for rejected input lines without an id.
    #[arg(long, value_name = "NUMBER")]
    record: Option<RecordNumber>,
}

impl Choice {
    pub(super) fn selected(&self) -> Selected {
        Selected::default()
            .stage(self.stage)
            .code(self.code.clone())
            .record(self.record)
            .id(self.id.clone())
    }

    /// As [`selected`](Self::selected); an id that a record got after it began is found in the databases.
    pub(super) fn found(&self, store: &Store, project: &str) -> Result<Selected, Failure> {
        let selected = self.selected();
        let number = match &self.id {
            Some(id) => number_of_id(store, project, id)?,
            None => None,
        };
        Ok(match number {
            Some(number) => selected.id(None).record(number),
            None => selected,
        })
    }

    pub(super) fn ids(&self) -> Vec<&str> {
        self.id.as_deref().into_iter().collect()
    }

    /// Refuses an id or a number that is not in quarantine, which is probably a typing error.
    pub(super) fn exists(&self, session: &Session<'_>, store: &Store, project: &str) -> Result<(), Failure> {
        let named = Selected::default().record(self.record).id(self.id.clone());
        let is_found = |id: &String| Ok::<_, Failure>(number_of_id(store, project, id)?.is_some());
        if self.id.as_ref().map_or(Ok(false), is_found)? {
            return Ok(());
        }
        if named == Selected::default() || !store.quarantine(project, &named, 1)?.is_empty() {
            return Ok(());
        }
        let found = store.quarantine(project, &Selected::default(), 5)?;
        let lookup = RefusedLookup::new(session, store, &[])?;
        let told = found.iter().map(|refused| match lookup.id(refused) {
            Some(id) => format!("id {id}"),
            None => format!("record {}", refused.record),
        });
        let listed: Vec<String> = told.collect();
        let hint = if listed.is_empty() {
            "the quarantine is empty".to_owned()
        } else {
            format!("in quarantine, for example: {}", listed.join(", "))
        };
        Err(Failure::usage(
            "quarantine.missing",
            "no such record in quarantine",
            hint,
        ))
    }

    pub(super) fn is_everything(&self) -> bool {
        self.selected() == Selected::default()
    }
}

/// Returns the number of the refused record that has this id in a database, if none in quarantine began with it.
pub(super) fn number_of_id(store: &Store, project: &str, id: &str) -> Result<Option<RecordNumber>, Failure> {
    let began = Selected::default().id(id.to_owned());
    if !store.quarantine(project, &began, 1)?.is_empty() {
        return Ok(None);
    }
    for database in store.databases_with_id(id)? {
        let Some(record) = store.get(&database, id)? else {
            continue;
        };
        let numbered = Selected::default().record(record.number);
        if !store.quarantine(project, &numbered, 1)?.is_empty() {
            return Ok(Some(record.number));
        }
    }
    Ok(None)
}

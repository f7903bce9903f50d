//! Which records an id leads to: those that have it or had it in a database, whatever became of them, and those that have it
//! in another one and came from there or went there.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::life::Life;
use super::remade::numbers_once_made;
use crate::error::{Error, Result};
use crate::ledger::past::{began_with, rows_once_called};
use crate::ledger::revisions::writing_to;
use crate::record::RecordNumber;
use crate::stage::Stage;
use crate::store::{Store, Table};

/// The records that an id leads to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Found {
    /// Their numbers, ascending: one id can have had several over time.
    pub records: Vec<RecordNumber>,
    /// The other databases in which they have the id, or had it; empty where they have it in the one asked for.
    pub elsewhere: Vec<String>,
    /// Where each of them has the id, or had it.
    #[serde(skip)]
    pub(crate) places: Vec<FoundRecord>,
}

/// A record that an id leads to, in one database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundRecord {
    pub(crate) database: String,
    pub(crate) record: RecordNumber,
    /// The id that the record has there; the one asked for wherever it is known that it had it there. Where all that is known is
    /// that it began with that id elsewhere, it is the one that it has now, if it is there.
    pub(crate) id: Option<String>,
}

impl Store {
    /// Looks for an id: among the rows of the database as they are, among the ids with which records began, and, where a
    /// stage may have given other ids, among the images of what was there before. These are read once, whatever was found
    /// before, because all records that ever had the id are named. Where the database never had the id, the others are looked
    /// through for a record that came from there, or went there; the images of all of them in that one reading.
    ///
    /// # Errors
    /// [`Error::NoSuchRecord`] when there is none; [`Error::NoSuchDatabase`] when there is no such database either.
    pub fn find(&self, database: &str, id: &str) -> Result<Found> {
        let connection = self.connection();
        let mut known = Known::new(self, id)?;
        if known.has(database) {
            if may_give_other_ids(connection, Some(database))? {
                known.add_images(connection, Some(database))?;
            }
        } else if may_give_other_ids(connection, None)? {
            known.add_images(connection, None)?;
        }
        if known.has(database) {
            return known.found(self, &[(database.to_owned(), known.numbers(database))], false);
        }
        let mut others = Vec::new();
        for name in known.databases() {
            let mut leading = BTreeSet::new();
            for number in known.numbers(&name) {
                if Life::new(connection, vec![number])?.touches(connection, database)? {
                    leading.insert(number);
                }
            }
            if !leading.is_empty() {
                others.push((name, leading));
            }
        }
        if others.is_empty() {
            let made = numbers_once_made(self, database, id)?;
            if !made.is_empty() {
                for number in &made {
                    known.add(database.to_owned(), *number, true);
                }
                return known.found(self, &[(database.to_owned(), made.into_iter().collect())], false);
            }
            self.table(database)?;
            return Err(Error::NoSuchRecord {
                database: database.to_owned(),
                id: id.to_owned(),
            });
        }
        known.found(self, &others, true)
    }

    /// The databases in which a record has an id, or to which one came that began with it: what a look at the rows and the first
    /// ids tells. Ids that records had in between stand in the images alone, which only [`Store::find`] reads.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn databases_with_id(&self, id: &str) -> Result<Vec<String>> {
        Ok(Known::new(self, id)?.databases())
    }

    /// Whether records may have had other ids, in any database, than those that they have and those with which they began: then
    /// only [`Store::find`] knows all of them.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn may_have_had_other_ids(&self) -> Result<bool> {
        may_give_other_ids(self.connection(), None)
    }
}

/// What is known of an id: in which databases which records have it or had it.
struct Known<'i> {
    id: &'i str,
    /// Of each record in a database whether it had the id there for sure.
    places: BTreeMap<(String, RecordNumber), bool>,
}

impl<'i> Known<'i> {
    /// What the rows and the ids with which records began tell; no image is read.
    fn new(store: &Store, id: &'i str) -> Result<Self> {
        let connection = store.connection();
        let mut known = Self {
            id,
            places: BTreeMap::new(),
        };
        for name in store.databases()? {
            if let Some(number) = Table::from_name(&name)?.number_of(connection, id)? {
                known.add(name, number, true);
            }
        }
        for began in began_with(connection, id)? {
            known.add(began.database, began.number, began.here);
        }
        Ok(known)
    }

    fn add(&mut self, database: String, number: RecordNumber, for_sure: bool) {
        *self.places.entry((database, number)).or_default() |= for_sure;
    }

    /// Adds the rows that had the id before they were changed, and the records that were refused under it: in one database,
    /// or in all of them.
    fn add_images(&mut self, connection: &Connection, database: Option<&str>) -> Result<()> {
        for row in rows_once_called(connection, self.id, database)? {
            self.add(row.database, row.number, true);
        }
        Ok(())
    }

    fn has(&self, database: &str) -> bool {
        self.places.keys().any(|(name, _)| name == database)
    }

    fn databases(&self) -> Vec<String> {
        let names: BTreeSet<&String> = self.places.keys().map(|(name, _)| name).collect();
        names.into_iter().cloned().collect()
    }

    fn numbers(&self, database: &str) -> BTreeSet<RecordNumber> {
        let own = self.places.keys().filter(|(name, _)| name == database);
        own.map(|(_, number)| *number).collect()
    }

    fn found(
        &self,
        store: &Store,
        chosen: &[(String, BTreeSet<RecordNumber>)],
        elsewhere: bool,
    ) -> Result<Found> {
        let mut places = Vec::new();
        for (database, numbers) in chosen {
            for number in numbers {
                let for_sure = self.places.get(&(database.clone(), *number)) == Some(&true)
                    || !may_give_other_ids(store.connection(), Some(database))?;
                let id = if for_sure {
                    Some(self.id.to_owned())
                } else {
                    id_now(store, database, *number)?
                };
                places.push(FoundRecord {
                    database: database.clone(),
                    record: *number,
                    id,
                });
            }
        }
        let records: BTreeSet<RecordNumber> = places.iter().map(|place| place.record).collect();
        let others = chosen.iter().filter(|_| elsewhere);
        Ok(Found {
            records: records.into_iter().collect(),
            elsewhere: others.map(|(name, _)| name.clone()).collect(),
            places,
        })
    }
}

/// The id that a record has in a database; `None` where it is not there.
fn id_now(store: &Store, database: &str, number: RecordNumber) -> Result<Option<String>> {
    let (connection, table) = (store.connection(), Table::from_name(database)?);
    if !table.exists(connection)? {
        return Ok(None);
    }
    let row = table.by_number(connection, number)?;
    Ok(row.map(|row| row.record.id))
}

/// Whether any stage that has written to a database (`None`: to any) may give its records other ids than those with which they
/// began: only then an id may stand in the images alone, which are many.
fn may_give_other_ids(connection: &Connection, database: Option<&str>) -> Result<bool> {
    for of in writing_to(connection, database)? {
        // What a stage does that was built in Rust is not known.
        let stage = Stage::as_applied(of.number, &of.slug, &of.source_text, &of.meaning);
        if stage.is_none_or(|stage| !stage.takes_over_ids()) {
            return Ok(true);
        }
    }
    Ok(false)
}

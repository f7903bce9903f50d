//! The records that an id identifies: those that have or had it in a database, whatever became of them, and those that
//! have it in another database and came from the first or went to it.

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

/// Records that an id identifies.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Found {
    /// Their numbers, ascending: one id can have belonged to several records over time.
    pub records: Vec<RecordNumber>,
    /// Other databases in which they have or had the id; empty when they have it in the requested one.
    pub elsewhere: Vec<String>,
    /// Where each of them has or had the id.
    #[serde(skip)]
    pub(crate) places: Vec<FoundRecord>,
}

/// A record that an id identifies, in one database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundRecord {
    pub(crate) database: String,
    pub(crate) record: RecordNumber,
    /// Id of the record there: the requested one if the record is known to have had it there. If it is only known that
    /// the record began with that id elsewhere, its current id, if it exists there.
    pub(crate) id: Option<String>,
}

impl Store {
    /// Finds the records of an id: among the current rows of the database, among the ids with which records began, and,
    /// where a stage may have given other ids, among the images of earlier rows. The images are always read once,
    /// because all records that ever had the id are reported. When the database never had the id, the other databases
    /// are searched for a record that came from it, or went to it; the same reading covers the images of all of them.
    ///
    /// # Errors
    /// [`Error::NoSuchRecord`] when there is no such record; [`Error::NoSuchDatabase`] when there is no such database
    /// either.
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

    /// Returns the databases in which a record has an id, or to which a record came that began with it, as far as the
    /// rows and the first ids show. Only the images hold the ids that records had in between, and only [`Store::find`]
    /// reads them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn databases_with_id(&self, id: &str) -> Result<Vec<String>> {
        Ok(Known::new(self, id)?.databases())
    }

    /// Returns whether records may have had ids, in any database, other than their current and their first ones: only
    /// [`Store::find`] then finds all of them.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn may_have_had_other_ids(&self) -> Result<bool> {
        may_give_other_ids(self.connection(), None)
    }
}

/// What is known of an id: the records that have or had it, and in which databases.
struct Known<'i> {
    id: &'i str,
    /// For each record in a database, whether it certainly had the id there.
    places: BTreeMap<(String, RecordNumber), bool>,
}

impl<'i> Known<'i> {
    /// Searches the rows and the ids with which records began; reads no image.
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

/// Returns the id of a record in a database; `None` when it is not there.
fn id_now(store: &Store, database: &str, number: RecordNumber) -> Result<Option<String>> {
    let (connection, table) = (store.connection(), Table::from_name(database)?);
    if !table.exists(connection)? {
        return Ok(None);
    }
    let row = table.by_number(connection, number)?;
    Ok(row.map(|row| row.record.id))
}

/// Returns whether any stage that wrote to a database (`None`: to any) may give its records ids other than their first
/// ones: only then may an id be in the images alone, which are many.
fn may_give_other_ids(connection: &Connection, database: Option<&str>) -> Result<bool> {
    for of in writing_to(connection, database)? {
        // What a stage built in Rust does is unknown.
        let stage = Stage::as_applied(of.number, &of.slug, &of.source_text, &of.meaning);
        if stage.is_none_or(|stage| !stage.keeps_first_ids()) {
            return Ok(true);
        }
    }
    Ok(false)
}

//! A logical database, as a program uses it: single records in and out, and queries. Every write is one batch with its
//! entries, like everything else that is written.

use std::ops::ControlFlow;

use crate::edit::{Edit, edit};
use crate::engine::RunInfo;
use crate::error::{Error, Result};
use crate::query::{Query, Selection};
use crate::record::Record;
use crate::store::Store;

/// A named set of records in a store.
#[derive(Debug)]
pub struct Database<'s> {
    store: &'s mut Store,
    name: String,
}

impl Store {
    /// A logical database to read and write. It is made by its first write.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the name is none of a database.
    pub fn database(&mut self, name: &str) -> Result<Database<'_>> {
        crate::store::Table::from_name(name)?;
        Ok(Database {
            name: name.to_owned(),
            store: self,
        })
    }

    /// The records of a database that a query selects, in its order. Memory is bounded by what is selected; where the
    /// query neither sorts nor limits, use [`Store::records_after`] to go through a database piece by piece.
    ///
    /// # Errors
    /// [`Error::Damaged`] when stored data is no record.
    pub fn query(&self, database: &str, query: &Query) -> Result<Vec<Record>> {
        const PIECE: usize = 1_000;
        let mut selection = Selection::new(query);
        let mut after = query.after_record().unwrap_or(0);
        loop {
            let records = self.records_after(database, after, PIECE)?;
            let Some(last) = records.last() else {
                return Ok(selection.into_records());
            };
            after = last.record;
            for record in records {
                let number = record.record;
                let offered = selection.offer(record).map_err(|malformed| Error::Damaged {
                    what: format!("record {number} of `{database}` is no record: {malformed}"),
                })?;
                if offered == ControlFlow::Break(()) {
                    return Ok(selection.into_records());
                }
            }
        }
    }
}

impl Database<'_> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A record by its id.
    pub fn get(&self, id: &str) -> Result<Option<Record>> {
        self.store.get(&self.name, id)
    }

    /// The number of records.
    pub fn count(&self) -> Result<u64> {
        self.store.count(&self.name)
    }

    /// The records that a query selects, in its order.
    pub fn query(&self, query: &Query) -> Result<Vec<Record>> {
        self.store.query(&self.name, query)
    }

    /// Adds a record that must not exist yet.
    pub fn insert(&mut self, id: &str, data: &str) -> Result<Record> {
        self.write(Edit::Insert {
            id: id.to_owned(),
            data: data.to_owned(),
        })?;
        self.written(id)
    }

    /// Writes a record, whether it exists or not; one that exists keeps its number, and its before image is kept.
    pub fn put(&mut self, id: &str, data: &str) -> Result<Record> {
        self.write(Edit::Put {
            id: id.to_owned(),
            data: data.to_owned(),
        })?;
        self.written(id)
    }

    /// Deletes a record that must exist; its before image is kept.
    pub fn delete(&mut self, id: &str) -> Result<()> {
        self.write(Edit::Delete { id: id.to_owned() })
    }

    /// Carries out several edits in one batch, all or nothing.
    pub fn edit(&mut self, edits: &[Edit]) -> Result<crate::edit::EditReport> {
        edit(self.store, &self.name, edits, &RunInfo::new("edit"))
    }

    fn write(&mut self, change: Edit) -> Result<()> {
        self.edit(&[change]).map(drop)
    }

    fn written(&self, id: &str) -> Result<Record> {
        let missing = || Error::NoSuchRecord {
            database: self.name.clone(),
            id: id.to_owned(),
        };
        self.get(id)?.ok_or_else(missing)
    }
}

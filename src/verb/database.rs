//! A logical database as a program uses it: reading and writing single records, and queries. Every write is one batch
//! with its entries, like all writes.

use std::ops::ControlFlow;

use crate::edit::{Edit, EditReport, edit, edit_all};
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
    /// Returns a handle to read and write a logical database. The first write creates the database.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the name is not valid for a database.
    pub fn database(&mut self, name: &str) -> Result<Database<'_>> {
        crate::store::Table::from_name(name)?;
        Ok(Database {
            name: name.to_owned(),
            store: self,
        })
    }

    /// Returns the records of a database that a query selects, in the query's order. They are all in memory; where the
    /// query neither sorts nor limits, use [`Store::records_after`] to read a database in slices.
    ///
    /// # Errors
    /// [`Error::Damaged`] when stored data is not a record.
    pub fn query(&self, database: &str, query: &Query) -> Result<Vec<Record>> {
        const PIECE: usize = 1_000;
        let mut selection = Selection::new(query);
        let mut after = query.after_record().unwrap_or_default();
        loop {
            let records = self.records_after(database, after, PIECE)?;
            let Some(last) = records.last() else {
                return Ok(selection.into_records());
            };
            after = last.number;
            for record in records {
                let number = record.number;
                let offered = selection.offer(record).map_err(|malformed| Error::Damaged {
                    what: format!("record {number} of `{database}` is not a record: {malformed}"),
                })?;
                if offered == ControlFlow::Break(()) {
                    return Ok(selection.into_records());
                }
            }
        }
    }
}

impl Database<'_> {
    /// Returns the name of the database.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns a record by its id.
    pub fn get(&self, id: &str) -> Result<Option<Record>> {
        self.store.get(&self.name, id)
    }

    /// Returns the number of records.
    pub fn count(&self) -> Result<u64> {
        self.store.count(&self.name)
    }

    /// Returns the records that a query selects, in the query's order.
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

    /// Inserts or replaces a record; an existing record keeps its number, and the ledger keeps its before image.
    pub fn put(&mut self, id: &str, data: &str) -> Result<Record> {
        self.write(Edit::Put {
            id: id.to_owned(),
            data: data.to_owned(),
        })?;
        self.written(id)
    }

    /// Adds records that must not exist yet, each given as an id and its data, in one run and few batches: far faster
    /// than one [`insert`](Self::insert) for each. A batch is written as a whole or not at all; when one fails, the
    /// batches before it stay. The store's options set the size of a batch.
    ///
    /// ```
    /// # use counterfoil::environment::Environment;
    /// # use counterfoil::store::{Store, StoreOptions};
    /// # let mut store = Store::in_memory(StoreOptions::default(), Environment::default())?;
    /// let records = (1..=1_000).map(|number| (format!("n{number}"), format!(r#"{{"n":{number}}}"#)));
    /// let report = store.database("numbers")?.insert_all(records)?;
    /// assert_eq!(report.counts.written, 1_000);
    /// # Ok::<(), counterfoil::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`edit`](crate::edit::edit).
    pub fn insert_all<I: Into<String>, D: Into<String>>(
        &mut self,
        records: impl IntoIterator<Item = (I, D)>,
    ) -> Result<EditReport> {
        let edits = records.into_iter().map(|(id, data)| {
            let (id, data) = (id.into(), data.into());
            Ok(Edit::Insert { id, data })
        });
        edit_all(self.store, &self.name, edits, &RunInfo::new("edit"))
    }

    /// Deletes a record that must exist; the ledger keeps its before image.
    pub fn delete(&mut self, id: &str) -> Result<()> {
        self.write(Edit::Delete { id: id.to_owned() })
    }

    /// Executes several edits in one batch, all or nothing.
    pub fn edit(&mut self, edits: &[Edit]) -> Result<EditReport> {
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

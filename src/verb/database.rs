//! A logical database, as a program uses it: single records in and out, and queries. Every write is one batch with its
//! entries, like everything else that is written.

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

    /// Adds records that must not exist yet, each an id and its data, in one run and few batches: far faster than one
    /// [`insert`](Self::insert) for each. A batch is written as a whole or not at all; where one fails, those before it
    /// stand. A batch has as many records as the store's options say.
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
    /// As of [`edit`](crate::edit::edit).
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

    /// Deletes a record that must exist; its before image is kept.
    pub fn delete(&mut self, id: &str) -> Result<()> {
        self.write(Edit::Delete { id: id.to_owned() })
    }

    /// Carries out several edits in one batch, all or nothing.
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

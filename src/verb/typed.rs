//! Records as Rust values: written and read through `serde`, with every number exact.

use std::any::type_name;

use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned};

use crate::edit::{Edit, EditReport, edit_all};
use crate::engine::RunInfo;
use crate::error::{Error, Result};
use crate::input::read_id;
use crate::record::{Record, value_in};
use crate::store::Store;

/// Field that a record's id is taken from, the default of `load`.
const ID: &str = "id";

impl Store {
    /// Adds a record from a Rust value that becomes a JSON object. Its id is the value of its field `id`, a text or a whole
    /// number, and must not exist yet.
    ///
    /// Numbers stay exact: what `serde_json` writes is what is stored. A [`Decimal`](crate::Decimal) becomes a text, as
    /// its crate serializes it; `#[serde(with = "counterfoil::rust_decimal::serde::arbitrary_precision")]` makes it a
    /// number. [`serde_json::Number`](crate::serde_json::Number) keeps every digit of longer numbers.
    ///
    /// ```
    /// use counterfoil::environment::Environment;
    /// use counterfoil::store::{Store, StoreOptions};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Order {
    ///     id: String,
    ///     quantity: u32,
    /// }
    ///
    /// let mut store = Store::in_memory(StoreOptions::default(), Environment::default())?;
    /// store.insert("orders", &Order { id: "o-1".to_owned(), quantity: 3 })?;
    /// let order: Order = store.get_as("orders", "o-1")?.expect("it was inserted");
    /// assert_eq!(order.quantity, 3);
    /// # Ok::<(), counterfoil::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] when the value is not a record or has no id, or when the id exists.
    pub fn insert<T: Serialize + ?Sized>(&mut self, database: &str, record: &T) -> Result<Record> {
        let RecordText { id, data } = RecordText::new(record)?;
        self.database(database)?.insert(&id, &data)
    }

    /// Writes a record from a Rust value, as [`insert`](Self::insert), or replaces an existing one, which keeps its
    /// number; the ledger keeps the before image.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the value is not a record or has no id.
    pub fn put<T: Serialize + ?Sized>(&mut self, database: &str, record: &T) -> Result<Record> {
        let RecordText { id, data } = RecordText::new(record)?;
        self.database(database)?.put(&id, &data)
    }

    /// Adds records from Rust values, as [`insert`](Self::insert), in one run and few batches instead of one commit for
    /// each. A batch is written as a whole or not at all; when one fails, the batches before it stay.
    ///
    /// # Errors
    /// The errors of [`insert`](Self::insert); also when two records have the same id.
    pub fn insert_all<T: Serialize>(
        &mut self,
        database: &str,
        records: impl IntoIterator<Item = T>,
    ) -> Result<EditReport> {
        let edits = records.into_iter().map(|record| {
            let RecordText { id, data } = RecordText::new(&record)?;
            Ok(Edit::Insert { id, data })
        });
        edit_all(self, database, edits, &RunInfo::new("edit"))
    }

    /// Returns a record by its id, as a Rust value.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the record is not what the type expects.
    pub fn get_as<T: DeserializeOwned>(&self, database: &str, id: &str) -> Result<Option<T>> {
        self.get(database, id)?.map(|record| record.read_as()).transpose()
    }
}

impl Record {
    /// Returns the record's data as a Rust value.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the data is not what the type expects. The message names the type and the column, and a
    /// missing field; it never holds a value of the record.
    pub fn read_as<'r, T: Deserialize<'r>>(&'r self) -> Result<T> {
        serde_json::from_str(&self.data).map_err(|error| {
            let why = error.to_string();
            // Of serde's messages, only this part never quotes the record.
            let what = match why.split(" at line ").next() {
                Some(missing) if missing.starts_with("missing field") => missing.to_owned(),
                _ => format!("what stands before column {} does not fit", error.column()),
            };
            let (number, wanted) = (self.number, type_name::<T>());
            Error::invalid(
                format!("record {number} cannot be read as `{wanted}`: {what}"),
                "compare the type with the record's data",
            )
        })
    }
}

/// A Rust value as the store accepts it.
struct RecordText {
    id: String,
    data: String,
}

impl RecordText {
    fn new<T: Serialize + ?Sized>(record: &T) -> Result<Self> {
        let given = type_name::<T>();
        let not = |what: &str| {
            Error::invalid(
                format!("a `{given}` cannot be a record: {what}"),
                "give a value that becomes a JSON object with a field `id`, a text or a whole number",
            )
        };
        let data = serde_json::to_string(record).map_err(|_| not("it cannot be written as JSON"))?;
        let id = value_in(&data, ID).map_err(|malformed| not(&malformed.message))?;
        let id = read_id(id.as_ref(), ID).map_err(|refusal| not(&refusal.to_string()))?;
        Ok(Self { id, data })
    }
}

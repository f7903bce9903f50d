//! The origins of record numbers, in ascending order, for comparison with what happened to the records.

use std::collections::BTreeSet;

use rusqlite::{Connection, Rows, Statement};

use crate::digest::Salt;
use crate::error::Result;
use crate::record::RecordNumber;

/// The statement that [`NumberOrigins`] reads.
pub(crate) fn statement(connection: &Connection) -> Result<Statement<'_>> {
    Ok(connection.prepare("SELECT record, database, id, salt FROM ledger_record ORDER BY record")?)
}

/// A fault in the origin of a number that is detected without reading its entries.
pub(crate) enum Astray {
    /// The number was given out in a database that does not exist.
    Nowhere,
    /// The salt is gone, and no erasure is recorded.
    Unsalted,
}

/// Returns the numbers with such a fault, each with its database.
pub(crate) fn astray(
    connection: &Connection,
    databases: &BTreeSet<String>,
) -> Result<Vec<(RecordNumber, String, Astray)>> {
    let sql = "SELECT record, database, salt IS NULL AND NOT EXISTS(SELECT 1 FROM ledger_erasure x WHERE x.record=r.record) AS unsalted
     FROM ledger_record r WHERE database NOT IN (SELECT value FROM json_each(?1)) OR unsalted ORDER BY record";
    let known = serde_json::to_string(databases).expect("names always have a JSON text");
    let mut statement = connection.prepare(sql)?;
    let astray = statement.query_map([known], |row| {
        let is_unsalted: bool = row.get(2)?;
        let what = if is_unsalted {
            Astray::Unsalted
        } else {
            Astray::Nowhere
        };
        Ok((row.get(0)?, row.get(1)?, what))
    })?;
    Ok(astray.collect::<rusqlite::Result<_>>()?)
}

/// Where a number was given out, with its id and salt.
pub(crate) struct NumberOrigin {
    pub(crate) number: RecordNumber,
    pub(crate) database: String,
    pub(crate) id: Option<String>,
    pub(crate) salt: Option<Salt>,
}

/// Reader of the origins, in ascending order of the numbers.
pub(crate) struct NumberOrigins<'s> {
    rows: Rows<'s>,
    next: Option<NumberOrigin>,
}

impl<'s> NumberOrigins<'s> {
    pub(crate) fn new(statement: &'s mut Statement<'_>) -> Result<Self> {
        let rows = statement.query([])?;
        let mut origins = Self { rows, next: None };
        origins.advance()?;
        Ok(origins)
    }

    fn advance(&mut self) -> Result<()> {
        self.next = match self.rows.next()? {
            None => None,
            Some(row) => Some(NumberOrigin {
                number: row.get(0)?,
                database: row.get(1)?,
                id: row.get(2)?,
                salt: row.get(3)?,
            }),
        };
        Ok(())
    }

    /// Advances to a number; returns the earlier numbers (all that are left, for none) that were given out in a
    /// database.
    pub(crate) fn without_history(
        &mut self,
        database: &str,
        number: Option<RecordNumber>,
    ) -> Result<Vec<RecordNumber>> {
        let mut without = Vec::new();
        while let Some(origin) = self
            .next
            .take_if(|origin| number.is_none_or(|number| origin.number < number))
        {
            if origin.database == database {
                without.push(origin.number);
            }
            self.advance()?;
        }
        Ok(without)
    }

    /// Returns the origin of the number that was advanced to.
    pub(crate) fn of_number(&mut self, number: RecordNumber) -> Result<Option<NumberOrigin>> {
        let found = self.next.take_if(|origin| origin.number == number);
        if found.is_some() {
            self.advance()?;
        }
        Ok(found)
    }
}

//! Where the numbers of records come from, in their order, for whoever lays them beside what happened to the records.

use rusqlite::{Connection, Rows, Statement};

use crate::digest::Salt;
use crate::error::Result;

/// The statement that [`Origins`] reads.
pub(crate) fn statement(connection: &Connection) -> Result<Statement<'_>> {
    Ok(connection.prepare("SELECT record, database, id, salt FROM ledger_record ORDER BY record")?)
}

/// Where a number was given out, with which id and salt.
pub(crate) struct NumberOrigin {
    pub(crate) number: i64,
    pub(crate) database: String,
    pub(crate) id: Option<String>,
    pub(crate) salt: Option<Salt>,
}

/// Where the numbers come from, in their order.
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

    /// Goes on to a number; gives those before it (all that are left, for none) that were given out in a database.
    pub(crate) fn without_story(&mut self, database: &str, number: Option<i64>) -> Result<Vec<i64>> {
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

    /// Where a number comes from that was gone on to.
    pub(crate) fn of_number(&mut self, number: i64) -> Result<Option<NumberOrigin>> {
        let found = self.next.take_if(|origin| origin.number == number);
        if found.is_some() {
            self.advance()?;
        }
        Ok(found)
    }
}

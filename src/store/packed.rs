//! Rows side by side in one buffer: millions of rows that are looked at once need not be allocated one by one.

use std::ops::Range;

use rusqlite::Rows;

use crate::digest::{Hash, Salt, commitment};
use crate::error::{Error, Result};
use crate::record::RecordNumber;

/// Rows of a table, in the order in which they were read.
#[derive(Debug, Default)]
pub(crate) struct PackedRows {
    text: String,
    rows: Vec<Packed>,
}

#[derive(Debug)]
struct Packed {
    number: RecordNumber,
    salt: Option<Salt>,
    /// Where the id ends, and the data, in the text; the id begins where the row before ends.
    id: usize,
    data: usize,
}

/// A row, wherever it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowRef<'r> {
    pub(crate) number: RecordNumber,
    pub(crate) id: &'r str,
    pub(crate) data: &'r str,
    pub(crate) salt: Option<Salt>,
}

impl PackedRows {
    /// Replaces its rows by rows of number, id, data and salt, until they have about so many bytes.
    pub(super) fn fill(&mut self, mut rows: Rows<'_>, bytes: usize) -> Result<()> {
        self.clear();
        while let Some(row) = rows.next()? {
            self.text
                .push_str(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?);
            let id = self.text.len();
            self.text
                .push_str(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?);
            self.rows.push(Packed {
                number: row.get(0)?,
                salt: row.get(3)?,
                id,
                data: self.text.len(),
            });
            if self.text.len() >= bytes {
                break;
            }
        }
        Ok(())
    }

    /// Drops its rows and keeps their memory, so that reading again and again does not allocate each time.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.rows.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the number of a row.
    pub(crate) fn number(&self, at: usize) -> Option<RecordNumber> {
        self.rows.get(at).map(|row| row.number)
    }

    /// Returns the number of the last row.
    pub(crate) fn last(&self) -> Option<RecordNumber> {
        self.rows.last().map(|row| row.number)
    }

    /// Returns the place of the first row after a number.
    pub(crate) fn after(&self, number: RecordNumber) -> usize {
        self.rows.partition_point(|row| row.number <= number)
    }

    /// Returns the number of bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Returns some of the rows, by their places.
    pub(crate) fn views(&self, places: Range<usize>) -> impl Iterator<Item = RowRef<'_>> {
        places.filter_map(|at| {
            let row = self.rows.get(at)?;
            let begins = at.checked_sub(1).map_or(0, |before| self.rows[before].data);
            Some(RowRef {
                number: row.number,
                id: &self.text[begins..row.id],
                data: &self.text[row.id..row.data],
                salt: row.salt,
            })
        })
    }
}

impl RowRef<'_> {
    /// Returns the commitment to the content of an existing row: only an erased record has no salt.
    pub(crate) fn hash(&self) -> Result<Hash> {
        Ok(commitment(&self.known_salt()?, self.id, self.data))
    }

    /// Returns the salt of an existing row.
    pub(crate) fn known_salt(&self) -> Result<Salt> {
        self.salt.ok_or_else(|| Error::Damaged {
            what: format!("record {} has a row but no salt", self.number),
        })
    }
}

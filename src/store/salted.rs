//! A row with the salt of its commitment, as its own or as a view.

use super::packed::RowRef;
use crate::digest::{Hash, Salt, commitment};
use crate::error::{Error, Result};
use crate::record::Record;

/// A record with the salt of its commitment.
#[derive(Clone, Debug)]
pub(crate) struct Salted {
    pub(crate) record: Record,
    /// `None` once the record was erased.
    pub(crate) salt: Option<Salt>,
}

impl Salted {
    /// Returns the salt of an existing row: only an erased record has none.
    pub(crate) fn known_salt(&self) -> Result<Salt> {
        self.salt.ok_or_else(|| Error::Damaged {
            what: format!("record {} has a row but no salt", self.record.number),
        })
    }

    /// Returns the commitment to the content; `None` once the record was erased.
    pub(crate) fn hash(&self) -> Option<Hash> {
        self.salt
            .as_ref()
            .map(|salt| commitment(salt, &self.record.id, &self.record.data))
    }
}

impl RowRef<'_> {
    /// Returns the row with texts of its own.
    pub(crate) fn to_salted(self) -> Salted {
        Salted {
            record: Record {
                number: self.number,
                id: self.id.to_owned(),
                data: self.data.to_owned(),
            },
            salt: self.salt,
        }
    }
}

impl<'r> From<&'r Salted> for RowRef<'r> {
    fn from(row: &'r Salted) -> Self {
        Self {
            number: row.record.number,
            id: &row.record.id,
            data: &row.record.data,
            salt: row.salt,
        }
    }
}

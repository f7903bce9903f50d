//! Lines that a load refused, and how to load their input again.

use serde_json::Value as Json;

use crate::engine::{reading_options, writing_options};
use crate::error::Result;
use crate::input::option;
use crate::ledger::open::written_since;
use crate::ledger::past::has_brought;
use crate::ledger::quarantine::Quarantined;
use crate::ledger::read::{cursor_of, pass_of};
use crate::record::RecordNumber;
use crate::store::{Store, Table};

impl Store {
    /// Returns whether the id of a line that a load refused, because a record has it with other data, came into the
    /// database by the same load: the id is then twice in the input, and replacing the first record would only let the
    /// last one win. A load that replaces existing records refuses nothing else with this code.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn repeats_in_its_input(&self, refused: &Quarantined) -> Result<bool> {
        let (None, EXISTS, Some(database)) = (refused.stage, refused.reason.code.as_ref(), &refused.database)
        else {
            return Ok(false);
        };
        if replaces(&cursor(self, refused)?) {
            return Ok(true);
        }
        let Some(owner) = owner(self, database, refused)? else {
            return Ok(false);
        };
        let pass = pass_of(self.connection(), refused.batch)?;
        pass.map_or(Ok(false), |pass| has_brought(self.connection(), pass, owner))
    }

    /// Returns whether a load refused a row only because the row would have turned other values into texts: other
    /// options read it correctly.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn is_read_otherwise(&self, refused: &Quarantined) -> Result<bool> {
        let is_of_types = refused.stage.is_none() && refused.reason.code == TYPES;
        Ok(is_of_types && cursor(self, refused)?["types"].is_null())
    }

    /// Returns the words of the command that loads the input of a refused line again, as it was read; empty for what a
    /// stage refused.
    pub fn reload_command(&self, refused: &Quarantined) -> Result<Vec<String>> {
        let (None, Some(source), Some(database)) = (refused.stage, &refused.source, &refused.database) else {
            return Ok(Vec::new());
        };
        let mut cursor = cursor(self, refused)?;
        let code = refused.reason.code.as_ref();
        let mut again = Vec::new();
        if code == EXISTS && !self.repeats_in_its_input(refused)? {
            cursor["replace"] = true.into();
            again.push(option("again", ""));
        } else if code == TYPES {
            if self.is_read_otherwise(refused)? {
                cursor["types"] = "existing".into();
                // An omitted field and a value of the existing kind are alternative answers to one question.
                cursor["missing"] = Json::Null;
            }
            // A corrected line differs from the record's data.
            if owner(self, database, refused)?.is_some() {
                cursor["replace"] = true.into();
            }
        } else if is_overtaken(self, database, refused)? {
            // What others wrote since is newer than the input: only the operator may decide to replace it.
            cursor["replace"] = false.into();
            cursor["reprocess"] = false.into();
        }
        let mut words = ["load", database, source].map(str::to_owned).to_vec();
        words.extend(reading_options(&cursor, Some(source)));
        words.extend(writing_options(&cursor));
        words.extend(again);
        Ok(words)
    }
}

/// Refusal code of a record that exists with other data.
const EXISTS: &str = "load.exists";
/// Refusal code of a row whose types differ from the existing ones.
const TYPES: &str = "load.types";

/// Returns the resume point of the batch that refused a line, which says how its input was read.
fn cursor(store: &Store, refused: &Quarantined) -> Result<Json> {
    let cursor = cursor_of(store.connection(), refused.batch)?;
    let cursor = cursor.and_then(|cursor| serde_json::from_str(&cursor).ok());
    Ok(cursor.unwrap_or_else(|| serde_json::json!({})))
}

fn replaces(cursor: &Json) -> bool {
    cursor["replace"].as_bool() == Some(true)
}

/// Returns the record that has the id of a refused line.
fn owner(store: &Store, database: &str, refused: &Quarantined) -> Result<Option<RecordNumber>> {
    match &refused.id {
        Some(id) => Table::from_name(database)?.number_of(store.connection(), id),
        None => Ok(None),
    }
}

/// Returns whether others have written to the database since the load that refused a line.
fn is_overtaken(store: &Store, database: &str, refused: &Quarantined) -> Result<bool> {
    let connection = store.connection();
    let pass = pass_of(connection, refused.batch)?.unwrap_or_default();
    written_since(connection, database, (pass, refused.batch))
}

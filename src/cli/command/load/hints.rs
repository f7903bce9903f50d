//! Hints for what a load could not read, or refused.

use std::borrow::Cow;

use counterfoil::input::option;
use counterfoil::quarantine::{Quarantined, Selected};
use counterfoil::record::{Document, Field, PassId};
use counterfoil::store::Store;

use super::arguments::Load;
use crate::cli::failure::Failure;
use crate::cli::refusals::QuarantineTotal;
use crate::cli::session::Session;

/// A line that is not JSON.
const NO_JSON: &str = "json.syntax";

/// Returns whether a load refused the first line because it is not JSON: then the whole input is probably something else.
fn is_first_line_no_json(store: &Store, refusing: Refusing<'_>) -> Result<bool, Failure> {
    let mut first = None;
    refusing.each(store, NO_JSON, |line| {
        first = line.reason.line;
        Ok(false)
    })?;
    Ok(first == Some(1))
}

/// A row of texts that would replace other values.
const TYPES: &str = "load.types";

impl Load {
    /// Returns what to do when the input as a whole cannot be read.
    pub(super) fn of_input(&self, session: &Session<'_>, error: counterfoil::Error) -> Failure {
        let without_id =
            matches!(&error, counterfoil::Error::Input { problem, .. } if problem.contains("for the ids"));
        let options = match &error {
            counterfoil::Error::ReadOtherwise { options, .. } => Some(options.clone()),
            _ => None,
        };
        let failure = Failure::from(error);
        match options {
            Some(options) => failure.hint(self.command(session, &options, true)),
            None if without_id => failure.hint("name the column that holds the ids: `--id COLUMN`"),
            None => failure,
        }
    }

    /// Returns what to do about refused lines.
    pub(super) fn hints(
        &self,
        session: &Session<'_>,
        store: &Store,
        refusing: Refusing<'_>,
        id_field: &str,
        refused: &[QuarantineTotal],
    ) -> Result<Vec<String>, Failure> {
        let has = |wanted: &str| refused.iter().any(|total| total.code == wanted);
        let more = |names: &[&str]| -> Vec<String> { names.iter().map(|name| option(name, "")).collect() };
        let mut hints = Vec::new();
        if has(NO_JSON) && self.format.is_none() && is_first_line_no_json(store, refusing)? {
            let load = self.command(session, &[option("format", "csv")], false);
            hints.push(format!(
                "the first line is not JSON; if the input is CSV, name its format: {load}"
            ));
        }
        if has("id.missing") {
            let fields = fields_of_refused(store, refusing)?;
            let seen = if fields.is_empty() {
                String::new()
            } else {
                format!("; a rejected record has the fields {}", fields.join(", "))
            };
            hints.push(format!(
                "records without `{id_field}`: name the field that holds the id with `--id FIELD`{seen}"
            ));
        }
        let ids = if has("load.exists") {
            TakenIds::new(store, refusing)?
        } else {
            TakenIds::default()
        };
        if ids.are_repeated {
            hints.push(format!(
                "ids that occur twice in this input with different data: correct them, or name a field with \
                 unique values with `--id FIELD`; {} lists the lines",
                session.command("quarantine list --code load.exists")
            ));
        }
        if ids.exist {
            let mut options = more(&["replace", "again"]);
            // A cell that means null would turn the text of a record into null, which only types allow.
            if self.reading.has_null() && !self.reading.has_types() {
                options.push(option("types", "existing"));
            }
            let load = self.command(session, &options, false);
            hints.push(format!(
                "records that exist with other data: {load} overwrites all of them, including later corrections"
            ));
        }
        if has(TYPES) {
            let is_by_types = self.reading.is_by_types();
            let types = [more(&["replace"]), vec![option("types", "existing")]].concat();
            let load = self.command(session, &types, false);
            hints.push(if is_by_types {
                format!("cells that do not have the type of the existing value: correct them, then {load}")
            } else {
                format!(
                    "rows that would turn existing values into text: {load} reads each cell as the type of \
                     the existing value"
                )
            });
        }
        if let Some(first) = refused.first() {
            hints.push(format!(
                "{} lists the rejected lines; correct and load them again, or waive them with {}",
                session.command("quarantine list"),
                session.command(&format!("quarantine waive --code {} --reason TEXT", first.code))
            ));
        }
        Ok(hints)
    }
}

/// What has refused lines: a pass, and the project that asks.
#[derive(Clone, Copy)]
pub(super) struct Refusing<'a> {
    pub(super) project: &'a str,
    pub(super) pass: PassId,
}

impl Refusing<'_> {
    /// Passes the lines that it refused with a code to a closure, one after the other, until it returns `false`.
    fn each(
        self,
        store: &Store,
        code: &str,
        tell: impl FnMut(Quarantined) -> counterfoil::Result<bool>,
    ) -> Result<(), Failure> {
        let selected = Selected::default().code(code.to_owned()).pass(self.pass);
        Ok(store.each_quarantined(self.project, &selected, usize::MAX, tell)?)
    }
}

/// Origin of the ids of lines that were refused because their ids are taken.
#[derive(Default)]
struct TakenIds {
    /// Some occur twice in the input.
    are_repeated: bool,
    /// Some existed before.
    exist: bool,
}

impl TakenIds {
    fn new(store: &Store, refusing: Refusing<'_>) -> Result<Self, Failure> {
        let mut ids = Self::default();
        refusing.each(store, "load.exists", |refused| {
            let repeats = store.repeats_in_its_input(&refused)?;
            ids.are_repeated |= repeats;
            ids.exist |= !repeats;
            Ok(!(ids.are_repeated && ids.exist))
        })?;
        Ok(ids)
    }
}

/// Returns the lines that an unclosed quote swallowed: they count as one row.
pub(super) fn swallowed(
    store: &Store,
    refusing: Refusing<'_>,
    refused: &[QuarantineTotal],
) -> Result<Vec<String>, Failure> {
    let mut told = Vec::new();
    let of_rows = |total: &&QuarantineTotal| OF_ROWS.contains(&total.code.as_str());
    for total in refused.iter().filter(of_rows) {
        refusing.each(store, &total.code, |row| {
            if row.reason.last_line.is_some() {
                told.push(row.reason.to_string());
            }
            Ok(told.len() < SWALLOWED)
        })?;
    }
    told.truncate(SWALLOWED);
    Ok(told)
}

/// The codes of what is wrong with a row.
const OF_ROWS: [&str; 3] = ["csv.quote", "csv.fields", "json.size"];
/// Maximum number of rows over several lines that are shown.
const SWALLOWED: usize = 3;

/// Returns the field names of a record that was refused because it has no id; never a value.
fn fields_of_refused(store: &Store, refusing: Refusing<'_>) -> Result<Vec<String>, Failure> {
    let mut first = None;
    refusing.each(store, "id.missing", |refused| {
        first = Some(refused);
        Ok(false)
    })?;
    let Some(refused) = first else {
        return Ok(Vec::new());
    };
    let Some(data) = store.refused_input(&refused, &[])?.data else {
        return Ok(Vec::new());
    };
    let names = Document::parse(&data).map(|document| {
        let names = document.fields().iter().map(Field::name);
        names.take(20).map(Cow::into_owned).collect()
    });
    Ok(names.unwrap_or_default())
}

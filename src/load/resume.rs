//! Where an interrupted load goes on: what stands in the cursor of its batches.

use std::io::Read;

use super::cannot_open;
use crate::error::{Error, Result};
use crate::input::{Format, Options, Position, Reader as Records, Resume, ResumeError, TOLD, option, told};
use crate::ledger::read::PassSummary;

pub(super) fn resume<R: Read>(
    input: R,
    reading: Options,
    open: &PassSummary,
    name: &str,
) -> Result<Records<R>> {
    let cursor = open
        .cursor
        .as_deref()
        .and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    if let Some(cursor) = &cursor {
        How::of(&reading).check(cursor, name)?;
    }
    // Killed before the first record was in: there is nothing behind it.
    if open.cursor.is_none() {
        return Records::new(input, reading).map_err(|error| cannot_open(name, &error));
    }
    let point = cursor.and_then(|cursor| {
        Some(Resume {
            offset: cursor["offset"].as_u64()?,
            line: cursor["line"].as_u64()?,
            prefix_sha256: cursor["prefix_sha256"].as_str()?.to_owned(),
        })
    });
    let what = || Error::Damaged {
        what: format!("the resume point of pass {} cannot be read", open.row.pass),
    };
    let point = point.ok_or_else(what)?;
    Records::resume(input, reading, &point).map_err(|error| match error {
        ResumeError::Changed { offset } | ResumeError::Shorter { offset, .. } => Error::InputChanged {
            input: name.to_owned(),
            offset,
        },
        ResumeError::Open(error) => cannot_open(name, &error),
    })
}

/// How a load has come to where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) replace: bool,
    /// Whether stages in place process again what it replaces.
    pub(super) reprocess: bool,
    /// As in [`Loading`](super::place::Loading).
    pub(super) follows: bool,
}

/// Where a load goes on, and how it read what is behind it.
/// `columns` is what the load has learned of them before it wrote anything.
pub(super) fn cursor_text(end: &Position, how: &How, manner: Manner, columns: Option<String>) -> String {
    let Resume {
        offset,
        line,
        prefix_sha256,
    } = end.resume();
    let mut cursor = serde_json::json!({
        "offset": offset, "line": line, "prefix_sha256": prefix_sha256, "id": how.id_field, "format": how.format,
    });
    let Manner {
        replace,
        reprocess,
        follows,
    } = manner;
    for (name, _) in [
        ("replace", replace),
        ("reprocess", reprocess),
        ("follows", follows),
    ]
    .iter()
    .filter(|(_, is)| *is)
    {
        cursor[name] = true.into();
    }
    if let Some(columns) = columns {
        cursor["columns"] = columns.into();
    }
    how.note(&mut cursor);
    cursor.to_string()
}

/// Whether the input that is behind a resume point was that of an earlier load; at its beginning nothing speaks against
/// it.
pub(super) fn followed(cursor: Option<&str>) -> bool {
    let Some(cursor) = cursor else { return true };
    serde_json::from_str::<serde_json::Value>(cursor)
        .is_ok_and(|cursor| cursor["follows"].as_bool() == Some(true))
}

/// What stands in the ledger of a whole input: its hash, its length, and how it was read.
pub(super) fn end_text(end: &Position, how: &How) -> String {
    let Resume {
        offset,
        prefix_sha256,
        ..
    } = end.resume();
    let mut told = serde_json::json!({
        "sha256": prefix_sha256, "bytes": offset, "id": how.id_field, "format": how.format,
    });
    how.note(&mut told);
    told.to_string()
}

/// How an input is read: with other settings the rest of it would be read as another one.
#[derive(Clone)]
pub(super) struct How {
    id_field: String,
    format: &'static str,
    /// What is not as usual, by the names under which it is kept.
    special: Vec<(&'static str, String)>,
}

impl How {
    pub(super) fn of(reading: &Options) -> Self {
        Self {
            id_field: reading.id_field.clone(),
            format: match reading.format {
                Format::Lines => "ndjson",
                Format::Array => "json",
                Format::Csv => "csv",
            },
            special: told(reading),
        }
    }

    /// Whether the records are the elements of an array.
    pub(super) fn is_array(&self) -> bool {
        self.format == "json"
    }

    /// Whether the remark or resume point of another load tells that it read its input so.
    pub(super) fn is_that_of(&self, told: &serde_json::Value) -> bool {
        told["id"].as_str() == Some(&self.id_field)
            && told["format"].as_str() == Some(self.format)
            && TOLD.iter().all(|name| told[*name].as_str() == self.special(name))
    }

    fn special(&self, name: &str) -> Option<&str> {
        let mut special = self.special.iter();
        special
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Writes down what is not as usual.
    fn note(&self, told: &mut serde_json::Value) {
        for (name, value) in &self.special {
            told[*name] = value.as_str().into();
        }
    }

    /// Refuses to go on with other settings than those that a resume point names.
    fn check(&self, cursor: &serde_json::Value, input: &str) -> Result<()> {
        for (setting, began, now) in [
            ("--id", &cursor["id"], self.id_field.as_str()),
            ("--format", &cursor["format"], self.format),
        ] {
            if began.as_str().is_some_and(|began| began != now) {
                let began = began.as_str().unwrap_or_default();
                return Err(Error::invalid(
                    format!(
                        "the load of {input} began with {setting} {began} and was interrupted; now it is {now}"
                    ),
                    format!(
                        "go on with `{setting} {began}`; or begin again with `--restart`: what is loaded stays"
                    ),
                ));
            }
        }
        for name in TOLD {
            let (began, now) = (cursor[name].as_str(), self.special(name));
            if began == now {
                continue;
            }
            // A comma is not noted, and not every name means it.
            let go_on = match began.or((name == "separator").then_some(",")) {
                Some(value) => format!("go on with `{}`", option(name, value)),
                None => format!("go on without `--{name}`"),
            };
            return Err(Error::invalid(
                format!("the load of {input} was interrupted, and began with another `--{name}`"),
                format!("{go_on}; or begin again with `--restart`: what is loaded stays"),
            ));
        }
        Ok(())
    }
}

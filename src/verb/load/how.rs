//! How an input is read, as the ledger records it: a part of a load's identity.

use serde_json::Value as Json;

use crate::error::{Error, Result};
use crate::input::{Format, Options, TOLD, describe, option};

/// How an input is read: with other settings the rest of it would be read differently.
#[derive(Clone)]
pub(super) struct ReadingMode {
    id_field: String,
    format: &'static str,
    /// Settings that differ from the defaults, by the names in the ledger.
    special: Vec<(&'static str, String)>,
}

impl ReadingMode {
    pub(super) fn new(reading: &Options) -> Self {
        Self {
            id_field: reading.id_field.clone(),
            format: match reading.format {
                Format::Lines => "ndjson",
                Format::Array => "json",
                Format::Csv => "csv",
            },
            special: describe(reading),
        }
    }

    /// Returns whether another load, by its remark or resume point, read its input the same way.
    pub(super) fn is_that_of(&self, told: &Json) -> bool {
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

    /// Records the field of the ids and the format.
    pub(super) fn note(&self, told: &mut Json) {
        told["id"] = self.id_field.as_str().into();
        told["format"] = self.format.into();
    }

    /// Records the settings that differ from the defaults.
    pub(super) fn note_special(&self, told: &mut Json) {
        for (name, value) in &self.special {
            told[*name] = value.as_str().into();
        }
    }

    /// Refuses to continue with settings other than those that a resume point names.
    pub(super) fn check(&self, cursor: &Json, input: &str) -> Result<()> {
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
                        "continue with `{setting} {began}`, or start over with `--restart`: what was loaded stays"
                    ),
                ));
            }
        }
        for name in TOLD {
            let (began, now) = (cursor[name].as_str(), self.special(name));
            if began == now {
                continue;
            }
            // A comma is not recorded, and not every name implies it.
            let go_on = match began.or((name == "separator").then_some(",")) {
                Some(value) => format!("continue with `{}`", option(name, value)),
                None => format!("continue without `--{name}`"),
            };
            return Err(Error::invalid(
                format!("the load of {input} was interrupted, and began with a different `--{name}`"),
                format!("{go_on}, or start over with `--restart`: what was loaded stays"),
            ));
        }
        Ok(())
    }
}

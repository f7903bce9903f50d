//! TOML files as people write them: one reader for stages, operations and projects.

pub mod problem;
pub mod reading;
mod section;
mod toml_json;

pub(crate) use section::{Problems, Section, document};
pub(crate) use toml_json::{number_text, to_json};

//! TOML files as people write them: one reader for stages, operations and projects.

pub mod problem;
mod problems;
pub(crate) mod reading;
mod section;
mod toml_json;

pub use problems::Problems;
pub(crate) use section::{Collected, Section, document};
pub(crate) use toml_json::{number_text, to_json};

//! The stage file being read, and the names visible in it.

use std::ops::Range;
use std::sync::Arc;

use crate::language::Language;
use crate::problem::{Place, Problem};
use crate::record::Rounding;

/// The stage file being read: gives problems their place, and expressions their names.
#[derive(Clone, Debug)]
pub(crate) struct Reading<'t> {
    /// The file, as the user named it.
    pub(crate) file: Arc<str>,
    /// Its whole text.
    pub(crate) text: &'t str,
    /// The language version in which the text is read: for a stage applied in an earlier version, that version.
    pub(crate) language: Language,
    /// The rounding that the stage declares.
    pub(crate) rounding: Option<Rounding>,
    /// The names that `prepare` defines, visible to every expression.
    pub(crate) names: Vec<String>,
}

impl<'t> Reading<'t> {
    /// Starts reading a file with nothing declared yet.
    #[must_use]
    pub(crate) fn new(file: &str, text: &'t str) -> Self {
        Self {
            file: Arc::from(file),
            text,
            language: Language::default(),
            rounding: None,
            names: Vec::new(),
        }
    }

    /// Returns the place of a part of the file; the start of the file where the parser gives no span.
    #[must_use]
    pub(crate) fn place(&self, span: Option<Range<usize>>) -> Place {
        Place::at(&self.file, self.text, span.map_or(0, |span| span.start))
    }

    /// Returns the source of an expression from the text of a key that always is one: it begins with `= `. In the first
    /// language version the prefix was optional.
    ///
    /// # Errors
    /// `stage.no_expression` where the prefix is missing.
    pub(crate) fn expression_source<'s>(
        &self,
        key: &str,
        text: &'s str,
        place: &Place,
    ) -> Result<&'s str, Problem> {
        if let Some(source) = text.strip_prefix("= ") {
            return Ok(source);
        }
        if self.language == Language::One {
            return Ok(text);
        }
        let message = format!("`{key}` is an expression, and an expression begins with `= `");
        let problem = Problem::error("stage.no_expression", place.clone(), message);
        let source = text.strip_prefix('=').unwrap_or(text).trim();
        Err(problem.help(format!("write `{key} = {}`", toml_text(&format!("= {source}")))))
    }

    /// Returns the declared rounding.
    ///
    /// # Errors
    /// The problem that no rounding is declared.
    pub(crate) fn rounding(&self, place: &Place) -> Result<Rounding, Problem> {
        self.rounding.ok_or_else(|| {
            Problem::error(
                "stage.rounding_undeclared",
                place.clone(),
                "this rounds, but the stage does not declare how",
            )
            .help("add `rounding = \"half-even\"` or `rounding = \"half-up\"` to [stage]")
        })
    }
}

/// Returns a text as a one-line TOML string; TOML accepts the escapes of JSON.
pub(crate) fn toml_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns the name of a TOML type for use within a sentence.
pub(crate) fn type_in_words(type_name: &str) -> String {
    match type_name {
        "string" => "a string".to_owned(),
        "integer" => "a whole number".to_owned(),
        "float" => "a number with a fraction".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" => "a list".to_owned(),
        "array of tables" => "tables".to_owned(),
        "inline table" | "table" => "a table".to_owned(),
        other => other.to_owned(),
    }
}

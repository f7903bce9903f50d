//! Reading a stage file: where we are in it, and what is visible there.

use std::ops::Range;
use std::sync::Arc;

use crate::language::Language;
use crate::problem::{Place, Problem};
use crate::record::Rounding;

/// The stage file being read, for places in problems and for what its expressions may use.
#[derive(Clone, Debug)]
pub(crate) struct Reading<'t> {
    /// The file, as the user named it.
    pub(crate) file: Arc<str>,
    /// Its whole text.
    pub(crate) text: &'t str,
    /// The language in which the text is read: of a stage that was applied in an earlier one, that one.
    pub(crate) language: Language,
    /// The rounding that the stage declares.
    pub(crate) rounding: Option<Rounding>,
    /// The names that `prepare` defines, visible to every expression.
    pub(crate) names: Vec<String>,
}

impl<'t> Reading<'t> {
    /// A file with nothing declared yet.
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

    /// The place of a part of the file; the file's start where the parser gives no span.
    #[must_use]
    pub(crate) fn place(&self, span: Option<Range<usize>>) -> Place {
        Place::at(&self.file, self.text, span.map_or(0, |span| span.start))
    }

    /// The source of an expression from the text of a key that always is one: it begins with `= `. In the first language
    /// it could be left out.
    ///
    /// # Errors
    /// `stage.no_expression`
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

    /// The declared rounding, or the problem that it is not declared.
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

/// A text as TOML writes it in one line; it has the escapes of JSON.
pub(crate) fn toml_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The name of a TOML type within a sentence.
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

//! Warnings about the texts of a stage: those that only resemble expressions, and those of operations.

use toml_edit::{Item, Value as Toml};

use super::Stage;
use crate::problem::Problem;
use crate::reading::Reading;
use crate::toml::{Collected, document};

impl Stage {
    /// Warns of a text that begins with `=` but no blank, because it is written literally.
    pub(super) fn check_texts(&self, problems: &mut Collected) {
        let reading = Reading::new(&self.file, &self.source_text);
        let Ok(document) = document(&reading, "stage.syntax") else {
            return;
        };
        let mut texts = Vec::new();
        for (name, item) in document.as_table().iter().filter(|(name, _)| *name != "example") {
            if name != "contract" {
                gather(item, &mut texts);
            }
        }
        for text in texts.into_iter().filter(|text| seems_expression(text.value())) {
            let message = "a string that begins with `=` but no space is not an expression";
            let problem = Problem::warning("check.not_an_expression", reading.place(text.span()), message);
            problems.add(problem.help("write `= `, with a space, for an expression"));
        }
    }

    /// Warns of parts of expressions that refuse every record that reaches them.
    pub(super) fn check_expressions(&self, problems: &mut Collected) {
        let reconciles = self.reconciles.iter().flat_map(super::Reconcile::expressions);
        for expression in self.steps.expressions().into_iter().chain(reconciles) {
            problems.extend(expression.warnings());
        }
        let prepare = self.steps.prepare.iter();
        problems.extend(prepare.flat_map(crate::expression::Preparation::warnings));
    }

    /// Collects the operations' own warnings about their settings.
    pub(super) fn check_op_settings(&self, problems: &mut Collected) {
        for (at, op) in self.ops().iter().enumerate() {
            problems.extend(op.warnings().into_iter().map(|problem| Problem {
                place: problem.place.or_else(|| self.op_place(at)),
                ..problem
            }));
        }
    }
}

fn gather<'t>(item: &'t Item, texts: &mut Vec<&'t toml_edit::Formatted<String>>) {
    match item {
        Item::None => {}
        Item::Value(value) => gather_value(value, texts),
        Item::Table(table) => table.iter().for_each(|(_, item)| gather(item, texts)),
        Item::ArrayOfTables(tables) => {
            let items = tables.iter().flat_map(|table| table.iter());
            items.for_each(|(_, item)| gather(item, texts));
        }
    }
}

fn gather_value<'t>(value: &'t Toml, texts: &mut Vec<&'t toml_edit::Formatted<String>>) {
    match value {
        Toml::String(text) => texts.push(text),
        Toml::Array(list) => list.iter().for_each(|value| gather_value(value, texts)),
        Toml::InlineTable(table) => table.iter().for_each(|(_, value)| gather_value(value, texts)),
        _ => {}
    }
}

/// Returns whether a text resembles an expression without its blank; a lone `=` or `==` is a separator.
fn seems_expression(text: &str) -> bool {
    let rest = text.strip_prefix('=').and_then(|rest| rest.chars().next());
    rest.is_some_and(|next| next.is_alphanumeric() || "_(\"'[{!\n#`".contains(next))
}

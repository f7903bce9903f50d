//! What to look at in the texts of a stage: expressions that are none, formats that disagree.

use toml_edit::{Item, Value as Toml};

use super::Stage;
use super::section::Problems;
use crate::problem::Problem;
use crate::reading::Reading;

impl Stage {
    /// A text that begins with `=` and no blank is written as it stands.
    pub(super) fn check_texts(&self, problems: &mut Problems) {
        let Ok(document) = toml_edit::Document::parse(self.source_text.as_str()) else {
            return;
        };
        let reading = Reading::new(&self.file, &self.source_text);
        let mut texts = Vec::new();
        for (name, item) in document.as_table().iter().filter(|(name, _)| *name != "example") {
            if name != "contract" {
                gather(item, &mut texts);
            }
        }
        for text in texts.into_iter().filter(|text| seems_expression(text.value())) {
            let message = "a text that begins with `=` and no blank is no expression but a text";
            let problem = Problem::warning("check.not_an_expression", reading.place(text.span()), message);
            problems.add(problem.help("write `= ` with a blank where an expression is meant"));
        }
    }

    /// Parts of expressions that refuse every record that comes to them.
    pub(super) fn check_expressions(&self, problems: &mut Problems) {
        let reconciles = self.reconciles.iter().flat_map(super::Reconcile::expressions);
        for expression in self.steps.expressions().into_iter().chain(reconciles) {
            problems.extend(expression.warnings());
        }
        let prepare = self.steps.prepare.iter();
        problems.extend(prepare.flat_map(crate::expression::Preparation::warnings));
    }

    /// Two formats that differ in the order of day and month read many dates differently.
    pub(super) fn check_formats(&self, problems: &mut Problems) {
        for (at, op) in self
            .ops()
            .iter()
            .enumerate()
            .filter(|(_, op)| op.name() == "parse_date")
        {
            let meaning = op.meaning();
            if meaning["ambiguous"] == "refuse" {
                continue;
            }
            let formats = meaning["formats"].as_array().into_iter().flatten();
            let formats: Vec<&str> = formats.filter_map(serde_json::Value::as_str).collect();
            let swapped = |first: &str, second: &str| plain(first) == day_for_month(&plain(second));
            let pair = formats.iter().enumerate().find_map(|(nth, first)| {
                let second = formats[nth + 1..].iter().find(|second| swapped(first, second))?;
                (plain(first) != plain(second)).then_some((first, second))
            });
            if let Some((first, second)) = pair {
                let message = format!(
                    "`{first}` and `{second}` can read the same text differently; the first one wins"
                );
                let problem = Problem::warning("check.ambiguous_formats", self.op_place(at), message);
                problems.add(problem.help("keep one of them, or add `ambiguous = \"refuse\"`"));
            }
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

/// Whether a text looks like an expression whose blank was forgotten; a lone `=` or `==` is a separator.
fn seems_expression(text: &str) -> bool {
    let rest = text.strip_prefix('=').and_then(|rest| rest.chars().next());
    rest.is_some_and(|next| next.is_alphanumeric() || "_(\"'[{!\n#`".contains(next))
}

/// A format without what says how many digits are written: `%-d` and `%e` are `%d`.
fn plain(format: &str) -> String {
    format.replace("%-", "%").replace("%e", "%d").replace("%y", "%Y")
}

fn day_for_month(format: &str) -> String {
    format
        .replace("%d", "%\0")
        .replace("%m", "%d")
        .replace("%\0", "%m")
}

//! TOML converted to JSON, with the text of every number kept.

use serde_json::{Map, Value as Json};
use toml_edit::{Item, TableLike, Value as Toml};

use crate::problem::Problem;
use crate::reading::Reading;

/// Converts a TOML value to JSON, tables in the order written.
///
/// # Errors
/// `stage.wrong_type` for values that JSON does not have: dates, infinity and NaN.
pub(crate) fn to_json(item: &Item, reading: &Reading<'_>) -> Result<Json, Problem> {
    match item {
        Item::None => Ok(Json::Null),
        Item::Value(value) => value_json(value, reading),
        Item::Table(table) => table_json(table, reading),
        Item::ArrayOfTables(tables) => {
            let list = tables.iter().map(|table| table_json(table, reading));
            list.collect::<Result<_, _>>().map(Json::Array)
        }
    }
}

fn table_json(table: &dyn TableLike, reading: &Reading<'_>) -> Result<Json, Problem> {
    let fields = table
        .iter()
        .map(|(name, item)| Ok((name.to_owned(), to_json(item, reading)?)));
    fields.collect::<Result<Map<_, _>, _>>().map(Json::Object)
}

fn value_json(value: &Toml, reading: &Reading<'_>) -> Result<Json, Problem> {
    match value {
        Toml::String(text) => Ok(Json::String(text.value().clone())),
        Toml::Boolean(boolean) => Ok(Json::Bool(*boolean.value())),
        Toml::Array(list) => {
            let list = list.iter().map(|value| value_json(value, reading));
            list.collect::<Result<_, _>>().map(Json::Array)
        }
        Toml::InlineTable(table) => table_json(table, reading),
        Toml::Integer(_) | Toml::Float(_) | Toml::Datetime(_) => {
            let number = number_text(value, reading).and_then(|text| serde_json::from_str(&text).ok());
            number.ok_or_else(|| {
                let message = "JSON has no dates, no infinity and no NaN";
                Problem::error("stage.wrong_type", reading.place(value.span()), message)
                    .help("write it as a string")
            })
        }
    }
}

/// Returns the JSON text of a TOML number: as written, without what only TOML allows (`_`, a leading `+`, other bases).
pub(crate) fn number_text(value: &Toml, reading: &Reading<'_>) -> Option<String> {
    match value {
        Toml::Integer(number) => Some(number.value().to_string()),
        Toml::Float(number) => {
            // Uses the text in the file, never the parsed value, which is a float.
            let text = reading.text.get(number.span()?)?.replace('_', "");
            let text = text.strip_prefix('+').unwrap_or(&text);
            (!text.contains(['n', 'i'])).then(|| text.to_owned())
        }
        _ => None,
    }
}

//! Values in stage files that may hold expressions.

use serde_json::json;
use toml_edit::{Item, TableLike, Value as Toml};

use super::{Evaluated, Expression, Scope};
use crate::path::Path;
use crate::problem::{Place, Problem};
use crate::reading::Reading;
use crate::record::{Document, Field, Kind, Object, Value};
use crate::refusal::Refusal;

/// A value written in a stage file: fixed, computed, or a table or list that holds such values.
#[derive(Clone, Debug)]
pub enum Template {
    /// A fixed value. A TOML number keeps its text; `{ json = "..." }` is any JSON.
    Fixed(Value),
    /// A text that begins with `= `.
    Expression(Expression),
    /// A table: an object in the order written.
    Object(Vec<(String, Template)>),
    /// A list.
    List(Vec<Template>),
}

impl Template {
    /// Reads a TOML value.
    ///
    /// # Errors
    /// A [`Problem`]: of an expression inside, `template.number` for a number that JSON cannot write,
    /// `template.json` for text after `json` that is no JSON.
    pub fn read(item: &Item, reading: &Reading<'_>) -> Result<Self, Problem> {
        match item {
            Item::Value(value) => Self::read_value(value, reading),
            Item::Table(table) => Self::read_table(table, reading),
            Item::ArrayOfTables(tables) => {
                let tables = tables.iter().map(|table| Self::read_table(table, reading));
                tables.collect::<Result<_, _>>().map(Self::List)
            }
            Item::None => Err(Problem::error(
                "template.missing",
                reading.place(None),
                "a value is missing",
            )),
        }
    }

    fn read_value(value: &Toml, reading: &Reading<'_>) -> Result<Self, Problem> {
        let place = reading.place(value.span());
        Ok(match value {
            Toml::String(text) => match text.value().strip_prefix("= ") {
                Some(source) => Self::Expression(Expression::compile(source, &place, reading)?),
                None => Self::Fixed(Value::text(text.value())),
            },
            Toml::Boolean(boolean) => Self::Fixed(Value::boolean(*boolean.value())),
            Toml::Integer(_) | Toml::Float(_) => Self::Fixed(number(&written(value, reading), place)?),
            Toml::Datetime(_) => Self::Fixed(Value::text(&written(value, reading))),
            Toml::Array(list) => {
                let parts = list.iter().map(|part| Self::read_value(part, reading));
                Self::List(parts.collect::<Result<_, _>>()?)
            }
            Toml::InlineTable(table) => return Self::read_table(table, reading),
        })
    }

    fn read_table(table: &dyn TableLike, reading: &Reading<'_>) -> Result<Self, Problem> {
        if let (1, Some(item)) = (table.len(), table.get("json")) {
            return json_text(item, reading).map(Self::Fixed);
        }
        let fields = table
            .iter()
            .map(|(name, item)| Ok((name.to_owned(), Self::read(item, reading)?)));
        fields.collect::<Result<_, Problem>>().map(Self::Object)
    }

    /// The value for a document; `omit` inside an object or a list leaves that part out.
    ///
    /// # Errors
    /// The [`Refusal`] of the first expression that refuses.
    pub fn value(&self, document: &Document, scope: &mut Scope<'_>) -> Result<Evaluated, Refusal> {
        Ok(Evaluated::Value(match self {
            Self::Fixed(value) => value.clone(),
            Self::Expression(expression) => return expression.value(document, scope),
            Self::Object(fields) => {
                let mut object = Object::new();
                object.fields_mut().reserve(fields.len());
                for (name, template) in fields {
                    if let Evaluated::Value(value) = template.value(document, scope)? {
                        object.fields_mut().push(Field::new(name, value));
                    }
                }
                Value::Object(object)
            }
            Self::List(parts) => {
                let mut list = Vec::with_capacity(parts.len());
                for part in parts {
                    if let Evaluated::Value(value) = part.value(document, scope)? {
                        list.push(value);
                    }
                }
                Value::List(list)
            }
        }))
    }

    /// The paths of `doc` that its expressions read.
    #[must_use]
    pub fn reads(&self) -> Vec<Path> {
        let mut reads: Vec<Path> = Vec::new();
        let mut add = |paths: Vec<Path>| {
            for path in paths {
                if !reads.contains(&path) {
                    reads.push(path);
                }
            }
        };
        match self {
            Self::Fixed(_) => {}
            Self::Expression(expression) => add(expression.reads()),
            Self::Object(fields) => fields.iter().for_each(|(_, template)| add(template.reads())),
            Self::List(parts) => parts.iter().for_each(|template| add(template.reads())),
        }
        reads
    }

    /// The template's meaning: fixed values as JSON text, expressions by their source. Objects are lists of names
    /// and values, because their order is part of what they mean.
    #[must_use]
    pub fn meaning(&self) -> serde_json::Value {
        match self {
            Self::Fixed(value) => json!({ "json": value.to_json() }),
            Self::Expression(expression) => json!({ "expression": expression.source() }),
            Self::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, template)| json!([name, template.meaning()]));
                json!({ "object": fields.collect::<Vec<_>>() })
            }
            Self::List(parts) => {
                json!({ "list": parts.iter().map(Self::meaning).collect::<Vec<_>>() })
            }
        }
    }
}

/// The text of a value as it stands in the file: the parsed number would lose the zeros of 6.00.
fn written(value: &Toml, reading: &Reading<'_>) -> String {
    let text = value.span().and_then(|span| reading.text.get(span));
    text.map_or_else(|| value.to_string(), str::to_owned)
        .trim()
        .to_owned()
}

fn number(text: &str, place: Place) -> Result<Value, Problem> {
    match Value::parse(text) {
        Ok(value) if value.kind() == Kind::Number => Ok(value),
        _ => Err(Problem::error(
            "template.number",
            place,
            format!("`{text}` is not a number that JSON can write"),
        )
        .help("write decimal digits without `_` or a leading `+`, or a text")),
    }
}

fn json_text(item: &Item, reading: &Reading<'_>) -> Result<Value, Problem> {
    let place = reading.place(item.span());
    let Some(text) = item.as_str() else {
        return Err(Problem::error(
            "template.json",
            place,
            "`json` takes a text that holds JSON",
        ));
    };
    Value::parse(text).map_err(|malformed| {
        let message = format!("the text after `json` is not JSON: {malformed}");
        Problem::error("template.json", place, message)
    })
}

//! Values in stage files that may hold expressions.

use serde_json::json;
use toml_edit::{Item, TableLike, Value as Toml};

use super::scope::Scope;
use super::{Evaluated, Expression};
use crate::language::Language;
use crate::path::Path;
use crate::problem::{Place, Problem};
use crate::reading::{Reading, toml_text};
use crate::record::{Document, Field, Kind, Object, Rounding, Value};
use crate::refusal::Refusal;

/// A value written in a stage file: fixed, computed, or a table or list that holds such values.
#[derive(Clone, Debug)]
pub enum Template {
    /// A fixed value. A TOML number keeps its text; `{ json = "..." }` is any JSON.
    Fixed(Value),
    /// A text that begins with `= `.
    Expression(Expression),
    /// A table: an object in the order written.
    Object(Vec<TemplateField>),
    /// A list.
    List(Vec<Template>),
}

/// A field of an object in a template.
#[derive(Clone, Debug)]
pub struct TemplateField {
    /// Name of the field.
    pub name: String,
    /// Value of the field.
    pub template: Template,
}

/// How to treat a text that looks like an expression.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Texts {
    /// It is refused: an expression is allowed there.
    Checked,
    /// It is a text.
    Plain,
}

impl Template {
    /// Reads a TOML value.
    ///
    /// # Errors
    /// A [`Problem`]: of an expression inside, `template.number` for a number that JSON cannot write, `template.json`
    /// for text after `json` that is not JSON.
    pub(crate) fn read(item: &Item, reading: &Reading<'_>) -> Result<Self, Problem> {
        Self::read_item(item, (reading, Texts::Checked))
    }

    /// Reads a TOML value where no expression is allowed, so that a text that looks like one is a text.
    ///
    /// # Errors
    /// A [`Problem`], as for [`Template::read`].
    pub(crate) fn read_plainly(item: &Item, reading: &Reading<'_>) -> Result<Self, Problem> {
        Self::read_item(item, (reading, Texts::Plain))
    }

    fn read_item(item: &Item, reading: (&Reading<'_>, Texts)) -> Result<Self, Problem> {
        match item {
            Item::Value(value) => Self::read_value(value, reading),
            Item::Table(table) => Self::read_table(table, reading),
            Item::ArrayOfTables(tables) => {
                let tables = tables.iter().map(|table| Self::read_table(table, reading));
                tables.collect::<Result<_, _>>().map(Self::List)
            }
            Item::None => Err(Problem::error(
                "template.missing",
                reading.0.place(None),
                "a value is missing",
            )),
        }
    }

    fn read_value(value: &Toml, (reading, texts): (&Reading<'_>, Texts)) -> Result<Self, Problem> {
        let place = reading.place(value.span());
        Ok(match value {
            Toml::String(text) => {
                if let Some(source) = text.value().strip_prefix("= ") {
                    Self::Expression(Expression::compile(source, &place, reading)?)
                } else {
                    if texts == Texts::Checked {
                        plainly_a_text(text.value(), &place, reading)?;
                    }
                    Self::Fixed(Value::text(text.value()))
                }
            }
            Toml::Boolean(boolean) => Self::Fixed(Value::boolean(*boolean.value())),
            Toml::Integer(_) | Toml::Float(_) => Self::Fixed(number(&written(value, reading), place)?),
            Toml::Datetime(_) => Self::Fixed(Value::text(&written(value, reading))),
            Toml::Array(list) => {
                let parts = list.iter().map(|part| Self::read_value(part, (reading, texts)));
                Self::List(parts.collect::<Result<_, _>>()?)
            }
            Toml::InlineTable(table) => return Self::read_table(table, (reading, texts)),
        })
    }

    fn read_table(table: &dyn TableLike, reading: (&Reading<'_>, Texts)) -> Result<Self, Problem> {
        if let (1, Some(item)) = (table.len(), table.get("json")) {
            return json_text(item, reading.0).map(Self::Fixed);
        }
        let fields = table.iter().map(|(name, item)| {
            let template = Self::read_item(item, reading)?;
            Ok(TemplateField {
                name: name.to_owned(),
                template,
            })
        });
        fields.collect::<Result<_, Problem>>().map(Self::Object)
    }

    /// Returns the value for a document; `omit` inside an object or a list leaves that part out.
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
                for TemplateField { name, template } in fields {
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

    /// Returns its expressions, in the order written.
    #[must_use]
    pub fn expressions(&self) -> Vec<&Expression> {
        match self {
            Self::Fixed(_) => Vec::new(),
            Self::Expression(expression) => vec![expression],
            Self::Object(fields) => fields
                .iter()
                .flat_map(|field| field.template.expressions())
                .collect(),
            Self::List(parts) => parts.iter().flat_map(Self::expressions).collect(),
        }
    }

    /// Returns the paths of `doc` that its expressions read.
    #[must_use]
    pub fn reads(&self) -> Vec<Path> {
        let mut reads: Vec<Path> = Vec::new();
        for path in self.expressions().into_iter().flat_map(Expression::reads) {
            if !reads.contains(&path) {
                reads.push(path);
            }
        }
        reads
    }

    /// The template's meaning: fixed values as JSON text, expressions by their source. Objects are lists of names
    /// and values, because their order is part of what they mean.
    #[must_use]
    pub(crate) fn meaning(&self) -> serde_json::Value {
        match self {
            Self::Fixed(value) => json!({ "json": value.to_json() }),
            Self::Expression(expression) => json!({ "expression": expression.source() }),
            Self::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|field| json!([field.name, field.template.meaning()]));
                json!({ "object": fields.collect::<Vec<_>>() })
            }
            Self::List(parts) => {
                json!({ "list": parts.iter().map(Self::meaning).collect::<Vec<_>>() })
            }
        }
    }

    /// Whether it may leave its field out.
    pub(crate) fn may_omit(&self) -> bool {
        matches!(self, Self::Expression(expression) if expression.may_omit())
    }
}

/// Refuses a text that looks like an expression whose `= ` was forgotten: it would be written into every record as is.
/// The first language did so.
fn plainly_a_text(text: &str, place: &Place, reading: &Reading<'_>) -> Result<(), Problem> {
    let source = text.strip_prefix('=').unwrap_or(text);
    if reading.language == Language::One || !looks_like_expression(source, place, reading) {
        return Ok(());
    }
    let problem = Problem::error(
        "template.ambiguous",
        place.clone(),
        "this string looks like an expression, but does not begin with `= `",
    );
    Err(problem.help(format!(
        "write {} for the value of the expression, or {{ json = {} }} for the string itself",
        toml_text(&format!("= {}", source.trim())),
        toml_text(&Value::text(text).to_json()),
    )))
}

/// Whether a text begins as a field of the record, or compiles and reads the record, a name of `prepare` or the result
/// of a function: no one means that as a text.
fn looks_like_expression(source: &str, place: &Place, reading: &Reading<'_>) -> bool {
    let field = source.trim_start().strip_prefix("doc");
    let field = field.and_then(|rest| rest.strip_prefix(['.', '[']).or_else(|| rest.strip_prefix("?.")));
    if field
        .is_some_and(|rest| rest.starts_with(|first: char| first.is_alphabetic() || "_\"".contains(first)))
    {
        return true;
    }
    let may = source.contains("doc") || source.contains('(');
    let may = may || reading.names.iter().any(|name| source.contains(&**name));
    // That it rounds and the stage does not say how is another matter.
    let reading = Reading {
        rounding: reading.rounding.or(Some(Rounding::HalfEven)),
        ..reading.clone()
    };
    may && Expression::compile(source, place, &reading).is_ok_and(|expression| expression.computes())
}

/// Returns the text of a value as written in the file: the parsed number would lose the zeros of 6.00.
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
            format!("`{text}` is not a number that JSON can represent"),
        )
        .help("write decimal digits without `_` or a leading `+`, or a string")),
    }
}

fn json_text(item: &Item, reading: &Reading<'_>) -> Result<Value, Problem> {
    let place = reading.place(item.span());
    let Some(text) = item.as_str() else {
        return Err(Problem::error(
            "template.json",
            place,
            "`json` takes a string of JSON",
        ));
    };
    Value::parse(text).map_err(|malformed| {
        let message = format!("the string after `json` is not JSON: {malformed}");
        Problem::error("template.json", place, message)
    })
}

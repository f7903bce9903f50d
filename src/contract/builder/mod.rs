//! Contracts built in Rust, field by field, and schemas read back into the builder.

mod described;
mod kinds;

use std::panic::Location;
use std::sync::Arc;

use serde_json::{Map, Value as Parsed, json};

use self::described::{Described, FieldKind, parsed};
use super::check::{Check, Checks};
use super::schema::Schema;
use crate::problem::{Place, Problem};
use crate::toml::Problems;

/// A builder of a contract: a method named after a kind begins a field, and the calls after it describe that field.
///
/// ```
/// use counterfoil::contract::{Check, Schema};
///
/// let even = Check::new("even_length", "an even number of letters", |value| {
///     value.as_text().is_none_or(|text| text.chars().count() % 2 == 0)
/// });
/// let order = Schema::record()
///     .string("id").required().pattern(r"^ORD-\d{4}-\d{3,}$")
///     .string("number").required().unique()
///     .decimal("total").required().range("0.00", "99999.99")
///     .string("status").required().enumeration(["pending", "shipped", "delivered"])
///     .list("items").required().of(Schema::record().string("sku").required().custom(even))
///     .list("tags").of(Schema::string().length(1, 20)).unique()
///     .string("customer").references("customers")
///     .any("contact").any_of([Schema::string(), Schema::record().string("email").required()])
///     .string("note")
///     .build()?;
///
/// // The text of a contract can be read back, and extended.
/// let read = Schema::compile_with(order.to_json(), &order.place(), order.checks())?;
/// assert_eq!(read.builder().to_json(), order.to_json());
/// # Ok::<(), Vec<counterfoil::problem::Problem>>(())
/// ```
///
/// A `required` field exists, and is neither null nor empty (unless [`allow_empty`](Self::allow_empty)); any other
/// field may be missing, but where it exists it has its kind. Other fields are allowed, unless the record is
/// [`closed`](Self::closed). Before the first field, and after [`whole`](Self::whole), the calls describe the record
/// itself.
#[derive(Clone, Debug)]
pub struct SchemaBuilder {
    /// The record, or the value of a schema that is not for a record. For a schema that was read, this keeps the
    /// positions of `properties` and `required`.
    whole: Described,
    fields: Vec<(String, Described)>,
    /// The field that the next calls describe; `None`: the whole.
    current: Option<usize>,
    required: Vec<String>,
    checks: Checks,
    place: Place,
    problems: Vec<Problem>,
}

impl SchemaBuilder {
    /// Creates a schema for one value, or for a record: then `kind` is that of an object.
    #[track_caller]
    fn new(kind: FieldKind) -> Self {
        let caller = Location::caller();
        let place = Place {
            file: Arc::from(caller.file()),
            line: caller.line() as usize,
            column: caller.column() as usize,
        };
        let mut whole = Described::new(kind);
        if let (FieldKind::Object, Ok(keywords)) = (kind, &mut whole.keywords) {
            keywords.insert("properties".to_owned(), json!({}));
            keywords.insert("required".to_owned(), json!([]));
        }
        Self::at(whole, place, Checks::default())
    }

    fn at(whole: Described, place: Place, checks: Checks) -> Self {
        Self {
            whole,
            fields: Vec::new(),
            current: None,
            required: Vec::new(),
            checks,
            place,
            problems: Vec::new(),
        }
    }

    /// Reads a compiled schema, to be extended. Unchanged, its [`to_json`](Self::to_json) returns the same text.
    pub(super) fn read(schema: &Parsed, place: Place, checks: Checks) -> Self {
        let mut builder = Self::at(Described::read(schema), place, checks);
        if let Ok(keywords) = &builder.whole.keywords {
            if let Some(Parsed::Object(properties)) = keywords.get("properties") {
                let fields = properties
                    .iter()
                    .map(|(name, field)| (name.clone(), Described::read(field)));
                builder.fields = fields.collect();
            }
            if let Some(Parsed::Array(names)) = keywords.get("required") {
                builder.required = names
                    .iter()
                    .filter_map(Parsed::as_str)
                    .map(str::to_owned)
                    .collect();
            }
        }
        builder
    }

    /// Returns to a field that was described before, to extend it.
    #[must_use]
    pub fn field(mut self, name: &str) -> Self {
        self.current = self.fields.iter().position(|(known, _)| known == name);
        if self.current.is_none() {
            self.refuse(format!("the field `{name}` is not described"));
        }
        self
    }

    /// Makes the next calls describe the record itself.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.current = None;
        self
    }

    /// Requires the field: not null, and not an empty text, list or object.
    #[must_use]
    pub fn required(mut self) -> Self {
        let Some((name, field)) = self.current.and_then(|at| self.fields.get_mut(at)) else {
            self.refuse("`required` applies to a field, but no field comes before it".to_owned());
            return self;
        };
        field.required = true;
        if !self.required.contains(name) {
            self.required.push(name.clone());
        }
        self
    }

    /// Allows a required field to be an empty text, list or object.
    #[must_use]
    pub fn allow_empty(self) -> Self {
        self.mark(|described| described.allow_empty = true)
    }

    /// Allows null; a required field still refuses it.
    #[must_use]
    pub fn nullable(self) -> Self {
        self.mark(|described| described.nullable = true)
    }

    /// Sets what readers may assume where the field is missing: an annotation, which does not change any record. The
    /// value is JSON.
    #[must_use]
    pub fn default(self, json: &str) -> Self {
        self.describe("default", |field, _| {
            let value = parsed(json).ok_or("takes a value as JSON")?;
            field.insert("default".to_owned(), value);
            Ok(())
        })
    }

    /// Requires a text to match the pattern, which is not anchored: write `^...$` for the whole text.
    #[must_use]
    pub fn pattern(self, pattern: &str) -> Self {
        self.describe("pattern", |field, kind| {
            if kind != FieldKind::Text {
                return Err("applies only to a string");
            }
            field.insert("pattern".to_owned(), pattern.into());
            Ok(())
        })
    }

    /// Requires a number or decimal from `least` to `greatest`, both included; each is a decimal text, empty for no
    /// bound.
    #[must_use]
    pub fn range(self, least: &str, greatest: &str) -> Self {
        self.describe("range", |field, kind| {
            let mut bounds = Map::new();
            for (keyword, text) in [("minimum", least), ("maximum", greatest)] {
                if !text.is_empty() {
                    let number = parsed(text)
                        .filter(Parsed::is_number)
                        .ok_or("takes decimals as strings, such as \"0.00\"")?;
                    bounds.insert(keyword.to_owned(), number);
                }
            }
            match kind {
                FieldKind::Decimal => {
                    field.insert("x-decimal".to_owned(), bounds.into());
                }
                FieldKind::Integer | FieldKind::Number => field.extend(bounds),
                _ => return Err("applies only to an integer, a number or a decimal"),
            }
            Ok(())
        })
    }

    /// Limits the length: characters of a text, elements of a list, fields of an object.
    #[must_use]
    pub fn length(self, least: u64, greatest: impl Into<Option<u64>>) -> Self {
        let greatest = greatest.into();
        self.describe("length", |field, kind| {
            let [least_keyword, greatest_keyword] = kind
                .length()
                .ok_or("applies only to a string, a list or an object")?;
            field.insert(least_keyword.to_owned(), least.into());
            if let Some(greatest) = greatest {
                field.insert(greatest_keyword.to_owned(), greatest.into());
            }
            Ok(())
        })
    }

    /// Requires one of these values. For a text (and a date) they are the words; for any other kind they are JSON
    /// texts, as `["1", "2.50", "null"]`.
    #[must_use]
    pub fn enumeration<'w>(self, values: impl IntoIterator<Item = &'w str>) -> Self {
        let values: Vec<&str> = values.into_iter().collect();
        self.describe("enumeration", |field, kind| {
            let read = |text: &&str| match kind {
                FieldKind::Text | FieldKind::Date | FieldKind::DateTime => Some(Parsed::from(*text)),
                _ => parsed(text),
            };
            let values: Option<Vec<Parsed>> = values.iter().map(read).collect();
            let values = values.filter(|values| !values.is_empty());
            field.insert(
                "enum".to_owned(),
                values.ok_or("takes one or more values as JSON")?.into(),
            );
            Ok(())
        })
    }

    /// For a list: requires that its elements differ. For any other kind: requires that no two records have the same
    /// value, which is checked over the whole database; a missing value and null are not compared.
    #[must_use]
    pub fn unique(self) -> Self {
        self.describe("unique", |field, kind| {
            let keyword = if kind == FieldKind::List {
                "uniqueItems"
            } else {
                "x-unique"
            };
            field.insert(keyword.to_owned(), true.into());
            Ok(())
        })
    }

    /// Requires that the value is the id of a record in that database, or, for a list, that every element is; a missing
    /// value and null are not looked up.
    #[must_use]
    pub fn references(self, database: &str) -> Self {
        self.describe("references", |field, kind| {
            if !matches!(
                kind,
                FieldKind::Text | FieldKind::Integer | FieldKind::List | FieldKind::Any
            ) {
                return Err("applies only to a string, an integer or a list");
            }
            field.insert("x-references".to_owned(), database.into());
            Ok(())
        })
    }

    /// Requires that the value passes all of these too.
    #[must_use]
    pub fn all_of(self, schemas: impl IntoIterator<Item = Self>) -> Self {
        self.combine("allOf", schemas)
    }

    /// Requires that the value passes at least one of these.
    #[must_use]
    pub fn any_of(self, schemas: impl IntoIterator<Item = Self>) -> Self {
        self.combine("anyOf", schemas)
    }

    /// Requires that the value does not pass this schema.
    #[must_use]
    pub fn not(mut self, schema: Self) -> Self {
        let schema = self.take_in(schema);
        self.describe("not", |field, _| {
            Described::conjoin(field, "not", schema);
            Ok(())
        })
    }

    /// Requires that the value passes a check of the program. A [`Schema`] that is compiled from the text must be given
    /// the check again: [`Schema::compile_with`].
    #[must_use]
    pub fn custom(mut self, check: Check) -> Self {
        let name = check.name().to_owned();
        self.checks.register(check);
        self.describe("custom", |field, _| {
            match field.get_mut("x-check") {
                Some(Parsed::Array(names)) => names.push(name.into()),
                _ => {
                    field.insert("x-check".to_owned(), json!([name]));
                }
            }
            Ok(())
        })
    }

    /// Describes an object as such a record, or every element of a list.
    #[must_use]
    pub fn of(mut self, inner: Self) -> Self {
        let schema = self.take_in(inner);
        self.describe("of", |field, kind| {
            match (kind, schema) {
                (FieldKind::Object, Parsed::Object(keywords)) => field.extend(keywords),
                (FieldKind::List, schema) => {
                    field.insert("items".to_owned(), schema);
                }
                _ => return Err("applies only to an object or a list"),
            }
            Ok(())
        })
    }

    /// Allows only the described fields.
    #[must_use]
    pub fn closed(mut self) -> Self {
        if let Ok(keywords) = &mut self.whole.keywords {
            keywords.insert("additionalProperties".to_owned(), false.into());
        }
        self
    }

    /// Returns the contract as JSON Schema text.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.to_parsed().to_string()
    }

    /// Compiles the contract.
    ///
    /// # Errors
    /// Every problem, at the place in the Rust source where the contract began: `contract.builder` for a description
    /// that does not suit its field, otherwise as [`Schema::compile`].
    pub fn build(self) -> Result<Schema, Problems> {
        let json = self.to_json();
        Problems::none_or(self.problems, || ())?;
        Schema::compile_with(&json, &self.place, &self.checks)
    }

    fn begin(mut self, name: &str, kind: FieldKind) -> Self {
        if self.whole.kind != FieldKind::Object {
            self.refuse(format!(
                "the field `{name}` is added to a schema that is not for an object"
            ));
        }
        if self.fields.iter().any(|(known, _)| known == name) {
            self.refuse(format!("the field `{name}` is added twice"));
        }
        self.current = Some(self.fields.len());
        self.fields.push((name.to_owned(), Described::new(kind)));
        self
    }

    fn mark(mut self, change: impl FnOnce(&mut Described)) -> Self {
        change(self.described().1);
        self
    }

    /// Returns the value that is being described, and its name.
    fn described(&mut self) -> (&str, &mut Described) {
        match self.current.and_then(|at| self.fields.get_mut(at)) {
            Some((name, field)) => (name, field),
            None => ("the record", &mut self.whole),
        }
    }

    fn describe(
        mut self,
        what: &str,
        change: impl FnOnce(&mut Map<String, Parsed>, FieldKind) -> Result<(), &'static str>,
    ) -> Self {
        let (name, described) = self.described();
        let kind = described.kind;
        let changed = match &mut described.keywords {
            Ok(keywords) => change(keywords, kind),
            Err(_) => Err("cannot be added to a schema that is `true` or `false`"),
        };
        if let Err(wrong) = changed {
            let message = format!("`{what}` of `{name}` {wrong}");
            self.refuse(message);
        }
        self
    }

    fn combine(mut self, keyword: &str, schemas: impl IntoIterator<Item = Self>) -> Self {
        let schemas: Vec<Parsed> = schemas.into_iter().map(|schema| self.take_in(schema)).collect();
        self.describe(
            if keyword == "allOf" { "all_of" } else { "any_of" },
            |field, _| {
                if schemas.is_empty() {
                    return Err("takes at least one schema");
                }
                Described::conjoin(field, keyword, schemas.into());
                Ok(())
            },
        )
    }

    /// Includes a schema as a part of this one.
    fn take_in(&mut self, inner: Self) -> Parsed {
        let schema = inner.to_parsed();
        self.problems.extend(inner.problems);
        for name in inner.checks.names() {
            self.checks
                .register(inner.checks.get(name).expect("a name of its own").clone());
        }
        schema
    }

    fn refuse(&mut self, message: String) {
        self.problems
            .push(Problem::error("contract.builder", self.place.clone(), message));
    }

    fn to_parsed(&self) -> Parsed {
        let Ok(keywords) = &self.whole.keywords else {
            return self.whole.to_parsed();
        };
        let mut whole = self.whole.clone();
        let mut keywords = keywords.clone();
        if !self.fields.is_empty() || keywords.contains_key("properties") {
            let fields = self
                .fields
                .iter()
                .map(|(name, field)| (name.clone(), field.to_parsed()));
            keywords.insert("properties".to_owned(), Parsed::Object(fields.collect()));
        }
        if !self.required.is_empty() || keywords.contains_key("required") {
            keywords.insert("required".to_owned(), self.required.clone().into());
        }
        whole.keywords = Ok(keywords);
        whole.to_parsed()
    }
}

//! Contracts built in Rust, field by field.

use std::panic::Location;
use std::sync::Arc;

use serde_json::{Map, Value as Parsed, json};

use super::Schema;
use super::tree::Tree;
use crate::problem::{Place, Problem};
use crate::record::{Limits, admit};

/// A contract in the making: a field is begun by its kind and name, and what follows describes it.
///
/// ```
/// use counterfoil::contract::Schema;
///
/// let order = Schema::record()
///     .string("id").required().pattern(r"^ORD-\d{4}-\d{3,}$")
///     .decimal("total").required().range("0.00", "99999.99")
///     .string("status").required().one_of(["pending", "shipped", "delivered"])
///     .list("items").required().of(Schema::record().string("sku").required())
///     .string("note")
///     .build()?;
/// # Ok::<(), Vec<counterfoil::problem::Problem>>(())
/// ```
///
/// A `required` field is there, not null and not empty (unless [`allow_empty`](Self::allow_empty)); any other may be
/// missing, but where it is there it has its kind. Fields that are not described are allowed, unless
/// [`closed`](Self::closed).
#[derive(Clone, Debug)]
pub struct SchemaBuilder {
    fields: Vec<Described>,
    closed: bool,
    place: Place,
    problems: Vec<Problem>,
}

/// One field, as far as it is described.
#[derive(Clone, Debug)]
struct Described {
    name: String,
    kind: Kind,
    keywords: Map<String, Parsed>,
    required: bool,
    allow_empty: bool,
    nullable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Integer,
    Number,
    Decimal,
    Boolean,
    Date,
    DateTime,
    Object,
    List,
    Any,
}

impl Kind {
    fn keywords(self) -> Parsed {
        match self {
            Self::Text => json!({"type": "string"}),
            Self::Integer => json!({"type": "integer"}),
            Self::Number => json!({"type": "number"}),
            Self::Decimal => json!({"type": ["number", "string"], "x-decimal": {}}),
            Self::Boolean => json!({"type": "boolean"}),
            Self::Date => json!({"type": "string", "format": "date"}),
            Self::DateTime => json!({"type": "string", "format": "date-time"}),
            Self::Object => json!({"type": "object"}),
            Self::List => json!({"type": "array"}),
            Self::Any => json!({}),
        }
    }

    /// The keywords of its least and greatest length.
    fn length(self) -> Option<[&'static str; 2]> {
        match self {
            Self::Text => Some(["minLength", "maxLength"]),
            Self::List => Some(["minItems", "maxItems"]),
            Self::Object => Some(["minProperties", "maxProperties"]),
            _ => None,
        }
    }
}

impl SchemaBuilder {
    #[track_caller]
    pub(super) fn new() -> Self {
        let caller = Location::caller();
        let place = Place {
            file: Arc::from(caller.file()),
            line: caller.line() as usize,
            column: caller.column() as usize,
        };
        Self {
            fields: Vec::new(),
            closed: false,
            place,
            problems: Vec::new(),
        }
    }

    /// A text.
    #[must_use]
    pub fn string(self, name: &str) -> Self {
        self.begin(name, Kind::Text)
    }

    /// A whole number of any length; `1.0` is one.
    #[must_use]
    pub fn integer(self, name: &str) -> Self {
        self.begin(name, Kind::Integer)
    }

    /// A number of any length.
    #[must_use]
    pub fn number(self, name: &str) -> Self {
        self.begin(name, Kind::Number)
    }

    /// Money and the like: a number, or a text that is one (`"29.90"`), that 28 digits hold exactly.
    #[must_use]
    pub fn decimal(self, name: &str) -> Self {
        self.begin(name, Kind::Decimal)
    }

    /// `true` or `false`.
    #[must_use]
    pub fn boolean(self, name: &str) -> Self {
        self.begin(name, Kind::Boolean)
    }

    /// A text that is a date of the calendar: `2024-02-29`.
    #[must_use]
    pub fn date(self, name: &str) -> Self {
        self.begin(name, Kind::Date)
    }

    /// A text that is a date and time with its zone (RFC 3339): `2024-02-29T12:00:00Z`.
    #[must_use]
    pub fn datetime(self, name: &str) -> Self {
        self.begin(name, Kind::DateTime)
    }

    /// An object.
    #[must_use]
    pub fn object(self, name: &str) -> Self {
        self.begin(name, Kind::Object)
    }

    /// A list.
    #[must_use]
    pub fn list(self, name: &str) -> Self {
        self.begin(name, Kind::List)
    }

    /// A value of any kind.
    #[must_use]
    pub fn any(self, name: &str) -> Self {
        self.begin(name, Kind::Any)
    }

    /// The field is there, not null, and no empty text, list or object.
    #[must_use]
    pub fn required(self) -> Self {
        self.describe("required", |field, _| {
            field.required = true;
            Ok(())
        })
    }

    /// A required field may be an empty text, list or object.
    #[must_use]
    pub fn allow_empty(self) -> Self {
        self.describe("allow_empty", |field, _| {
            field.allow_empty = true;
            Ok(())
        })
    }

    /// The field may be null; a required one may not.
    #[must_use]
    pub fn nullable(self) -> Self {
        self.describe("nullable", |field, _| {
            field.nullable = true;
            Ok(())
        })
    }

    /// What readers may assume where the field is missing: an annotation, which changes no record. The value is JSON.
    #[must_use]
    pub fn default(self, json: &str) -> Self {
        self.describe("default", |field, _| {
            let value = parsed(json).ok_or("takes a JSON text")?;
            field.put("default", value);
            Ok(())
        })
    }

    /// A text matches the pattern, which is not anchored by itself: write `^...$` for the whole text.
    #[must_use]
    pub fn pattern(self, pattern: &str) -> Self {
        self.describe("pattern", |field, kind| {
            if kind != Kind::Text {
                return Err("belongs to a text");
            }
            field.put("pattern", pattern);
            Ok(())
        })
    }

    /// A number or decimal lies from `least` to `greatest`, both included; each is a decimal text, empty for no bound.
    #[must_use]
    pub fn range(self, least: &str, greatest: &str) -> Self {
        self.describe("range", |field, kind| {
            let mut bounds = Map::new();
            for (keyword, text) in [("minimum", least), ("maximum", greatest)] {
                if !text.is_empty() {
                    let number = parsed(text)
                        .filter(Parsed::is_number)
                        .ok_or("takes decimal texts, such as \"0.00\"")?;
                    bounds.insert(keyword.to_owned(), number);
                }
            }
            match kind {
                Kind::Decimal => field.put("x-decimal", bounds),
                Kind::Integer | Kind::Number => field.keywords.extend(bounds),
                _ => return Err("belongs to an integer, a number or a decimal"),
            }
            Ok(())
        })
    }

    /// A text has this many characters, a list this many elements, an object this many fields.
    #[must_use]
    pub fn length(self, least: u64, greatest: impl Into<Option<u64>>) -> Self {
        let greatest = greatest.into();
        self.describe("length", |field, kind| {
            let [least_keyword, greatest_keyword] =
                kind.length().ok_or("belongs to a text, a list or an object")?;
            field.put(least_keyword, least);
            if let Some(greatest) = greatest {
                field.put(greatest_keyword, greatest);
            }
            Ok(())
        })
    }

    /// A text is one of these.
    #[must_use]
    pub fn one_of<'w>(self, words: impl IntoIterator<Item = &'w str>) -> Self {
        let words: Vec<&str> = words.into_iter().collect();
        self.describe("one_of", |field, kind| {
            if kind != Kind::Text {
                return Err("belongs to a text");
            }
            field.put("enum", words);
            Ok(())
        })
    }

    /// An object is such a record, or every element of a list is.
    #[must_use]
    pub fn of(mut self, inner: Self) -> Self {
        let schema = inner.to_parsed();
        self.problems.extend(inner.problems);
        self.describe("of", |field, kind| {
            match (kind, schema) {
                (Kind::Object, Parsed::Object(keywords)) => field.keywords.extend(keywords),
                (Kind::List, schema) => field.put("items", schema),
                _ => return Err("belongs to an object or a list"),
            }
            Ok(())
        })
    }

    /// No field but the described ones is allowed.
    #[must_use]
    pub fn closed(mut self) -> Self {
        self.closed = true;
        self
    }

    /// The contract as JSON Schema text.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.to_parsed().to_string()
    }

    /// Compiles the contract.
    ///
    /// # Errors
    /// Every problem, at the place in the Rust source where the contract began: `contract.builder` for a description
    /// that does not fit its field, else as [`Schema::compile`].
    pub fn build(self) -> Result<Schema, Vec<Problem>> {
        if self.problems.is_empty() {
            return Schema::compile(&self.to_json(), &self.place);
        }
        Err(self.problems)
    }

    fn begin(mut self, name: &str, kind: Kind) -> Self {
        if self.fields.iter().any(|field| field.name == name) {
            self.refuse(format!("the field `{name}` is described twice"));
        }
        let Parsed::Object(keywords) = kind.keywords() else {
            unreachable!("the keywords of a kind are an object")
        };
        self.fields.push(Described {
            name: name.to_owned(),
            kind,
            keywords,
            required: false,
            allow_empty: false,
            nullable: false,
        });
        self
    }

    fn describe(
        mut self,
        what: &str,
        change: impl FnOnce(&mut Described, Kind) -> Result<(), &'static str>,
    ) -> Self {
        let problem = match self.fields.last_mut() {
            None => Some(format!("`{what}` describes a field, but none is begun")),
            Some(field) => {
                let kind = field.kind;
                change(field, kind)
                    .err()
                    .map(|wrong| format!("`{what}` of `{}` {wrong}", field.name))
            }
        };
        if let Some(message) = problem {
            self.refuse(message);
        }
        self
    }

    fn refuse(&mut self, message: String) {
        self.problems
            .push(Problem::error("contract.builder", self.place.clone(), message));
    }

    fn to_parsed(&self) -> Parsed {
        let mut schema = Map::new();
        schema.insert("type".to_owned(), "object".into());
        let properties = self
            .fields
            .iter()
            .map(|field| (field.name.clone(), field.to_parsed()));
        schema.insert("properties".to_owned(), Parsed::Object(properties.collect()));
        let required = self.fields.iter().filter(|field| field.required);
        let required: Vec<&str> = required.map(|field| field.name.as_str()).collect();
        schema.insert("required".to_owned(), required.into());
        if self.closed {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
        Parsed::Object(schema)
    }
}

impl Described {
    fn put(&mut self, keyword: &str, value: impl Into<Parsed>) {
        self.keywords.insert(keyword.to_owned(), value.into());
    }

    fn to_parsed(&self) -> Parsed {
        let mut keywords = self.keywords.clone();
        let empty_is_refused = self.required && !self.allow_empty;
        if let (true, Some([least, _])) = (empty_is_refused, self.kind.length()) {
            let given = keywords.get(least).and_then(Parsed::as_u64).unwrap_or(0);
            keywords.insert(least.to_owned(), given.max(1).into());
        }
        if self.required && self.kind == Kind::Any {
            let refused = if empty_is_refused {
                json!([null, "", [], {}])
            } else {
                json!([null])
            };
            keywords.insert("not".to_owned(), json!({"enum": refused}));
        }
        if self.nullable && !self.required && self.kind != Kind::Any {
            return json!({"anyOf": [{"type": "null"}, keywords]});
        }
        Parsed::Object(keywords)
    }
}

/// A JSON text as the schema compiler takes it.
fn parsed(json: &str) -> Option<Parsed> {
    let json = admit(json.as_bytes(), &Limits::default()).ok()?;
    Tree::parse(&json).ok().map(|tree| tree.to_parsed())
}

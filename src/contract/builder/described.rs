//! The description of one value so far: its kind and its keywords.

use serde_json::{Map, Value as Parsed, json};

use crate::contract::tree::Tree;
use crate::record::{Limits, admit};

/// The kind with which a field was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldKind {
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

impl FieldKind {
    fn keywords(self) -> Map<String, Parsed> {
        let keywords = match self {
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
        };
        match keywords {
            Parsed::Object(keywords) => keywords,
            _ => Map::new(),
        }
    }

    /// Returns the kind of a value with these keywords.
    fn new(keywords: &Map<String, Parsed>) -> Self {
        let named = |name: &str| keywords.get(name).and_then(Parsed::as_str).unwrap_or_default();
        if keywords.contains_key("x-decimal") {
            return Self::Decimal;
        }
        match (named("type"), named("format")) {
            ("string", "date") => Self::Date,
            ("string", "date-time") => Self::DateTime,
            ("string", _) => Self::Text,
            ("integer", _) => Self::Integer,
            ("number", _) => Self::Number,
            ("boolean", _) => Self::Boolean,
            ("object", _) => Self::Object,
            ("array", _) => Self::List,
            _ => Self::Any,
        }
    }

    /// Returns the keywords of its minimum and maximum length.
    pub(super) fn length(self) -> Option<[&'static str; 2]> {
        match self {
            Self::Text => Some(["minLength", "maxLength"]),
            Self::List => Some(["minItems", "maxItems"]),
            Self::Object => Some(["minProperties", "maxProperties"]),
            _ => None,
        }
    }
}

/// The description of one value so far.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) kind: FieldKind,
    /// Its keywords; `true` and `false` are schemas as well.
    pub(super) keywords: Result<Map<String, Parsed>, bool>,
    /// Whether `required` was called for it, which also refuses null and empty values.
    pub(super) required: bool,
    pub(super) allow_empty: bool,
    pub(super) nullable: bool,
}

impl Described {
    pub(super) fn new(kind: FieldKind) -> Self {
        Self {
            kind,
            keywords: Ok(kind.keywords()),
            required: false,
            allow_empty: false,
            nullable: false,
        }
    }

    /// Reads a value from its schema; [`to_parsed`](Self::to_parsed) returns the same schema.
    pub(super) fn read(schema: &Parsed) -> Self {
        let Parsed::Object(keywords) = schema else {
            let always = schema.as_bool().unwrap_or(true);
            return Self {
                keywords: Err(always),
                ..Self::new(FieldKind::Any)
            };
        };
        let inner = or_null(keywords).filter(|inner| FieldKind::new(inner) != FieldKind::Any);
        let nullable = inner.is_some();
        let keywords = inner.unwrap_or(keywords);
        Self {
            keywords: Ok(keywords.clone()),
            nullable,
            ..Self::new(FieldKind::new(keywords))
        }
    }

    /// Adds a keyword. Where it is already present, both apply.
    pub(super) fn conjoin(keywords: &mut Map<String, Parsed>, keyword: &str, value: Parsed) {
        if !keywords.contains_key(keyword) {
            keywords.insert(keyword.to_owned(), value);
            return;
        }
        let more = match value {
            Parsed::Array(list) if keyword == "allOf" => list,
            value => vec![json!({ keyword: value })],
        };
        match keywords.get_mut("allOf") {
            Some(Parsed::Array(list)) => list.extend(more),
            _ => {
                keywords.insert("allOf".to_owned(), more.into());
            }
        }
    }

    pub(super) fn to_parsed(&self) -> Parsed {
        let mut keywords = match &self.keywords {
            Ok(keywords) => keywords.clone(),
            Err(always) => return (*always).into(),
        };
        let empty_is_refused = self.required && !self.allow_empty;
        if let (true, Some([least, _])) = (empty_is_refused, self.kind.length()) {
            let given = keywords.get(least).and_then(Parsed::as_u64).unwrap_or(0);
            keywords.insert(least.to_owned(), given.max(1).into());
        }
        if self.required && self.kind == FieldKind::Any {
            let refused = if empty_is_refused {
                json!([null, "", [], {}])
            } else {
                json!([null])
            };
            Self::conjoin(&mut keywords, "not", json!({"enum": refused}));
        }
        if self.nullable && !self.required && self.kind != FieldKind::Any {
            return json!({"anyOf": [{"type": "null"}, keywords]});
        }
        Parsed::Object(keywords)
    }
}

/// Returns the second alternative of "null, or this".
fn or_null(keywords: &Map<String, Parsed>) -> Option<&Map<String, Parsed>> {
    let both = keywords
        .get("anyOf")
        .filter(|_| keywords.len() == 1)?
        .as_array()?;
    match both.as_slice() {
        [null, Parsed::Object(inner)] if *null == json!({"type": "null"}) => Some(inner),
        _ => None,
    }
}

/// Parses JSON text for the schema compiler.
pub(super) fn parsed(json: &str) -> Option<Parsed> {
    let json = admit(json.as_bytes(), &Limits::default()).ok()?;
    Tree::parse(&json).ok().map(|tree| tree.to_parsed())
}

//! `map`: maps values to values by a table.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::json;
use toml_edit::Item;

use super::kit::fixed::fixed;
use super::kit::frame::{Frame, MISSING, NULL, PATH, TO, frame_builders, frame_methods};
use super::{Effect, Form, Key, Manual, Operation, PathText, Reversibility, Settings};
use crate::expression::Scope;
use crate::problem::Problem;
use crate::record::{Document, Kind, NumberText, Value};
use crate::refusal::Refusal;

/// Kind of values that the keys of a [`MapValues`] represent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapKeys {
    /// Texts, numbers of that value (`1` is `1.0`), and booleans.
    Any,
    /// Texts only.
    Text,
    /// Numbers only, by their text as written.
    Number,
}

/// `map`: replaces each value by the table's value for it. A value that is not in the table is refused, unless there is
/// a default. The table can be reversed if it declares the kind of its keys, has a different value for each, all of one
/// kind, and no default.
///
/// ```toml
/// op = "map"
/// path = "status"
/// values = { 1 = "pending", 2 = "shipped" }
/// ```
/// Turns `{"status":2}` into `{"status":"shipped"}`.
#[derive(Clone, Debug)]
pub struct MapValues {
    frame: Frame,
    table: MapTable,
    default: Option<Value>,
}

#[derive(Clone, Debug)]
struct MapTable {
    keys: MapKeys,
    values: BTreeMap<String, Value>,
    numbers: BTreeMap<Decimal, Value>,
}

impl MapTable {
    fn new(keys: MapKeys) -> Self {
        Self {
            keys,
            values: BTreeMap::new(),
            numbers: BTreeMap::new(),
        }
    }

    fn insert(&mut self, key: &str, value: Value) {
        if let Ok(number) = NumberText::KEY.read(key) {
            self.numbers.insert(number, value.clone());
        }
        self.values.insert(key.to_owned(), value);
    }

    fn find(&self, value: &Value) -> Option<&Value> {
        match (value.kind(), self.keys) {
            (Kind::Text, MapKeys::Any | MapKeys::Text) => self.values.get(value.as_text()?.as_ref()),
            (Kind::Number, MapKeys::Number) => self.values.get(value.as_number()?),
            (Kind::Number, MapKeys::Any) => {
                self.numbers.get(&NumberText::JSON.read(value.as_number()?).ok()?)
            }
            (Kind::Boolean, MapKeys::Any) => {
                self.values
                    .get(if value.as_boolean()? { "true" } else { "false" })
            }
            _ => None,
        }
    }

    /// Checks that a key does not conflict with those before it.
    fn check(&self, key: &str) -> Result<(), Problem> {
        let number = NumberText::KEY.read(key);
        if self.keys == MapKeys::Any && number.is_ok_and(|number| self.numbers.contains_key(&number)) {
            let message = format!("`{key}` is the same number as another key");
            return Err(Problem::error("map.duplicate", None, message)
                .help("set `keys = \"text\"` if the values are strings"));
        }
        if self.keys == MapKeys::Number && number.is_err() {
            let message = format!("`{key}` is not a number, but `keys` says that the keys are numbers");
            return Err(Problem::error("map.key", None, message));
        }
        Ok(())
    }

    fn problems(&self) -> Vec<Problem> {
        let (mut before, mut problems) = (Self::new(self.keys), Vec::new());
        for (key, value) in &self.values {
            problems.extend(before.check(key).err());
            before.insert(key, value.clone());
        }
        problems
    }
}

frame_builders!(MapValues, to);

impl MapValues {
    /// Creates an empty table, whose keys represent values of any kind.
    #[must_use]
    pub fn new(path: impl Into<PathText>) -> Self {
        Self::from_frame(Frame::new(MANUAL.name, path))
    }

    fn from_frame(frame: Frame) -> Self {
        Self {
            frame,
            table: MapTable::new(MapKeys::Any),
            default: None,
        }
    }

    /// Sets the kind of values that the keys represent.
    #[must_use]
    pub fn keys(mut self, keys: MapKeys) -> Self {
        self.table.keys = keys;
        self
    }

    /// Adds a line to the table; a later one for the same key replaces it.
    #[must_use]
    pub fn value(mut self, key: &str, value: Value) -> Self {
        self.table.insert(key, value);
        self
    }

    /// Sets what a value that is not in the table becomes.
    #[must_use]
    pub fn default(mut self, value: Value) -> Self {
        self.default = Some(value);
        self
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let reading = settings.reading();
        let mut map = Self::from_frame(Frame::read(settings)?);
        map.table.keys = match settings.text("keys") {
            Some("text") => MapKeys::Text,
            Some("number") => MapKeys::Number,
            _ => MapKeys::Any,
        };
        let table = settings.item("values").and_then(Item::as_table_like);
        let table = table.expect("the settings were checked: `values` is a table");
        for (key, item) in table.iter() {
            let place = || Some(reading.place(item.span()));
            map.table.check(key).map_err(|problem| Problem {
                place: place(),
                ..problem
            })?;
            map = map.value(key, fixed(item, reading)?);
        }
        map.default = settings
            .item("default")
            .map(|item| fixed(item, reading))
            .transpose()?;
        Ok(Box::new(map))
    }

    /// Returns the reverse table, if it restores every value as it was.
    fn reversed(&self) -> Option<Self> {
        if !self.frame.is_in_place() || self.default.is_some() {
            return None;
        }
        let kind = self.table.values.values().next()?.kind();
        let keys = match kind {
            Kind::Text => MapKeys::Text,
            Kind::Number => MapKeys::Number,
            _ => return None,
        };
        let mut reversed = Self::from_frame(self.frame.clone()).keys(keys);
        for (key, value) in &self.table.values {
            let back = match self.table.keys {
                MapKeys::Any => return None,
                MapKeys::Text => Value::text(key),
                MapKeys::Number => Value::parse(key).ok()?,
            };
            let key = value.as_text().or_else(|| value.as_number().map(Into::into))?;
            if value.kind() != kind || reversed.table.values.contains_key(key.as_ref()) {
                return None;
            }
            reversed = reversed.value(&key, back);
        }
        Some(reversed)
    }
}

impl Operation for MapValues {
    frame_methods!(table);

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        self.frame.apply(document, |value, place| {
            if matches!(value.kind(), Kind::List | Kind::Object) {
                return Err(self.frame.wrong_type(place, "a string, number or boolean"));
            }
            let found = self.table.find(value).or(self.default.as_ref()).cloned();
            found.ok_or_else(|| {
                self.frame
                    .refuse("unknown", place)
                    .expected("a value of the table")
            })
        })
    }

    fn reversibility(&self) -> Reversibility {
        match self.reversed() {
            Some(_) => Reversibility::Exact,
            None => self.frame.reversibility(),
        }
    }

    fn inverse(&self) -> Option<Box<dyn Operation>> {
        match self.reversed() {
            Some(reversed) => Some(Box::new(reversed)),
            None => self.frame.inverse(),
        }
    }

    fn meaning(&self) -> serde_json::Value {
        let table = self
            .table
            .values
            .iter()
            .map(|(key, value)| (key, value.to_json()));
        self.frame.meaning(json!({
            "keys": match self.table.keys {
                MapKeys::Any => "any",
                MapKeys::Text => "text",
                MapKeys::Number => "number",
            },
            "values": table.collect::<BTreeMap<_, _>>(),
            "default": self.default.as_ref().map(Value::to_json),
        }))
    }
}

/// The reference entry of `map`.
pub(super) static MANUAL: Manual = Manual {
    name: "map",
    group: "value",
    summary: "replaces a value with its entry in a table",
    keys: &[
        PATH,
        TO,
        Key::required("values", Form::Table, "the replacement for each value"),
        Key::optional(
            "keys",
            Form::Choice(&["any", "text", "number"]),
            "any",
            "what the keys match: `any` treats 1, 1.0 and \"1\" alike; `number` compares the digits as written",
        ),
        Key::optional(
            "default",
            Form::Template,
            "refused",
            "the replacement for a value that is not in the table",
        ),
        MISSING,
        NULL,
    ],
    refusals: &[
        "map.missing",
        "map.null",
        "map.type",
        "map.unknown",
        "map.exists",
        "map.blocked",
    ],
    undo: "exact: `map`, where `keys` is text or number, the values are all different and of one type, and there is no \
        default; otherwise lossy in place",
    example: (
        r#"op = "map"
path = "status"
values = { 1 = "pending", 2 = "shipped" }"#,
        r#"{"status":2}"#,
        r#"{"status":"shipped"}"#,
    ),
    build: MapValues::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{built, run};

    fn status() -> MapValues {
        MapValues::new("s")
            .value("1", Value::text("pending"))
            .value("2", Value::text("shipped"))
    }

    #[test]
    fn an_unknown_value_is_refused_never_silently_something() {
        for (given, expected) in [
            ("1", "pending"),
            ("2.0", "shipped"),
            (r#""1""#, "pending"),
            ("1e0", "pending"),
        ] {
            let json = run(&status(), &format!(r#"{{"s":{given}}}"#)).unwrap();
            assert_eq!(json, format!(r#"{{"s":"{expected}"}}"#));
        }
        for given in ["3", r#""""#, r#""1.0""#, "true", "1e400"] {
            let refused = run(&status(), &format!(r#"{{"s":{given}}}"#)).unwrap_err();
            assert_eq!(refused, "map.unknown at /s", "{given}");
        }
        assert_eq!(run(&status(), r#"{"s":[]}"#).unwrap_err(), "map.type at /s");
        assert_eq!(run(&status(), r#"{"s":null}"#).unwrap_err(), "map.null at /s");
        let op = status().default(Value::null());
        assert_eq!(run(&op, r#"{"s":3}"#).unwrap(), r#"{"s":null}"#);
    }

    #[test]
    fn a_table_runs_backwards_only_where_that_is_exact() {
        let op = status().keys(MapKeys::Number);
        let json = r#"{"s":2}"#;
        let there = run(&op, json).unwrap();
        assert_eq!(op.reversibility(), Reversibility::Exact);
        assert_eq!(run(op.inverse().unwrap().as_ref(), &there).unwrap(), json);
        assert_eq!(run(&op, r#"{"s":2.0}"#).unwrap_err(), "map.unknown at /s");
        let op = MapValues::new("s")
            .keys(MapKeys::Text)
            .value("a", Value::integer(1));
        assert_eq!(
            run(op.inverse().unwrap().as_ref(), r#"{"s":1}"#).unwrap(),
            r#"{"s":"a"}"#
        );
        let numbers = || status().keys(MapKeys::Number);
        for op in [
            status(),
            numbers().default(Value::null()),
            numbers().value("3", Value::text("pending")),
            numbers().value("3", Value::integer(3)),
        ] {
            assert!(op.inverse().is_none() && op.reversibility() != Reversibility::Exact);
        }
        let beside = numbers().to("t").inverse().expect("only a field is added");
        assert_eq!(beside.name(), "remove");
    }

    #[test]
    fn a_stage_file_gives_the_same_table() {
        let settings = "path = \"s\"\nvalues = { 2 = \"shipped\", 1 = \"pending\" }";
        let op = built(&MANUAL, settings, None).unwrap();
        assert_eq!(op.meaning(), status().meaning());
        let settings = "path = \"s\"\nvalues = { 1 = \"a\", \"1.0\" = \"b\" }";
        assert_eq!(built(&MANUAL, settings, None).unwrap_err().code, "map.duplicate");
        let settings = "path = \"s\"\nkeys = \"number\"\nvalues = { a = 1 }";
        assert_eq!(built(&MANUAL, settings, None).unwrap_err().code, "map.key");
    }
}

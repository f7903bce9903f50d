//! The kinds with which a schema or a field begins.

use super::SchemaBuilder;
use super::described::FieldKind;
use crate::contract::schema::Schema;

/// Schemas of single values: list elements, alternatives, or parts of another schema.
impl Schema {
    /// Returns the schema as a builder, to be extended; its [`to_json`](SchemaBuilder::to_json) equals this schema's.
    #[must_use]
    pub fn builder(&self) -> SchemaBuilder {
        SchemaBuilder::read(self.parsed(), self.place(), self.checks().clone())
    }

    /// Begins a contract in Rust: a record whose fields are described one after the other.
    #[must_use]
    #[track_caller]
    pub fn record() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::Object)
    }

    /// Begins a schema for a text.
    #[must_use]
    #[track_caller]
    pub fn string() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::Text)
    }

    /// Begins a schema for a whole number of any length.
    #[must_use]
    #[track_caller]
    pub fn integer() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::Integer)
    }

    /// Begins a schema for a number of any length.
    #[must_use]
    #[track_caller]
    pub fn number() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::Number)
    }

    /// Begins a schema for a number, or a text that represents one, that 28 digits represent exactly.
    #[must_use]
    #[track_caller]
    pub fn decimal() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::Decimal)
    }

    /// Begins a schema for a Boolean.
    #[must_use]
    #[track_caller]
    pub fn boolean() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::Boolean)
    }

    /// Begins a schema for a text that is a valid calendar date.
    #[must_use]
    #[track_caller]
    pub fn date() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::Date)
    }

    /// Begins a schema for a text that is a date and time with its zone (RFC 3339).
    #[must_use]
    #[track_caller]
    pub fn datetime() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::DateTime)
    }

    /// Begins a schema for a list.
    #[must_use]
    #[track_caller]
    pub fn list() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::List)
    }

    /// Begins a schema for a value of any kind.
    #[must_use]
    #[track_caller]
    pub fn any() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::Any)
    }
}

/// Fields of a record.
impl SchemaBuilder {
    /// Begins a field for a text.
    #[must_use]
    pub fn string(self, name: &str) -> Self {
        self.begin(name, FieldKind::Text)
    }

    /// Begins a field for a whole number of any length; `1.0` is one.
    #[must_use]
    pub fn integer(self, name: &str) -> Self {
        self.begin(name, FieldKind::Integer)
    }

    /// Begins a field for a number of any length.
    #[must_use]
    pub fn number(self, name: &str) -> Self {
        self.begin(name, FieldKind::Number)
    }

    /// Begins a field for an amount, for example of money: a number, or a text that represents one (`"29.90"`), that
    /// 28 digits represent exactly.
    #[must_use]
    pub fn decimal(self, name: &str) -> Self {
        self.begin(name, FieldKind::Decimal)
    }

    /// Begins a field for a Boolean.
    #[must_use]
    pub fn boolean(self, name: &str) -> Self {
        self.begin(name, FieldKind::Boolean)
    }

    /// Begins a field for a text that is a valid calendar date: `2024-02-29`.
    #[must_use]
    pub fn date(self, name: &str) -> Self {
        self.begin(name, FieldKind::Date)
    }

    /// Begins a field for a text that is a date and time with its zone (RFC 3339): `2024-02-29T12:00:00Z`.
    #[must_use]
    pub fn datetime(self, name: &str) -> Self {
        self.begin(name, FieldKind::DateTime)
    }

    /// Begins a field for an object.
    #[must_use]
    pub fn object(self, name: &str) -> Self {
        self.begin(name, FieldKind::Object)
    }

    /// Begins a field for a list.
    #[must_use]
    pub fn list(self, name: &str) -> Self {
        self.begin(name, FieldKind::List)
    }

    /// Begins a field for a value of any kind.
    #[must_use]
    pub fn any(self, name: &str) -> Self {
        self.begin(name, FieldKind::Any)
    }
}

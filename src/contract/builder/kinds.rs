//! Where a schema begins.

use super::SchemaBuilder;
use super::described::FieldKind;
use crate::contract::schema::Schema;

/// Schemas of single values: elements of lists, alternatives, or parts of a schema of your own.
impl Schema {
    /// The schema as a builder, to be described further; its [`to_json`](SchemaBuilder::to_json) is this schema's.
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

    /// A text.
    #[must_use]
    #[track_caller]
    pub fn string() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::Text)
    }

    /// A whole number of any length.
    #[must_use]
    #[track_caller]
    pub fn integer() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::Integer)
    }

    /// A number of any length.
    #[must_use]
    #[track_caller]
    pub fn number() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::Number)
    }

    /// A number, or a text that is one, that 28 digits hold exactly.
    #[must_use]
    #[track_caller]
    pub fn decimal() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::Decimal)
    }

    /// `true` or `false`.
    #[must_use]
    #[track_caller]
    pub fn boolean() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::Boolean)
    }

    /// A text that is a date of the calendar.
    #[must_use]
    #[track_caller]
    pub fn date() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::Date)
    }

    /// A text that is a date and time with its zone (RFC 3339).
    #[must_use]
    #[track_caller]
    pub fn datetime() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::DateTime)
    }

    /// A list.
    #[must_use]
    #[track_caller]
    pub fn list() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::List)
    }

    /// A value of any kind.
    #[must_use]
    #[track_caller]
    pub fn any() -> SchemaBuilder {
        SchemaBuilder::new(FieldKind::Any)
    }
}

/// Fields of a record.
impl SchemaBuilder {
    /// A text.
    #[must_use]
    pub fn string(self, name: &str) -> Self {
        self.begin(name, FieldKind::Text)
    }

    /// A whole number of any length; `1.0` is one.
    #[must_use]
    pub fn integer(self, name: &str) -> Self {
        self.begin(name, FieldKind::Integer)
    }

    /// A number of any length.
    #[must_use]
    pub fn number(self, name: &str) -> Self {
        self.begin(name, FieldKind::Number)
    }

    /// Money and the like: a number, or a text that is one (`"29.90"`), that 28 digits hold exactly.
    #[must_use]
    pub fn decimal(self, name: &str) -> Self {
        self.begin(name, FieldKind::Decimal)
    }

    /// `true` or `false`.
    #[must_use]
    pub fn boolean(self, name: &str) -> Self {
        self.begin(name, FieldKind::Boolean)
    }

    /// A text that is a date of the calendar: `2024-02-29`.
    #[must_use]
    pub fn date(self, name: &str) -> Self {
        self.begin(name, FieldKind::Date)
    }

    /// A text that is a date and time with its zone (RFC 3339): `2024-02-29T12:00:00Z`.
    #[must_use]
    pub fn datetime(self, name: &str) -> Self {
        self.begin(name, FieldKind::DateTime)
    }

    /// An object.
    #[must_use]
    pub fn object(self, name: &str) -> Self {
        self.begin(name, FieldKind::Object)
    }

    /// A list.
    #[must_use]
    pub fn list(self, name: &str) -> Self {
        self.begin(name, FieldKind::List)
    }

    /// A value of any kind.
    #[must_use]
    pub fn any(self, name: &str) -> Self {
        self.begin(name, FieldKind::Any)
    }
}

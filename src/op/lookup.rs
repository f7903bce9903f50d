//! `lookup`: replaces a value by what it refers to in another database.

use serde_json::json;

use super::kit::checked::{Checked, single_path};
use super::kit::frame::{Frame, NULL, PATH, TO, frame_builders, frame_methods};
use super::{Effect, Form, Key, Manual, Operation, PathText, Reversibility, Settings};
use crate::expression::Scope;
use crate::lookup::{Found, LookupBy, LookupQuery};
use crate::name::check_database;
use crate::path::Path;
use crate::problem::Problem;
use crate::record::{Document, Value};
use crate::refusal::{Refusal, WAITING};

/// What [`LookUp`] does with a value that refers to nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unfound {
    /// The record waits in quarantine (`lookup.waiting`) until there is a row, and is then processed again.
    #[default]
    Wait,
    /// The record is refused (`lookup.missing`).
    Refuse,
    /// The value stays as it is.
    Keep,
}

impl Unfound {
    const ALL: [Self; 3] = [Self::Wait, Self::Refuse, Self::Keep];

    const fn word(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Refuse => "refuse",
            Self::Keep => "keep",
        }
    }
}

/// `lookup`: replaces a value by the id of the row to which it refers in another database, or by a field of that row.
/// When the row changes, disappears or first exists, the next run processes the record again.
///
/// ```toml
/// op = "lookup"
/// path = "patient"
/// through = "people"
/// take = "name"
/// ```
/// Turns `{"patient":"PAT-7"}` into `{"patient":"Ada"}`.
#[derive(Clone, Debug)]
pub struct LookUp {
    frame: Frame,
    query: Checked<LookupQuery>,
    unfound: Unfound,
}

frame_builders!(LookUp, to);

impl LookUp {
    /// Replaces the id at `path` by the id of the row of `through` that has it.
    #[must_use]
    pub fn new(path: impl Into<PathText>, through: &str) -> Self {
        Self {
            frame: Frame::new(MANUAL.name, path).absent_as("absent"),
            query: Checked::new(|| query(through)),
            unfound: Unfound::default(),
        }
    }

    /// The value is the id of a source record that a stage merged into a row of `through`: it finds that row.
    #[must_use]
    pub fn golden(mut self) -> Self {
        self.query = self.query.and(|query| {
            let by = LookupBy::Member;
            Ok(LookupQuery { by, ..query })
        });
        self
    }

    /// The value is that of a field of the row, instead of its id.
    #[must_use]
    pub fn key(mut self, field: impl Into<PathText>) -> Self {
        self.query = self.query.and(|query| {
            let by = LookupBy::Field(single_path(field)?);
            Ok(LookupQuery { by, ..query })
        });
        self
    }

    /// Takes the value of a field of the row, instead of its id.
    #[must_use]
    pub fn take(mut self, field: impl Into<PathText>) -> Self {
        self.query = self.query.and(|query| {
            let take = Some(single_path(field)?);
            Ok(LookupQuery { take, ..query })
        });
        self
    }

    /// Sets what happens to a value that refers to nothing. Default: the record waits.
    #[must_use]
    pub fn unfound(mut self, unfound: Unfound) -> Self {
        self.unfound = unfound;
        self
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let mut op = Self::new(
            settings.path("path")?,
            settings.text("through").unwrap_or_default(),
        );
        op.frame = Frame::read(settings)?.absent_as("absent");
        if settings.text("absent") == Some("skip") {
            op.frame.skip_missing();
        }
        if settings.text("as") == Some(GOLDEN) {
            if settings.has("key") {
                let message = "`key` belongs to `as = \"row\"`: a source record is found by its id";
                return Err(Problem::error(
                    "lookup.key",
                    Some(settings.place_of("key")),
                    message,
                ));
            }
            op = op.golden();
        }
        if let Some(key) = settings.path_or_none("key")? {
            op = op.key(key);
        }
        if let Some(take) = settings.path_or_none("take")? {
            op = op.take(take);
        }
        let word = settings.text("missing");
        let unfound = Unfound::ALL
            .into_iter()
            .find(|unfound| word == Some(unfound.word()));
        op.unfound = unfound.unwrap_or_default();
        op.query = op.query.at(|| settings.place_of("through"));
        Ok(Box::new(op))
    }

    fn found(&self, value: &Value, pointer: &str, scope: &Scope<'_>) -> Result<Value, Refusal> {
        let query = self.query.get()?;
        let refusal = |code: &'static str, expected: String| Refusal::new(code, pointer).expected(expected);
        let Some(lookups) = scope.context().lookups else {
            return Err(refusal("lookup.unavailable", "a store".to_owned()));
        };
        let through = &query.through;
        match lookups.find(query, value) {
            Found::Value(found) => Ok(found),
            Found::Several => Err(refusal("lookup.several", format!("one row of `{through}`"))),
            Found::Unread => Err(refusal("lookup.unread", format!("`{through}` to be read"))),
            Found::Nothing | Found::NoField => match self.unfound {
                Unfound::Keep => Ok(value.clone()),
                Unfound::Wait => Err(refusal(WAITING, Self::wanted(query))),
                Unfound::Refuse => Err(refusal("lookup.missing", Self::wanted(query))),
            },
        }
    }

    fn wanted(query: &LookupQuery) -> String {
        let through = &query.through;
        let row = match &query.by {
            LookupBy::Id => format!("the id of a row in `{through}`"),
            LookupBy::Field(field) => format!("the `{field}` of a row in `{through}`"),
            LookupBy::Member => format!("the id of a record that was merged into `{through}`"),
        };
        match &query.take {
            Some(take) => format!("{row} with a `{take}`"),
            None => row,
        }
    }
}

/// The word for `as` that finds the row into which a source record was merged.
const GOLDEN: &str = "golden";

fn query(through: &str) -> Result<LookupQuery, Problem> {
    check_database(through).map_err(|error| Problem::error("stage.bad_name", None, error.to_string()))?;
    Ok(LookupQuery::row(through))
}

impl Operation for LookUp {
    frame_methods!(query);

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        self.frame.apply(document, |value, place| {
            self.frame.text_or_number(value, place)?;
            self.found(value, &scope.place(&place.pointer()), scope)
        })
    }

    fn reversibility(&self) -> Reversibility {
        self.frame.reversibility()
    }

    fn inverse(&self) -> Option<Box<dyn Operation>> {
        self.frame.inverse()
    }

    fn lookups(&self) -> Vec<LookupQuery> {
        self.query.known().cloned().into_iter().collect()
    }

    fn meaning(&self) -> serde_json::Value {
        let query = self.query.known();
        let key = query.and_then(|query| match &query.by {
            LookupBy::Field(field) => Some(field.pointer()),
            LookupBy::Id | LookupBy::Member => None,
        });
        let is_golden = query.is_some_and(|query| query.by == LookupBy::Member);
        self.frame.meaning(json!({
            "through": query.map(|query| &query.through),
            "as": if is_golden { GOLDEN } else { "row" },
            "key": key,
            "take": query.and_then(|query| query.take.as_ref()).map(Path::pointer),
            "unfound": self.unfound.word(),
        }))
    }
}

/// The reference entry of `lookup`.
pub(super) static MANUAL: Manual = Manual {
    name: "lookup",
    group: "value",
    summary: "replaces a value by what it refers to in another database; when that changes, the record is processed again",
    keys: &[
        PATH,
        TO,
        Key::required("through", Form::Text, "the database that is looked into"),
        Key::optional(
            "as",
            Form::Choice(&["row", GOLDEN]),
            "row",
            "what the value identifies: a row of `through`, or a source record that a stage merged into one (`golden`)",
        ),
        Key::optional(
            "key",
            Form::Path,
            "the id",
            "for `as = \"row\"`: the field of the row that has the value",
        ),
        Key::optional(
            "take",
            Form::Path,
            "the id",
            "the field of the row that replaces the value",
        ),
        Key::optional(
            "missing",
            Form::Choice(&["wait", "refuse", "keep"]),
            "wait",
            "what to do if there is no such row: wait in quarantine until there is one, refuse the record, or keep the value",
        ),
        Key::optional(
            "absent",
            Form::Choice(&["refuse", "skip"]),
            "refuse",
            "what to do if the path does not exist",
        ),
        NULL,
    ],
    refusals: &[
        "lookup.waiting",
        "lookup.missing",
        "lookup.several",
        "lookup.absent",
        "lookup.null",
        "lookup.type",
        "lookup.exists",
        "lookup.blocked",
        "lookup.unavailable",
    ],
    undo: "lossy in place; with `to` the original stays",
    example: (
        r#"op = "lookup"
path = "patient"
through = "people"
take = "name""#,
        r#"{"patient":"PAT-7"}"#,
        r#"{"patient":"Ada"}"#,
    ),
    build: LookUp::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{built, run};

    #[test]
    fn a_value_becomes_what_it_refers_to() {
        let op = LookUp::new("p", "people");
        assert_eq!(run(&op, r#"{"p":"PAT-7"}"#).unwrap(), r#"{"p":"Ada"}"#);
        assert_eq!(run(&op, r#"{"p":"?"}"#).unwrap_err(), "lookup.waiting at /p");
        assert_eq!(run(&op, r#"{"p":true}"#).unwrap_err(), "lookup.type at /p");
        assert_eq!(run(&op, "{}").unwrap_err(), "lookup.absent at /p");
        assert_eq!(run(&op.clone().skip_missing(), "{}").unwrap(), "{}");
        let op = LookUp::new("p", "people").unfound(Unfound::Refuse);
        assert_eq!(run(&op, r#"{"p":"?"}"#).unwrap_err(), "lookup.missing at /p");
        let op = LookUp::new("p", "people").to("q").unfound(Unfound::Keep);
        assert_eq!(run(&op, r#"{"p":"?"}"#).unwrap(), r#"{"p":"?","q":"?"}"#);
    }

    #[test]
    fn every_element_of_a_list_is_looked_up() {
        let op = LookUp::new("p[*].id", "people");
        let json = r#"{"p":[{"id":"PAT-7"},{"id":"?"}]}"#;
        assert_eq!(run(&op, json).unwrap_err(), "lookup.waiting at /p/1/id");
    }

    #[test]
    fn a_stage_file_gives_the_same_lookup() {
        let settings =
            "path = \"p\"\nthrough = \"people\"\nas = \"golden\"\nmissing = \"keep\"\ntake = \"name\"";
        let op = built(&MANUAL, settings, None).unwrap();
        let same = LookUp::new("p", "people")
            .golden()
            .take("name")
            .unfound(Unfound::Keep);
        assert_eq!(op.meaning(), same.meaning());
        let code = |settings: &str| built(&MANUAL, settings, None).unwrap_err().code;
        assert_eq!(
            code("path = \"p\"\nthrough = \"people\"\nas = \"golden\"\nkey = \"k\""),
            "lookup.key"
        );
        assert_eq!(code("path = \"p\"\nthrough = \"no database\""), "stage.bad_name");
        assert_eq!(
            code("path = \"p\"\nthrough = \"people\"\nkey = \"k[*]\""),
            "stage.many_places"
        );
    }
}

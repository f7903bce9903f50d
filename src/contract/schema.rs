//! A compiled JSON Schema.

use std::fmt;
use std::sync::Arc;

use jsonschema::error::ValidationErrorKind as ErrorKind;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value as Parsed;

use super::borrowed::Borrowed;
use super::budget::{Budget, BudgetReason, Detail};
use super::check::Checks;
use super::mode::Mode;
use super::patterns::Patterns;
use super::set_rules::{Reads, References, Unique};
use super::tree::{Tree, Unreadable};
use super::vocabulary::{Linting, meaning, named};
use super::{keywords, vocabulary, wording};
use crate::problem::{Place, Problem};
use crate::record::{Document, Limits, Malformed, admit};
use crate::refusal::Violation;
use crate::toml::Problems;

const TYPES: &[&str] = &[
    "string", "number", "integer", "boolean", "object", "array", "null",
];

/// The maximum number of violations reported for one record.
const MOST_VIOLATIONS: usize = 1_000;

/// A compiled JSON Schema 2020-12. It is cheap to clone.
#[derive(Clone)]
pub struct Schema {
    validator: Arc<Validator<Borrowed>>,
    canonical: Arc<str>,
    /// The text as read, without insignificant whitespace.
    text: Arc<str>,
    parsed: Arc<Parsed>,
    checks: Checks,
    budget: Arc<Budget>,
    place: Place,
    source: Arc<str>,
}

impl Schema {
    /// Compiles a schema. JSON Schema 2020-12 applies as specified, with four points settled:
    ///
    /// - numbers are compared exactly, whatever their length; `1.0` is an integer, `true` is not;
    /// - patterns run in linear time (no look-around, no back-references), are not anchored, and `\d`, `\w` are ASCII;
    ///   `$` is the end of the text;
    /// - a known `format` is checked, an unknown one is a problem;
    /// - nothing is fetched: a `$ref` must refer to a place inside the schema.
    ///
    /// Four keywords are additions: `x-decimal = { minimum, maximum }`, a number, or a text that represents one, of at
    /// most 28 digits; `x-check = ["name"]`, a [`Check`](super::Check) of the program; and, for fields of the record
    /// and of objects in it, `x-unique = true` and `x-references = "database"`, which are checked over whole databases
    /// ([`Contract`](super::Contract)) and not by [`check`](Self::check).
    ///
    /// # Errors
    /// Every problem found: `contract.json`, `contract.draft`, `contract.unknown_keyword`, `contract.unknown_format`,
    /// `contract.unknown_check`, `contract.cross_record`, `contract.invalid`, `contract.reference`,
    /// `contract.patterns`. [`warnings`](Self::warnings) returns the warnings about a valid schema.
    pub fn compile(json_text: &str, place: &Place) -> Result<Self, Problems> {
        Self::compile_with(json_text, place, &Checks::default())
    }

    /// Compiles a schema as [`compile`](Self::compile) does, with the checks that it may name.
    ///
    /// # Errors
    /// As for [`compile`](Self::compile).
    pub fn compile_with(json_text: &str, place: &Place, checks: &Checks) -> Result<Self, Problems> {
        let json = admit(json_text.as_bytes(), &Limits::default())
            .map_err(|malformed| no_json(&malformed, place))?;
        let parsed = Tree::parse(&json)
            .map_err(|Unreadable| nested_too_deep(place))?
            .to_parsed();
        let mut linting = Linting {
            place,
            checks,
            problems: Vec::new(),
            patterns: Patterns::default(),
        };
        linting.lint(&parsed, "");
        let (mut problems, patterns) = (linting.problems, linting.patterns);
        // Before other code compiles them.
        if let Some(problem) = patterns.problem(place) {
            return Err(Problems::from(problem).and(problems));
        }
        let meta = jsonschema::draft202012::meta::validator();
        problems.extend(
            meta.iter_errors(&parsed)
                .map(|error| invalid(&error, error.instance_path().as_str(), place)),
        );
        // The metaschema consists of several schemas, each of which may report the same problem.
        problems.dedup();
        Problems::none_or(problems, || ())?;
        let budget = Budget::from_schema(&parsed);
        if budget.remark() == Some(BudgetReason::Endless) {
            return Err(endless(place).into());
        }
        let validator = build(&parsed, checks, &patterns).map_err(|error| not_built(&error, place))?;
        Ok(Self {
            validator: Arc::new(validator),
            canonical: Arc::from(meaning(&parsed).to_string()),
            text: Arc::from(json),
            parsed: Arc::new(parsed),
            checks: checks.clone(),
            budget: Arc::new(budget),
            place: place.clone(),
            source: Arc::from(place.to_string()),
        })
    }

    /// Returns the violations of the schema by a document, in the order of the schema; empty where it passes. For a
    /// document with more than a thousand violations, it returns the first thousand; for one so large that all
    /// violations together would take the memory of many documents, only the first.
    #[must_use]
    pub fn check(&self, document: &Document) -> Vec<Violation> {
        let violation = |code, expected| {
            let violation = Violation::new(code, "").expected(expected);
            vec![violation.rule(&*self.source)]
        };
        let Ok(tree) = Tree::from_document(document) else {
            return violation("contract.unreadable", "JSON that passes admission");
        };
        if self.budget.allows(&tree).is_err() {
            let expected = "a record that can be checked against the schema within a million steps and a thousand levels";
            return violation("contract.budget", expected);
        }
        if self.validator.is_valid(&tree) {
            return Vec::new();
        }
        match self.budget.describe(&tree) {
            Detail::Everything => self.worded(self.validator.iter_errors(&tree)),
            Detail::First => self.worded(self.validator.validate(&tree).err().into_iter()),
            Detail::Nothing => {
                let expected = "a record that the schema allows; finding what is wrong with this one would take too long";
                violation("contract.budget", expected)
            }
        }
    }

    fn worded<'e>(&self, errors: impl Iterator<Item = ValidationError<'e>>) -> Vec<Violation> {
        let errors = errors.take(MOST_VIOLATIONS);
        let violations = errors.flat_map(|error| wording::violations(&error, &self.source, MOST_VIOLATIONS));
        violations.take(MOST_VIOLATIONS).collect()
    }

    /// Returns the part of the schema that decides, as JSON text: without descriptions, names in order. Two schemas
    /// with the same text have the same meaning.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Returns the schema as given, with its descriptions, without insignificant whitespace.
    #[must_use]
    pub fn to_json(&self) -> &str {
        &self.text
    }

    /// Returns the schema for the schema compiler.
    pub(super) fn parsed(&self) -> &Parsed {
        &self.parsed
    }

    /// Returns its place.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place.clone()
    }

    /// Returns the warnings about a valid schema: that it can take more work than any record is allowed.
    #[must_use]
    pub fn warnings(&self) -> Vec<Problem> {
        let message = match self.budget.remark() {
            Some(BudgetReason::Doubles) => {
                "the schema refers to itself more than once for the same value: each level of a record doubles the \
                 work"
            }
            Some(BudgetReason::Unfolds) => {
                "the schema repeatedly refers to others more than once for the same value: expanded, it is more than a \
                 million schemas"
            }
            Some(BudgetReason::LeavesOut) => {
                "`unevaluatedProperties` or `unevaluatedItems` are nested, and each evaluates everything inside it \
                 again: more than a thousand times in all"
            }
            Some(BudgetReason::Endless) | None => return Vec::new(),
        };
        let help = "records that would take more than a million steps are refused (`contract.budget`); refer to a \
                    schema once, and list only what differs in `anyOf` and the like";
        vec![Problem::warning("contract.budget", self.place.clone(), message).help(help)]
    }

    /// Returns the checks that it may name.
    #[must_use]
    pub fn checks(&self) -> &Checks {
        &self.checks
    }

    /// Returns the fields of the record that it names.
    pub(crate) fn fields(&self) -> Vec<crate::path::Path> {
        let properties = self.parsed.get("properties").and_then(Parsed::as_object);
        let names = properties.into_iter().flatten();
        names.map(|(name, _)| crate::path::Path::field(name)).collect()
    }

    /// Returns the rules of its `x-unique` keywords.
    pub(super) fn unique(&self) -> Vec<Unique> {
        let fields = vocabulary::fields_with(&self.parsed, "x-unique");
        let rules = fields.into_iter().map(|(path, _)| Unique {
            name: format!("`{path}` is unique"),
            key: Reads::Field(path),
            mode: Mode::default(),
        });
        rules.collect()
    }

    /// Returns the rules of its `x-references` keywords.
    pub(super) fn references(&self) -> Vec<References> {
        let fields = vocabulary::fields_with(&self.parsed, "x-references");
        let rules = fields.into_iter().map(|(path, database)| References {
            name: format!("`{path}` is in {}", database.as_str().unwrap_or_default()),
            value: Reads::Field(path),
            to: database.as_str().unwrap_or_default().to_owned(),
            key: None,
            mode: Mode::default(),
        });
        rules.collect()
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.canonical).finish()
    }
}

fn build(
    schema: &Parsed,
    checks: &Checks,
    patterns: &Patterns,
) -> Result<Validator<Borrowed>, ValidationError<'static>> {
    let options = jsonschema::options_for::<Borrowed>()
        .offline()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(PatternOptions::regex().dfa_size_limit(patterns.cache()))
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false);
    keywords::install(options, checks).build(schema)
}

fn endless(place: &Place) -> Problem {
    let message = "a `$ref` of the schema leads back to itself without descending into a value: checking would never end";
    Problem::error("contract.reference", place.clone(), message)
        .help("a recursive schema must refer to itself below `properties`, `items` or the like")
}

fn no_json(malformed: &Malformed, place: &Place) -> Problem {
    let position = match (malformed.line, malformed.column) {
        (Some(line), Some(column)) => format!(" (line {line}, column {column} of the schema)"),
        _ => String::new(),
    };
    let message = format!("the schema is not valid JSON: {malformed}{position}");
    Problem::error("contract.json", place.clone(), message)
}

fn nested_too_deep(place: &Place) -> Problem {
    Problem::error(
        "contract.json",
        place.clone(),
        "the schema is nested too deeplyly",
    )
}

fn invalid(error: &ValidationError<'_>, at: &str, place: &Place) -> Problem {
    let message = format!("{} is not valid JSON Schema 2020-12: {error}", named(at));
    let problem = Problem::error("contract.invalid", place.clone(), message);
    match (at.rsplit('/').next(), error.instance().as_str()) {
        (Some("type"), Some(given)) => {
            let problem = problem.help(format!("the types are: {}", TYPES.join(", ")));
            problem.did_you_mean(given, TYPES.iter().copied())
        }
        // The metaschema reports a bad pattern by its format, the compiler by its keyword.
        _ if at.ends_with("/pattern") || error.kind().keyword() == "format" => problem
            .help("look-around, back-references and huge repetitions are not supported: patterns run in linear time"),
        _ => problem,
    }
}

fn not_built(error: &ValidationError<'_>, place: &Place) -> Problem {
    if let ErrorKind::Referencing(reference) = error.kind() {
        let message = format!("a `$ref` of the schema cannot be resolved: {reference}");
        return Problem::error("contract.reference", place.clone(), message).help(
            "schemas are not fetched: put the referenced schema under `$defs` and write `\"$ref\": \"#/$defs/...\"`",
        );
    }
    invalid(error, error.schema_path().as_str(), place)
}

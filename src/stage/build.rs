//! Stages built in Rust.

use std::sync::Arc;

use super::aggregate::{self, AggregateBuilder};
use super::closure::Closure;
use super::meaning::{meaning, rendering};
use super::merge::{self, MergeBuilder};
use super::settings::{MaxErrors, OnConflict, OnError, StageSettings, Stale};
use super::steps::Steps;
use super::{Outcome, Stage};
use crate::context::Context;
use crate::contract::{Mode, Reads, References, Rule, Schema, Unique};
use crate::digest::sha256;
use crate::expression::{Expression, Preparation};
use crate::language::Language;
use crate::name;
use crate::op::Operation;
use crate::problem::{Place, Problem};
use crate::reading::Reading;
use crate::record::{Record, Rounding};
use crate::refusal::Refusal;
use crate::toml::Problems;

impl Stage {
    /// Begins a stage that is built in Rust, with this number and slug.
    #[expect(
        clippy::new_ret_no_self,
        reason = "`Stage::new(..)...build()` reads as the stage it makes"
    )]
    pub fn new(number: u32, slug: &str) -> StageBuilder {
        StageBuilder::new(number, slug)
    }
}

/// A builder of stages in Rust.
///
/// ```
/// use counterfoil::record::Value;
/// use counterfoil::stage::{Outcome, Stage};
///
/// let stage = Stage::new(2, "enrich")
///     .source("tx_v1")
///     .target("tx_v2")
///     .transform(|record, _context| {
///         let mut document = record.document().expect("stored data is a JSON object");
///         document.set("currency", Value::text("USD"));
///         Ok(Outcome::write(record, &document))
///     })
///     .version(1)
///     .keeps_ids()
///     .build()?;
/// assert_eq!(stage.target(), "tx_v2");
/// # Ok::<(), Vec<counterfoil::problem::Problem>>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct StageBuilder {
    number: u32,
    slug: String,
    settings: StageSettings,
    steps: Steps,
    rules: Vec<(String, String)>,
    merge: Option<MergeBuilder>,
    aggregate: Option<AggregateBuilder>,
    version: Option<u32>,
    keeps_ids: bool,
    problems: Vec<Problem>,
}

impl StageBuilder {
    pub(super) fn new(number: u32, slug: &str) -> Self {
        Self {
            number,
            slug: slug.to_owned(),
            settings: StageSettings::new(),
            steps: Steps::default(),
            rules: Vec::new(),
            merge: None,
            aggregate: None,
            version: None,
            keeps_ids: false,
            problems: Vec::new(),
        }
    }

    /// Describes what the stage does.
    pub fn description(mut self, description: &str) -> Self {
        description.clone_into(&mut self.settings.description);
        self
    }

    /// Sets the database that the stage reads.
    pub fn source(mut self, database: &str) -> Self {
        database.clone_into(&mut self.settings.source);
        self
    }

    /// Sets the database that the stage fills. Default: none, the stage works in place.
    pub fn target(mut self, database: &str) -> Self {
        self.settings.target = Some(database.to_owned());
        self
    }

    /// Sets a condition; records for which it is false are left out.
    pub fn filter(mut self, expression: &str) -> Self {
        self.settings.filter = Some(expression.to_owned());
        self
    }

    /// Sets the target's id. Default: the source's id.
    pub fn id(mut self, expression: &str) -> Self {
        self.settings.id = Some(expression.to_owned());
        self
    }

    /// Sets statements that run once per record, before the operations; their names are visible to the expressions.
    pub fn prepare(mut self, script: &str) -> Self {
        self.settings.prepare = Some(script.to_owned());
        self
    }

    /// Sets what happens when a record is refused. Default: [`OnError::Quarantine`].
    pub fn on_error(mut self, on_error: OnError) -> Self {
        self.settings.on_error = on_error;
        self
    }

    /// Sets how many records may be refused. Default: one in a hundred.
    pub fn max_errors(mut self, max_errors: MaxErrors) -> Self {
        self.settings.max_errors = max_errors;
        self
    }

    /// Sets what happens to the target's earlier version of a record when a correction of it is refused. Default:
    /// [`Stale::Keep`].
    pub fn stale(mut self, stale: Stale) -> Self {
        self.settings.stale = stale;
        self
    }

    /// Sets what happens when a target id already exists. Default: [`OnConflict::Refuse`].
    pub fn on_conflict(mut self, on_conflict: OnConflict) -> Self {
        self.settings.on_conflict = on_conflict;
        self
    }

    /// Declares how the stage rounds.
    pub fn rounding(mut self, rounding: Rounding) -> Self {
        self.settings.rounding = Some(rounding);
        self
    }

    /// Redacts a path: its value appears in no output.
    pub fn redact(mut self, path: &str) -> Self {
        match path.parse() {
            Ok(path) => self.settings.redact.push(path),
            Err(error) => {
                let error: crate::path::PathError = error;
                self.problems
                    .push(Problem::error("stage.bad_path", None, error.to_string()));
            }
        }
        self
    }

    /// Adds the next operation.
    pub fn op(mut self, op: impl Operation + 'static) -> Self {
        self.steps.ops.push(Box::new(op));
        self
    }

    /// Makes it a stage that merges: of several records of the source that describe the same person, or the same thing,
    /// it makes one record of the target. It has neither operations nor a [`transform`](Self::transform).
    pub fn merge(mut self, merge: MergeBuilder) -> Self {
        self.merge = Some(merge);
        self
    }

    /// Makes it a stage that aggregates: of the readings of its source it makes windows, or totals. It has neither operations
    /// nor a [`transform`](Self::transform).
    pub fn aggregate(mut self, aggregate: AggregateBuilder) -> Self {
        self.aggregate = Some(aggregate);
        self
    }

    /// Sets the function that makes the outcome, after the operations. Give it a new [`version`](Self::version)
    /// whenever its behaviour changes.
    pub fn transform(
        mut self,
        transform: impl Fn(&Record, &Context<'_>) -> Result<Outcome, Refusal> + Send + Sync + 'static,
    ) -> Self {
        if self.steps.closure.is_some() {
            let message = "a stage has only one `transform`";
            self.problems
                .push(Problem::error("stage.two_transforms", None, message));
        }
        self.steps.closure = Some(Closure {
            transform: Arc::new(transform),
            version: 1,
            keeps_ids: false,
        });
        self
    }

    /// Sets the version of the function, which represents the function in the stage's meaning. Default: 1.
    pub fn version(mut self, version: u32) -> Self {
        self.version = Some(version);
        self
    }

    /// Promises that the function keeps every record's id and never makes several records of one, so that the target's
    /// ids are known to be unique. A record that breaks the promise is refused (`id.changed`).
    pub fn keeps_ids(mut self) -> Self {
        self.keeps_ids = true;
        self
    }

    /// Sets what a record must satisfy before the stage.
    pub fn source_contract(mut self, schema: Schema) -> Self {
        self.steps.source_contract = Some(schema);
        self
    }

    /// Sets what a record must satisfy after the stage.
    pub fn target_contract(mut self, schema: Schema) -> Self {
        self.steps.contract.set_schema(schema);
        self
    }

    /// Sets what happens to a record that breaks a contract of the stage. Call it before
    /// [`preexisting`](Self::preexisting), [`unique`](Self::unique) and [`references`](Self::references). Default: the
    /// record goes to quarantine.
    pub fn contract_mode(mut self, mode: Mode) -> Self {
        self.steps.contract.mode = mode;
        self.steps.preexisting = mode;
        self
    }

    /// Sets what happens to a record that already broke the contract in the same way before the stage.
    pub fn preexisting(mut self, mode: Mode) -> Self {
        self.steps.preexisting = mode;
        self
    }

    /// Adds a condition that must hold for every record after the stage, with its name.
    pub fn rule(mut self, name: &str, expect: &str) -> Self {
        self.rules.push((name.to_owned(), expect.to_owned()));
        self
    }

    /// Adds a key that no two records of the target may share, with the rule's name: an expression on the document
    /// after the stage.
    pub fn unique(mut self, name: &str, key: &str) -> Self {
        let mode = self.steps.contract.mode;
        if let Some(key) = self.plain_expression(key) {
            self.steps.contract.unique.push(Unique {
                name: name.to_owned(),
                key: Reads::Expression(key),
                mode,
            });
        }
        self
    }

    /// Adds a reference of the target's records, an expression on the document after the stage: it must equal the id of
    /// a record in the database `to` or, if `key` is an expression, the key of one of its records.
    pub fn references(mut self, name: &str, value: &str, to: &str, key: Option<&str>) -> Self {
        let mode = self.steps.contract.mode;
        if let Err(error) = name::check_database(to) {
            self.problems
                .push(Problem::error("stage.bad_name", None, error.to_string()));
        }
        let key = key.and_then(|key| self.plain_expression(key));
        if let Some(value) = self.plain_expression(value) {
            self.steps.contract.references.push(References {
                name: name.to_owned(),
                value: Reads::Expression(value),
                to: to.to_owned(),
                key: key.map(Reads::Expression),
                mode,
            });
        }
        self
    }

    /// Compiles an expression that does not see the names of `prepare`.
    fn plain_expression(&mut self, source: &str) -> Option<Expression> {
        let mut compiling = Compiling {
            file: self.file(),
            rounding: self.settings.rounding,
            names: Vec::new(),
            problems: &mut self.problems,
        };
        compiling.expression(source)
    }

    /// Builds the stage.
    ///
    /// # Errors
    /// Every problem of the given settings.
    pub fn build(mut self) -> Result<Stage, Problems> {
        self.check_names();
        self.compile();
        self.compile_merge();
        self.compile_aggregate();
        self.problems
            .extend(self.steps.ops.iter().flat_map(|op| op.problems()));
        let functions = [("version", self.version.is_some()), ("keeps_ids", self.keeps_ids)];
        match &mut self.steps.closure {
            Some(closure) => {
                closure.version = self.version.unwrap_or(closure.version);
                closure.keeps_ids = self.keeps_ids;
            }
            None => {
                for (name, _) in functions.into_iter().filter(|(_, given)| *given) {
                    let message = format!("`{name}` belongs to a `transform`, and there is none");
                    self.problems
                        .push(Problem::error("stage.no_transform", None, message));
                }
            }
        }
        self.problems
            .extend(super::in_place::problems(&self.settings, &self.steps, |_| None));
        self.problems
            .extend(super::lookups::problems(&self.settings, &self.steps, &[], |_| {
                None
            }));
        if let Some(problems) = Problems::new(std::mem::take(&mut self.problems)) {
            return Err(problems);
        }
        if self.settings.target.as_ref() == Some(&self.settings.source) {
            self.settings.target = None;
        }
        let meaning = meaning(&self.settings, &self.steps, &[], Language::default());
        let source_text = rendering(self.number, &self.slug, &meaning);
        Ok(Stage {
            number: self.number,
            file: self.file(),
            slug: self.slug,
            settings: self.settings,
            lookups: self.steps.lookups(),
            steps: self.steps,
            reconciles: Vec::new(),
            examples: Vec::new(),
            text_sha256: sha256(&[source_text.as_bytes()]),
            source_text,
            meaning_sha256: sha256(&[meaning.as_bytes()]),
            meaning,
        })
    }

    fn compile_merge(&mut self) {
        let Some(merge) = self.merge.take() else { return };
        let file = self.file();
        let reading = Reading {
            rounding: self.settings.rounding,
            ..Reading::new(&file, "")
        };
        match merge.compile(&reading) {
            Ok(merge) => self.steps.merge = Some(merge),
            Err(problems) => self.problems.extend(problems),
        }
        let has = [
            ("op", !self.steps.ops.is_empty()),
            ("transform", self.steps.closure.is_some()),
        ];
        let has = has.into_iter().filter(|(_, has)| *has).map(|(key, _)| key);
        self.problems
            .extend(merge::exclusions(&self.settings, has, |_| None));
    }

    fn compile_aggregate(&mut self) {
        let Some(builder) = self.aggregate.take() else {
            return;
        };
        let file = self.file();
        let prepare = self.steps.prepare.iter();
        let reading = Reading {
            rounding: self.settings.rounding,
            names: prepare.flat_map(Preparation::names).collect(),
            ..Reading::new(&file, "")
        };
        match builder.compile(&reading) {
            Ok(aggregate) => self.steps.aggregate = Some(aggregate),
            Err(problems) => self.problems.extend(problems),
        }
        let contract = &self.steps.contract;
        let has = [
            ("op", !self.steps.ops.is_empty()),
            ("transform", self.steps.closure.is_some()),
            ("merge", self.steps.merge.is_some()),
            ("contract.unique", !contract.unique.is_empty()),
            ("contract.references", !contract.references.is_empty()),
        ];
        let has = has.into_iter().filter(|(_, has)| *has).map(|(key, _)| key);
        let problems = aggregate::exclusions(&self.settings, &self.steps, has, |_| None);
        self.problems.extend(problems);
    }

    fn file(&self) -> Arc<str> {
        Arc::from(format!("{:04}_{}", self.number, self.slug))
    }

    fn check_names(&mut self) {
        if self.number == 0 {
            let message = "stage numbers begin with 1";
            self.problems
                .push(Problem::error("stage.bad_name", None, message));
        }
        let databases = [Some(&self.settings.source), self.settings.target.as_ref()];
        let checks = databases
            .into_iter()
            .flatten()
            .map(|database| name::check_database(database));
        let wrong = checks
            .chain([name::check_stage(&self.slug)])
            .filter_map(Result::err);
        let problems: Vec<Problem> = wrong
            .map(|error| Problem::error("stage.bad_name", None, error.to_string()))
            .collect();
        self.problems.extend(problems);
    }

    /// Compiles the expressions. A place counts lines and columns within the expression.
    fn compile(&mut self) {
        let mut compiling = Compiling {
            file: self.file(),
            rounding: self.settings.rounding,
            names: Vec::new(),
            problems: &mut self.problems,
        };
        self.steps.filter = self
            .settings
            .filter
            .as_deref()
            .and_then(|source| compiling.condition(source));
        if let Some(script) = &self.settings.prepare {
            self.steps.prepare = compiling.prepare(script);
        }
        self.steps.id = self
            .settings
            .id
            .as_deref()
            .and_then(|source| compiling.expression(source));
        for (name, source) in &self.rules {
            let expect = compiling.condition(source);
            let mode = self.steps.contract.mode;
            self.steps.contract.rules.extend(expect.map(|expect| Rule {
                name: name.clone(),
                expect,
                mode,
            }));
        }
    }
}

/// Compiles expressions that are not in a file.
struct Compiling<'p> {
    file: Arc<str>,
    rounding: Option<Rounding>,
    /// The names that `prepare` defines, once it is compiled.
    names: Vec<String>,
    problems: &'p mut Vec<Problem>,
}

impl Compiling<'_> {
    fn reading<'t>(&self, text: &'t str) -> Reading<'t> {
        Reading {
            rounding: self.rounding,
            names: self.names.clone(),
            ..Reading::new(&self.file, text)
        }
    }

    fn expression(&mut self, source: &str) -> Option<Expression> {
        let start = Place::at(&self.file, source, 0);
        let compiled = Expression::compile(source, &start, &self.reading(source));
        compiled.map_err(|problem| self.problems.push(problem)).ok()
    }

    fn condition(&mut self, source: &str) -> Option<Expression> {
        let start = Place::at(&self.file, source, 0);
        let compiled = Expression::condition(source, &start, &self.reading(source));
        compiled.map_err(|problem| self.problems.push(problem)).ok()
    }

    fn prepare(&mut self, script: &str) -> Option<Preparation> {
        let start = Place::at(&self.file, script, 0);
        let compiled = Preparation::compile(script, &start, &self.reading(script));
        let prepare = compiled.map_err(|problem| self.problems.push(problem)).ok()?;
        self.names = prepare.names();
        Some(prepare)
    }
}

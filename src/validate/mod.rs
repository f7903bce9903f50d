//! The verb `validate`: a contract over a whole database, at any time, and since when each record breaks it.

mod across;
mod origin;

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use crate::context::Context;
use crate::contract::{Contract, Mode};
use crate::engine::{BATCH_BYTES, Reader, Stopped, in_portions};
use crate::error::{Error, Result};
use crate::expression::Scope;
use crate::observe::StopSignal;
use crate::path::Path;
use crate::record::Record;
use crate::refusal::{Refusal, Violation};
use crate::store::{Store, Table};
use across::Across;
use origin::Origins;

/// So many records are read in one go.
const CHUNK: usize = 4_000;
/// So many are looked at by one core at a time.
const PORTION: usize = 250;

/// How to validate.
#[derive(Clone, Debug)]
pub struct ValidateOptions<'o> {
    /// What the rules' expressions see of the project: its name.
    pub project: &'o str,
    /// And the number of the stage that the contract belongs to; 0 where there is none.
    pub stage: u32,
    /// What `now()` gives, in microseconds UTC; `None`: the time of the call, by the store's clock.
    pub now_us: Option<i64>,
    /// What broke the contract already after this run counts as pre-existing.
    pub since: Option<i64>,
    /// What is redacted: the places of violations are cut there.
    pub redact: &'o [Path],
    /// How many ids each kind of violation lists.
    pub examples: usize,
    /// Asks the verb to stop.
    pub stop: StopSignal,
}

impl Default for ValidateOptions<'_> {
    fn default() -> Self {
        Self {
            project: "",
            stage: 0,
            now_us: None,
            since: None,
            redact: &[],
            examples: 5,
            stop: StopSignal::default(),
        }
    }
}

/// What brought a violation into the database.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Origin {
    /// The batch since which the record breaks the contract so.
    pub batch: i64,
    /// Its run.
    pub run: i64,
    /// What that did: `load`, `edit`, `apply`, `retry`, `rollback`.
    pub kind: String,
    /// The stage, where it was one.
    pub stage: Option<u32>,
}

/// One thing that is wrong with one record.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Finding {
    /// The record's number.
    pub record: i64,
    /// Its id.
    pub id: String,
    /// What is wrong. `preexisting`: the record came so, by a load or an edit, and no stage made it so; with
    /// [`since`](ValidateOptions::since): it was so after that run.
    #[serde(flatten)]
    pub violation: Violation,
    /// What a stage with this contract would do about it.
    pub mode: Mode,
    /// Since when; `None` where the ledger does not tell.
    pub origin: Option<Origin>,
}

/// Everything that is wrong in one way.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ViolationGroup {
    /// The code.
    pub code: String,
    /// The place; the elements of a list are one place, `/items/*/price`.
    pub pointer: String,
    /// What was expected.
    pub expected: Option<String>,
    /// The rule.
    pub rule: Option<String>,
    /// What a stage with this contract would do about it.
    pub mode: Mode,
    /// How many records have it.
    pub records: u64,
    /// How many of them had it before: see [`Finding::violation`].
    pub preexisting: u64,
    /// The runs that brought it in, and how many records each.
    pub by_run: BTreeMap<i64, u64>,
    /// The first ids.
    pub examples: Vec<String>,
}

/// What a validation found.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct ValidateReport {
    /// The database.
    pub database: String,
    /// How many records were looked at.
    pub records: u64,
    /// How many break the contract.
    pub failing: u64,
    /// How many break only what is warned of.
    pub warned: u64,
    /// By kind, the most frequent first.
    pub violations: Vec<ViolationGroup>,
    /// Rules that need what the `prepare` of a stage defines: only the stage itself can look at them.
    pub left_out: Vec<String>,
    /// Why it stopped before its end.
    pub stopped: Option<Stopped>,
}

impl ValidateReport {
    /// Whether no record breaks what is not only warned of.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.failing == 0 && self.stopped.is_none()
    }
}

/// Looks at every record of a database with a contract, the rules over more than one record included, and shows every
/// violation. Reads one state of the store, and only reads.
///
/// # Errors
/// What `show` returns.
pub fn validate(
    store: &Store,
    database: &str,
    contract: &Contract,
    options: &ValidateOptions<'_>,
    show: &mut dyn FnMut(&Finding) -> Result<()>,
) -> Result<ValidateReport> {
    let table = Table::of(database)?;
    let mut contract = contract.clone();
    let left_out = contract.rules.iter().filter(|rule| !rule.expect.is_alone());
    let left_out = left_out.map(|rule| rule.name.clone()).collect();
    contract.rules.retain(|rule| rule.expect.is_alone());
    let context = Context {
        project: options.project,
        stage: options.stage,
        id: "",
        salt: None,
        now_us: options
            .now_us
            .unwrap_or_else(|| store.surroundings().clock.now_us()),
        secrets: &store.surroundings().secrets,
        limits: store.options().limits,
        probe: None,
    };
    let mut validation = Validation {
        table,
        contract: &contract,
        options,
        context,
        report: ValidateReport {
            database: database.to_owned(),
            left_out,
            ..ValidateReport::default()
        },
        groups: BTreeMap::new(),
        failing: BTreeSet::new(),
        warned: BTreeSet::new(),
        show,
    };
    Reader::alone(store)?.read(|connection| validation.run(connection))?;
    Ok(validation.finish())
}

/// A kind of violation: code, place, rule, mode.
type GroupKey = (String, String, Option<String>, &'static str);

struct Validation<'v> {
    table: Table,
    contract: &'v Contract,
    options: &'v ValidateOptions<'v>,
    context: Context<'v>,
    report: ValidateReport,
    groups: BTreeMap<GroupKey, (i64, ViolationGroup)>,
    failing: BTreeSet<i64>,
    warned: BTreeSet<i64>,
    show: &'v mut dyn FnMut(&Finding) -> Result<()>,
}

impl Validation<'_> {
    fn run(&mut self, connection: &Connection) -> Result<()> {
        let mut origins = Origins::of(connection, self.table.name())?;
        let mut across = Across::begin(connection, self.contract, self.context)?;
        let (contract, context) = (self.contract, self.context);
        let mut after = 0;
        loop {
            if self.options.stop.is_asked() {
                self.report.stopped = Some(Stopped::Asked);
                return Ok(());
            }
            let rows = self.table.after(connection, after, CHUNK, BATCH_BYTES)?;
            let Some(last) = rows.last() else { break };
            after = last.record.record;
            self.report.records += rows.len() as u64;
            let found = in_portions(&rows, PORTION, |rows| {
                rows.iter()
                    .map(|row| alone(contract, &context, &row.record))
                    .collect::<Vec<_>>()
            })?;
            for (row, broken) in rows.iter().zip(found.into_iter().flatten()) {
                if !broken.is_empty() {
                    self.tell_alone(connection, &mut origins, &row.record, broken)?;
                }
                if let Some(across) = &mut across {
                    across.add(self.table.name(), &row.record)?;
                }
            }
        }
        match across {
            Some(across) => across.tell(&mut origins, self),
            None => Ok(()),
        }
    }

    fn tell_alone(
        &mut self,
        connection: &Connection,
        origins: &mut Origins,
        record: &Record,
        broken: Vec<(Violation, Mode)>,
    ) -> Result<()> {
        let versions = origins.versions(connection, record)?;
        let earlier: Vec<Vec<(Violation, Mode)>> = versions
            .iter()
            .skip(1)
            .map(|version| alone(self.contract, &self.context, &version.record))
            .collect();
        let document = record.document().ok();
        for (mut violation, mode) in broken {
            let still = earlier
                .iter()
                .take_while(|old| old.iter().any(|(same, _)| *same == violation));
            let origin = origins.origin(connection, versions.get(still.count()))?;
            if let Some(document) = &document {
                violation.cut_in(document, self.options.redact);
            }
            self.tell(record.record, &record.id, violation, mode, origin)?;
        }
        Ok(())
    }

    /// Shows one violation and counts it.
    fn tell(
        &mut self,
        record: i64,
        id: &str,
        violation: Violation,
        mode: Mode,
        origin: Option<Origin>,
    ) -> Result<()> {
        let mut refusal = Refusal::from(violation).cut_at(self.options.redact);
        let Some(mut violation) = refusal.violations.pop() else {
            return Ok(());
        };
        violation.preexisting = match (&origin, self.options.since) {
            (Some(origin), Some(since)) => origin.run <= since,
            (Some(origin), None) => matches!(origin.kind.as_str(), "load" | "edit"),
            (None, _) => false,
        };
        let finding = Finding {
            record,
            id: id.to_owned(),
            violation,
            mode,
            origin,
        };
        (self.show)(&finding)?;
        self.count(finding);
        Ok(())
    }

    fn count(&mut self, finding: Finding) {
        let broken = if finding.mode == Mode::Warn {
            &mut self.warned
        } else {
            &mut self.failing
        };
        broken.insert(finding.record);
        let Violation {
            code,
            pointer,
            expected,
            rule,
            preexisting,
            ..
        } = finding.violation;
        let pointer = without_positions(&pointer);
        let key = (
            code.to_string(),
            pointer.clone(),
            rule.clone(),
            finding.mode.name(),
        );
        let (newest, group) = self.groups.entry(key).or_insert_with(|| {
            let group = ViolationGroup {
                code: code.to_string(),
                pointer,
                // Of a rule over several records each record expects something else.
                expected: expected.filter(|_| code != "contract.unique"),
                rule,
                mode: finding.mode,
                records: 0,
                preexisting: 0,
                by_run: BTreeMap::new(),
                examples: Vec::new(),
            };
            (0, group)
        });
        if *newest == finding.record {
            return;
        }
        *newest = finding.record;
        group.records += 1;
        group.preexisting += u64::from(preexisting);
        if let Some(origin) = finding.origin {
            *group.by_run.entry(origin.run).or_default() += 1;
        }
        if group.examples.len() < self.options.examples {
            group.examples.push(finding.id);
        }
    }

    fn finish(self) -> ValidateReport {
        let mut violations: Vec<ViolationGroup> = self.groups.into_values().map(|(_, group)| group).collect();
        violations.sort_by_key(|group| std::cmp::Reverse(group.records));
        ValidateReport {
            failing: self.failing.len() as u64,
            warned: self.warned.difference(&self.failing).count() as u64,
            violations,
            ..self.report
        }
    }
}

/// What is wrong with one record by itself.
fn alone(contract: &Contract, context: &Context<'_>, record: &Record) -> Vec<(Violation, Mode)> {
    let document = match record.document() {
        Ok(document) => document,
        Err(error) => {
            return vec![(
                Violation::new(error.code, "").expected("a JSON object"),
                contract.mode,
            )];
        }
    };
    let context = Context {
        id: &record.id,
        ..*context
    };
    let broken = contract.check(&document, &mut Scope::new(context));
    broken
        .into_iter()
        .map(|broken| (broken.violation, broken.mode))
        .collect()
}

/// A pointer whose positions in lists are `*`.
fn without_positions(pointer: &str) -> String {
    let is_position = |token: &str| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
    let tokens = pointer
        .split('/')
        .map(|token| if is_position(token) { "*" } else { token });
    tokens.collect::<Vec<_>>().join("/")
}

/// The ledger does not fit its own images.
fn misfit(record: i64) -> Error {
    Error::Damaged {
        what: format!("the images of record {record} do not lead back"),
    }
}

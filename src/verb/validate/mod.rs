//! The verb `validate`: checks a whole database against a contract, at any time, and finds since when each record
//! breaks it.

mod origin;
mod outcome;
mod set_rules;
mod validation;

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use crate::context::Context;
use crate::contract::{Contract, Mode};
use crate::engine::{BATCH_BYTES, ReadConnection, Stopped, in_portions};
use crate::error::Result;
use crate::expression::Scope;
use crate::record::{Record, RecordNumber};
use crate::refusal::Violation;
use crate::store::{Store, Table};
use origin::ViolationOrigins;
use set_rules::Across;
use validation::Validation;

pub use outcome::{ValidateOptions, ValidateReport, ValidationFinding, ViolationGroup, ViolationOrigin};

/// Number of records read at once.
const CHUNK: usize = 4_000;
/// Number of records that one core checks at a time.
const PORTION: usize = 250;

/// Checks every record of a database against a contract, including the rules over more than one record, and passes
/// every violation to `show`. Reads one state of the store, and only reads.
///
/// # Errors
/// The error that `show` returns.
pub fn validate(
    store: &Store,
    database: &str,
    contract: &Contract,
    options: &ValidateOptions<'_>,
    show: &mut dyn FnMut(&ValidationFinding) -> Result<()>,
) -> Result<ValidateReport> {
    let table = Table::from_name(database)?;
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
            .unwrap_or_else(|| store.environment().clock.now_us()),
        secrets: &store.environment().secrets,
        limits: store.options().limits,
        probe: None,
        lookups: None,
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
    ReadConnection::alone(store)?.read(|connection| validation.run(connection))?;
    Ok(validation.finish())
}

impl Validation<'_> {
    fn run(&mut self, connection: &Connection) -> Result<()> {
        let mut origins = ViolationOrigins::new(connection, self.table.name())?;
        let mut across = Across::begin(connection, self.contract, self.context)?;
        let (contract, context) = (self.contract, self.context);
        let mut after = RecordNumber::BEFORE_FIRST;
        loop {
            if self.options.stop.is_asked() {
                self.report.stopped = Some(Stopped::Asked);
                return Ok(());
            }
            let rows = self.table.after(connection, after, CHUNK, BATCH_BYTES)?;
            let Some(last) = rows.last() else { break };
            after = last.record.number;
            self.report.records += rows.len() as u64;
            let found = in_portions(&rows, PORTION, |rows| {
                rows.iter()
                    .map(|row| alone(contract, &context, &row.record))
                    .collect::<Vec<_>>()
            })?;
            for (row, broken) in rows.iter().zip(found.into_iter().flatten()) {
                if !broken.is_empty() {
                    self.report_alone(connection, &mut origins, &row.record, broken)?;
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

    fn report_alone(
        &mut self,
        connection: &Connection,
        origins: &mut ViolationOrigins,
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
            self.tell(record.number, &record.id, violation, mode, origin)?;
        }
        Ok(())
    }
}

/// Returns the violations of a single record.
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

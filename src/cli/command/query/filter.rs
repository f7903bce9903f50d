//! Which records a query selects.

use counterfoil::context::Context;
use counterfoil::environment::Secrets;
use counterfoil::expression::{Expression, Scope};
use counterfoil::path::Path;
use counterfoil::record::Record;

use super::shown::damaged;
use crate::cli::failure::Failure;
use crate::cli::render::counted;

/// A compiled `--where`.
pub(super) struct WhereCondition(Expression);

impl WhereCondition {
    pub(super) fn compile(text: &str) -> Result<Self, Failure> {
        let text = text.trim();
        let text = text.strip_prefix("= ").unwrap_or(text);
        let compiled = Expression::new_condition("--where", text);
        compiled.map(Self).map_err(|problem| {
            let mut failure = Failure::usage(
                "query.where",
                "",
                "compare as in `doc.total > 100.00 && doc.status == \"paid\"`",
            );
            failure.problems.push(problem);
            failure
        })
    }

    /// The paths that it looks at.
    pub(super) fn reads(&self) -> Vec<Path> {
        self.0.reads()
    }
}

/// Selects records, and counts those for which the condition fails.
pub(super) struct RecordFilter<'c> {
    condition: Option<&'c WhereCondition>,
    database: &'c str,
    /// Value of `now()`: the time of the command, the same for every record.
    now_us: i64,
    secrets: Secrets,
    unjudged: u64,
    why: Option<String>,
}

impl<'c> RecordFilter<'c> {
    pub(super) fn new(condition: Option<&'c WhereCondition>, database: &'c str, now_us: i64) -> Self {
        Self {
            condition,
            database,
            now_us,
            secrets: Secrets::default(),
            unjudged: 0,
            why: None,
        }
    }

    /// Returns whether there is no condition at all.
    pub(super) fn is_open(&self) -> bool {
        self.condition.is_none()
    }

    pub(super) fn lets_through(&mut self, record: &Record) -> Result<bool, Failure> {
        let Some(WhereCondition(expression)) = self.condition else {
            return Ok(true);
        };
        let document = record.document().map_err(damaged)?;
        let context = Context::new(self.database, 0, &self.secrets)
            .id(&record.id)
            .now_us(self.now_us);
        match expression.truth(&document, &mut Scope::new(context)) {
            Ok(truth) => Ok(truth),
            Err(refusal) => {
                self.unjudged += 1;
                self.why.get_or_insert(refusal.to_string());
                Ok(false)
            }
        }
    }

    pub(super) fn warning(&self) -> Option<String> {
        let why = self.why.as_ref()?;
        Some(format!(
            "left out {}, because the condition failed; the first: {why}",
            counted(self.unjudged, "record")
        ))
    }
}

//! `validate`: a contract over a database, at any time.

use std::path::PathBuf;

use crate::cli::answer::Answer;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::signals::stop_signal;
use crate::cli::validation::ValidationView;
use crate::cli::values::stage_number;

use counterfoil::record::RunId;

/// Check every record of a database against a contract, and show which run introduced each violation.
///
/// The contract is that of the newest stage that writes to the database, or else the source contract of the
/// first stage that reads it, unless --stage or --contract is given. Rules over several records (`unique`,
/// `references`) are checked too. The command only reads, and does not keep its result. The exit code is 3 if
/// a record violates a rule that is not in warning mode.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil validate orders_v2\n  counterfoil validate orders_v1 --contract order.schema.json --output violations.ndjson"
)]
pub(crate) struct Validate {
    /// The database.
    database: String,
    /// Check against this JSON Schema (2020-12) instead of a stage's contract.
    #[arg(long, value_name = "FILE", conflicts_with = "stage")]
    contract: Option<PathBuf>,
    /// Check against the contracts of this stage: the target contract for its target, the source contract for
    /// its source.
    #[arg(long, value_name = "N", value_parser = stage_number)]
    stage: Option<u32>,
    /// Count violations that existed after this run as pre-existing [default: those that the records were
    /// loaded with].
    #[arg(long, value_name = "RUN")]
    since: Option<RunId>,
    /// Maximum number of ids to show per kind of violation; --output and --json give all of them.
    #[arg(long, value_name = "N", default_value = "5")]
    limit: usize,
    /// Write every violation to a new file, one JSON object per line.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Validate {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let validation = ValidationView {
            database: &self.database,
            contract: self.contract.as_deref(),
            stage: self.stage,
            since: self.since,
            limit: self.limit,
            output: self.output.as_deref(),
        };
        validation.run(session, stop_signal(session.screen, "validate")?)
    }
}

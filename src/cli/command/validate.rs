//! `validate`: a contract over a database, at any time.

use std::path::PathBuf;

use crate::cli::answer::Answer;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::signals::stop_signal;
use crate::cli::validation::ValidationView;
use crate::cli::values::stage_number;

use counterfoil::record::RunId;

/// Looks at every record of a database with a contract, and says since which run each violation is there.
///
/// The contract is the one of the newest stage that writes to the database, or else the source contract of the first
/// stage that reads it, unless `--stage` or `--contract` says otherwise. Rules over several records (`unique`,
/// `references`) are looked at too. Reads only, nothing is kept. The exit code is 3 where a record breaks what is not
/// only warned of.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil validate orders_v2\n  counterfoil validate orders_v1 --contract order.schema.json --output violations.ndjson"
)]
pub(crate) struct Validate {
    /// The database.
    database: String,
    /// A JSON Schema (2020-12) instead of a stage's contract.
    #[arg(long, value_name = "FILE", conflicts_with = "stage")]
    contract: Option<PathBuf>,
    /// The contract of this stage: for its target the target contract, for its source the source contract.
    #[arg(long, value_name = "N", value_parser = stage_number)]
    stage: Option<u32>,
    /// What was broken after this run already counts as pre-existing; without it, what records came with.
    #[arg(long, value_name = "RUN")]
    since: Option<RunId>,
    /// The most ids that are named for each kind of violation; `--output` and `--json` name every one.
    #[arg(long, value_name = "N", default_value = "5")]
    limit: usize,
    /// Writes every violation to a new file, one JSON object on each line.
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

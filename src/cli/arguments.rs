//! What can be asked for.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::{
    apply, backup, check, checkpoint, delete, demo, export, history, init, load, new, plan, profile, prove,
    quarantine, query, reconcile, report, rollback, schema, status, test, trace, validate, verify,
    verify_proof,
};

const ABOUT: &str = "Counterfoil moves JSON records through versioned stages and keeps a stub of every record it touches, \
so that it can resume, roll back and prove what happened.";

const AFTER: &str = "\
The commands stand in the order of a migration's life. Begin with `counterfoil demo shop`.

Settings are read from the command line, else from the environment, else from counterfoil.toml:
  COUNTERFOIL_STORE         the store's file
  COUNTERFOIL_WAIT          seconds to wait for another process that holds the store
  COUNTERFOIL_ACTOR         who runs the command, for the ledger
  COUNTERFOIL_BATCH_SIZE    records in a batch
  COUNTERFOIL_LIVE          true: the store is read while stages run
  COUNTERFOIL_RECORD_BYTES  the longest record, in bytes
  COUNTERFOIL_DEPTH         the deepest nesting of a record
  COUNTERFOIL_KEY           the file of the key that signs checkpoints
  COUNTERFOIL_SIGNING_KEY   that key itself
  COUNTERFOIL_SECRET_NAME   the secret that stages ask for as `name`
  NO_COLOR                  no colours

Exit codes:
  0 done                              5 an applied stage has changed its meaning
  1 failed                            6 stopped; the same command goes on
  2 the command makes no sense        7 another process holds the store
  3 done, but refused or unexplained  8 the verification failed
  4 a stage file is invalid           9 a rollback would overwrite something newer";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "counterfoil", version, about = ABOUT, after_help = AFTER, max_term_width = 100)]
#[command(
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Args, Debug)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// The store's file, instead of the one that counterfoil.toml names.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "COUNTERFOIL_STORE",
        hide_env = true
    )]
    pub(crate) store: Option<PathBuf>,
    /// The project's folder, instead of the current one. Other paths stay relative to the current folder.
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Prints one JSON object `{ok, command, code, data, error, warnings}` instead of words.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Prints results and errors only.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Prints a line for every batch.
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// How long to wait for another process that holds the store.
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        env = "COUNTERFOIL_WAIT",
        hide_env = true
    )]
    pub(crate) wait: Option<u64>,
    /// Who runs the command, as it shall stand in the ledger, instead of the user's name.
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "COUNTERFOIL_ACTOR",
        hide_env = true
    )]
    pub(crate) actor: Option<String>,
    /// The file of the key that signs checkpoints, instead of the project's counterfoil.key.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "COUNTERFOIL_KEY",
        hide_env = true
    )]
    pub(crate) key: Option<PathBuf>,
}

/// The commands, in the order of a migration's life.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(init::Init),
    New(new::New),
    Check(check::Check),
    Test(test::Test),
    Load(load::Load),
    Profile(profile::ProfileCommand),
    Validate(validate::Validate),
    Status(status::Status),
    Plan(plan::PlanCommand),
    Apply(apply::Apply),
    Quarantine(quarantine::Quarantine),
    Query(query::QueryCommand),
    Export(export::Export),
    Delete(delete::Delete),
    History(history::History),
    Trace(trace::Trace),
    Reconcile(reconcile::ReconcileCommand),
    Verify(verify::Verify),
    Report(report::Report),
    Checkpoint(checkpoint::CheckpointCommand),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Prove(prove::Prove),
    VerifyProof(verify_proof::VerifyProof),
    Rollback(rollback::Rollback),
    Schema(schema::Schema),
    Demo(demo::Demo),
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::New(_) => "new",
            Self::Check(_) => "check",
            Self::Test(_) => "test",
            Self::Load(_) => "load",
            Self::Profile(_) => "profile",
            Self::Validate(_) => "validate",
            Self::Status(_) => "status",
            Self::Plan(_) => "plan",
            Self::Apply(_) => "apply",
            Self::Quarantine(command) => command.name(),
            Self::Query(_) => "query",
            Self::Export(_) => "export",
            Self::Delete(_) => "delete",
            Self::History(_) => "history",
            Self::Trace(_) => "trace",
            Self::Reconcile(_) => "reconcile",
            Self::Verify(_) => "verify",
            Self::Report(_) => "report",
            Self::Checkpoint(_) => "checkpoint",
            Self::Backup(_) => "backup",
            Self::Restore(_) => "restore",
            Self::Prove(_) => "prove",
            Self::VerifyProof(_) => "verify-proof",
            Self::Rollback(_) => "rollback",
            Self::Schema(_) => "schema",
            Self::Demo(_) => "demo",
        }
    }
}

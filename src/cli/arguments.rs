//! The definition of the command line.

use clap::Parser;

use super::command::Command;
use super::global::Global;

const ABOUT: &str = "Counterfoil moves JSON records through versioned stages and writes a ledger entry for \
                     every record it touches, \
so that it can resume, roll back and prove what happened.";

const AFTER: &str = "\
Commands are listed in the order of a migration. To see one, run `counterfoil demo shop`.

Settings are read from the command line, then the environment, then counterfoil.toml:
  COUNTERFOIL_STORE         store file
  COUNTERFOIL_WAIT          seconds to wait for another process that holds the store
  COUNTERFOIL_ACTOR         actor to record in the ledger
  COUNTERFOIL_BATCH_SIZE    maximum number of records per batch
  COUNTERFOIL_LIVE          true: other programs read the store while stages run
  COUNTERFOIL_RECORD_BYTES  maximum size of a record, in bytes
  COUNTERFOIL_DEPTH         maximum nesting depth of a record
  COUNTERFOIL_KEY           key file that signs checkpoints
  COUNTERFOIL_SIGNING_KEY   the signing key itself
  COUNTERFOIL_SECRET_NAME   secret that stages refer to as `name`
  NO_COLOR                  disable colours

Exit codes:
  0  success
  1  failure
  2  usage error
  3  success, but with refused records or unexplained differences
  4  invalid stage file
  5  an applied stage changed, or the plan is out of date
  6  stopped; run the same command again to continue
  7  another process holds the store
  8  verification failed
  9  a rollback would overwrite newer changes";

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

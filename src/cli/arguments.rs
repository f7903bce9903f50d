//! What can be asked for.

use clap::Parser;

use super::command::Command;
use super::global::Global;

const ABOUT: &str = "Counterfoil moves JSON records through versioned stages and keeps an entry of every record it touches, \
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

//! The options of every command.

use std::path::PathBuf;

use clap::Args;

/// What every command understands.
#[derive(Args, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Store file [default: the one that counterfoil.toml names].
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "COUNTERFOIL_STORE",
        hide_env = true
    )]
    pub(crate) store: Option<PathBuf>,
    /// Project folder [default: the current folder]. Other paths stay relative to the current folder.
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Print one JSON object `{ok, command, code, data, error, warnings}` instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print only results and errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print a line for every batch.
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Seconds to wait for another process that holds the store.
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        env = "COUNTERFOIL_WAIT",
        hide_env = true
    )]
    pub(crate) wait: Option<u64>,
    /// Actor to record in the ledger [default: your user name].
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "COUNTERFOIL_ACTOR",
        hide_env = true
    )]
    pub(crate) actor: Option<String>,
    /// Key file that signs checkpoints [default: the project's counterfoil.key].
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "COUNTERFOIL_KEY",
        hide_env = true
    )]
    pub(crate) key: Option<PathBuf>,
}

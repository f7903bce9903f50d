//! The options of every command.

use std::path::PathBuf;

use clap::Args;

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

//! The arguments of a load, and the same command again with other options.

use std::path::PathBuf;

use clap::ValueEnum as _;
use counterfoil::input::option;

use super::reading::ReadingArguments;
use crate::cli::session::Session;

/// Load records into a database, creating the database if it does not exist.
///
/// Lines that are not records go to quarantine with their line number, each line only once, however often the
/// file is loaded. A record that exists with the same data counts as unchanged; one that exists with other
/// data is rejected, unless `--replace` is given. A rejected line leaves quarantine when a later load of the
/// same file has a valid record at the same place or with the same id.
///
/// After an interruption, run the same command again: it continues where it stopped. A file is recognized by
/// its content: one that was loaded completely is not loaded again unless `--again` is given, an interrupted
/// load continues under any file name, and a different file with the same name is loaded as a new one. (A
/// file with the length of an earlier one is read twice, first to hash it; hashing is cheap.) Standard
/// input can only be recognized after it has been read.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil load orders_v1 orders.ndjson\n  zcat patients.csv.gz | counterfoil load patients - --format csv --id patient_no"
)]
pub(crate) struct Load {
    /// Database to load into: a-z, 0-9 and _, starting with a letter.
    pub(super) database: String,
    /// File to load; `-` reads standard input.
    pub(super) file: PathBuf,
    /// Top-level field that holds the id [default: the field that counterfoil.toml sets for the database, or
    /// `id`].
    #[arg(long, value_name = "FIELD")]
    pub(super) id: Option<String>,
    /// Format of the file [default: guessed from its name and first byte].
    #[arg(long, value_enum)]
    pub(super) format: Option<LoadFormat>,
    #[command(flatten)]
    pub(super) reading: ReadingArguments,
    /// Overwrite records that exist with other data; the ledger keeps the previous data. If an id occurs
    /// twice in the input with different data, the second record is rejected, because either could be right.
    #[arg(long)]
    pub(super) replace: bool,
    /// Let in-place stages process the replaced records again. Use it if the input has the shape from before
    /// these stages.
    #[arg(long, requires = "replace")]
    pub(super) reprocess: bool,
    /// Give up an unfinished load of the same file or of the same name, report what was given up, and start
    /// again.
    #[arg(long)]
    pub(super) restart: bool,
    /// Give up an unfinished load of this name and load nothing. The records already loaded are kept; the
    /// file need not exist.
    #[arg(long, conflicts_with_all = ["id", "format", "replace", "reprocess", "restart", "again", "batch_size", "separator", "raw", "null", "missing", "types", "records", "with_id"])]
    pub(super) give_up: bool,
    /// Load a file again that was already loaded completely.
    #[arg(long)]
    pub(super) again: bool,
    /// Maximum number of records per batch.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) batch_size: Option<u32>,
    /// Reason to record in the ledger.
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum LoadFormat {
    /// One JSON object per line.
    Ndjson,
    /// One JSON array of objects.
    Json,
    /// CSV with a header row; every value is loaded as text, unless --types, --null or --missing say
    /// otherwise.
    Csv,
    /// CSV with tabs between the cells.
    Tsv,
}

impl From<LoadFormat> for counterfoil::input::Format {
    fn from(format: LoadFormat) -> Self {
        match format {
            LoadFormat::Ndjson => Self::Lines,
            LoadFormat::Json => Self::Array,
            LoadFormat::Csv | LoadFormat::Tsv => Self::Csv,
        }
    }
}

impl Load {
    /// Returns the command that loads the same file with other options beside the given ones: a new option replaces a
    /// given one with the same name, or the opposite one.
    pub(super) fn command(&self, session: &Session<'_>, more: &[String], is_whole: bool) -> String {
        let mut options = self.words(is_whole);
        for new in more {
            let contradicts = |given: &String| name(new) == "--types" && name(given) == "--missing";
            options.retain(|given| !contradicts(given));
            match options.iter_mut().find(|given| name(given) == name(new)) {
                Some(given) => given.clone_from(new),
                None => options.push(new.clone()),
            }
        }
        // The header as one column, which it no longer is.
        let separator = more.iter().find_map(|word| word.strip_prefix("--separator="));
        let is_whole_header = |word: &String| {
            let id = word.strip_prefix("--id=");
            id.zip(separator)
                .is_some_and(|(id, separator)| id.contains(separator))
        };
        options.retain(|word| !is_whole_header(word));
        let mut words = vec!["load".to_owned(), self.database.clone()];
        words.push(self.file.display().to_string());
        words.extend(options);
        session.command_line(&words)
    }

    /// Returns the options as given, except those about an unfinished load when not all of it is to be repeated.
    fn words(&self, is_whole: bool) -> Vec<String> {
        let format = self.format.and_then(|format| format.to_possible_value());
        let given = |name: &str, value: Option<String>| value.map(|value| option(name, &value));
        let flag = |name: &str, is_given: bool| given(name, is_given.then(String::new));
        let mut words = Vec::new();
        words.extend(given("id", self.id.clone()));
        words.extend(given("format", format.map(|format| format.get_name().to_owned())));
        words.extend(self.reading.words());
        words.extend(flag("replace", self.replace));
        words.extend(flag("reprocess", self.reprocess));
        words.extend(flag("restart", self.restart && is_whole));
        words.extend(flag("again", self.again));
        words.extend(given("reason", self.reason.clone()));
        words
    }
}

/// Returns the name of an option that is one word.
fn name(option: &str) -> &str {
    option.split_once('=').map_or(option, |(name, _)| name)
}

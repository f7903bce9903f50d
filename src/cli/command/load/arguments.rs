//! What a load is told, and the same command again with other options.

use std::path::PathBuf;

use clap::ValueEnum as _;
use counterfoil::input::option;

use super::reading::ReadingArguments;
use crate::cli::session::Session;

/// Loads records into a database, which is made where it does not exist.
///
/// Lines that are no records go to quarantine with their line number, once however often the file is loaded. A record
/// that exists with the same data counts as unchanged; with other data it is refused, unless `--replace` is given. A
/// refused line leaves quarantine when a later load of the same file brings it, at its place or under its id, and it
/// passes.
///
/// After an interruption the same command goes on from the byte it had come to. A file is known by its bytes: one that
/// was loaded to its end is not loaded once more unless `--again` is given, one that was interrupted goes on under any
/// name, and another one under the same name is loaded as such. (A file of the same length as one that is known is read
/// twice for that; to hash it costs less than to parse it.) Standard input is known only once it is read.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil load orders_v1 orders.ndjson\n  zcat patients.csv.gz | counterfoil load patients - --format csv --id patient_no"
)]
pub(crate) struct Load {
    /// The database: a-z, 0-9 and _, a letter first.
    pub(super) database: String,
    /// The file; `-` is standard input.
    pub(super) file: PathBuf,
    /// The top-level field that holds the id; what counterfoil.toml says for the database, else `id`.
    #[arg(long, value_name = "FIELD")]
    pub(super) id: Option<String>,
    /// How the records lie in the file; guessed from its name and its first byte unless given.
    #[arg(long, value_enum)]
    pub(super) format: Option<LoadFormat>,
    #[command(flatten)]
    pub(super) reading: ReadingArguments,
    /// Writes over records that exist with other data; what they were is kept in the ledger. An id that comes twice in the
    /// input with other data is refused all the same: nobody knows which of the two is right.
    #[arg(long)]
    pub(super) replace: bool,
    /// Lets stages in place process again what is replaced: the records are in the shape from before them.
    #[arg(long, requires = "replace")]
    pub(super) reprocess: bool,
    /// Gives up an unfinished load of the same file, or of the same name, and begins again; says what is given up.
    #[arg(long)]
    pub(super) restart: bool,
    /// Gives up an unfinished load of this name and loads nothing: what it has loaded stays. The file may be gone.
    #[arg(long, conflicts_with_all = ["id", "format", "replace", "reprocess", "restart", "again", "batch_size", "separator", "raw", "null", "missing", "types", "records", "with_id"])]
    pub(super) give_up: bool,
    /// Loads a file once more that was loaded to its end before.
    #[arg(long)]
    pub(super) again: bool,
    /// The most records in a batch.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) batch_size: Option<u32>,
    /// Why, for the ledger.
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum LoadFormat {
    /// One JSON object on each line.
    Ndjson,
    /// One JSON array of objects.
    Json,
    /// CSV with a header row; every value becomes a text, unless --types, --null or --missing say otherwise.
    Csv,
    /// CSV whose cells are separated by tabs.
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
    /// The command that loads the same file with other options, beside those that were given: what is new takes the place of
    /// what is given by the same name, or says the opposite.
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
        // The header as one column, which it is no more.
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

    /// The options as they were given; less those of a load that has begun, where it is not the whole of it that is to be
    /// done once more.
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

/// The name of an option that is one word.
fn name(option: &str) -> &str {
    option.split_once('=').map_or(option, |(name, _)| name)
}

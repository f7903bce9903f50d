//! `export`: writes records of a database to a file or stdout.

use std::collections::HashSet;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use counterfoil::observe::StopSignal;
use counterfoil::output::{Blanks, CsvWriter, NdjsonWriter, RecordWriter};
use counterfoil::path::Path;
use counterfoil::record::RecordNumber;
use counterfoil::store::Store;
use serde_json::json;

use crate::cli::answer::Answer;
use crate::cli::failure::{Failure, stopped_reading};
use crate::cli::files::NewFile;
use crate::cli::masking::{Noted, masked_noting, redactions};
use crate::cli::render::{counted, shown};
use crate::cli::session::Session;
use crate::cli::signals::stop_signal;
use crate::cli::words::nearest;

/// Number of records read at a time.
const PAGE: usize = 1_000;
/// Maximum number of field names kept to suggest one for a mistyped name.
const NAMES: usize = 10_000;

/// Write all records of a database as NDJSON or CSV.
///
/// Records are written in the order of their numbers, exactly as stored. Fields that stages redact are
/// masked, unless --reveal is given.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil export orders_v2 > orders.ndjson\n  counterfoil export orders_v2 --format csv --columns id,pricing.total --output orders.csv"
)]
pub(crate) struct Export {
    /// The database.
    database: String,
    /// Output format.
    #[arg(long, value_enum, default_value = "ndjson")]
    format: ExportFormat,
    /// NDJSON: write `{"id":ID,"data":DATA}` instead of the data alone.
    #[arg(long, conflicts_with = "columns")]
    with_id: bool,
    /// CSV: the values at these paths (`id`, `customer.name`), in this order [default: the fields of the
    /// first record].
    #[arg(long, value_name = "PATHS", value_delimiter = ',')]
    columns: Vec<String>,
    /// CSV: write every cell unchanged. Without it, text that a spreadsheet would evaluate (it begins with
    /// `=`, `+`, `-`, `@` or a tab and is not a plain number) is written with a leading single quote, which
    /// `load` removes.
    #[arg(long)]
    raw: bool,
    /// CSV: text to write for null; `load --null TEXT` reads it back.
    #[arg(long, value_name = "TEXT")]
    null: Option<String>,
    /// CSV: text to write for a field that the record does not have; `load --missing TEXT` reads it back.
    #[arg(long, value_name = "TEXT")]
    missing: Option<String>,
    /// Write to a new file instead of stdout.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write redacted values unmasked.
    #[arg(long)]
    reveal: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ExportFormat {
    /// One JSON object per line.
    Ndjson,
    /// CSV with a header row; lists and objects as JSON text.
    Csv,
}

impl Export {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        self.check(session)?;
        let store = session.open_to_read()?;
        session.has_database(&store, &self.database)?;
        let redact = if self.reveal {
            Vec::new()
        } else {
            redactions(session, &store)?
        };
        self.check_columns(&store)?;
        let mut copy = Copying {
            store: &store,
            database: &self.database,
            redact: &redact,
            noted: Noted::default(),
            stop: stop_signal(session.screen, "export")?,
        };
        let written = if let Some(path) = &self.output {
            let mut file = NewFile::begin(path)?;
            let written = self.write(&mut copy, &mut file)?;
            file.finish()?;
            written
        } else {
            self.write(&mut copy, BufWriter::new(std::io::stdout().lock()))?
        };
        let (records, noted) = (written.records, copy.noted);
        let data = json!({
            "database": self.database, "records": records, "masked": noted.records > 0,
            "file": self.output.as_ref().map(|path| path.display().to_string()),
        });
        session.screen.say(&format!(
            "Exported {} of {}.",
            counted(records, "record"),
            shown(&self.database)
        ));
        let masked = (noted.records > 0).then(|| {
            let paths: Vec<String> = noted.paths.iter().map(ToString::to_string).collect();
            format!(
                "values of {} are masked at {}; --reveal writes them unmasked",
                counted(noted.records, "record"),
                paths.join(", ")
            )
        });
        let merged = self.merged(session, written.blanks);
        Ok(Answer::new(data, "").warnings(masked).warnings(merged))
    }

    /// Returns a warning for values that a reader of the file cannot distinguish.
    fn merged(&self, session: &Session<'_>, blanks: Blanks) -> Option<String> {
        let kinds = [
            (blanks.nulls, "null"),
            (blanks.texts, "empty text"),
            (blanks.missing, "missing field"),
        ];
        let there: Vec<String> = kinds
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(number, kind)| counted(*number, kind))
            .collect();
        (there.len() > 1).then(|| {
            let [null, missing] = blanks.apart();
            let mut words: Vec<String> = ["export", &self.database, "--format", "csv"]
                .map(str::to_owned)
                .into();
            if !self.columns.is_empty() {
                words.extend(["--columns".to_owned(), self.columns.join(",")]);
            }
            let flags = [("--raw", self.raw), ("--reveal", self.reveal)];
            words.extend(
                flags
                    .iter()
                    .filter(|(_, given)| *given)
                    .map(|(flag, _)| (*flag).to_owned()),
            );
            words.extend(["--null", null, "--missing", missing].map(str::to_owned));
            format!(
                "an empty cell stands for {}; {} distinguishes them, and so does NDJSON",
                there.join(", "),
                session.command_line(&words)
            )
        })
    }

    fn check(&self, session: &Session<'_>) -> Result<(), Failure> {
        if session.screen.json && self.output.is_none() {
            return Err(Failure::usage(
                "export.json",
                "with --json the envelope goes to stdout, so the records cannot",
                "name a file with --output",
            ));
        }
        if self.format == ExportFormat::Csv && self.with_id {
            let message = "--with-id is for NDJSON";
            return Err(Failure::usage(
                "export.with_id",
                message,
                "for CSV name the columns with --columns",
            ));
        }
        let of_csv = [
            ("--columns", !self.columns.is_empty()),
            ("--raw", self.raw),
            ("--null", self.null.is_some()),
            ("--missing", self.missing.is_some()),
        ];
        if self.format == ExportFormat::Ndjson
            && let Some((option, _)) = of_csv.iter().find(|(_, given)| *given)
        {
            let message = format!("{option} is for CSV");
            return Err(Failure::usage("export.columns", message, "add --format csv"));
        }
        if self.null.is_some() && self.null == self.missing {
            return Err(Failure::usage(
                "export.null",
                "--null and --missing are the same text",
                "give two different ones",
            ));
        }
        Ok(())
    }

    /// Refuses a column that no record has, which is probably a typing error; an empty database has every column.
    fn check_columns(&self, store: &Store) -> Result<(), Failure> {
        let mut missing: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        for column in &missing {
            if column.parse::<Path>().is_ok_and(|path| path.is_many()) {
                let message = format!("`{column}` matches several values, but a column holds one");
                let hint = "name one of them, or the list itself: it is written as JSON text";
                return Err(Failure::usage("export.column", message, hint));
            }
        }
        let (mut after, mut names, mut known) = (RecordNumber::BEFORE_FIRST, Vec::new(), HashSet::new());
        while !missing.is_empty() {
            let page = store.records_after(&self.database, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.number;
            for record in &page {
                let Ok(document) = record.document() else { continue };
                missing.retain(|column| counterfoil::output::column(&document, column).is_none());
                if missing.is_empty() {
                    break;
                }
                for name in document.fields().iter().map(counterfoil::record::Field::name) {
                    if names.len() == NAMES {
                        break;
                    }
                    if !known.contains(&*name) {
                        known.insert(name.clone().into_owned());
                        names.push(name.into_owned());
                    }
                }
            }
        }
        match missing.first() {
            Some(column) if !names.is_empty() => Err(Failure::usage(
                "export.column",
                format!("no record of `{}` has `{column}`", self.database),
                nearest(column, &names),
            )),
            _ => Ok(()),
        }
    }

    fn write(&self, copy: &mut Copying<'_>, out: impl Write) -> Result<Written, Failure> {
        let mut blanks = Blanks::default();
        let records = match self.format {
            ExportFormat::Csv => {
                let mut writer = CsvWriter::new(out)
                    .raw(self.raw)
                    .null(self.null.clone())
                    .missing(self.missing.clone());
                if !self.columns.is_empty() {
                    writer = writer.columns(&self.columns);
                }
                let records = copy.to(&mut writer)?;
                blanks = writer.blanks();
                records
            }
            ExportFormat::Ndjson if self.with_id => copy.to(&mut NdjsonWriter::new(out).with_id())?,
            ExportFormat::Ndjson => copy.to(&mut NdjsonWriter::new(out))?,
        };
        Ok(Written { records, blanks })
    }
}

/// Summary of what was written.
struct Written {
    records: u64,
    /// Empty cells, by what they represent.
    blanks: Blanks,
}

/// The copying of records out of the store.
struct Copying<'c> {
    store: &'c Store,
    database: &'c str,
    redact: &'c [Path],
    /// What was masked.
    noted: Noted,
    stop: StopSignal,
}

impl Copying<'_> {
    fn to(&mut self, writer: &mut impl RecordWriter) -> Result<u64, Failure> {
        let (mut after, mut written) = (RecordNumber::BEFORE_FIRST, 0);
        loop {
            let page = self.store.records_after(self.database, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.number;
            for record in page {
                if self.stop.is_asked() {
                    return Err(stopped_reading());
                }
                writer.write(&masked_noting(record, self.redact, &mut self.noted)?)?;
                written += 1;
            }
        }
        writer.finish()?;
        Ok(written)
    }
}

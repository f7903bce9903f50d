//! `load`: records from outside.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use counterfoil::load::{LoadOptions, LoadReport};
use counterfoil::project::Settings;
use counterfoil::quarantine::{Selected, quarantine_totals_of, quarantined, refused_input};
use counterfoil::record::{Document, Field};
use counterfoil::store::Store;
use serde_json::json;

use super::answer::{Answer, Exit, json};
use super::failure::{Failure, nearest};
use super::outcome::{Standing, refusals, refusals_json, stopped_early};
use super::progress::Progress;
use super::render::{count, table};
use super::session::Session;
use super::signals::{Endable, stop_signal};

/// Loads records into a database, which is made where it does not exist.
///
/// Lines that are no records go to quarantine with their line number, once however often the file is loaded. A record
/// that exists with the same data counts as unchanged; with other data it is refused, unless `--replace` is given.
/// After an interruption the same command goes on from the byte it had come to.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil load orders_v1 orders.ndjson\n  zcat patients.csv.gz | counterfoil load patients - --format csv --id patient_no"
)]
pub(crate) struct Load {
    /// The database: a-z, 0-9 and _, a letter first.
    database: String,
    /// The file; `-` is standard input.
    file: PathBuf,
    /// The top-level field that holds the id; what counterfoil.toml says for the database, else `id`.
    #[arg(long, value_name = "FIELD")]
    id: Option<String>,
    /// How the records lie in the file; guessed from its name and its first byte unless given.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Writes over records that exist with other data; what they were is kept in the ledger.
    #[arg(long)]
    replace: bool,
    /// Gives up an unfinished load of the same file and begins again.
    #[arg(long)]
    restart: bool,
    /// The most records in a batch.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    batch_size: Option<u32>,
    /// Why, for the ledger.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// One JSON object on each line.
    Ndjson,
    /// One JSON array of objects.
    Json,
    /// CSV with a header row; every value becomes a text.
    Csv,
}

impl From<Format> for counterfoil::input::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Ndjson => Self::Lines,
            Format::Json => Self::Array,
            Format::Csv => Self::Csv,
        }
    }
}

impl Load {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let settings = session.settings()?;
        counterfoil::name::check_database(&self.database)
            .map_err(|error| Failure::usage("database.bad_name", error.to_string(), "give another name"))?;
        let declared = settings
            .databases
            .get(&self.database)
            .and_then(|database| database.id.clone());
        let stop = stop_signal(*session.screen)?;
        let options = LoadOptions {
            id_field: self
                .id
                .clone()
                .or(declared)
                .unwrap_or_else(|| LoadOptions::default().id_field),
            format: self.format.map(Into::into),
            replace: self.replace,
            restart: self.restart,
            batch_size: self.batch_size.map(|size| size as usize),
            purpose: session.purpose("load", self.reason.as_deref(), &[]),
            stop: stop.clone(),
        };
        let mut progress = Progress::new(*session.screen);
        let input: Box<dyn Read + Send> = if self.file.as_os_str() == "-" {
            Box::new(Endable::new(std::io::stdin(), stop.clone()))
        } else {
            let (file, length) = self.open(session)?;
            if length > 0 {
                Box::new(Endable::new(progress.counting(file, length), stop.clone()))
            } else {
                Box::new(Endable::new(file, stop.clone()))
            }
        };
        let mut store = session.open_or_create()?;
        let name = self.file.display().to_string();
        let loaded =
            counterfoil::load::load(&mut store, &self.database, &name, input, &options, &mut progress);
        progress.finish();
        let report = match loaded {
            // A read that a signal ended.
            Err(counterfoil::Error::Input { .. }) if stop.is_asked() => {
                return Err(stopped_early(&counterfoil::Stopped::Asked));
            }
            Err(error) => return Err(Self::of_input(error)),
            Ok(report) => report,
        };
        let refused = if report.counts.refused > 0 {
            quarantine_totals_of(&store, report.pass)?
        } else {
            Vec::new()
        };
        let mut data = json(&report);
        data["database"] = json!(self.database);
        data["source"] = json!(name);
        data["refusals"] = refusals_json(&refused);
        let text = self.told(&name, &report, &progress) + &refusals(&refused);
        let mut answer = Answer::new(data, text)
            .warnings(progress.warnings.iter().cloned())
            .refused_if(report.counts.refused > 0);
        answer.warnings.extend(self.unread(session, &settings));
        for hint in Self::hints(session, &store, &settings.name, &options.id_field, &refused)? {
            answer = answer.hint(hint);
        }
        Ok(match &report.stopped {
            Some(stopped) => answer.failed(stopped_early(stopped)),
            None => answer,
        })
    }

    fn of_input(error: counterfoil::Error) -> Failure {
        let without_id =
            matches!(&error, counterfoil::Error::Input { problem, .. } if problem.contains("for the ids"));
        let failure = Failure::from(error);
        if without_id {
            failure.hint("name the column that holds the ids: `--id COLUMN`")
        } else {
            failure
        }
    }

    /// A warning where no stage reads the database, which is mostly a slip of the pen.
    fn unread(&self, session: &Session<'_>, settings: &Settings) -> Option<String> {
        let project = session.stages().ok().flatten()?;
        let mut sources: Vec<String> = Vec::new();
        for stage in project.stages().iter() {
            if !sources.iter().any(|source| source == stage.source()) {
                sources.push(stage.source().to_owned());
            }
        }
        let is_read = sources.is_empty() || sources.contains(&self.database);
        (!is_read && !settings.databases.contains_key(&self.database)).then(|| {
            format!(
                "no stage reads `{}`; {}",
                self.database,
                nearest(&self.database, &sources)
            )
        })
    }

    /// What to do about refused lines.
    fn hints(
        session: &Session<'_>,
        store: &Store,
        project: &str,
        id_field: &str,
        refused: &[Standing],
    ) -> Result<Vec<String>, Failure> {
        let has = |wanted: &str| refused.iter().any(|(_, code, _)| code == wanted);
        let mut hints = Vec::new();
        if has("id.missing") {
            let fields = fields_of_refused(store, project)?;
            let seen = if fields.is_empty() {
                String::new()
            } else {
                format!("; a refused record has the fields {}", fields.join(", "))
            };
            hints.push(format!(
                "records without `{id_field}`: name the field that holds the id with `--id FIELD`{seen}"
            ));
        }
        if has("load.exists") {
            hints.push("records that exist with other data: `--replace` writes over them".to_owned());
        }
        if let Some((_, code, _)) = refused.first() {
            hints.push(format!(
                "{}; correct the lines and load them, or let them go with {}",
                session.command("quarantine list"),
                session.command(&format!("quarantine waive --code {code} --reason TEXT"))
            ));
        }
        Ok(hints)
    }

    /// The file and its length; 0 where it has none, as for a pipe.
    fn open(&self, session: &Session<'_>) -> Result<(File, u64), Failure> {
        let shown = self.file.display();
        let failed = |error: &std::io::Error| {
            let failure = Failure::new(
                Exit::Failed,
                "input.unreadable",
                format!("{shown} cannot be read: {error}"),
            );
            let in_project = session.inside(&self.file);
            if error.kind() == std::io::ErrorKind::NotFound && in_project.exists() {
                failure.hint(format!(
                    "paths are relative to the current folder: did you mean {}?",
                    in_project.display()
                ))
            } else {
                failure.hint("name a file of NDJSON, a JSON array or CSV, or `-` for standard input")
            }
        };
        let file = File::open(&self.file).map_err(|error| failed(&error))?;
        let metadata = file.metadata().map_err(|error| failed(&error))?;
        if metadata.is_dir() {
            return Err(failed(&std::io::ErrorKind::IsADirectory.into()));
        }
        Ok((file, metadata.len()))
    }

    fn told(&self, name: &str, report: &LoadReport, progress: &Progress) -> String {
        let counts = report.counts;
        let state = match (report.stopped.is_some(), report.resumed) {
            (true, _) => "stopped",
            (false, true) => "resumed, done",
            (false, false) => "done",
        };
        let row = vec![
            name.to_owned(),
            self.database.clone(),
            state.to_owned(),
            count(counts.read),
            count(counts.written),
            count(counts.unchanged),
            count(counts.refused),
            progress.records_a_second(report.pass),
        ];
        table(
            &[
                "file",
                "database",
                "state",
                ">read",
                ">written",
                ">unchanged",
                ">refused",
                ">records/s",
            ],
            [row],
        )
    }
}

/// The names of the fields of a record that was refused for want of an id; never a value.
fn fields_of_refused(store: &Store, project: &str) -> Result<Vec<String>, Failure> {
    let without_id = Selected {
        code: Some("id.missing".to_owned()),
        ..Selected::default()
    };
    let Some(refused) = quarantined(store, project, &without_id, 1_000)?.pop() else {
        return Ok(Vec::new());
    };
    let Some(data) = refused_input(store, &refused, &[])?.data else {
        return Ok(Vec::new());
    };
    let names = Document::parse(&data).map(|document| {
        let names = document.fields().iter().map(Field::name);
        names.take(20).map(Cow::into_owned).collect()
    });
    Ok(names.unwrap_or_default())
}

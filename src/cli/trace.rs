//! `trace`: the life of one record.

use std::io::{self, BufWriter, Read as _, Seek as _, Write as _};

use counterfoil::Error;
use counterfoil::history::TraceStep;
use counterfoil::interchange::{PROV_SECTIONS, each_prov};
use serde_json::json;
use tempfile::SpooledTempFile;

use super::answer::{Answer, Exit, Listed, json};
use super::failure::Failure;
use super::history::refuse_envelope;
use super::render::{bold, dim, green, moment, red, short, shown, yellow};
use super::screen::to_stdout;
use super::session::Session;

/// So much text is shown in one go.
const PAGE: usize = 64 << 10;
/// So much of a section is in memory.
const SECTION: usize = 2 << 20;

/// Tells the life of one record across all stages, from its stubs in the ledger.
///
/// Each line is one stub: when, in which run and by whom, what became of it and why. The hashes are commitments to its
/// content before and after; the content itself is not shown.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil trace orders_v2 ORD-2024-001\n  counterfoil trace orders_v2 ORD-2024-001 --format prov-json > provenance.json"
)]
pub(crate) struct Trace {
    /// A database that holds the record, or held it.
    database: String,
    /// The record's id there.
    id: String,
    /// Tell too what else came of the records that it came from: its siblings and their lives.
    #[arg(long, conflicts_with = "format")]
    family: bool,
    /// The format.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people; with --json in the envelope.
    Text,
    /// A document of PROV-JSON: every version of the record, what made it and who.
    ProvJson,
}

impl Trace {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        if self.format == Format::ProvJson {
            return self.provenance(session);
        }
        let store = session.open_to_read()?;
        let mut list = session.screen.json.then(Listed::new);
        let mut text = format!("{} in {}\n", bold(&shown(&self.id)), shown(&self.database));
        let mut add = |step: &TraceStep| -> Result<(), Failure> {
            if let Some(list) = &mut list {
                return list.push(json(step));
            }
            text += &told(step);
            if text.len() >= PAGE {
                to_stdout(&text).map_err(|error| Failure::output(&error))?;
                text.clear();
            }
            Ok(())
        };
        let mut failed = None;
        TraceStep::each(&store, &self.database, &self.id, self.family, |step| {
            failed = add(&step).err();
            failed.is_none()
        })
        .map_err(|error| self.failed(error, session))?;
        if let Some(failure) = failed {
            return Err(failure);
        }
        let answer = Answer::new(json!({ "database": self.database, "id": self.id }), text);
        Ok(match list {
            Some(list) => answer.list("steps", list),
            None => answer,
        })
    }

    fn provenance(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        refuse_envelope(session, "trace.json")?;
        let store = session.open_to_read()?;
        let (mut document, mut failed) = (Sections::new(), None);
        each_prov(&store, &self.database, &self.id, &mut |section, name, value| {
            failed = document.add(section, name, &value).err();
            failed.is_none()
        })
        .map_err(|error| self.failed(error, session))?;
        match failed {
            Some(error) => Err(unkept(&error)),
            None => document.write(),
        }
    }

    fn failed(&self, error: Error, session: &Session<'_>) -> Failure {
        let missing = matches!(error, Error::NoSuchRecord { .. });
        let failure = Failure::from(error);
        if !missing {
            return failure;
        }
        let query = session.command(&format!("query {}", self.database));
        failure.hint(format!(
            "{query} shows what is there; ids are compared letter by letter"
        ))
    }
}

/// The sections of a document of PROV-JSON, each in a temporary file where it is long: what belongs to them comes mixed.
struct Sections(Vec<(&'static str, BufWriter<SpooledTempFile>)>);

impl Sections {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn add(&mut self, section: &'static str, name: &str, value: &serde_json::Value) -> io::Result<()> {
        let known = self.0.iter().position(|(known, _)| *known == section);
        let comma = if known.is_some() { ",\n" } else { "" };
        let at = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0
                .push((section, BufWriter::new(SpooledTempFile::new(SECTION))));
        }
        // No text holds a line end as it is, so that every line of it is one of the document.
        let value = format!("{value:#}").replace('\n', "\n    ");
        write!(self.0[at].1, "{comma}    {}: {value}", json!(name))
    }

    fn write(mut self) -> Result<Answer, Failure> {
        let mut out = BufWriter::new(io::stdout().lock());
        let mut write = |bytes: &[u8]| out.write_all(bytes).map_err(|error| Failure::output(&error));
        write(b"{")?;
        let mut comma = "";
        for section in PROV_SECTIONS {
            let Some((_, file)) = self.0.iter_mut().find(|(known, _)| *known == section) else {
                continue;
            };
            write(format!("{comma}\n  \"{section}\": {{\n").as_bytes())?;
            comma = ",";
            file.rewind().map_err(|error| unkept(&error))?;
            let mut piece = [0; 8 << 10];
            loop {
                let read = file.get_mut().read(&mut piece).map_err(|error| unkept(&error))?;
                if read == 0 {
                    break;
                }
                write(&piece[..read])?;
            }
            write(b"\n  }")?;
        }
        write(b"\n}\n")?;
        out.flush().map_err(|error| Failure::output(&error))?;
        Ok(Answer::new(serde_json::Value::Null, ""))
    }
}

fn unkept(error: &io::Error) -> Failure {
    let message = format!("a long document cannot be kept in a temporary file: {error}");
    Failure::new(Exit::Failed, "list.file", message)
        .hint("name a folder that has room for it with the variable TMPDIR")
}

fn told(step: &TraceStep) -> String {
    let what = match step.stage {
        Some(stage) => format!("{} stage {stage}", step.kind),
        None => step.kind.clone(),
    };
    let source = step.source.as_deref().unwrap_or_default();
    let database = step.database.as_deref().unwrap_or_default();
    let route = if source.is_empty() || source == database {
        database.to_owned()
    } else {
        format!("{source} -> {database}")
    };
    let outcome = match step.outcome.as_str() {
        "written" => green("written"),
        "refused" => red("refused"),
        other => yellow(other),
    };
    let number = match step.target_record {
        Some(target) => format!("record {} as {target}", step.record),
        None => format!("record {}", step.record),
    };
    let mut text = format!(
        "  {}  {}  {outcome}  {}\n",
        moment(&step.at),
        shown(&what),
        shown(&route)
    );
    let mut details = vec![
        number,
        format!("batch {}", step.batch),
        format!("run {} by {}", step.run, step.actor),
    ];
    let hashes = [
        ("from", &step.input_hash),
        ("before", &step.before_hash),
        ("after", &step.after_hash),
    ];
    let hashes = hashes
        .iter()
        .filter(|(_, hash)| !hash.is_empty())
        .map(|(name, hash)| format!("{name} {}", short(hash)));
    details.extend(hashes);
    text += &format!("    {}\n", dim(&shown(&details.join(", "))));
    if let Some(reason) = &step.run_reason {
        text += &format!("    {} {}\n", dim("reason"), shown(reason));
    }
    if let Some(reason) = &step.reason {
        text += &format!("    {} {}\n", dim("why"), shown(&because(reason)));
    }
    text
}

/// The reason of a stub: codes and places.
pub(crate) fn because(reason: &str) -> String {
    if let Ok(refusal) = serde_json::from_str::<counterfoil::refusal::Refusal>(reason) {
        return match refusal.line {
            Some(line) => format!("{refusal} (line {line})"),
            None => refusal.to_string(),
        };
    }
    let code = serde_json::from_str::<serde_json::Value>(reason)
        .ok()
        .and_then(|reason| reason["code"].as_str().map(str::to_owned));
    code.unwrap_or_else(|| reason.to_owned())
}

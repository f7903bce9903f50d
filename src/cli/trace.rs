//! `trace`: the life of one record.

use counterfoil::Error;
use counterfoil::history::TraceStep;
use serde_json::json;

use super::answer::{Answer, json};
use super::failure::Failure;
use super::history::refuse_envelope;
use super::render::{bold, dim, green, moment, red, short, shown, yellow};
use super::session::Session;

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
            refuse_envelope(session, "trace.json")?;
            let store = session.open_to_read()?;
            let document = counterfoil::interchange::prov(&store, &self.database, &self.id)
                .map_err(|error| self.failed(error, session))?;
            return Ok(Answer::new(serde_json::Value::Null, format!("{document:#}")));
        }
        let store = session.open_to_read()?;
        let steps = if self.family {
            counterfoil::history::trace_family(&store, &self.database, &self.id)
        } else {
            counterfoil::history::trace(&store, &self.database, &self.id)
        };
        let steps = steps.map_err(|error| self.failed(error, session))?;
        let mut text = format!("{} in {}\n", bold(&shown(&self.id)), shown(&self.database));
        text.extend(steps.iter().map(told));
        let data = json!({ "database": self.database, "id": self.id, "steps": json(&steps) });
        Ok(Answer::new(data, text))
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

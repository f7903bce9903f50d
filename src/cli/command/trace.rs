//! `trace`: shows the history of one record.

use std::io::{self, BufWriter, Read as _, Seek as _, Write as _};

use counterfoil::history::{Found, GoldenRecord, InWindow, TraceStep, WindowReadings};
use counterfoil::interchange::PROV_SECTIONS;
use counterfoil::record::RecordNumber;
use counterfoil::store::Store;
use serde_json::json;
use tempfile::SpooledTempFile;

use crate::cli::aggregated::of_windows;
use crate::cli::answer::{Answer, json};
use crate::cli::failure::Failure;
use crate::cli::listed::{Listed, unkept};
use crate::cli::merged::{merged, placed};
use crate::cli::missing::untraceable;
use crate::cli::render::{bold, counted, dim, green, moment, red, short, shown, shown_json, yellow};
use crate::cli::screen::to_stdout;
use crate::cli::session::Session;
use crate::cli::shown_ids::ShownIds;

/// Number of readings of a window that are shown.
const READINGS: usize = 20;
/// Number of bytes of text shown at once.
const PAGE: usize = 64 << 10;
/// Maximum number of bytes of a section in memory.
const SECTION: usize = 2 << 20;

/// Show the history of one record across all stages.
///
/// Each line is one ledger entry: when, in which run and by whom, the outcome, and why. The hashes are
/// commitments to the record's content before and after; the content itself is not shown.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil trace orders_v2 ORD-2024-001\n  counterfoil trace orders_v2 ORD-2024-001 --format prov-json > provenance.json"
)]
pub(crate) struct Trace {
    /// A database that holds or held the record.
    database: String,
    /// Any id that the record ever had, in this database or in one that it came from or went to.
    id: String,
    /// Also show the other records made from the same source records, with their history.
    #[arg(long, conflicts_with = "format")]
    family: bool,
    /// Show all readings of a window, not only the first 20.
    #[arg(long)]
    all: bool,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: TraceFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum TraceFormat {
    /// Text; with --json, part of the JSON object.
    Text,
    /// PROV-JSON: every version of the record, and what and who produced it.
    ProvJson,
}

impl Trace {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        if self.format == TraceFormat::ProvJson {
            return self.provenance(session);
        }
        let store = session.open_to_read()?;
        let found = store
            .find(&self.database, &self.id)
            .map_err(|error| untraceable(session, &store, error))?;
        let mut list = session.screen.json.then(Listed::new);
        let golden = shown_golden(session, &store, &found)?;
        let most = if self.all { usize::MAX } else { READINGS };
        let (windows, within) = self.windows(session, &store, &found, most)?;
        let mut text = self.heading(&found) + &merged(&found, &golden) + &of_windows(&windows, &within);
        let mut add = |step: &TraceStep| -> Result<(), Failure> {
            if let Some(list) = &mut list {
                return list.push(json(step));
            }
            text += &render(step);
            if text.len() >= PAGE {
                to_stdout(&text).map_err(|error| Failure::output(&error))?;
                text.clear();
            }
            Ok(())
        };
        let mut failed = None;
        store.each_trace_step(found.records.clone(), self.family, |step| {
            failed = add(&step).err();
            failed.is_none()
        })?;
        if let Some(failure) = failed {
            return Err(failure);
        }
        let mut data = json!({
            "database": self.database,
            "id": self.id,
            "records": found.records,
            "elsewhere": found.elsewhere,
        });
        if !golden.is_empty() {
            data["golden"] = json(&golden);
        }
        if !windows.is_empty() {
            data["windows"] = json(&windows);
        }
        if !within.is_empty() {
            data["in_windows"] = json(&within);
        }
        let answer = Answer::new(data, text);
        Ok(match list {
            Some(list) => answer.list("steps", list),
            None => answer,
        })
    }

    /// The readings of the records that are windows, and the windows that the records are in, with the ids that may be shown.
    fn windows(
        &self,
        session: &Session<'_>,
        store: &Store,
        found: &Found,
        most: usize,
    ) -> Result<(Vec<WindowReadings>, Vec<InWindow>), Failure> {
        let mut windows = store.window_readings(&found.records, most)?;
        let mut within = store.in_windows(&self.database, &found.records)?;
        if windows.is_empty() && within.is_empty() {
            return Ok((windows, within));
        }
        let ids = ShownIds::new(session, store)?;
        for window in &mut windows {
            for reading in &mut window.readings {
                reading.id = reading.id.take().map(|id| ids.shown(Some(&window.source), id));
            }
        }
        for window in &mut within {
            window.id = window.id.take().map(|id| ids.shown(Some(&window.database), id));
        }
        Ok((windows, within))
    }

    /// The id, and what records it leads to where that is not plain.
    fn heading(&self, found: &Found) -> String {
        let mut text = format!("{} in {}\n", bold(&shown(&self.id)), shown(&self.database));
        if !found.elsewhere.is_empty() {
            text += &format!(
                "  no record of {} ever had this id, but a related record in {} has or had it\n",
                shown(&self.database),
                shown(&found.elsewhere.join(" and "))
            );
        }
        if found.records.len() > 1 {
            let numbers: Vec<String> = found.records.iter().map(RecordNumber::to_string).collect();
            text += &format!(
                "  {} have or had this id: {}\n",
                counted(found.records.len() as u64, "record"),
                numbers.join(", ")
            );
        }
        text
    }

    fn provenance(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        session.refuse_envelope("trace.json")?;
        let store = session.open_to_read()?;
        let (mut document, mut failed) = (Sections::new(), None);
        store
            .each_prov(&self.database, &self.id, &mut |section, name, value| {
                failed = document.add(section, name, &value).err();
                failed.is_none()
            })
            .map_err(|error| untraceable(session, &store, error))?;
        match failed {
            Some(error) => Err(unkept("document", &error)),
            None => document.write(),
        }
    }
}

/// The golden records that the records are in, or are, with the ids that may be shown.
fn shown_golden(session: &Session<'_>, store: &Store, found: &Found) -> Result<Vec<GoldenRecord>, Failure> {
    let mut golden = store.golden(&found.records)?;
    if golden.is_empty() {
        return Ok(golden);
    }
    let ids = ShownIds::new(session, store)?;
    let shown = |database: &str, id: &mut Option<String>| {
        *id = id.take().map(|id| ids.shown(Some(database), id));
    };
    for golden in &mut golden {
        shown(&golden.database, &mut golden.id);
        for member in &mut golden.members {
            shown(&member.database, &mut member.id);
        }
    }
    Ok(golden)
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
        let entry = format!("{comma}    {}: {value}", json!(name));
        self.0[at].1.write_all(shown_json(&entry).as_bytes())
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
            file.rewind().map_err(|error| unkept("document", &error))?;
            let mut piece = [0; 8 << 10];
            loop {
                let read = file
                    .get_mut()
                    .read(&mut piece)
                    .map_err(|error| unkept("document", &error))?;
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

/// Whether an entry says that a reading is counted in a window now.
fn is_counted(step: &TraceStep) -> bool {
    step.reason
        .as_deref()
        .is_some_and(|reason| reason.starts_with(r#"{"code":"aggregate.counted""#))
}

fn render(step: &TraceStep) -> String {
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
        // Who deletes a row by hand leaves nothing after it.
        "written" if step.after_hash.is_empty() && !step.before_hash.is_empty() && step.kind == "edit" => {
            yellow("deleted")
        }
        "written" => green("written"),
        // A reading that was in no window before.
        "merged" if is_counted(step) => green("counted"),
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
    if let Some(why) = step.reason.as_deref().and_then(because) {
        text += &format!("    {} {}\n", dim("why"), shown(&why));
    }
    for line in step.merge.iter().flat_map(placed) {
        text += &format!("    {} {}\n", dim("merge"), shown(&line));
    }
    for found in &step.looked_up {
        let row = match found.record {
            Some(record) => format!("{}: record {record}", found.database),
            None => format!("{}: no record", found.database),
        };
        text += &format!("    {} {}\n", dim("looked up"), shown(&row));
    }
    text
}

/// The reason of an entry: codes and places; `None` if it only says what was looked up.
fn because(reason: &str) -> Option<String> {
    if let Ok(refusal) = serde_json::from_str::<counterfoil::refusal::Refusal>(reason) {
        return Some(match refusal.lines_text() {
            Some(lines) => format!("{refusal} ({lines})"),
            None => refusal.to_string(),
        });
    }
    let Ok(parts) = serde_json::from_str::<serde_json::Value>(reason) else {
        return Some(reason.to_owned());
    };
    match parts["code"].as_str() {
        // What speaks for its place follows.
        Some("merge.member") => None,
        Some("merge.left") => Some("it has left the golden record that it was in".to_owned()),
        Some("merge.joined") => Some("this golden record has become part of another one".to_owned()),
        Some("aggregate.vanished") => Some("no reading is left in it".to_owned()),
        Some("aggregate.held") => Some("its window is held back".to_owned()),
        Some("aggregate.counted") => Some(format!("counted in window {}", parts["window"])),
        Some(code) => Some(code.to_owned()),
        // Which readings it has stands above.
        None if parts.get("inputs").is_some() => None,
        None => parts.get("lookup").is_none().then(|| reason.to_owned()),
    }
}

//! `history`: the runs that wrote.

use std::io::{BufWriter, Write as _};

use counterfoil::history::{RunBatches, RunPass, RunRecord};
use counterfoil::interchange::OpenLineageOptions;
use counterfoil::record::RunId;
use serde_json::json;

use crate::cli::answer::{Answer, json};
use crate::cli::failure::Failure;
use crate::cli::matching::merged_into;
use crate::cli::render::{bold, count, counted, dim, moment, shown, shown_json, way};
use crate::cli::session::{Session, stages_of};

/// List the runs that wrote to the store, newest first.
///
/// Shows who ran what, when and why, and the outcome of the records.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil history --limit 5\n  counterfoil history --format openlineage > events.ndjson"
)]
pub(crate) struct History {
    /// Maximum number of runs to list, newest first [default: 20; all with --format openlineage].
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: HistoryFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum HistoryFormat {
    /// Text, newest first; with --json, part of the JSON object.
    Text,
    /// OpenLineage events (2-0-2), one per line, oldest first, with column lineage.
    Openlineage,
}

/// Number of runs listed for people.
const LISTED: usize = 20;

impl History {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        if self.format == HistoryFormat::Openlineage {
            return self.export(session);
        }
        let store = session.open_to_read()?;
        let runs = store.history(self.limit.unwrap_or(LISTED))?;
        let text: Vec<String> = runs.iter().map(render).collect();
        let more = runs.last().is_some_and(|run| run.run > RunId::new(1));
        let answer = Answer::new(json!({ "runs": json(&runs) }), text.join("\n"));
        Ok(if more {
            answer.hint("a larger `--limit` lists older runs")
        } else {
            answer
        })
    }

    /// Writes the runs as events, one by one.
    fn export(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        session.refuse_envelope("history.json")?;
        let store = session.open_to_read()?;
        // The ledger has the text of every applied stage: the files may be gone, or not compile.
        let stages = stages_of(None)?;
        let options = OpenLineageOptions::default().newest(self.limit);
        let mut out = BufWriter::new(std::io::stdout().lock());
        let mut events = 0;
        for event in store.openlineage(&stages, &options)? {
            writeln!(out, "{}", shown_json(&event?.to_string())).map_err(|error| Failure::output(&error))?;
            events += 1;
        }
        out.flush().map_err(|error| Failure::output(&error))?;
        Ok(Answer::new(json!({ "events": events }), ""))
    }
}

/// The batches of a run, which are in a row.
fn batches(run: &RunRecord) -> String {
    let RunBatches { first, last, .. } = run.batches;
    if first == last {
        format!("batch {first}")
    } else {
        format!("batches {first} to {last}")
    }
}

fn render(run: &RunRecord) -> String {
    let arguments: Vec<String> = run.arguments.iter().map(|argument| quoted(argument)).collect();
    let command = [vec![run.command.clone()], arguments].concat().join(" ");
    let mut text = format!("{} {}\n", bold(&format!("run {}", run.run)), shown(&command));
    text += &format!(
        "  {} by {} on {}, {}\n",
        moment(&run.started),
        shown(&run.actor),
        shown(&run.host),
        batches(run)
    );
    if let Some(reason) = &run.reason {
        text += &format!("  {} {}\n", dim("reason"), shown(reason));
    }
    for pass in run.passes.iter().filter(|pass| pass.kind != "init") {
        text += &format!("  {}\n", shown(&pass_text(pass)));
    }
    text
}

/// The kind of a pass in which people decide pairs of records: it reads, and writes no row.
const DECISIONS: &str = "merge";

fn pass_text(pass: &RunPass) -> String {
    let stage = pass
        .stage
        .map(|stage| format!(" stage {stage}"))
        .unwrap_or_default();
    let way = match way(pass.source.as_deref(), pass.target.as_deref()) {
        nowhere if nowhere.is_empty() => nowhere,
        way => format!(" {way}"),
    };
    let counts = pass.counts;
    let outcomes = [
        ("written", counts.written),
        ("unchanged", counts.unchanged),
        ("filtered", counts.filtered),
        ("refused", counts.refused),
        ("merged", counts.merged),
    ];
    let outcomes = outcomes
        .iter()
        .filter(|(_, number)| *number > 0)
        .map(|(name, number)| match *name {
            // Each of these is one golden record.
            "written" if pass.golden > 0 => format!(", {} alone", count(*number)),
            "merged" => format!(", {}", merged_into(*number, pass.golden)),
            "written" if pass.out != *number => {
                format!(", {} written as {}", count(*number), counted(pass.out, "record"))
            }
            name => format!(", {} {name}", count(*number)),
        });
    let mut text = if pass.kind == DECISIONS {
        format!(
            "pass {} review{stage}{way}: {}",
            pass.pass,
            counted(counts.read, "record")
        )
    } else if let Some(outcome) = &pass.aggregate {
        format!(
            "pass {} {}{stage}{way}: {}, {}",
            pass.pass,
            pass.kind,
            counted(outcome.readings.read, "reading"),
            outcome.told(&counts)
        )
    } else {
        format!(
            "pass {} {}{stage}{way}: {} read{}",
            pass.pass,
            pass.kind,
            count(counts.read),
            outcomes.collect::<String>()
        )
    };
    if let Some(reverses) = pass.reverses {
        text += &format!(", rolls back pass {reverses}");
    }
    if let Some(undone_by) = pass.undone_by {
        text += &format!(", rolled back by pass {undone_by}");
    }
    if !pass.ended {
        text += ", unfinished";
    }
    text
}

/// An argument as a shell would need it.
fn quoted(argument: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "_-./=%:,+@<>".contains(letter);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

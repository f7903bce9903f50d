//! `history`: the runs that wrote.

use counterfoil::history::{RunPass, RunRecord};
use serde_json::json;

use super::answer::{Answer, json};
use super::failure::Failure;
use super::render::{bold, count, dim, moment, shown};
use super::session::Session;

/// Lists the runs that wrote to the store, newest first: who, when, why, and what became of how many records.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil history --limit 5")]
pub(crate) struct History {
    /// The most runs to list.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

impl History {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let store = session.open()?;
        let runs = counterfoil::history::history(&store, self.limit)?;
        let text: Vec<String> = runs.iter().map(told).collect();
        let more = runs.last().is_some_and(|run| run.run > 1);
        let answer = Answer::new(json!({ "runs": json(&runs) }), text.join("\n"));
        Ok(if more {
            answer.hint("older runs: a larger `--limit`")
        } else {
            answer
        })
    }
}

fn told(run: &RunRecord) -> String {
    let arguments: Vec<String> = run.arguments.iter().map(|argument| quoted(argument)).collect();
    let command = [vec![run.command.clone()], arguments].concat().join(" ");
    let mut text = format!("{} {}\n", bold(&format!("run {}", run.run)), shown(&command));
    text += &format!(
        "  {} by {} on {}, batches {} to {}\n",
        moment(&run.started),
        shown(&run.actor),
        shown(&run.host),
        run.batches.0,
        run.batches.1
    );
    if let Some(reason) = &run.reason {
        text += &format!("  {} {}\n", dim("why"), shown(reason));
    }
    for pass in run.passes.iter().filter(|pass| pass.kind != "init") {
        text += &format!("  {}\n", shown(&pass_told(pass)));
    }
    text
}

fn pass_told(pass: &RunPass) -> String {
    let stage = pass
        .stage
        .map(|stage| format!(" stage {stage}"))
        .unwrap_or_default();
    let route = match (&pass.source, &pass.target) {
        (Some(source), Some(target)) if source != target => format!(" {source} -> {target}"),
        (_, Some(target)) => format!(" {target}"),
        (Some(source), None) => format!(" {source}"),
        (None, None) => String::new(),
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
        .map(|(name, number)| format!(", {} {name}", count(*number)));
    let mut text = format!(
        "pass {} {}{stage}{route}: {} read{}",
        pass.pass,
        pass.kind,
        count(counts.read),
        outcomes.collect::<String>()
    );
    if let Some(reverses) = pass.reverses {
        text += &format!(", undoes pass {reverses}");
    }
    if let Some(undone_by) = pass.undone_by {
        text += &format!(", undone by pass {undone_by}");
    }
    if !pass.ended {
        text += ", not ended";
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

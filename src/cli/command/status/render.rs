//! The state of stages and databases, on the screen.

use counterfoil::history::{self, FileState, StageStatus};

use crate::cli::matching::queue;
use crate::cli::places::{self, left_for_quarantine};
use crate::cli::render::{bold, count, counted, route, shown, table};
use crate::cli::session::Session;
use crate::cli::unfinished;
use crate::cli::words::Tense;

pub(super) fn stages(stages: &[StageStatus]) -> String {
    if stages.is_empty() {
        return String::new();
    }
    let rows = stages.iter().map(|stage| {
        let mut row = vec![
            format!("{} {}", stage.number, stage.slug),
            route(&stage.source, &stage.target),
            stage.state.to_string(),
            file(stage.file).to_owned(),
            count(stage.counts.written),
        ];
        row.extend([stage.counts.filtered, stage.quarantined, stage.waiting].map(count));
        row
    });
    let header = [
        "stage",
        "route",
        "state",
        "file",
        ">written",
        ">filtered",
        ">quarantined",
        ">waiting",
    ];
    table(&header, rows) + "\n"
}

fn file(state: FileState) -> &'static str {
    match state {
        FileState::New => "new",
        FileState::Same => "as applied",
        FileState::Cosmetic => "new text, same meaning",
        FileState::Drifted => "CHANGED",
        FileState::OtherLanguage => "earlier language",
        FileState::Missing => "missing",
    }
}

pub(super) fn databases(status: &history::Status) -> String {
    let rows = status
        .databases
        .iter()
        .map(|database| vec![database.name.clone(), count(database.records)]);
    let mut text = if status.databases.is_empty() {
        "no database yet\n".to_owned()
    } else {
        table(&["database", ">records"], rows)
    };
    if status.rejected_lines > 0 {
        text += &format!(
            "{} rejected by `load`\n",
            counted(status.rejected_lines, "input line")
        );
    }
    text
}

/// The rows that stages in place have taken out of their databases.
pub(super) fn in_quarantine(session: &Session<'_>, status: &history::Status) -> String {
    let took = |stage: &&StageStatus| stage.source == stage.target && stage.quarantined > 0;
    let lines = status.stages.iter().filter(took).map(|stage| {
        let what = left_for_quarantine(session, &stage.target, stage.quarantined, None, Tense::Done);
        format!("stage {} {}: {what}\n", stage.number, shown(&stage.slug))
    });
    let lines: String = lines.collect();
    if lines.is_empty() {
        lines
    } else {
        format!("\n{lines}")
    }
}

/// The rows that are not what the stages would make of their sources.
pub(super) fn deviating(status: &history::Status) -> String {
    let lines = places::deviating(&status.deviations);
    if lines.is_empty() {
        lines
    } else {
        format!("\n{lines}")
    }
}

/// The pairs of merge stages that wait for a decision.
pub(super) fn in_review(status: &history::Status) -> String {
    let waiting = status.stages.iter().filter(|stage| stage.review > 0);
    let lines = waiting.map(|stage| {
        format!(
            "stage {} {}: {}\n",
            stage.number,
            shown(&stage.slug),
            queue(stage.review)
        )
    });
    let lines: String = lines.collect();
    if lines.is_empty() {
        lines
    } else {
        format!("\n{lines}")
    }
}

/// Lists the unfinished passes.
pub(super) fn not_finished(session: &Session<'_>, status: &history::Status) -> String {
    if status.unfinished.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", bold("Unfinished"));
    for pass in &status.unfinished {
        text += &format!("  {}\n", unfinished::render(session, pass));
    }
    text
}

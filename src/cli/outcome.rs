//! What became of records: the tables of passes and refusals that several commands end with.

use counterfoil::Stopped;
use counterfoil::apply::{ApplyReport, PassReport};
use counterfoil::ledger::PassKind;
use counterfoil::quarantine::quarantine_totals;
use counterfoil::store::Store;
use serde_json::{Value as Json, json};

use super::answer::{Answer, Exit, json};
use super::check::route;
use super::failure::Failure;
use super::progress::Progress;
use super::render::{bold, count, counted, table};
use super::session::Session;

/// The answer of a command that carried records through stages.
pub(crate) fn of_stages(
    session: &Session<'_>,
    store: &Store,
    project: &str,
    report: &ApplyReport,
    progress: &Progress,
) -> Result<Answer, Failure> {
    let refusing: Vec<u32> = report
        .passes
        .iter()
        .filter(|pass| pass.counts.refused > 0)
        .map(|pass| pass.stage)
        .collect();
    let refused = standing(store, project, |stage| {
        stage.is_some_and(|stage| refusing.contains(&stage))
    })?;
    let mut text = if report.passes.is_empty() {
        up_to_date(report)
    } else {
        passes(&report.passes, progress)
    };
    text += &refusals(&refused);
    let mut data = json(report);
    data["refusals"] = refusals_json(&refused);
    let cosmetic = report.cosmetic.iter().map(|stage| {
        format!("the text of stage {stage} has changed since it was applied, but not what it does")
    });
    let warnings = progress.warnings.iter().cloned().chain(cosmetic);
    let mut answer = Answer::new(data, text)
        .warnings(warnings)
        .refused_if(!refusing.is_empty());
    if !refused.is_empty() {
        answer = answer.hint(format!(
            "{}, then correct and {}",
            session.command("quarantine list"),
            session.command("quarantine retry")
        ));
    }
    Ok(match &report.stopped {
        Some(stopped) => answer.failed(stopped_early(stopped)),
        None => answer,
    })
}

fn up_to_date(report: &ApplyReport) -> String {
    let mut text = match report.up_to_date.len() {
        0 => "There is nothing to do.\n".to_owned(),
        stages => format!(
            "{}: nothing to do.\n",
            counted(stages as u64, "stage") + " up to date"
        ),
    };
    if report.quarantined > 0 {
        text += &format!("{} in quarantine.\n", counted(report.quarantined, "record"));
    }
    text
}

fn passes(passes: &[PassReport], progress: &Progress) -> String {
    let merges = passes.iter().any(|pass| pass.counts.merged > 0);
    let mut header = vec![
        "stage",
        "route",
        "state",
        ">read",
        ">written",
        ">unchanged",
        ">filtered",
        ">refused",
    ];
    if merges {
        header.push(">merged");
    }
    header.push(">records/s");
    let rows = passes.iter().map(|pass| {
        let counts = pass.counts;
        let mut row = vec![
            format!("{} {}", pass.stage, pass.slug),
            route(&pass.source, &pass.target),
            state(pass).to_owned(),
            count(counts.read),
            count(counts.written),
            count(counts.unchanged),
            count(counts.filtered),
            count(counts.refused),
        ];
        if merges {
            row.push(count(counts.merged));
        }
        row.push(progress.records_a_second(pass.pass));
        row
    });
    table(&header, rows.collect::<Vec<_>>())
}

fn state(pass: &PassReport) -> &'static str {
    match (pass.ended, pass.resumed, pass.kind) {
        (false, _, _) => "stopped",
        (true, true, _) => "resumed, done",
        (true, false, PassKind::Retry) => "tried again",
        (true, false, _) => "done",
    }
}

/// A refusal code of a stage (`None`: of a load), and how many records stand in quarantine for it.
pub(crate) type Standing = (Option<u32>, String, u64);

/// What stands in quarantine, by stage and code.
pub(crate) fn standing(
    store: &Store,
    project: &str,
    wanted: impl Fn(Option<u32>) -> bool,
) -> Result<Vec<Standing>, Failure> {
    let mut totals = quarantine_totals(store, project)?;
    totals.retain(|(stage, _, _)| wanted(*stage));
    Ok(totals)
}

/// The table of refusals; empty where there is none.
pub(crate) fn refusals(refused: &[Standing]) -> String {
    if refused.is_empty() {
        return String::new();
    }
    let rows = refused
        .iter()
        .map(|(stage, code, records)| vec![refused_by(*stage), code.clone(), count(*records)]);
    format!(
        "\n{}\n{}",
        bold("In quarantine"),
        table(&["refused by", "code", ">records"], rows)
    )
}

pub(crate) fn refusals_json(refused: &[Standing]) -> Json {
    refused
        .iter()
        .map(|(stage, code, records)| json!({ "stage": stage, "code": code, "records": records }))
        .collect()
}

/// `stage 2`, or `load`.
pub(crate) fn refused_by(stage: Option<u32>) -> String {
    stage.map_or_else(|| "load".to_owned(), |stage| format!("stage {stage}"))
}

/// Why a verb stopped before its end, and how to go on.
pub(crate) fn stopped_early(stopped: &Stopped) -> Failure {
    let go_on = "the same command again goes on from here";
    match stopped {
        Stopped::Asked => Failure::new(
            Exit::Stopped,
            "stopped.asked",
            "stopped as you asked; every batch up to here is committed",
        )
        .hint(go_on),
        Stopped::Time => Failure::new(
            Exit::Stopped,
            "stopped.time",
            "the time is up; every batch up to here is committed",
        )
        .hint(go_on),
        Stopped::ErrorLimit { refused, limit } => {
            let message = format!(
                "stopped: {} refused, and {} allowed; every batch up to here is committed",
                counted(*refused, "record"),
                count(*limit)
            );
            let hint = "see why with `counterfoil quarantine list`; correct the stage after `counterfoil rollback`, or go on \
                        with `counterfoil apply --max-errors N`";
            Failure::new(Exit::Stopped, "stopped.error_limit", message).hint(hint)
        }
        _ => Failure::new(Exit::Stopped, "stopped", "stopped before the end").hint(go_on),
    }
}

//! What became of records: the tables of passes and refusals that several commands end with.

use counterfoil::apply::{ApplyReport, PassReport};
use counterfoil::ledger::PassKind;
use counterfoil::project::Project;
use counterfoil::quarantine::{Selected, earlier_versions, quarantine_totals, quarantined, still_refusing};
use counterfoil::reconcile::StageReconciled;
use counterfoil::record::REDACTED;
use counterfoil::stage::{MaxErrors, OnError, Stage};
use counterfoil::store::Store;
use counterfoil::{Error, Stopped};
use serde_json::{Value as Json, json};

use super::alike;
use super::answer::{Answer, Exit, json};
use super::check::route;
use super::failure::Failure;
use super::masking::redactions_with;
use super::places::{self, Told, left_for_quarantine};
use super::progress::Progress;
use super::reconcile::{in_short, left_open, mask, still_open};
use super::render::{bold, count, counted, table, word};
use super::session::Session;
use super::shown_ids::ShownIds;

/// The limits of errors that the command line gives, whatever the stages say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) max_errors: Option<MaxErrors>,
    pub(crate) on_error: Option<OnError>,
}

/// What stands in quarantine after a command that carried records through stages.
pub(crate) struct Left {
    /// All of it.
    pub(crate) totals: Vec<Standing>,
    /// The passes of the command that have refused some of it.
    pub(crate) passes: Vec<i64>,
}

impl Left {
    /// What stands in the store.
    pub(crate) fn of(store: &Store, project: &Project, report: &ApplyReport) -> Result<Self, Failure> {
        let passes: Vec<i64> = report.passes.iter().map(|pass| pass.pass).collect();
        Ok(Self {
            totals: standing(store, project.name(), |_| true)?,
            passes: still_refusing(store, &passes)?,
        })
    }
}

/// The answer of a command that carried records through stages.
pub(crate) fn of_stages(
    session: &Session<'_>,
    store: &Store,
    project: &Project,
    report: &ApplyReport,
    left: Left,
    limits: Limits,
    progress: &Progress,
) -> Result<Answer, Failure> {
    let stands = |pass: &&PassReport| left.passes.contains(&pass.pass);
    let refusing: Vec<u32> = report
        .passes
        .iter()
        .filter(stands)
        .map(|pass| pass.stage)
        .collect();
    let mut refused = left.totals;
    refused.retain(|(stage, _, _)| stage.is_some_and(|stage| refusing.contains(&stage)));
    let mut report = report.clone();
    mask(
        &mut report.reconciled,
        project.stages(),
        &redactions_with(store, project.stages().iter())?,
    );
    let report = &report;
    let mut text = if report.passes.is_empty() {
        up_to_date(report)
    } else {
        passes(&report.passes, progress)
    };
    text += &refusals(&refused);
    text += &in_short(&report.reconciled);
    let mut data = json(report);
    data["refusals"] = refusals_json(&refused);
    let cosmetic = report.cosmetic.iter().map(|stage| {
        format!("the text of stage {stage} has changed since it was applied, but not what it does")
    });
    let counted_warnings = report.passes.iter().flat_map(|pass| warned(project, pass));
    let warnings = progress
        .warnings
        .iter()
        .cloned()
        .chain(cosmetic)
        .chain(counted_warnings)
        .chain(gone(session, store, project, &refused)?)
        .chain(staying(store, project, &refusing)?)
        .chain(held_back(project, report))
        .chain(alike::after(store, project, &report.passes)?);
    let mut answer = Answer::new(data, text)
        .warnings(warnings)
        .refused_if(!refusing.is_empty());
    let own_hint = matches!(
        report.stopped,
        Some(Stopped::ErrorLimit { .. } | Stopped::Contract { .. })
    );
    if !refused.is_empty() && !own_hint {
        answer = answer.hint(format!(
            "{}, then correct and {}",
            session.command("quarantine list"),
            session.command("quarantine retry")
        ));
    }
    Ok(match &report.stopped {
        Some(stopped) => answer.failed(which_stopped(session, project, report, stopped, limits)),
        None if report.reconciled.iter().all(StageReconciled::is_reconciled) => {
            still_open(session, project, answer, &report.unreconciled)
        }
        None => left_open(session, answer, &report.reconciled),
    })
}

/// Why it stopped, and which stage.
fn which_stopped(
    session: &Session<'_>,
    project: &Project,
    report: &ApplyReport,
    stopped: &Stopped,
    limits: Limits,
) -> Failure {
    let mut failure = stopped_early(stopped);
    let own = matches!(stopped, Stopped::ErrorLimit { .. } | Stopped::Contract { .. });
    let first = report.passes.iter().find(|pass| !pass.ended);
    let Some(pass) = first.filter(|_| own) else {
        return failure;
    };
    failure.message = format!("stage {} {} {}", pass.stage, pass.slug, failure.message);
    let stage = project.stages().get(pass.stage);
    if let Stopped::Contract { .. } = stopped {
        failure = failure.hint(after_the_contract(session));
    }
    if let (Stopped::ErrorLimit { .. }, Some(stage)) = (stopped, stage) {
        failure.message += &format!(" ({})", which_limit(stage, limits));
        failure = failure.hint(after_the_limit(session, stops_at_once(stage, limits)));
    }
    failure
}

/// How to go on where more was refused than allowed.
pub(super) fn after_the_limit(session: &Session<'_>, stops_at_once: bool) -> String {
    let go_on = if stops_at_once {
        "apply --on-error quarantine --max-errors N"
    } else {
        "apply --max-errors N"
    };
    format!(
        "{} says why; correct the records and load them, or let them go with {}: the next {} goes on; or go on as it is \
         with {}; or correct the stage after {}",
        session.command("quarantine list"),
        session.command("quarantine waive --all --reason TEXT"),
        session.command("apply"),
        session.command(go_on),
        session.command("rollback")
    )
}

/// How to go on where a contract has refused that lets nothing be refused.
pub(super) fn after_the_contract(session: &Session<'_>) -> String {
    format!(
        "{} says why; correct the records and load them, or let them go with {}: the next {} goes on; or correct the stage \
         after {}",
        session.command("quarantine list"),
        session.command("quarantine waive --all --reason TEXT"),
        session.command("apply"),
        session.command("rollback")
    )
}

/// Stages that stopped after the first that did, and those that have to wait for any of them.
fn held_back(project: &Project, report: &ApplyReport) -> Vec<String> {
    let own = matches!(
        report.stopped,
        Some(Stopped::ErrorLimit { .. } | Stopped::Contract { .. })
    );
    let open = report.passes.iter().filter(|pass| !pass.ended);
    let others = open.skip(1).filter(|_| own).map(|pass| {
        let refused = counted(pass.counts.refused, "record");
        format!(
            "stage {} {} stopped too: {refused} refused",
            pass.stage, pass.slug
        )
    });
    let waiting = report.held_back.iter().map(|held| {
        let slug = project.stages().get(held.stage).map_or("", Stage::slug);
        format!(
            "stage {} {slug} was left as it is: it waits for stage {}, which is not up to date",
            held.stage, held.by
        )
    });
    others.chain(waiting).collect()
}

/// The rows that these stages have taken out of their databases for quarantine.
fn gone(
    session: &Session<'_>,
    store: &Store,
    project: &Project,
    refused: &[Standing],
) -> Result<Vec<String>, Failure> {
    let (mut told, mut ids) = (Vec::new(), None);
    for stage in project.stages().iter().filter(|stage| stage.in_place()) {
        let its = refused.iter().filter(|(by, ..)| *by == Some(stage.number()));
        let rows = its.map(|(_, _, records)| records).sum();
        if rows == 0 {
            continue;
        }
        let selected = Selected {
            stage: Some(stage.number()),
            ..Selected::default()
        };
        let first = quarantined(store, project.name(), &selected, 1)?.pop();
        if ids.is_none() {
            ids = Some(ShownIds::of(session, store)?);
        }
        let shown = |id| ids.as_ref().map(|ids| ids.shown_first(Some(stage.source()), id));
        let id = first.and_then(|refused| refused.id).and_then(shown);
        let id = id.filter(|id| id != REDACTED);
        told.push(left_for_quarantine(
            session,
            stage.target(),
            rows,
            id.as_deref(),
            Told::Done,
        ));
    }
    Ok(told)
}

/// Corrections that these stages have refused, and whose earlier versions stay.
fn staying(store: &Store, project: &Project, stages: &[u32]) -> Result<Vec<String>, Failure> {
    let earlier = earlier_versions(store, project.name())?.into_iter();
    let earlier = earlier.filter(|(stage, ..)| stages.contains(stage));
    let told = earlier.map(|(stage, target, records)| {
        let of = counted(records, "refused correction");
        format!(
            "{of} of stage {stage}: the earlier versions stay in {target} until the corrections are let in"
        )
    });
    Ok(told.collect())
}

/// Whether the first refusal stops a stage.
fn stops_at_once(stage: &Stage, given: Limits) -> bool {
    given.on_error.unwrap_or(stage.on_error()) == OnError::Stop
}

/// Where the limit of errors comes from.
fn which_limit(stage: &Stage, given: Limits) -> String {
    if given.on_error == Some(OnError::Stop) {
        return "--on-error stop".to_owned();
    }
    if given.on_error.is_none() && stage.on_error() == OnError::Stop {
        return format!("stage {} has on_error = \"stop\"", stage.number());
    }
    let written = |limit: MaxErrors| match limit {
        MaxErrors::Count(count) => count.to_string(),
        MaxErrors::Share(share) => format!("{share}% of the source"),
    };
    match (given.max_errors, stage.max_errors()) {
        (Some(limit), _) => format!("--max-errors: {}", written(limit)),
        (None, MaxErrors::Share(share)) if share.to_string() == "1" => {
            "1% of the source, the default of max_errors".to_owned()
        }
        (None, limit) => format!("max_errors of stage {}: {}", stage.number(), written(limit)),
    }
}

/// What a pass counted that is no refusal, for people.
fn warned(project: &Project, pass: &PassReport) -> Vec<String> {
    let stage = project.stages().get(pass.stage);
    let one = |(code, times): (&String, &u64)| {
        let what = places::warned(stage, &pass.target, code, *times, Told::Done);
        format!("stage {} {}: {what}", pass.stage, pass.slug)
    };
    pass.warnings.iter().map(one).collect()
}

/// What the library could not do with the stages. That a stage's file is gone is no changed meaning.
pub(crate) fn of_the_library(session: &Session<'_>, project: &Project, error: Error) -> Failure {
    let Error::Drift { number, slug, .. } = &error else {
        return Failure::from(error);
    };
    if project.stages().get(*number).is_some() {
        return Failure::from(error);
    }
    let message = format!("stage {number} ({slug}) was applied, and its file is gone");
    let before = project
        .stages()
        .iter()
        .map(Stage::number)
        .filter(|other| other < number);
    let roll_back = format!("rollback --to {}", before.max().unwrap_or(0));
    let store = session.store_file().unwrap_or_else(|_| "STORE".into());
    Failure::new(Exit::Drift, "stage.missing", message).hint(format!(
        "put {number:04}_{slug}.toml back: the ledger has its text (sqlite3 {} \"SELECT source_text FROM ledger_stage \
         WHERE project='{}' AND number={number} ORDER BY stage DESC LIMIT 1\"); or roll it back: {}",
        word(&store.display().to_string()),
        project.name(),
        session.command(&roll_back)
    ))
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

/// The column of what came out of the records written, where it is not one of each.
pub(super) const OUT: &str = ">out";

fn passes(passes: &[PassReport], progress: &Progress) -> String {
    let merges = passes.iter().any(|pass| pass.counts.merged > 0);
    let several = passes.iter().any(|pass| pass.out != pass.counts.written);
    let mut header = vec!["stage", "route", "state", ">read", ">written"];
    if several {
        header.push(OUT);
    }
    header.extend([">unchanged", ">filtered", ">refused"]);
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
        ];
        if several {
            row.push(count(pass.out));
        }
        row.extend([counts.unchanged, counts.filtered, counts.refused].map(count));
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

/// That a command stopped that commits nothing: there is nothing to go on with.
pub(crate) fn stopped_reading() -> Failure {
    let message = "stopped as you asked; nothing was changed";
    Failure::new(Exit::Stopped, "stopped.asked", message).hint("the same command begins again")
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
        Stopped::Contract { refused } => {
            let message = format!(
                "stopped: {} refused by a contract in the mode `refuse`; every batch up to here is committed",
                counted(*refused, "record")
            );
            Failure::new(Exit::Stopped, "stopped.contract", message)
        }
        Stopped::ErrorLimit { refused, limit } => {
            let message = format!(
                "stopped: {} refused, and {} allowed; every batch up to here is committed",
                counted(*refused, "record"),
                count(*limit)
            );
            Failure::new(Exit::Stopped, "stopped.error_limit", message)
        }
        _ => Failure::new(Exit::Stopped, "stopped", "stopped before the end").hint(go_on),
    }
}

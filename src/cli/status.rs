//! `status`: where the project stands.

use std::time::Duration;

use counterfoil::Error;
use counterfoil::history::{FileState, Health, RefusedBy, Since, StageStatus, Status as Standing};
use counterfoil::ledger::{PassKind, StageState};
use counterfoil::stage::{OnError, Stage, Stages};
use counterfoil::store::Store;

use super::answer::{Answer, json};
use super::check::route;
use super::failure::Failure;
use super::places::{self, Told, left_for_quarantine};
use super::render::{bold, count, counted, dim, moment, short, shown, table};
use super::session::{Session, stages_of};
use super::values::duration;

/// Shows where every stage stands, what the databases hold, and what to do next.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  counterfoil status\n  counterfoil status --check --since 24h --json")]
pub(crate) struct Status {
    /// For monitoring: the last run, what is not finished, how old the quarantine is, and since when the ledger is unsigned.
    /// The exit code is 3 where the newest load of a database has refused records that still stand in quarantine, or the
    /// newest run of a stage (unless a database that feeds the stage was loaded since), and 0 otherwise. Where a database is
    /// loaded several times between two looks, say --since.
    #[arg(long)]
    check: bool,
    /// With --check: 3 where records were refused in so much time before now, by whatever run: 30m, 24h.
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "check")]
    since: Option<Duration>,
}

impl Status {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        if self.check {
            return self.checked(session);
        }
        let project = session.stages()?;
        let store = session.open_to_read()?;
        let status = counterfoil::history::status(&store, &*stages_of(project.as_ref())?)?;
        let mut text = String::new();
        if let Some(project) = &project {
            session.warn_of_another_name(&store, project.name())?;
            session.warn_of_absent_sources(&store, project)?;
            text += &format!("{} {}\n\n", dim("project"), bold(project.name()));
        }
        text += &stages(&status.stages);
        text += &databases(&status);
        text += &in_quarantine(session, &status);
        text += &deviating(&status);
        text += &unfinished(session, &status);
        let unsigned = status.signed.filter(|signed| signed.unsigned > 0);
        let unsigned = unsigned.map(|signed| format!(", unsigned since batch {}", signed.batch + 1));
        text += &format!(
            "\n{} {} batches, tree size {}, root {}, origin {}{}\n",
            dim("ledger"),
            count(status.batches.unsigned_abs()),
            count(status.tree_size),
            short(&status.tree_root),
            status.origin,
            unsigned.unwrap_or_default()
        );
        let mut answer = Answer::new(json(&status), text);
        let stages = stages_of(project.as_ref())?;
        let next = match store.objection() {
            Some(objection) => super::failure::advice(objection).1,
            None => next(session, &stages, &status, obstacle(&store, &stages)?),
        };
        if let Some(next) = next {
            answer = answer.hint(next);
        }
        Ok(answer)
    }
}

impl Status {
    fn checked(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.settings()?.name;
        let store = session.open_to_read()?;
        let since = self.since.map_or(Since::LastRun, |time| {
            Since::Time(i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
        });
        let health = counterfoil::history::health(&store, &project, since)?;
        let mut answer = Answer::new(json(&health), healthy(session, &health));
        if health.refused_since > 0 {
            answer = answer.hint(session.command("quarantine list"));
        }
        Ok(answer.refused_if(health.refused_since > 0))
    }
}

/// How a store does, line by line.
fn healthy(session: &Session<'_>, health: &Health) -> String {
    let ago = |seconds: u64| format!("{} ago", age(seconds));
    let last = health.last_run.as_ref().map_or("none".to_owned(), |run| {
        format!(
            "{} {}, {} ({})",
            run.run,
            shown(&run.command),
            moment(&run.at),
            ago(run.age)
        )
    });
    let quarantine = match (&health.oldest_refusal, health.oldest_refusal_age) {
        (Some(at), Some(seconds)) => format!(
            "{}, the oldest since {} ({})",
            counted(health.quarantined, "record"),
            moment(at),
            ago(seconds)
        ),
        _ => "empty".to_owned(),
    };
    let signed = match health.signed {
        None => "no".to_owned(),
        Some(signed) if signed.unsigned == 0 => "yes".to_owned(),
        Some(signed) => format!("no, unsigned since batch {}", signed.batch + 1),
    };
    let unfinished = health
        .unfinished
        .iter()
        .map(|pass| super::unfinished::told(session, pass));
    let unfinished: Vec<String> = unfinished.collect();
    let unfinished = if unfinished.is_empty() {
        "nothing".to_owned()
    } else {
        unfinished.join("; ")
    };
    let refused = if health.refused_by.is_empty() {
        "nothing new".to_owned()
    } else {
        let by = health.refused_by.iter().map(refused_by).collect::<Vec<_>>();
        format!("{}: {}", counted(health.refused_since, "record"), by.join(", "))
    };
    format!(
        "last run    {last}\nunfinished  {unfinished}\nquarantine  {quarantine}\nrefused     {refused}\nsigned      {signed}\n",
    )
}

fn refused_by(by: &RefusedBy) -> String {
    let who = match by.stage {
        Some(number) => format!("stage {number}"),
        None => format!("the load of {}", shown(&by.database)),
    };
    format!("{} by {who} (run {})", count(by.records), by.run)
}

/// A span of time, roughly.
fn age(seconds: u64) -> String {
    match seconds {
        0..120 => counted(seconds, "second"),
        120..7_200 => counted(seconds / 60, "minute"),
        7_200..172_800 => counted(seconds / 3_600, "hour"),
        _ => counted(seconds / 86_400, "day"),
    }
}

fn stages(stages: &[StageStatus]) -> String {
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
        FileState::OtherLanguage => "other language",
        FileState::Missing => "missing",
    }
}

fn databases(status: &Standing) -> String {
    let rows = status
        .databases
        .iter()
        .map(|(name, records)| vec![name.clone(), count(*records)]);
    let mut text = if status.databases.is_empty() {
        "no database yet\n".to_owned()
    } else {
        table(&["database", ">records"], rows)
    };
    if status.refused_at_the_door > 0 {
        text += &format!(
            "{} refused at the door by loads\n",
            super::render::counted(status.refused_at_the_door, "line")
        );
    }
    text
}

/// The rows that stages in place have taken out of their databases.
fn in_quarantine(session: &Session<'_>, status: &Standing) -> String {
    let took = |stage: &&StageStatus| stage.source == stage.target && stage.quarantined > 0;
    let lines = status.stages.iter().filter(took).map(|stage| {
        let what = left_for_quarantine(session, &stage.target, stage.quarantined, None, Told::Done);
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
fn deviating(status: &Standing) -> String {
    let lines = places::deviating(&status.deviations);
    if lines.is_empty() {
        lines
    } else {
        format!("\n{lines}")
    }
}

/// The passes that stand open.
fn unfinished(session: &Session<'_>, status: &Standing) -> String {
    if status.unfinished.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", bold("Not finished"));
    for pass in &status.unfinished {
        text += &format!("  {}\n", super::unfinished::told(session, pass));
    }
    text
}

/// What keeps `apply` from beginning, and what to do about it; a drifted stage is told otherwise.
fn obstacle(store: &Store, stages: &Stages) -> Result<Option<String>, Failure> {
    Ok(match counterfoil::apply::obstacle(store, stages)? {
        Some(Error::Invalid { message, hint }) => Some(format!("{message}: {}", hint.unwrap_or_default())),
        _ => None,
    })
}

/// What to do next, the most pressing first.
fn next(
    session: &Session<'_>,
    files: &Stages,
    status: &Standing,
    obstacle: Option<String>,
) -> Option<String> {
    let any = |wanted: fn(&StageStatus) -> bool| status.stages.iter().find(|stage| wanted(stage));
    if let Some(stage) = any(|stage| stage.file == FileState::Missing) {
        return Some(format!(
            "the file of stage {} is missing: {} tells how to get it back",
            stage.number,
            session.command("apply")
        ));
    }
    if let Some(stage) = any(|stage| stage.file == FileState::Drifted) {
        return Some(format!(
            "stage {} was applied with another file: {} shows the difference",
            stage.number,
            session.command("apply")
        ));
    }
    if let Some(stage) = any(|stage| stage.file == FileState::OtherLanguage) {
        return Some(format!(
            "stage {} was applied in an earlier language of stages, which reads some of it otherwise (docs/language.md): {} \
             says how to go on",
            stage.number,
            session.command("apply")
        ));
    }
    if let Some(running) = status.unfinished.iter().find_map(|pass| pass.running.as_ref()) {
        return Some(format!("wait for what runs ({running})"));
    }
    let open = |kind: PassKind| status.unfinished.iter().find(|pass| pass.kind == kind);
    if let Some(rollback) = open(PassKind::Rollback) {
        return Some(format!(
            "a rollback was interrupted: {} goes on",
            super::unfinished::command(session, &rollback.go_on)
        ));
    }
    if let Some(load) = open(PassKind::Load) {
        return Some(super::unfinished::told(session, load));
    }
    if obstacle.is_some() {
        return obstacle;
    }
    if let Some(stage) = any(|stage| stage.state == StageState::Unreconciled) {
        let reconcile = session.command(&format!("reconcile --stage {}", stage.number));
        return Some(format!(
            "stage {} leaves something unexplained: {reconcile} names it",
            stage.number
        ));
    }
    if let Some(stage) = any(|stage| stage.state == StageState::Applying) {
        return Some(of_open_stage(session, files, status, stage));
    }
    if status.databases.is_empty() {
        return Some(session.command("load DATABASE FILE"));
    }
    if any(|stage| stage.waiting > 0 || stage.state == StageState::Pending).is_some() {
        return Some(session.command("apply"));
    }
    if any(|stage| stage.quarantined > 0).is_some() || status.refused_at_the_door > 0 {
        return Some(session.command("quarantine list"));
    }
    None
}

/// How a stage goes on that has begun and not ended.
fn of_open_stage(session: &Session<'_>, files: &Stages, status: &Standing, stage: &StageStatus) -> String {
    let file = files.get(stage.number);
    let stops_at_once = file.is_some_and(|file| file.on_error() == OnError::Stop);
    let allowed = file.map(|file| allowed(file, stage, status));
    if let Some(allowed) = allowed.filter(|allowed| stage.quarantined > *allowed) {
        return format!(
            "stage {} has refused {} where its limit allows {}: {}",
            stage.number,
            counted(stage.quarantined, "record"),
            count(allowed),
            super::outcome::after_the_limit(session, stops_at_once)
        );
    }
    if stage.halted > 0 {
        return format!(
            "the contract of stage {} lets nothing be refused, and has refused {}: {}",
            stage.number,
            counted(stage.halted, "record"),
            super::outcome::after_the_contract(session)
        );
    }
    format!(
        "stage {} was interrupted: {} goes on",
        stage.number,
        session.command("apply")
    )
}

/// How many refusals a stage allows by itself, as the apply that began it has counted its source.
fn allowed(file: &Stage, stage: &StageStatus, status: &Standing) -> u64 {
    if file.on_error() == OnError::Stop {
        return 0;
    }
    let databases = status.databases.iter();
    let in_source = databases
        .filter(|(name, _)| **name == stage.source)
        .map(|(_, records)| *records)
        .sum::<u64>();
    let taken_out = if file.in_place() { stage.quarantined } else { 0 };
    file.max_errors().of(in_source + taken_out)
}

//! `quarantine`: the refused records.

use std::time::Duration;

use counterfoil::apply::ApplyOptions;
use counterfoil::quarantine::{
    Quarantined, RefusedInput, Selected, has_earlier_version, quarantined, refused_input, retry, waive,
};
use counterfoil::record::Value;
use counterfoil::refusal::Refusal;
use counterfoil::stage::Stage;
use counterfoil::store::Store;
use serde_json::json;

use super::answer::{Answer, Exit, json};
use super::check::route;
use super::failure::Failure;
use super::masking::redactions;
use super::mending::mend;
use super::outcome::{Limits, of_stages, of_the_library, refusals_json, refused_by, standing};
use super::progress::Progress;
use super::render::{
    bold, count, counted, dim, envelope_json, indented, moment, shown, shown_json, table, word,
};
use super::session::Session;
use super::signals::stop_signal;
use super::test::no_stage;
use super::values::{duration, stage_number};

/// Lists, shows, tries again or lets go the refused records.
///
/// A refused record is never lost: its reason and its image stay in the ledger until it passes or is waived.
#[derive(clap::Args, Debug)]
#[command(arg_required_else_help = true)]
pub(crate) struct Quarantine {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    List(List),
    Show(Show),
    Retry(Retry),
    Waive(Waive),
}

/// Which refused records.
#[derive(clap::Args, Debug)]
struct Choice {
    /// Only what this stage refused.
    #[arg(long, value_name = "N", value_parser = stage_number)]
    stage: Option<u32>,
    /// Only what was refused with this code.
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Only the record with this id.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Only the record with this number; lines that a load refused have no id.
    #[arg(long, value_name = "NUMBER")]
    record: Option<i64>,
}

impl Choice {
    fn selected(&self) -> Selected {
        Selected {
            stage: self.stage,
            code: self.code.clone(),
            record: self.record,
            id: self.id.clone(),
        }
    }

    fn ids(&self) -> Vec<&str> {
        self.id.as_deref().into_iter().collect()
    }

    /// Refuses an id or a number that is not in quarantine, which is a slip of the pen.
    fn exists(&self, store: &Store, project: &str) -> Result<(), Failure> {
        let named = Selected {
            record: self.record,
            id: self.id.clone(),
            ..Selected::default()
        };
        if named == Selected::default() || !quarantined(store, project, &named, 1)?.is_empty() {
            return Ok(());
        }
        let found = quarantined(store, project, &Selected::default(), 5)?;
        let told = found.iter().map(|refused| match &refused.id {
            Some(id) => format!("id {id}"),
            None => format!("record {}", refused.record),
        });
        let listed: Vec<String> = told.collect();
        let hint = if listed.is_empty() {
            "the quarantine is empty".to_owned()
        } else {
            format!("in quarantine are, among others: {}", listed.join(", "))
        };
        Err(Failure::usage(
            "quarantine.missing",
            "no such record is in quarantine",
            hint,
        ))
    }

    fn is_everything(&self) -> bool {
        self.selected() == Selected::default()
    }
}

/// Lists the refused records with their reasons.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil quarantine list --stage 1 --code address.unparsed")]
struct List {
    #[command(flatten)]
    choice: Choice,
    /// The most records to list; all are counted.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

/// Shows refused records with everything that is wrong with them and their input, redacted values masked.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil quarantine show ORD-2024-007")]
struct Show {
    /// The record's id.
    #[arg(required_unless_present = "record")]
    id: Option<String>,
    /// The record's number; lines that a load refused have no id.
    #[arg(long, value_name = "NUMBER", conflicts_with = "id")]
    record: Option<i64>,
}

/// Runs refused records through their stage again, and through every later stage that was applied.
///
/// They are read as their source is now: correct it first, with a new load or a new revision of the stage.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil quarantine retry --stage 1")]
struct Retry {
    #[command(flatten)]
    choice: Choice,
    /// Lets the stage go on with its changed meaning.
    #[arg(long, requires = "reason")]
    revise: bool,
    /// Stops after the batch at hand when so much time is over: 30s, 5m, 2h.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_time: Option<Duration>,
    /// Why, for the ledger.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Lets refused records go: they leave quarantine, and the ledger says who waived them and why.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  counterfoil quarantine waive --code json.syntax --reason \"trailer lines\""
)]
struct Waive {
    #[command(flatten)]
    choice: Choice,
    /// Waives everything that stands in quarantine.
    #[arg(long)]
    all: bool,
    /// Why, for the ledger.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Quarantine {
    pub(crate) fn name(&self) -> &'static str {
        match self.action {
            Action::List(_) => "quarantine list",
            Action::Show(_) => "quarantine show",
            Action::Retry(_) => "quarantine retry",
            Action::Waive(_) => "quarantine waive",
        }
    }

    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        match &self.action {
            Action::List(list) => list.run(session),
            Action::Show(show) => show.run(session),
            Action::Retry(retry) => retry.run(session),
            Action::Waive(waive) => waive.run(session),
        }
    }
}

impl List {
    fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.settings()?.name;
        let store = session.open()?;
        let totals = standing(&store, &project, |stage| {
            self.choice.stage.is_none_or(|only| stage == Some(only))
        })?;
        let found = quarantined(&store, &project, &self.choice.selected(), self.limit)?;
        let data = json!({ "totals": refusals_json(&totals), "records": json(&found) });
        if found.is_empty() {
            let text = if self.choice.selected() == Selected::default() {
                "Nothing is in quarantine.\n"
            } else {
                "Nothing like that is in quarantine.\n"
            };
            return Ok(Answer::new(data, text));
        }
        let rows = totals
            .iter()
            .map(|(stage, code, records)| vec![refused_by(*stage), code.clone(), count(*records)]);
        let mut text = table(&["refused by", "code", ">records"], rows) + "\n";
        text += &table(
            &[">record", "id", "refused by", "route", "code", "why", "when"],
            found.iter().map(row),
        );
        let mut answer = Answer::new(data, "");
        if found.len() == self.limit {
            text += &dim(&format!(
                "at most {} are listed; more with --limit\n",
                counted(self.limit as u64, "record")
            ));
        }
        answer.text = text;
        let example = found
            .iter()
            .find_map(|refused| refused.id.as_deref().map(|id| word(id).into_owned()))
            .unwrap_or_else(|| format!("--record {}", found[0].record));
        Ok(answer.hint(session.command(&format!("quarantine show {example}"))))
    }
}

/// Where it came from, a file or a database, and where it would have gone.
fn way(refused: &Quarantined) -> String {
    let names = [&refused.source, &refused.database].map(|name| name.as_deref().unwrap_or_default());
    route(names[0], names[1])
}

fn row(refused: &Quarantined) -> Vec<String> {
    let first = refused.reason.violations.first();
    let place = match (refused.reason.line, first) {
        (Some(line), _) => format!("line {line}"),
        (None, Some(violation)) if !violation.pointer.is_empty() => violation.pointer.clone(),
        _ => String::new(),
    };
    let expected = first
        .and_then(|violation| violation.expected.clone())
        .map(|expected| format!("expected {expected}"));
    let more = match refused.reason.violations.len() {
        0 | 1 => None,
        all => Some(format!("and {} more", all - 1)),
    };
    let why = [Some(place).filter(|place| !place.is_empty()), expected, more];
    vec![
        refused.record.to_string(),
        refused.id.clone().unwrap_or_default(),
        refused_by(refused.stage),
        way(refused),
        refused.reason.code.to_string(),
        why.into_iter().flatten().collect::<Vec<_>>().join(", "),
        moment(&refused.at),
    ]
}

impl Show {
    fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.settings()?.name;
        let store = session.open()?;
        let redact = redactions(session, &store)?;
        let selected = Selected {
            record: self.record,
            id: self.id.clone(),
            ..Selected::default()
        };
        let found = quarantined(&store, &project, &selected, 100)?;
        if found.is_empty() {
            return Err(Failure::new(
                Exit::Failed,
                "quarantine.missing",
                "no such record is in quarantine",
            )
            .hint(format!("{} lists what is", session.command("quarantine list"))));
        }
        let (mut text, mut records) = (Vec::new(), Vec::new());
        for refused in &found {
            let input = refused_input(&store, refused, &redact)?;
            let stands = has_earlier_version(&store, refused)?;
            text.push(told(refused, &input, stands));
            let mut record = json(refused);
            record["input"] = json(&input);
            record["earlier_version"] = json!(stands);
            records.push(record);
        }
        let answer = Answer::new(json!({ "records": records }), text.join("\n"));
        Ok(answer.hint(next(session, &store, &found)?))
    }
}

fn next(session: &Session<'_>, store: &Store, found: &[Quarantined]) -> Result<String, Failure> {
    let retry = found
        .iter()
        .find(|refused| refused.stage.is_some())
        .and_then(|refused| refused.id.as_deref());
    let chosen = match found.first() {
        Some(Quarantined { id: Some(id), .. }) => id_option(id),
        Some(refused) => format!("--record {}", refused.record),
        None => "--all".to_owned(),
    };
    let waive = session.command(&format!("quarantine waive {chosen} --reason TEXT"));
    Ok(match retry {
        Some(id) => format!(
            "correct its source or the stage, then {}; or {waive}",
            session.command(&format!("quarantine retry {}", id_option(id)))
        ),
        None => match found.first() {
            Some(refused) => format!("{}; or {waive}", mend(session, store, refused)?),
            None => waive,
        },
    })
}

fn told(refused: &Quarantined, input: &RefusedInput, stands: bool) -> String {
    let id = refused
        .id
        .as_deref()
        .map(|id| format!(" {}", shown(id)))
        .unwrap_or_default();
    let mut text = format!("{}{id}\n", bold(&format!("record {}", refused.record)));
    let slug = refused.slug.as_deref().unwrap_or_default();
    let names = [&refused.source, &refused.database].map(|name| name.as_deref().unwrap_or_default());
    text += &format!(
        "  refused by {} {} ({}) at {}, batch {}\n",
        refused_by(refused.stage),
        shown(slug),
        shown(&route(names[0], names[1])),
        moment(&refused.at),
        refused.batch
    );
    text += &violations(&refused.reason);
    if stands {
        text += &format!(
            "  an earlier version of it stays in {} until this one is let in\n",
            shown(names[1])
        );
    }
    match (&input.data, input.withheld) {
        (Some(data), _) => {
            text += &format!("  {}\n{}\n", dim("input"), indented(&pretty(data), 4));
        }
        (None, true) => {
            text += "  its input cannot be read as a record, and stages redact fields: not shown\n";
        }
        (None, false) => text += "  its input is not kept any more\n",
    }
    text
}

fn violations(reason: &Refusal) -> String {
    let mut text = format!("  {} {}", dim("code"), bold(&shown(&reason.code)));
    if let Some(line) = reason.line {
        text += &format!(", line {line}");
    }
    text.push('\n');
    for violation in &reason.violations {
        let place = if violation.pointer.is_empty() {
            "the record"
        } else {
            &violation.pointer
        };
        let mut line = format!("at {place}");
        if violation.code != reason.code {
            line += &format!(": {}", violation.code);
        }
        if let Some(expected) = &violation.expected {
            line += &format!(": expected {expected}");
        }
        if let Some(rule) = &violation.rule {
            line += &format!(" ({rule})");
        }
        if violation.preexisting {
            line += ", already before the stage";
        }
        text += &format!("    {}\n", shown(&line));
    }
    text
}

/// JSON over several lines, number texts as they are; any other text as it is.
pub(crate) fn pretty(data: &str) -> String {
    match Value::parse(data) {
        Ok(value) => shown_json(&format!("{:#}", envelope_json(&value))).into_owned(),
        Err(_) => shown(data).into_owned(),
    }
}

impl Retry {
    fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.project()?;
        let options = ApplyOptions {
            max_time: self.max_time,
            revise: self.revise,
            purpose: session.purpose("quarantine retry", self.reason.as_deref(), &self.choice.ids()),
            stop: stop_signal(*session.screen)?,
            ..ApplyOptions::default()
        };
        let mut store = session.open()?;
        let mut progress = Progress::new(*session.screen);
        let selected = self.choice.selected();
        if let Some(number) = self
            .choice
            .stage
            .filter(|number| project.stages().get(*number).is_none())
        {
            return Err(no_stage(project.stages().iter().map(Stage::number), number));
        }
        self.choice.exists(&store, project.name())?;
        let mut lines = quarantined(&store, project.name(), &selected, usize::MAX)?;
        let all = lines.len();
        lines.retain(|refused| refused.stage.is_none());
        let only_lines = lines.len() == all;
        let report = retry(&mut store, project.stages(), &selected, &options, &mut progress);
        progress.finish();
        let mended = lines
            .first()
            .map(|line| mend(session, &store, line))
            .transpose()?;
        let report = report.map_err(|error| {
            let failure = of_the_library(session, &project, error);
            match (&mended, lines.first()) {
                (Some(mended), Some(line)) if only_lines => {
                    let waive = format!("quarantine waive --record {} --reason TEXT", line.record);
                    let waive = session.command(&waive);
                    failure.hint(format!(
                        "{mended}; it leaves quarantine when it passes, and {waive} lets it go"
                    ))
                }
                _ => failure,
            }
        })?;
        let refused = standing(&store, project.name(), |_| true)?;
        let mut answer = of_stages(
            session,
            &store,
            &project,
            &report,
            refused,
            Limits::default(),
            &progress,
        )?;
        if let Some(mended) = mended {
            let many = counted(lines.len() as u64, "line");
            answer = answer.warnings([format!(
                "{many} that loads have refused cannot be tried again from here: {mended}"
            )]);
        }
        Ok(answer)
    }
}

impl Waive {
    fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        if self.choice.is_everything() && !self.all {
            return Err(Failure::usage(
                "quarantine.all",
                "this would waive everything in quarantine",
                "choose with --stage, --code, --id or --record; or say --all",
            ));
        }
        let project = session.settings()?.name;
        let mut store: Store = session.open()?;
        self.choice.exists(&store, &project)?;
        let purpose = session.purpose("quarantine waive", Some(&self.reason), &self.choice.ids());
        let waived = waive(&mut store, &project, &self.choice.selected(), &purpose)?;
        let text = format!("Waived {}.\n", counted(waived, "record"));
        Ok(Answer::new(json!({ "waived": waived }), text))
    }
}

/// The option that chooses an id, to be copied into a shell.
fn id_option(id: &str) -> String {
    let between = if id.starts_with('-') { '=' } else { ' ' };
    format!("--id{between}{}", word(id))
}

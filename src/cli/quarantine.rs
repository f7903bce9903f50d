//! `quarantine`: the refused records.

mod list;
mod told;

use std::time::Duration;

use counterfoil::apply::ApplyOptions;
use counterfoil::quarantine::{
    InPlace, Named, Naming, Quarantined, Selected, each_quarantined, has_earlier_version, in_its_place,
    quarantined, quarantined_count, refused_input, retry, waive,
};
use counterfoil::record::REDACTED;
use counterfoil::stage::Stage;
use counterfoil::store::Store;
use serde_json::json;

use super::answer::{Answer, Exit, json};
use super::failure::Failure;
use super::masking::redactions;
use super::mending::mend;
use super::outcome::{Left, Limits, of_stages, of_the_library};
use super::progress::Progress;
use super::render::{counted, word};
use super::session::Session;
use super::shown_ids::ShownIds;
use super::signals::stop_signal;
use super::test::no_stage;
use super::values::{duration, stage_number};
use told::told;

pub(crate) use told::pretty;

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
            pass: None,
        }
    }

    fn ids(&self) -> Vec<&str> {
        self.id.as_deref().into_iter().collect()
    }

    /// Refuses an id or a number that is not in quarantine, which is a slip of the pen.
    fn exists(&self, session: &Session<'_>, store: &Store, project: &str) -> Result<(), Failure> {
        let named = Selected {
            record: self.record,
            id: self.id.clone(),
            ..Selected::default()
        };
        if named == Selected::default() || !quarantined(store, project, &named, 1)?.is_empty() {
            return Ok(());
        }
        let found = quarantined(store, project, &Selected::default(), 5)?;
        let places = Places::new(session, store)?;
        let told = found.iter().map(|refused| match places.id(refused) {
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
/// They are read as their source is now: correct it first, with a new load or a new revision of the stage. What else waits
/// for a stage, because it was loaded or corrected and not applied yet, is carried after that, as by `apply`. `--stage`,
/// `--code`, `--id` and `--record` choose what is tried again, not that.
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

/// Looks up the rows that are in the places of refused records.
struct Places {
    ids: ShownIds,
}

impl Places {
    fn new(session: &Session<'_>, store: &Store) -> Result<Self, Failure> {
        let ids = ShownIds::of(session, store)?;
        Ok(Self { ids })
    }

    fn of(&self, store: &Store, refused: &Quarantined) -> Result<Option<InPlace>, Failure> {
        let mut place = in_its_place(store, refused)?;
        if let Some(place) = &mut place {
            let id = place.id.take();
            place.id = id.map(|id| self.ids.shown(refused.database.as_deref(), id));
        }
        Ok(place)
    }

    /// The refused record as it may be shown.
    fn shown(&self, refused: &Quarantined) -> Quarantined {
        let mut shown = refused.clone();
        // A load reads no database; it is the id of a line on its way into one.
        let origin = match refused.stage {
            Some(_) => refused.source.as_deref(),
            None => refused.database.as_deref(),
        };
        shown.id = shown.id.map(|id| self.ids.shown_first(origin, id));
        shown
    }

    /// The id by which a refused record may be named.
    fn id(&self, refused: &Quarantined) -> Option<String> {
        self.shown(refused).id.filter(|id| id != REDACTED)
    }

    /// What a refusal names by numbers, with the ids that may be shown.
    fn named(&self, naming: &mut Naming<'_>, refused: &Quarantined) -> Result<Vec<Named>, Failure> {
        let mut named = naming.named(refused)?;
        for named in &mut named {
            let id = named.id.take();
            named.id = id.map(|id| self.ids.shown(Some(&named.database), id));
        }
        Ok(named)
    }
}

impl Show {
    fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.settings()?.name;
        let store = session.open_to_read()?;
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
        let places = Places::new(session, &store)?;
        let mut naming = Naming::of(&store, &redact);
        for refused in &found {
            let mut input = refused_input(&store, refused, &redact)?;
            input.id = input.id.map(|id| places.ids.shown(refused.source.as_deref(), id));
            let own_id = input
                .id
                .as_deref()
                .filter(|id| Some(*id) != refused.id.as_deref() && *id != REDACTED);
            let stands = has_earlier_version(&store, refused)?;
            let place = places.of(&store, refused)?;
            let named = places.named(&mut naming, refused)?;
            let shown = places.shown(refused);
            text.push(told(&shown, &input, (place.as_ref(), &named), stands, own_id));
            let mut record = json(&shown);
            record["input"] = json(&input);
            record["earlier_version"] = json!(stands);
            record["in_its_place"] = json!(place);
            record["named"] = json!(named);
            records.push(record);
        }
        let answer = Answer::new(json!({ "records": records }), text.join("\n"));
        if let Some(refused) = found.first()
            && let Some(place) = places.of(&store, refused)?
        {
            return Ok(answer.hint(super::places::next(session, refused, &place)));
        }
        let mut found = found;
        for refused in &mut found {
            refused.id = places.id(refused);
        }
        Ok(answer.hint(next(session, &store, &found)?))
    }
}

fn next(session: &Session<'_>, store: &Store, found: &[Quarantined]) -> Result<String, Failure> {
    let retry = found
        .iter()
        .find(|refused| refused.stage.is_some())
        .map(chosen_by);
    let chosen = found.first().map_or_else(|| "--all".to_owned(), chosen_by);
    let waive = session.command(&format!("quarantine waive {chosen} --reason TEXT"));
    let in_place = found
        .iter()
        .find(|refused| refused.stage.is_some() && refused.source == refused.database);
    let mended = match in_place.and_then(|refused| refused.database.as_deref()) {
        Some(database) => format!(
            "load a correction under its id, {}, or correct the stage",
            session.command(&format!("load {} FILE", word(database)))
        ),
        None => "correct its source or the stage".to_owned(),
    };
    Ok(match retry {
        Some(chosen) => format!(
            "{mended}, then {}; or {waive}",
            session.command(&format!("quarantine retry {chosen}"))
        ),
        None => match found.first() {
            Some(refused) => format!("{}; or {waive}", mend(session, store, refused)?),
            None => waive,
        },
    })
}

impl Retry {
    fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.project()?;
        let options = ApplyOptions {
            max_time: self.max_time,
            revise: self.revise,
            purpose: session.purpose("quarantine retry", self.reason.as_deref(), &self.choice.ids()),
            stop: stop_signal(*session.screen, "quarantine")?,
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
        self.choice.exists(session, &store, project.name())?;
        let (of_stages_before, lines) = quarantined_count(&store, project.name(), &selected)?;
        let line = first_line(&store, project.name(), &selected)?.filter(|_| lines > 0);
        let report = retry(&mut store, project.stages(), &selected, &options, &mut progress);
        progress.finish();
        let mended = line
            .as_ref()
            .map(|line| mend(session, &store, line))
            .transpose()?;
        let report = report.map_err(|error| {
            let failure = of_the_library(session, &project, error);
            match (&mended, &line) {
                (Some(mended), Some(line)) if of_stages_before == 0 => {
                    let waive = format!("quarantine waive --record {} --reason TEXT", line.record);
                    let waive = session.command(&waive);
                    failure.hint(format!(
                        "{mended}; it leaves quarantine when it passes, and {waive} lets it go"
                    ))
                }
                _ => failure,
            }
        })?;
        let left = Left::of(&store, &project, &report)?;
        let mut answer = of_stages(
            session,
            &store,
            &project,
            &report,
            left,
            Limits::default(),
            &progress,
        )?;
        if let Some(mended) = mended {
            let many = counted(lines, "line");
            answer = answer.warnings([format!(
                "{many} that loads have refused cannot be tried again from here: {mended}"
            )]);
        }
        Ok(answer)
    }
}

/// The first line of the selected ones that a load has refused.
fn first_line(store: &Store, project: &str, selected: &Selected) -> Result<Option<Quarantined>, Failure> {
    let mut first = None;
    each_quarantined(store, project, selected, usize::MAX, |refused| {
        first = Some(refused).filter(|refused| refused.stage.is_none());
        Ok(first.is_none())
    })?;
    Ok(first)
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
        self.choice.exists(session, &store, &project)?;
        let purpose = session.purpose("quarantine waive", Some(&self.reason), &self.choice.ids());
        let waived = waive(&mut store, &project, &self.choice.selected(), &purpose)?;
        let text = format!("Waived {}.\n", counted(waived, "record"));
        Ok(Answer::new(json!({ "waived": waived }), text))
    }
}

/// The option that chooses a refused record: by its id, where it has one that may be shown.
fn chosen_by(refused: &Quarantined) -> String {
    match &refused.id {
        Some(id) => id_option(id),
        None => format!("--record {}", refused.record),
    }
}

/// The option that chooses an id, to be copied into a shell.
fn id_option(id: &str) -> String {
    let between = if id.starts_with('-') { '=' } else { ' ' };
    format!("--id{between}{}", word(id))
}

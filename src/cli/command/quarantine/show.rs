//! `quarantine show`: everything about refused records.

use counterfoil::quarantine::{Quarantined, Selected};
use counterfoil::record::{REDACTED, RecordNumber};
use counterfoil::stage::Stage;
use counterfoil::store::Store;
use serde_json::json;

use super::choice::number_of_id;
use super::lookup::RefusedLookup;
use super::mending::mend;
use super::render::render;
use crate::cli::aggregated::{LATE, next_if_late};
use crate::cli::answer::{Answer, json};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::masking::redactions;
use crate::cli::places;
use crate::cli::render::word;
use crate::cli::session::Session;

/// Show refused records with every violation and their input, redacted values masked.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil quarantine show ORD-2024-007")]
pub(super) struct Show {
    /// The record's id.
    #[arg(required_unless_present = "record")]
    id: Option<String>,
    /// The record's number; use it for rejected input lines without an id.
    #[arg(long, value_name = "NUMBER", conflicts_with = "id")]
    record: Option<RecordNumber>,
}

impl Show {
    pub(super) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.settings()?.name;
        let store = session.open_to_read()?;
        let redact = redactions(session, &store)?;
        let number = match &self.id {
            Some(id) => number_of_id(&store, &project, id)?,
            None => None,
        };
        let selected = match number {
            Some(number) => Selected::default().record(number),
            None => Selected::default().record(self.record).id(self.id.clone()),
        };
        let found = store.quarantine(&project, &selected, 100)?;
        let Some(first) = found.first() else {
            let failure = Failure::new(Exit::Failed, "quarantine.missing", "no such record in quarantine");
            return Err(failure.hint(format!(
                "{} lists the refused records",
                session.command("quarantine list")
            )));
        };
        let (mut text, mut records) = (Vec::new(), Vec::new());
        let mut lookup = RefusedLookup::new(session, &store, &redact)?;
        let mut place_of_first = None;
        for (at, refused) in found.iter().enumerate() {
            let mut input = store.refused_input(refused, &redact)?;
            input.id = input.id.map(|id| lookup.id_where_read(refused, id));
            let own_id = input
                .id
                .as_deref()
                .filter(|id| Some(*id) != refused.id.as_deref() && *id != REDACTED);
            let looked = lookup.look(refused)?;
            text.push(render(&looked, &input, own_id));
            let mut record = json(&looked.refused);
            record["input"] = json(&input);
            looked.complete(&mut record);
            records.push(record);
            if at == 0 {
                place_of_first = looked.in_its_place;
            }
        }
        let answer = Answer::new(json!({ "records": records }), text.join("\n"));
        if let Some(place) = place_of_first {
            return Ok(answer.hint(places::next(session, first, &place)));
        }
        let mut nameable = found.clone();
        for refused in &mut nameable {
            refused.id = lookup.id(refused);
        }
        Ok(answer.hint(next(session, &store, &nameable)?))
    }
}

/// What to do about refused records whose places are free; they have the ids by which they may be named.
fn next(session: &Session<'_>, store: &Store, found: &[Quarantined]) -> Result<String, Failure> {
    let retry = found
        .iter()
        .find(|refused| refused.stage.is_some())
        .map(chosen_by);
    let chosen = found.first().map_or_else(|| "--all".to_owned(), chosen_by);
    let waive = session.command(&format!("quarantine waive {chosen} --reason TEXT"));
    let late = found.first().filter(|refused| {
        refused
            .reason
            .violations
            .first()
            .is_some_and(|first| first.code == LATE)
    });
    if let Some(number) = late.and_then(|refused| refused.stage) {
        let project = session.project()?;
        let file = project.stages().get(number).map_or("the stage", Stage::file_name);
        return Ok(next_if_late(session, file, &chosen));
    }
    let in_place = found
        .iter()
        .find(|refused| refused.stage.is_some() && refused.source == refused.database);
    let mended = match in_place.and_then(|refused| refused.database.as_deref()) {
        Some(database) => format!(
            "load a correction with the same id ({}), or correct the stage",
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

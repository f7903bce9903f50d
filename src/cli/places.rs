//! What became of records whose place in the target is taken, or whose row was changed by hand, in words; and where the
//! rows went that a stage in place has refused.

use counterfoil::history::CauseMeaning;
use counterfoil::history::Deviations;
use counterfoil::quarantine::{InPlace, PlaceState, Quarantined};
use counterfoil::record::REDACTED;
use counterfoil::stage::{OnConflict, Stage};

use super::render::{counted, dim, shown, word};
use super::session::Session;
use super::words::Tense;

/// Another record has the id.
pub(super) const EXISTS: &str = "target.exists";
/// Someone changed the row by hand.
pub(super) const EDITED: &str = "target.edited";

/// Another record has the place of a row.
const REPLACED: &str = "target.replaced";

/// Describes what a stage counted that is not a refusal, for people.
pub(super) fn warned(stage: Option<&Stage>, target: &str, code: &str, times: u64, told: Tense) -> String {
    let many = times != 1;
    match code {
        "parse_date.ambiguous" => format!(
            "{} matched two formats with different results; the first format {} used",
            counted(times, "date"),
            told.of("was", "would be")
        ),
        EXISTS => {
            let derives = stage.is_some_and(Stage::derives);
            let what = counted(times, if derives { "part" } else { "record" });
            let left_out = told.of(
                if many { "were left out" } else { "was left out" },
                "would be left out",
            );
            let have = if many {
                "other records have their ids"
            } else {
                "another record has its id"
            };
            format!("{what} {left_out} of {target}: {have}")
        }
        EDITED => {
            let what = counted(times, "row");
            let (were, them) = if many { ("were", "them") } else { ("was", "it") };
            let replaces = stage.is_some_and(|stage| stage.on_conflict() == OnConflict::Replace);
            let fate = match (replaces, many) {
                (true, true) => told.of("they were overwritten", "they would be overwritten"),
                (true, false) => told.of("it was overwritten", "it would be overwritten"),
                (false, true) => told.of("they were left unchanged", "they would be left unchanged"),
                (false, false) => told.of("it was left unchanged", "it would be left unchanged"),
            };
            format!("{what} of {target} {were} changed by hand since the stage wrote {them}: {fate}")
        }
        REPLACED => format!(
            "{} of {target} {} replaced by {} with the same {}",
            counted(times, "row"),
            told.of(if many { "were" } else { "was" }, "would be"),
            if many { "records" } else { "a record" },
            if many { "ids" } else { "id" }
        ),
        code => format!("`{code}` {}", counted(times, "time")),
    }
}

/// Returns why a record was refused, for codes without their own message.
pub(super) fn why(code: &str) -> Option<&'static str> {
    match code {
        EXISTS => Some("another record has its id in the target"),
        EDITED => Some("its row was changed by hand since the stage wrote it"),
        _ => None,
    }
}

/// Where the rows went that a stage in place has refused, or would refuse.
pub(super) fn left_for_quarantine(
    session: &Session<'_>,
    database: &str,
    rows: u64,
    id: Option<&str>,
    told: Tense,
) -> String {
    let id = id.filter(|_| rows == 1).map_or_else(|| "ID".into(), word);
    let it = if rows == 1 { "it" } else { "them" };
    format!(
        "{} {} {database} for quarantine: {} shows {it}; {}, or loading a correction with the same id, restores {it}",
        counted(rows, "row"),
        told.of("left", "would leave"),
        session.command(&format!("quarantine show {id}")),
        session.command("quarantine retry"),
    )
}

/// What is in the place of a refused record.
pub(super) fn in_the_way(place: &InPlace, database: &str) -> String {
    let of_row = match &place.id {
        Some(id) => format!("record {} `{id}`", place.record),
        None => format!("record {}", place.record),
    };
    match (place.state, place.edited) {
        (PlaceState::Taken, true) => {
            format!("its own row in {database}, {of_row}, was changed by hand since the stage wrote it")
        }
        (PlaceState::Taken, false) => format!("{of_row} has its id in {database}"),
        (PlaceState::Kept, _) => {
            format!("its id in {database} is reserved for {of_row}, which an in-place stage refused")
        }
        _ => format!("its id in {database} is free now"),
    }
}

/// What to do about a record whose place is taken.
pub(super) fn next(session: &Session<'_>, refused: &Quarantined, place: &InPlace) -> String {
    let database = refused.database.as_deref().unwrap_or_default();
    let apply = session.command("apply");
    let waive = |why: &str| {
        let chosen = format!("quarantine waive --record {} --reason TEXT", refused.record);
        format!("{} {why}", session.command(&chosen))
    };
    // An id that must not be shown cannot appear in a command.
    let id = place.id.as_deref().filter(|id| *id != REDACTED);
    let id = id.map_or_else(|| "ID".into(), word);
    let delete = session.command(&format!("delete {} {id} --reason TEXT", word(database)));
    match (place.state, place.edited) {
        (PlaceState::Taken, true) => format!(
            "{delete}, and the next {apply} writes the row again; or {}",
            waive("leaves it unchanged")
        ),
        (PlaceState::Taken, false) => format!(
            "correct one of the two in its source, or {delete}; the next {apply} then processes the refused \
             record; or {}",
            waive("waives it")
        ),
        (PlaceState::Kept, _) => format!(
            "correct the id of one of the two, and the next {apply} processes it: {} shows the other; or {}",
            session.command(&format!("quarantine show --record {}", place.record)),
            waive("waives it")
        ),
        _ => format!("{apply} processes it again"),
    }
}

/// Where the targets deviate from what their stages would make; empty where they do not.
pub(super) fn deviating(deviations: &Deviations) -> String {
    let mut text = String::new();
    for line in deviations.describe() {
        text += &format!("{}\n", shown(&line));
    }
    for CauseMeaning { cause, meaning } in deviations.meanings() {
        text += &dim(&format!("  {cause}: {meaning}\n"));
    }
    if let Some(why) = &deviations.unknown {
        text += &format!(
            "cannot tell whether the targets match their stages: {}\n",
            shown(why)
        );
    }
    text
}

//! What to do about a line that a load refused: it must be corrected in its source.

use counterfoil::quarantine::Quarantined;
use counterfoil::store::Store;

use crate::cli::failure::Failure;
use crate::cli::render::shown;
use crate::cli::session::Session;

/// What to do about a line that a load has refused.
pub(super) fn mend(session: &Session<'_>, store: &Store, refused: &Quarantined) -> Result<String, Failure> {
    let source = refused.source.as_deref().unwrap_or_default();
    let what = if source == "-" {
        "standard input".into()
    } else {
        shown(source)
    };
    let line = refused.reason.line;
    let place = line.map_or_else(|| what.to_string(), |line| format!("line {line} of {what}"));
    let load = session.command_line(&store.reload_command(refused)?);
    let exists = refused.reason.code == "load.exists";
    Ok(if exists && store.repeats_in_its_input(refused)? {
        format!(
            "{place} has an id that occurs twice in this input with different data: correct one of the two, \
             then {load}"
        )
    } else if exists {
        format!("{place} has the id of a record with other data: {load} overwrites it")
    } else if store.is_read_otherwise(refused)? {
        format!(
            "{place} would turn existing values into text: {load} reads each cell as the type of the existing value"
        )
    } else {
        format!("correct {place}, then {load}")
    })
}

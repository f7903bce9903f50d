//! What stages redact appears in no output: values are masked before anything else happens to them.

use counterfoil::history::redacted;
use counterfoil::path::Path;
use counterfoil::quarantine::mask;
use counterfoil::record::Record;
use counterfoil::stage::Stage;
use counterfoil::store::Store;

use super::answer::Exit;
use super::failure::Failure;
use super::session::Session;

/// The paths that any stage redacts: of the project at hand, and of those in the ledger.
pub(crate) fn redactions(session: &Session<'_>, store: &Store) -> Result<Vec<Path>, Failure> {
    let mut paths = redacted(store)?;
    if let Some(project) = session.stages().map_err(unknown_redactions)? {
        for path in project.stages().iter().flat_map(Stage::redact) {
            if !paths.contains(path) {
                paths.push(path.clone());
            }
        }
    }
    Ok(paths)
}

fn unknown_redactions(failure: Failure) -> Failure {
    if failure.exit == Exit::StageInvalid {
        failure.hint("what the stages redact is not known until they compile; run `counterfoil check`")
    } else {
        failure
    }
}

/// The record with every redacted value masked.
///
/// # Errors
/// When the record cannot be read, because then nothing of it may be shown.
pub(crate) fn masked(mut record: Record, redact: &[Path]) -> Result<Record, Failure> {
    if redact.is_empty() {
        return Ok(record);
    }
    let mut document = record.document().map_err(|fault| {
        let message = format!("record {} is not a JSON object: {fault}", record.record);
        Failure::new(Exit::Unsound, "store.damaged", message)
            .hint("run `counterfoil verify` to see what else is damaged")
    })?;
    mask(&mut document, redact);
    record.data = document.to_json();
    Ok(record)
}

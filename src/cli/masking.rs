//! What stages redact appears in no output: values are masked before anything else happens to them.

use counterfoil::path::Path;
use counterfoil::record::{MaskRelation, Record, masked as masked_data};
use counterfoil::stage::Stage;
use counterfoil::store::Store;

use super::exit::Exit;
use super::failure::Failure;
use super::session::Session;

/// Returns the paths that any stage redacts, in the project or in the ledger.
pub(crate) fn redactions(session: &Session<'_>, store: &Store) -> Result<Vec<Path>, Failure> {
    let project = session.stages().map_err(unknown_redactions)?;
    redactions_with(store, project.iter().flat_map(|project| project.stages().iter()))
}

/// The paths that these stages redact, and those in the ledger.
pub(crate) fn redactions_with<'s>(
    store: &Store,
    stages: impl Iterator<Item = &'s Stage>,
) -> Result<Vec<Path>, Failure> {
    let mut paths = store.redacted_paths()?;
    for path in stages.flat_map(Stage::redact) {
        if !paths.contains(path) {
            paths.push(path.clone());
        }
    }
    Ok(paths)
}

fn unknown_redactions(failure: Failure) -> Failure {
    if failure.exit == Exit::StageInvalid {
        failure.hint("which fields are redacted is unknown until the stages compile; run `counterfoil check`")
    } else {
        failure
    }
}

/// The record with every redacted value masked, and what blocks the way to one.
///
/// # Errors
/// When the record cannot be read, because then nothing of it may be shown.
pub(crate) fn masked(record: Record, redact: &[Path]) -> Result<Record, Failure> {
    masked_noting(record, redact, &mut Noted::default())
}

/// What was masked.
#[derive(Default)]
pub(crate) struct Noted {
    /// The paths at which records have values.
    pub(crate) paths: Vec<Path>,
    /// How many records have any.
    pub(crate) records: u64,
}

/// As [`masked`], and notes what was masked.
///
/// # Errors
/// As [`masked`].
pub(crate) fn masked_noting(
    mut record: Record,
    redact: &[Path],
    noted: &mut Noted,
) -> Result<Record, Failure> {
    if redact.is_empty() {
        return Ok(record);
    }
    let shown = masked_data(&record.data, redact).map_err(|fault| {
        let message = format!("record {} is not a JSON object: {fault}", record.number);
        Failure::damaged(message)
    })?;
    noted.records += u64::from(!shown.paths.is_empty());
    for path in shown.paths {
        if !noted.paths.contains(path) {
            noted.paths.push(path.clone());
        }
    }
    record.data = shown.data.into_owned();
    Ok(record)
}

/// Refuses to work with a redacted value: by asking again and again its text could be found out.
pub(crate) fn refuse_redacted(
    reads: &[Path],
    redact: &[Path],
    doing: &str,
    session: &Session<'_>,
) -> Result<(), Failure> {
    let is_redacted = |read: &&Path| {
        let hides = |redact| {
            matches!(
                MaskRelation::new(redact, read.segments()),
                MaskRelation::Hidden(_)
            )
        };
        redact.iter().any(hides)
    };
    match reads.iter().find(is_redacted) {
        None => Ok(()),
        Some(path) => Err(Failure::usage(
            "query.redacted",
            format!("`{path}` is redacted by a stage: {doing} it is not allowed"),
            format!(
                "leave it out; {} shows the values to those who may see them",
                session.command("export DATABASE --reveal")
            ),
        )),
    }
}

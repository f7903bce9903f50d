//! What stages redact appears in no output: values are masked before anything else happens to them.

use counterfoil::history::redacted;
use counterfoil::path::{Path, Segment};
use counterfoil::quarantine::mask;
use counterfoil::record::Record;
use counterfoil::stage::Stage;
use counterfoil::store::Store;

use super::answer::Exit;
use super::failure::Failure;
use super::session::Session;

/// The paths that any stage redacts: of the project at hand, and of those in the ledger.
pub(crate) fn redactions(session: &Session<'_>, store: &Store) -> Result<Vec<Path>, Failure> {
    let project = session.stages().map_err(unknown_redactions)?;
    redactions_with(store, project.iter().flat_map(|project| project.stages().iter()))
}

/// The paths that these stages redact, and those in the ledger.
pub(crate) fn redactions_with<'s>(
    store: &Store,
    stages: impl Iterator<Item = &'s Stage>,
) -> Result<Vec<Path>, Failure> {
    let mut paths = redacted(store)?;
    for path in stages.flat_map(Stage::redact) {
        if !paths.contains(path) {
            paths.push(path.clone());
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
pub(crate) fn masked(record: Record, redact: &[Path]) -> Result<Record, Failure> {
    masked_noting(record, redact, &mut Vec::new())
}

/// As [`masked`], and adds the paths at which the record has a value to those that are noted.
///
/// # Errors
/// As [`masked`].
pub(crate) fn masked_noting(
    mut record: Record,
    redact: &[Path],
    noted: &mut Vec<Path>,
) -> Result<Record, Failure> {
    if redact.is_empty() {
        return Ok(record);
    }
    let mut document = record.document().map_err(|fault| {
        let message = format!("record {} is not a JSON object: {fault}", record.record);
        Failure::new(Exit::Unsound, "store.damaged", message)
            .hint("run `counterfoil verify` to see what else is damaged")
    })?;
    for path in redact {
        let there = |place: &Path| document.at(place).is_some();
        if !noted.contains(path) && document.places(path).iter().any(there) {
            noted.push(path.clone());
        }
    }
    mask(&mut document, redact);
    record.data = document.to_json();
    Ok(record)
}

/// Refuses to work with a redacted value: by asking again and again its text could be found out.
pub(crate) fn refuse_redacted(
    reads: &[Path],
    redact: &[Path],
    doing: &str,
    session: &Session<'_>,
) -> Result<(), Failure> {
    let is_redacted = |read: &&Path| redact.iter().any(|redact| leads_to(redact, read));
    match reads.iter().find(is_redacted) {
        None => Ok(()),
        Some(path) => Err(Failure::usage(
            "query.redacted",
            format!("`{path}` is redacted by a stage, so that {doing} it is refused"),
            format!(
                "leave it out; {} gives the values to who may have them",
                session.command("export DATABASE --reveal")
            ),
        )),
    }
}

/// Whether a redacted path is the other one, or leads to it; `[*]` is every element, and `[0]` may be one of them.
fn leads_to(redact: &Path, read: &Path) -> bool {
    let same = |(redact, read): (&Segment, &Segment)| match (redact, read) {
        (Segment::Each, Segment::Index(_) | Segment::Each) | (Segment::Index(_), Segment::Each) => true,
        (Segment::Each, Segment::Key(key)) | (Segment::Key(key), Segment::Each) => {
            key.bytes().all(|byte| byte.is_ascii_digit())
        }
        (Segment::Index(index), Segment::Key(key)) | (Segment::Key(key), Segment::Index(index)) => {
            *key == index.to_string()
        }
        (redact, read) => redact == read,
    };
    redact.segments().len() <= read.segments().len()
        && redact.segments().iter().zip(read.segments()).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redacted_path_is_known_by_whatever_way_it_is_written() {
        let leads = |redact: &str, read: &str| leads_to(&redact.parse().unwrap(), &read.parse().unwrap());
        for (redact, read) in [
            ("a", "a.b"),
            ("a[*].b", "a[0].b"),
            ("a[0].b", "a[*].b"),
            ("/a/0", "a[0].c"),
            ("a[*]", "/a/7"),
        ] {
            assert!(leads(redact, read), "{redact} {read}");
        }
        for (redact, read) in [("a.b", "a"), ("a.b", "a.c"), ("a[0]", "a[1]"), ("a[*]", "a.b")] {
            assert!(!leads(redact, read), "{redact} {read}");
        }
    }
}

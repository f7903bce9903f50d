//! What to do about an id that no record has.

use counterfoil::Error;
use counterfoil::record::{REDACTED, RecordNumber};
use counterfoil::store::Store;

use super::failure::Failure;
use super::render::{shown, word};
use super::session::Session;
use super::shown_ids::ShownIds;

/// What went wrong; of a record that is not there, what is known of it: whether it was there, or is somewhere else. It is asked
/// of the rows and of the ids with which records began only: an id is mistyped more often than not, and must not cost a look
/// through all that the store has kept.
pub(super) fn missing_record(session: &Session<'_>, store: &Store, error: Error) -> Failure {
    of_missing(session, store, error, true)
}

/// As [`missing_record`], of an id that was looked for in the images too.
pub(super) fn untraceable(session: &Session<'_>, store: &Store, error: Error) -> Failure {
    of_missing(session, store, error, false)
}

fn of_missing(session: &Session<'_>, store: &Store, error: Error, may_be_traced: bool) -> Failure {
    let Error::NoSuchRecord { database, id } = &error else {
        return error.into();
    };
    let id_word = word(id).into_owned();
    let trace = |database: &str| session.command(&format!("trace {} {id_word}", word(database)));
    // An error that prevents this look-up has been reported.
    let having = store.databases_with_id(id).unwrap_or_default();
    let hint = if may_be_traced && having.contains(database) {
        format!("{} shows what happened to it", trace(database))
    } else if let Some(golden) = may_be_traced
        .then(|| golden_of(session, store, database, id))
        .flatten()
    {
        let query = session.command(&format!("query {} --id {}", word(database), word(&golden)));
        format!(
            "it is a member of the golden record `{}`: {query}",
            shown(&golden)
        )
    } else if let Some(other) = having.iter().find(|name| *name != database) {
        let has = having.join(" and ");
        format!("a record in {has} has or had this id: {}", trace(other))
    } else {
        let query = session.command(&format!("query {}", word(database)));
        let mut hint = format!("{query} lists the records; ids must match exactly");
        if may_be_traced && store.may_have_had_other_ids().unwrap_or_default() {
            hint += &format!("; {} also searches the earlier ids of records", trace(database));
        }
        hint
    };
    let mut failure = Failure::from(error);
    failure.hint = Some(hint);
    failure
}

/// The id of the golden record in a database that a record with this id is a member of, if it may be shown.
fn golden_of(session: &Session<'_>, store: &Store, database: &str, id: &str) -> Option<String> {
    let databases = store.databases_with_id(id).ok()?;
    let found = databases
        .iter()
        .filter_map(|other| store.get(other, id).ok().flatten());
    let records: Vec<RecordNumber> = found.map(|record| record.number).collect();
    let golden = store.golden(&records).ok()?;
    let golden = golden.into_iter().find(|golden| golden.database == database)?;
    let ids = ShownIds::new(session, store).ok()?;
    Some(ids.shown(Some(database), golden.id?)).filter(|id| id != REDACTED)
}

//! What to do about an id that no record has.

use counterfoil::Error;
use counterfoil::history::{Found, databases_with_id};
use counterfoil::store::Store;

use super::failure::Failure;
use super::render::word;
use super::session::Session;

/// What went wrong; of a record that is not there, what is known of it: whether it was there, or is somewhere else.
pub(super) fn missing_record(session: &Session<'_>, store: &Store, error: Error) -> Failure {
    let Error::NoSuchRecord { database, id } = &error else {
        return error.into();
    };
    let id_word = word(id).into_owned();
    let trace = |database: &str| session.command(&format!("trace {} {id_word}", word(database)));
    let hint = if Found::of(store, database, id).is_ok() {
        Some(format!("{} tells what became of it", trace(database)))
    } else {
        // Whatever keeps this from being read has been told.
        let elsewhere = databases_with_id(store, id).unwrap_or_default();
        let told = elsewhere.first().map(|other| {
            let has = elsewhere.join(" and ");
            format!("a record of {has} has it, or had it: {}", trace(other))
        });
        let query = session.command(&format!("query {}", word(database)));
        Some(
            told.unwrap_or_else(|| format!("{query} shows what is there; ids are compared letter by letter")),
        )
    };
    let mut failure = Failure::from(error);
    failure.hint = hint;
    failure
}

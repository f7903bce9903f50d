//! What the arguments of `explain` name: records, pairs, golden records.

use counterfoil::record::RecordNumber;
use counterfoil::stage::Stage;
use counterfoil::store::Store;

use crate::cli::failure::Failure;
use crate::cli::missing::missing_record;
use crate::cli::session::Session;

/// What an argument names.
pub(super) enum Named {
    /// A member.
    Record(RecordNumber),
    /// The members of a golden record.
    Golden(Vec<RecordNumber>),
}

impl Named {
    pub(super) fn members(&self) -> &[RecordNumber] {
        match self {
            Self::Record(record) => std::slice::from_ref(record),
            Self::Golden(members) => members,
        }
    }
}

/// Finds what two arguments name in a database of a merge stage. A golden record with one member stands for that.
pub(super) fn named(
    session: &Session<'_>,
    store: &Store,
    stage: &Stage,
    database: &str,
    (a, b): (&str, Option<&str>),
) -> Result<(Named, Option<Named>), Failure> {
    let find = |id: &str| -> Result<Named, Failure> {
        let has = store.has_database(database)?;
        let record = match store.get(database, id) {
            Ok(Some(record)) => Some(record.number),
            Err(error) if has => return Err(error.into()),
            _ => id.strip_prefix('#').and_then(number),
        };
        let Some(record) = record else {
            let (database, id) = (database.to_owned(), id.to_owned());
            let error = counterfoil::Error::NoSuchRecord { database, id };
            return Err(missing_record(session, store, error));
        };
        if stage.target() == database {
            let members = members(store, stage, record)?;
            if let [only] = members[..] {
                return Ok(Named::Record(only));
            }
            if !members.is_empty() {
                return Ok(Named::Golden(members));
            }
        }
        Ok(Named::Record(record))
    };
    if b.is_none()
        && let Some((one, other)) = pair(a)
        && (!store.has_database(database)? || store.get(database, a)?.is_none())
    {
        return Ok((Named::Record(one), Some(Named::Record(other))));
    }
    Ok((find(a)?, b.map(find).transpose()?))
}

/// The members of a golden record.
fn members(store: &Store, stage: &Stage, golden: RecordNumber) -> Result<Vec<RecordNumber>, Failure> {
    let goldens = store.golden(&[golden])?;
    let is_it =
        |found: &&counterfoil::history::GoldenRecord| found.record == golden && found.stage == stage.number();
    let members = goldens.iter().filter(is_it).flat_map(|golden| &golden.members);
    Ok(members.map(|member| member.record).collect())
}

/// `4+9`, the name of a pair.
fn pair(text: &str) -> Option<(RecordNumber, RecordNumber)> {
    let (one, other) = text.split_once('+')?;
    Some((number(one)?, number(other)?))
}

fn number(text: &str) -> Option<RecordNumber> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain
        .then(|| text.parse().ok().map(RecordNumber::new))
        .flatten()
}

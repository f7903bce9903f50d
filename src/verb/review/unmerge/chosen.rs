//! The golden records that are taken apart.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::options::Unmerge;
use crate::error::{Error, Result};
use crate::ledger::member_of::{golden_of, members_of};
use crate::ledger::past::number_by_origin;
use crate::record::RecordNumber;
use crate::shown::word;
use crate::stage::Stage;
use crate::store::Table;

/// A golden record that is taken apart.
pub(super) struct Apart {
    pub(super) golden: RecordNumber,
    /// All its members, ascending.
    pub(super) members: Vec<RecordNumber>,
    /// Those that leave it; empty if all part from each other.
    pub(super) leaving: BTreeSet<RecordNumber>,
}

impl Apart {
    /// Returns whether a member is no longer together with others.
    pub(super) fn leaves(&self, member: RecordNumber) -> bool {
        self.leaving.is_empty() || self.leaving.contains(&member)
    }

    /// Returns how many pairs part.
    pub(super) fn pairs(&self) -> usize {
        let all = self.members.len();
        let stay = if self.leaving.is_empty() {
            0
        } else {
            all - self.leaving.len()
        };
        let among = |members: usize| members * members.saturating_sub(1) / 2;
        among(all) - among(stay)
    }

    /// Returns the members that are no longer together with others.
    pub(super) fn parting(&self) -> impl Iterator<Item = RecordNumber> {
        self.members.iter().copied().filter(|member| self.leaves(*member))
    }
}

/// Which golden records are meant, and who leaves them.
struct Choosing<'c> {
    connection: &'c Connection,
    project: &'c str,
    stage: &'c Stage,
    apart: Vec<Apart>,
}

/// Returns the golden records that are to be taken apart, each once.
pub(super) fn chosen(
    connection: &Connection,
    project: &str,
    stage: &Stage,
    what: &Unmerge,
) -> Result<Vec<Apart>> {
    let mut choosing = Choosing {
        connection,
        project,
        stage,
        apart: Vec::new(),
    };
    if what.database == stage.target() {
        choosing.goldens(what)?;
    } else if !what.members.is_empty() {
        return Err(Error::invalid(
            format!("`{}` holds members, not golden records", stage.source()),
            format!(
                "name the members that leave as ids of `{}`, or golden records of `{}` with their members",
                stage.source(),
                stage.target()
            ),
        ));
    } else {
        for id in &what.ids {
            let (member, golden) = choosing.member(id)?;
            choosing.add(golden, BTreeSet::from([member]))?;
        }
    }
    choosing.check()?;
    Ok(choosing.apart)
}

impl Choosing<'_> {
    /// Adds golden records, with the members that leave them.
    fn goldens(&mut self, what: &Unmerge) -> Result<()> {
        let mut leaving = Vec::new();
        for id in &what.members {
            leaving.push((id, self.member(id)?));
        }
        let mut goldens = BTreeSet::new();
        for id in &what.ids {
            let golden = number_of(self.connection, self.stage.target(), id)?;
            goldens.insert(golden);
            let its = leaving.iter().filter(|(_, (_, of))| *of == golden);
            let its: BTreeSet<RecordNumber> = its.map(|(_, (member, _))| *member).collect();
            if its.is_empty() && !leaving.is_empty() {
                let (target, id) = (self.stage.target(), word(id));
                return Err(Error::invalid(
                    format!("none of these members is in the golden record {id}"),
                    format!("`counterfoil trace {target} {id}` lists its members"),
                ));
            }
            self.add(golden, its)?;
        }
        match leaving.iter().find(|(_, (_, golden))| !goldens.contains(golden)) {
            None => Ok(()),
            Some((member, _)) => Err(Error::invalid(
                format!("`{member}` is in another golden record"),
                format!(
                    "`counterfoil trace {} {}` names it",
                    self.stage.source(),
                    word(member)
                ),
            )),
        }
    }

    /// Returns the number of a member, and that of its golden record.
    fn member(&self, id: &str) -> Result<(RecordNumber, RecordNumber)> {
        let source = self.stage.source();
        let member = number_of(self.connection, source, id)?;
        let golden = golden_of(self.connection, (self.project, self.stage.number()), member)?;
        let golden = golden.ok_or_else(|| {
            Error::invalid(
                format!("`{id}` of `{source}` is in no golden record"),
                format!(
                    "`counterfoil trace {source} {}` shows what has become of it",
                    word(id)
                ),
            )
        })?;
        Ok((member, golden))
    }

    fn add(&mut self, golden: RecordNumber, leaving: BTreeSet<RecordNumber>) -> Result<()> {
        if let Some(known) = self.apart.iter_mut().find(|one| one.golden == golden) {
            known.leaving.extend(leaving);
            return Ok(());
        }
        let mut members = members_of(self.connection, (self.project, self.stage.number()), golden)?;
        members.sort_unstable();
        self.apart.push(Apart {
            golden,
            members,
            leaving,
        });
        Ok(())
    }

    /// Refuses what cannot be taken apart.
    fn check(&self) -> Result<()> {
        for one in &self.apart {
            let golden = one.golden;
            match one.members.len() {
                0 => {
                    return Err(Error::invalid(
                        format!("record {golden} of `{}` has no members", self.stage.target()),
                        "name a golden record; the view `audit_cross_reference` lists them",
                    ));
                }
                1 => {
                    return Err(Error::invalid(
                        format!("golden record {golden} has one member only"),
                        "there is nothing to take apart",
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Returns the number of the record that has an id in a database, or had it.
fn number_of(connection: &Connection, database: &str, id: &str) -> Result<RecordNumber> {
    let table = Table::from_name(database)?;
    if table.exists(connection)?
        && let Some(number) = table.number_of(connection, id)?
    {
        return Ok(number);
    }
    let began = number_by_origin(connection, database, id)?.pop();
    began.ok_or_else(|| Error::NoSuchRecord {
        database: database.to_owned(),
        id: id.to_owned(),
    })
}

//! The cross-reference of a database that stages fill: which row each source record has become. The newest standing
//! entry of a source record that is not a refusal says so; no table does.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::entry::{Entry, EntryOutcome};
use super::sql::{of_record, standing_life, stands};
use crate::error::Result;
use crate::record::{BatchId, RecordNumber};
use crate::store::Table;

/// A stage that fills a database from another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Feeder {
    number: u32,
    project: String,
    /// The database that it reads.
    source: String,
}

/// The cross-reference of one database.
#[derive(Clone, Debug)]
pub(crate) struct CrossReference {
    through: Table,
    feeders: BTreeSet<Feeder>,
    planned: Option<Arc<PlannedMembers>>,
}

/// What a plan would make of source records in one database.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlannedMembers {
    feeders: BTreeSet<Feeder>,
    /// The rows, by the number of the stage and the source record.
    rows: HashMap<(u32, RecordNumber), Vec<RecordNumber>>,
}

impl PlannedMembers {
    /// Adds the entries of a batch that a stage would commit.
    pub(crate) fn add(&mut self, project: &str, (number, source): (u32, &str), entries: &[Entry]) {
        self.feeders.insert(Feeder {
            number,
            project: project.to_owned(),
            source: source.to_owned(),
        });
        // What is refused keeps what it had become.
        let settled = || {
            entries
                .iter()
                .filter(|entry| entry.outcome != EntryOutcome::Refused)
        };
        for entry in settled() {
            self.rows.insert((number, entry.record), Vec::new());
        }
        for entry in settled().filter(|entry| becomes_a_row(entry.outcome) && entry.after.is_some()) {
            let rows = self.rows.entry((number, entry.record)).or_default();
            rows.push(entry.target.unwrap_or(entry.record));
        }
    }

    /// Returns the source records of which it would make something else.
    pub(crate) fn members(&self) -> Vec<RecordNumber> {
        let members: BTreeSet<RecordNumber> = self.rows.keys().map(|(_, member)| *member).collect();
        members.into_iter().collect()
    }
}

/// Returns whether a source record with this outcome becomes a row. One that is left out does not: if a row stays there, it
/// is what a person has changed it to.
fn becomes_a_row(outcome: EntryOutcome) -> bool {
    outcome != EntryOutcome::Filtered
}

impl CrossReference {
    /// Reads which stages have filled a database from other ones, or would by a plan.
    pub(crate) fn read(
        connection: &Connection,
        through: &str,
        planned: Option<Arc<PlannedMembers>>,
    ) -> Result<Self> {
        let sql = "SELECT DISTINCT s.number, s.project, p.source FROM ledger_stage s
           CROSS JOIN ledger_pass p ON p.stage=s.stage AND p.target=?1
         WHERE p.source<>?1 AND p.kind IN('apply','retry')";
        let mut statement = connection.prepare_cached(sql)?;
        let feeders = statement.query_map([through], |row| {
            Ok(Feeder {
                number: row.get(0)?,
                project: row.get(1)?,
                source: row.get(2)?,
            })
        })?;
        let mut feeders: BTreeSet<Feeder> = feeders.collect::<rusqlite::Result<_>>()?;
        feeders.extend(planned.iter().flat_map(|planned| planned.feeders.iter().cloned()));
        Ok(Self {
            through: Table::from_name(through)?,
            feeders,
            planned,
        })
    }

    /// Returns the databases whose records become rows.
    pub(crate) fn sources(&self) -> BTreeSet<&str> {
        self.feeders.iter().map(|feeder| feeder.source.as_str()).collect()
    }

    /// Returns the source records with an id.
    pub(crate) fn with_id(&self, connection: &Connection, id: &str) -> Result<Vec<RecordNumber>> {
        let mut members = Vec::new();
        for source in self.sources() {
            members.extend(Table::from_name(source)?.number_of(connection, id)?);
        }
        members.sort_unstable();
        members.dedup();
        Ok(members)
    }

    /// Returns the rows that were made of a source record, ascending.
    pub(crate) fn rows_of(&self, connection: &Connection, member: RecordNumber) -> Result<Vec<RecordNumber>> {
        let mut made = Vec::new();
        for feeder in &self.feeders {
            let planned = self
                .planned
                .as_ref()
                .and_then(|planned| planned.rows.get(&(feeder.number, member)));
            match planned {
                Some(planned) => made.extend(planned),
                None => made.extend(self.recorded(connection, feeder, member)?),
            }
        }
        made.sort_unstable();
        made.dedup();
        let mut standing = Vec::with_capacity(made.len());
        for row in made {
            if self.through.by_number(connection, row)?.is_some() {
                standing.push(row);
            }
        }
        Ok(standing)
    }

    /// Returns the rows that a source record has become by the newest standing entries of a stage that refuse nothing
    /// (`stands!`): a refused correction leaves the row that there was.
    fn recorded(
        &self,
        connection: &Connection,
        feeder: &Feeder,
        member: RecordNumber,
    ) -> Result<Vec<RecordNumber>> {
        let sql = concat!(
            "SELECT f.batch, coalesce(f.target,f.record), f.outcome, f.after IS NOT NULL FROM ",
            standing_life!(),
            " WHERE ",
            of_record!("f", "?3"),
            " AND t.project=?1 AND t.number=?2 AND q.target=?4 AND f.outcome<>4 AND ",
            stands!("q", "f"),
            " ORDER BY f.batch DESC, f.part"
        );
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![
            feeder.project,
            feeder.number,
            member,
            self.through.name()
        ])?;
        let (mut newest, mut made): (Option<BatchId>, _) = (None, Vec::new());
        while let Some(row) = rows.next()? {
            let batch = row.get(0)?;
            if *newest.get_or_insert(batch) != batch {
                break;
            }
            if becomes_a_row(row.get(2)?) && row.get(3)? {
                made.push(row.get(1)?);
            }
        }
        Ok(made)
    }
}

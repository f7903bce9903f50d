//! The history of a record as far as it is known: the keys of its entries.

use std::collections::HashSet;

use rusqlite::Connection;

use crate::error::Result;
use crate::ledger::life::{LifeEntry, entries_about, entries_of, entries_onto, touches};
use crate::ledger::read::EntryKey;
use crate::record::RecordNumber;

/// A history as far as it is known: only the keys of its steps, because a record may have very many.
#[derive(Default)]
pub(super) struct Life {
    places: Vec<EntryKey>,
    seen: HashSet<RecordNumber>,
}

/// Record numbers that entries refer to.
#[derive(Default)]
struct Relatives {
    came_of_it: Vec<RecordNumber>,
    came_from: Vec<RecordNumber>,
}

impl Life {
    pub(super) fn new(connection: &Connection, numbers: Vec<RecordNumber>) -> Result<Self> {
        let mut life = Self::default();
        let asked: HashSet<RecordNumber> = numbers.iter().copied().collect();
        let (mut own, mut sources) = (numbers, Vec::new());
        while let Some(number) = own.pop() {
            if life.seen.insert(number) {
                own.extend(life.add(entries_of(connection, number)?, number).came_of_it);
                // The other members of a golden record are not where this one came from, nor what came of it.
                let is_asked = asked.contains(&number);
                let mut onto = entries_onto(connection, number)?;
                onto.retain(|entry| is_asked || !entry.follows);
                let onto = life.add(onto, number);
                sources.extend(onto.came_from.into_iter().filter(|_| is_asked));
            }
        }
        while let Some(number) = sources.pop() {
            if life.seen.insert(number) {
                life.add(entries_about(connection, number)?, number);
                sources.extend(life.add(entries_onto(connection, number)?, number).came_from);
            }
        }
        Ok(life)
    }

    pub(super) fn of_family(connection: &Connection, mut numbers: Vec<RecordNumber>) -> Result<Self> {
        let mut life = Self::default();
        while let Some(number) = numbers.pop() {
            if life.seen.insert(number) {
                numbers.extend(life.add(entries_of(connection, number)?, number).came_of_it);
                numbers.extend(life.add(entries_onto(connection, number)?, number).came_from);
            }
        }
        Ok(life)
    }

    /// Adds the entries that were found for a number. A record that took another record's place inherits nothing from
    /// it.
    fn add(&mut self, entries: Vec<LifeEntry>, number: RecordNumber) -> Relatives {
        let mut relatives = Relatives::default();
        for entry in entries {
            self.places.push(entry.key);
            if entry.is_apart {
                continue;
            }
            let (_, record, _) = entry.key;
            match entry.target {
                Some(target) if record == number => relatives.came_of_it.push(target),
                Some(target) if target == number => relatives.came_from.push(record),
                _ => {}
            }
        }
        relatives
    }

    /// Returns whether any of its entries was read from or written to a database.
    pub(super) fn touches(&self, connection: &Connection, database: &str) -> Result<bool> {
        for (batch, ..) in &self.places {
            if touches(connection, *batch, database)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the keys of its entries, oldest first.
    pub(super) fn into_places(mut self) -> Vec<EntryKey> {
        self.places.sort_unstable();
        self.places.dedup();
        self.places
    }
}

//! The lines that loads refused and that still wait in quarantine, and what settles them.

use std::collections::{BTreeMap, HashMap, VecDeque};

use rusqlite::{Connection, params};

use super::past::has_brought;
use crate::digest::{Hash, Salt, sha256};
use crate::error::Result;
use crate::record::{PassId, RecordNumber};
use crate::store::Table;

/// The lines of one input that loads into one database refused and that still wait in quarantine.
#[derive(Debug, Default)]
pub(crate) struct RefusedLines {
    waiting: HashMap<RecordNumber, RefusedLine>,
    by_reason: HashMap<String, VecDeque<RecordNumber>>,
    by_line: HashMap<u64, Vec<RecordNumber>>,
    by_id: HashMap<String, Vec<RecordNumber>>,
    /// The record that was admitted under a line's id.
    let_in: BTreeMap<RecordNumber, RecordNumber>,
}

#[derive(Debug)]
struct RefusedLine {
    salt: Salt,
    input: Hash,
    id: Option<String>,
}

/// A record that a load admits, as far as it may be the correction of a refused line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LetIn<'r> {
    pub(crate) line: u64,
    pub(crate) id: &'r str,
    pub(crate) record: RecordNumber,
    /// Whether the input up to here is the same as when the line was refused, so that the same place means the same
    /// record.
    pub(crate) in_place: bool,
}

/// A line that leaves quarantine, and the record that settles it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settled {
    pub(crate) line: RecordNumber,
    /// Commitment to its bytes.
    pub(crate) input: Hash,
    pub(crate) record: RecordNumber,
}

impl RefusedLines {
    /// Reads what passes other than `pass` refused, so that a resumed pass finds what is still left for it.
    pub(crate) fn new(connection: &Connection, database: &str, source: &str, pass: PassId) -> Result<Self> {
        let sql = "SELECT q.reason, q.record, r.salt, e.input, r.id FROM audit_quarantine q
         JOIN ledger_entry e ON e.batch=q.batch AND e.record=q.record AND e.part=0
         JOIN ledger_record r ON r.record=q.record
         WHERE q.kind='load' AND q.database=?1 AND q.source=?2 AND q.pass<>?3
           AND r.salt IS NOT NULL AND e.input IS NOT NULL ORDER BY q.record";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![database, source, pass])?;
        let mut lines = Self::default();
        while let Some(row) = rows.next()? {
            let (reason, record): (String, RecordNumber) = (row.get(0)?, row.get(1)?);
            let line = RefusedLine {
                salt: row.get(2)?,
                input: row.get(3)?,
                id: row.get(4)?,
            };
            let place = line_of(&reason);
            lines.by_reason.entry(reason).or_default().push_back(record);
            if let Some(number) = place {
                lines.by_line.entry(number).or_default().push(record);
            }
            if let Some(id) = &line.id {
                lines.by_id.entry(id.clone()).or_default().push(record);
            }
            lines.waiting.insert(record, line);
        }
        lines.note_before(connection, database, pass)?;
        Ok(lines)
    }

    /// Takes the number and salt of a line that is refused for the same reason (which includes its place) and has the
    /// same bytes. Each is returned once: several elements of an array may share a line, a reason and their bytes.
    pub(crate) fn take(&mut self, reason: &str, raw: &[u8]) -> Option<(RecordNumber, Salt)> {
        let waiting = &self.waiting;
        let lines = self.by_reason.get_mut(reason)?;
        let same = |record: &RecordNumber| {
            let line = waiting.get(record);
            line.is_some_and(|line| sha256(&[&line.salt, raw]) == line.input)
        };
        let at = lines.iter().position(same)?;
        let record = lines.remove(at)?;
        let line = self.waiting.remove(&record)?;
        Some((record, line.salt))
    }

    /// Returns whether a line of the input still waits.
    pub(crate) fn stands_at(&self, line: u64) -> bool {
        let at_place = self.by_line.get(&line);
        at_place.is_some_and(|at_place| at_place.iter().any(|number| self.waiting.contains_key(number)))
    }

    /// Takes the lines whose place this record of the input takes, ascending: they leave quarantine with it.
    ///
    /// A record under the id that was read there is their correction. If no id could be read, only the place identifies
    /// them, and only while the input is unchanged.
    pub(crate) fn replaced_by(&mut self, record: LetIn<'_>) -> Vec<Settled> {
        let Some(at_place) = self.by_line.get(&record.line) else {
            return Vec::new();
        };
        let is_same = |line: &RefusedLine| match &line.id {
            Some(id) => id == record.id,
            None => record.in_place,
        };
        let waiting = &mut self.waiting;
        let settled = |number: &RecordNumber| {
            waiting.get(number).filter(|line| is_same(line))?;
            let input = waiting.remove(number)?.input;
            Some(Settled {
                line: *number,
                input,
                record: record.record,
            })
        };
        at_place.iter().filter_map(settled).collect()
    }

    /// Notes that a record was admitted, for lines with its id at other places: they may still follow and be refused
    /// again.
    pub(crate) fn note(&mut self, id: &str, record: RecordNumber) {
        if let Some(numbers) = self.by_id.get(id) {
            self.let_in.extend(numbers.iter().map(|number| (*number, record)));
        }
    }

    /// Like [`note`](Self::note), for what a resumed pass admitted before.
    fn note_before(&mut self, connection: &Connection, database: &str, pass: PassId) -> Result<()> {
        let table = Table::from_name(database)?;
        if self.by_id.is_empty() || !table.exists(connection)? {
            return Ok(());
        }
        let ids: Vec<String> = self.by_id.keys().cloned().collect();
        for id in ids {
            if let Some(record) = table.number_of(connection, &id)?
                && has_brought(connection, pass, record)?
            {
                self.note(&id, record);
            }
        }
        Ok(())
    }

    /// Returns at most `most` lines that are settled at the end of the input, ascending: the input has the id, but not
    /// the line.
    pub(crate) fn settled_at_end(&mut self, most: usize) -> Vec<Settled> {
        let mut settled = Vec::new();
        while settled.len() < most
            && let Some((line, record)) = self.let_in.pop_first()
        {
            if let Some(refused) = self.waiting.remove(&line) {
                let input = refused.input;
                settled.push(Settled { line, input, record });
            }
        }
        settled
    }
}

/// Returns the line of the input that a reason names.
fn line_of(reason: &str) -> Option<u64> {
    serde_json::from_str::<serde_json::Value>(reason).ok()?["line"].as_u64()
}

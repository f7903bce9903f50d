//! Whether two stores are equal, as the design defines it: the same (record, id, data) in every database and the same
//! ledger rows, less what may differ between two runs.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;

/// How much of two stores must be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    /// Everything.
    Whole,
    /// All but which run wrote a batch, on which machine and when, and the hashes over that: one run, or one that was
    /// interrupted and resumed.
    LessRuns,
    /// Also without salts, and the commitments that are made with them: two loads of one input.
    LessSalts,
}

/// The rows of a store, one text each, by table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contents(BTreeMap<String, Vec<String>>);

/// Columns of the ledger that differ between two runs of the same work.
const OF_RUNS: [&str; 8] = [
    "ledger_batch.run",
    "ledger_batch.committed_us",
    "ledger_batch.previous_head",
    "ledger_batch.head",
    "ledger_batch.tree_root",
    "ledger_batch.frontier",
    "ledger_pass.now_us",
    "ledger_checkpoint.note",
];

/// Columns that depend on the salts.
const OF_SALTS: [&str; 5] = [
    "ledger_record.salt",
    "ledger_entry.input",
    "ledger_entry.before",
    "ledger_entry.after",
    "ledger_batch.entries_sha256",
];

/// What is in quarantine, and why; not which batch put it there.
const QUARANTINE: &str = "SELECT record||'|'||database||'|'||quote(source)||'|'||quote(number)||'|'||reason
 FROM audit_quarantine ORDER BY record, number";

impl Contents {
    /// Reads a store.
    pub(crate) fn of(store: &Path, compared: Compared) -> Self {
        let connection = Connection::open(store).expect("a store opens");
        let mut contents = BTreeMap::new();
        let schema = "SELECT quote(type)||quote(name)||quote(sql) FROM sqlite_schema ORDER BY name";
        contents.insert("sqlite_schema".to_owned(), texts(&connection, schema));
        let tables = "SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite_%'";
        for table in texts(&connection, tables) {
            if compared != Compared::Whole && table == "ledger_run" {
                continue;
            }
            let columns = texts(
                &connection,
                &format!("SELECT name FROM pragma_table_info('{table}')"),
            );
            let kept = columns.iter().filter(|column| keeps(&table, column, compared));
            let quoted: Vec<String> = kept.map(|column| format!("quote(\"{column}\")")).collect();
            let sql = format!("SELECT {} FROM \"{table}\" ORDER BY 1", quoted.join("||'|'||"));
            contents.insert(table, texts(&connection, &sql));
        }
        let view = "SELECT name FROM sqlite_schema WHERE name='audit_quarantine'";
        for view in texts(&connection, view) {
            contents.insert(view, texts(&connection, QUARANTINE));
        }
        Self(contents)
    }

    /// The first difference in what is there: the logical databases, the numbers given out, and what is in quarantine;
    /// not in the batches that brought it there.
    pub(crate) fn difference_of_records(&self, other: &Self) -> Option<String> {
        self.records().difference(&other.records())
    }

    fn records(&self) -> Self {
        let is_kept = |(table, _): &(&String, &Vec<String>)| {
            !table.starts_with("ledger_") || table.as_str() == "ledger_record"
        };
        let kept = self.0.iter().filter(is_kept);
        Self(kept.map(|(table, rows)| (table.clone(), rows.clone())).collect())
    }

    /// The first difference in what was done; whether it was signed is left out.
    pub(crate) fn difference_unsigned(&self, other: &Self) -> Option<String> {
        let unsigned = |contents: &Self| {
            let mut contents = contents.clone();
            contents.0.remove("ledger_checkpoint");
            contents
        };
        unsigned(self).difference(&unsigned(other))
    }

    /// The first difference, in words; `None` when they are equal.
    pub(crate) fn difference(&self, other: &Self) -> Option<String> {
        for (table, rows) in &self.0 {
            let Some(others) = other.0.get(table) else {
                return Some(format!("{table} is missing"));
            };
            let differs = |(left, right): (&String, &String)| {
                (left != right).then(|| format!("{table}:\n  {left}\n  {right}"))
            };
            if let Some(found) = rows.iter().zip(others).find_map(differs) {
                return Some(found);
            }
            if rows.len() != others.len() {
                return Some(format!("{table} has {} and {} rows", rows.len(), others.len()));
            }
        }
        let extra = other.0.keys().find(|table| !self.0.contains_key(*table))?;
        Some(format!("{extra} is one too many"))
    }
}

fn keeps(table: &str, column: &str, compared: Compared) -> bool {
    let name = format!("{table}.{column}");
    match compared {
        Compared::Whole => true,
        Compared::LessRuns => !OF_RUNS.contains(&name.as_str()),
        Compared::LessSalts => !OF_RUNS.contains(&name.as_str()) && !OF_SALTS.contains(&name.as_str()),
    }
}

fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).expect("a valid query");
    let rows = statement
        .query_map([], |row| row.get(0))
        .expect("the table is readable");
    rows.collect::<Result<_, _>>().expect("every row is a text")
}

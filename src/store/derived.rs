//! The tables derived from the ledger: what they must contain, how they differ, and the statements that rebuild them.

use rusqlite::Connection;

use super::objects::{ObjectPlace, Objects, SchemaObject, objects, objects_of};
use crate::error::Result;
use crate::record::BatchId;

/// The condition for a dense batch, which is found by the range of its records, as in the index and the views; `$batch`
/// is `b.`, or empty.
macro_rules! dense {
    ($batch:literal) => {
        concat!(
            $batch,
            "entries>256 AND ",
            $batch,
            "last_record-",
            $batch,
            "first_record<4*",
            $batch,
            "entries AND ",
            $batch,
            "last_record-",
            $batch,
            "first_record<16384"
        )
    };
}

/// A table that is derived from the ledger.
pub(super) struct DerivedTable {
    pub(super) name: &'static str,
    /// Its required contents, as its triggers would have filled it, with the names of its columns. The query reads only
    /// tables, and no derived ones.
    query: &'static str,
    /// Message for different contents.
    problem: &'static str,
    /// The batches that differ; `None`: those of the rows that are in only one of the two.
    wrong: Option<&'static str>,
}

pub(super) const DERIVED: [DerivedTable; 5] = [
    DerivedTable {
        name: "ledger_sparse",
        // Only the first part of each record: a DISTINCT would have to read everything for one record.
        query: concat!(
            "SELECT e.record, e.batch FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch WHERE b.entries>0 AND NOT (",
            dense!("b."),
            ") AND NOT EXISTS(SELECT 1 FROM ledger_entry d WHERE d.batch=e.batch AND d.record=e.record AND d.part<e.part)"
        ),
        problem: "`ledger_sparse` does not match the entries of the batch",
        wrong: Some(concat!(
            "SELECT s.batch FROM main.ledger_sparse s WHERE NOT EXISTS(SELECT 1 FROM ledger_batch b
               JOIN ledger_entry e ON e.batch=b.batch AND e.record=s.record WHERE b.batch=s.batch AND NOT (",
            dense!("b."),
            ")) UNION SELECT b.batch FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
             WHERE b.entries>0 AND NOT (",
            dense!("b."),
            ") AND NOT EXISTS(SELECT 1 FROM main.ledger_sparse s WHERE s.record=e.record AND s.batch=b.batch)"
        )),
    },
    DerivedTable {
        name: "ledger_open",
        query: "SELECT p.pass FROM ledger_pass p
         WHERE NOT EXISTS(SELECT 1 FROM ledger_batch b WHERE b.pass=p.pass AND b.step='end')",
        problem: "`ledger_open` does not match the pass of the batch",
        wrong: Some("SELECT (SELECT max(batch) FROM ledger_batch b WHERE b.pass=o.pass) FROM main.ledger_open o
             WHERE NOT EXISTS(SELECT 1 FROM ledger_pass p WHERE p.pass=o.pass)
               OR EXISTS(SELECT 1 FROM ledger_batch b WHERE b.pass=o.pass AND b.step='end')
             UNION SELECT (SELECT max(batch) FROM ledger_batch b WHERE b.pass=p.pass) FROM ledger_pass p
             WHERE NOT EXISTS(SELECT 1 FROM ledger_batch b WHERE b.pass=p.pass AND b.step='end')
               AND NOT EXISTS(SELECT 1 FROM main.ledger_open o WHERE o.pass=p.pass)"),
    },
    DerivedTable {
        name: "ledger_total",
        // A revision without a standing pass has zeros.
        query: "SELECT p.stage, max(max(b.batch), coalesce(max(u.batch),0)) AS batch,
         sum(b.read*(u.batch IS NULL)) AS read, sum(b.written*(u.batch IS NULL)) AS written,
         sum(b.unchanged*(u.batch IS NULL)) AS unchanged, sum(b.filtered*(u.batch IS NULL)) AS filtered,
         sum(b.refused*(u.batch IS NULL)) AS refused, sum(b.merged*(u.batch IS NULL)) AS merged
         FROM ledger_pass p JOIN ledger_batch b USING(pass)
         LEFT JOIN (SELECT v.reverses, max(x.batch) AS batch FROM ledger_pass v JOIN ledger_batch x USING(pass)
           WHERE v.reverses IS NOT NULL AND x.step='end' GROUP BY v.reverses) u ON u.reverses=p.pass
         WHERE p.kind IN('apply','retry','waive') AND p.stage IS NOT NULL AND b.read>0 GROUP BY p.stage",
        problem: "`ledger_total` does not match the passes of a revision that are in effect",
        wrong: None,
    },
    DerivedTable {
        name: "ledger_written",
        query: "SELECT p.target AS database, p.kind='rollback' AS rollback, b.batch FROM ledger_pass p JOIN ledger_batch b USING(pass)
         WHERE b.read>0 AND p.target IS NOT NULL AND (p.kind<>'load' OR b.read>b.unchanged)",
        problem: "`ledger_written` does not match the batch",
        wrong: None,
    },
    DerivedTable {
        name: "ledger_lookup",
        query: "SELECT DISTINCT d.key AS database,
         CASE h.key WHEN 'absent' THEN 0 WHEN 'golden' THEN json_extract(CASE v.type WHEN 'array' THEN v.value END,'$[0]')
           ELSE v.value END AS row, h.key AS how,
         CASE h.key WHEN 'golden' THEN json_extract(CASE v.type WHEN 'array' THEN v.value END,'$[1]') ELSE 0 END AS golden,
         e.record, e.batch
         FROM ledger_stage s JOIN ledger_pass p ON p.stage=s.stage AND p.kind IN('apply','retry')
         JOIN ledger_batch b ON b.pass=p.pass CROSS JOIN ledger_entry e ON e.batch=b.batch
         JOIN json_each(CASE WHEN json_valid(e.reason) THEN e.reason END,'$.lookup') d
         JOIN json_each(CASE d.type WHEN 'object' THEN d.value END) h JOIN json_each(CASE h.type WHEN 'array' THEN h.value END) v
         WHERE instr(s.meaning,'\"lookups\":') AND b.entries>0 AND instr(e.reason,'\"lookup\":')",
        problem: "`ledger_lookup` does not match the entries of the batch",
        wrong: None,
    },
];

impl DerivedTable {
    /// Returns the derived table with this name.
    pub(super) fn from_name(name: &str) -> Option<&'static Self> {
        DERIVED.iter().find(|derived| derived.name == name)
    }

    /// Returns the statement that fills the table.
    pub(super) fn fill_sql(&self) -> String {
        let words: Vec<&str> = self.query.split_whitespace().collect();
        format!("INSERT INTO {} {};", self.name, words.join(" "))
    }

    /// Gives a read-only connection a view in place of the table: it is computed on every query, so it is correct
    /// whatever others write meanwhile. The one that may be as long as the ledger is filled first, and only later
    /// additions are computed: batches are added, but never changed or removed.
    pub(super) fn shadow(&self, connection: &Connection) -> Result<()> {
        let (name, query) = (self.name, self.query);
        if name != DERIVED[0].name {
            return Ok(connection.execute_batch(&format!("CREATE TEMP VIEW {name} AS {query}"))?);
        }
        let sql = "SELECT coalesce(max(batch),0) FROM ledger_batch";
        let newest: BatchId = connection.query_row(sql, [], |row| row.get(0))?;
        Ok(connection.execute_batch(&format!(
            "CREATE TEMP TABLE {name}_so_far(record INTEGER NOT NULL, batch INTEGER NOT NULL, PRIMARY KEY(record, batch)) STRICT, WITHOUT ROWID;
             INSERT INTO {name}_so_far SELECT record, batch FROM ({query}) WHERE batch<={newest};
             CREATE TEMP VIEW {name} AS SELECT record, batch FROM {name}_so_far
               UNION ALL SELECT record, batch FROM ({query}) WHERE batch>{newest};"
        ))?)
    }

    /// Returns the statements that rebuild the table, with its guards, if it is missing or, according to `there`,
    /// replaced by something else.
    pub(super) fn make_sql(&self, expected: &Objects, there: Option<&SchemaObject>) -> String {
        let mut script = String::from("BEGIN IMMEDIATE;");
        if let Some(there) = there {
            script.extend([" DROP ", &there.kind.to_uppercase(), " ", self.name, ";"]);
        }
        let made = expected
            .get(&ObjectPlace::from_name(self.name))
            .and_then(|table| table.sql.as_deref());
        script.extend([" ", made.unwrap_or_default(), ";"]);
        script + &self.filled_sql(expected)
    }

    /// Returns the statements that fill the table again, in one line.
    fn mend_sql(&self, expected: &Objects) -> String {
        let mut script = String::from("BEGIN IMMEDIATE;");
        for guard in self.guards(expected) {
            script.extend([" DROP TRIGGER IF EXISTS ", &guard.name, ";"]);
        }
        script.extend([" DELETE FROM ", self.name, ";"]);
        script + &self.filled_sql(expected)
    }

    fn filled_sql(&self, expected: &Objects) -> String {
        let mut script = format!(" {}", self.fill_sql());
        for guard in self.guards(expected) {
            script.extend([" ", guard.sql.as_deref().unwrap_or_default(), ";"]);
        }
        script + " COMMIT;"
    }

    /// Returns the query for the batches about which its contents are wrong.
    fn wrong_sql(&self) -> String {
        let (name, query) = (self.name, self.query);
        self.wrong.map_or_else(
            || {
                format!(
                    "SELECT batch FROM (SELECT * FROM ({query}) EXCEPT SELECT * FROM main.{name})
                     UNION SELECT batch FROM (SELECT * FROM main.{name} EXCEPT SELECT * FROM ({query}))"
                )
            },
            str::to_owned,
        )
    }

    fn guards<'o>(&self, expected: &'o Objects) -> impl Iterator<Item = &'o SchemaObject> {
        let name = self.name;
        expected
            .values()
            .filter(move |object| object.kind == "trigger" && object.of == name)
    }

    /// Returns whether the table's contents are reliable: it and everything that writes to it are as they were made,
    /// and there is no foreign trigger.
    pub(super) fn is_kept(&self, expected: &Objects, found: &Objects) -> bool {
        let writes = |object: &SchemaObject| {
            let sql = object.sql.as_ref();
            object.kind == "trigger" && sql.is_some_and(|sql| sql.contains(self.name))
        };
        let is_kept = |(place, object): (&ObjectPlace, &SchemaObject)| {
            (object.name != self.name && !writes(object)) || found.get(place) == Some(object)
        };
        let is_foreign = |(place, object): (&ObjectPlace, &SchemaObject)| {
            object.kind == "trigger" && !expected.contains_key(place)
        };
        expected.iter().all(is_kept) && !found.iter().any(is_foreign)
    }
}

/// A problem of a table derived from the ledger.
pub(crate) struct DerivedProblem {
    pub(crate) what: &'static str,
    /// The batches that it concerns, if they can be named.
    pub(crate) batches: Vec<Option<BatchId>>,
    /// The statements that repair it.
    pub(crate) mended_by: String,
}

/// Returns the problems of the tables derived from the ledger. Missing or replaced tables are reported by
/// [`differences`](super::schema::differences).
pub(crate) fn derived_problems(connection: &Connection, version: i32) -> Result<Vec<DerivedProblem>> {
    let (expected, found) = (objects_of(version)?, objects(connection)?);
    let mut problems = Vec::new();
    for derived in &DERIVED {
        let place = ObjectPlace::from_name(derived.name);
        let there = found.get(&place);
        if there.is_none() || there != expected.get(&place) {
            continue;
        }
        let mut statement = connection.prepare(&derived.wrong_sql())?;
        let batches = statement.query_map([], |row| row.get(0))?;
        let batches: Vec<Option<BatchId>> = batches.collect::<rusqlite::Result<_>>()?;
        if !batches.is_empty() {
            problems.push(DerivedProblem {
                what: derived.problem,
                batches,
                mended_by: derived.mend_sql(&expected),
            });
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::super::objects::{LEDGER_SQL, VERSION};
    use super::*;

    #[test]
    fn what_is_dense_is_said_in_the_same_way_everywhere() {
        let range = crate::ledger::sql::of_range!("e", "n");
        let mut texts = vec![LEDGER_SQL, range];
        texts.extend(DERIVED.iter().map(|derived| derived.query));
        texts.extend(DERIVED.iter().filter_map(|derived| derived.wrong));
        let said: String = texts
            .iter()
            .flat_map(|text| text.lines().filter(|line| !line.starts_with("--")))
            .collect();
        let said = said.replace("NEW.", "").replace("b.", "").replace("c.", "");
        let formulas = said.matches(dense!("")).count();
        assert_eq!(formulas, said.matches("entries>256").count());
        assert!(formulas > DERIVED.len());
        // A search for a record goes back as far as a dense batch can be long.
        assert_eq!(
            said.matches("16384").count(),
            formulas + said.matches("+16384").count()
        );
        assert_eq!(said.matches("+16384").count(), 13);
    }

    #[test]
    fn the_statements_that_verify_names_are_one_line_each() {
        let expected = objects_of(VERSION).expect("a schema");
        for derived in &DERIVED {
            let mended = derived.mend_sql(&expected);
            assert!(!mended.contains('\n'), "{mended}");
            assert!(derived.guards(&expected).count() >= 2, "{mended}");
        }
    }
}

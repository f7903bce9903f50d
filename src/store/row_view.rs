//! The view `audit_row` of all rows. Each database is a table with its own name, which no fixed view can know, so the
//! view is made again with every database.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::objects::{ObjectPlace, Objects, is_of_database, objects};
use crate::error::Result;

/// Name of the view.
pub(super) const NAME: &str = "audit_row";

/// `SQLite` takes at most 500 terms in a compound SELECT.
const TERMS: usize = 100;

/// Returns the statement that makes the view for these databases.
fn create_sql(databases: &BTreeSet<String>) -> String {
    let of_one = |name: &String| format!("SELECT '{name}' AS database, record, id, data FROM \"{name}\"");
    let mut terms: Vec<String> = databases.iter().map(of_one).collect();
    if terms.is_empty() {
        terms.push("SELECT NULL AS database, NULL AS record, NULL AS id, NULL AS data WHERE 0".to_owned());
    }
    while terms.len() > TERMS {
        let group = |terms: &[String]| format!("SELECT * FROM ({})", terms.join(" UNION ALL "));
        terms = terms.chunks(TERMS).map(group).collect();
    }
    format!("CREATE VIEW {NAME} AS\n {}", terms.join("\n UNION ALL "))
}

/// Returns the databases that have their tables, as they are made.
pub(super) fn databases(found: &Objects) -> BTreeSet<String> {
    let tables = found
        .values()
        .filter(|object| object.kind == "table" && is_of_database(object));
    tables.map(|table| table.name.clone()).collect()
}

/// Replaces the expected view without databases by that of these databases, if the version has the view.
pub(super) fn expect(expected: &mut Objects, databases: &BTreeSet<String>) {
    if let Some(view) = expected.get_mut(&ObjectPlace::from_name(NAME)) {
        view.sql = Some(create_sql(databases));
    }
}

/// Makes the view again for the current databases; called inside the transaction that made one.
pub(super) fn make(connection: &Connection) -> Result<()> {
    let sql = create_sql(&databases(&objects(connection)?));
    Ok(connection.execute_batch(&format!("DROP VIEW IF EXISTS {NAME}; {sql}"))?)
}

#[cfg(test)]
mod tests {
    use super::super::objects::{VERSION, objects_of};
    use super::*;

    #[test]
    fn a_store_begins_with_the_view_of_no_database() {
        let expected = objects_of(VERSION).expect("a schema");
        let view = expected.get(&ObjectPlace::from_name(NAME)).expect("a view");
        assert_eq!(view.sql.as_deref(), Some(create_sql(&BTreeSet::new()).as_str()));
    }

    #[test]
    fn it_finds_a_row_by_its_number_among_more_databases_than_a_query_may_join() {
        let connection = Connection::open_in_memory().expect("a database");
        let names: BTreeSet<String> = (0..1_201).map(|number| format!("d{number:04}")).collect();
        for name in &names {
            let table = super::super::Table::from_name(name).expect("a table");
            let sql = format!(
                "{}; INSERT INTO \"{name}\" VALUES(7,'i','{{}}')",
                table.create_sql()
            );
            connection.execute_batch(&sql).expect(name);
        }
        make(&connection).expect("a view");
        let sql = format!("SELECT count(*) FROM {NAME}");
        let count: i64 = connection.query_row(&sql, [], |row| row.get(0)).expect("a count");
        assert_eq!(count, 1_201);
        let sql = format!("EXPLAIN QUERY PLAN SELECT data FROM {NAME} WHERE database='d1200' AND record=7");
        let mut statement = connection.prepare(&sql).expect("a plan");
        let plan: Vec<String> = statement
            .query_map([], |row| row.get(3))
            .and_then(Iterator::collect)
            .expect("a plan");
        let looks_up = |line: &&String| line.contains("SEARCH d") && line.contains("rowid=?");
        assert_eq!(plan.iter().filter(looks_up).count(), 1_201, "{plan:?}");
    }
}

//! The statements that create the table of a logical database, as the schema of every store contains them.

/// Returns the statement that creates the table.
pub(super) fn table(name: &str) -> String {
    format!(
        "CREATE TABLE \"{name}\"(record INTEGER PRIMARY KEY, id TEXT NOT NULL, data TEXT NOT NULL) STRICT"
    )
}

/// Returns the statement that creates its index.
pub(super) fn index(name: &str) -> String {
    format!("CREATE UNIQUE INDEX \"{name}.id\" ON \"{name}\"(id)")
}

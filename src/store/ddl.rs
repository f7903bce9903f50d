//! The statements that make the table of a logical database, as they stand in the schema of every store.

/// The text that makes it.
pub(super) fn table(name: &str) -> String {
    format!(
        "CREATE TABLE \"{name}\"(record INTEGER PRIMARY KEY, id TEXT NOT NULL, data TEXT NOT NULL) STRICT"
    )
}

/// The text that makes its index.
pub(super) fn index(name: &str) -> String {
    format!("CREATE UNIQUE INDEX \"{name}.id\" ON \"{name}\"(id)")
}

//! Names of logical databases.

/// Whether a text may name a logical database: `^[a-z][a-z0-9_]{0,62}$`, and not one of the store's own names.
#[must_use]
pub fn is_database_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && name.len() <= 63
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !["ledger_", "audit_", "sqlite_"]
            .iter()
            .any(|own| name.starts_with(own))
}

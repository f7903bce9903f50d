//! Names of databases, projects and stages, and the rules for them.

use crate::record::listed::as_list;

/// The number and slug in the name of a stage's file: `0012_orders.toml` is number 12, `orders`. A list of the two in
/// JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StageName {
    /// The number, from 1.
    pub number: u32,
    /// The slug.
    pub slug: String,
}

as_list!(StageName: number, slug);

impl StageName {
    /// Creates the name of a stage.
    pub fn new(number: u32, slug: impl Into<String>) -> Self {
        Self {
            number,
            slug: slug.into(),
        }
    }
}

/// A text that is not a valid name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a valid {of} name: {problem}")]
#[non_exhaustive]
pub struct BadName {
    /// The text.
    pub name: String,
    /// The kind of name that was expected: of a database, a project, a stage.
    pub of: &'static str,
    /// What is wrong with the text.
    pub problem: &'static str,
}

/// Reserved prefixes, of the tables of the ledger, its views and `SQLite` itself.
const RESERVED: [&str; 3] = ["ledger_", "audit_", "sqlite_"];

/// Checks the name of a logical database: `^[a-z][a-z0-9_]{0,62}$`, without a prefix that the ledger, its views or
/// `SQLite` use for their tables.
pub fn check_database(name: &str) -> Result<(), BadName> {
    let checked = check(
        "database",
        name,
        "_",
        "use a-z, 0-9 and _, starting with a letter, at most 63 characters",
    );
    if RESERVED.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(BadName {
            name: name.to_owned(),
            of: "database",
            problem: "names that begin with ledger_, audit_ or sqlite_ are reserved",
        });
    }
    checked
}

/// Returns whether a text may name a logical database; [`check_database`] returns why not.
#[must_use]
pub fn is_database_name(name: &str) -> bool {
    check_database(name).is_ok()
}

/// Checks the name of a project: `^[a-z][a-z0-9_-]{0,62}$`.
pub fn check_project(name: &str) -> Result<(), BadName> {
    check(
        "project",
        name,
        "_-",
        "use a-z, 0-9, _ and -, starting with a letter, at most 63 characters",
    )
}

/// Checks the name of a stage, the `slug` of `NNNN_slug.toml`: `^[a-z][a-z0-9_]{0,62}$`.
pub fn check_stage(name: &str) -> Result<(), BadName> {
    check(
        "stage",
        name,
        "_",
        "use a-z, 0-9 and _, starting with a letter, at most 63 characters",
    )
}

fn check(of: &'static str, name: &str, also: &str, problem: &'static str) -> Result<(), BadName> {
    let fits = name.len() <= 63
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || also.contains(letter));
    if fits {
        return Ok(());
    }
    Err(BadName {
        name: name.to_owned(),
        of,
        problem,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_that_nobody_else_uses_are_names_of_databases() {
        for name in ["a", "orders_v1", &"x".repeat(63)] {
            assert_eq!(check_database(name), Ok(()), "{name}");
        }
        for name in [
            "",
            "Orders",
            "1a",
            "_a",
            "a-b",
            "a b",
            "a\"",
            "é",
            "ledger_entry",
            "audit_x",
            "sqlite_master",
            &"x".repeat(64),
        ] {
            assert!(check_database(name).is_err(), "{name}");
        }
        assert_eq!(check_project("shop-2"), Ok(()));
        assert!(check_stage("shop-2").is_err());
    }
}

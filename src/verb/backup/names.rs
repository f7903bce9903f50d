//! The names of a backup's files: each is a distinct path inside the project's folder, and none has a meaning to
//! SQLite, to this program or to others. Otherwise the author of a manifest could make `restore` put a journal beside
//! the store, or a hook below `.git/`.

use std::collections::HashSet;
use std::path::{Component, Path};

use super::manifest::MANIFEST;
use crate::project::KEY_FILE;

/// Suffixes of the files beside a store.
const BESIDE: [&str; 5] = ["-journal", "-wal", "-shm", ".lock", ".checkpoints"];

/// Returns what is wrong with the names of a backup whose store has this name.
pub(super) fn problem<'n>(names: impl Iterator<Item = &'n str> + Clone, store: &str) -> Option<String> {
    let mut all = HashSet::new();
    for name in names.clone() {
        if let Some(problem) = problem_of(name) {
            return Some(problem);
        }
        if !all.insert(name) {
            return Some(format!("`{name}` is listed more than once"));
        }
    }
    let is_folder = |name: &&str| {
        let above = name.match_indices('/').map(|(at, _)| &name[..at]);
        above.into_iter().any(|folder| all.contains(folder))
    };
    if let Some(name) = names.clone().find(is_folder) {
        return Some(format!("`{name}` is listed inside another file"));
    }
    let checkpoints = format!("{store}.checkpoints");
    let mut others = names.filter(|name| *name != store && *name != checkpoints);
    let taken = others.find(|name| belongs_to_store(name, store))?;
    Some(format!("the name `{taken}` is reserved for the store `{store}`"))
}

/// Returns whether a file has the name of a store or of a file beside it, in any folder and letter case.
pub(super) fn belongs_to_store(name: &str, store: &str) -> bool {
    let (name, store) = (last(name).to_lowercase(), last(store).to_lowercase());
    let rest = name.strip_prefix(&store);
    rest.is_some_and(|rest| rest.is_empty() || BESIDE.contains(&rest))
}

fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Returns what is wrong with a single name.
pub(super) fn problem_of(name: &str) -> Option<String> {
    let path = Path::new(name);
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    let parts: Vec<&str> = name.split('/').collect();
    let leads_out = !path.components().all(is_plain);
    if leads_out || parts.contains(&"") || path.components().count() != parts.len() {
        return Some(format!("`{name}` is outside the folder, or is not a plain name"));
    }
    if name.chars().any(char::is_control) {
        return Some(format!("`{}` has control characters", name.escape_debug()));
    }
    if parts.iter().any(|part| part.starts_with('.')) {
        return Some(format!("`{name}` is hidden, or is in a hidden folder"));
    }
    let last = last(name).to_lowercase();
    if last == KEY_FILE {
        return Some(format!(
            "`{name}` is a signing key, which a backup never contains"
        ));
    }
    (last == MANIFEST && parts.len() == 1).then(|| format!("`{name}` lists itself"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_something_elsewhere_are_refused() {
        let found = |others: &[&str]| {
            let names = ["store.db", "store.db.checkpoints", "counterfoil.toml"];
            problem(names.into_iter().chain(others.iter().copied()), "store.db")
        };
        assert_eq!(found(&["0001_a.toml", "schemas/a.json", "schemas/b.json"]), None);
        for other in [
            "",
            "/etc/x",
            "../x",
            "a/../../x",
            "./x",
            "x/",
            "a//x",
            ".x",
            ".git/hooks/post-commit",
            "a/.x/y",
            "a\nb",
            "a\0b",
            "counterfoil.key",
            "Counterfoil.KEY",
            "a/counterfoil.key",
            "backup.json",
            "store.db",
            "counterfoil.toml",
            "counterfoil.toml/x",
            "STORE.DB",
            "store.db-journal",
            "Store.db-WAL",
            "a/store.db-shm",
            "store.db.lock",
            "a/store.db.checkpoints",
        ] {
            assert!(found(&[other]).is_some(), "{other:?}");
        }
    }
}

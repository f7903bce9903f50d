//! Commands in hints: they repeat the options by which a person has named the project, the store and the key.

use std::path::Path;

use counterfoil::project::Project;

use super::global::Global;
use super::render::word;

/// A text in which every command names the project, the store and the key that this one was given: without them it
/// would work on another project, or on none.
pub(crate) fn completed(text: &str, global: &Global) -> String {
    const COMMAND: &str = "`counterfoil ";
    let mut completed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(COMMAND) {
        let (before, behind) = rest.split_at(at + COMMAND.len());
        let command = behind.split('`').next().unwrap_or_default();
        completed += before;
        completed += &options_for(command, global);
        rest = behind;
    }
    completed + rest
}

/// The options that a command needs from this one, each with a blank behind it.
fn options_for(command: &str, global: &Global) -> String {
    let verb = command.split(' ').next().unwrap_or_default();
    // One that begins with an option is complete; the others need neither project nor store.
    if verb.starts_with('-') || ["demo", "schema", "verify-proof"].contains(&verb) {
        return String::new();
    }
    let is_made = verb == "init";
    let store = global.store.as_ref().filter(|_| !is_made);
    let key = global
        .key
        .as_ref()
        .filter(|key| !is_made && is_key_for(command, key));
    let given = [
        ("-C", global.directory.as_ref()),
        ("--store", store),
        ("--key", key),
    ];
    let options = given.into_iter().filter_map(|(option, path)| {
        let path = path?.display().to_string();
        Some(format!("{option} {} ", word(&path)))
    });
    options.collect()
}

/// Whether the key that was given is one for a command: not where that names another, or makes one, and only the half
/// that signs for a command that writes.
fn is_key_for(command: &str, key: &Path) -> bool {
    const READING: [&str; 13] = [
        "status", "plan", "query", "export", "history", "trace", "verify", "report", "prove", "profile",
        "validate", "check", "test",
    ];
    let mut words = command.split(' ');
    if words.clone().any(|word| ["--key", "--new-key"].contains(&word)) {
        return false;
    }
    let verb = words.next().unwrap_or_default();
    let only_reads = READING.contains(&verb)
        || ["quarantine list", "quarantine show"]
            .iter()
            .any(|words| command.starts_with(words));
    only_reads || Project::signing_key(key).is_ok()
}

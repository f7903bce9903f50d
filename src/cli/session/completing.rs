//! Commands in hints: they repeat the options by which a person has named the project, the store and the key.

use counterfoil::project::Project;

use super::Session;
use crate::cli::render::word;

impl Session<'_> {
    /// A command line that goes on from here, for hints.
    pub(crate) fn command(&self, rest: &str) -> String {
        self.completed(&format!("`counterfoil {rest}`"))
    }

    /// A text in which every command names the project, the store and the key that this one was given: without them it
    /// would work on another project, or on none.
    pub(crate) fn completed(&self, text: &str) -> String {
        const COMMAND: &str = "`counterfoil ";
        let mut completed = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(COMMAND) {
            let (before, behind) = rest.split_at(at + COMMAND.len());
            let command = behind.split('`').next().unwrap_or_default();
            completed += before;
            completed += &self.options_for(command);
            rest = behind;
        }
        completed + rest
    }

    /// The options that a command needs from this one, each with a blank behind it.
    fn options_for(&self, command: &str) -> String {
        let verb = command.split(' ').next().unwrap_or_default();
        // One that begins with an option is complete; the others need neither project nor store.
        if verb.starts_with('-') || ["demo", "schema", "verify-proof"].contains(&verb) {
            return String::new();
        }
        let wants_key = verb != "init" && self.is_key_for(command);
        let given = [
            ("-C", &self.global.directory, true),
            ("--store", &self.global.store, verb != "init"),
            ("--key", &self.global.key, wants_key),
        ];
        let given = given.into_iter().filter(|(.., is_wanted)| *is_wanted);
        let told = given.filter_map(|(option, path, _)| {
            let path = path.as_ref()?.display().to_string();
            Some(format!("{option} {} ", word(&path)))
        });
        told.collect()
    }

    /// Whether the key that was given is one for a command: not where that names another, or makes one, and only the half
    /// that signs for a command that writes.
    fn is_key_for(&self, command: &str) -> bool {
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
        let can_sign = |key: &std::path::PathBuf| Project::signing_key(key).is_ok();
        only_reads || self.global.key.as_ref().is_some_and(can_sign)
    }
}

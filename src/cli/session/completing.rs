//! Commands in hints: they repeat the options by which a person has named the project, the store and the key.

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
        const BEGINS: &str = "`counterfoil ";
        let mut completed = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(BEGINS) {
            let (before, behind) = rest.split_at(at + BEGINS.len());
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
        let has_key = command.split(' ').any(|given| given == "--key");
        let given = [
            ("-C", &self.global.directory, true),
            ("--store", &self.global.store, verb != "init"),
            ("--key", &self.global.key, verb != "init" && !has_key),
        ];
        let given = given.into_iter().filter(|(.., is_wanted)| *is_wanted);
        let told = given.filter_map(|(option, path, _)| {
            let path = path.as_ref()?.display().to_string();
            Some(format!("{option} {} ", word(&path)))
        });
        told.collect()
    }
}

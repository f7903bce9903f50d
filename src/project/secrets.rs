//! The secrets of a project: each in a file of its own, which `counterfoil.toml` names.

use std::path::Path;

use super::Project;
use super::keys::read;
use super::settings::ProjectSettings;
use crate::environment::Secrets;
use crate::problem::Problem;

impl Project {
    /// Reads the secrets that the settings of the project in a folder declare, each from its file, without the line end
    /// after it. Returns those that can be read, and a warning for each that cannot: commands that process no record do
    /// not need it, and a stage that uses it refuses every record.
    #[must_use]
    pub fn secrets(folder: &Path, settings: &ProjectSettings) -> (Secrets, Vec<Problem>) {
        let (mut found, mut warnings) = (Vec::new(), Vec::new());
        for (name, file) in &settings.secrets {
            match read(&folder.join(file)) {
                Ok(text) if text.trim().is_empty() => warnings.push(missing(name, file, "it is empty")),
                Ok(text) => {
                    let line = text.strip_suffix('\n').unwrap_or(&text);
                    let secret = line.strip_suffix('\r').unwrap_or(line);
                    found.push((name.clone(), secret.to_owned()));
                }
                Err(error) => warnings.push(missing(name, file, &error.to_string())),
            }
        }
        (found.into_iter().collect(), warnings)
    }
}

fn missing(name: &str, file: &Path, why: &str) -> Problem {
    let message = format!(
        "the secret `{name}` cannot be read from `{}`: {why}",
        file.display()
    );
    let help = format!(
        "write it to the file, or set COUNTERFOIL_SECRET_{}",
        name.to_ascii_uppercase()
    );
    Problem::warning("secret.unreadable", None, message).help(help)
}

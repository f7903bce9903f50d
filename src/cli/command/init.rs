//! `init`: a new project.

use std::path::Path;

use counterfoil::environment::SystemRandomness;
use counterfoil::project::Project;
use serde_json::json;

use crate::cli::answer::Answer;
use crate::cli::failure::Failure;
use crate::cli::render::{bold, shown, word};
use crate::cli::session::Session;

/// Create a project: a folder with settings and a first stage that runs as is.
///
/// Creates the folder NAME in the current folder. Existing files are not overwritten.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil init shop")]
pub(crate) struct Init {
    /// The project's name: a-z, 0-9, _ and -. It is part of every stage's identity in the ledger.
    name: String,
    /// Create the project in the current folder (or the folder that -C names) instead of a new folder.
    #[arg(long)]
    here: bool,
}

impl Init {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let folder = if self.here {
            session.folder().to_owned()
        } else {
            session.inside(self.name.as_ref())
        };
        counterfoil::name::check_project(&self.name).map_err(|error| {
            Failure::usage(
                "project.bad_name",
                error.to_string(),
                "choose another name, such as `shop`",
            )
        })?;
        let mut written = Project::scaffold(&folder, &self.name)?;
        written.extend(Project::make_keys(&folder, &self.name, &SystemRandomness)?);
        let files: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        let mut text = format!("Created the project {}:\n", bold(&self.name));
        for file in &files {
            text += &format!("  {}\n", shown(file));
        }
        let data = json!({ "name": self.name, "folder": folder.display().to_string(), "files": files });
        // The folder differs from that of this command.
        let command = |rest: &str| match folder.as_path() {
            here if here == Path::new(".") => format!("`counterfoil {rest}`"),
            folder => format!("`counterfoil -C {} {rest}`", word(&folder.display().to_string())),
        };
        Ok(Answer::new(data, text).hint(format!(
            "{}, edit 0001_first.toml, then {}",
            command("load records_v1 FILE"),
            command("test")
        )))
    }
}

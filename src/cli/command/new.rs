//! `new`: creates the next stage.

use counterfoil::project::Project;
use serde_json::json;

use crate::cli::answer::Answer;
use crate::cli::failure::Failure;
use crate::cli::render::shown;
use crate::cli::session::Session;

/// Create the next numbered stage file.
///
/// The stage reads what the stage before it writes. The file runs as is; its comments list what can be added.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil new split_names")]
pub(crate) struct New {
    /// The stage's name: a-z, 0-9 and _. The file is named `NNNN_NAME.toml`.
    name: String,
}

impl New {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let path = Project::new_stage(session.folder(), &self.name)?;
        let file = path.strip_prefix("./").unwrap_or(&path).display().to_string();
        let text = format!("Created {}", shown(&file));
        Ok(Answer::new(json!({ "file": file }), text).hint(format!(
            "edit it, then {} and {}",
            session.command("check"),
            session.command("test")
        )))
    }
}

//! `review import`: the decisions of a sheet.

use std::fs::File;
use std::path::PathBuf;

use counterfoil::review::{PairDecision, SheetRow, read_sheet};
use serde_json::json;

use super::decide::{DecidingArguments, run};
use crate::cli::answer::Answer;
use crate::cli::failure::Failure;
use crate::cli::session::Session;

/// Record the decisions of a sheet that `review list --csv`, or the page of `review list --html`, has written.
///
/// The column `decision` says accept, reject, never, same or different; without one, a `reason` is a note, and a row
/// with neither decides nothing. All decisions are recorded, or none: every line that cannot be read, whose records
/// have changed since the sheet was written, or that contradicts another decision is listed.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil review import queue.csv --reason \"queue of 12 March\"")]
pub(super) struct Import {
    /// The sheet; `-` reads it from stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    deciding: DecidingArguments,
}

impl Import {
    pub(super) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let name = self.file.display().to_string();
        let rows: Vec<SheetRow> = if name == "-" {
            read_sheet("stdin", std::io::stdin().lock())?
        } else {
            let file = File::open(&self.file).map_err(|error| {
                Failure::usage(
                    "review.file",
                    format!("`{name}` cannot be read: {error}"),
                    "name a sheet that `counterfoil review list --csv FILE` has written",
                )
            })?;
            read_sheet(&name, file)?
        };
        if rows.is_empty() {
            let text = "No line of the sheet decides anything.\n";
            let answer = Answer::new(
                json!({ "run": null, "decided": {}, "unchanged": 0, "refused": [] }),
                text,
            );
            return Ok(answer.hint(
                "type accept, reject or never into the column `decision`, or a note into `reason`, and import it again",
            ));
        }
        let lines: Vec<u64> = rows.iter().map(|row| row.line).collect();
        let decisions: Vec<PairDecision> = rows.into_iter().map(|row| row.decision).collect();
        let place = |decisions: &[PairDecision], at: usize| {
            let pair = decisions.get(at);
            let pair = pair.map_or_else(String::new, |pair| format!("{}+{}", pair.a, pair.b));
            format!("line {}, {pair}", lines.get(at).copied().unwrap_or_default())
        };
        run(session, "review import", &self.deciding, &decisions, &place)
    }
}

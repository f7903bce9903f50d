//! `test`: the examples of the stages.

use counterfoil::stage::Verdict;
use serde_json::json;

use crate::cli::answer::Answer;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, check_stage};
use crate::cli::render::{bold, counted, dim, green, indented, red, shown, shown_lines};
use crate::cli::session::Session;

/// Run the examples of every stage.
///
/// If every operation of a stage is exactly invertible, its examples are checked in both directions. The
/// store is not needed. In examples, `now()` is 2000-01-01T00:00:00Z. The exit code is 4 if an example fails.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil test --stage 2")]
pub(crate) struct Test {
    /// Run only the examples of this stage.
    #[arg(long, value_name = "N")]
    stage: Option<u32>,
}

impl Test {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.project()?;
        let secrets = session.secrets()?;
        let (mut text, mut results) = (String::new(), Vec::new());
        let (mut passed, mut failed) = (0, 0);
        let mut without = Vec::new();
        let wanted = |number: u32| self.stage.is_none_or(|only| only == number);
        check_stage(project.stages(), self.stage)?;
        for stage in project.stages().iter().filter(|stage| wanted(stage.number())) {
            if stage.examples().is_empty() {
                without.push(stage.file_name().to_owned());
                continue;
            }
            text += &format!("{}\n", bold(&shown(stage.file_name())));
            for result in stage.run_examples(project.name(), &secrets) {
                let (ok, detail) = match &result.verdict {
                    Verdict::Passed { round_trip } => {
                        passed += 1;
                        let note = if *round_trip {
                            dim(" (both directions)")
                        } else {
                            String::new()
                        };
                        text += &format!("  {} {}{note}\n", green("ok    "), shown(&result.name));
                        (true, None)
                    }
                    Verdict::Failed(detail) => {
                        failed += 1;
                        let place = dim(&format!(" at {}", result.place));
                        text += &format!("  {} {}{place}\n", red("FAILED"), shown(&result.name));
                        text += &format!("{}\n", indented(&shown_lines(detail), 9));
                        (false, Some(detail.clone()))
                    }
                };
                results.push(json!({
                    "stage": stage.number(), "name": result.name, "file": result.place.file.as_ref(),
                    "line": result.place.line, "passed": ok,
                    "round_trip": matches!(result.verdict, Verdict::Passed { round_trip: true }), "detail": detail,
                }));
            }
        }
        let total = counted(passed + failed, "example");
        let data = json!({ "passed": passed, "failed": failed, "examples": results });
        let warnings = without
            .into_iter()
            .map(|file| format!("{file} has no [[example]]"));
        if failed == 0 {
            let text = format!("{text}{} {total}\n", green("passed:"));
            return Ok(Answer::new(data, text).warnings(warnings));
        }
        let message = format!("{failed} of {total} failed");
        let failure = Failure::new(Exit::StageInvalid, "example.failed", message)
            .hint("correct the stage, or what the example expects");
        Ok(Answer::new(data, text).warnings(warnings).failed(failure))
    }
}

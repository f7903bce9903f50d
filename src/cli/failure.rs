//! Why a command did not do what it was asked to, with what to do next and the exit code.

use counterfoil::Problems;
use counterfoil::output::OutputError;
use counterfoil::problem::{Problem, Severity};
use counterfoil::stage::{Stage, Stages};
use counterfoil::{Error, Stopped};
use serde_json::{Value as Json, json};

use super::advice::{Advice, message};
use super::exit::Exit;
use super::render::{bold, count, counted, cyan, green, indented, red, shown_lines, yellow};

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// A stable code for scripts.
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
    /// What is wrong with stage files or settings, one by one.
    pub(crate) problems: Vec<Problem>,
    /// Lines below the message: a difference.
    pub(crate) detail: Option<Box<str>>,
    /// The statements that put a store right, in the order in which they can be run.
    #[expect(
        clippy::box_collection,
        reason = "every result of a command carries one of these, and hardly any has statements"
    )]
    pub(crate) statements: Box<Vec<String>>,
}

/// Code of an output that no one reads any more.
const CLOSED_OUTPUT: &str = "output.closed";

impl Failure {
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            exit,
            code,
            message: message.into(),
            hint: None,
            problems: Vec::new(),
            detail: None,
            statements: Box::default(),
        }
    }

    /// Creates the failure of a usage error.
    pub(crate) fn usage(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Exit::Usage, code, message).hint(hint)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What it says to do next.
    pub(crate) fn advice(&mut self) -> impl Iterator<Item = &mut String> {
        let of_problems = self
            .problems
            .iter_mut()
            .filter_map(|problem| problem.help.as_mut());
        self.hint.iter_mut().chain(of_problems)
    }

    /// The output cannot be written. A reader that closed the pipe (`| head`) is not a failure to report.
    pub(crate) fn output(error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new(Exit::Done, CLOSED_OUTPUT, "the reader closed the output");
        }
        Self::new(
            Exit::Failed,
            "output.failed",
            format!("the output cannot be written: {error}"),
        )
        .hint("the store is unchanged; free disk space, or write to another place")
    }

    /// Something in the store is not what it should be.
    pub(crate) fn damaged(message: impl Into<String>) -> Self {
        Self::new(Exit::Unsound, "store.damaged", message)
            .hint("run `counterfoil verify` to see what else is damaged")
    }

    pub(crate) fn is_closed_output(&self) -> bool {
        self.code == CLOSED_OUTPUT
    }

    /// What clap did not understand, in clap's own words.
    pub(crate) fn usage_of_clap(error: &clap::Error) -> Self {
        use clap::error::ErrorKind;
        let code = match error.kind() {
            ErrorKind::InvalidSubcommand => "usage.unknown_command",
            ErrorKind::UnknownArgument => "usage.unknown_option",
            ErrorKind::MissingRequiredArgument => "usage.missing",
            ErrorKind::InvalidValue | ErrorKind::ValueValidation => "usage.invalid_value",
            ErrorKind::ArgumentConflict => "usage.conflict",
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
                "usage.no_command"
            }
            _ => "usage",
        };
        if code == "usage.no_command" {
            let failure = Self::new(Exit::Usage, code, "no command given");
            return failure.hint("`counterfoil --help` lists the commands");
        }
        let rendered = error.render().to_string();
        let message = rendered.trim_end();
        let message = message.strip_prefix("error: ").unwrap_or(message);
        Self::new(Exit::Usage, code, message)
    }

    /// For a terminal: what, where, why, what next.
    pub(crate) fn rendered(&self) -> String {
        let mut text = String::new();
        if self.problems.is_empty() || !self.message.is_empty() {
            text = format!("{} {}\n", red("error:"), shown_lines(&self.message));
        }
        for problem in &self.problems {
            text += &rendered_problem(problem);
        }
        if let Some(detail) = &self.detail {
            text += &coloured_difference(detail);
        }
        if let Some(hint) = &self.hint {
            text += &format!("{} {}\n", cyan("hint:"), shown_lines(hint));
        }
        text
    }

    pub(crate) fn json(&self) -> Json {
        let message = if self.message.is_empty() {
            let told = self.problems.iter().map(ToString::to_string);
            told.collect::<Vec<_>>().join("\n")
        } else {
            self.message.clone()
        };
        let mut error = json!({ "code": self.code, "message": message, "hint": self.hint });
        if let Some(fields) = error.as_object_mut() {
            if !self.problems.is_empty() {
                fields.insert(
                    "problems".to_owned(),
                    self.problems.iter().map(problem_json).collect(),
                );
            }
            if let Some(detail) = &self.detail {
                fields.insert("detail".to_owned(), json!(detail));
            }
            if !self.statements.is_empty() {
                fields.insert("statements".to_owned(), json!(self.statements));
            }
        }
        error
    }
}

/// A problem of a stage file, for programs.
pub(crate) fn problem_json(problem: &Problem) -> Json {
    let place = problem.place.as_ref();
    json!({
        "severity": match problem.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "code": problem.code,
        "file": place.map(|place| place.file.as_ref()),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "message": problem.message,
        "help": problem.help,
    })
}

/// A problem of a stage file, for people.
pub(crate) fn rendered_problem(problem: &Problem) -> String {
    let code = match problem.severity {
        Severity::Error => red(&format!("error[{}]:", problem.code)),
        Severity::Warning => yellow(&format!("warning[{}]:", problem.code)),
    };
    let mut text = format!("{code} {}\n", shown_lines(&problem.message));
    if let Some(place) = &problem.place {
        text += &format!("  at {}\n", bold(&shown_lines(&place.to_string())));
    }
    if let Some(help) = &problem.help {
        text += &format!("  {} {}\n", cyan("help:"), shown_lines(help));
    }
    text
}

fn coloured_difference(detail: &str) -> String {
    let line = |line: &str| {
        let shown = shown_lines(line);
        match line.as_bytes().first() {
            Some(b'-') => red(&shown),
            Some(b'+') => green(&shown),
            _ => shown.into_owned(),
        }
    };
    indented(&detail.lines().map(line).collect::<Vec<_>>().join("\n"), 2) + "\n"
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::from(Error::from(problems))
    }
}

/// What is wrong with a key's file.
impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let failure = Self::new(Exit::Failed, problem.code, problem.message);
        match problem.help {
            Some(help) => failure.hint(help),
            None => failure,
        }
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        match error {
            OutputError::Io(error) => Self::output(&error),
            OutputError::Damaged { .. } => Self::damaged(error.to_string()),
            OutputError::NoColumn { .. } => Self::usage(
                "output.column",
                error.to_string(),
                "name them with `--columns a,b,c`",
            ),
            OutputError::Taken { .. } => Self::usage(
                "output.taken",
                error.to_string(),
                "choose text that no record contains: `--null TEXT`, `--missing TEXT`",
            ),
            other => Self::new(Exit::Failed, "output", other.to_string()),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = error.code();
        let advice = Advice::from_error(&error);
        let mut failure = Self::new(advice.exit, code, message(&error));
        failure.hint = advice.hint;
        match error {
            Error::Drift { diff, .. } => failure.detail = Some(diff.into()),
            Error::Foreign { differences, .. } => {
                let statements = differences
                    .into_iter()
                    .filter_map(|difference| difference.mended_by);
                failure.statements = Box::new(statements.collect());
            }
            Error::Stage { problems } => {
                failure.message = String::new();
                if let [problem] = &problems[..] {
                    failure.code = problem.code;
                }
                failure.problems = problems.into();
            }
            _ => {}
        }
        failure
    }
}

/// Failure for a stopped command that commits nothing: there is nothing to continue.
pub(crate) fn stopped_reading() -> Failure {
    let message = "stopped on request; nothing was changed";
    Failure::new(Exit::Stopped, "stopped.asked", message).hint("run the same command again to start over")
}

/// Returns why a verb stopped early, and how to continue.
pub(crate) fn stopped_early(stopped: &Stopped) -> Failure {
    let go_on = "run the same command again to continue from here";
    match stopped {
        Stopped::Asked => Failure::new(
            Exit::Stopped,
            "stopped.asked",
            "stopped on request; all batches so far are committed",
        )
        .hint(go_on),
        Stopped::Time => Failure::new(
            Exit::Stopped,
            "stopped.time",
            "stopped at the time limit; all batches so far are committed",
        )
        .hint(go_on),
        Stopped::Contract { refused } => {
            let message = format!(
                "stopped: {} refused by a contract in `refuse` mode; all batches so far are committed",
                counted(*refused, "record")
            );
            Failure::new(Exit::Stopped, "stopped.contract", message)
        }
        Stopped::ErrorLimit { refused, limit } => {
            let message = format!(
                "stopped: {} refused, {} allowed; all batches so far are committed",
                counted(*refused, "record"),
                count(*limit)
            );
            Failure::new(Exit::Stopped, "stopped.error_limit", message)
        }
        _ => Failure::new(Exit::Stopped, "stopped", "stopped early").hint(go_on),
    }
}

/// Refuses a number that no stage of the project has.
pub(crate) fn check_stage(stages: &Stages, number: Option<u32>) -> Result<(), Failure> {
    match number {
        Some(number) if stages.get(number).is_none() => {
            Err(no_stage(stages.iter().map(Stage::number), number))
        }
        _ => Ok(()),
    }
}

/// There is no such stage in the project.
pub(crate) fn no_stage(known: impl Iterator<Item = u32>, number: u32) -> Failure {
    let known: Vec<String> = known.map(|number| number.to_string()).collect();
    Failure::usage(
        "stage.missing",
        format!("the project has no stage {number}"),
        if known.is_empty() {
            "it has no stages: `counterfoil new NAME` creates one".to_owned()
        } else {
            format!("available: {}", known.join(", "))
        },
    )
}

#[cfg(test)]
mod tests;

//! The one place where what went wrong becomes a message, advice and an exit code.

use counterfoil::Error;
use counterfoil::output::OutputError;
use counterfoil::problem::{Problem, Severity};
use serde_json::{Value as Json, json};

use super::answer::Exit;
use super::render::{bold, cyan, green, indented, red, shown_lines, word, yellow};

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
    /// What stands below the message, line by line: a difference.
    pub(crate) detail: Option<Box<str>>,
    /// The statements that put a store right, in the order in which they can be run.
    #[expect(
        clippy::box_collection,
        reason = "every result of a command carries one of these, and hardly any has statements"
    )]
    pub(crate) statements: Box<Vec<String>>,
}

/// The code of an output that nobody reads any more.
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

    /// The command makes no sense as given.
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

    /// The output cannot be written. That a reader has gone away (`| head`) is no failure to speak of.
    pub(crate) fn output(error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new(Exit::Done, CLOSED_OUTPUT, "nobody reads the output any more");
        }
        Self::new(
            Exit::Failed,
            "output.failed",
            format!("the output cannot be written: {error}"),
        )
        .hint("nothing in the store has changed; make room, or write to another place")
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
            let failure = Self::new(Exit::Usage, code, "no command was given");
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

impl From<Vec<Problem>> for Failure {
    fn from(problems: Vec<Problem>) -> Self {
        Self::from(Error::Stage { problems })
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
            OutputError::Damaged { .. } => Self::new(Exit::Unsound, "store.damaged", error.to_string())
                .hint("run `counterfoil verify` to see what else is damaged"),
            OutputError::NoColumn { .. } => Self::usage(
                "output.column",
                error.to_string(),
                "give them with `--columns a,b,c`",
            ),
            OutputError::Taken { .. } => Self::usage(
                "output.taken",
                error.to_string(),
                "choose a text that no record has: `--null TEXT`, `--missing TEXT`",
            ),
            other => Self::new(Exit::Failed, "output", other.to_string()),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = error.code();
        let (exit, hint) = advice(&error);
        let mut failure = Self::new(exit, code, message(&error));
        failure.hint = hint;
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
                failure.problems = problems;
            }
            _ => {}
        }
        failure
    }
}

fn message(error: &Error) -> String {
    match (error, error.code()) {
        (Error::Sqlite { source, .. }, _)
            if source.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) =>
        {
            "the file is no store: it is not an SQLite database, or its beginning is damaged".to_owned()
        }
        // SQLite tells some read errors of the disk as a malformed file.
        (Error::Sqlite { source, .. }, "store.damaged") => {
            format!("the store could not be read (it is damaged, or the disk has errors): {source}")
        }
        (Error::Sqlite { .. }, "interrupted") => {
            "the batch at hand was undone, as you asked; what was committed before it stands".to_owned()
        }
        (Error::Sqlite { .. }, "store.busy") => {
            "another program is using the store, and did not let go of it in time".to_owned()
        }
        _ => error.to_string(),
    }
}

const INPUT_CHANGED: &str = "put the file back as it was; or begin again with `--restart`: what is loaded already counts as unchanged";
const FOREIGN: &str = "nothing was written; find out who made it and what it has done since (`counterfoil verify`), then run the \
     statements with sqlite3, and the same command again; views and indexes of your own belong in a file that attaches the store";
const LOST: &str = "nothing was written; keep the file for the inquiry, and restore a backup (`counterfoil restore FOLDER`): what \
     no statement puts right is in it alone; `counterfoil verify` tells what else is not as the ledger says";
const CONTRADICTED: &str = "keep both files for the inquiry; if the store was restored on purpose, or has a new key, say so: \
     `counterfoil checkpoint --accept-restore --reason TEXT`; to begin anew, move the file of checkpoints away";
const PLAN_MOVED: &str = "nothing was changed; look at a new plan: `counterfoil plan --out FILE`";

/// What has to be taken back first, by its number: whether its id may be shown is not known here.
fn first_the_copy(target: &str, copy: i64) -> String {
    let target = word(target);
    format!(
        "roll back first what became of it, record {copy} of {target}: `counterfoil rollback --record {target} ID`"
    )
}

/// The exit code, and what to do next.
pub(crate) fn advice(error: &Error) -> (Exit, Option<String>) {
    let (exit, hint) = match error {
        Error::Sqlite { .. } => return of_sqlite(error.code()),
        Error::Io { source, .. } => return (Exit::Failed, of_io(source.kind())),
        Error::Locked { .. } => (Exit::Locked, "wait until it is done, or longer: `--wait SECONDS`".to_owned()),
        Error::NoSuchStore { .. } => (
            Exit::Failed,
            "`counterfoil load DATABASE FILE` makes it with its first records; `--store FILE` names another".to_owned(),
        ),
        Error::NotAStore { .. } => (
            Exit::Failed,
            "nothing was changed; name the right file with `--store FILE`, or use the version that made it".to_owned(),
        ),
        Error::NoSuchDatabase { name, known } => (Exit::Failed, near(name, known)),
        Error::NoSuchRecord { database, .. } => (
            Exit::Failed,
            format!("`counterfoil query {}` shows what is there; ids are compared letter by letter", word(database)),
        ),
        Error::CarriedOn { target, copy, .. } => (Exit::Usage, first_the_copy(target, *copy)),
        Error::NoSuch { .. } => (
            Exit::Failed,
            "`counterfoil history` and `counterfoil status` show what there is".to_owned(),
        ),
        Error::Invalid { hint, .. } => return (Exit::Usage, hint.clone()),
        Error::Stage { problems } => return of_problems(problems),
        Error::Drift {
            number,
            is_of_language,
            ..
        } => (Exit::Drift, of_drift(*number, *is_of_language)),
        Error::PlanMoved { .. } => (Exit::Drift, PLAN_MOVED.to_owned()),
        Error::IllegalState { .. } => (
            Exit::Failed,
            "finish what was begun: `counterfoil status` shows it, and the same command again goes on".to_owned(),
        ),
        Error::InputChanged { .. } => (Exit::Failed, INPUT_CHANGED.to_owned()),
        Error::ReadOtherwise { options, .. } => (
            Exit::Usage,
            format!("the same command with `{}`", options.join(" ")),
        ),
        Error::Input { .. } => (
            Exit::Failed,
            "what was committed stands; correct the input, or name its format with `--format`".to_owned(),
        ),
        Error::Foreign { differences, .. } => {
            let is_lost = differences.iter().any(|difference| difference.mended_by.is_none());
            (Exit::Unsound, if is_lost { LOST } else { FOREIGN }.to_owned())
        }
        Error::Contradicted { .. } => (Exit::Unsound, CONTRADICTED.to_owned()),
        Error::RollbackConflict { .. } => (
            Exit::Conflict,
            "nothing was changed; `--on-conflict skip` leaves such records as they are, `merge` undoes the fields that \
             nobody has changed since, `force` restores them all the same (less those whose id another record has: \
             delete or rename that first)"
                .to_owned(),
        ),
        Error::RollbackBeneath { run, .. } => (
            Exit::Conflict,
            format!("nothing was changed; roll back newest first, `--run {run}`, or the whole stage, without `--run`"),
        ),
        Error::Damaged { .. } => (
            Exit::Unsound,
            "run `counterfoil verify` to see what else is damaged, and restore a copy".to_owned(),
        ),
        _ => return (Exit::Failed, None),
    };
    (exit, Some(hint))
}

/// What to do about a stage that was applied with another meaning; where its language is another, no file that could be put
/// back would have the old one.
fn of_drift(number: u32, is_of_language: bool) -> String {
    let revise = "`counterfoil apply --revise --reason TEXT`";
    if is_of_language {
        format!(
            "{revise} takes it as it is read now, for the records not yet carried through; or roll back stage {number} \
             first, and apply it anew"
        )
    } else {
        format!(
            "put the file back as it was; or write the change as a new stage (`counterfoil new NAME`); or roll back stage \
             {number} first; or {revise}: for records not yet carried through"
        )
    }
}

fn of_sqlite(code: &str) -> (Exit, Option<String>) {
    let (exit, hint) = match code {
        "store.busy" => (
            Exit::Locked,
            "close the other program, or wait longer: `--wait SECONDS`",
        ),
        "interrupted" => (Exit::Stopped, "the same command again goes on"),
        "store.full" => (Exit::Failed, "make room; then the same command again goes on"),
        "store.readonly" => (
            Exit::Failed,
            "the store and its folder must be writable, for its journal and its lock too",
        ),
        "store.damaged" => (
            Exit::Unsound,
            "run `counterfoil verify` on it; name the right file with `--store FILE`, or restore a copy",
        ),
        "store.io" => (
            Exit::Failed,
            "see that the disk is there and writable; then the same command again goes on",
        ),
        _ => return (Exit::Failed, None),
    };
    (exit, Some(hint.to_owned()))
}

fn of_io(kind: std::io::ErrorKind) -> Option<String> {
    use std::io::ErrorKind;
    let hint = match kind {
        ErrorKind::NotFound => "see that the path is right",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "see that you may read and write there"
        }
        ErrorKind::StorageFull => "make room; then the same command again goes on",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn of_problems(problems: &[Problem]) -> (Exit, Option<String>) {
    // A name that stands in a file is wrong there, not on the command line.
    let all = |codes: &[&str]| {
        let of_usage = |problem: &Problem| problem.place.is_none() && codes.contains(&problem.code);
        problems.iter().all(of_usage)
    };
    if all(&[
        "project.missing",
        "project.exists",
        "project.bad_name",
        "stage.bad_name",
    ]) {
        return (Exit::Usage, None);
    }
    if all(&["project.unwritable", "project.unreadable"]) {
        return (Exit::Failed, None);
    }
    let errors = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .count();
    let what = if errors == 1 { "it" } else { "them" };
    (
        Exit::StageInvalid,
        Some(format!("correct {what}, then run `counterfoil check`")),
    )
}

/// The databases that there are, the nearest first.
fn near(name: &str, known: &[String]) -> String {
    if known.is_empty() {
        return "the store has no database yet: `counterfoil load DATABASE FILE` makes one".to_owned();
    }
    nearest(name, known)
}

/// What was probably meant, and what there is.
pub(crate) fn nearest(name: &str, known: &[String]) -> String {
    let nearest = known
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|left, right| left.0.total_cmp(&right.0));
    let list = known.join(", ");
    match nearest {
        Some((_, nearest)) => format!("did you mean `{nearest}`? There are: {list}"),
        None => format!("there are: {list}"),
    }
}

#[cfg(test)]
mod tests;

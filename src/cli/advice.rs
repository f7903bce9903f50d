//! The message, the exit code and the next step for an error of the library.

use counterfoil::Error;
use counterfoil::problem::{Problem, Severity};
use counterfoil::record::RecordNumber;
use counterfoil::store::SqliteFailure;

use super::exit::Exit;
use super::render::word;
use super::words::nearest;

/// What to do about an error of the library.
pub(crate) struct Advice {
    /// Exit code of the command.
    pub(crate) exit: Exit,
    /// Next step, if there is one.
    pub(crate) hint: Option<String>,
}

impl Advice {
    pub(crate) fn from_error(error: &Error) -> Self {
        match error {
            Error::Sqlite { .. } => of_sqlite(error.code()),
            Error::Io { source, .. } => of_io(source.kind()),
            Error::Locked { .. } => Self::new(
                Exit::Locked,
                "wait until it ends, or wait longer with `--wait SECONDS`",
            ),
            Error::NoSuchStore { .. } => Self::new(Exit::Failed, NO_STORE),
            Error::NotAStore { .. } => Self::new(Exit::Failed, NOT_A_STORE),
            Error::NoSuchDatabase { name, known } => Self::new(Exit::Failed, near(name, known)),
            Error::NoSuchRecord { database, .. } => {
                let query = format!("`counterfoil query {}`", word(database));
                let hint = format!("{query} lists the records; ids must match exactly");
                Self::new(Exit::Failed, hint)
            }
            Error::ProcessedSince { target, copy, .. } => {
                Self::new(Exit::Usage, first_the_copy(target, *copy))
            }
            Error::NoSuch { .. } => Self::new(
                Exit::Failed,
                "`counterfoil history` lists the runs, `counterfoil status` the stages and databases",
            ),
            Error::Invalid { hint, .. } => Self {
                exit: Exit::Usage,
                hint: hint.clone(),
            },
            Error::Stage { problems } => of_problems(problems),
            Error::Drift {
                number,
                is_of_language,
                ..
            } => Self::new(Exit::Drift, of_drift(*number, *is_of_language)),
            Error::PlanMoved { .. } => Self::new(Exit::Drift, PLAN_MOVED),
            Error::IllegalState { .. } => Self::new(Exit::Failed, ILLEGAL_STATE),
            Error::InputChanged { .. } => Self::new(Exit::Failed, INPUT_CHANGED),
            Error::ReadOtherwise { options, .. } => Self::new(
                Exit::Usage,
                format!("run the same command with `{}`", options.join(" ")),
            ),
            Error::Input { .. } => Self::new(Exit::Failed, INPUT),
            Error::Foreign { differences, .. } => {
                let is_lost = differences
                    .iter()
                    .any(|difference| difference.mended_by.is_none());
                Self::new(Exit::Unsound, if is_lost { LOST } else { FOREIGN })
            }
            Error::Contradicted { .. } => Self::new(Exit::Unsound, CONTRADICTED),
            Error::RollbackConflict { .. } => Self::new(Exit::Conflict, ROLLBACK_CONFLICT),
            Error::RollbackBeneath { run, .. } => Self::new(
                Exit::Conflict,
                format!(
                    "nothing was changed; roll back the newest run first with `--run {run}`, or the whole \
                     stage without `--run`"
                ),
            ),
            Error::Damaged { .. } => Self::new(Exit::Unsound, DAMAGED),
            _ => Self::none(Exit::Failed),
        }
    }

    fn new(exit: Exit, hint: impl Into<String>) -> Self {
        let hint = Some(hint.into());
        Self { exit, hint }
    }

    /// Nothing but the exit code: the message says it all.
    fn none(exit: Exit) -> Self {
        Self { exit, hint: None }
    }
}

/// Returns what went wrong, rephrased where the library's message does not suit a person.
pub(crate) fn message(error: &Error) -> String {
    match (error, error.code()) {
        (
            Error::Sqlite {
                failure: SqliteFailure::NotADatabase,
                ..
            },
            _,
        ) => "the file is not a store: it is not an SQLite database, or its header is damaged".to_owned(),
        // SQLite reports some read errors of the disk as a malformed file.
        (Error::Sqlite { source, .. }, "store.damaged") => {
            format!("the store could not be read (it is damaged, or the disk has errors): {source}")
        }
        (Error::Sqlite { .. }, "interrupted") => {
            "interrupted: the current batch was undone, earlier batches are committed".to_owned()
        }
        (Error::Sqlite { .. }, "store.busy") => {
            "another program is using the store and did not release it in time".to_owned()
        }
        _ => error.to_string(),
    }
}

const NO_STORE: &str = "`counterfoil load DATABASE FILE` creates it; `--store FILE` names another";
const NOT_A_STORE: &str = "nothing was changed; name the right file with `--store FILE`, or use the version of Counterfoil that created it";
const ILLEGAL_STATE: &str =
    "finish the interrupted command first: `counterfoil status` shows it; run it again to continue";
const INPUT: &str = "committed batches are kept; correct the input, or name its format with `--format`";
const ROLLBACK_CONFLICT: &str = "nothing was changed; `--on-conflict skip` leaves such records unchanged, \
                                 `merge` undoes only the fields that were not changed since, `force` restores \
                                 them anyway (except those whose id another record has now: delete or rename \
                                 that record first)";
const DAMAGED: &str = "run `counterfoil verify` to see what else is damaged, then restore a backup";
const INPUT_CHANGED: &str = "restore the file, or start again with `--restart`: records already loaded count \
                             as unchanged";

const FOREIGN: &str = "nothing was written; find out who created it and what it changed (`counterfoil \
                       verify`), then run the statements with sqlite3 and repeat the command; keep your own \
                       views and indexes in a separate database file that attaches the store";

const LOST: &str = "nothing was written; keep the file as evidence, and restore a backup (`counterfoil \
                    restore FOLDER`): no SQL statement can repair this; `counterfoil verify` lists what else \
                    does not match the ledger";

const CONTRADICTED: &str = "keep both files as evidence; if the store was restored on purpose, or has a new \
                            key, accept it with `counterfoil checkpoint --accept-restore --reason TEXT`; to \
                            start over, move the checkpoints file away";

const PLAN_MOVED: &str = "nothing was changed; make a new plan with `counterfoil plan --out FILE`";

/// Returns what must be rolled back first, by its number: whether its id may be shown is unknown here.
fn first_the_copy(target: &str, copy: RecordNumber) -> String {
    let target = word(target);
    format!(
        "first roll back the record made from it, record {copy} of {target}: `counterfoil rollback --record \
         {target} ID`"
    )
}

/// Returns what to do about a stage that was applied with another meaning; if its language differs, no restored file
/// would have the old meaning.
fn of_drift(number: u32, is_of_language: bool) -> String {
    let revise = "`counterfoil apply --revise --reason TEXT`";
    if is_of_language {
        format!(
            "{revise} accepts the new reading for records not yet processed; or roll back stage {number} \
             first and apply it again"
        )
    } else {
        format!(
            "restore the file; or write the change as a new stage (`counterfoil new NAME`); or roll back \
             stage {number} first; or accept the change for records not yet processed with {revise}"
        )
    }
}

fn of_sqlite(code: &str) -> Advice {
    match code {
        "store.busy" => Advice::new(
            Exit::Locked,
            "close the other program, or wait longer with `--wait SECONDS`",
        ),
        "interrupted" => Advice::new(Exit::Stopped, "run the same command again to continue"),
        "store.full" => Advice::new(
            Exit::Failed,
            "free disk space, then run the same command again to continue",
        ),
        "store.readonly" => Advice::new(
            Exit::Failed,
            "make the store and its folder writable: SQLite's journal and the lock file are created there",
        ),
        "store.damaged" => Advice::new(
            Exit::Unsound,
            "name the right file with `--store FILE`, or restore a backup",
        ),
        "store.io" => Advice::new(
            Exit::Failed,
            "check that the disk is mounted and writable, then run the same command again to continue",
        ),
        _ => Advice::none(Exit::Failed),
    }
}

fn of_io(kind: std::io::ErrorKind) -> Advice {
    use std::io::ErrorKind;
    match kind {
        ErrorKind::NotFound => Advice::new(Exit::Failed, "check the path"),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Advice::new(
            Exit::Failed,
            "check that you have permission to read and write there",
        ),
        ErrorKind::StorageFull => Advice::new(
            Exit::Failed,
            "free disk space, then run the same command again \
                                                             to continue",
        ),
        _ => Advice::none(Exit::Failed),
    }
}

fn of_problems(problems: &[Problem]) -> Advice {
    // A wrong name in a file is an error there, not on the command line.
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
        return Advice::none(Exit::Usage);
    }
    if all(&["project.unwritable", "project.unreadable"]) {
        return Advice::none(Exit::Failed);
    }
    let errors = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .count();
    let what = if errors == 1 { "it" } else { "them" };
    Advice::new(
        Exit::StageInvalid,
        format!("correct {what}, then run `counterfoil check`"),
    )
}

/// Lists the existing databases, the nearest first.
fn near(name: &str, known: &[String]) -> String {
    if known.is_empty() {
        return "the store has no database yet: `counterfoil load DATABASE FILE` creates one".to_owned();
    }
    nearest(name, known)
}

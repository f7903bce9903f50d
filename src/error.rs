//! What can go wrong, as facts. Messages say what and where; the command-line layer adds what to do next.

use std::fmt;
use std::path::PathBuf;

use crate::note::BadNote;
use crate::problem::Problem;
use crate::record::{BatchId, PassId, RecordNumber, RunId};
use crate::toml::Problems;

/// The result of every operation that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the library. No variant holds a value of a record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// SQLite refused or failed.
    #[error("the store could not be {doing}: {source}")]
    Sqlite {
        /// The operation that failed, as a past participle: `read`, `written`.
        doing: &'static str,
        /// The kind of failure.
        failure: SqliteFailure,
        /// SQLite's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// Another process holds the lock of the store.
    #[error("{store} is locked{by}", store = store.display(), by = held_by(holder.as_ref()))]
    Locked {
        /// The store.
        store: PathBuf,
        /// The holder, as it describes itself in the lock file: pid, host, since.
        holder: Option<String>,
    },
    /// No store exists at this path.
    #[error("there is no store at {path}", path = path.display())]
    NoSuchStore {
        /// The path.
        path: PathBuf,
    },
    /// The file is not a store, or is a store of another version.
    #[error("{path} is not a store of this version: {found}", path = path.display())]
    NotAStore {
        /// The path.
        path: PathBuf,
        /// What was found instead.
        found: String,
    },
    /// No logical database has this name.
    #[error("there is no database `{name}`")]
    NoSuchDatabase {
        /// The requested name.
        name: String,
        /// The names of the existing databases.
        known: Vec<String>,
    },
    /// The database has no record with this id.
    #[error("`{database}` has no record with the id `{id}`")]
    NoSuchRecord {
        /// The database.
        database: String,
        /// The requested id.
        id: String,
    },
    /// An applied stage has processed the record that would be rolled back. The error names the resulting record by its
    /// number, because an id is not shown before it is known that it may be.
    #[error(
        "stage {stage} ({slug}) has since processed {} from `{database}` into `{target}`",
        match id { Some(id) => format!("`{id}`"), None => format!("record {record}, which was created with it,") }
    )]
    ProcessedSince {
        /// The stage's number.
        stage: u32,
        /// Its slug.
        slug: String,
        /// The database of the source record.
        database: String,
        /// The number of the source record.
        record: RecordNumber,
        /// The id, where it is the requested one.
        id: Option<String>,
        /// The database that the stage wrote to.
        target: String,
        /// The number of the resulting record.
        copy: RecordNumber,
    },
    /// No such stage, run or pass exists.
    #[error("there is no {what}")]
    NoSuch {
        /// What was requested: `stage 7`, `run 3`.
        what: String,
    },
    /// The request is invalid.
    #[error("{message}")]
    Invalid {
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// Stage files or project settings are invalid.
    #[error("{problems}")]
    Stage {
        /// Every problem, at least one.
        problems: Problems,
    },
    /// The meaning of an applied stage has changed.
    #[error(
        "stage {number} ({slug}) has changed since it was applied{}",
        if *.is_of_language { ": the version of the stage language it was applied under reads some of its text \
            differently (docs/language.md)" } else { "" }
    )]
    Drift {
        /// The stage's number.
        number: u32,
        /// Its slug.
        slug: String,
        /// The difference between the applied stage and the present one.
        diff: String,
        /// Whether the stage was applied in an earlier language version, and the present one needs the current version.
        is_of_language: bool,
    },
    /// The stages or the data have changed since the plan was made.
    #[error("the plan is out of date: {what}")]
    PlanMoved {
        /// What has changed.
        what: String,
    },
    /// The state of the pass or the stage does not allow the step.
    #[error("{what} is {state}: `{event}` is not possible")]
    IllegalState {
        /// The stage or pass.
        what: String,
        /// Its present state.
        state: String,
        /// The requested step.
        event: String,
    },
    /// The input of an unfinished load has changed.
    #[error(
        "the load of {input} was interrupted after {offset} bytes, and the file has changed before that point"
    )]
    InputChanged {
        /// The input.
        input: String,
        /// How far the load had read.
        offset: u64,
    },
    /// The input as a whole cannot be read.
    #[error("{input}: {problem}")]
    Input {
        /// The input.
        input: String,
        /// What is wrong.
        problem: String,
    },
    /// The input must be read with other options.
    #[error("{input}: {problem}")]
    ReadOtherwise {
        /// A stable code.
        code: &'static str,
        /// The input.
        input: String,
        /// What is wrong.
        problem: String,
        /// The command-line options that read it correctly, as words.
        options: Vec<String>,
    },
    /// The store does not match its signed checkpoint.
    #[error("`{}` {} (signed with {signed} leaves, in `{}`; now {found}){}", store.display(), is(contradiction), checkpoints.display(), sound_until(*since))]
    Contradicted {
        /// The store.
        store: PathBuf,
        /// The file that contains the checkpoint.
        checkpoints: PathBuf,
        /// The signed size of the ledger's tree.
        signed: u64,
        /// The actual size of the ledger's tree.
        found: u64,
        /// The batch of the newest checkpoint that is still valid.
        since: Option<BatchId>,
        /// What is wrong.
        contradiction: Contradiction,
    },
    /// The store has tables, views, triggers or indexes that this program does not create, or lacks some that it does,
    /// so this program does not write to it.
    #[error("the schema of {} is not the one this program creates:{}", store.display(), differing(differences))]
    Foreign {
        /// The store.
        store: PathBuf,
        /// Every difference, at least one.
        differences: Vec<SchemaDifference>,
    },
    /// A rollback would overwrite newer data.
    #[error("{} cannot be restored as pass {pass} found {}; the first is {first}", records(*count), them(*count))]
    RollbackConflict {
        /// Number of records of the pass that conflict.
        count: u64,
        /// The first pass that has a conflict.
        pass: PassId,
        /// The first conflict.
        first: Box<Conflict>,
    },
    /// A newer pass of the same stage depends on this pass: if this one alone were rolled back, the rollback of the newer
    /// one would bring its work back, or nothing would write what the newer one has found there.
    #[error(
        "pass {pass} cannot be rolled back alone: pass {newer} of the same stage, from run {run}, has processed the same \
         records since"
    )]
    RollbackBeneath {
        /// The pass that was to be rolled back.
        pass: PassId,
        /// The newer pass that depends on it.
        newer: PassId,
        /// The latest run that worked on the newer pass.
        run: RunId,
    },
    /// The store does not match its ledger.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// What was found, and where.
        what: String,
    },
}

impl Error {
    /// Returns a stable code for scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Sqlite { failure, .. } => failure.code(),
            Self::Io { .. } => "io",
            Self::Locked { .. } => "store.locked",
            Self::NoSuchStore { .. } => "store.missing",
            Self::NotAStore { .. } => "store.foreign",
            Self::NoSuchDatabase { .. } => "database.missing",
            Self::NoSuchRecord { .. } => "record.missing",
            Self::NoSuch { .. } => "missing",
            Self::Invalid { .. } | Self::ProcessedSince { .. } => "invalid",
            Self::Stage { .. } => "stage.invalid",
            Self::Drift { .. } => "stage.drift",
            Self::PlanMoved { .. } => "plan.moved",
            Self::IllegalState { .. } => "state.illegal",
            Self::InputChanged { .. } => "input.changed",
            Self::Input { .. } => "input.unreadable",
            Self::ReadOtherwise { code, .. } => code,
            Self::Contradicted { contradiction, .. } => match contradiction {
                Contradiction::Forged(_) => "checkpoint.forged",
                Contradiction::Missing => "checkpoint.missing_store",
                Contradiction::Replaced => "checkpoint.replaced",
                Contradiction::Truncated => "checkpoint.truncated",
                Contradiction::Rewritten => "checkpoint.rewritten",
            },
            Self::Foreign { .. } => "store.schema",
            Self::RollbackConflict { .. } => "rollback.conflict",
            Self::RollbackBeneath { .. } => "rollback.beneath",
            Self::Damaged { .. } => "store.damaged",
        }
    }

    /// Returns the error for an input that must be read with other options.
    pub(crate) fn read_otherwise(
        code: &'static str,
        input: &str,
        problem: impl Into<String>,
        options: Vec<String>,
    ) -> Self {
        Self::ReadOtherwise {
            code,
            input: input.to_owned(),
            problem: problem.into(),
            options,
        }
    }

    /// Returns the error for an operation that SQLite refused or failed, given as a past participle.
    pub(crate) fn sqlite(doing: &'static str) -> impl Fn(rusqlite::Error) -> Self + Copy {
        move |source| Self::Sqlite {
            doing,
            failure: SqliteFailure::from_error(&source),
            source: Box::new(source),
        }
    }

    /// Returns the error for an invalid input, with what to do about it.
    pub(crate) fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Invalid {
            message: message.into(),
            hint: Some(hint.into()),
        }
    }
}

// For the library's own `?`. Not part of the public API: the version of the SQLite crate may change in any release.
#[doc(hidden)]
impl From<rusqlite::Error> for Error {
    fn from(source: rusqlite::Error) -> Self {
        Self::sqlite("used")(source)
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::Stage { problems }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Problems::from(problem).into()
    }
}

/// Why SQLite refused or failed, as far as a program can react to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SqliteFailure {
    /// Another connection holds a lock on the file.
    Busy,
    /// The disk is full.
    Full,
    /// The file cannot be opened, read or written.
    Io,
    /// The file is damaged.
    Damaged,
    /// The file is not an SQLite database.
    NotADatabase,
    /// The file is read-only.
    ReadOnly,
    /// The program asked SQLite to stop.
    Interrupted,
    /// Any other failure; the source describes it.
    Other,
}

impl SqliteFailure {
    fn from_error(error: &rusqlite::Error) -> Self {
        use rusqlite::{Error, ErrorCode};
        // A stored value does not have the type or the length of its column.
        if let Error::FromSqlConversionFailure(..)
        | Error::InvalidColumnType(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::Utf8Error(..) = error
        {
            return Self::Damaged;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Self::Io,
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged,
            Some(ErrorCode::NotADatabase) => Self::NotADatabase,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly,
            Some(ErrorCode::OperationInterrupted) => Self::Interrupted,
            _ => Self::Other,
        }
    }

    /// Returns the stable code of the failure.
    fn code(self) -> &'static str {
        match self {
            Self::Busy => "store.busy",
            Self::Full => "store.full",
            Self::Io => "store.io",
            Self::Damaged | Self::NotADatabase => "store.damaged",
            Self::ReadOnly => "store.readonly",
            Self::Interrupted => "interrupted",
            Self::Other => "store.sqlite",
        }
    }
}

/// A record that a rollback cannot restore to its earlier state.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Conflict {
    /// The database of the record.
    pub database: String,
    /// The number of the record.
    pub record: RecordNumber,
    /// The id of the record; `None` where it has no row now.
    pub id: Option<String>,
    /// The former id, which another record has now; `None` where the row itself has changed since.
    pub taken: Option<String>,
}

impl fmt::Display for Conflict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => write!(out, "`{id}`")?,
            None => write!(out, "record {}", self.record)?,
        }
        write!(out, " in `{}`, ", self.database)?;
        match &self.taken {
            Some(taken) => write!(out, "whose old id `{taken}` now belongs to another record"),
            None => out.write_str("changed since"),
        }
    }
}

/// One difference between the schema of a store and the one that this program creates.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SchemaDifference {
    /// `schema.differs` for what is missing or differs, `schema.unexpected` for what is foreign.
    pub code: &'static str,
    /// What is in the store.
    pub message: String,
    /// The statement that repairs it; `None` where no statement can.
    pub mended_by: Option<String>,
}

/// Describes what differs, and how to repair it.
fn differing(differences: &[SchemaDifference]) -> String {
    let told = differences.iter().map(|difference| match &difference.mended_by {
        Some(statement) => format!("\n  {}; `{statement}` fixes it", difference.message),
        None => format!("\n  {}; no statement can fix it", difference.message),
    });
    told.collect()
}

/// How a store differs from its signed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Contradiction {
    /// The signature of the newest checkpoint is not valid.
    Forged(BadNote),
    /// The store does not exist, though it was signed.
    Missing,
    /// The store is a different one.
    Replaced,
    /// The store ends before the checkpoint: it was truncated, or an older copy was restored.
    Truncated,
    /// The store reaches the checkpoint, but with different content.
    Rewritten,
}

fn is(contradiction: &Contradiction) -> String {
    match contradiction {
        Contradiction::Forged(problem) => format!("has an invalid checkpoint: {problem}"),
        Contradiction::Missing => "is missing or empty, but its checkpoints exist".to_owned(),
        Contradiction::Replaced => "is not the store that was signed here".to_owned(),
        Contradiction::Truncated => {
            "was truncated or replaced by an older copy: its newest checkpoint covers a longer ledger"
                .to_owned()
        }
        Contradiction::Rewritten => "was rewritten: its ledger is not the one that was signed".to_owned(),
    }
}

fn sound_until(batch: Option<BatchId>) -> String {
    batch.map_or_else(
        || "; no checkpoint in that file matches it".to_owned(),
        |batch| format!("; it still matches up to batch {batch}"),
    )
}

fn records(count: u64) -> String {
    if count == 1 {
        "1 record".to_owned()
    } else {
        format!("{count} records")
    }
}

fn them(count: u64) -> &'static str {
    if count == 1 { "it" } else { "them" }
}

fn held_by(holder: Option<&String>) -> String {
    holder.map(|holder| format!(" by {holder}")).unwrap_or_default()
}

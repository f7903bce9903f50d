//! What can go wrong, as facts. Messages say what and where; what to do next is added at the command's edge.

use std::fmt;
use std::path::PathBuf;

use crate::note::BadNote;
use crate::problem::Problem;
use crate::record::{BatchId, PassId, RecordNumber, RunId};
use crate::toml::Problems;

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong. No variant holds a value of a record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// SQLite refused or failed.
    #[error("the store could not be {doing}: {source}")]
    Sqlite {
        /// What was being done, as a past participle: `read`, `written`.
        doing: &'static str,
        /// What kind of failure it was.
        failure: SqliteFailure,
        /// SQLite's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Another process holds the store's lock.
    #[error("{store} is locked{by}", store = store.display(), by = held_by(holder.as_ref()))]
    Locked {
        /// The store.
        store: PathBuf,
        /// Who holds it, as it wrote itself down: pid, host, since.
        holder: Option<String>,
    },
    /// There is no store at this path.
    #[error("there is no store at {path}", path = path.display())]
    NoSuchStore {
        /// The path.
        path: PathBuf,
    },
    /// The file is something else, or of another version.
    #[error("{path} is not a store of this version: {found}", path = path.display())]
    NotAStore {
        /// The path.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// There is no such logical database.
    #[error("there is no database `{name}`")]
    NoSuchDatabase {
        /// The name asked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// There is no such record.
    #[error("`{database}` has no record with the id `{id}`")]
    NoSuchRecord {
        /// The database.
        database: String,
        /// The id asked for.
        id: String,
    },
    /// A stage stands that has carried on what would be taken back. What became of it is named by its number, as no id is
    /// shown before it is known that it may be.
    #[error(
        "stage {stage} ({slug}) has since processed {} from `{database}` into `{target}`",
        match id { Some(id) => format!("`{id}`"), None => format!("record {record}, which was created with it,") }
    )]
    ProcessedSince {
        /// The stage's number.
        stage: u32,
        /// Its slug.
        slug: String,
        /// The database of the record.
        database: String,
        /// The number of its row there.
        record: RecordNumber,
        /// The id, where it is the one that was asked for.
        id: Option<String>,
        /// The database to which it was carried.
        target: String,
        /// The number of the row there.
        copy: RecordNumber,
    },
    /// There is no such stage, run or pass.
    #[error("there is no {what}")]
    NoSuch {
        /// What was asked for: `stage 7`, `run 3`.
        what: String,
    },
    /// The request makes no sense as given.
    #[error("{message}")]
    Invalid {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Stage files or project settings are wrong.
    #[error("{problems}")]
    Stage {
        /// Everything that is wrong, at least one.
        problems: Problems,
    },
    /// An applied stage has changed its meaning.
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
        /// The difference, from what was applied to what is there now.
        diff: String,
        /// Whether it was applied in an earlier language, and what is there now needs the present one.
        is_of_language: bool,
    },
    /// The stages or the data are not those that a plan was made of.
    #[error("the plan is out of date: {what}")]
    PlanMoved {
        /// What is another now.
        what: String,
    },
    /// A step is not allowed in the state that the pass or the stage is in.
    #[error("{what} is {state}: `{event}` is not possible")]
    IllegalState {
        /// The stage or pass.
        what: String,
        /// Its state.
        state: String,
        /// What was asked of it.
        event: String,
    },
    /// The input of an unfinished load has changed.
    #[error(
        "the load of {input} was interrupted after {offset} bytes, and the file has changed before that point"
    )]
    InputChanged {
        /// The input.
        input: String,
        /// How far the load had come.
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
    /// The input has to be read otherwise: with these options.
    #[error("{input}: {problem}")]
    ReadOtherwise {
        /// A stable code.
        code: &'static str,
        /// The input.
        input: String,
        /// What is wrong.
        problem: String,
        /// The options of the command that read it right, as words.
        options: Vec<String>,
    },
    /// The store is not what was signed.
    #[error("`{}` {} (signed with {signed} leaves, in `{}`; now {found}){}", store.display(), is(contradiction), checkpoints.display(), sound_until(*since))]
    Contradicted {
        /// The store.
        store: PathBuf,
        /// The file in which the checkpoint stands.
        checkpoints: PathBuf,
        /// The size of the ledger's tree that was signed.
        signed: u64,
        /// The size that it has.
        found: u64,
        /// The batch of the newest checkpoint that still holds.
        since: Option<BatchId>,
        /// What is wrong.
        contradiction: Contradiction,
    },
    /// The store has tables, views, triggers or indexes that this program does not make, or lacks some, so that it is not
    /// written to.
    #[error("the schema of {} is not the one this program creates:{}", store.display(), differing(differences))]
    Foreign {
        /// The store.
        store: PathBuf,
        /// Every difference, at least one.
        differences: Vec<SchemaDifference>,
    },
    /// A rollback would overwrite something newer.
    #[error("{} cannot be restored as pass {pass} found {}; the first is {first}", records(*count), them(*count))]
    RollbackConflict {
        /// How many records of the pass.
        count: u64,
        /// The first pass that has any.
        pass: PassId,
        /// The first.
        first: Box<Conflict>,
    },
    /// A pass lies beneath a newer one of its stage that stands: undone alone, the newer one would bring its work back.
    #[error(
        "pass {pass} cannot be rolled back alone: pass {newer} of the same stage, from run {run}, has changed the same \
         records since"
    )]
    RollbackBeneath {
        /// The pass that was to be undone.
        pass: PassId,
        /// The pass that stands on it.
        newer: PassId,
        /// The run that worked on it last.
        run: RunId,
    },
    /// The store does not hold what the ledger says.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// What was found, and where.
        what: String,
    },
}

impl Error {
    /// A stable code for scripts.
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

    /// An input that has to be read with other options.
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

    /// What SQLite has refused or failed to do, given as a past participle.
    pub(crate) fn sqlite(doing: &'static str) -> impl Fn(rusqlite::Error) -> Self + Copy {
        move |source| Self::Sqlite {
            doing,
            failure: SqliteFailure::from_error(&source),
            source: Box::new(source),
        }
    }

    /// Invalid input, with what to do about it.
    pub(crate) fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Invalid {
            message: message.into(),
            hint: Some(hint.into()),
        }
    }
}

// For the library's own `?`. It is no part of what is promised: SQLite's crate may be another one in any version.
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

/// Why SQLite refused or failed, as far as a program can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SqliteFailure {
    /// Another connection holds the file.
    Busy,
    /// The disk is full.
    Full,
    /// The file cannot be opened, read or written.
    Io,
    /// The file is damaged.
    Damaged,
    /// The file is no SQLite database.
    NotADatabase,
    /// The file may only be read.
    ReadOnly,
    /// The program asked to stop.
    Interrupted,
    /// Anything else; the source says what.
    Other,
}

impl SqliteFailure {
    fn from_error(error: &rusqlite::Error) -> Self {
        use rusqlite::{Error, ErrorCode};
        // What stands in the file is not of its column's type or length.
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

    /// The code of the error.
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

/// A record that a rollback cannot restore as it was.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Conflict {
    /// The database.
    pub database: String,
    /// The number of its row.
    pub record: RecordNumber,
    /// Its id; `None` where it has no row now.
    pub id: Option<String>,
    /// The old id that another record has; `None` where the row itself was changed since.
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

/// Where the schema of a store is not what this program makes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SchemaDifference {
    /// `schema.differs` for what is missing or another one, `schema.unexpected` for what is foreign.
    pub code: &'static str,
    /// What there is.
    pub message: String,
    /// The statement that puts it right; `None` where no statement can.
    pub mended_by: Option<String>,
}

/// What differs, and how it is put right.
fn differing(differences: &[SchemaDifference]) -> String {
    let told = differences.iter().map(|difference| match &difference.mended_by {
        Some(statement) => format!("\n  {}; `{statement}` fixes it", difference.message),
        None => format!("\n  {}; no statement can fix it", difference.message),
    });
    told.collect()
}

/// How a store differs from what was signed about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Contradiction {
    /// The signature under the newest checkpoint does not hold.
    Forged(BadNote),
    /// There is no store, though it was signed.
    Missing,
    /// The store is another one.
    Replaced,
    /// The store ends before the checkpoint: it was cut, or an older copy was put back.
    Truncated,
    /// The store reaches as far, but not with that content.
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

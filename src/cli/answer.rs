//! What a command answers, before it is told on a screen or in an envelope.

use std::fmt::{self, Display, Write as _};
use std::io::{self, BufWriter, Seek as _, Write};

use serde::Serialize;
use serde_json::Value as Json;
use tempfile::SpooledTempFile;

use super::failure::Failure;
use super::render::shown_json;
use super::session::Session;

/// How a command ended, as scripts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// The command was not understood, or makes no sense here.
    Usage,
    /// Done, but records were refused.
    Refused,
    /// A stage file or the settings are wrong.
    StageInvalid,
    /// An applied stage has changed its meaning.
    Drift,
    /// Stopped before the end; the same command goes on.
    Stopped,
    /// Another process holds the store.
    Locked,
    /// The verification found something wrong.
    Unsound,
    /// A rollback would overwrite something newer.
    Conflict,
}

impl Exit {
    const ALL: [Self; 10] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Refused,
        Self::StageInvalid,
        Self::Drift,
        Self::Stopped,
        Self::Locked,
        Self::Unsound,
        Self::Conflict,
    ];

    /// What a process that ended with a code says.
    pub(crate) fn of_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| i32::from(exit.code()) == code)
    }

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::StageInvalid => 4,
            Self::Drift => 5,
            Self::Stopped => 6,
            Self::Locked => 7,
            Self::Unsound => 8,
            Self::Conflict => 9,
        }
    }

    /// Whether the command did what it was asked to.
    pub(crate) fn is_ok(self) -> bool {
        matches!(self, Self::Done | Self::Refused)
    }
}

/// What a command answers.
#[derive(Debug)]
pub(crate) struct Answer {
    /// For programs.
    pub(crate) data: Json,
    /// For people: what goes to stdout.
    pub(crate) text: String,
    pub(crate) exit: Exit,
    /// What went wrong, where something did.
    pub(crate) failure: Option<Failure>,
    /// What a person should know.
    pub(crate) warnings: Vec<String>,
    /// What to do next.
    pub(crate) hints: Vec<String>,
    /// For programs: a list of the data that may be longer than memory, and its name there.
    pub(crate) list: Option<(&'static str, Listed)>,
}

/// A list for programs, which goes to a temporary file where it is long.
#[derive(Debug)]
pub(crate) struct Listed {
    file: BufWriter<SpooledTempFile>,
    count: usize,
}

/// JSON on its way into a file, safe to show.
struct Safe<'f, W> {
    out: &'f mut W,
    failed: Option<io::Error>,
}

impl<W: Write> fmt::Write for Safe<'_, W> {
    fn write_str(&mut self, json: &str) -> fmt::Result {
        self.out.write_all(shown_json(json).as_bytes()).map_err(|error| {
            self.failed = Some(error);
            fmt::Error
        })
    }
}

impl Listed {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            file: BufWriter::new(SpooledTempFile::new(8 << 20)),
            count: 0,
        }
    }

    /// Adds one, by its JSON text.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub(crate) fn push(&mut self, value: impl Display) -> Result<(), Failure> {
        let comma = if self.count > 0 { "," } else { "" };
        self.count += 1;
        let mut safe = Safe {
            out: &mut self.file,
            failed: None,
        };
        let written = write!(safe, "{comma}{value}");
        let failed = safe.failed;
        written.map_err(|fmt::Error| {
            let error = failed.unwrap_or_else(|| io::Error::other("it has no text"));
            let message = format!("a long list cannot be kept in a temporary file: {error}");
            Failure::new(Exit::Failed, "list.file", message)
                .hint("name a folder that has room for it with the variable TMPDIR")
        })
    }

    /// Writes all of it, as a JSON array.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub(crate) fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.file.rewind()?;
        out.write_all(b"[")?;
        io::copy(self.file.get_mut(), out)?;
        out.write_all(b"]")
    }
}

impl Answer {
    /// Done.
    pub(crate) fn new(data: Json, text: impl Into<String>) -> Self {
        Self {
            data,
            text: text.into(),
            exit: Exit::Done,
            failure: None,
            warnings: Vec::new(),
            hints: Vec::new(),
            list: None,
        }
    }

    /// For people.
    pub(crate) fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// A list of the data, by its name there: `list`, or `part/list`.
    pub(crate) fn list(mut self, name: &'static str, list: Listed) -> Self {
        self.list = Some((name, list));
        self
    }

    /// Done, but records were refused.
    pub(crate) fn refused_if(mut self, refused: bool) -> Self {
        if refused && self.exit == Exit::Done {
            self.exit = Exit::Refused;
        }
        self
    }

    /// It did not go as it should, and this is what there is to tell.
    pub(crate) fn failed(mut self, failure: Failure) -> Self {
        self.exit = failure.exit;
        self.failure = Some(failure);
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Completes the commands that warnings, hints and advice name with what the session was given. What is told of records
    /// is not touched.
    pub(crate) fn complete(&mut self, session: &Session<'_>) {
        let told = self.warnings.iter_mut().chain(&mut self.hints);
        for text in told.chain(self.failure.iter_mut().flat_map(Failure::advice)) {
            *text = session.completed(text);
        }
    }

    pub(crate) fn warnings(mut self, warnings: impl IntoIterator<Item = String>) -> Self {
        self.warnings.extend(warnings);
        self
    }
}

impl From<Failure> for Answer {
    fn from(failure: Failure) -> Self {
        Self::new(Json::Null, "").failed(failure)
    }
}

/// A report as JSON.
pub(crate) fn json(report: &impl Serialize) -> Json {
    serde_json::to_value(report).expect("reports are plain data with text keys")
}

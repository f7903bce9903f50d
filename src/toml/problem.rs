//! Problems in stage files and projects: what is wrong, where, and what was probably meant.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::path::PathError;

/// A place in a file, for people: lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The file, as the user named it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
}

impl Place {
    /// Returns the place of a byte offset in a text.
    #[must_use]
    pub fn at(file: &Arc<str>, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        Self {
            file: Arc::clone(file),
            line,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// The severity of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The stage can run, but should be checked.
    Warning,
    /// The stage cannot run.
    Error,
}

/// One problem in a stage file or a project.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The severity.
    pub severity: Severity,
    /// A stable code, for example `stage.unknown_key`.
    pub code: &'static str,
    /// The place in the file, where known.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do: "did you mean ..." or the next step.
    pub help: Option<String>,
}

impl Problem {
    /// Creates an error.
    pub fn error(code: &'static str, place: impl Into<Option<Place>>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            place: place.into(),
            message: message.into(),
            help: None,
        }
    }

    /// Creates a warning.
    pub fn warning(code: &'static str, place: impl Into<Option<Place>>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, place, message)
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds "did you mean" where one of the known names is similar, ignoring case.
    #[must_use]
    pub fn did_you_mean<'k>(mut self, given: &str, known: impl IntoIterator<Item = &'k str>) -> Self {
        if let Some(name) = nearest(given, known) {
            self.help = Some(format!("did you mean `{name}`?"));
        }
        self
    }
}

/// Returns the name that was probably meant, if any is similar. Case only decides between names that are otherwise
/// equally similar.
#[must_use]
pub fn nearest<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let lower = given.to_lowercase();
    let near = known.into_iter().map(|name| {
        let whatever_case = strsim::jaro_winkler(&lower, &name.to_lowercase());
        (whatever_case, strsim::jaro_winkler(given, name), name)
    });
    let near = near.filter(|(score, ..)| *score > 0.75);
    let best = near.max_by(|left, right| left.0.total_cmp(&right.0).then(left.1.total_cmp(&right.1)));
    best.map(|(.., name)| name)
}

/// Checks that a number is within bounds.
pub(crate) fn within<N: PartialOrd + fmt::Display>(
    name: &str,
    number: N,
    bounds: RangeInclusive<N>,
) -> Result<N, Problem> {
    if bounds.contains(&number) {
        return Ok(number);
    }
    let message = format!(
        "`{name}` is {number}, but must be from {} to {}",
        bounds.start(),
        bounds.end()
    );
    Err(Problem::error("stage.out_of_range", None, message))
}

impl From<PathError> for Problem {
    /// For operations built in Rust, which have no file to point into.
    fn from(error: PathError) -> Self {
        Self::error("stage.bad_path", None, error.to_string())
    }
}

impl std::error::Error for Problem {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

//! The answer of a command, before it is written to a screen or into an envelope.

use serde::Serialize;
use serde_json::Value as Json;

use super::exit::Exit;
use super::failure::Failure;
use super::listed::Listed;

/// Answer of a command.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Data for programs.
    pub(crate) data: Json,
    /// Text for people, on stdout.
    pub(crate) text: String,
    pub(crate) exit: Exit,
    /// Failure, if something went wrong.
    pub(crate) failure: Option<Failure>,
    /// Warnings.
    pub(crate) warnings: Vec<String>,
    /// Next steps.
    pub(crate) hints: Vec<String>,
    /// A list in the data for programs; it may be longer than memory.
    pub(crate) list: Option<NamedList>,
}

/// A list, and its name in the data: `list`, or `part/list`.
#[derive(Debug)]
pub(crate) struct NamedList {
    pub(crate) name: &'static str,
    pub(crate) list: Listed,
}

impl Answer {
    /// Creates the answer of a command that succeeded.
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

    /// Sets the text for people.
    pub(crate) fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// A list of the data, by its name there: `list`, or `part/list`.
    pub(crate) fn list(mut self, name: &'static str, list: Listed) -> Self {
        self.list = Some(NamedList { name, list });
        self
    }

    /// Marks the answer if records were refused.
    pub(crate) fn refused_if(mut self, refused: bool) -> Self {
        if refused && self.exit == Exit::Done {
            self.exit = Exit::Refused;
        }
        self
    }

    /// Marks the answer as failed, with the reason.
    pub(crate) fn failed(mut self, failure: Failure) -> Self {
        self.exit = failure.exit;
        self.failure = Some(failure);
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns the texts that name commands: warnings, hints and advice. Texts about records do not.
    pub(crate) fn advice(&mut self) -> impl Iterator<Item = &mut String> {
        let told = self.warnings.iter_mut().chain(&mut self.hints);
        told.chain(self.failure.iter_mut().flat_map(Failure::advice))
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

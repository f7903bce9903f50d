//! What a report is to tell.

use crate::path::Path;

/// What a report is to tell.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReportOptions {
    /// The project's name, for runs whose passes have no stage.
    pub project: Option<String>,
    /// What the stages at hand redact, beside what those in the ledger do.
    pub redact: Vec<Path>,
    /// The most refused records that are shown for each cause; all are counted.
    pub examples: usize,
    /// Whether the examples show the record as it was read, redacted values masked.
    pub inputs: bool,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self {
            project: None,
            redact: Vec::new(),
            examples: 5,
            inputs: false,
        }
    }
}

impl ReportOptions {
    /// Names the project, for runs whose passes have no stage. Default: `None`.
    #[must_use]
    pub fn project(mut self, project: impl Into<Option<String>>) -> Self {
        self.project = project.into();
        self
    }

    /// Redacts these fields as well. Default: none beside those in the ledger.
    #[must_use]
    pub fn redact(mut self, redact: impl IntoIterator<Item = Path>) -> Self {
        self.redact = redact.into_iter().collect();
        self
    }

    /// Sets the most refused records shown for each cause. Default: 5.
    #[must_use]
    pub fn examples(mut self, examples: usize) -> Self {
        self.examples = examples;
        self
    }

    /// Shows the examples' records as they were read, redacted values masked. Default: `false`.
    #[must_use]
    pub fn inputs(mut self, inputs: bool) -> Self {
        self.inputs = inputs;
        self
    }
}

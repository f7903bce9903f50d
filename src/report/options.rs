//! Options of a report.

use crate::path::Path;

/// Options of a report.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReportOptions {
    /// Name of the project, for runs whose passes have no stage.
    pub project: Option<String>,
    /// Paths that the given stages redact, in addition to those in the ledger.
    pub redact: Vec<Path>,
    /// Maximum number of refused records shown for each cause; all are counted.
    pub examples: usize,
    /// Whether the examples show the record as it was read, with redacted values masked.
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

    /// Redacts these paths in addition to those in the ledger. Default: none.
    #[must_use]
    pub fn redact(mut self, redact: impl IntoIterator<Item = Path>) -> Self {
        self.redact = redact.into_iter().collect();
        self
    }

    /// Sets the maximum number of refused records shown for each cause. Default: 5.
    #[must_use]
    pub fn examples(mut self, examples: usize) -> Self {
        self.examples = examples;
        self
    }

    /// Shows the examples' records as they were read, with redacted values masked. Default: `false`.
    #[must_use]
    pub fn inputs(mut self, inputs: bool) -> Self {
        self.inputs = inputs;
        self
    }
}

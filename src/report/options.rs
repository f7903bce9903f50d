//! What a report is to tell.

use crate::path::Path;

/// What a report is to tell.
#[derive(Clone, Debug)]
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

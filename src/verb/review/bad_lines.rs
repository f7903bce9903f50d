//! The lines of a sheet that cannot be used, and what to do about each.

use std::fmt::Write as _;

use crate::error::{Error, Result};

/// How many lines an error names.
const NAMED: usize = 20;

/// The lines of a sheet that cannot be used.
#[derive(Debug, Default)]
pub(super) struct BadLines {
    named: Vec<(u64, String)>,
    count: u64,
}

impl BadLines {
    /// Adds a line, with what is wrong and what to do.
    pub(super) fn add(&mut self, line: u64, problem: impl Into<String>) {
        self.count += 1;
        if self.named.len() < NAMED {
            self.named.push((line, problem.into()));
        }
    }

    /// Returns the error that names the lines, if there are any.
    pub(super) fn into_result(self, input: &str) -> Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let lines = if self.count == 1 {
            "1 line"
        } else {
            &format!("{} lines", self.count)
        };
        let mut message = format!("{lines} of {input} cannot be used");
        for (line, problem) in &self.named {
            let _ = write!(message, "\n  line {line}: {problem}");
        }
        let more = self.count - self.named.len() as u64;
        if more > 0 {
            let _ = write!(message, "\n  and {more} more");
        }
        Err(Error::invalid(
            message,
            "nothing was applied; correct these lines and run the same command again",
        ))
    }
}

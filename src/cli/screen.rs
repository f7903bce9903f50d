//! Where a command writes: results to stdout, everything else to stderr.

use std::io::{self, IsTerminal as _, Write};

use counterfoil::shown::styled;

use super::global::Global;

/// Where and how a command writes its output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// One envelope instead of words.
    pub(crate) json: bool,
    /// Errors only.
    pub(crate) quiet: bool,
    /// Every batch too.
    pub(crate) verbose: bool,
}

impl Screen {
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
        }
    }

    pub(crate) fn plain(json: bool) -> Self {
        Self {
            json,
            quiet: false,
            verbose: false,
        }
    }

    /// Writes a line for people to stderr. It is not an error if no one reads it.
    pub(crate) fn say(self, line: &str) {
        if !self.quiet {
            to_stderr(line);
        }
    }

    /// Whether a person can be asked something.
    pub(crate) fn can_ask(self) -> bool {
        !self.json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }
}

/// A text to stdout, its colours kept only where a terminal shows them; it ends with a line end.
pub(crate) fn to_stdout(text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    // Whatever a command forgot to make safe.
    out.write_all(styled(text).as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// A line to stderr. That nobody reads it changes nothing about what was done.
pub(crate) fn to_stderr(line: &str) {
    let mut out = anstream::AutoStream::auto(io::stderr().lock());
    let end = if line.ends_with('\n') { "" } else { "\n" };
    let _ = write!(out, "{}{end}", styled(line)).and_then(|()| out.flush());
}

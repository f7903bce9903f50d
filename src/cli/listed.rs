//! A list for programs that may be longer than memory.

use std::fmt::{self, Display, Write as _};
use std::io::{self, BufWriter, Seek as _, Write};

use tempfile::SpooledTempFile;

use super::exit::Exit;
use super::failure::Failure;
use super::render::shown_json;

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

/// What is long and cannot be kept in a temporary file.
pub(crate) fn unkept(what: &str, error: &io::Error) -> Failure {
    let message = format!("cannot write a long {what} to a temporary file: {error}");
    Failure::new(Exit::Failed, "list.file", message).hint("set TMPDIR to a folder with enough space")
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
            unkept("list", &error)
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

//! What a load reads: a file, or a stream that a signal ends.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use counterfoil::load::{LoadOptions, LoadReport, load, load_file};
use counterfoil::observe::{CountedInput, StopSignal};
use counterfoil::store::Store;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::progress::ProgressDisplay;
use crate::cli::session::Session;

/// The input of a load.
pub(super) enum InputFiles {
    File(CountedInput<File>),
    /// A stream, which may block forever and cannot be read twice.
    Stream(Endable),
}

impl InputFiles {
    /// A file that can be read twice, or a stream.
    pub(super) fn open(
        path: &Path,
        session: &Session<'_>,
        stop: &StopSignal,
        progress: &mut ProgressDisplay,
    ) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stream(Endable::new(std::io::stdin(), stop.clone())));
        }
        let (file, metadata) = open(path, session)?;
        // A file without a length is generated as it is read.
        if metadata.is_file() && metadata.len() > 0 {
            return Ok(Self::File(progress.counting(file, metadata.len())));
        }
        Ok(Self::Stream(Endable::new(file, stop.clone())))
    }

    pub(super) fn load(
        self,
        store: &mut Store,
        database: &str,
        name: &str,
        options: &LoadOptions,
        progress: &mut ProgressDisplay,
    ) -> counterfoil::Result<LoadReport> {
        match self {
            Self::File(file) => load_file(store, database, name, file, options, progress),
            Self::Stream(stream) => load(store, database, name, stream, options, progress),
        }
    }
}

/// Opens an existing file that is not a folder.
fn open(path: &Path, session: &Session<'_>) -> Result<(File, Metadata), Failure> {
    let shown = path.display();
    let failed = |error: &std::io::Error| {
        let failure = Failure::new(
            Exit::Failed,
            "input.unreadable",
            format!("{shown} cannot be read: {error}"),
        );
        let in_project = session.inside(path);
        if error.kind() == std::io::ErrorKind::NotFound && in_project.exists() {
            failure.hint(format!(
                "paths are relative to the current folder: did you mean {}?",
                in_project.display()
            ))
        } else {
            failure.hint("name a file of NDJSON, a JSON array or CSV, or `-` for standard input")
        }
    };
    let file = File::open(path).map_err(|error| failed(&error))?;
    let metadata = file.metadata().map_err(|error| failed(&error))?;
    if metadata.is_dir() {
        return Err(failed(&std::io::ErrorKind::IsADirectory.into()));
    }
    Ok((file, metadata))
}

/// An input that may block forever (a pipe, a terminal), but that a signal can end.
pub(super) struct Endable {
    chunks: Receiver<std::io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    taken: usize,
    stop: StopSignal,
}

impl Endable {
    fn new(mut input: impl Read + Send + 'static, stop: StopSignal) -> Self {
        let (sender, chunks) = sync_channel(4);
        // The thread may wait for input forever, so it is not joined.
        std::thread::spawn(move || {
            loop {
                let mut chunk = vec![0; 64 << 10];
                let read = input.read(&mut chunk).map(|length| {
                    chunk.truncate(length);
                    chunk
                });
                let ended = !read.as_ref().is_ok_and(|chunk| !chunk.is_empty());
                if sender.send(read).is_err() || ended {
                    return;
                }
            }
        });
        Self {
            chunks,
            chunk: Vec::new(),
            taken: 0,
            stop,
        }
    }
}

impl Read for Endable {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.taken == self.chunk.len() {
            match self.chunks.recv_timeout(Duration::from_millis(100)) {
                Ok(chunk) => {
                    (self.chunk, self.taken) = (chunk?, 0);
                    if self.chunk.is_empty() {
                        return Ok(0);
                    }
                }
                Err(RecvTimeoutError::Timeout) if self.stop.is_asked() => {
                    return Err(std::io::Error::other("stopped"));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let length = buffer.len().min(self.chunk.len() - self.taken);
        buffer[..length].copy_from_slice(&self.chunk[self.taken..self.taken + length]);
        self.taken += length;
        Ok(length)
    }
}

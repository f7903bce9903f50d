//! Ctrl-C and SIGTERM: the first finishes the batch, the second undoes it, the third waits for nothing.

use std::io::Read;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use counterfoil::observe::StopSignal;

use super::answer::Exit;
use super::failure::Failure;
use super::screen::Screen;

/// A signal that Ctrl-C and SIGTERM give.
pub(crate) fn stop_signal(screen: Screen) -> Result<StopSignal, Failure> {
    let stop = StopSignal::default();
    let asked = stop.clone();
    let times = AtomicU8::new(0);
    let handler = move || match times.fetch_add(1, Ordering::SeqCst) {
        0 => {
            asked.ask();
            screen.say("stopping after this batch; once more to undo it");
        }
        1 => {
            asked.ask();
            screen.say("undoing this batch");
        }
        // Whatever is in flight was not acknowledged, and the store survives any end.
        _ => std::process::exit(Exit::Stopped.code().into()),
    };
    ctrlc::set_handler(handler).map_err(|error| {
        Failure::new(
            Exit::Failed,
            "signals",
            format!("signals cannot be handled: {error}"),
        )
    })?;
    Ok(stop)
}

/// An input that may never go on (a pipe, a terminal), and that a signal ends all the same.
pub(crate) struct Endable {
    chunks: Receiver<std::io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    taken: usize,
    stop: StopSignal,
}

impl Endable {
    pub(crate) fn new(mut input: impl Read + Send + 'static, stop: StopSignal) -> Self {
        let (sender, chunks) = sync_channel(4);
        // It may wait for input for ever, so nobody waits for it.
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

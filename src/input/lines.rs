//! NDJSON: one record on each line.

use std::io::{self, Read};

use super::bytes::{Bytes, is_blank};
use super::gathered::Gathered;
use super::{Incoming, Options, half_read, identity};

/// Returns the next line that is not blank.
pub(super) fn next<R: Read>(source: &mut Bytes<R>, options: &Options) -> io::Result<Option<Incoming>> {
    loop {
        let line = source.line();
        let mut gathered = Gathered::new(options.read_limits().bytes);
        if !gather_line(source, &mut gathered)? {
            return Ok(None);
        }
        if !gathered.is_overlong() && gathered.bytes().iter().all(|byte| is_blank(*byte)) {
            continue;
        }
        let body = gathered
            .finish(line)
            .and_then(|raw| identity::judge(raw, options, line))
            .map_err(|rejected| half_read::with_id(rejected, options));
        return Ok(Some(Incoming {
            line,
            end: source.position().clone(),
            body,
        }));
    }
}

/// Reads one line, and keeps it without its line ending; false at the end of the input.
fn gather_line<R: Read>(source: &mut Bytes<R>, gathered: &mut Gathered) -> io::Result<bool> {
    let mut any = false;
    loop {
        let bytes = source.fill()?;
        if bytes.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let count = end.map_or(bytes.len(), |at| at + 1);
        gathered.push(&bytes[..end.unwrap_or(count)]);
        source.consume(count);
        if end.is_some() {
            return Ok(true);
        }
    }
}

//! One JSON array, read element by element.
//!
//! Quotes and brackets show where an element ends ([`Element`]); admission validates it. A malformed element is
//! therefore rejected alone, as long as its brackets and quotes still show where it ends.

use std::io::{self, Read};

use super::bytes::{Bytes, Position, is_blank};
use super::gathered::{Gathered, rejected};
use super::{Incoming, Options, Rejected, half_read, identity, wrapped};
use crate::record::Element;

/// The position of the input relative to the array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArrayPosition {
    /// Before the opening bracket.
    Before,
    /// After the opening bracket, before the first element.
    Opened,
    /// After a comma, before an element.
    Inside,
    /// Where an earlier read stopped, nothing read yet.
    Resumed,
    /// After the closing bracket, or after the rest of the input was rejected.
    Closed,
}

impl ArrayPosition {
    /// Returns the position of a resume point, from the byte before it.
    pub(super) fn resumed(last: Option<u8>) -> Self {
        match last {
            None => Self::Before,
            Some(b']') => Self::Closed,
            Some(_) => Self::Resumed,
        }
    }
}

/// Returns the next element, or the rejection of what is outside the array.
pub(super) fn next<R: Read>(
    source: &mut Bytes<R>,
    progress: &mut ArrayPosition,
    options: &Options,
) -> io::Result<Option<Incoming>> {
    let next = source.skip(is_blank)?;
    let line = source.line();
    if let (ArrayPosition::Closed, Some(pointer)) = (*progress, &options.records) {
        wrapped::end(source, pointer)?;
        return Ok(None);
    }
    match (*progress, next) {
        (ArrayPosition::Before | ArrayPosition::Closed | ArrayPosition::Resumed, None) => return Ok(None),
        (ArrayPosition::Before, Some(b'[')) => {
            source.consume(1);
            *progress = ArrayPosition::Opened;
            return self::next(source, progress, options);
        }
        (ArrayPosition::Before, Some(_)) => {
            *progress = ArrayPosition::Closed;
            return reject_rest(source, "a list, which begins with `[`", options).map(Some);
        }
        (ArrayPosition::Closed, Some(_)) => {
            return reject_rest(source, "nothing after the end of the list", options).map(Some);
        }
        (ArrayPosition::Opened, Some(b']')) => {
            source.consume(1);
            *progress = ArrayPosition::Closed;
            return self::next(source, progress, options);
        }
        (ArrayPosition::Opened | ArrayPosition::Inside | ArrayPosition::Resumed, _) => {}
    }
    let mut gathered = Gathered::new(options.read_limits().bytes);
    let mut end = gather_element(source, &mut gathered)?;
    // A comma must be followed by an element. Where none follows, the list is truncated, and the element before the
    // comma is the last one: rejected here, it is rejected in the same way whether or not a run ends between the two.
    if end == Some(b',') && source.skip(is_blank)?.is_none() {
        end = None;
    }
    *progress = if end == Some(b',') {
        ArrayPosition::Inside
    } else {
        ArrayPosition::Closed
    };
    let body = match (gathered.finish(line), end) {
        (Ok(raw), Some(_)) => identity::judge(raw, options, line),
        (Ok(raw), None) => Err(rejected(
            "json.syntax",
            "a list that is closed with `]`",
            line,
            raw,
        )),
        (Err(overlong), _) => Err(overlong),
    };
    let body = body.map_err(|rejected| half_read::with_id(rejected, options));
    Ok(Some(incoming(line, source.position(), body)))
}

fn incoming(line: u64, end: &Position, body: Result<super::Ready, Rejected>) -> Incoming {
    Incoming {
        line,
        end: end.clone(),
        body,
    }
}

/// Reads the rest of the input as one rejection.
fn reject_rest<R: Read>(source: &mut Bytes<R>, expected: &str, options: &Options) -> io::Result<Incoming> {
    let line = source.line();
    let mut gathered = Gathered::new(options.read_limits().bytes);
    loop {
        let bytes = source.fill()?;
        if bytes.is_empty() {
            break;
        }
        gathered.push(bytes);
        let count = bytes.len();
        source.consume(count);
    }
    let rejection = match gathered.finish(line) {
        Ok(raw) => rejected("json.syntax", expected, line, raw),
        Err(overlong) => overlong,
    };
    Ok(incoming(line, source.position(), Err(rejection)))
}

/// Reads one element and the comma or bracket after it, which is returned; `None` where the input ends first.
fn gather_element<R: Read>(source: &mut Bytes<R>, gathered: &mut Gathered) -> io::Result<Option<u8>> {
    let mut element = Element::default();
    loop {
        let bytes = source.fill()?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let overlong = gathered.is_overlong();
        let end = bytes.iter().position(|byte| element.ends(*byte, overlong));
        let delimiter = end.map(|at| bytes[at]);
        gathered.push(&bytes[..end.unwrap_or(bytes.len())]);
        let count = end.map_or(bytes.len(), |at| at + 1);
        source.consume(count);
        if delimiter.is_some() {
            return Ok(delimiter);
        }
    }
}

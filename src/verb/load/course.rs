//! What a load does with its input: continues an interrupted load, begins a new one, or does nothing because the input
//! was loaded to its end before.

use std::io::{self, Read, Seek};

use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use super::fault::unreadable;
use super::how::ReadingMode;
use super::options::LoadOptions;
use super::report::KnownLoad;
use crate::digest::hex;
use crate::engine::{Pass, Run};
use crate::engine::{UnfinishedPass, unfinished_in};
use crate::error::Result;
use crate::input::source::Cursor;
use crate::ledger::open::{Prefix, first_prefix, has_whole_load, whole_loads};
use crate::ledger::read::{self, PassSummary};
use crate::ledger::{Batch, BatchKind, PassKind};
use crate::observe::StopSignal;
use crate::record::PassId;

/// What to do with an input.
pub(super) enum InputAction {
    /// The input is not in the ledger, or is to be loaded again.
    Begin,
    /// An interrupted load of the input continues.
    GoOn(Box<PassSummary>),
    /// The input was loaded to its end.
    Known(KnownLoad),
    /// The stop signal came before the action was known.
    Stopped,
}

/// An interrupted load into the database.
pub(super) struct Open {
    pub(super) unfinished: UnfinishedPass,
    summary: PassSummary,
}

impl Open {
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.unfinished.source.as_deref() == Some(name)
    }

    fn prefix(&self) -> Option<Prefix> {
        self.summary.cursor.as_deref().and_then(Prefix::from_cursor)
    }

    /// Returns whether it read its input as it would be read now.
    fn reads_as(&self, how: &ReadingMode) -> bool {
        let cursor = self.summary.cursor.as_deref();
        cursor
            .and_then(|cursor| serde_json::from_str(cursor).ok())
            .is_some_and(|cursor| how.is_that_of(&cursor))
    }
}

/// Returns the interrupted loads into a database, newest first.
pub(super) fn open_loads(connection: &Connection, database: &str) -> Result<Vec<Open>> {
    let mut open = Vec::new();
    for unfinished in unfinished_in(connection)?.into_iter().rev() {
        if unfinished.kind != PassKind::Load || unfinished.database.as_deref() != Some(database) {
            continue;
        }
        if let Some(summary) = read::pass(connection, unfinished.pass)? {
            open.push(Open { unfinished, summary });
        }
    }
    Ok(open)
}

/// Ends loads where they are.
pub(super) fn end_unfinished(run: &mut Run<'_>, loads: Vec<Open>) -> Result<Vec<UnfinishedPass>> {
    let mut given_up = Vec::new();
    for open in loads {
        let mut end = Batch::new(BatchKind::End);
        end.body = Some(r#"{"given_up":true}"#.to_owned());
        run.commit(&mut Pass::resumed(&open.summary), end)?;
        given_up.push(open.unfinished);
    }
    Ok(given_up)
}

/// An input of which reading has begun, and what is known of it.
pub(super) struct OpenInput<'i> {
    pub(super) name: &'i str,
    pub(super) database: &'i str,
    /// How it is read.
    pub(super) how: ReadingMode,
    pub(super) options: &'i LoadOptions,
}

/// Maximum number of bytes read ahead from a stream to see whether it belongs to an interrupted load.
const AHEAD_BYTES: u64 = 64 << 20;

impl OpenInput<'_> {
    /// Decides what to do with a stream. It cannot be read twice, so only its name shows which load it may belong to;
    /// if it differs from what the first batch read, it is another input. `head` is what was read of it, and grows.
    pub(super) fn of_stream(
        &self,
        connection: &Connection,
        open: Vec<Open>,
        input: &mut impl Read,
        head: &mut Vec<u8>,
    ) -> Result<InputAction> {
        for open in open.into_iter().filter(|open| open.is_named(self.name)) {
            let first = first_prefix(connection, open.unfinished.pass)?;
            let Some(first) = first.filter(|first| first.bytes <= AHEAD_BYTES) else {
                return Ok(InputAction::GoOn(Box::new(open.summary)));
            };
            let missing = first.bytes.saturating_sub(head.len() as u64);
            let read = input.by_ref().take(missing).read_to_end(head);
            read.map_err(|error| unreadable(self.name, &error))?;
            let bytes = usize::try_from(first.bytes).unwrap_or(usize::MAX);
            let is_same = head
                .get(..bytes)
                .is_some_and(|begins| hex(&Sha256::digest(begins)) == first.sha256);
            if is_same {
                return Ok(InputAction::GoOn(Box::new(open.summary)));
            }
        }
        Ok(InputAction::Begin)
    }

    /// Decides what to do with a file by its bytes: first those of an interrupted load under its name, then all of
    /// them, then those of an interrupted load under another name. The file is read only as far as the ledger requires,
    /// and not at all when there is neither an interrupted load into the database nor a finished one of the same
    /// length.
    pub(super) fn of_file(
        &self,
        connection: &Connection,
        mut open: Vec<Open>,
        file: &mut (impl Read + Seek),
    ) -> Result<InputAction> {
        let Some(hashes) = self.hashed(connection, &open, file)? else {
            return Ok(InputAction::Stopped);
        };
        let matches = |open: &Open| match open.prefix() {
            Some(prefix) => hashes.contains(&prefix),
            None => open.is_named(self.name),
        };
        open.retain(matches);
        if let Some(named) = open.iter().position(|open| open.is_named(self.name)) {
            return Ok(InputAction::GoOn(Box::new(open.swap_remove(named).summary)));
        }
        let length = file
            .seek(io::SeekFrom::End(0))
            .map_err(|error| unreadable(self.name, &error))?;
        file.rewind().map_err(|error| unreadable(self.name, &error))?;
        if let Some(whole) = hashes.iter().find(|prefix| prefix.bytes == length)
            && !self.options.again
            && let Some(known) = known(connection, self.database, whole, &self.how, None)?
        {
            return Ok(InputAction::Known(known));
        }
        Ok(match open.into_iter().find(|open| open.reads_as(&self.how)) {
            Some(open) => InputAction::GoOn(Box::new(open.summary)),
            None => InputAction::Begin,
        })
    }

    /// Takes out the interrupted loads that a restart gives up: those of the same name, and those that continue one of
    /// these beginnings.
    pub(super) fn restarted(&self, open: &mut Vec<Open>, beginnings: &[Prefix]) -> Vec<Open> {
        let goes_on = |open: &Open| {
            let prefix = open.prefix();
            prefix.is_some_and(|prefix| beginnings.contains(&prefix)) && open.reads_as(&self.how)
        };
        let is_meant = |open: &mut Open| open.is_named(self.name) || goes_on(open);
        open.extract_if(.., is_meant).collect()
    }

    /// Returns the hashes of the file's beginning at every length that the ledger requires, and of all of it when there
    /// is a finished load of its length; `None` when the stop signal came.
    pub(super) fn hashed(
        &self,
        connection: &Connection,
        open: &[Open],
        file: &mut (impl Read + Seek),
    ) -> Result<Option<Vec<Prefix>>> {
        let failed = |error: io::Error| unreadable(self.name, &error);
        let length = file.seek(io::SeekFrom::End(0)).map_err(failed)?;
        let is_known = !self.options.again && has_whole_load(connection, self.database, length)?;
        let mut lengths: Vec<u64> = open
            .iter()
            .filter_map(Open::prefix)
            .map(|prefix| prefix.bytes)
            .collect();
        lengths.extend(is_known.then_some(length));
        lengths.retain(|wanted| *wanted <= length);
        lengths.sort_unstable();
        lengths.dedup();
        file.rewind().map_err(failed)?;
        let hashes = prefixes(file, &lengths, &self.options.stop).map_err(failed)?;
        file.rewind().map_err(failed)?;
        Ok(hashes)
    }
}

/// Returns the newest load, other than a given pass, that finished these bytes, read the same way.
fn known(
    connection: &Connection,
    database: &str,
    whole: &Prefix,
    how: &ReadingMode,
    other_than: Option<PassId>,
) -> Result<Option<KnownLoad>> {
    let loads = whole_loads(connection, database, whole)?;
    let known = loads
        .iter()
        .find(|known| Some(known.pass) != other_than && how.is_that_of(&known.body));
    Ok(known.map(KnownLoad::new))
}

/// Returns the load, other than this pass, that finished the same bytes before; a source that is not bytes is never
/// recognized.
pub(super) fn known_before(
    connection: &Connection,
    database: &str,
    pass: PassId,
    end: &Cursor,
    how: &ReadingMode,
) -> Result<Option<KnownLoad>> {
    // An empty input that comes twice proves nothing.
    let Some(read) = end.read_before().filter(|read| read.offset > 0) else {
        return Ok(None);
    };
    let whole = Prefix {
        bytes: read.offset,
        sha256: read.prefix_sha256,
    };
    known(connection, database, &whole, how, Some(pass))
}

/// Returns the SHA-256 of an input's first bytes, for each of these lengths, ascending; `None` when the stop signal
/// came.
fn prefixes(input: &mut impl Read, lengths: &[u64], stop: &StopSignal) -> io::Result<Option<Vec<Prefix>>> {
    let (mut hash, mut at) = (Sha256::new(), 0);
    let mut buffer = vec![0; 256 << 10];
    let mut found = Vec::new();
    for length in lengths {
        while at < *length {
            if stop.is_asked() {
                return Ok(None);
            }
            let wanted = usize::try_from(length - at)
                .unwrap_or(usize::MAX)
                .min(buffer.len());
            match input.read(&mut buffer[..wanted]) {
                // The input has become shorter meanwhile.
                Ok(0) => return Ok(Some(found)),
                Ok(count) => {
                    hash.update(&buffer[..count]);
                    at += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        found.push(Prefix {
            bytes: *length,
            sha256: hex(&hash.clone().finalize()),
        });
    }
    Ok(Some(found))
}

//! The verb `load`: reads records from outside into a database; each passes admission and has its entry. A malformed
//! record goes to quarantine with its line and does not affect the others.
//!
//! Like every verb that writes, it decides (`course.rs`: begin, continue, or nothing to do), produces batches
//! (`place.rs`) and commits them. It decides by the bytes of its input; the records come from a source
//! (`input/source.rs`) of any kind.

mod brought;
mod course;
mod fault;
mod how;
mod masks;
mod options;
mod place;
mod reading;
mod report;
mod resume;
#[cfg(test)]
mod tests;
mod types;

use std::collections::{HashSet, VecDeque};
use std::io::{Cursor as Bytes, Read, Seek};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::engine::{Bounds, Claims, Pass, Run, RunInfo, Stopped, drive_to_end, shape_for_writing};
use crate::error::{Error, Result};
use crate::history::UnfinishedPass;
use crate::input::Records;
use crate::input::source::{Cursor, RecordSource};
use crate::ledger::open::{Prefix, written_since};
use crate::ledger::places::kept;
use crate::ledger::read::{LedgerTable, PassSummary, largest};
use crate::ledger::refused_lines::RefusedLines;
use crate::ledger::{Batch, BatchKind, Counts, PassKind};
use crate::observe::{Event, Observer};
use crate::path::Path;
use crate::record::MaskRelation;
use crate::store::{Store, Table};
use brought::Brought;
use course::{InputAction, Open, OpenInput, end_unfinished, known_before, open_loads};
use how::ReadingMode;
use place::{Loading, ReadAhead};
use reading::{first_bytes, reading};
use resume::{end_text, followed};
use types::Columns;

pub use options::LoadOptions;
pub use report::{FixedByHand, KnownLoad, LoadReport, Narrowed};

/// Loads records from a stream into a database, which is created if it does not exist. `name` is the input's name in
/// the ledger; the same name for the same database continues an interrupted load, from the byte that it had reached. A
/// stream whose beginning differs from that of the interrupted load is loaded as another input.
///
/// A stream that was loaded to its end before is loaded again, because it is not recognized before it is read; the
/// report says so. A file is recognized: see [`load_file`].
///
/// # Errors
/// [`Error::InputChanged`] when the input differs from what the interrupted load read beyond its first batch;
/// [`Error::Input`] when the input as a whole cannot be read. Malformed records are not an error: each is refused.
pub fn load(
    store: &mut Store,
    database: &str,
    name: &str,
    mut input: impl Read + Send,
    options: &LoadOptions,
    observer: &mut dyn Observer,
) -> Result<LoadReport> {
    let mut run = Run::begin(store, &options.run_info)?;
    let mut head = first_bytes(name, &mut input)?;
    let reading = reading(&run, name, &head, options)?;
    let begun = OpenInput {
        name,
        database,
        how: ReadingMode::new(&reading),
        options,
    };
    let (open, given_up) = settle_open(&mut run, &begun, |_, _| Ok(None))?;
    let course = begun.of_stream(run.connection(), open, &mut input, &mut head)?;
    let source = Records::from_input(Bytes::new(head).chain(input), reading);
    run_load(run, &begun, course, source, given_up, observer)
}

/// Loads records from a file as [`load`] does, and recognizes the file by its bytes: a file that was loaded to its end
/// is not loaded again (unless [`LoadOptions::again`] is set), and an interrupted load continues even if the file has
/// another name now. A file that has only its name in common with an interrupted one is loaded as another.
///
/// For that the file is read beforehand, as far as an interrupted load into the database had come, and to its end if a
/// finished load has the same length; otherwise not at all. Hashing costs less than parsing.
///
/// # Errors
/// The errors of [`load`].
pub fn load_file(
    store: &mut Store,
    database: &str,
    name: &str,
    mut file: impl Read + Seek + Send,
    options: &LoadOptions,
    observer: &mut dyn Observer,
) -> Result<LoadReport> {
    let mut run = Run::begin(store, &options.run_info)?;
    let head = first_bytes(name, &mut file)?;
    let reading = reading(&run, name, &head, options)?;
    let begun = OpenInput {
        name,
        database,
        how: ReadingMode::new(&reading),
        options,
    };
    let beginnings = |connection: &Connection, open: &[Open]| begun.hashed(connection, open, &mut file);
    let (open, given_up) = settle_open(&mut run, &begun, beginnings)?;
    let course = begun.of_file(run.connection(), open, &mut file)?;
    let source = Records::from_input(file, reading);
    run_load(run, &begun, course, source, given_up, observer)
}

/// Gives up the unfinished loads of an input, by its name in the ledger: they end where they are, and what they loaded
/// stays. The input itself is not needed.
///
/// # Errors
/// [`Error::NoSuch`] when no load of that name is unfinished.
pub fn give_up(
    store: &mut Store,
    database: &str,
    name: &str,
    run_info: &RunInfo,
) -> Result<Vec<UnfinishedPass>> {
    let mut run = Run::begin(store, run_info)?;
    let mut open = open_loads(run.connection(), database)?;
    open.retain(|open| open.is_named(name));
    if open.is_empty() {
        return Err(Error::NoSuch {
            what: format!("unfinished load of `{name}` into `{database}`"),
        });
    }
    let given_up = end_unfinished(&mut run, open)?;
    run.finish()?;
    Ok(given_up)
}

/// Returns the unfinished loads into the database. With `restart`, ends the selected ones where they are and reports
/// them; `beginnings` hashes the beginning of the input, when that is possible.
fn settle_open(
    run: &mut Run<'_>,
    begun: &OpenInput<'_>,
    beginnings: impl FnOnce(&Connection, &[Open]) -> Result<Option<Vec<Prefix>>>,
) -> Result<(Vec<Open>, Vec<UnfinishedPass>)> {
    let mut open = open_loads(run.connection(), begun.database)?;
    if !begun.options.restart {
        return Ok((open, Vec::new()));
    }
    let beginnings = beginnings(run.connection(), &open)?.unwrap_or_default();
    let meant = begun.restarted(&mut open, &beginnings);
    Ok((open, end_unfinished(run, meant)?))
}

/// Executes the action that was chosen for an input.
fn run_load(
    mut run: Run<'_>,
    begun: &OpenInput<'_>,
    course: InputAction,
    source: impl RecordSource,
    given_up: Vec<UnfinishedPass>,
    observer: &mut dyn Observer,
) -> Result<LoadReport> {
    let mut report = LoadReport {
        given_up,
        ..LoadReport::default()
    };
    match course {
        InputAction::Begin => process(&mut run, begun, None, source, observer, &mut report)?,
        InputAction::GoOn(open) => process(&mut run, begun, Some(&open), source, observer, &mut report)?,
        InputAction::Stopped => report.stopped = Some(Stopped::Asked),
        InputAction::Known(known) => {
            report.pass = known.pass;
            report.known = Some(known);
        }
    }
    let open = open_loads(run.connection(), begun.database)?.into_iter();
    report.open = open
        .map(|open| open.unfinished)
        .filter(|open| open.pass != report.pass)
        .collect();
    report.run = run.has_written().then_some(run.number());
    run.finish()?;
    Ok(report)
}

/// Loads a source into the database, from its beginning or from where an earlier run stopped.
fn process(
    run: &mut Run<'_>,
    begun: &OpenInput<'_>,
    open: Option<&PassSummary>,
    mut source: impl RecordSource,
    observer: &mut dyn Observer,
    report: &mut LoadReport,
) -> Result<()> {
    let (database, options) = (begun.database, begun.options);
    let mut pass = match open {
        Some(open) => Pass::resumed(open),
        None => new_pass(run, begun)?,
    };
    let opened = resume::open(&mut source, begun, pass.row.pass, open)?;
    let table = Table::from_name(database)?;
    let cursor = open.and_then(|open| open.cursor.as_deref());
    let limits = run.store().options().limits;
    let mut columns = Columns::new(&options.cells, limits, opened.columns);
    if !columns.learn(cursor, run.connection(), &table, &options.stop)? {
        report.stopped = Some(Stopped::Asked);
        return Ok(());
    }
    report.overtaken = is_overtaken(run, database, open)?;
    let mut counts = open.map(|open| open.counts).unwrap_or_default();
    begins(&pass, &counts, observer);
    let randomness = Arc::clone(&run.store().environment().randomness);
    let found: Mutex<ReadAhead> = Mutex::default();
    let origin = pass.row.source.clone().unwrap_or_default();
    let batch_size = options.batch_size.unwrap_or(run.store().options().batch_size);
    let producer = Loading {
        begun,
        pass: pass.row.pass,
        source,
        waiting: VecDeque::new(),
        position: opened.cursor,
        end: None,
        touched: HashSet::new(),
        brought: brought_before(run, open.filter(|_| options.replace))?,
        names_refused: !is_redacted(run.store(), options)?,
        batch_size: batch_size.max(1),
        shape: shape_for_writing(run.connection(), database)?,
        newest: largest(run.connection(), LedgerTable::Record)?,
        kept: kept(run.connection(), &table)?,
        refused: RefusedLines::new(run.connection(), database, &origin, pass.row.pass)?,
        table,
        columns,
        has_begun: open.is_some(),
        follows: open.is_none_or(|_| followed(cursor)),
        claims: Claims::default(),
        randomness: randomness.as_ref(),
        found: &found,
    };
    let whole = drive_load(run, &mut pass, producer, &mut counts, observer, report)?;
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.tell(&pass, begun.name, open.is_some(), counts);
    report.narrowed = found.narrowed;
    report.fixed_by_hand = FixedByHand::new(run, database, pass.row.pass)?;
    if let Some(end) = whole.filter(|_| !options.again) {
        report.known = known_before(run.connection(), database, pass.row.pass, &end, &begun.how)?;
    }
    Ok(())
}

/// Drives the batches of a load. Returns where its input ends, if the load reached the end.
fn drive_load(
    run: &mut Run<'_>,
    pass: &mut Pass,
    mut producer: Loading<'_, impl RecordSource>,
    counts: &mut Counts,
    observer: &mut dyn Observer,
    report: &mut LoadReport,
) -> Result<Option<Cursor>> {
    let (begun, found) = (producer.begun, producer.found);
    let (mut whole, bounds) = (None, Bounds::new(&begun.options.stop, None));
    let ending = || {
        whole = found.lock().unwrap_or_else(PoisonError::into_inner).end.take();
        end_batch(whole.as_ref(), &begun.how)
    };
    report.stopped = drive_to_end(run, pass, &mut producer, counts, &bounds, observer, ending)?;
    Ok(whole)
}

/// Returns whether others have written to the database since the load was interrupted.
fn is_overtaken(run: &Run<'_>, database: &str, open: Option<&PassSummary>) -> Result<bool> {
    let since = open.map(|open| (open.row.pass, open.last_batch));
    since.map_or(Ok(false), |place| {
        written_since(run.connection(), database, place)
    })
}

/// Returns the pass of a new load.
fn new_pass(run: &Run<'_>, begun: &OpenInput<'_>) -> Result<Pass> {
    let mut pass = run.new_pass(PassKind::Load, None)?;
    pass.row.source = Some(begun.name.to_owned());
    pass.row.target = Some(begun.database.to_owned());
    Ok(pass)
}

/// Returns the last batch of a load, which records where its input ends.
fn end_batch(whole: Option<&Cursor>, how: &ReadingMode) -> Batch {
    let mut batch = Batch::new(BatchKind::End);
    batch.body = whole.map(|end| end_text(end, how));
    batch
}

/// Returns which records the interrupted load, if there is one, has brought.
fn brought_before(run: &Run<'_>, open: Option<&PassSummary>) -> Result<Brought> {
    match open {
        Some(open) => Brought::by(run.connection(), open.row.pass),
        None => Ok(Brought::default()),
    }
}

fn begins(pass: &Pass, before: &Counts, observer: &mut dyn Observer) {
    observer.observe(&Event::PassBegins {
        pass: pass.row.pass,
        kind: PassKind::Load,
        stage: None,
        source: pass.row.source.clone(),
        target: pass.row.target.clone(),
        total: None,
        done: before.read,
        refused: before.refused,
    });
}

/// Returns whether a stage redacts the field that holds the id.
fn is_redacted(store: &Store, options: &LoadOptions) -> Result<bool> {
    let id = Path::field(&options.id_field);
    let is_id = |path: &Path| MaskRelation::new(path, id.segments()).may_hide();
    Ok(options.redact.iter().any(is_id) || store.redacted_paths()?.iter().any(is_id))
}

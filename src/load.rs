//! The verb `load`: records from outside into a database, each through the door, with its entry. A malformed record
//! goes to quarantine with its line; its neighbours never notice.

mod brought;
mod course;
mod masks;
mod place;
mod resume;
mod types;

use std::collections::{HashSet, VecDeque};
use std::io::{Cursor, Read, Seek};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::DateTime;

use crate::engine::Claims;
use crate::engine::shape_for_writing;
use crate::engine::{Bounds, Stopped, drive_to_end};
use crate::engine::{Pass, Purpose, Run};
use crate::error::{Error, Result};
use crate::history::{UnfinishedPass, redacted};
use crate::input::{Cells, Format, HeaderError, OpenError, Options, Position, Reader as Records};
use crate::ledger::feed::RefusedLines;
use crate::ledger::feed::fixed_by_hand;
use crate::ledger::open::{WholeLoad, written_since};
use crate::ledger::places::kept;
use crate::ledger::read::{LedgerTable, PassSummary, largest};
use crate::ledger::{Batch, Counts, PassKind, Step};
use crate::observe::{Event, Observer, StopSignal};
use crate::path::Path;
use crate::record::Standing;
use crate::store::{Store, Table};
use brought::Brought;
use course::{Begun, Course, Open, end_unfinished, first_bytes, known_before, open_loads, reading};
use place::Loading;
use resume::{How, end_text, followed, resume};
use types::Columns;

/// How to load.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own, with yes or no"
)]
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The top-level field that holds the id.
    pub id_field: String,
    /// How the records lie in the bytes; `None`: guessed from the input's name and first bytes.
    pub format: Option<Format>,
    /// How the cells of a CSV are read, and what becomes of them where records have other values than texts.
    pub cells: Cells,
    /// Where the list of records stands in a JSON object, as a JSON Pointer.
    pub records: Option<String>,
    /// Whether each record stands in an envelope with its id, as `export --with-id` writes it.
    pub with_id: bool,
    /// Write over a record that exists with other data; its before image is kept. Otherwise it is refused
    /// (`load.exists`), and so is in either case what has other data than a record which the same input has brought.
    pub replace: bool,
    /// Let stages in place process a record again that replaces one which they have changed already: it is in the shape
    /// from before them. Otherwise it stands as it is, in the shape that they have given the others.
    pub reprocess: bool,
    /// Give up an unfinished load of the same input, or of the same name, and begin again.
    pub restart: bool,
    /// Load once more what was loaded to its end before.
    pub again: bool,
    /// What stages redact, beside those that the ledger has: where the id is among it, a refused record is kept without.
    pub redact: Vec<Path>,
    /// The most records in a batch; `None`: what the store's options say.
    pub batch_size: Option<usize>,
    /// What stands in the ledger about this run.
    pub purpose: Purpose,
    /// Asks the verb to stop.
    pub stop: StopSignal,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            id_field: "id".to_owned(),
            format: None,
            cells: Cells::default(),
            records: None,
            with_id: false,
            replace: false,
            reprocess: false,
            restart: false,
            again: false,
            redact: Vec::new(),
            batch_size: None,
            purpose: Purpose::new("load"),
            stop: StopSignal::default(),
        }
    }
}

/// What a load did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct LoadReport {
    /// The run's number; `None` when there was nothing to do.
    pub run: Option<i64>,
    /// The pass's number.
    pub pass: i64,
    /// Whether the input was carried into the database; false where there was nothing to do.
    pub carried: bool,
    /// Whether an earlier run had begun it.
    pub resumed: bool,
    /// Whether others have written to the database between the interruption and going on: with
    /// [`replace`](LoadOptions::replace), what they wrote was written over where the rest of the input has it too.
    pub overtaken: bool,
    /// What the input was called when the pass was begun, where that is another name.
    pub begun_as: Option<String>,
    /// How many records it has written over that a stage in place had changed, and that stand as they are now; with the
    /// numbers of those stages.
    pub fixed_by_hand: Option<FixedByHand>,
    /// What rows have left out of the records that they replace, in this run.
    pub narrowed: Narrowed,
    /// The outcomes over all its runs. What is filtered is no record of the input: a line that an earlier load had
    /// refused, and that has left quarantine because it passes now.
    pub counts: Counts,
    /// Why it stopped before its end.
    pub stopped: Option<Stopped>,
    /// The load that has brought the same bytes to their end before. Of a file nothing was loaded then; a stream, which
    /// is known only once it is read, was loaded once more.
    pub known: Option<KnownLoad>,
    /// The unfinished loads that were given up.
    pub given_up: Vec<UnfinishedPass>,
    /// The other loads into the database that stand open.
    pub open: Vec<UnfinishedPass>,
}

/// Records that a CSV has replaced by rows without a column for some of their fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Narrowed {
    /// How many.
    pub records: u64,
    /// The first field that one of them has lost.
    pub field: Option<String>,
}

impl LoadReport {
    /// What a pass that has carried its input did.
    fn tell(&mut self, pass: &Pass, name: &str, resumed: bool, counts: Counts) {
        self.pass = pass.row.pass;
        let source = pass.row.source.clone().unwrap_or_default();
        self.begun_as = (source != name).then_some(source);
        self.carried = true;
        self.resumed = resumed;
        self.counts = counts;
    }
}

/// Records that were written over in the shape that stages in place have given them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FixedByHand {
    /// How many.
    pub records: u64,
    /// The stages in place that have changed the database.
    pub stages: Vec<u32>,
}

impl FixedByHand {
    fn of(run: &Run<'_>, database: &str, pass: i64) -> Result<Option<Self>> {
        let found = fixed_by_hand(run.connection(), database, pass)?;
        Ok(found.map(|(records, stages)| Self { records, stages }))
    }
}

/// A load that has come to the end of its input.
#[derive(Clone, Debug, serde::Serialize)]
pub struct KnownLoad {
    /// Its pass.
    pub pass: i64,
    /// The run that came to the end.
    pub run: i64,
    /// When, ISO 8601 in UTC.
    pub at: String,
    /// What the input was called.
    pub source: Option<String>,
    /// The SHA-256 of all of it, in hexadecimal.
    pub sha256: String,
    /// How long it is.
    pub bytes: u64,
}

impl KnownLoad {
    fn of(load: &WholeLoad) -> Self {
        let at = DateTime::from_timestamp_micros(load.committed_us).unwrap_or_default();
        Self {
            pass: load.pass,
            run: load.run,
            at: at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            source: load.source.clone(),
            sha256: load.body["sha256"].as_str().unwrap_or_default().to_owned(),
            bytes: load.body["bytes"].as_u64().unwrap_or_default(),
        }
    }
}

/// Loads records from a stream into a database, which is made where it does not exist. `name` is what the input is
/// called in the ledger; the same name for the same database goes on with a load that was interrupted, from the byte it
/// had come to. A stream that begins otherwise than what was interrupted is loaded as another one.
///
/// What was loaded to its end before is loaded once more, because a stream is not known before it is read; the report
/// tells. A file is known: see [`load_file`].
///
/// # Errors
/// [`Error::InputChanged`] when what was read before, beyond its first batch, is not what the input begins with now;
/// [`Error::Input`] when the input as a whole cannot be read. Malformed records are no error: they are refused, one by
/// one.
pub fn load(
    store: &mut Store,
    database: &str,
    name: &str,
    mut input: impl Read + Send,
    options: &LoadOptions,
    observer: &mut dyn Observer,
) -> Result<LoadReport> {
    let mut run = Run::begin(store, &options.purpose)?;
    let mut head = first_bytes(name, &mut input)?;
    let reading = reading(&run, name, &head, options)?;
    let begun = Begun {
        name,
        database,
        reading: &reading,
        options,
    };
    let (open, given_up) = settle_open(&mut run, &begun, None::<&mut Cursor<Vec<u8>>>)?;
    let course = begun.of_stream(run.connection(), open, &mut input, &mut head)?;
    let input = Cursor::new(head).chain(input);
    carry_out(run, &begun, course, input, given_up, observer)
}

/// Loads records from a file as [`load`] does, and knows the file by its bytes: what was loaded to its end before is not
/// loaded once more ([`LoadOptions::again`] does), and a load that was interrupted goes on whatever the file is called
/// now. A file that only has the name of an interrupted one is loaded as another.
///
/// For that the file is read once more beforehand, as far as an interrupted load into the database had come, and to its
/// end where a load of the same length stands there; otherwise not at all. To hash it costs less than to parse it.
///
/// # Errors
/// As [`load`].
pub fn load_file(
    store: &mut Store,
    database: &str,
    name: &str,
    mut file: impl Read + Seek + Send,
    options: &LoadOptions,
    observer: &mut dyn Observer,
) -> Result<LoadReport> {
    let mut run = Run::begin(store, &options.purpose)?;
    let head = first_bytes(name, &mut file)?;
    let reading = reading(&run, name, &head, options)?;
    let begun = Begun {
        name,
        database,
        reading: &reading,
        options,
    };
    let (open, given_up) = settle_open(&mut run, &begun, Some(&mut file))?;
    let course = begun.of_file(run.connection(), open, &mut file)?;
    carry_out(run, &begun, course, file, given_up, observer)
}

/// Gives up the unfinished loads of an input, by its name in the ledger: they end where they stand, and what they have
/// loaded stays. The input itself is not needed.
///
/// # Errors
/// [`Error::NoSuch`] where none of that name is unfinished.
pub fn give_up(
    store: &mut Store,
    database: &str,
    name: &str,
    purpose: &Purpose,
) -> Result<Vec<UnfinishedPass>> {
    let mut run = Run::begin(store, purpose)?;
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

/// The unfinished loads into the database. With `restart`, those that are meant are ended where they stand, and told.
fn settle_open(
    run: &mut Run<'_>,
    begun: &Begun<'_>,
    file: Option<&mut (impl Read + Seek)>,
) -> Result<(Vec<Open>, Vec<UnfinishedPass>)> {
    let mut open = open_loads(run.connection(), begun.database)?;
    if !begun.options.restart {
        return Ok((open, Vec::new()));
    }
    let meant = begun.restarted(run.connection(), &mut open, file)?;
    Ok((open, end_unfinished(run, meant)?))
}

/// Does with an input what is to be done.
fn carry_out(
    mut run: Run<'_>,
    begun: &Begun<'_>,
    course: Course,
    input: impl Read + Send,
    given_up: Vec<UnfinishedPass>,
    observer: &mut dyn Observer,
) -> Result<LoadReport> {
    let mut report = LoadReport {
        given_up,
        ..LoadReport::default()
    };
    match course {
        Course::Begin => carry(&mut run, begun, None, input, observer, &mut report)?,
        Course::GoOn(open) => carry(&mut run, begun, Some(&open), input, observer, &mut report)?,
        Course::Stopped => report.stopped = Some(Stopped::Asked),
        Course::Known(known) => {
            report.pass = known.pass;
            report.known = Some(known);
        }
    }
    let open = open_loads(run.connection(), begun.database)?.into_iter();
    report.open = open
        .map(|open| open.told)
        .filter(|open| open.pass != report.pass)
        .collect();
    report.run = run.has_written().then_some(run.number());
    run.finish()?;
    Ok(report)
}

/// Carries an input into the database, from its beginning or from where an earlier run had come to.
fn carry(
    run: &mut Run<'_>,
    begun: &Begun<'_>,
    open: Option<&PassSummary>,
    input: impl Read + Send,
    observer: &mut dyn Observer,
    report: &mut LoadReport,
) -> Result<()> {
    let (name, database, options) = (begun.name, begun.database, begun.options);
    let (how, reading) = (How::of(begun.reading), begun.reading.clone());
    let (mut pass, records) = match open {
        Some(open) => (Pass::resumed(open), resume(input, reading, open, name)?),
        None => begin(run, database, name, input, reading)?,
    };
    let (table, narrowed) = (Table::of(database)?, Mutex::default());
    let cursor = open.and_then(|open| open.cursor.as_deref());
    let mut columns = Columns::of(begun.reading, records.columns());
    if !columns.learn(cursor, (run.connection(), &table), &options.stop)? {
        report.stopped = Some(Stopped::Asked);
        return Ok(());
    }
    if let Some(open) = open {
        let place = (open.row.pass, open.last_batch);
        report.overtaken = written_since(run.connection(), database, place)?;
    }
    let mut counts = open.map(|open| open.counts).unwrap_or_default();
    begins(&pass, counts.read, observer);
    let source = pass.row.source.clone().unwrap_or_default();
    let randomness = Arc::clone(&run.store().surroundings().randomness);
    let end: Mutex<Option<Position>> = Mutex::default();
    let batch_size = options.batch_size.unwrap_or(run.store().options().batch_size);
    let mut producer = Loading {
        name,
        records,
        waiting: VecDeque::new(),
        touched: HashSet::new(),
        brought: brought_before(run, open.filter(|_| options.replace))?,
        database,
        table,
        replace: options.replace,
        reprocess: options.reprocess,
        names_refused: !is_redacted(run.store(), options)?,
        batch_size: batch_size.max(1),
        shape: shape_for_writing(run.connection(), database)?,
        newest: largest(run.connection(), LedgerTable::Record)?,
        kept: kept(run.connection(), &Table::of(database)?)?,
        refused: RefusedLines::of(run.connection(), database, &source, pass.row.pass)?,
        columns,
        has_begun: open.is_some(),
        follows: open.is_none_or(|_| followed(cursor)),
        claims: Claims::default(),
        randomness: randomness.as_ref(),
        how: how.clone(),
        end: &end,
        narrowed: &narrowed,
    };
    let (mut whole, bounds) = (None, Bounds::new(&options.stop, None));
    let ending = || {
        whole = end.lock().unwrap_or_else(PoisonError::into_inner).take();
        end_batch(whole.as_ref(), &how)
    };
    report.stopped = drive_to_end(
        run,
        &mut pass,
        &mut producer,
        &mut counts,
        &bounds,
        observer,
        ending,
    )?;
    if let Some(end) = whole.filter(|_| !options.again) {
        report.known = known_before(run.connection(), database, pass.row.pass, &end, &how)?;
    }
    report.tell(&pass, name, open.is_some(), counts);
    report.narrowed = narrowed.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.fixed_by_hand = FixedByHand::of(run, database, pass.row.pass)?;
    Ok(())
}

/// The end of a load, with where its input ends.
fn end_batch(whole: Option<&Position>, how: &How) -> Batch {
    let mut batch = Batch::new(Step::End);
    batch.body = whole.map(|end| end_text(end, how));
    batch
}

/// What the interrupted load, where there is one, has brought.
fn brought_before(run: &Run<'_>, open: Option<&PassSummary>) -> Result<Brought> {
    match open {
        Some(open) => Brought::by(run.connection(), open.row.pass),
        None => Ok(Brought::default()),
    }
}

fn begins(pass: &Pass, done: u64, observer: &mut dyn Observer) {
    observer.observe(&Event::PassBegins {
        pass: pass.row.pass,
        kind: PassKind::Load,
        stage: None,
        source: pass.row.source.clone(),
        target: pass.row.target.clone(),
        total: None,
        done,
    });
}

/// Whether a stage redacts the field that holds the id.
fn is_redacted(store: &Store, options: &LoadOptions) -> Result<bool> {
    let id = Path::field(&options.id_field);
    let is_id = |path: &Path| Standing::of(path, id.segments()).may_hide();
    Ok(options.redact.iter().any(is_id) || redacted(store)?.iter().any(is_id))
}

fn begin<R: Read>(
    run: &Run<'_>,
    database: &str,
    name: &str,
    input: R,
    reading: Options,
) -> Result<(Pass, Records<R>)> {
    let mut pass = run.new_pass(PassKind::Load, None)?;
    pass.row.source = Some(name.to_owned());
    pass.row.target = Some(database.to_owned());
    let records = Records::new(input, reading).map_err(|error| cannot_open(name, &error))?;
    Ok((pass, records))
}

fn unreadable(name: &str, error: &std::io::Error) -> Error {
    Error::Input {
        input: name.to_owned(),
        problem: error.to_string(),
    }
}

fn cannot_open(name: &str, error: &OpenError) -> Error {
    let problem = error.to_string();
    if let OpenError::Header(HeaderError::Separated { separator }) = error {
        let options = vec![crate::input::option("separator", &separator.to_string())];
        return Error::read_otherwise("input.separator", name, problem, options);
    }
    Error::Input {
        input: name.to_owned(),
        problem,
    }
}

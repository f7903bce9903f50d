//! `query`: look at records.

mod pretty;

use std::borrow::Cow;
use std::io::{BufWriter, StdoutLock, Write as _};

use counterfoil::Error;
use counterfoil::context::Context;
use counterfoil::expression::{Expression, Scope};
use counterfoil::path::Path;
use counterfoil::problem::Place;
use counterfoil::query::{Order, Query, sort_key};
use counterfoil::reading::Reading;
use counterfoil::record::{Record, Value};
use counterfoil::store::{Sorter, Store};
use counterfoil::surroundings::Secrets;
use serde_json::json;

use super::answer::{Answer, Exit, Listed};
use super::failure::Failure;
use super::masking::{masked, redactions, refuse_redacted};
use super::missing::missing_record;
use super::quarantine;
use super::render::{count, counted, shown_json};
use super::session::Session;

/// How many records are read at a time.
const PAGE: usize = 1_000;

/// Shows records of a database, one JSON object on each line. What stages redact is masked, and can be neither tested
/// nor sorted by.
///
/// EXPR is an expression as in stage files: `doc` is the record, `now()` the time of the command. Numbers compare exactly; where a field may be
/// missing, use has(doc, "x") or doc.get("x") ?? y. Records that the expression cannot judge are left out, and counted
/// on stderr.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil query orders_v2 --where 'doc.pricing.total > 100.00' --sort pricing.total:desc\n  counterfoil query orders_v2 --id ORD-2024-001 --pretty"
)]
pub(crate) struct QueryCommand {
    /// The database.
    database: String,
    /// Only records of which this is true.
    #[arg(long = "where", value_name = "EXPR")]
    condition: Option<String>,
    /// Only the record with this id.
    #[arg(long, value_name = "ID", conflicts_with_all = ["condition", "sort", "after"])]
    id: Option<String>,
    /// Sorts by the value at a path; may be given several times.
    #[arg(long, value_name = "PATH[:desc]")]
    sort: Vec<String>,
    /// The most records to show.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Only records with a number above this one: the next page, where nothing is sorted.
    #[arg(long, value_name = "NUMBER", conflicts_with = "sort")]
    after: Option<i64>,
    /// Counts all records that match. Without it only so many are looked at behind the shown ones as take a moment, and the
    /// figure is `at least` so many.
    #[arg(long, conflicts_with = "id")]
    count: bool,
    /// Shows `{"record":NUMBER,"id":ID,"data":DATA}` instead of the data only.
    #[arg(long)]
    with_id: bool,
    /// Shows each record over several lines.
    #[arg(long)]
    pretty: bool,
}

impl QueryCommand {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let store = session.open_to_read()?;
        let redact = redactions(session, &store)?;
        session.has_database(&store, &self.database)?;
        let total = store.count(&self.database)?;
        let condition = self.condition.as_deref().map(Condition::compile).transpose()?;
        if let Some(Condition(expression)) = &condition {
            refuse_redacted(&expression.reads(), &redact, "a condition on", session)?;
        }
        let query = self.query()?;
        let sorted: Vec<Path> = query.sorts().iter().map(|(path, _)| path.clone()).collect();
        refuse_redacted(&sorted, &redact, "sorting by", session)?;
        let mut filter = Filter::new(
            condition.as_ref(),
            &self.database,
            store.surroundings().clock.now_us(),
        );
        let mut shown = Shown::new(self, session.screen.json);
        let mut unseen = sorted;
        let matched = self.show(
            session,
            &store,
            &query,
            (&redact, &mut filter),
            &mut shown,
            &mut unseen,
        )?;
        let (shown_count, last) = (shown.count, shown.last);
        let full = shown_count == self.limit && matched.goes_beyond(shown_count as u64);
        let unsorted = unseen.iter().filter(|_| total > 0).map(|path| {
            format!(
                "no record of `{}` has `{path}`, so that it sorts nothing",
                self.database
            )
        });
        let warnings: Vec<String> = filter.warning().into_iter().chain(unsorted).collect();
        let data = json!({
            "database": self.database,
            "total": total,
            "matched": matched.records,
            "matched_exactly": matched.is_exact,
        });
        let mut answer = Answer::new(data, "").warnings(warnings);
        if let Some(list) = shown.finish()? {
            answer = answer.list("records", list);
        }
        if full {
            let next = match (self.sort.is_empty(), self.count || matched.is_exact) {
                (false, _) => "--limit N shows more".to_owned(),
                (true, true) => format!("the next ones: --after {last}"),
                (true, false) => format!("the next ones: --after {last}; --count counts all"),
            };
            answer = answer.hint(format!(
                "{} of {} shown; {next}",
                count(shown_count as u64),
                self.of_how_many(matched)
            ));
        }
        Ok(answer)
    }

    /// Of how many the shown ones are some.
    fn of_how_many(&self, matched: Matched) -> String {
        let least = if matched.is_exact { "" } else { "at least " };
        let which = match (&self.condition, self.after) {
            (Some(_), None) => " that match",
            (Some(_), Some(_)) => " that match from there on",
            (None, Some(_)) => " from there on",
            (None, None) => "",
        };
        format!("{least}{}{which}", count(matched.records))
    }

    /// Shows what is wanted, and tells how many records match. Takes out of `unseen` the paths that any record has.
    fn show(
        &self,
        session: &Session<'_>,
        store: &Store,
        query: &Query,
        (redact, filter): (&[Path], &mut Filter<'_>),
        shown: &mut Shown<'_>,
        unseen: &mut Vec<Path>,
    ) -> Result<Matched, Failure> {
        let mut matched = Matched {
            records: 0,
            is_exact: true,
        };
        if let Some(id) = &self.id {
            let missing = || Error::NoSuchRecord {
                database: self.database.clone(),
                id: id.clone(),
            };
            let record = store.get(&self.database, id)?;
            let record = record.ok_or_else(|| missing_record(session, store, missing()))?;
            shown.add(&masked(record, redact)?)?;
            matched.records = 1;
        } else if query.sorts().is_empty() {
            let is_counted = self.condition.is_none();
            let mut beyond = Beyond::default();
            self.each(store, redact, |record| {
                if shown.count == self.limit {
                    if is_counted {
                        return Ok(false);
                    }
                    if !self.count && beyond.is_enough(&record) {
                        matched.is_exact = false;
                        return Ok(false);
                    }
                    matched.records += u64::from(filter.lets_through(&record)?);
                } else if filter.lets_through(&record)? {
                    matched.records += 1;
                    shown.add(&record)?;
                }
                Ok(true)
            })?;
            if is_counted {
                matched.records = store.count_after(&self.database, self.after.unwrap_or(0))?;
            }
        } else {
            let mut sorter = Sorter::new()?;
            self.each(store, redact, |record| {
                let document = record.document().map_err(damaged)?;
                unseen.retain(|path| document.at(path).is_none());
                if filter.lets_through(&record)? {
                    matched.records += 1;
                    sorter.add(&sort_key(&document, query), record.record)?;
                }
                Ok(true)
            })?;
            sorter.each(self.limit, |number| {
                // One that was deleted since is not there any more.
                match store.record(&self.database, number)? {
                    Some(record) => shown.add(&masked(record, redact)?),
                    None => Ok(()),
                }
            })?;
        }
        Ok(matched)
    }

    /// Every record after the one that is named, masked before anything looks at it, until one is refused.
    fn each(
        &self,
        store: &Store,
        redact: &[Path],
        mut tell: impl FnMut(Record) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let mut after = self.after.unwrap_or(0);
        loop {
            let page = store.records_after(&self.database, after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.record;
            for record in page {
                if !tell(masked(record, redact)?)? {
                    return Ok(());
                }
            }
        }
    }

    fn query(&self) -> Result<Query, Failure> {
        let mut query = Query::new().limit(self.limit);
        for sort in &self.sort {
            let (path, order) = match sort.rsplit_once(':') {
                Some((path, "desc")) => (path, Order::Descending),
                Some((path, "asc")) => (path, Order::Ascending),
                _ => (sort.as_str(), Order::Ascending),
            };
            query = query.sort(path, order).map_err(|error| {
                Failure::usage(
                    "query.sort",
                    error.to_string(),
                    "give a path such as pricing.total:desc",
                )
            })?;
        }
        Ok(query)
    }
}

/// How many records match, as far as was looked.
#[derive(Clone, Copy)]
struct Matched {
    records: u64,
    is_exact: bool,
}

impl Matched {
    fn goes_beyond(self, shown: u64) -> bool {
        !self.is_exact || self.records > shown
    }
}

/// What was looked at behind the shown records, only to count.
#[derive(Default)]
struct Beyond {
    records: u64,
    bytes: u64,
}

impl Beyond {
    /// Takes note of one more; whether it is too much to look at it.
    fn is_enough(&mut self, record: &Record) -> bool {
        const RECORDS: u64 = 50_000;
        const BYTES: u64 = 64 << 20;
        self.records += 1;
        self.bytes += record.data.len() as u64;
        self.records > RECORDS || self.bytes > BYTES
    }
}

/// What is shown: to stdout as it comes, or for programs into the list of the envelope.
struct Shown<'q> {
    of: &'q QueryCommand,
    list: Option<Listed>,
    out: BufWriter<StdoutLock<'static>>,
    count: usize,
    /// The number of the last record.
    last: i64,
}

impl<'q> Shown<'q> {
    fn new(of: &'q QueryCommand, json: bool) -> Self {
        Self {
            of,
            list: json.then(Listed::new),
            out: BufWriter::new(std::io::stdout().lock()),
            count: 0,
            last: 0,
        }
    }

    fn add(&mut self, record: &Record) -> Result<(), Failure> {
        (self.count, self.last) = (self.count + 1, record.record);
        if let Some(list) = &mut self.list {
            record.document().map_err(damaged)?;
            return list.push(envelope_text(record));
        }
        self.print(record).map_err(|error| Failure::output(&error))
    }

    fn print(&mut self, record: &Record) -> std::io::Result<()> {
        let line = if self.of.with_id {
            Cow::Owned(envelope_text(record))
        } else {
            Cow::Borrowed(record.data.as_str())
        };
        if self.of.pretty && !record.data.starts_with('{') {
            // Not a record any more: shown as quarantine shows what never was one.
            writeln!(self.out, "{}", quarantine::pretty(&line))
        } else if self.of.pretty {
            pretty::pretty(&line, &mut self.out)?;
            writeln!(self.out)
        } else {
            writeln!(self.out, "{}", shown_json(&line))
        }
    }

    fn finish(mut self) -> Result<Option<Listed>, Failure> {
        self.out.flush().map_err(|error| Failure::output(&error))?;
        Ok(self.list)
    }
}

fn damaged(error: impl std::fmt::Display) -> Failure {
    Failure::new(
        Exit::Unsound,
        "store.damaged",
        format!("a stored record cannot be read: {error}"),
    )
    .hint("run `counterfoil verify` to see what else is damaged")
}

/// A record with its number and id, as JSON. The data is as stored, which is JSON.
fn envelope_text(record: &Record) -> String {
    let id = Value::text(&record.id).to_json();
    format!(
        "{{\"record\":{},\"id\":{id},\"data\":{}}}",
        record.record, record.data
    )
}

/// A compiled `--where`.
struct Condition(Expression);

impl Condition {
    fn compile(text: &str) -> Result<Self, Failure> {
        let text = text.trim();
        let text = text.strip_prefix("= ").unwrap_or(text);
        let reading = Reading::new("--where", text);
        let place = Place::at(&reading.file, text, 0);
        let compiled = Expression::condition(text, &place, &reading);
        compiled.map(Self).map_err(|problem| {
            let mut failure = Failure::usage(
                "query.where",
                "",
                "compare as in `doc.total > 100.00 && doc.status == \"paid\"`",
            );
            failure.problems.push(problem);
            failure
        })
    }
}

/// Lets records through, and counts those that the condition cannot judge.
struct Filter<'c> {
    condition: Option<&'c Condition>,
    database: &'c str,
    /// What `now()` gives: the time of the command, the same for every record.
    now_us: i64,
    secrets: Secrets,
    unjudged: u64,
    why: Option<String>,
}

impl<'c> Filter<'c> {
    fn new(condition: Option<&'c Condition>, database: &'c str, now_us: i64) -> Self {
        Self {
            condition,
            database,
            now_us,
            secrets: Secrets::default(),
            unjudged: 0,
            why: None,
        }
    }

    fn lets_through(&mut self, record: &Record) -> Result<bool, Failure> {
        let Some(Condition(expression)) = self.condition else {
            return Ok(true);
        };
        let document = record.document().map_err(damaged)?;
        let context = Context {
            project: self.database,
            stage: 0,
            id: &record.id,
            salt: None,
            now_us: self.now_us,
            secrets: &self.secrets,
            limits: counterfoil::record::Limits::default(),
            roundings: None,
            tally: None,
        };
        match expression.truth(&document, &mut Scope::new(context)) {
            Ok(truth) => Ok(truth),
            Err(refusal) => {
                self.unjudged += 1;
                self.why.get_or_insert(refusal.to_string());
                Ok(false)
            }
        }
    }

    fn warning(&self) -> Option<String> {
        let why = self.why.as_ref()?;
        Some(format!(
            "the condition could not judge {}, and left them out; the first: {why}",
            counted(self.unjudged, "record")
        ))
    }
}

//! Searches for the requested records, and counts those that match.

use counterfoil::Error;
use counterfoil::path::Path;
use counterfoil::query::{Query, sort_key};
use counterfoil::record::{Record, RecordNumber};
use counterfoil::store::{Sorter, Store};

use super::filter::RecordFilter;
use super::shown::{QueryOutput, damaged};
use crate::cli::failure::Failure;
use crate::cli::masking::masked;
use crate::cli::missing::missing_record;
use crate::cli::session::Session;

/// Number of records read at a time.
const PAGE: usize = 1_000;

/// What is looked through, and what becomes of what is found.
pub(super) struct RecordSearch<'s> {
    pub(super) session: &'s Session<'s>,
    pub(super) store: &'s Store,
    pub(super) database: &'s str,
    /// Only records with a number above this one, for the next page; not with --sort.
    pub(super) after: RecordNumber,
    pub(super) redact: &'s [Path],
    pub(super) filter: RecordFilter<'s>,
    pub(super) shown: QueryOutput,
    /// Maximum number of records to show.
    pub(super) limit: usize,
    /// Whether all that match are counted, however long it takes.
    pub(super) counts_all: bool,
}

impl RecordSearch<'_> {
    /// Shows the record with an id.
    pub(super) fn by_id(&mut self, id: &str) -> Result<Matched, Failure> {
        let record = self.store.get(self.database, id)?.ok_or_else(|| {
            let (database, id) = (self.database.to_owned(), id.to_owned());
            missing_record(self.session, self.store, Error::NoSuchRecord { database, id })
        })?;
        self.shown.add(&masked(record, self.redact)?)?;
        Ok(Matched::exactly(1))
    }

    /// Shows records in the order of their numbers.
    pub(super) fn in_order(&mut self) -> Result<Matched, Failure> {
        let mut matched = Matched::exactly(0);
        let mut beyond = Beyond::default();
        let is_open = self.filter.is_open();
        let (filter, shown) = (&mut self.filter, &mut self.shown);
        each(self.store, self.database, self.after, self.redact, |record| {
            if shown.count == self.limit {
                if is_open {
                    return Ok(false);
                }
                if !self.counts_all && beyond.is_enough(&record) {
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
        if is_open {
            matched.records = self.store.count_after(self.database, self.after)?;
        }
        Ok(matched)
    }

    /// Shows records sorted. Takes out of `unseen` the paths that any record has.
    pub(super) fn sorted(&mut self, query: &Query, unseen: &mut Vec<Path>) -> Result<Matched, Failure> {
        let mut matched = Matched::exactly(0);
        let mut sorter = Sorter::new()?;
        let filter = &mut self.filter;
        each(self.store, self.database, self.after, self.redact, |record| {
            let document = record.document().map_err(damaged)?;
            unseen.retain(|path| document.at(path).is_none());
            if filter.lets_through(&record)? {
                matched.records += 1;
                sorter.add(&sort_key(&document, query), record.number)?;
            }
            Ok(true)
        })?;
        sorter.each(self.limit, |number| {
            // A record that was deleted since no longer exists.
            match self.store.record(self.database, number)? {
                Some(record) => self.shown.add(&masked(record, self.redact)?),
                None => Ok(()),
            }
        })?;
        Ok(matched)
    }
}

/// Every record after a number, masked before anything looks at it, until one is refused.
fn each(
    store: &Store,
    database: &str,
    mut after: RecordNumber,
    redact: &[Path],
    mut tell: impl FnMut(Record) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    loop {
        let page = store.records_after(database, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.number;
        for record in page {
            if !tell(masked(record, redact)?)? {
                return Ok(());
            }
        }
    }
}

/// Number of records that match, as far as was searched.
#[derive(Clone, Copy)]
pub(super) struct Matched {
    pub(super) records: u64,
    pub(super) is_exact: bool,
}

impl Matched {
    fn exactly(records: u64) -> Self {
        let is_exact = true;
        Self { records, is_exact }
    }

    pub(super) fn goes_beyond(self, shown: u64) -> bool {
        !self.is_exact || self.records > shown
    }
}

/// What was read after the shown records, only to count.
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

//! Look-ups while records are transformed. Transformations contain no SQL and run on every core, so they only note what
//! they have to know; the reader's thread, which has a connection, reads it, and the records concerned are transformed again.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rusqlite::Connection;

use crate::error::Result;
use crate::ledger::cross_reference::PlannedMembers;
use crate::ledger::lookups::Uses;
use crate::lookup::{Found, LookupQuery, Lookups, Used};
use crate::record::Value;
use crate::stage::Stage;
use crate::store::{Answer, LookupIndex};

/// With more answers than this, a batch begins without any.
const MOST_KEPT: usize = 200_000;

/// The answers to what a stage looks up, and the questions that are still to be answered. The databases must not change
/// as long as it exists.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    known: RwLock<HashMap<LookupQuery, HashMap<String, Answer>>>,
    wanted: Mutex<BTreeSet<(LookupQuery, String)>>,
    indexes: Mutex<HashMap<LookupQuery, LookupIndex>>,
    /// What a plan would make of source records, by database.
    planned: BTreeMap<String, Arc<PlannedMembers>>,
}

impl Answers {
    /// Returns the answers for a stage, none of them read yet; `None` if it looks up nothing.
    pub(crate) fn of(stage: &Stage) -> Option<Self> {
        (!stage.lookups().is_empty()).then(Self::default)
    }

    /// Sets what a plan would make of source records, by database.
    pub(crate) fn planned(mut self, planned: BTreeMap<String, Arc<PlannedMembers>>) -> Self {
        self.planned = planned;
        self
    }

    /// Returns what answers the look-ups of one record.
    pub(crate) fn for_record(&self) -> RecordLookups<'_> {
        RecordLookups {
            answers: self,
            uses: Mutex::default(),
            is_unread: AtomicBool::new(false),
        }
    }

    /// Reads the answers to all questions that were asked in vain; returns whether there were any.
    pub(crate) fn read(&self, connection: &Connection) -> Result<bool> {
        let wanted = std::mem::take(&mut *lock(&self.wanted));
        let is_any = !wanted.is_empty();
        let mut indexes = lock(&self.indexes);
        for (query, key) in wanted {
            let index = match indexes.entry(query.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let planned = self.planned.get(&query.through).cloned();
                    new.insert(LookupIndex::read(connection, &query, planned)?)
                }
            };
            let answer = Answer::read(connection, &query, index, &key)?;
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.entry(query).or_default().insert(key, answer);
        }
        Ok(is_any)
    }

    /// Forgets the answers if there are many.
    pub(crate) fn limit(&self) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.values().map(HashMap::len).sum::<usize>() > MOST_KEPT {
            known.clear();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers the look-ups of one record, and notes what the record uses.
#[derive(Debug)]
pub(crate) struct RecordLookups<'a> {
    answers: &'a Answers,
    uses: Mutex<Uses>,
    is_unread: AtomicBool,
}

impl RecordLookups<'_> {
    /// Returns whether an answer was not known, so that the result must not be used.
    pub(crate) fn is_unread(&self) -> bool {
        self.is_unread.load(Ordering::Relaxed)
    }

    /// Returns what the record has used.
    pub(crate) fn into_uses(self) -> Uses {
        self.uses.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lookups for RecordLookups<'_> {
    fn find(&self, query: &LookupQuery, value: &Value) -> Found {
        let Some(key) = query.key(value) else {
            return Found::Nothing;
        };
        let known = self.answers.known.read().unwrap_or_else(PoisonError::into_inner);
        let Some(answer) = known.get(query).and_then(|answers| answers.get(&key)) else {
            drop(known);
            lock(&self.answers.wanted).insert((query.clone(), key));
            self.is_unread.store(true, Ordering::Relaxed);
            return Found::Unread;
        };
        let (found, used) = match answer {
            Answer::Row { value, used } => {
                let found = value.clone().map_or(Found::NoField, Found::Value);
                (found, used.clone())
            }
            Answer::Nothing => (Found::Nothing, vec![Used::Absent(key)]),
            Answer::Several(used) => (Found::Several, used.clone()),
        };
        drop(known);
        let noted = used.into_iter().map(|used| (query.through.clone(), used));
        lock(&self.uses).extend(noted);
        found
    }
}

/// Runs a transformation of one record until everything that it looks up is known.
pub(crate) fn looking_up<T>(
    connection: &Connection,
    answers: Option<&Answers>,
    run: impl Fn(Option<&dyn Lookups>) -> T,
) -> Result<T> {
    let Some(answers) = answers else {
        return Ok(run(None));
    };
    loop {
        let lookups = answers.for_record();
        let done = run(Some(&lookups));
        if !lookups.is_unread() {
            return Ok(done);
        }
        answers.read(connection)?;
    }
}

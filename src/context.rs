//! The facts that a stage may use while it transforms one record. All of them are fixed before the record is read, so
//! that the same record always gives the same result.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rust_decimal::Decimal;

use crate::digest::{self, Salt};
use crate::environment::Secrets;
use crate::lookup::Lookups;
use crate::record::Limits;

/// The facts about one record in one pass.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Context<'a> {
    /// The project's name.
    pub project: &'a str,
    /// The stage's number.
    pub stage: u32,
    /// The id of the source record.
    pub id: &'a str,
    /// The record's secret salt, drawn at random by the ledger; random values are derived from it. Each part of a
    /// derived record has a different salt. `None` where no ledger knows the record; then no random value can be made.
    pub salt: Option<Salt>,
    /// The time that `now()` returns, in microseconds UTC: the same for a whole pass, whichever run continues it.
    pub now_us: i64,
    /// The secrets that expressions and operations may request by name.
    pub secrets: &'a Secrets,
    /// Limits on the size and depth of the result: those of the store.
    pub limits: Limits,
    /// Observes how the record passes through the stage; `None` where nobody observes.
    pub probe: Option<&'a dyn Probe>,
    /// Answers what operations and expressions look up in other databases; `None` where no database can be read.
    pub lookups: Option<&'a dyn Lookups>,
}

impl<'a> Context<'a> {
    /// Returns a context for a record that no ledger knows: time 0 (1970), default limits, no salt, no probe, no
    /// look-ups.
    #[must_use]
    pub fn new(project: &'a str, stage: u32, secrets: &'a Secrets) -> Self {
        Self {
            project,
            stage,
            id: "",
            salt: None,
            now_us: 0,
            secrets,
            limits: Limits::default(),
            probe: None,
            lookups: None,
        }
    }

    /// Sets the project's name. Default: the empty text.
    #[must_use]
    pub fn project(mut self, project: &'a str) -> Self {
        self.project = project;
        self
    }

    /// Sets the stage's number. Default: 0.
    #[must_use]
    pub fn stage(mut self, stage: u32) -> Self {
        self.stage = stage;
        self
    }

    /// Sets the id of the source record. Default: the empty text.
    #[must_use]
    pub fn id(mut self, id: &'a str) -> Self {
        self.id = id;
        self
    }

    /// Sets the salt that random values are derived from. Default: `None`, no random value can be made.
    #[must_use]
    pub fn salt(mut self, salt: impl Into<Option<Salt>>) -> Self {
        self.salt = salt.into();
        self
    }

    /// Sets the time that `now()` returns, in microseconds since 1970 UTC. Default: 0.
    #[must_use]
    pub fn now_us(mut self, now_us: i64) -> Self {
        self.now_us = now_us;
        self
    }

    /// Limits the size and depth of what the stage produces. Default: 16 MiB, 128 levels.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the probe that observes how the record passes through the stage. Default: `None`.
    #[must_use]
    pub fn probe(mut self, probe: impl Into<Option<&'a dyn Probe>>) -> Self {
        self.probe = probe.into();
        self
    }

    /// Sets what answers look-ups in other databases. Default: `None`, every look-up refuses the record.
    #[must_use]
    pub fn lookups(mut self, lookups: impl Into<Option<&'a dyn Lookups>>) -> Self {
        self.lookups = lookups.into();
        self
    }
}

/// Observes how records pass through a stage, without affecting the result. Threads may share it.
pub trait Probe: fmt::Debug + Sync {
    /// Called when a value was rounded. The amount is the new value minus the old one.
    fn rounded(&self, by: Decimal);

    /// Returns whether to call [`operated`](Self::operated). Calling it requires one more inspection of each document.
    fn follows_operations(&self) -> bool;

    /// Called after the operation at this position of the stage has processed one document.
    fn operated(&self, operation: usize, did: Operated);
}

/// The effect of one operation on one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operated {
    /// Whether the document has a value at one of the paths that the operation reads; true where the operation reads
    /// none.
    pub matched: bool,
    /// Whether the operation changed the document, dropped it, derived records from it or changed its id.
    pub changed: bool,
    /// Whether the operation refused the record.
    pub refused: bool,
}

/// The amounts by which the values of one record were rounded: the new value minus the old one.
#[derive(Debug, Default)]
pub struct Roundings(Mutex<Vec<Decimal>>);

impl Roundings {
    /// Returns the amounts so far, in order. Values that needed no rounding are not included.
    #[must_use]
    pub fn amounts(&self) -> Vec<Decimal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Probe for Roundings {
    fn rounded(&self, by: Decimal) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(by);
    }

    fn follows_operations(&self) -> bool {
        false
    }

    fn operated(&self, _: usize, _: Operated) {}
}

/// Counts, for each operation of a stage, how often it matched, changed or refused a record. Threads may share it.
#[derive(Debug, Default)]
pub struct Tally(Vec<[AtomicU64; 4]>);

/// Counts for one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Tallied {
    /// Number of documents that reached the operation: records, or the parts of derived ones.
    pub reached: u64,
    /// Number of documents with a value at one of the paths that the operation reads; all, where it reads none.
    pub matched: u64,
    /// Number of documents that the operation changed, dropped, derived records from or gave another id.
    pub changed: u64,
    /// Number of documents that the operation refused.
    pub refused: u64,
}

impl Tally {
    /// Creates a tally for a stage with this number of operations.
    #[must_use]
    pub fn new(operations: usize) -> Self {
        Self(
            std::iter::repeat_with(Default::default)
                .take(operations)
                .collect(),
        )
    }

    /// Returns the counts so far, in the order of the operations.
    #[must_use]
    pub fn counted(&self) -> Vec<Tallied> {
        let count = |counters: &[AtomicU64; 4]| {
            let [reached, matched, changed, refused] =
                [0, 1, 2, 3].map(|at: usize| counters[at].load(Ordering::Relaxed));
            Tallied {
                reached,
                matched,
                changed,
                refused,
            }
        };
        self.0.iter().map(count).collect()
    }
}

impl Probe for Tally {
    fn rounded(&self, _: Decimal) {}

    fn follows_operations(&self) -> bool {
        true
    }

    fn operated(&self, operation: usize, did: Operated) {
        let Some(counters) = self.0.get(operation) else {
            return;
        };
        for (counter, is) in counters.iter().zip([true, did.matched, did.changed, did.refused]) {
            counter.fetch_add(u64::from(is), Ordering::Relaxed);
        }
    }
}

impl Context<'_> {
    /// Records that a value was rounded.
    pub(crate) fn rounded(&self, from: Decimal, to: Decimal) {
        if let (Some(probe), Some(by)) = (self.probe, to.checked_sub(from))
            && !by.is_zero()
        {
            probe.rounded(by);
        }
    }

    /// Returns the UUIDv5 of (project, stage, source id, part): stable across runs and machines.
    #[must_use]
    pub fn uuid(&self, part: &str) -> String {
        digest::stage_uuid(self.project, self.stage, self.id, part).to_string()
    }

    /// Returns a random UUID, version 4, for a place of this record and a part of it. It differs for every record,
    /// stage and store, and is the same whenever the record is processed again. `None` without a salt.
    #[must_use]
    pub fn random_uuid(&self, place: &str, part: &str) -> Option<String> {
        let uuid = |salt: &Salt| digest::random_uuid(salt, self.project, self.stage, place, part);
        self.salt.as_ref().map(|salt| uuid(salt).to_string())
    }
}

//! What a stage may know while it transforms one record. It is all fixed before the record is read, so that the
//! same record always gives the same result.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rust_decimal::Decimal;

use crate::digest::{self, Salt};
use crate::environment::Secrets;
use crate::record::Limits;

/// The facts around one record in one pass.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Context<'a> {
    /// The project's name.
    pub project: &'a str,
    /// The stage's number.
    pub stage: u32,
    /// The id of the source record.
    pub id: &'a str,
    /// What the ledger has drawn for the record, which nobody can guess: what random values are made of. Of a part of a
    /// derived record it is another one. `None` where no ledger knows the record; then nothing random can be made of it.
    pub salt: Option<Salt>,
    /// The time that `now()` gives: the same for a whole pass, whichever run continues it. Microseconds UTC.
    pub now_us: i64,
    /// The secrets that may be asked for by name.
    pub secrets: &'a Secrets,
    /// How large and how deep what it makes may be: what the store takes in.
    pub limits: Limits,
    /// What notes how the record goes through the stage, where somebody wants to know.
    pub probe: Option<&'a dyn Probe>,
}

impl<'a> Context<'a> {
    /// What a stage knows of a record that no ledger knows: the first instant of 1970, the usual limits, no salt, no probe.
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
        }
    }

    /// Names the project. Default: the empty text.
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

    /// Sets what random values are made of. Default: `None`, nothing random can be made.
    #[must_use]
    pub fn salt(mut self, salt: impl Into<Option<Salt>>) -> Self {
        self.salt = salt.into();
        self
    }

    /// Sets what `now()` gives, in microseconds since 1970 UTC. Default: 0.
    #[must_use]
    pub fn now_us(mut self, now_us: i64) -> Self {
        self.now_us = now_us;
        self
    }

    /// Limits how large and how deep what the stage makes may be. Default: 16 MiB, 128 levels.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets what notes how the record goes through the stage. Default: `None`.
    #[must_use]
    pub fn probe(mut self, probe: impl Into<Option<&'a dyn Probe>>) -> Self {
        self.probe = probe.into();
        self
    }
}

/// Notes how records go through a stage. It changes nothing of what becomes of them. May be shared by threads.
pub trait Probe: fmt::Debug + Sync {
    /// A value was rounded by so much: what it became, less what it was.
    fn rounded(&self, by: Decimal);

    /// Whether [`operated`](Self::operated) is to be told, which takes looking at each document once more.
    fn follows_operations(&self) -> bool;

    /// The operation at this place of the stage did this with one document.
    fn operated(&self, operation: usize, did: Operated);
}

/// What one operation did with one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operated {
    /// Whether something was at one of the places that it reads; true where it reads none.
    pub matched: bool,
    /// Whether it changed the document, left it out, derived from it or gave it another id.
    pub changed: bool,
    /// Whether it refused the record.
    pub refused: bool,
}

/// By how much the values of one record were rounded: what a value became, less what it was.
#[derive(Debug, Default)]
pub struct Roundings(Mutex<Vec<Decimal>>);

impl Roundings {
    /// The amounts so far, in order; values that were whole already are not among them.
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

/// How often each operation of a stage found what it works on, changed it, or refused the record. May be shared by
/// threads.
#[derive(Debug, Default)]
pub struct Tally(Vec<[AtomicU64; 4]>);

/// What one operation did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Tallied {
    /// The documents that came to it: records, or the parts of derived ones.
    pub reached: u64,
    /// Those that had something at one of the places that it reads; all, where it reads none.
    pub matched: u64,
    /// Those that it changed, left out, derived from or gave another id.
    pub changed: u64,
    /// Those that it refused.
    pub refused: u64,
}

impl Tally {
    /// For a stage with so many operations.
    #[must_use]
    pub fn new(operations: usize) -> Self {
        Self(
            std::iter::repeat_with(Default::default)
                .take(operations)
                .collect(),
        )
    }

    /// What the operations did so far, in their order.
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
    /// Notes that a value was rounded.
    pub(crate) fn rounded(&self, from: Decimal, to: Decimal) {
        if let (Some(probe), Some(by)) = (self.probe, to.checked_sub(from))
            && !by.is_zero()
        {
            probe.rounded(by);
        }
    }

    /// The UUIDv5 of (project, stage, source id, part): stable across runs and machines.
    #[must_use]
    pub fn uuid(&self, part: &str) -> String {
        digest::stage_uuid(self.project, self.stage, self.id, part).to_string()
    }

    /// A random UUID, version 4, for a place of this record and a part of it: another one for every record, stage and
    /// store, and the same whenever the record is carried again. `None` without a salt.
    #[must_use]
    pub fn random_uuid(&self, place: &str, part: &str) -> Option<String> {
        let uuid = |salt: &Salt| digest::random_uuid(salt, self.project, self.stage, place, part);
        self.salt.as_ref().map(|salt| uuid(salt).to_string())
    }
}

//! What a stage may know while it transforms one record. It is all fixed before the record is read, so that the
//! same record always gives the same result.

use std::cell::RefCell;

use rust_decimal::Decimal;

use crate::digest;
use crate::record::Limits;
use crate::surroundings::Secrets;

/// The facts around one record in one pass.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The project's name.
    pub project: &'a str,
    /// The stage's number.
    pub stage: u32,
    /// The id of the source record.
    pub id: &'a str,
    /// The time that `now()` gives: the same for a whole pass, whichever run continues it. Microseconds UTC.
    pub now_us: i64,
    /// The secrets that may be asked for by name.
    pub secrets: &'a Secrets,
    /// How large and how deep what it makes may be: what the store takes in.
    pub limits: Limits,
    /// What notes by how much values are rounded, where somebody wants to know.
    pub roundings: Option<&'a Roundings>,
}

/// By how much the values of one record were rounded: what a value became, less what it was.
#[derive(Debug, Default)]
pub struct Roundings(RefCell<Vec<Decimal>>);

impl Roundings {
    /// The amounts so far, in order; values that were whole already are not among them.
    #[must_use]
    pub fn amounts(&self) -> Vec<Decimal> {
        self.0.borrow().clone()
    }
}

impl Context<'_> {
    /// Notes that a value was rounded.
    pub(crate) fn rounded(&self, from: Decimal, to: Decimal) {
        if let (Some(roundings), Some(by)) = (self.roundings, to.checked_sub(from))
            && !by.is_zero()
        {
            roundings.0.borrow_mut().push(by);
        }
    }

    /// The UUIDv5 of (project, stage, source id, part): stable across runs and machines.
    #[must_use]
    pub fn uuid(&self, part: &str) -> String {
        digest::stage_uuid(self.project, self.stage, self.id, part).to_string()
    }
}

//! What a stage may know while it transforms one record. It is all fixed before the record is read, so that the
//! same record always gives the same result.

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
}

impl Context<'_> {
    /// The UUIDv5 of (project, stage, source id, part): stable across runs and machines.
    #[must_use]
    pub fn uuid(&self, part: &str) -> String {
        digest::stage_uuid(self.project, self.stage, self.id, part).to_string()
    }
}

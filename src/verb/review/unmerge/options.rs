//! What `unmerge` is asked, and what it answers.

use crate::engine::{PassReport, RunInfo, Stopped};
use crate::error::{Conflict, Error, Result};
use crate::observe::StopSignal;
use crate::record::{RecordNumber, RunId};
use crate::stage::{Stage, Stages};
use crate::verb::review::decision::merge_stage;

/// What to do about a golden record that a person has changed since, or whose members have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnmergeConflict {
    /// Change nothing at all.
    #[default]
    Abort,
    /// Leave that golden record as it is.
    Skip,
    /// Take it apart anyway: golden records are made of what the members are now, and what a person has changed in one is
    /// overwritten. The ledger keeps it.
    Force,
}

/// Options of [`unmerge`](super::unmerge).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UnmergeOptions {
    /// What to do about golden records that have changed since.
    pub on_conflict: UnmergeConflict,
    /// What the ledger records about this run.
    pub run_info: RunInfo,
    /// Signal that asks the verb to stop.
    pub stop: StopSignal,
}

impl Default for UnmergeOptions {
    fn default() -> Self {
        Self {
            on_conflict: UnmergeConflict::Abort,
            run_info: RunInfo::new("unmerge"),
            stop: StopSignal::default(),
        }
    }
}

impl UnmergeOptions {
    /// Sets what to do about golden records that have changed since. Default: [`UnmergeConflict::Abort`].
    #[must_use]
    pub fn on_conflict(mut self, on_conflict: UnmergeConflict) -> Self {
        self.on_conflict = on_conflict;
        self
    }

    /// Sets what the ledger records about the run.
    #[must_use]
    pub fn run_info(mut self, run_info: RunInfo) -> Self {
        self.run_info = run_info;
        self
    }

    /// Sets the signal that asks the verb to stop.
    #[must_use]
    pub fn stop(mut self, stop: StopSignal) -> Self {
        self.stop = stop;
        self
    }
}

/// What to take apart.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unmerge {
    /// A database: the target of a merge stage, or its source.
    pub database: String,
    /// Ids there: of golden records in the target, which fall into their members; of members in the source, which leave
    /// their golden records.
    pub ids: Vec<String>,
    /// Of golden records, only these members leave, by their ids in the source; empty for all.
    pub members: Vec<String>,
    /// The stage; needed only if several merge into, or from, the database.
    pub stage: Option<u32>,
}

impl Unmerge {
    /// Takes golden records apart, or members out, by their ids in a database.
    #[must_use]
    pub fn new(database: impl Into<String>, ids: impl IntoIterator<Item = String>) -> Self {
        Self {
            database: database.into(),
            ids: ids.into_iter().collect(),
            members: Vec::new(),
            stage: None,
        }
    }

    /// Takes only these members out of the golden records, by their ids in the source of the stage.
    #[must_use]
    pub fn members(mut self, members: impl IntoIterator<Item = String>) -> Self {
        self.members = members.into_iter().collect();
        self
    }

    /// Names the stage.
    #[must_use]
    pub fn stage(mut self, stage: impl Into<Option<u32>>) -> Self {
        self.stage = stage.into();
        self
    }

    /// Returns the stage that is meant: the one that merges into, or from, the database.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is none, or if there are several and none is named.
    pub fn stage_of<'s>(&self, stages: &'s Stages) -> Result<&'s Stage> {
        let database = self.database.as_str();
        if let Some(number) = self.stage {
            let stage = merge_stage(stages, number)?;
            if stage.target() == database || stage.source() == database {
                return Ok(stage);
            }
            return Err(Error::invalid(
                format!("stage {number} merges neither into nor from `{database}`"),
                format!("it merges `{}` into `{}`", stage.source(), stage.target()),
            ));
        }
        let merging = || stages.iter().filter(|stage| stage.merge().is_some());
        let into: Vec<&Stage> = merging().filter(|stage| stage.target() == database).collect();
        let from: Vec<&Stage> = merging().filter(|stage| stage.source() == database).collect();
        match (into.as_slice(), from.as_slice()) {
            ([only], _) | ([], [only]) => Ok(only),
            ([], []) => {
                let known: Vec<String> = merging()
                    .map(|stage| {
                        format!(
                            "`{}` -> `{}` (stage {})",
                            stage.source(),
                            stage.target(),
                            stage.number()
                        )
                    })
                    .collect();
                Err(Error::invalid(
                    format!("no stage merges into or from `{database}`"),
                    if known.is_empty() {
                        "no stage of this project has a [merge]".to_owned()
                    } else {
                        format!("these merge: {}", known.join(", "))
                    },
                ))
            }
            _ => Err(Error::invalid(
                format!("several stages merge into or from `{database}`"),
                "name one of them with --stage",
            )),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[non_exhaustive]
pub struct UnmergeReport {
    /// Number of the run; `None` if nothing was written.
    pub run: Option<RunId>,
    /// Number of the stage.
    pub stage: u32,
    /// Golden records that were taken apart.
    pub golden: Vec<RecordNumber>,
    /// Members that are no longer together with others of them.
    pub members: Vec<RecordNumber>,
    /// Number of pairs that are decided never to be one.
    pub never: u64,
    /// The pass that made the golden records anew.
    pub pass: Option<PassReport>,
    /// What has changed since and was therefore left as it is.
    pub left: Vec<Conflict>,
    /// Why it stopped early; the next `apply` does the rest.
    pub stopped: Option<Stopped>,
}

//! `unmerge`: takes members out of their golden record, for good. What they are decided not to be, and what that makes of
//! them, are two passes of one run: if it is killed between them, the next `apply` does the second.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::decide::{ChosenPair, commit, merge_stage};
use super::pair::Decision;
use crate::digest::commitment;
use crate::engine::{
    Bounds, Due, PassLimits, PassReport, Run, RunInfo, Stopped, Work, check_drift, refuse_contradiction,
    run_pass, versions,
};
use crate::error::{Conflict, Error, Result};
use crate::ledger::decisions::{PairVerdict, Verdict, in_order, verdicts};
use crate::ledger::merged::{golden_of, left_by, members_of, placed_in};
use crate::ledger::past::number_by_origin;
use crate::ledger::read::pass_of;
use crate::ledger::selection::RecordSelection;
use crate::ledger::{StageHistory, rows};
use crate::observe::{Observer, StopSignal};
use crate::record::{BatchId, RecordNumber, RunId};
use crate::stage::{MaxErrors, OnError, Stage, Stages};
use crate::store::{Store, Table};

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

/// Options of [`unmerge`].
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
        if let Some(number) = self.stage {
            return merge_stage(stages, number);
        }
        let database = self.database.as_str();
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

/// A golden record that is taken apart.
struct Apart {
    golden: RecordNumber,
    /// All its members, ascending.
    members: Vec<RecordNumber>,
    /// Those that leave it; empty if all part from each other.
    leaving: BTreeSet<RecordNumber>,
}

/// Takes members out of golden records: each becomes what it was before it was merged, and is never merged with the others
/// again, until a person decides otherwise.
///
/// # Errors
/// [`Error::RollbackConflict`] if a golden record or a member has changed since and `on_conflict` is
/// [`UnmergeConflict::Abort`]; [`Error::NoSuchRecord`] for an unknown id; [`Error::Invalid`] if a golden record has one
/// member only, if a pass of the stage was interrupted, or if accepted pairs hold the members together. Nothing is written.
pub fn unmerge(
    store: &mut Store,
    stages: &Stages,
    what: &Unmerge,
    options: &UnmergeOptions,
    observer: &mut dyn Observer,
) -> Result<UnmergeReport> {
    let mut run = Run::begin(store, &options.run_info)?;
    check_drift(run.connection(), stages, false)?;
    let stage = what.stage_of(stages)?;
    let history = StageHistory::read(run.connection(), stages.project(), stage.number())?;
    if history.open_apply().is_some() {
        return Err(Error::invalid(
            format!("a pass of stage {} was interrupted", stage.number()),
            "`counterfoil apply` completes it; then take the golden record apart",
        ));
    }
    let mut report = UnmergeReport {
        stage: stage.number(),
        ..UnmergeReport::default()
    };
    let mut apart = Vec::new();
    for one in chosen(run.connection(), stages.project(), stage, what)? {
        let conflicts = conflicts(run.connection(), stages.project(), stage, &one)?;
        match options.on_conflict {
            UnmergeConflict::Abort => abort_on(run.connection(), stages.project(), stage, &one, conflicts)?,
            UnmergeConflict::Skip if !conflicts.is_empty() => {
                report.left.extend(conflicts);
                continue;
            }
            UnmergeConflict::Skip | UnmergeConflict::Force => {}
        }
        apart.push(one);
    }
    if apart.is_empty() {
        return Ok(report);
    }
    let pairs: Vec<ChosenPair> = apart.iter().flat_map(never_again).collect();
    refuse_if_held_together(run.connection(), stages.project(), stage, &pairs)?;
    report.never = pairs.len() as u64;
    commit(&mut run, stages.project(), stage, &pairs)?;
    report.golden = apart.iter().map(|one| one.golden).collect();
    let parted = apart.iter().flat_map(|one| match one.leaving.is_empty() {
        true => one.members.iter().copied().collect::<Vec<_>>(),
        false => one.leaving.iter().copied().collect(),
    });
    report.members = parted.collect();
    let records = apart.iter().flat_map(|one| one.members.iter().copied()).collect();
    let work = Work {
        due: Due::Unmerged {
            overwrites: options.on_conflict == UnmergeConflict::Force,
        },
        selection: RecordSelection::list(records),
    };
    // Refused records are reported, and keep nobody else from leaving.
    let limits = PassLimits {
        on_error: Some(OnError::Quarantine),
        max_errors: Some(MaxErrors::Count(u64::MAX)),
        batch_size: None,
    };
    let bounds = Bounds::new(&options.stop, None);
    let (done, stopped) = run_pass(
        &mut run,
        stages.project(),
        stage,
        work,
        &limits,
        &bounds,
        observer,
    )?;
    (report.pass, report.stopped) = (Some(done), stopped);
    report.run = Some(run.number());
    run.finish()?;
    Ok(report)
}

/// Returns the number of the record that has an id in a database, or had it.
fn number_of(connection: &Connection, database: &str, id: &str) -> Result<RecordNumber> {
    let table = Table::from_name(database)?;
    if table.exists(connection)?
        && let Some(number) = table.number_of(connection, id)?
    {
        return Ok(number);
    }
    let began = number_by_origin(connection, database, id)?.pop();
    began.ok_or_else(|| Error::NoSuchRecord {
        database: database.to_owned(),
        id: id.to_owned(),
    })
}

/// Returns the golden records that are to be taken apart, each once.
fn chosen(connection: &Connection, project: &str, stage: &Stage, what: &Unmerge) -> Result<Vec<Apart>> {
    let of = (project, stage.number());
    let mut apart: Vec<Apart> = Vec::new();
    let mut add = |golden: RecordNumber, leaving: BTreeSet<RecordNumber>| -> Result<()> {
        if let Some(known) = apart.iter_mut().find(|one| one.golden == golden) {
            known.leaving.extend(leaving);
            return Ok(());
        }
        let mut members = members_of(connection, of, golden)?;
        members.sort_unstable();
        apart.push(Apart {
            golden,
            members,
            leaving,
        });
        Ok(())
    };
    let golden_of_member = |id: &str| -> Result<(RecordNumber, RecordNumber)> {
        let member = number_of(connection, stage.source(), id)?;
        let golden = golden_of(connection, of, member)?.ok_or_else(|| {
            Error::invalid(
                format!("`{id}` of `{}` is in no golden record", stage.source()),
                "`counterfoil trace` shows what has become of it",
            )
        })?;
        Ok((member, golden))
    };
    if what.database == stage.target() {
        let mut leaving_of = Vec::new();
        for member in &what.members {
            leaving_of.push((member, golden_of_member(member)?));
        }
        for id in &what.ids {
            let golden = number_of(connection, stage.target(), id)?;
            let leaving = leaving_of.iter().filter(|(_, (_, of))| *of == golden);
            let leaving: BTreeSet<RecordNumber> = leaving.map(|(_, (member, _))| *member).collect();
            if leaving.is_empty() && !what.members.is_empty() {
                return Err(Error::invalid(
                    format!("none of these members is in the golden record `{id}`"),
                    format!(
                        "`counterfoil trace {} {}` lists its members",
                        stage.target(),
                        crate::shown::word(id)
                    ),
                ));
            }
            add(golden, leaving)?;
        }
        let goldens: BTreeSet<RecordNumber> = what
            .ids
            .iter()
            .map(|id| number_of(connection, stage.target(), id))
            .collect::<Result<_>>()?;
        if let Some((member, _)) = leaving_of
            .iter()
            .find(|(_, (_, golden))| !goldens.contains(golden))
        {
            return Err(Error::invalid(
                format!("`{member}` is in another golden record"),
                format!(
                    "`counterfoil trace {} {}` names it",
                    stage.source(),
                    crate::shown::word(member)
                ),
            ));
        }
    } else {
        for id in &what.ids {
            let (member, golden) = golden_of_member(id)?;
            add(golden, BTreeSet::from([member]))?;
        }
    }
    for one in &apart {
        match one.members.len() {
            0 => {
                return Err(Error::invalid(
                    format!("record {} of `{}` has no members", one.golden, stage.target()),
                    "name a golden record; the view `audit_cross_reference` lists them",
                ));
            }
            1 => {
                return Err(Error::invalid(
                    format!("golden record {} has one member only", one.golden),
                    "there is nothing to take apart",
                ));
            }
            _ => {}
        }
    }
    Ok(apart)
}

/// Returns the pairs that are never to be one again.
fn never_again(one: &Apart) -> Vec<ChosenPair> {
    let mut pairs = Vec::new();
    for (at, a) in one.members.iter().enumerate() {
        for b in &one.members[at + 1..] {
            let leaves = |member: &RecordNumber| one.leaving.is_empty() || one.leaving.contains(member);
            if !leaves(a) && !leaves(b) {
                continue;
            }
            pairs.push(ChosenPair {
                pair: in_order(*a, *b),
                code: Decision::Never.code(),
                note: None,
                left: [leaves(a), leaves(b)],
            });
        }
    }
    pairs
}

/// Refuses to part members that accepted pairs hold together through others.
fn refuse_if_held_together(
    connection: &Connection,
    project: &str,
    stage: &Stage,
    pairs: &[ChosenPair],
) -> Result<()> {
    let mut then = verdicts(connection, project, stage.number(), BatchId::MAX)?;
    for chosen in pairs {
        let batch = then.get(&chosen.pair).map(|found| found.batch);
        let never = PairVerdict {
            verdict: Verdict::Never,
            batch: batch.unwrap_or(BatchId::BEFORE_FIRST),
            seen: [None; 2],
            left: [false; 2],
        };
        then.insert(chosen.pair, never);
    }
    refuse_contradiction(connection, &then)
}

/// Returns what has changed since a golden record was made: the golden record by hand, or members of it.
fn conflicts(connection: &Connection, project: &str, stage: &Stage, one: &Apart) -> Result<Vec<Conflict>> {
    let mut found = Vec::new();
    let conflict = |table: &Table, record: RecordNumber| -> Result<Conflict> {
        let row = table.by_number(connection, record)?;
        Ok(Conflict {
            database: table.name().to_owned(),
            record,
            id: row.map(|row| row.record.id),
            taken: None,
        })
    };
    let (source, target) = (
        Table::from_name(stage.source())?,
        Table::from_name(stage.target())?,
    );
    let changes = rows::changes_of_row(connection, target.name(), one.golden)?;
    let now = target.by_number(connection, one.golden)?.and_then(|row| {
        let salt = row.salt?;
        Some(commitment(&salt, &row.record.id, &row.record.data))
    });
    if now.is_none() || rows::is_still_edited(&changes, (project, stage.number()), now) {
        found.push(conflict(&target, one.golden)?);
    }
    for member in &one.members {
        let Some(batch) = placed_in(connection, (project, stage.number()), *member)? else {
            continue;
        };
        let (read, _) = left_by(connection, (batch, *member))?;
        let [now, _] = versions(connection, &source, (*member, *member))?;
        if read != now {
            found.push(conflict(&source, *member)?);
        }
    }
    Ok(found)
}

fn abort_on(
    connection: &Connection,
    project: &str,
    stage: &Stage,
    one: &Apart,
    conflicts: Vec<Conflict>,
) -> Result<()> {
    let count = conflicts.len() as u64;
    let Some(first) = conflicts.into_iter().next() else {
        return Ok(());
    };
    let mut newest = BatchId::BEFORE_FIRST;
    for member in &one.members {
        newest = newest.max(placed_in(connection, (project, stage.number()), *member)?.unwrap_or_default());
    }
    Err(Error::RollbackConflict {
        count,
        pass: pass_of(connection, newest)?.unwrap_or_default(),
        first: Box::new(first),
    })
}

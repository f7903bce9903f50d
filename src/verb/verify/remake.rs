//! Makes golden records again. What survives of members is a pure function of them, so members that are as the merge read
//! them must make what it wrote: every golden record is checked against its sources, and not only against the ledger.

use std::collections::HashMap;

use rusqlite::Connection;

use super::outcome::{Finding, Remade, VerifyReport};
use crate::context::Context;
use crate::digest::{Hash, Salt, commitment};
use crate::engine::{golden, in_portions};
use crate::environment::Secrets;
use crate::error::{Error, Result};
use crate::ledger::EntryOutcome;
use crate::ledger::merged::{StandingMember, left_by, members, merging_stages, placed_by};
use crate::ledger::processed::first_id;
use crate::ledger::read::{pass, pass_of, salt};
use crate::observe::StopSignal;
use crate::record::{BatchId, Limits, PassId, RecordNumber};
use crate::stage::Stage;
use crate::store::{Salted, Store, Table};

/// Number of golden records whose members are in memory together.
const SLICE: usize = 500;
/// Number of golden records that a core makes at a time.
const PORTION: usize = 50;

/// Makes the golden records of all stages that merge, and compares each with what its members' entries left.
pub(super) fn verify(store: &Store, stop: &StopSignal) -> Result<VerifyReport> {
    let connection = store.reader()?;
    let transaction = connection.unchecked_transaction()?;
    let mut report = VerifyReport {
        complete: true,
        ..VerifyReport::default()
    };
    let mut remaking = Remaking {
        store,
        connection: &transaction,
        batches: HashMap::new(),
        passes: HashMap::new(),
        found: Remade::default(),
    };
    for (project, number) in merging_stages(&transaction)? {
        let mut standing = members(&transaction, &project, number, BatchId::MAX)?;
        standing.retain(|member| member.golden.is_some());
        standing.sort_by_key(|member| (member.golden, member.record));
        let clusters: Vec<&[StandingMember]> = standing.chunk_by(|a, b| a.golden == b.golden).collect();
        for slice in clusters.chunks(SLICE) {
            if stop.is_asked() {
                report.complete = false;
                break;
            }
            remaking.slice(slice, &mut report)?;
        }
    }
    report.remade = Some(remaking.found);
    Ok(report)
}

/// A pass of a merge, with its stage as it was applied.
struct Applied {
    project: String,
    source: String,
    target: String,
    now_us: i64,
    /// `None` if the ledger's text does not define it, as for a stage that a program has built.
    stage: Option<Stage>,
}

/// A golden record with the members that make it.
struct Cluster {
    golden: RecordNumber,
    id: String,
    members: Vec<Salted>,
    batch: BatchId,
    pass: PassId,
    /// What the merge left.
    after: Hash,
    salt: Salt,
}

struct Remaking<'r> {
    store: &'r Store,
    connection: &'r Connection,
    /// The pass of each batch.
    batches: HashMap<BatchId, PassId>,
    passes: HashMap<PassId, Applied>,
    found: Remade,
}

impl Remaking<'_> {
    fn slice(&mut self, clusters: &[&[StandingMember]], report: &mut VerifyReport) -> Result<()> {
        let mut whole = Vec::with_capacity(clusters.len());
        for members in clusters {
            whole.extend(self.read(members, report)?);
        }
        let (secrets, limits) = (&self.store.environment().secrets, self.store.options().limits);
        let passes = &self.passes;
        let differ = |portion: &[Cluster]| -> Vec<bool> {
            let differ = portion.iter();
            differ
                .map(|cluster| differs(&passes[&cluster.pass], cluster, secrets, limits))
                .collect()
        };
        let differing = in_portions(&whole, PORTION, differ)?.into_iter().flatten();
        let differing: Vec<bool> = differing.collect();
        self.found.golden += whole.len() as u64;
        for (cluster, _) in whole.iter().zip(differing).filter(|(_, differs)| *differs) {
            let target = &self.passes[&cluster.pass].target;
            let message = "its members, as they are and as the merge read them, do not make it";
            report.found(Finding::of_record(
                "golden.differs",
                target,
                cluster.golden,
                Some(cluster.batch),
                message,
            ));
        }
        Ok(())
    }

    /// Reads what a golden record is made of; `None` if it cannot be made again, which is counted.
    fn read(&mut self, members: &[StandingMember], report: &mut VerifyReport) -> Result<Option<Cluster>> {
        let Some((first, golden)) = members.first().and_then(|first| Some((first, first.golden?))) else {
            return Ok(None);
        };
        let is_left = |member: &StandingMember| {
            matches!(member.outcome, EntryOutcome::Refused | EntryOutcome::Filtered)
        };
        // A member that is gone may wait for others to be accepted: the golden record still has what it brought.
        let made_of = placed_by(self.connection, first.batch, golden)?;
        if members.iter().any(is_left) || made_of != members.len() as u64 {
            self.found.waiting += 1;
            return Ok(None);
        }
        let pass = self.pass(first.batch)?;
        let applied = &self.passes[&pass];
        if applied.stage.is_none() {
            self.found.unknown += 1;
            return Ok(None);
        }
        let source = Table::from_name(&applied.source)?;
        let (mut sources, mut lefts) = (Vec::with_capacity(members.len()), Vec::new());
        for member in members {
            let (input, after) = left_by(self.connection, (member.batch, member.record))?;
            let found = source.by_number(self.connection, member.record)?;
            lefts.push((member.batch, after));
            sources.extend(found.filter(|found| input.is_some() && found.hash() == input));
        }
        let (batch, after) = lefts[0];
        if lefts.iter().any(|left| *left != (batch, after)) {
            let message = "the entries of its members do not leave the same";
            let target = applied.target.as_str();
            report.found(Finding::of_record(
                "golden.members",
                target,
                golden,
                Some(batch),
                message,
            ));
            return Ok(None);
        }
        let known = (
            first_id(self.connection, golden)?,
            salt(self.connection, golden)?,
            after,
        );
        let (true, (Some(id), Some(salt), Some(after))) = (sources.len() == members.len(), known) else {
            // A member has changed since, or something was erased.
            self.found.waiting += 1;
            return Ok(None);
        };
        Ok(Some(Cluster {
            golden,
            id,
            members: sources,
            batch,
            pass,
            after,
            salt,
        }))
    }

    /// Returns the pass of a batch, which is read then.
    fn pass(&mut self, batch: BatchId) -> Result<PassId> {
        if let Some(known) = self.batches.get(&batch) {
            return Ok(*known);
        }
        let missing = || Error::Damaged {
            what: format!("batch {batch} is not of a pass of a stage"),
        };
        let number = pass_of(self.connection, batch)?.ok_or_else(missing)?;
        self.batches.insert(batch, number);
        if !self.passes.contains_key(&number) {
            let row = pass(self.connection, number)?.ok_or_else(missing)?.row;
            let (stage, source, target) = (
                row.stage.ok_or_else(missing)?,
                row.source.ok_or_else(missing)?,
                row.target.ok_or_else(missing)?,
            );
            let applied = Applied {
                stage: Stage::as_applied(stage.number, &stage.slug, &stage.source_text, &stage.meaning),
                project: stage.project,
                source,
                target,
                now_us: row.now_us,
            };
            self.passes.insert(number, applied);
        }
        Ok(number)
    }
}

/// Returns whether the members make something else than what the merge left. Pure.
fn differs(applied: &Applied, cluster: &Cluster, secrets: &Secrets, limits: Limits) -> bool {
    let Some((stage, merge)) = applied
        .stage
        .as_ref()
        .and_then(|stage| Some((stage, stage.merge()?)))
    else {
        return true;
    };
    let context = Context::new(&applied.project, stage.number(), secrets)
        .now_us(applied.now_us)
        .limits(limits);
    let members: Vec<&Salted> = cluster.members.iter().collect();
    let made = golden((stage, merge), context, &members, Some(&cluster.id));
    let is_it = |data: &str| commitment(&cluster.salt, &cluster.id, data) == cluster.after;
    !made.is_ok_and(|made| is_it(&made.output.data))
}

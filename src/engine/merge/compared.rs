//! A merge stage as its newest model judges it: all members with the model that the ledger keeps. Nothing is learned and
//! nothing is written, so that people can look at single pairs again.

use std::collections::BTreeMap;

use super::decided::Decisions;
use super::excess::finished;
use super::figures::figures;
use super::judge::{conflict, model_in};
use super::members::{self, Members, index_of};
use crate::context::Context;
use crate::engine::reader::ReadConnection;
use crate::error::{Error, Result};
use crate::expression::Scope;
use crate::ledger::decisions::{Verdict, Verdicts, in_order, verdicts};
use crate::ledger::merged::{self, newest_model};
use crate::ledger::read::{pass, pass_of};
use crate::ledger::{EntryOutcome, MatchFigures};
use crate::matching::{
    self, Blocks, Clustering, Constraints, Features, Millibits, Model, Parted, Scored, Scorer, Settings,
    Then, Threads, Unfinished,
};
use crate::record::{BatchId, RecordNumber};
use crate::stage::{Merge, Stage, Stages};
use crate::store::{Store, Table};

/// The members of a merge stage as they are now, with the recorded model.
pub(crate) struct MergeAsJudged<'s> {
    store: &'s Store,
    pub(crate) stage: &'s Stage,
    pub(crate) merge: &'s Merge,
    /// The facts of the newest pass, without a record.
    context: Context<'s>,
    members: Members,
    model: Model,
    /// The batch that keeps the model.
    pub(crate) model_batch: BatchId,
    /// What people have decided.
    pub(crate) verdicts: Verdicts,
    /// The golden record that each member is in.
    golden: BTreeMap<RecordNumber, RecordNumber>,
    /// The members of each golden record, ascending.
    clusters: BTreeMap<RecordNumber, Vec<RecordNumber>>,
}

impl<'s> MergeAsJudged<'s> {
    /// Reads all members of a stage, once.
    ///
    /// # Errors
    /// When there is no such stage, when it does not merge, was never applied or means something else now than when its
    /// model was learned, and when the members would need more memory than they may.
    pub(crate) fn read(store: &'s Store, stages: &'s Stages, number: u32) -> Result<Self> {
        let (stage, merge) = merging(stages, number)?;
        let connection = store.connection();
        let project = stages.project();
        let Some(note) = newest_model(connection, project, number)? else {
            return Err(Error::invalid(
                format!(
                    "stage {number} has no model yet: it has never been applied, or all of it was rolled back"
                ),
                "run `counterfoil apply`",
            ));
        };
        if !stage.does_as(&note.meaning) {
            return Err(Error::invalid(
                format!("stage {number} has changed since its model was learned"),
                "`counterfoil status` shows how; undo the change in its file, or apply it with \
                 `counterfoil apply --revise`",
            ));
        }
        let standing = merged::members(connection, project, number, BatchId::MAX)?;
        let newest = standing.iter().map(|member| member.batch).max();
        let newest = pass_of(connection, newest.unwrap_or(note.batch).max(note.batch))?;
        let newest = newest
            .map(|newest| pass(connection, newest))
            .transpose()?
            .flatten();
        let context = Context::new(project, number, &store.environment().secrets)
            .now_us(newest.map_or(0, |newest| newest.row.now_us))
            .limits(store.options().limits);
        let (mut golden, mut clusters) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new());
        for member in standing {
            // A refused correction leaves its record where it was.
            let is_in = member.outcome != EntryOutcome::Filtered;
            if let Some(of) = member.golden.filter(|_| is_in) {
                golden.insert(member.record, of);
                clusters.entry(of).or_default().push(member.record);
            }
        }
        let (reader, source) = (ReadConnection::alone(store)?, Table::from_name(stage.source())?);
        let members = members::read(&reader, &source, stage, merge, context, threads())?;
        Ok(Self {
            store,
            stage,
            merge,
            context,
            members: members.ok_or_else(unstoppable)?,
            model: model_in(&note)?,
            model_batch: note.batch,
            verdicts: verdicts(connection, project, number, BatchId::MAX)?,
            golden,
            clusters,
        })
    }

    /// Returns what is compared of the members.
    pub(crate) fn features(&self) -> &Features {
        &self.members.features
    }

    pub(crate) fn settings(&self) -> &Settings {
        self.merge.settings()
    }

    /// Returns what scores pairs.
    pub(crate) fn scorer(&self) -> Scorer<'_> {
        Scorer::new(self.features(), self.settings(), &self.model)
    }

    /// Returns the place of a record among the features; `None` if it is not a member.
    pub(crate) fn index_of(&self, record: RecordNumber) -> Option<usize> {
        index_of(self.features(), record)
    }

    /// Returns the record at a place among the features.
    pub(crate) fn record_at(&self, at: usize) -> RecordNumber {
        RecordNumber::new(self.features().number(at))
    }

    /// Returns the golden record that a record is in.
    pub(crate) fn golden(&self, record: RecordNumber) -> Option<RecordNumber> {
        self.golden.get(&record).copied()
    }

    /// Returns the members of a golden record, ascending.
    pub(crate) fn members_of(&self, golden: RecordNumber) -> &[RecordNumber] {
        self.clusters.get(&golden).map_or(&[], Vec::as_slice)
    }

    /// Returns the conflicts of the stage that hold for two members.
    pub(crate) fn conflicts(&self, a: usize, b: usize) -> Vec<(&str, Then)> {
        let values = |member: usize| -> Vec<Option<String>> {
            let value = |field| self.features().value(member, field).map(str::to_owned);
            (0..self.settings().fields.len()).map(value).collect()
        };
        let mut scope = Scope::new(self.context);
        self.merge.holding_conflicts(&values(a), &values(b), &mut scope)
    }

    /// Returns whether both belong to one owner, of which a golden record has one member.
    pub(crate) fn have_one_owner(&self, a: usize, b: usize) -> bool {
        let owner = self.features().owner(a);
        owner.is_some() && owner == self.features().owner(b)
    }

    /// Returns the blocks of all keys.
    pub(crate) fn blocks(&self) -> Result<Blocks> {
        let blocks = Blocks::new(self.features(), self.settings()).map_err(Unfinished::from);
        finished(self.stage, blocks)?.ok_or_else(unstoppable)
    }

    /// Returns what keeps two clusters apart. `stand`: whether both stand already.
    pub(crate) fn parted(&self, scorer: &Scorer<'_>, clusters: [&[usize]; 2], stand: bool) -> Option<Parted> {
        let conflict = |a: usize, b: usize| self.conflict(a, b);
        let (mut must, mut cannot) = (Vec::new(), Vec::new());
        let members: Vec<usize> = clusters.concat();
        for (at, one) in members.iter().enumerate() {
            for other in &members[at + 1..] {
                let pair = in_order(self.record_at(*one), self.record_at(*other));
                match self.verdicts.get(&pair).map(|found| found.verdict) {
                    Some(Verdict::Accepted) => must.push((*one, *other)),
                    Some(_) => cannot.push((*one, *other)),
                    None => {}
                }
            }
        }
        let constraints = Constraints {
            must: &must,
            cannot: &cannot,
            ..Constraints::default()
        };
        let judging = (self.features(), self.settings(), scorer);
        matching::parted(judging, &constraints, &conflict, clusters, stand)
    }

    /// Returns the members that are compared with one, with their scores, the strongest first.
    pub(crate) fn near(
        &self,
        blocks: &Blocks,
        scorer: &Scorer<'_>,
        at: usize,
    ) -> Result<Vec<(Millibits, usize)>> {
        let mut touched = vec![false; self.features().len()];
        touched[at] = true;
        let mut found = vec![Vec::new()];
        let visited = blocks.visit(Threads::new(1), &mut found, Some(&touched), |found, _, a, b| {
            found.push(if a == at { b } else { a });
        });
        finished(self.stage, visited)?;
        let others = found.into_iter().flatten();
        let mut near: Vec<(Millibits, usize)> =
            others.map(|other| (scorer.pair(at, other).bits, other)).collect();
        near.sort_unstable_by_key(|(bits, other)| (-bits, self.features().tie(*other)));
        Ok(near)
    }

    /// Scores all candidates.
    pub(crate) fn scored(&self, settings: &Settings) -> Result<Scored> {
        let scored = matching::score(self.features(), settings, &self.model, None, threads());
        finished(self.stage, scored)?.ok_or_else(unstoppable)
    }

    /// Clusters all members anew with these settings, as one pass over everything would, and as people have decided.
    ///
    /// # Errors
    /// When decisions contradict each other.
    pub(crate) fn clustered(&self, settings: &Settings, candidates: &Scored) -> Result<Clustering> {
        let scorer = Scorer::new(self.features(), settings, &self.model);
        let conflict = |a: usize, b: usize| self.conflict(a, b);
        let decided = self.decisions()?.of_members(self.features());
        let constraints = decided.constraints(None);
        Ok(matching::cluster(
            self.features(),
            settings,
            candidates,
            &scorer,
            &constraints,
            &conflict,
        ))
    }

    fn decisions(&self) -> Result<Decisions> {
        let (connection, project) = (self.store.connection(), self.context.project);
        Decisions::read(connection, project, self.stage, BatchId::MAX)
    }

    /// Returns the figures of scored candidates and their clusters, with the settings of the stage.
    ///
    /// # Errors
    /// When decisions contradict each other.
    pub(crate) fn figures(&self, scored: &Scored, clustering: &Clustering) -> Result<MatchFigures> {
        let decided = self.decisions()?.of_members(self.features());
        let (features, settings) = (self.features(), self.settings());
        Ok(figures(
            features,
            settings,
            &self.model,
            scored,
            clustering,
            &decided,
        ))
    }

    fn conflict(&self, a: usize, b: usize) -> Option<Then> {
        conflict(self.merge, self.features(), self.context, (a, b))
    }
}

/// Returns a stage that merges.
fn merging(stages: &Stages, number: u32) -> Result<(&Stage, &Merge)> {
    let Some(stage) = stages.get(number) else {
        let known: Vec<String> = stages.iter().map(|stage| stage.number().to_string()).collect();
        return Err(Error::invalid(
            format!("the project has no stage {number}"),
            format!("available: {}", known.join(", ")),
        ));
    };
    let merge = stage.merge().ok_or_else(|| {
        let message = format!("stage {number} merges nothing");
        Error::invalid(message, "name a stage with `[merge]`")
    })?;
    Ok((stage, merge))
}

/// One thread for each core.
fn threads() -> Threads<'static> {
    Threads::new(std::thread::available_parallelism().map_or(1, usize::from))
}

/// Nobody can stop these threads.
fn unstoppable() -> Error {
    Error::invalid("comparing stopped early", "run the same command again")
}

//! Where the records of a merge stood before a pass, and which of them it has to judge anew.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rusqlite::Connection;

use super::decided::Decisions;
use super::members::{Members, index_of};
use super::units::Before;
use crate::error::Result;
use crate::ledger::EntryOutcome;
use crate::ledger::golden::listed_pairs;
use crate::ledger::merged::{self, StandingMember};
use crate::ledger::selection::RecordSelection;
use crate::matching::{FREE, Features};
use crate::record::{BatchId, RecordNumber};
use crate::stage::Stage;

/// Where the records stood before a pass, and which of them it has to process.
pub(super) struct Earlier {
    /// In order of the records.
    standing: Vec<StandingMember>,
    /// The smallest member of the cluster that each refused record was in.
    together: BTreeMap<RecordNumber, RecordNumber>,
    /// The pairs that waited for a person, for an increment.
    waiting: Vec<(RecordNumber, RecordNumber)>,
    /// What has changed since; all records for a first pass.
    pub(super) selection: RecordSelection,
    /// What people have decided about pairs.
    pub(super) decisions: Decisions,
    /// What was selected only because of a decision: the rows are what the stage has read.
    decided: BTreeSet<RecordNumber>,
}

impl Earlier {
    /// Reads where the records stood before a batch.
    pub(super) fn read(
        connection: &Connection,
        project: &str,
        stage: &Stage,
        before: BatchId,
        selection: RecordSelection,
    ) -> Result<Self> {
        let standing = merged::members(connection, project, stage.number(), before)?;
        let decisions = Decisions::read(connection, project, stage, before)?;
        let decided = match &selection {
            RecordSelection::Table { .. } => BTreeSet::new(),
            list => decisions.only_decided(connection, stage, list.listed(), &standing)?,
        };
        Ok(Self {
            together: merged::refused_together(connection, project, stage.number(), before)?,
            waiting: match selection {
                RecordSelection::Table { .. } => Vec::new(),
                _ => listed_pairs(connection, before)?,
            },
            selection,
            decisions,
            decided,
            standing,
        })
    }

    fn of(&self, record: RecordNumber) -> Option<&StandingMember> {
        let at = self
            .standing
            .binary_search_by_key(&record, |member| member.record);
        at.ok().map(|at| &self.standing[at])
    }

    /// Returns whether a golden record had a member: else its row is what a person has left of it.
    pub(super) fn stands(&self, golden: RecordNumber) -> bool {
        let is_in = |member: &StandingMember| {
            member.golden == Some(golden) && member.outcome != EntryOutcome::Filtered
        };
        self.standing.iter().any(is_in)
    }

    /// Returns whether a record itself has to be judged anew, not only what was decided about it.
    fn has_changed(&self, record: RecordNumber) -> bool {
        self.is_changed(record) && !self.decided.contains(&record)
    }

    /// Returns the golden records that a new acceptance brings together. All that they have is judged anew: of those who are
    /// there only because the stage said so, some may not go with those who come.
    fn brought_together(&self) -> BTreeSet<RecordNumber> {
        let is_new = |(a, b): &&(RecordNumber, RecordNumber)| {
            let is_selected = self.is_changed(*a) || self.is_changed(*b);
            is_selected && self.golden(*a) != self.golden(*b)
        };
        let pairs = self.decisions.accepted().filter(is_new);
        pairs
            .flat_map(|(a, b)| [self.golden(*a), self.golden(*b)])
            .flatten()
            .collect()
    }

    /// Returns the golden records of which two members are decided to be two, or are no longer decided to be one.
    fn divided(&self) -> BTreeSet<RecordNumber> {
        let goldens = self.decisions.dividing().filter_map(|(a, b)| {
            let golden = self.golden(*a)?;
            let is_selected = self.is_changed(*a) || self.is_changed(*b);
            (is_selected && self.golden(*b) == Some(golden)).then_some(golden)
        });
        goldens.collect()
    }

    /// Returns the records that are in no cluster now and have to be written about: they are in a golden record, or have
    /// changed.
    pub(super) fn loose(&self, members: &Members) -> Vec<RecordNumber> {
        let is_member = |record: RecordNumber| index_of(&members.features, record).is_some();
        let mut loose: Vec<RecordNumber> = (members.out.iter().copied())
            .filter(|record| self.is_changed(*record) || self.golden(*record).is_some())
            .collect();
        let standing = self.standing.iter().filter(|member| member.golden.is_some());
        loose.extend(
            standing
                .map(|member| member.record)
                .filter(|record| !is_member(*record)),
        );
        let listed = self.selection.listed().iter().copied();
        loose.extend(listed.filter(|record| !is_member(*record)));
        loose.sort_unstable();
        loose.dedup();
        loose
    }
}

impl Before for Earlier {
    fn golden(&self, record: RecordNumber) -> Option<RecordNumber> {
        self.of(record).and_then(|member| member.golden)
    }

    fn refused_with(&self, record: RecordNumber) -> Option<RecordNumber> {
        let refused = self.of(record)?.outcome == EntryOutcome::Refused;
        self.together.get(&record).copied().filter(|_| refused)
    }

    fn is_set_aside(&self, record: RecordNumber) -> bool {
        self.of(record)
            .is_some_and(|member| matches!(member.outcome, EntryOutcome::Refused | EntryOutcome::Filtered))
    }

    fn has_left(&self, record: RecordNumber, other: RecordNumber) -> bool {
        self.decisions.has_left(record, other)
    }

    fn is_changed(&self, record: RecordNumber) -> bool {
        match &self.selection {
            RecordSelection::Table { .. } => true,
            list => list.has(record),
        }
    }
}

/// Marks the records that are judged anew: those that have changed, those that were with one that has or are decided not to
/// be one, and those that were refused.
pub(super) fn fresh(features: &Features, earlier: &Earlier, loose: &[RecordNumber]) -> Vec<bool> {
    let record = |at: usize| RecordNumber::new(features.number(at));
    let mut fresh: Vec<bool> = (0..features.len())
        .map(|at| earlier.has_changed(record(at)) || earlier.refused_with(record(at)).is_some())
        .collect();
    let changed = (0..features.len()).filter(|at| fresh[*at]).map(record);
    let goldens = changed.chain(loose.iter().copied());
    let mut goldens: HashSet<RecordNumber> = goldens.filter_map(|record| earlier.golden(record)).collect();
    goldens.extend(earlier.divided());
    goldens.extend(earlier.brought_together());
    for (at, fresh) in fresh.iter_mut().enumerate() {
        *fresh |= earlier
            .golden(record(at))
            .is_some_and(|golden| goldens.contains(&golden));
    }
    fresh
}

/// Marks the records of which all pairs are scored: those that are judged anew, or about which something was decided, and
/// those that waited for a person beside one of these.
pub(super) fn touched(features: &Features, earlier: &Earlier, mut fresh: Vec<bool>) -> Vec<bool> {
    for (at, touched) in fresh.iter_mut().enumerate() {
        *touched |= earlier.is_changed(RecordNumber::new(features.number(at)));
    }
    touch_rivals(features, earlier, &mut fresh);
    fresh
}

/// Marks the records that waited for a person beside one that has changed: it may have been what kept them from others.
fn touch_rivals(features: &Features, earlier: &Earlier, touched: &mut [bool]) {
    for (one, other) in &earlier.waiting {
        for (changed, rival) in [(one, other), (other, one)] {
            if earlier.is_changed(*changed)
                && let Some(at) = index_of(features, *rival)
            {
                touched[at] = true;
            }
        }
    }
}

/// Returns the clusters that stand: those of the golden records, but each record by itself that is judged anew.
pub(super) fn initial(features: &Features, earlier: &Earlier, fresh: &[bool]) -> Vec<u32> {
    let mut first: HashMap<RecordNumber, u32> = HashMap::new();
    (0..features.len())
        .map(|at| {
            let own = u32::try_from(at).expect("fewer records than numbers of 32 bits");
            match earlier.golden(RecordNumber::new(features.number(at))) {
                Some(golden) if !fresh[at] => *first.entry(golden).or_insert(own),
                _ => FREE,
            }
        })
        .collect()
}

//! Decisions as entries: two per pair, one from each side, in one pass that changes no row.

use std::collections::BTreeMap;

use super::pair::Decision;
use crate::engine::{Run, versions};
use crate::error::{Error, Result};
use crate::ledger::decisions::Verdict;
use crate::ledger::review::NumberPair;
use crate::ledger::{Batch, BatchKind, Entry, EntryOutcome, PassKind, StageHistory};
use crate::record::{RecordNumber, RunId};
use crate::stage::{Stage, Stages};
use crate::store::Table;

/// Longest text of a decision, in bytes.
pub const MAX_NOTE_BYTES: usize = 4_096;

/// What came of decisions.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct DecisionReport {
    /// Number of the run; `None` if nothing was written.
    pub run: Option<RunId>,
    /// Number of pairs by what was decided about them.
    pub decided: BTreeMap<Decision, u64>,
    /// Number of decisions that stand already, as they are.
    pub unchanged: u64,
    /// Decisions that no longer count, because these are newer.
    pub replaced: Vec<ReplacedDecision>,
    /// What accepted pairs do to others: a sentence each.
    pub consequences: Vec<String>,
    /// Decisions that cannot be made. If there are any, nothing was written.
    pub refused: Vec<RefusedDecision>,
}

/// A decision that a newer one replaces.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ReplacedDecision {
    /// One of the two, by its number.
    pub a: RecordNumber,
    /// The other one.
    pub b: RecordNumber,
    /// What was decided.
    pub was: Decision,
    /// By whom.
    pub actor: String,
    /// In which run.
    pub run: RunId,
    /// Whether it was one of those that an `unmerge` wrote: the others of that run still count.
    pub by_unmerge: bool,
}

/// A decision that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct RefusedDecision {
    /// Its place among the given ones, from 0.
    pub at: usize,
    /// Why not.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Decision {
    /// Returns the code in the reason of its entries.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Accept => "review.accepted",
            Self::Reject => "review.rejected",
            Self::Never => "review.never",
            Self::Note => "review.noted",
            Self::Same => "review.same",
            Self::Different => "review.different",
        }
    }

    /// Returns the decision that says this.
    pub(super) fn of_verdict(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Accepted => Self::Accept,
            Verdict::Rejected => Self::Reject,
            Verdict::Never => Self::Never,
        }
    }

    /// Returns what it says about the pair; `None` for a note or a label, which decide nothing.
    pub(super) fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Accept => Some(Verdict::Accepted),
            Self::Reject => Some(Verdict::Rejected),
            Self::Never => Some(Verdict::Never),
            Self::Note | Self::Same | Self::Different => None,
        }
    }
}

/// Returns a stage that merges.
pub(crate) fn merge_stage(stages: &Stages, number: u32) -> Result<&Stage> {
    let stage = stages.get(number).filter(|stage| stage.merge().is_some());
    stage.ok_or_else(|| {
        let merging = stages.iter().filter(|stage| stage.merge().is_some());
        let merging: Vec<String> = merging.map(|stage| format!("stage {}", stage.number())).collect();
        Error::invalid(
            format!("stage {number} does not merge records"),
            if merging.is_empty() {
                "no stage of this project has a [merge]".to_owned()
            } else {
                format!("{} has a [merge]", merging.join(" and "))
            },
        )
    })
}

/// A decision about a pair, the smaller number first, that is to be written.
pub(crate) struct ChosenPair {
    pub(crate) pair: NumberPair,
    /// The code in the reason of its entries.
    pub(crate) code: &'static str,
    pub(crate) note: Option<String>,
    /// Which of the two leave the golden record of both by it.
    pub(crate) left: [bool; 2],
}

/// Commits decisions as one pass of one batch: a kill leaves all of it or nothing.
pub(crate) fn commit(run: &mut Run<'_>, project: &str, stage: &Stage, chosen: &[ChosenPair]) -> Result<()> {
    // What is decided does not depend on what the stage means now.
    let applied = StageHistory::read(run.connection(), project, stage.number())?;
    let mut pass = run.new_pass(PassKind::Merge, applied.revision().cloned())?;
    pass.row.source = Some(stage.source().to_owned());
    let mut batch = Batch::new(BatchKind::End);
    let source = Table::from_name(stage.source())?;
    let mut parts: BTreeMap<RecordNumber, i64> = BTreeMap::new();
    for chosen in chosen {
        let (a, b) = chosen.pair;
        let [seen_a, seen_b] = versions(run.connection(), &source, chosen.pair)?;
        let [left_a, left_b] = chosen.left;
        for (record, other, seen, left) in [(a, b, seen_a, left_a), (b, a, seen_b, left_b)] {
            let part = parts.entry(record).or_default();
            let mut entry = Entry::new(record, *part, EntryOutcome::Filtered);
            *part += 1;
            (entry.target, entry.input) = (Some(other), seen);
            let mut reason = serde_json::json!({ "code": chosen.code });
            if let Some(note) = &chosen.note {
                reason["note"] = serde_json::json!(note);
            }
            if left {
                reason["left"] = serde_json::json!(true);
            }
            entry.reason = Some(reason.to_string());
            // A record is counted once, however many of its pairs are decided.
            if entry.part == 0 {
                batch.add(entry);
            } else {
                batch.entries.push(entry);
            }
        }
    }
    run.commit(&mut pass, batch).map(drop)
}

//! Decisions: two entries per pair, one from each side, in one pass that changes no row. The next pass of the stage
//! processes the two again and honours what is decided.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::pair::{Decision, PairDecision};
use super::queue::version;
use crate::context::Context;
use crate::engine::{Run, RunInfo, is_member, refuse_contradiction, versions};
use crate::error::{Error, Result};
use crate::ledger::decisions::{
    Decided, Linked, PairVerdict, Verdict, Verdicts, chain, decided_by, in_order, verdicts,
};
use crate::ledger::review::{NumberPair, WaitingChoice, waiting};
use crate::ledger::{Batch, BatchKind, Entry, EntryOutcome, PassKind, StageHistory};
use crate::record::{BatchId, RecordNumber, RunId};
use crate::stage::{Stage, Stages};
use crate::store::{Store, Table};

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
    /// Decisions that cannot be made. If there are any, nothing was written.
    pub refused: Vec<RefusedDecision>,
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

    /// Returns what it says about the pair; `None` for a note or a label, which decide nothing.
    fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Accept => Some(Verdict::Accepted),
            Self::Reject => Some(Verdict::Rejected),
            Self::Never => Some(Verdict::Never),
            Self::Note | Self::Same | Self::Different => None,
        }
    }
}

/// Records decisions about pairs of members of a merge stage, all or nothing, in one batch. They take effect with the
/// next `apply`.
///
/// # Errors
/// [`Error::Invalid`] if the stage is not a merge or was never applied. A decision that cannot be made is no error: the
/// report lists it, and nothing is written.
pub fn decide(
    store: &mut Store,
    stages: &Stages,
    stage: u32,
    decisions: &[PairDecision],
    run_info: &RunInfo,
) -> Result<DecisionReport> {
    let stage = merge_stage(stages, stage)?;
    let mut run = Run::begin(store, run_info)?;
    let mut deciding = Deciding::new(&run, stages.project(), stage)?;
    for (at, decision) in decisions.iter().enumerate() {
        deciding.add(at, decision)?;
    }
    deciding.check_contradictions()?;
    let Deciding {
        mut report, chosen, ..
    } = deciding;
    if !report.refused.is_empty() {
        report.decided.clear();
        return Ok(report);
    }
    if chosen.is_empty() {
        // Signs what the same decisions have written before, if they were killed then.
        run.finish()?;
        return Ok(report);
    }
    commit(&mut run, stages.project(), stage, &chosen)?;
    report.run = Some(run.number());
    run.finish()?;
    Ok(report)
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

/// A decision about a pair, the smaller number first, with the rows that it is about.
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

/// Decisions that are being checked.
struct Deciding<'d> {
    connection: &'d Connection,
    context: Context<'d>,
    project: &'d str,
    stage: &'d Stage,
    source: Table,
    /// What counts, with the decisions so far.
    verdicts: Verdicts,
    /// By pair: the place of what is decided about it, among the given decisions.
    places: BTreeMap<NumberPair, usize>,
    /// The pairs whose golden record was refused.
    broken: BTreeSet<NumberPair>,
    chosen: Vec<ChosenPair>,
    report: DecisionReport,
}

impl<'d> Deciding<'d> {
    fn new(run: &'d Run<'_>, project: &'d str, stage: &'d Stage) -> Result<Self> {
        let connection = run.connection();
        if StageHistory::read(connection, project, stage.number())?
            .revision()
            .is_none()
        {
            return Err(Error::invalid(
                format!("stage {} was never applied", stage.number()),
                "`counterfoil apply` merges the records; the pairs that it is not certain about wait for a decision",
            ));
        }
        let environment = run.store().environment();
        let context = Context::new(project, stage.number(), &environment.secrets)
            .now_us(environment.clock.now_us())
            .limits(run.store().options().limits);
        let choice = WaitingChoice {
            stage: Some(stage.number()),
            band: Some("contract"),
            ..WaitingChoice::default()
        };
        let broken = waiting(connection, project, &choice)?;
        Ok(Self {
            connection,
            context,
            project,
            stage,
            source: Table::from_name(stage.source())?,
            verdicts: verdicts(connection, project, stage.number(), BatchId::MAX)?,
            places: BTreeMap::new(),
            broken: broken.into_iter().map(|listed| listed.pair).collect(),
            chosen: Vec::new(),
            report: DecisionReport::default(),
        })
    }

    fn refuse(&mut self, at: usize, message: impl Into<String>, hint: impl Into<String>) {
        self.report.refused.push(RefusedDecision {
            at,
            message: message.into(),
            hint: hint.into(),
        });
    }

    fn add(&mut self, at: usize, given: &PairDecision) -> Result<()> {
        let pair = in_order(given.a, given.b);
        if let Some((message, hint)) = self.objection(pair, given)? {
            self.refuse(at, message, hint);
            return Ok(());
        }
        if let Some(earlier) = self.places.get(&pair).copied() {
            let earlier = self
                .chosen
                .iter()
                .find(|chosen| chosen.pair == self.pair_at(earlier));
            let is_same = earlier.is_none_or(|earlier| earlier.code == given.decision.code());
            if !is_same {
                let message = format!("{}+{} is decided twice, differently", pair.0, pair.1);
                self.refuse(at, message, "decide each pair once");
            }
            return Ok(());
        }
        self.places.insert(pair, at);
        let seen = versions(self.connection, &self.source, pair)?;
        if let Some(verdict) = given.decision.verdict() {
            let stands = self.verdicts.get(&pair);
            let is_as_it_stands =
                stands.is_some_and(|stands| stands.verdict == verdict && stands.seen == seen);
            if is_as_it_stands && given.note.is_none() {
                self.report.unchanged += 1;
                return Ok(());
            }
            let found = PairVerdict {
                verdict,
                batch: BatchId::MAX,
                seen,
                left: [false; 2],
            };
            self.verdicts.insert(pair, found);
        }
        *self.report.decided.entry(given.decision).or_default() += 1;
        self.chosen.push(ChosenPair {
            pair,
            code: given.decision.code(),
            note: given.note.clone(),
            left: [false; 2],
        });
        Ok(())
    }

    fn pair_at(&self, at: usize) -> NumberPair {
        let of = self.places.iter().find(|(_, place)| **place == at);
        of.map_or_else(Default::default, |(pair, _)| *pair)
    }

    /// Returns why a decision cannot be made, whatever else is decided, and what to do.
    fn objection(&self, pair: NumberPair, given: &PairDecision) -> Result<Option<(String, String)>> {
        let said = |message: String, hint: &str| Ok(Some((message, hint.to_owned())));
        let name = format!("{}+{}", pair.0, pair.1);
        if pair.0 == pair.1 {
            return said(format!("{name} is one record"), "name two records");
        }
        let text = given.note.as_deref().unwrap_or_default();
        if text.len() > MAX_NOTE_BYTES {
            return said(
                format!("the text about {name} has {} bytes", text.len()),
                "the ledger takes up to 4,096; keep the rest elsewhere",
            );
        }
        if given.decision == Decision::Note && text.trim().is_empty() {
            return said(format!("the note about {name} has no text"), "give it a text");
        }
        for record in [pair.0, pair.1] {
            let row = if self.source.exists(self.connection)? {
                self.source.by_number(self.connection, record)?
            } else {
                None
            };
            let Some(row) = row else {
                return said(
                    format!("`{}` has no record {record}", self.stage.source()),
                    "the numbers of members are in `counterfoil review list` and in the view `audit_cross_reference`",
                );
            };
            if !is_member(self.stage, self.context, &row) {
                let number = self.stage.number();
                return said(
                    format!("stage {number} leaves record {record} out, or refuses it"),
                    "a decision is about two records that the stage merges",
                );
            }
        }
        if let Some(version_seen) = &given.version
            && *version_seen != version(self.connection, &self.source, pair)?
        {
            return said(
                format!("{name} has changed since it was listed"),
                "look at it again: list the queue anew, and decide on what the two are now",
            );
        }
        if given.decision == Decision::Accept && self.broken.contains(&pair) {
            return said(
                format!("{name} is one already, but its golden record was refused"),
                "correct one of the records (`counterfoil quarantine list` says what is wrong), or reject the pair to keep \
                 the two apart",
            );
        }
        Ok(None)
    }

    /// Refuses decisions by which accepted pairs would link two records that are decided to be two.
    fn check_contradictions(&mut self) -> Result<()> {
        let contradicted = Linked::new(&self.verdicts).contradicted(&self.verdicts);
        if contradicted.is_empty() || !self.report.refused.is_empty() {
            return Ok(());
        }
        for pair in contradicted {
            let links = chain(&self.verdicts, pair.0, pair.1);
            let of_these = links
                .iter()
                .chain([&pair])
                .filter_map(|pair| self.places.get(pair));
            let Some(at) = of_these.max().copied() else {
                // It stood before, and has nothing to do with what is decided now.
                refuse_contradiction(
                    self.connection,
                    &verdicts(self.connection, self.project, self.stage.number(), BatchId::MAX)?,
                )?;
                continue;
            };
            let (message, hint) = self.said_of(&links, pair, at)?;
            self.refuse(at, message, hint);
        }
        Ok(())
    }

    /// Describes a contradiction: who has decided what before, and what to do.
    fn said_of(&self, links: &[NumberPair], pair: NumberPair, at: usize) -> Result<(String, String)> {
        let name = |(a, b): &NumberPair| format!("{a}+{b}");
        let (linking, parted) = (links.iter().map(name).collect::<Vec<_>>().join(", "), name(&pair));
        let message =
            format!("accepted pairs ({linking}) would make {parted} one, which is decided to be two");
        let before = verdicts(self.connection, self.project, self.stage.number(), BatchId::MAX)?;
        let mut earlier = Vec::new();
        for decided in links.iter().chain([&pair]) {
            let is_this = self.places.get(decided) == Some(&at);
            if let Some(found) = before.get(decided).filter(|_| !is_this) {
                let by = decided_by(self.connection, found.batch)?;
                let said =
                    |by: Decided| format!("{} was decided by {} in run {}", name(decided), by.actor, by.run);
                earlier.extend(by.map(said));
            }
        }
        let hint = if earlier.is_empty() {
            "decide one of these pairs otherwise".to_owned()
        } else {
            format!(
                "{}; decide it anew together with this one, or take it back with `counterfoil rollback --run N`",
                earlier.join(", ")
            )
        };
        Ok((message, hint))
    }
}

//! Decisions that are checked before any of them is written.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::decision::{ChosenPair, DecisionReport, MAX_NOTE_BYTES, RefusedDecision, ReplacedDecision};
use super::pair::{Decision, PairDecision};
use super::queue::version;
use crate::context::Context;
use crate::digest::Hash;
use crate::engine::{Run, is_member, refuse_contradiction, versions};
use crate::error::{Error, Result};
use crate::ledger::StageHistory;
use crate::ledger::decisions::{
    Decided, Linked, PairVerdict, Verdict, Verdicts, chain, decided_by, in_order, text_of, verdicts,
};
use crate::ledger::merged::members;
use crate::ledger::review::{NumberPair, Remark, WaitingChoice, remarks, waiting};
use crate::record::{BatchId, REDACTED, Record, RecordNumber};
use crate::shown::line;
use crate::stage::Stage;
use crate::store::Table;

/// Decisions that are being checked.
pub(super) struct Deciding<'d> {
    connection: &'d Connection,
    context: Context<'d>,
    project: &'d str,
    stage: &'d Stage,
    source: Table,
    /// What counts before.
    before: Verdicts,
    /// What counts, with the decisions so far.
    verdicts: Verdicts,
    /// By pair: what is decided about it, and its place among the given decisions.
    places: BTreeMap<NumberPair, (usize, Decision)>,
    /// The pairs whose golden record was refused.
    broken: BTreeSet<NumberPair>,
    /// The newest remarks.
    remarks: BTreeMap<NumberPair, Remark>,
    chosen: Vec<ChosenPair>,
    report: DecisionReport,
}

impl<'d> Deciding<'d> {
    pub(super) fn new(run: &'d Run<'_>, project: &'d str, stage: &'d Stage) -> Result<Self> {
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
        let before = verdicts(connection, project, stage.number(), BatchId::MAX)?;
        Ok(Self {
            connection,
            context,
            project,
            stage,
            source: Table::from_name(stage.source())?,
            verdicts: before.clone(),
            before,
            places: BTreeMap::new(),
            remarks: remarks(connection, project, stage.number())?,
            broken: broken.into_iter().map(|listed| listed.pair).collect(),
            chosen: Vec::new(),
            report: DecisionReport::default(),
        })
    }

    /// Refuses a decision, for the first reason that is found.
    fn refuse(&mut self, at: usize, message: impl Into<String>, hint: impl Into<String>) {
        if self.report.refused.iter().any(|refused| refused.at == at) {
            return;
        }
        self.report.refused.push(RefusedDecision {
            at,
            message: message.into(),
            hint: hint.into(),
        });
    }

    /// Checks one of the given decisions.
    pub(super) fn add(&mut self, at: usize, given: &PairDecision) -> Result<()> {
        let pair = in_order(given.a, given.b);
        if let Some((message, hint)) = malformed(pair, given) {
            self.refuse(at, message, hint);
            return Ok(());
        }
        if let Some((_, earlier)) = self.places.get(&pair) {
            if *earlier != given.decision {
                let message = format!("{}+{} is decided twice, differently", pair.0, pair.1);
                self.refuse(at, message, "decide each pair once");
            }
            return Ok(());
        }
        let seen = versions(self.connection, &self.source, pair)?;
        if self.stands_so(pair, given, seen)? {
            self.places.insert(pair, (at, given.decision));
            self.report.unchanged += 1;
            return Ok(());
        }
        if let Some((message, hint)) = self.objection(pair, given)? {
            self.refuse(at, message, hint);
            return Ok(());
        }
        let stands = self.before.get(&pair).copied();
        self.places.insert(pair, (at, given.decision));
        if let Some(verdict) = given.decision.verdict() {
            if let Some(stands) = stands.filter(|stands| stands.verdict != verdict) {
                self.replace(pair, stands)?;
            }
            let found = PairVerdict {
                verdict,
                batch: BatchId::MAX,
                seen,
                left: [false; 2],
                left_as: [None; 2],
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

    /// Returns whether the same is said about a pair already, about what the two are now, in the same words.
    fn stands_so(&self, pair: NumberPair, given: &PairDecision, seen: [Option<Hash>; 2]) -> Result<bool> {
        let Some(verdict) = given.decision.verdict() else {
            let remark = self.remarks.get(&pair).map(|remark| &remark.text);
            return Ok(given.decision == Decision::Note && remark == given.note.as_ref());
        };
        let stands = self.before.get(&pair);
        let Some(stands) = stands.filter(|stands| stands.verdict == verdict && stands.seen == seen) else {
            return Ok(false);
        };
        Ok(given.note.is_none() || given.note == text_of(self.connection, stands.batch, pair)?)
    }

    /// Says that a decision no longer counts.
    fn replace(&mut self, (a, b): NumberPair, stands: PairVerdict) -> Result<()> {
        let Some(by) = decided_by(self.connection, stands.batch)? else {
            return Ok(());
        };
        self.report.replaced.push(ReplacedDecision {
            a,
            b,
            was: Decision::of_verdict(stands.verdict),
            actor: by.actor,
            run: by.run,
            by_unmerge: stands.left != [false; 2],
        });
        Ok(())
    }

    /// Returns what came of it, and what is to be written.
    pub(super) fn checked(mut self) -> Result<(DecisionReport, Vec<ChosenPair>)> {
        if self.report.refused.is_empty() {
            self.check_contradictions()?;
            self.foresee()?;
        }
        Ok((self.report, self.chosen))
    }

    /// Says whom accepted pairs part: between their golden records, two may be decided to be two.
    fn foresee(&mut self) -> Result<()> {
        let is_parted = |found: &PairVerdict| found.verdict != Verdict::Accepted;
        let accepts = |chosen: &ChosenPair| chosen.code == Decision::Accept.code();
        if !self.before.values().any(is_parted) || !self.chosen.iter().any(accepts) {
            return Ok(());
        }
        let standing = members(self.connection, self.project, self.stage.number(), BatchId::MAX)?;
        let golden: BTreeMap<RecordNumber, RecordNumber> = standing
            .iter()
            .filter_map(|member| Some((member.record, member.golden?)))
            .collect();
        let between = |(a, b): NumberPair| Some(in_order(*golden.get(&a)?, *golden.get(&b)?));
        let mut parted: BTreeMap<NumberPair, NumberPair> = BTreeMap::new();
        for (pair, _) in self.verdicts.iter().filter(|(_, found)| is_parted(found)) {
            parted.extend(between(*pair).map(|goldens| (goldens, *pair)));
        }
        for chosen in self.chosen.iter().filter(|chosen| accepts(chosen)) {
            let Some((a, b)) = between(chosen.pair).and_then(|goldens| parted.get(&goldens).copied()) else {
                continue;
            };
            let by = match self.before.get(&(a, b)) {
                Some(found) => decided_by(self.connection, found.batch)?,
                None => None,
            };
            let by = by.map_or_else(String::new, |by| format!(" by {} in run {}", by.actor, by.run));
            self.report.consequences.push(format!(
                "{}+{} brings golden records together whose members {a} and {b} are decided to be two{by}: who is there only \
                 because the stage said so may leave",
                chosen.pair.0, chosen.pair.1
            ));
        }
        Ok(())
    }

    /// Returns why a decision cannot be made, whatever else is decided, and what to do.
    fn objection(&self, pair: NumberPair, given: &PairDecision) -> Result<Option<(String, String)>> {
        let said = |message: String, hint: &str| Ok(Some((message, hint.to_owned())));
        let name = format!("{}+{}", pair.0, pair.1);
        let mut rows = Vec::with_capacity(2);
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
            rows.push(row.record);
        }
        if let Some(message) = other_ids(given, [&rows[0], &rows[1]]) {
            return said(
                message,
                "the cells of this line have slipped: export the list again, and sort whole rows only",
            );
        }
        if let Some(version_seen) = &given.version
            && *version_seen != version(self.connection, &self.source, pair, self.before.get(&pair))?
        {
            return said(
                format!("{name} has changed, or was decided, since it was listed"),
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
        for pair in contradicted {
            let links = chain(&self.verdicts, pair.0, pair.1);
            let places = links
                .iter()
                .chain([&pair])
                .filter_map(|pair| self.places.get(pair));
            let Some(at) = places.map(|(at, _)| *at).max() else {
                // It stood before, and has nothing to do with what is decided now.
                refuse_contradiction(self.connection, &self.before)?;
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
        let (linking, parted) = (listed(links.iter().map(name)), name(&pair));
        let message =
            format!("accepted pairs ({linking}) would make {parted} one, which is decided to be two");
        let mut earlier = Vec::new();
        for decided in links.iter().chain([&pair]) {
            let is_this = self.places.get(decided).is_some_and(|(place, _)| *place == at);
            if let Some(found) = self.before.get(decided).filter(|_| !is_this) {
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
                listed(earlier)
            )
        };
        Ok((message, hint))
    }
}

/// Returns what is wrong if a decision was made beside the ids of other records. `rows`: in the order of the numbers.
fn other_ids(given: &PairDecision, rows: [&Record; 2]) -> Option<String> {
    let ids = given.ids.as_ref()?;
    let rows = if given.a <= given.b {
        rows
    } else {
        [rows[1], rows[0]]
    };
    let is_other = |(id, row): &(&String, &Record)| {
        !id.is_empty() && *id != REDACTED && **id != row.id && **id != *line(&row.id).trim()
    };
    let (id, row) = ids.iter().zip(rows).find(is_other)?;
    Some(format!("record {} is not `{id}`", row.number))
}

/// Returns what is wrong with a decision itself, and what to do.
fn malformed(pair: NumberPair, given: &PairDecision) -> Option<(String, String)> {
    let said = |message: String, hint: &str| Some((message, hint.to_owned()));
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
    if text.contains('\0') {
        return said(format!("the text about {name} contains NUL"), "leave it out");
    }
    if given.decision == Decision::Note && text.trim().is_empty() {
        return said(format!("the note about {name} has no text"), "give it a text");
    }
    None
}

/// Number of pairs that a sentence names.
const NAMED: usize = 5;

fn listed(names: impl IntoIterator<Item = String>) -> String {
    let names: Vec<String> = names.into_iter().collect();
    let more = names.len().saturating_sub(NAMED);
    let listed = names.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
    if more == 0 {
        listed
    } else {
        format!("{listed} and {more} more")
    }
}

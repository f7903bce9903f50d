//! Both sides of a stage that aggregates: all its readings against all its windows, group by group. One scan of the target
//! and one of the source, on every core.

use std::collections::HashSet;

use super::balance::{Amounts, Balance, Balances, On, RuleName};
use super::measure::{Amount, amount_of};
use super::outcome::{DifferenceCause, Reconciliation};
use super::since::{ChangedBy, RowSince, RowState, Rows};
use super::sums::Key;
use crate::aggregate::Exact;
use crate::context::Context;
use crate::engine::{Bounds, ReadConnection, Run, Waiting, WindowInputs};
use crate::error::Result;
use crate::ledger::processed::{first_id, put_by_hand};
use crate::ledger::selection::{Touched, touched};
use crate::ledger::stage_input::StageInput;
use crate::ledger::windows::StandingWindow;
use crate::ledger::{EntryOutcome, StageHistory};
use crate::observe::StopSignal;
use crate::record::{BatchId, Record, RecordNumber};
use crate::stage::{Aggregate, READINGS, Reconcile, Stage, SummedField};
use crate::store::Salted;

/// What is compared.
pub(super) enum Rule<'s> {
    /// The number of readings.
    Readings,
    /// The sum of a field.
    Sum(SummedField),
    /// A `[[reconcile]]`.
    Given(&'s Reconcile),
}

/// Compares both sides of a stage that aggregates; `None` if it was stopped.
pub(super) fn reconcile_windows(
    run: &Run<'_>,
    project: &str,
    (stage, aggregate): (&Stage, &Aggregate),
    examples: usize,
    stop: &StopSignal,
) -> Result<Option<Vec<Reconciliation>>> {
    let store = run.store();
    let (reader, bounds) = (ReadConnection::alone(store)?, Bounds::new(stop, None));
    let history = reader.read(|connection| StageHistory::read(connection, project, stage.number()))?;
    let now_us = history.newest().map_or(run.now_us(), |newest| newest.row.now_us);
    let context = Context::new(project, stage.number(), &store.environment().secrets)
        .limits(store.options().limits)
        .now_us(now_us);
    let Some(inputs) = WindowInputs::new(stage, context, &reader, &bounds)? else {
        return Ok(None);
    };
    let mut comparing = Comparing {
        aggregate,
        inputs: &inputs,
        context,
        rules: rules(stage),
        states: States::read(&inputs, &reader, (project, stage), &history)?,
        examples,
    };
    // The windows are read on the other connection.
    let beside = ReadConnection::alone(store)?;
    let limit = usize::try_from(aggregate.memory() / 4).unwrap_or(usize::MAX);
    let mut balances = Balances::within(comparing.rules.len(), limit, examples);
    if !comparing.add_windows(&beside, stage, &mut balances)? || !comparing.add_readings(&mut balances)? {
        return Ok(None);
    }
    let names: Vec<RuleName> = comparing.rules.iter().map(|rule| rule.named(aggregate)).collect();
    balances.results(&names).map(Some)
}

fn rules(stage: &Stage) -> Vec<Rule<'_>> {
    let sums = stage.summed_fields().into_iter().map(Rule::Sum);
    let given = stage.reconciles().iter().map(Rule::Given);
    [Rule::Readings].into_iter().chain(sums).chain(given).collect()
}

impl Rule<'_> {
    fn named(&self, aggregate: &Aggregate) -> RuleName {
        let (name, tolerance, has_keys) = match self {
            Self::Readings => (READINGS, rust_decimal::Decimal::ZERO, aggregate.has_groups()),
            Self::Sum(field) => (
                field.name.as_str(),
                rust_decimal::Decimal::ZERO,
                aggregate.has_groups(),
            ),
            Self::Given(rule) => (rule.name.as_str(), rule.tolerance, rule.by.is_some()),
        };
        RuleName {
            name: name.to_owned(),
            tolerance,
            has_keys,
        }
    }
}

/// What is known of windows before their readings are read.
pub(super) struct States {
    waiting: Waiting,
    refused: HashSet<String>,
    /// Windows that a person has changed, and that the stage has left so.
    edited: HashSet<String>,
    /// Windows that end later than others are written until are held back, but for these: they stand.
    pub(super) held_until: Option<i64>,
    pub(super) standing: HashSet<String>,
}

impl States {
    fn read(
        inputs: &WindowInputs<'_>,
        reader: &ReadConnection,
        (project, stage): (&str, &Stage),
        history: &StageHistory,
    ) -> Result<Self> {
        let fed = StageInput::new(project, stage);
        let (touched, after): (Touched, BatchId) = reader.read(|connection| {
            let after = history.frontier(connection)?;
            let is_other = |row: &crate::ledger::StageRow| !stage.does_as(&row.meaning);
            let revised = history.revision().is_some_and(is_other);
            Ok((touched(connection, fed, revised, after, BatchId::MAX)?, after))
        })?;
        // Of an interrupted pass nothing says yet which windows it will write.
        let is_open =
            history.open_apply().is_some() || history.newest().is_some_and(|newest| newest.superseded);
        Ok(Self {
            waiting: if is_open {
                Waiting::Unknown
            } else {
                inputs.waiting(&touched, after)?
            },
            refused: inputs.refused_ids().collect(),
            edited: HashSet::new(),
            held_until: inputs.written_until()?,
            standing: HashSet::new(),
        })
    }

    /// Returns what explains that the readings of a window and its row do not agree.
    pub(super) fn of(&self, id: &str) -> Option<DifferenceCause> {
        let waits = match &self.waiting {
            Waiting::Windows(ids) => ids.contains(id),
            Waiting::Unknown => true,
        };
        if waits {
            Some(DifferenceCause::NotProcessed)
        } else if self.refused.contains(id) {
            Some(DifferenceCause::Refused)
        } else if self.edited.contains(id) {
            Some(DifferenceCause::EditedSince)
        } else {
            None
        }
    }
}

/// Both sides while they are read.
pub(super) struct Comparing<'c> {
    pub(super) aggregate: &'c Aggregate,
    pub(super) inputs: &'c WindowInputs<'c>,
    pub(super) context: Context<'c>,
    pub(super) rules: Vec<Rule<'c>>,
    pub(super) states: States,
    pub(super) examples: usize,
}

/// The amount of a record by a rule, and its key: `None` where it has none, `Err` where it cannot be read.
type OfRule = Result<Option<(Exact, Key)>, ()>;

/// A row of the target.
struct Piece<'p> {
    id: &'p str,
    data: &'p str,
}

impl Comparing<'_> {
    pub(super) fn new_balances(&self) -> Vec<Balance> {
        vec![Balance::default(); self.rules.len()]
    }

    /// Adds the windows as they stand; `false` if it was stopped.
    fn add_windows(
        &mut self,
        beside: &ReadConnection,
        stage: &Stage,
        balances: &mut Balances,
    ) -> Result<bool> {
        let by_hand: HashSet<RecordNumber> =
            beside.read(|connection| Ok(put_by_hand(connection, stage.target())?.into_iter().collect()))?;
        let (mut rows_read, examples) = (0_u64, self.examples);
        let is_done = beside.read(|connection| {
            let rows = Rows::new(connection, stage.target(), None)?;
            let inputs = self.inputs;
            inputs.all_windows(|standing| {
                rows_read += u64::from(standing.row.is_some());
                let mut found = self.new_balances();
                match (&standing.window, standing.row) {
                    (Some(window), row) => self.add_window(&rows, window, row, &mut found)?,
                    (None, Some(row)) if by_hand.contains(&row.record.number) => {
                        self.add_piece(
                            &Piece::of(&row.record),
                            Some(DifferenceCause::EditedSince),
                            &mut found,
                        );
                        if inputs.window_in(&row.record.id, &row.record.data).is_some() {
                            count(
                                &mut found,
                                DifferenceCause::EditedSince,
                                Some(&row.record.id),
                                examples,
                            );
                        }
                    }
                    _ => {}
                }
                balances.merge(found)
            })
        })?;
        let (_, all) = self.inputs.counts()?;
        let mut found = self.new_balances();
        found[0].behind(all.saturating_sub(rows_read), None, examples);
        if let Waiting::Windows(ids) = &self.states.waiting {
            let mut ids: Vec<&String> = ids.iter().collect();
            ids.sort_unstable();
            for id in ids {
                count(&mut found, DifferenceCause::NotProcessed, Some(id), examples);
            }
        }
        let mut refused: Vec<&String> = self.states.refused.iter().collect();
        refused.sort_unstable();
        for id in refused
            .into_iter()
            .filter(|id| self.states.of(id) == Some(DifferenceCause::Refused))
        {
            count(&mut found, DifferenceCause::Refused, Some(id), examples);
        }
        balances.merge(found)?;
        Ok(is_done)
    }

    /// Adds a window that the stage has written.
    fn add_window(
        &mut self,
        rows: &Rows<'_>,
        window: &StandingWindow,
        row: Option<&Salted>,
        found: &mut [Balance],
    ) -> Result<()> {
        let seen = RowState {
            batch: window.batch,
            record: window.record,
            row: window.record,
            hash: window.after,
        };
        let RowSince { was, changed, known } = rows.since(&seen, row.cloned())?;
        let now = row.map(|row| Piece::of(&row.record));
        let was = was.as_ref().map(|(id, data)| Piece { id, data });
        let Some(id) = was.as_ref().or(now.as_ref()).map(|piece| piece.id.to_owned()) else {
            if !known {
                // The row is gone, and the ledger does not say how.
                let id = first_id(rows.connection(), window.record)?;
                found[0].behind(1, id.as_deref(), self.examples);
            }
            return Ok(());
        };
        if !known {
            found[0].behind(1, Some(&id), self.examples);
        }
        if window.outcome == EntryOutcome::Filtered && window.after.is_some() {
            self.states.edited.insert(id.clone());
            if self.states.of(&id) == Some(DifferenceCause::EditedSince) {
                count(found, DifferenceCause::EditedSince, Some(&id), self.examples);
            }
        }
        self.stands(&id, was.as_ref().or(now.as_ref()));
        let cause = self.states.of(&id);
        if let Some(was) = &was {
            self.add_piece(was, cause, found);
        }
        let by_hand = matches!(changed, Some((ChangedBy::Hand, _)));
        if let Some((_, version)) = changed
            && known
        {
            let cause = if by_hand {
                DifferenceCause::EditedSince
            } else {
                DifferenceCause::Replaced
            };
            let before = was.as_ref().map(|was| self.amounts(was));
            let after = version
                .as_ref()
                .map(|(id, data)| self.amounts(&Piece { id, data }));
            if before != after {
                count(found, cause, Some(&id), self.examples);
                self.add_change(before, after, cause, found);
            }
        }
        Ok(())
    }

    /// Remembers a window that stands although others that end when it does are held back.
    fn stands(&mut self, id: &str, piece: Option<&Piece<'_>>) {
        let Some(until) = self.states.held_until else {
            return;
        };
        let window = piece.and_then(|piece| self.inputs.window_in(piece.id, piece.data));
        let end = window.and_then(|window| self.aggregate.windows()?.end_of(window.measured.start));
        if end.is_some_and(|end| end > until) {
            self.states.standing.insert(id.to_owned());
        }
    }

    /// Returns the amounts of a window, by rule.
    fn amounts(&self, piece: &Piece<'_>) -> Vec<OfRule> {
        let window = self.inputs.window_in(piece.id, piece.data);
        let key = || self.aggregate.group_in_id(piece.id).map(str::to_owned);
        let document = || {
            let record = Record {
                number: RecordNumber::BEFORE_FIRST,
                id: piece.id.to_owned(),
                data: piece.data.to_owned(),
            };
            record.document().ok()
        };
        let amount = |rule: &Rule<'_>| match (rule, &window) {
            (Rule::Readings, Some(window)) => Ok(Some((
                Exact::from(rust_decimal::Decimal::from(window.measured.rows)),
                key(),
            ))),
            (Rule::Sum(field), Some(window)) => match window.measured.values.get(field.result) {
                Some(Some(json)) => Exact::read(json).map(|sum| Some((sum, key()))).ok_or(()),
                Some(None) => Ok(None),
                None => Err(()),
            },
            (Rule::Given(rule), _) => {
                let context = Context {
                    id: piece.id,
                    ..self.context
                };
                let key = rule.by.as_ref().map(|by| &by.target);
                match amount_of((&rule.target, key), document().as_ref(), context) {
                    Amount::Known(amount, key) => Ok(Some((amount.into(), key))),
                    Amount::Nothing | Amount::None => Ok(None),
                    Amount::NoKey | Amount::Unreadable => Err(()),
                }
            }
            // Of another revision it may have had other fields.
            (_, None) => Err(()),
        };
        self.rules.iter().map(amount).collect()
    }

    fn add_piece(&self, piece: &Piece<'_>, cause: Option<DifferenceCause>, found: &mut [Balance]) {
        for (amount, balance) in self.amounts(piece).into_iter().zip(found) {
            match amount {
                Ok(Some((amount, key))) => balance.add(On::Target, &Amounts::one(&amount), Some(&key), cause),
                Ok(None) => {}
                Err(()) => balance.unmeasured(cause, piece.id, self.examples),
            }
        }
    }

    /// Adds what a change has added to the target.
    fn add_change(
        &self,
        before: Option<Vec<OfRule>>,
        after: Option<Vec<OfRule>>,
        cause: DifferenceCause,
        found: &mut [Balance],
    ) {
        let nothing = || self.rules.iter().map(|_| Ok(None)).collect::<Vec<_>>();
        let both = before
            .unwrap_or_else(nothing)
            .into_iter()
            .zip(after.unwrap_or_else(nothing));
        for ((before, after), balance) in both.zip(found) {
            match (before, after) {
                (Ok(before), Ok(after)) => {
                    if let Some((amount, key)) = before {
                        balance.changes(&Exact::default().minus(&amount), &key, cause);
                    }
                    if let Some((amount, key)) = after {
                        balance.changes(&amount, &key, cause);
                    }
                }
                _ => balance.unmeasured(Some(cause), "", 0),
            }
        }
    }
}

/// Counts a record of a cause, for every rule.
pub(super) fn count(found: &mut [Balance], cause: DifferenceCause, id: Option<&str>, most: usize) {
    for balance in found {
        balance.count(cause, 1, id, most);
    }
}

impl<'p> Piece<'p> {
    fn of(record: &'p Record) -> Self {
        Self {
            id: &record.id,
            data: &record.data,
        }
    }
}

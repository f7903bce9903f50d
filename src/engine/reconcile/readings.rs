//! The readings of a stage that aggregates, summed as their windows are.

use std::collections::HashMap;

use super::balance::{Amounts, Balance, Balances, On};
use super::measure::{Amount, amount_of};
use super::outcome::DifferenceCause;
use super::sums::Key;
use super::windows::{Comparing, Rule, count};
use crate::aggregate::Measurement;
use crate::context::Context;
use crate::engine::ReadingFate;
use crate::error::Result;
use crate::record::Document;
use crate::stage::Reading;
use crate::store::RowRef;

impl Comparing<'_> {
    /// Adds the readings; `false` if it was stopped.
    pub(super) fn add_readings(&self, balances: &mut Balances) -> Result<bool> {
        let mut read = 0;
        let is_done = self.inputs.all_readings(
            |rows| (rows.len() as u64, self.of_readings(rows)),
            |(rows, found)| {
                read += rows;
                balances.merge(found)
            },
        )?;
        let (all, _) = self.inputs.counts()?;
        let mut found = self.new_balances();
        found[0].behind(all.saturating_sub(read), None, self.examples);
        balances.merge(found)?;
        Ok(is_done)
    }

    /// Sums some readings. Pure, so that every core can do it.
    fn of_readings(&self, rows: &[RowRef<'_>]) -> Vec<Balance> {
        let mut found = self.new_balances();
        let mut groups: HashMap<String, HashMap<i64, OfWindow>> = HashMap::new();
        for &row in rows {
            let cause = match self.inputs.fate(row) {
                ReadingFate::Counted(reading) => {
                    let window = self.window_of(&mut groups, &reading);
                    window.add(&self.rules, &reading);
                    if window.cause == Some(DifferenceCause::Held) {
                        count(&mut found, DifferenceCause::Held, Some(row.id), self.examples);
                    }
                    window.cause
                }
                ReadingFate::Filtered => Some(self.left_out(row, DifferenceCause::Filtered, &mut found)),
                ReadingFate::Late => Some(self.left_out(row, DifferenceCause::Late, &mut found)),
                ReadingFate::Refused => Some(self.left_out(row, DifferenceCause::Refused, &mut found)),
            };
            self.add_given(row, cause, &mut found);
        }
        for window in groups.into_values().flat_map(HashMap::into_values) {
            window.end(&self.rules, &mut found);
        }
        found
    }

    /// Adds a reading that is in no window. Its group may be what cannot be read.
    fn left_out(&self, row: RowRef<'_>, cause: DifferenceCause, found: &mut [Balance]) -> DifferenceCause {
        let id = Some(row.id);
        found[0].add(On::Source, &Amounts::count(1), None, Some(cause));
        for (rule, balance) in self.rules.iter().zip(found) {
            // The sums are of counted readings only.
            if !matches!(rule, Rule::Sum(_)) {
                balance.count(cause, 1, id, self.examples);
            }
        }
        cause
    }

    /// Adds what the `[[reconcile]]` tables say of a reading.
    fn add_given(&self, row: RowRef<'_>, cause: Option<DifferenceCause>, found: &mut [Balance]) {
        let mut document = None;
        for (rule, balance) in self.rules.iter().zip(found) {
            let Rule::Given(rule) = rule else { continue };
            let document = document.get_or_insert_with(|| Document::parse(row.data).ok());
            let id = row.id;
            let key = rule.by.as_ref().map(|by| &by.source);
            match amount_of(
                (&rule.source, key),
                document.as_ref(),
                Context { id, ..self.context },
            ) {
                Amount::Known(amount, key) => {
                    balance.add(On::Source, &Amounts::one(&amount.into()), Some(&key), cause);
                }
                Amount::Nothing | Amount::None => {}
                Amount::NoKey | Amount::Unreadable => balance.unmeasured(cause, id, self.examples),
            }
        }
    }

    /// Returns the window of a reading.
    fn window_of<'g>(
        &self,
        groups: &'g mut HashMap<String, HashMap<i64, OfWindow>>,
        reading: &Reading<'_>,
    ) -> &'g mut OfWindow {
        if !groups.contains_key(&reading.group) {
            groups.insert(reading.group.clone(), HashMap::new());
        }
        let windows = groups.entry(reading.group.clone()).or_default();
        windows.entry(reading.window).or_insert_with(|| {
            let id = self.aggregate.window_id(&reading.group, reading.window);
            let end = self
                .aggregate
                .windows()
                .and_then(|windows| windows.end_of(reading.window));
            let is_held = self
                .states
                .held_until
                .zip(end)
                .is_some_and(|(until, end)| end > until)
                && !self.states.standing.contains(&id);
            OfWindow {
                key: self.aggregate.group_in_id(&id).map(str::to_owned),
                cause: self.states.of(&id).or(is_held.then_some(DifferenceCause::Held)),
                readings: 0,
                sums: vec![Amounts::default(); self.rules.len()],
            }
        })
    }
}

/// The readings of a window.
struct OfWindow {
    key: Key,
    /// What explains that its row does not agree with them.
    cause: Option<DifferenceCause>,
    readings: u64,
    /// By rule.
    sums: Vec<Amounts>,
}

impl OfWindow {
    fn add(&mut self, rules: &[Rule<'_>], reading: &Reading<'_>) {
        self.readings += 1;
        for (at, rule) in rules.iter().enumerate() {
            let Rule::Sum(field) = rule else { continue };
            let value = reading.values.get(field.measure).and_then(Option::as_ref);
            if let Some(decimal) = value.and_then(Measurement::decimal) {
                self.sums[at].add(&decimal.into());
            }
        }
    }

    fn end(self, rules: &[Rule<'_>], found: &mut [Balance]) {
        found[0].add(
            On::Source,
            &Amounts::count(self.readings),
            Some(&self.key),
            self.cause,
        );
        for (at, sum) in self.sums.iter().enumerate().take(rules.len()) {
            found[at].add(On::Source, sum, Some(&self.key), self.cause);
        }
    }
}

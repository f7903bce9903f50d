//! What passes of a stage that aggregates have done: the readings that each has read, against those of the windows that it
//! has made. Reads only what the passes have written, however large the source is.

use rusqlite::Connection;
use rust_decimal::Decimal;

use super::balance::{Amounts, Balance, Balances, On, RuleName};
use super::outcome::{DifferenceCause, Reconciliation};
use crate::aggregate::Exact;
use crate::error::Result;
use crate::ledger::placed::{PlacedByPass, placed_by};
use crate::ledger::read::pass as pass_in;
use crate::record::PassId;
use crate::stage::{READINGS, Stage};

/// Compares the readings of passes with their windows.
pub(super) fn reconcile_passes(
    connection: &Connection,
    stage: &Stage,
    passes: &[PassId],
) -> Result<Reconciliation> {
    let mut balances = Balances::within(1, usize::MAX, 0);
    for pass in passes {
        // What an abandoned pass has read is read again by the next one.
        let Some(summary) = pass_in(connection, *pass)?.filter(|pass| !pass.superseded) else {
            continue;
        };
        if let Some(placed) = placed_by(connection, *pass, stage.source())? {
            balances.merge(vec![of_pass(&placed, summary.counts.refused)])?;
        }
    }
    let name = RuleName {
        name: READINGS.to_owned(),
        tolerance: Decimal::ZERO,
        has_keys: false,
    };
    Ok(balances.results(&[name])?.remove(0))
}

/// `refused`: entries of the pass that refuse a window or a reading.
fn of_pass(placed: &PlacedByPass, refused: u64) -> Balance {
    use DifferenceCause::{EditedSince, Filtered, Held, Refused};
    let note = &placed.note;
    let (readings, is_whole) = (&note.readings, note.aggregate.whole);
    let mut balance = Balance::default();
    let mut explain = |cause, records, amount: u64| {
        balance.add(On::Source, &Amounts::count(amount), Some(&None), Some(cause));
        if records > 0 {
            balance.count(cause, records, None, 0);
        }
    };
    let held = note.aggregate.held_readings;
    // An increment also reads readings of windows that it does not make again; of those that it refuses it has entries.
    let (filtered, refused) = if is_whole {
        (readings.filtered, readings.refused)
    } else {
        (0, refused.saturating_sub(placed.refused.windows))
    };
    explain(Filtered, filtered, filtered);
    explain(Refused, refused, refused);
    explain(Held, held, held);
    explain(Refused, placed.refused.windows, placed.refused.readings);
    explain(EditedSince, placed.edited.windows, placed.edited.readings);
    let all = if is_whole {
        placed.rows.unwrap_or(readings.read)
    } else {
        readings.counted + refused
    };
    let explained = filtered + refused + held + placed.refused.readings + placed.edited.readings;
    let sum = |number: u64| Exact::from(Decimal::from(number));
    let rest = Amounts::sum(all.saturating_sub(explained), sum(all).minus(&sum(explained)));
    balance.add(On::Source, &rest, Some(&None), None);
    let windows = placed.written;
    let counted = sum(windows.readings + placed.kept).minus(&sum(placed.following));
    balance.add(
        On::Target,
        &Amounts::sum(windows.windows, counted),
        Some(&None),
        None,
    );
    balance
}

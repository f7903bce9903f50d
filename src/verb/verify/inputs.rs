//! Checks windows against their readings: each is read again, and every window must have been made of exactly those that are
//! in it.

use super::outcome::{Finding, InputsVerified, VerifyReport};
use crate::context::Context;
use crate::engine::{Bounds, ReadConnection, Waiting, WindowInputs};
use crate::error::Result;
use crate::ledger::StageHistory;
use crate::ledger::selection::touched;
use crate::ledger::stage_input::StageInput;
use crate::ledger::windows::aggregating_stages;
use crate::observe::StopSignal;
use crate::record::BatchId;
use crate::stage::Stage;
use crate::store::Store;

/// Reads the readings of all stages that aggregate.
pub(super) fn verify(store: &Store, stop: &StopSignal) -> Result<VerifyReport> {
    let reader = ReadConnection::alone(store)?;
    let bounds = Bounds::new(stop, None);
    let mut report = VerifyReport {
        complete: true,
        ..VerifyReport::default()
    };
    let mut found = InputsVerified::default();
    for (project, number) in reader.read(aggregating_stages)? {
        let history = reader.read(|connection| StageHistory::read(connection, &project, number))?;
        let Some(row) = history.revision() else { continue };
        let applied = Stage::as_applied(row.number, &row.slug, &row.source_text, &row.meaning);
        let Some(stage) = applied else {
            found.unknown += 1;
            continue;
        };
        let of = OfStage {
            store,
            reader: &reader,
            bounds: &bounds,
            project: &project,
            stage: &stage,
            history: &history,
        };
        if !of.verify(&mut found, &mut report)? {
            report.complete = false;
            break;
        }
    }
    report.inputs = Some(found);
    Ok(report)
}

/// The windows of one stage.
struct OfStage<'v> {
    store: &'v Store,
    reader: &'v ReadConnection,
    bounds: &'v Bounds,
    project: &'v str,
    stage: &'v Stage,
    history: &'v StageHistory,
}

impl OfStage<'_> {
    fn verify(&self, found: &mut InputsVerified, report: &mut VerifyReport) -> Result<bool> {
        let environment = self.store.environment();
        let context = Context::new(self.project, self.stage.number(), &environment.secrets)
            .limits(self.store.options().limits);
        let Some(inputs) = WindowInputs::new(self.stage, context, self.reader, self.bounds)? else {
            return Ok(true);
        };
        let fed = StageInput::new(self.project, self.stage);
        let (touched, after) = self.reader.read(|connection| {
            let after = self.history.frontier(connection)?;
            Ok((touched(connection, fed, false, after, BatchId::MAX)?, after))
        })?;
        // Of an interrupted pass nothing says yet which windows it will write.
        let is_open = self.history.open_apply().is_some()
            || self.history.newest().is_some_and(|newest| newest.superseded);
        let waiting = if is_open {
            Waiting::Unknown
        } else {
            inputs.waiting(&touched, after)?
        };
        let target = self.stage.target();
        inputs.each(|window| {
            let is_same = match (&window.now, &window.stands) {
                (Some((count, input)), Some((_, _, inputs, stands))) => {
                    count == inputs && Some(input) == stands.as_ref()
                }
                (None, Some((_, _, inputs, _))) => *inputs == 0,
                (None, None) => true,
                (Some(_), None) => false,
            };
            if let (Some((count, _)), true) = (window.now, is_same) {
                found.windows += 1;
                found.readings += count;
            }
            let waits = match &waiting {
                Waiting::Windows(ids) => ids.contains(&window.id),
                Waiting::Unknown => true,
            };
            if is_same {
                return Ok(());
            }
            if waits {
                found.waiting += 1;
                return Ok(());
            }
            report.found(match window.stands {
                Some((record, batch, ..)) => Finding::of_record(
                    "window.inputs",
                    target,
                    record,
                    Some(batch),
                    "the readings that are in it are not those that it was made of",
                ),
                None => Finding {
                    code: "window.missing",
                    batch: None,
                    database: Some(target.to_owned()),
                    record: None,
                    message: "readings of a window are in none".to_owned(),
                },
            });
            Ok(())
        })
    }
}

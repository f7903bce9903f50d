//! The facts for a stage, as if the stages before it were applied.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::forecast::Forecast;
use crate::engine::{Facts, Increment, PassLimits, ReadConnection, is_overtaken};
use crate::error::Result;
use crate::ledger::absences::{self, PlannedChanges as _};
use crate::ledger::cross_reference::CrossReference;
use crate::ledger::lookups;
use crate::ledger::read::PassSummary;
use crate::ledger::selection::{RecordSelection, Touched, of_first_pass, of_open_pass, of_source, touched};
use crate::ledger::stage_input::StageInput;
use crate::ledger::{StageHistory, places, refusals};
use crate::record::{BatchId, RecordNumber};
use crate::stage::Stage;
use crate::store::{Store, Table};

/// Facts from the ledger, and from the results of the plan so far.
pub(super) struct PlanFacts<'p> {
    pub(super) store: &'p Store,
    pub(super) project: &'p str,
    pub(super) stage: &'p Stage,
    pub(super) limits: &'p PassLimits,
    /// Connection that sees what is overlaid on the store.
    pub(super) reader: &'p ReadConnection,
    pub(super) forecast: &'p Forecast,
    /// Whether the stage, a merge, has to learn its model anew.
    pub(super) relearns: bool,
    /// Whether it has done so in this plan.
    pub(super) has_relearned: bool,
}

impl PlanFacts<'_> {
    fn fed(&self) -> StageInput<'_> {
        StageInput::new(self.project, self.stage)
    }

    /// Returns the records that used what the plan would change in the databases that the stage looks into.
    fn users(&self, overlaid: &Connection) -> Result<Vec<RecordNumber>> {
        let (fed, mut users) = (self.fed(), Vec::new());
        let through: BTreeSet<&str> = fed.lookups.iter().map(|query| query.through.as_str()).collect();
        for through in through {
            let table = Table::from_name(through)?;
            let id = |connection: &Connection, row: RecordNumber| -> Result<Option<String>> {
                let found = table.by_number(connection, row)?;
                Ok(found.map(|found| found.record.id))
            };
            let is_moved = |row| Ok(id(self.store.connection(), row)? != id(overlaid, row)?);
            let rows = self.forecast.rows(through);
            users.extend(lookups::of_planned_rows(overlaid, fed, through, &rows, is_moved)?);
            let rows: Vec<_> = rows.into_iter().map(|row| (row, BatchId::MAX)).collect();
            users.extend(lookups::of_keys_shared(overlaid, fed, through, &rows)?);
            if let Some(planned) = self.forecast.members(through) {
                let members = planned.members().into_iter();
                let members: Vec<_> = members.map(|member| (member, BatchId::MAX)).collect();
                let cross = CrossReference::read(overlaid, through, Some(planned))?;
                users.extend(lookups::of_members(overlaid, fed, &cross, through, &members)?);
            }
        }
        Ok(users)
    }

    /// Returns what a later pass of a stage that aggregates reads: all, if earlier stages would change its source, because
    /// what its records were is then not in the ledger. It is tried once, as the last of what feeds it.
    fn of_aggregate(&self, history: &StageHistory, revised: bool) -> Result<Increment> {
        let (fed, connection) = (self.fed(), self.store.connection());
        if self.forecast.stage(self.stage.number()).is_some() {
            let selection = RecordSelection::Touched(Touched::default());
            return Ok(Increment {
                after: BatchId::BEFORE_FIRST,
                selection,
            });
        }
        let after = history.frontier(connection)?;
        let touched = touched(connection, fed, revised, after, BatchId::MAX)?;
        let is_left = history.newest().is_some_and(|newest| newest.superseded);
        let whole = touched.whole || is_left || self.forecast.changes(self.stage).next().is_some();
        let selection = RecordSelection::Touched(Touched { whole, ..touched });
        Ok(Increment { after, selection })
    }

    /// Returns what a later pass reads by the ledger, corrected by what the plan has changed.
    fn due(&self, after: BatchId, revised: bool) -> Result<Vec<RecordNumber>> {
        let (fed, connection) = (self.fed(), self.store.connection());
        let kept = self.forecast.kept_waiting(connection, fed)?;
        let mut due = self.reader.read(|connection| places::free(connection, fed))?;
        due.retain(|record| !kept.contains(record));
        let looked_up = |connection: &Connection| absences::released(connection, fed, after, self.forecast);
        due.extend(self.reader.read(looked_up)?);
        due.extend(self.reader.read(|connection| self.users(connection))?);
        due.extend(of_source(connection, fed, revised, after, BatchId::MAX)?);
        Ok(due)
    }
}

impl Facts for PlanFacts<'_> {
    fn relearns(&self) -> bool {
        self.relearns
    }

    fn is_begun(&self) -> bool {
        self.forecast.stage(self.stage.number()).is_some()
    }

    fn is_overtaken(&self, open: &PassSummary) -> Result<bool> {
        let planned = self.forecast.changes(self.stage).min();
        let stage = (self.project, self.stage);
        // Whether a place is free depends on what the earlier stages would leave.
        self.reader
            .read(|connection| is_overtaken(connection, stage, self.limits, open, planned))
    }

    fn rest(&self, open: &PassSummary) -> Result<RecordSelection> {
        of_open_pass(self.store.connection(), self.fed(), open)
    }

    fn source(&self) -> Result<RecordSelection> {
        self.reader
            .read(|connection| of_first_pass(connection, self.fed(), None))
    }

    fn increment(&self, history: &StageHistory, revised: bool) -> Result<Increment> {
        if self.stage.aggregate().is_some() {
            return self.of_aggregate(history, revised);
        }
        let (stage, connection) = (self.stage, self.store.connection());
        // In this plan, a stage that was never applied has read its whole source as it would be; so has one that relearns.
        let is_new = history.begins_anew() || self.has_relearned;
        let after = if is_new {
            BatchId::BEFORE_FIRST
        } else {
            history.frontier(connection)?
        };
        let mut records = if is_new {
            Vec::new()
        } else {
            self.due(after, revised)?
        };
        let tried = self.forecast.stage(stage.number());
        let was_tried = |record: &RecordNumber| tried.is_some_and(|tried| tried.records.contains(*record));
        if tried.is_some() {
            records.retain(|record| !was_tried(record));
            records.extend(self.forecast.freed(stage, self.reader)?);
        }
        records.extend(self.forecast.changes(stage));
        let mut left_out = if is_new {
            Vec::new()
        } else {
            self.forecast.left_out_before(stage)
        };
        if !left_out.is_empty() {
            let refused = refusals::ever_refused(connection, self.project, stage.number())?;
            left_out.retain(|record| refused.binary_search(record).is_ok() && !was_tried(record));
            records.extend(left_out);
        }
        let selection = RecordSelection::list(records);
        Ok(Increment { after, selection })
    }
}

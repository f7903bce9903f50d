//! The fate of a stage's results if their places are taken: by a row under the same id, or by their own row, changed by
//! hand. Decided before anything is placed; this code changes nothing.

use std::collections::HashMap;

use rusqlite::Connection;

use super::ahead::Ahead;
use super::claims::Claims;
use super::item::{Item, TargetRow};
use crate::digest::Salt;
use crate::error::{Error, Result};
use crate::ledger::places::{self, KeptPlaces};
use crate::ledger::{EntryOutcome, rows};
use crate::record::{Record, RecordNumber};
use crate::refusal::{Holder, Part, Refusal};
use crate::stage::{OnConflict, Outcome, Output, Stage};
use crate::store::{Salted, Table};

/// The decision for one source record.
#[derive(Debug)]
pub(super) enum Decision {
    /// It is refused and goes to quarantine.
    Refuse(Refusal),
    /// It is left out, for this reason as JSON.
    Filter(String),
    /// Its parts are placed, and rows of it that no part needs any more are removed.
    Place {
        placements: Vec<Placement>,
        gone: Vec<TargetRow>,
    },
}

/// One output, its row, and whether it is written.
#[derive(Debug)]
pub(super) struct Placement {
    pub(super) part: i64,
    pub(super) output: Output,
    /// `None` for a new number.
    pub(super) home: Option<TargetRow>,
    pub(super) fate: Fate,
}

/// The fate of one output.
#[derive(Debug)]
pub(super) enum Fate {
    /// It is written, in the place of another record's row if there is one.
    Write(Option<Displaced>),
    /// It is left out: another row has its id and stays.
    Exists(Holder),
    /// Its row keeps the change made by hand.
    Edited(Holder),
}

/// Another record's row that makes room.
#[derive(Debug)]
pub(super) struct Displaced {
    pub(super) row: TargetRow,
    /// Whether its record comes later in this pass and moves elsewhere: it does not wait for the place.
    pub(super) moves_on: bool,
}

impl Decision {
    /// Returns the rows of other records that would make room.
    pub(super) fn displaced(&self) -> Vec<RecordNumber> {
        let placements = match self {
            Self::Place { placements, .. } => placements.as_slice(),
            _ => &[],
        };
        let displaced = placements.iter().filter_map(|placement| match &placement.fate {
            Fate::Write(Some(displaced)) => Some(displaced.row.target),
            _ => None,
        });
        displaced.collect()
    }
}

/// Decides output by output, and changes nothing.
pub(super) struct Arbiter<'p> {
    pub(super) stage: &'p Stage,
    pub(super) table: &'p Table,
    /// `None` while only this pass may write to the target and ids are taken over: then no look-up is needed.
    pub(super) lookup: Option<&'p Connection>,
    pub(super) claims: &'p Claims,
    /// The ids whose records a stage in place refused: their places are kept for them.
    pub(super) kept: &'p KeptPlaces,
}

impl Arbiter<'_> {
    /// Decides the fate of a record's result.
    pub(super) fn decide(
        &self,
        item: &Item,
        result: Result<Outcome, Refusal>,
        ahead: &Ahead<'_>,
    ) -> Result<Decision> {
        let outputs = match result {
            Err(refusal) => return Ok(Decision::Refuse(refusal)),
            Ok(Outcome::Filter(code)) => return Ok(Decision::Filter(reason(&code, None))),
            // The parts would be read as records in their turn, and derived from again.
            Ok(Outcome::Derive(_)) if self.stage.in_place() => {
                return Ok(Decision::Refuse(Refusal::new("derive.in_place", "")));
            }
            Ok(Outcome::Write(output)) => vec![(0, output)],
            Ok(Outcome::Derive(outputs)) => (1..).zip(outputs).collect(),
        };
        if let Some((first, second)) = same_id(&outputs) {
            let apart = format!("parts {first} and {second} of it to have different ids");
            let refusal = Refusal::new("derive.same_id", "").expected(apart);
            let part = Part {
                other: Some(first),
                ..Part::numbered(second)
            };
            return Ok(Decision::Refuse(refusal.of_part(&part)));
        }
        let Homes { of_outputs, gone } = Homes::new(item, &outputs, |row| self.kept.has(row.target))?;
        let mut placements = Vec::with_capacity(outputs.len());
        for (home, (part, output)) in of_outputs.into_iter().zip(outputs) {
            let fate = self.fate(item, home.as_ref(), &output, ahead)?;
            if self.stage.on_conflict() == OnConflict::Refuse
                && let Some((code, holder)) = fate.in_the_way()
            {
                let mut refusal = Refusal::new(code, "");
                refusal.holder = Some(Box::new(holder.clone()));
                if part > 0 {
                    refusal = refusal.of_part(&Part::numbered(part));
                }
                return Ok(Decision::Refuse(refusal));
            }
            placements.push(Placement {
                part,
                output,
                home,
                fate,
            });
        }
        // If a record is a single row and its id is taken, nothing is left to place.
        if let [
            Placement {
                part: 0,
                fate: Fate::Exists(holder),
                ..
            },
        ] = placements.as_slice()
        {
            return Ok(Decision::Filter(reason(places::EXISTS, Some(holder))));
        }
        Ok(Decision::Place { placements, gone })
    }

    fn fate(
        &self,
        item: &Item,
        home: Option<&TargetRow>,
        output: &Output,
        ahead: &Ahead<'_>,
    ) -> Result<Fate> {
        let Some(connection) = self.lookup else {
            return Ok(Fate::Write(None));
        };
        if let Some(holder) = self.edited(home, output) {
            return Ok(Fate::Edited(holder));
        }
        let Some(owner) = self.other_owner(connection, &output.id, item, home)? else {
            return self.kept_place(connection, item, output, ahead);
        };
        let on_the_way = self.claims.taker(&output.id).is_some();
        if on_the_way && self.stage.on_conflict() != OnConflict::Replace {
            return Ok(Fate::Exists(self.holder(connection, owner, &output.id)?));
        }
        let row = self.owned(connection, owner)?;
        if !on_the_way && ahead.moves_on(connection, self.table, &row, &output.id)? {
            let moves_on = true;
            return Ok(Fate::Write(Some(Displaced { row, moves_on })));
        }
        if self.stage.on_conflict() == OnConflict::Replace
            && self.comes_after(connection, item.number, owner, ahead)?
        {
            let moves_on = false;
            return Ok(Fate::Write(Some(Displaced { row, moves_on })));
        }
        Ok(Fate::Exists(Holder::from_row(owner, &row.salt, &output.id)))
    }

    /// No row has the id, but its place may be kept for a record that a later stage in place refused.
    fn kept_place(
        &self,
        connection: &Connection,
        item: &Item,
        output: &Output,
        ahead: &Ahead<'_>,
    ) -> Result<Fate> {
        let Some((owner, salt)) = self.kept.holder(&output.id) else {
            return Ok(Fate::Write(None));
        };
        let row = TargetRow {
            part: 0,
            target: owner,
            salt,
            row: None,
            edited: false,
        };
        let is_free = item.standing.iter().any(|standing| standing.target == owner)
            || ahead.moves_on(connection, self.table, &row, &output.id)?
            || (self.stage.on_conflict() == OnConflict::Replace
                && self.comes_after(connection, item.number, owner, ahead)?);
        Ok(if is_free {
            Fate::Write(None)
        } else {
            Fate::Exists(Holder::from_row(owner, &salt, &output.id))
        })
    }

    /// Returns the row of an output if it was changed by hand to something else and must not be overwritten.
    fn edited(&self, home: Option<&TargetRow>, output: &Output) -> Option<Holder> {
        let home = home.filter(|home| home.edited && self.stage.on_conflict() != OnConflict::Replace)?;
        let row = home.row.as_ref()?;
        let is_other = (row.id.as_str(), row.data.as_str()) != (output.id.as_str(), output.data.as_str());
        is_other.then(|| Holder::from_row(home.target, &home.salt, &row.id))
    }

    /// Returns the number of another record's row that has an id.
    fn other_owner(
        &self,
        connection: &Connection,
        id: &str,
        item: &Item,
        home: Option<&TargetRow>,
    ) -> Result<Option<RecordNumber>> {
        let owner = self.claims.owner(Some(connection), self.table, id)?;
        let own = |owner: &RecordNumber| {
            home.is_some_and(|home| home.target == *owner)
                || item.standing.iter().any(|standing| standing.target == *owner)
        };
        Ok(owner.filter(|owner| !own(owner)))
    }

    /// Returns another record's row that has an id.
    pub(super) fn holder(&self, connection: &Connection, owner: RecordNumber, id: &str) -> Result<Holder> {
        let salt = match self.claims.taker(id) {
            Some((_, salt)) => salt,
            None => self.owned(connection, owner)?.salt,
        };
        Ok(Holder::from_row(owner, &salt, id))
    }

    /// Returns another record's row as it will be once all batches in progress are committed.
    fn owned(&self, connection: &Connection, owner: RecordNumber) -> Result<TargetRow> {
        if let Some(standing) = self.claims.row(owner) {
            return Ok(standing.clone());
        }
        let unknown = || Error::Damaged {
            what: format!("record {owner} owns an id but has no row"),
        };
        let Salted { record, salt } = self.table.by_number(connection, owner)?.ok_or_else(unknown)?;
        Ok(TargetRow {
            part: 0,
            target: owner,
            salt: salt.ok_or_else(unknown)?,
            row: Some(record),
            edited: false,
        })
    }

    /// Returns whether a record has the right to the place of a row under `on_conflict = "replace"`: of two records
    /// with one id, the one of the later stage has it, and of two of this stage the one with the higher number,
    /// whichever was processed first. So the target is the same as if all records had come at once.
    fn comes_after(
        &self,
        connection: &Connection,
        number: RecordNumber,
        owner: RecordNumber,
        ahead: &Ahead<'_>,
    ) -> Result<bool> {
        // What this pass has written came earlier, in the order of the numbers.
        if ahead.comes_last || self.claims.row(owner).is_some() {
            return Ok(true);
        }
        if let Some(writer) = ahead.items.planned_rows.owner(owner) {
            return Ok((self.stage.number(), number) > writer);
        }
        let changes = rows::changes_of_row(connection, self.table.name(), owner)?;
        // A row that no stage wrote existed before all of them.
        Ok(rows::owner(&changes).is_none_or(|(project, stage, record)| {
            (self.stage.number(), ahead.context.project, number) > (stage, project, record)
        }))
    }
}

impl Fate {
    /// Returns why the output is not written, and which row blocks it.
    pub(super) fn in_the_way(&self) -> Option<(&'static str, &Holder)> {
        match self {
            Self::Write(_) => None,
            Self::Exists(holder) => Some((places::EXISTS, holder)),
            Self::Edited(holder) => Some((places::EDITED, holder)),
        }
    }
}

/// Returns the numbers of the first two parts with one id.
fn same_id(outputs: &[(i64, Output)]) -> Option<(i64, i64)> {
    if outputs.len() < 2 {
        return None;
    }
    let mut ids = HashMap::with_capacity(outputs.len());
    let mut parts = outputs.iter();
    parts.find_map(|(part, output)| Some((ids.insert(output.id.as_str(), *part)?, *part)))
}

/// Renders a reason as the ledger keeps it.
pub(super) fn reason(code: &str, holder: Option<&Holder>) -> String {
    match holder {
        None => serde_json::json!({ "code": code }).to_string(),
        Some(holder) => serde_json::json!({ "code": code, "holder": holder }).to_string(),
    }
}

/// The rows of a record's parts, and the rows that are removed.
struct Homes {
    /// The row of each output; `None` for a new number that is not given out yet.
    of_outputs: Vec<Option<TargetRow>>,
    /// The rows that no output needs any more.
    gone: Vec<TargetRow>,
}

impl Homes {
    /// Assigns a part to the row that already has its id, otherwise to the row where the part was; otherwise a 1:1
    /// result gets the source's own number, and a derived one a new number.
    ///
    /// A part that a stage in place refused has no row, but a place that is kept for it; that is removed too.
    fn new(item: &Item, outputs: &[(i64, Output)], is_kept: impl Fn(&TargetRow) -> bool) -> Result<Self> {
        let (_, salt) = item.salted()?;
        let mut left = item.standing.clone();
        let mut of_outputs = vec![None; outputs.len()];
        for (home, (_, output)) in of_outputs.iter_mut().zip(outputs) {
            let has_its_id = |row: &Record| row.id == output.id;
            *home = take(&mut left, |standing| {
                standing.row.as_ref().is_some_and(has_its_id)
            });
        }
        for (home, (part, _)) in of_outputs.iter_mut().zip(outputs) {
            if home.is_none() {
                *home = take(&mut left, |standing| standing.part == *part);
            }
            match home {
                Some(standing) => standing.part = *part,
                None if *part == 0 && !item.number_taken => *home = Some(own_number(item.number, *salt)),
                None => {}
            }
        }
        left.retain(|standing| standing.row.is_some() || is_kept(standing));
        let gone = behind(item, outputs, left);
        Ok(Self { of_outputs, gone })
    }
}

/// Takes out the first that fits.
fn take(left: &mut Vec<TargetRow>, fits: impl Fn(&TargetRow) -> bool) -> Option<TargetRow> {
    left.iter().position(fits).map(|at| left.swap_remove(at))
}

/// Removed rows need separate entries, after those of the parts that stay.
fn behind(item: &Item, outputs: &[(i64, Output)], mut gone: Vec<TargetRow>) -> Vec<TargetRow> {
    gone.sort_by_key(|standing| standing.part);
    let stood = item.standing.iter().map(|standing| standing.part);
    let mut last = stood
        .chain(outputs.iter().map(|(part, _)| *part))
        .max()
        .unwrap_or(0);
    for standing in &mut gone {
        if outputs.iter().any(|(part, _)| *part == standing.part) {
            last += 1;
            standing.part = last;
        }
    }
    gone
}

fn own_number(target: RecordNumber, salt: Salt) -> TargetRow {
    TargetRow {
        part: 0,
        target,
        salt,
        row: None,
        edited: false,
    }
}

/// Returns the outcome of a record with these placements.
pub(super) fn outcome(placements: &[Placement], gone: &[TargetRow]) -> EntryOutcome {
    let is_left_out = |placement: &Placement| placement.fate.in_the_way().is_some();
    if !placements.is_empty() && placements.iter().all(is_left_out) {
        return EntryOutcome::Filtered;
    }
    let is_same = |placement: &Placement| {
        let row = placement.home.as_ref().and_then(|home| home.row.as_ref());
        let output = &placement.output;
        match &placement.fate {
            Fate::Write(None) => row.is_some_and(|row| row.id == output.id && row.data == output.data),
            Fate::Write(Some(_)) => false,
            Fate::Exists(_) => row.is_none(),
            Fate::Edited(_) => true,
        }
    };
    if gone.is_empty() && placements.iter().all(is_same) {
        EntryOutcome::Unchanged
    } else {
        EntryOutcome::Written
    }
}

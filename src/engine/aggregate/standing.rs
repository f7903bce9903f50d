//! What stands before a pass: the windows of a group in the target, and those that stand refused, which are not there.

use std::collections::{BTreeMap, HashMap, VecDeque};

use rusqlite::Connection;

use super::keys::WindowKey;
use crate::aggregate::{Measured, Windows};
use crate::engine::reader::ReadConnection;
use crate::error::{Error, Result};
use crate::ledger::windows::{RefusedWindow, StandingWindow, refused_windows};
use crate::record::{Record, RecordNumber, RecordSet};
use crate::refusal::Refusal;
use crate::stage::Aggregate;
use crate::store::Table;

/// Code of a window with more values than the stage keeps.
const TOO_MANY: &str = "aggregate.too_many";
/// Numbers of rows that are read at a time: few at first, because often a few windows are enough.
const FIRST_PAGE: usize = 16;
const PAGE: usize = 256;

/// A window that stands, or stands refused.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) number: RecordNumber,
    pub(super) data: String,
    pub(super) measured: Measured,
    pub(super) is_refused: bool,
    /// Why it is refused, if it had more values than the stage keeps: only its readings can say otherwise.
    pub(super) too_many: Option<Refusal>,
}

/// The windows that stand refused.
#[derive(Debug, Default)]
pub(super) struct RefusedWindows {
    by_key: BTreeMap<WindowKey, Standing>,
    keys: HashMap<RecordNumber, WindowKey>,
    /// Those whose ids are of no group of the stage: another revision made them.
    others: RecordSet,
    readings: HashMap<RecordNumber, StandingWindow>,
}

impl RefusedWindows {
    /// Reads them.
    pub(super) fn read(connection: &Connection, aggregate: &Aggregate, of: (&str, u32)) -> Result<Self> {
        let mut refused = Self::default();
        for RefusedWindow {
            record,
            readings,
            code,
            reason,
        } in refused_windows(connection, of.0, of.1)?
        {
            let Some((group, start)) = aggregate.window_named(&record.id) else {
                refused.others.insert(record.number);
                continue;
            };
            let key = WindowKey::new(&group, start);
            let row = aggregate.window_in(&record.data);
            let measured = match row.filter(|row| row.measured.start == start) {
                Some(row) => row.measured,
                // Another revision made it, with other fields.
                None => aggregate.unmeasured(start, readings.inputs),
            };
            refused.keys.insert(record.number, key.clone());
            refused.readings.insert(record.number, readings);
            let standing = Standing {
                number: record.number,
                data: record.data,
                measured,
                is_refused: true,
                too_many: too_many(&code, &reason)?,
            };
            refused.by_key.insert(key, standing);
        }
        Ok(refused)
    }

    pub(super) fn number_of(&self, key: &WindowKey) -> Option<RecordNumber> {
        self.by_key.get(key).map(|standing| standing.number)
    }

    /// Returns the text with which a window stands refused.
    pub(super) fn data_of(&self, number: RecordNumber) -> Option<&str> {
        let key = self.keys.get(&number)?;
        self.by_key.get(key).map(|standing| standing.data.as_str())
    }

    /// Returns the readings of a window that stands refused.
    pub(super) fn readings_of(&self, number: RecordNumber) -> Option<&StandingWindow> {
        self.readings.get(&number)
    }

    /// Returns whether a number is that of a window that stands refused.
    pub(super) fn has(&self, number: RecordNumber) -> bool {
        self.keys.contains_key(&number) || self.others.contains(number)
    }

    /// Returns the key of one.
    pub(super) fn key_of(&self, number: RecordNumber) -> Option<&WindowKey> {
        self.keys.get(&number)
    }

    /// Returns those that another revision of the stage made, of other groups.
    pub(super) fn others(&self) -> impl Iterator<Item = RecordNumber> + '_ {
        self.others.iter()
    }

    /// Returns all, with their keys.
    pub(super) fn all(&self) -> impl Iterator<Item = (&WindowKey, &Standing)> {
        self.by_key.iter()
    }

    fn of_group(&self, group: &str) -> BTreeMap<i64, Standing> {
        let from = WindowKey::new(group, i64::MIN);
        let of_group = self
            .by_key
            .range(from..)
            .take_while(|(key, _)| &*key.group == group);
        of_group
            .map(|(key, standing)| (key.start, standing.clone()))
            .collect()
    }
}

/// Returns why a window stands refused, if it is because it had too many values.
fn too_many(code: &str, reason: &str) -> Result<Option<Refusal>> {
    if code != TOO_MANY {
        return Ok(None);
    }
    let refusal = serde_json::from_str(reason).map_err(|_| Error::Damaged {
        what: "why a window is refused cannot be read".to_owned(),
    })?;
    Ok(Some(refusal))
}

/// The windows of one group as they stand.
pub(super) struct GroupRows<'g> {
    reader: &'g ReadConnection,
    target: &'g Table,
    aggregate: &'g Aggregate,
    group: &'g str,
    prefix: String,
    refused: BTreeMap<i64, Standing>,
}

impl<'g> GroupRows<'g> {
    pub(super) fn new(
        (reader, target): (&'g ReadConnection, &'g Table),
        aggregate: &'g Aggregate,
        group: &'g str,
        refused: &RefusedWindows,
    ) -> Self {
        Self {
            reader,
            target,
            aggregate,
            group,
            prefix: aggregate.group_prefix(group),
            refused: refused.of_group(group),
        }
    }

    /// Returns the windows after an instant, in order.
    pub(super) fn after(&self, start: Option<i64>) -> Rows<'_, 'g> {
        self.rows(start, true)
    }

    /// Returns the windows before an instant, or all, the newest first.
    pub(super) fn before(&self, start: Option<i64>) -> Rows<'_, 'g> {
        self.rows(start, false)
    }

    fn rows(&self, start: Option<i64>, forwards: bool) -> Rows<'_, 'g> {
        Rows {
            of: self,
            start,
            id: start.map(|start| format!("{}{}", self.prefix, Windows::utc(start))),
            forwards,
            page: VecDeque::new(),
            most: FIRST_PAGE,
            is_end: false,
        }
    }

    /// Returns the window of a row; `None` for one of something else whose id begins alike.
    fn window(&self, record: Record) -> Option<Standing> {
        let row = self.aggregate.window_in(&record.data)?;
        let is_own =
            row.group == self.group && record.id == self.aggregate.window_id(self.group, row.measured.start);
        is_own.then_some(Standing {
            number: record.number,
            data: record.data,
            measured: row.measured,
            is_refused: false,
            too_many: None,
        })
    }

    /// Adds the windows that stand refused in the range of a page: what is refused is newer than the row that stands.
    fn add_refused(&self, page: &mut Vec<Standing>, reached: Option<i64>, forwards: bool, is_last: bool) {
        let last = page.last().map(|last| last.measured.start);
        let is_here = |start: i64| {
            let beyond = |end: i64| if forwards { start > end } else { start < end };
            reached.is_none_or(beyond) && (is_last || last.is_some_and(|last| !beyond(last)))
        };
        let refused: Vec<Standing> = (self.refused.iter())
            .filter(|(start, _)| is_here(**start))
            .map(|(_, standing)| standing.clone())
            .collect();
        if refused.is_empty() {
            return;
        }
        page.retain(|row| {
            !refused
                .iter()
                .any(|refused| refused.measured.start == row.measured.start)
        });
        page.extend(refused);
        page.sort_unstable_by_key(|row| row.measured.start);
        if !forwards {
            page.reverse();
        }
    }
}

/// Windows of a group, one after the other.
pub(super) struct Rows<'r, 'g> {
    of: &'r GroupRows<'g>,
    /// The window, and the row, that was read last.
    start: Option<i64>,
    id: Option<String>,
    forwards: bool,
    page: VecDeque<Standing>,
    /// Number of rows that are read next.
    most: usize,
    is_end: bool,
}

impl Rows<'_, '_> {
    fn fill(&mut self) -> Result<()> {
        while self.page.is_empty() && !self.is_end {
            let (of, id, most) = (self.of, self.id.as_deref(), self.most);
            let records = of.reader.read(|connection| {
                if self.forwards {
                    of.target.ids_after(connection, &of.prefix, id, most)
                } else {
                    of.target.ids_before(connection, &of.prefix, id, most)
                }
            })?;
            self.is_end = records.len() < most;
            self.most = (most * 2).min(PAGE);
            let last = records.last().map(|last| last.id.clone());
            let mut page: Vec<Standing> = records
                .into_iter()
                .filter_map(|record| of.window(record))
                .collect();
            of.add_refused(&mut page, self.start, self.forwards, self.is_end);
            self.id = last.or(self.id.take());
            self.start = page.last().map(|last| last.measured.start).or(self.start);
            self.page = page.into();
        }
        Ok(())
    }

    /// Returns the beginning of the next one.
    pub(super) fn peek(&mut self) -> Result<Option<i64>> {
        self.fill()?;
        Ok(self.page.front().map(|next| next.measured.start))
    }

    /// Puts one back that was taken.
    pub(super) fn put_back(&mut self, row: Standing) {
        self.page.push_front(row);
    }

    /// Returns the next one.
    pub(super) fn next(&mut self) -> Result<Option<Standing>> {
        self.fill()?;
        Ok(self.page.pop_front())
    }
}

/// Returns the next window that has readings.
pub(super) fn next_with_readings(rows: &mut Rows<'_, '_>) -> Result<Option<Standing>> {
    while let Some(row) = rows.next()? {
        if row.measured.rows > 0 {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

//! Source records beside what a stage made of them: as it read them, and as it left them, whatever happened since.

use std::collections::{HashMap, VecDeque};
use std::vec::IntoIter;

use rusqlite::Connection;

use super::{Cause, Wanted};
use crate::digest::commitment;
use crate::error::Result;
use crate::ledger::carried::{carried_by, put_by_hand, stubs_between, stubs_since, times, writers};
use crate::ledger::read::{Stub, salt};
use crate::ledger::{EntryOutcome, ImageKind, apply_patch, split_whole};
use crate::record::Record;
use crate::stage::Stage;
use crate::store::{Salted, Table};

/// So many records are looked at together.
const SLICE: usize = 1_000;

/// A source record and what became of it.
pub(super) struct Carried {
    /// Its id, on whichever side it has one.
    pub(super) id: String,
    /// As the stage has read it; as it is, where that is not known any more.
    pub(super) source: Option<Record>,
    /// As the stage has left them.
    pub(super) targets: Vec<Record>,
    /// What explains a difference, without a look at the amounts; `None`: it was written and nobody has touched it.
    pub(super) fate: Option<Cause>,
    /// What `now()` gave when it was carried; where it was not, the time of the command.
    pub(super) now_us: i64,
}

/// The stubs of a source record in the newest batch that has any.
type Group = Vec<Stub>;

/// The records of a stage in the order of their numbers.
pub(super) struct Lineage<'l> {
    connection: &'l Connection,
    source: Table,
    target: Table,
    in_place: bool,
    /// The records with stubs, each with its batch; what is to come.
    carried: IntoIter<(i64, i64)>,
    /// The stubs of the next of them.
    groups: VecDeque<Group>,
    /// Every record of the source is looked at, after this one.
    from: Option<i64>,
    /// The rows of the target that no stage has put there; what is to come.
    by_hand: IntoIter<i64>,
    /// What kind of pass each batch belongs to: whether somebody else wrote it.
    foreign: HashMap<i64, bool>,
    /// What `now()` gave in each batch.
    times: HashMap<i64, i64>,
    now_us: i64,
}

impl<'l> Lineage<'l> {
    pub(super) fn new(
        connection: &'l Connection,
        stage: &Stage,
        wanted: &Wanted<'_>,
        now_us: i64,
    ) -> Result<Self> {
        Ok(Self {
            connection,
            source: Table::of(stage.source())?,
            target: Table::of(stage.target())?,
            in_place: stage.in_place(),
            carried: carried_by(connection, wanted.passes)?.into_iter(),
            groups: VecDeque::new(),
            from: wanted.whole.then_some(0),
            by_hand: if wanted.whole && !stage.in_place() {
                put_by_hand(connection, stage.target())?.into_iter()
            } else {
                Vec::new().into_iter()
            },
            foreign: writers(connection, stage.target())?,
            times: times(connection, wanted.passes)?,
            now_us,
        })
    }

    /// The next records; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Vec<Carried>>> {
        let pairs = match self.from {
            Some(from) => self.beside_the_source(from)?,
            None => self.of_groups()?,
        };
        if pairs.is_empty() {
            return self.put_by_hand();
        }
        let numbers: Vec<i64> = pairs
            .iter()
            .filter_map(|(_, group)| group.as_ref())
            .flatten()
            .map(Stub::number)
            .collect();
        let mut rows = self.target.by_numbers(self.connection, &numbers)?.into_iter();
        let mut carried = Vec::with_capacity(pairs.len());
        for (source, group) in pairs {
            let Some(group) = group else {
                carried.extend(source.map(|source| not_carried(source.record, self.now_us)));
                continue;
            };
            let rows: Vec<Option<Salted>> = rows.by_ref().take(group.len()).collect();
            carried.push(self.carried(source, &group, rows)?);
        }
        Ok(Some(carried))
    }

    /// The next rows of the target that have no source.
    fn put_by_hand(&mut self) -> Result<Option<Vec<Carried>>> {
        let numbers: Vec<i64> = self.by_hand.by_ref().take(SLICE).collect();
        if numbers.is_empty() {
            return Ok(None);
        }
        let rows = self.target.by_numbers(self.connection, &numbers)?;
        let carried = rows.into_iter().flatten().map(|row| Carried {
            id: row.record.id.clone(),
            source: None,
            targets: vec![row.record],
            fate: Some(Cause::EditedSince),
            now_us: self.now_us,
        });
        Ok(Some(carried.collect()))
    }

    /// The next source records, each with its stubs where it has any, and stubs whose source is gone.
    fn beside_the_source(&mut self, from: i64) -> Result<Vec<(Option<Salted>, Option<Group>)>> {
        let rows = if self.source.exists(self.connection)? {
            self.source
                .after(self.connection, from, SLICE, crate::pipeline::BATCH_BYTES)?
        } else {
            Vec::new()
        };
        let mut pairs = Vec::with_capacity(rows.len());
        if rows.is_empty() {
            // What is left has no source any more.
            self.from = None;
            return self.of_groups();
        }
        for row in rows {
            let number = row.record.record;
            self.from = Some(number);
            while let Some(group) = self.next_group(|record| record < number)? {
                pairs.push((None, Some(group)));
            }
            let group = self.next_group(|record| record == number)?;
            pairs.push((Some(row), group));
        }
        Ok(pairs)
    }

    /// The next stubs, each with its source where there is one.
    fn of_groups(&mut self) -> Result<Vec<(Option<Salted>, Option<Group>)>> {
        let mut groups = Vec::new();
        while let Some(group) = self.next_group(|_| groups.len() < SLICE)? {
            groups.push(group);
        }
        let numbers: Vec<i64> = groups.iter().map(|group| group[0].entry.record).collect();
        let rows = self.source.by_numbers(self.connection, &numbers)?;
        Ok(rows.into_iter().zip(groups.into_iter().map(Some)).collect())
    }

    /// The stubs of the next record, where it is one that is wanted.
    fn next_group(&mut self, is_wanted: impl Fn(i64) -> bool) -> Result<Option<Group>> {
        if self.groups.is_empty() {
            self.read_groups()?;
        }
        let is_next = self
            .groups
            .front()
            .is_some_and(|group| is_wanted(group[0].entry.record));
        Ok(if is_next { self.groups.pop_front() } else { None })
    }

    /// Reads the stubs of the next records, stretch by stretch: most of them lie beside each other in one batch.
    fn read_groups(&mut self) -> Result<()> {
        let next: Vec<(i64, i64)> = self.carried.by_ref().take(SLICE).collect();
        for stretch in next.chunk_by(|one, other| one.1 == other.1) {
            let (first, batch) = stretch[0];
            let last = stretch[stretch.len() - 1].0;
            let mut wanted = stretch.iter().map(|(record, _)| *record).peekable();
            let stubs = stubs_between(self.connection, batch, first, last)?;
            for group in stubs.chunk_by(|one, other| one.entry.record == other.entry.record) {
                let record = group[0].entry.record;
                while wanted.next_if(|wanted| *wanted < record).is_some() {}
                if wanted.next_if_eq(&record).is_some() {
                    self.groups.push_back(group.to_vec());
                }
            }
        }
        Ok(())
    }

    fn carried(&self, source: Option<Salted>, group: &[Stub], rows: Vec<Option<Salted>>) -> Result<Carried> {
        let stub = &group[0];
        let mut fate = match stub.entry.outcome {
            EntryOutcome::Refused => Some(Cause::Refused),
            EntryOutcome::Filtered => Some(Cause::Filtered),
            EntryOutcome::Merged => Some(Cause::Merged),
            EntryOutcome::Written | EntryOutcome::Unchanged => None,
        };
        let mut targets = Vec::with_capacity(rows.len());
        let mut before = None;
        for (stub, row) in group.iter().zip(rows) {
            let found = self.as_left(stub, row)?;
            if found.edited && fate.is_none() {
                fate = Some(Cause::EditedSince);
            }
            if self.in_place {
                before = before_of(stub, found.left.as_ref());
            }
            if fate.is_none_or(|fate| fate == Cause::EditedSince) {
                targets.extend(found.left.map(|(id, data)| record(stub.number(), id, data)));
            }
        }
        let source = if self.in_place {
            before.map(|(id, data)| record(stub.entry.record, id, data))
        } else {
            let is_as_read = source.as_ref().and_then(Salted::hash) == stub.entry.input;
            if !is_as_read && stub.entry.input.is_some() && fate.is_none() {
                fate = Some(Cause::EditedSince);
            }
            source.map(|source| source.record)
        };
        let named = source.as_ref().or(targets.first());
        let id = named.map_or_else(
            || format!("record {}", stub.entry.record),
            |record| record.id.clone(),
        );
        Ok(Carried {
            id,
            source,
            targets,
            fate,
            now_us: self.times.get(&stub.batch).copied().unwrap_or(self.now_us),
        })
    }

    /// The row as a stub has left it, from the row as it is and the images since.
    fn as_left(&self, stub: &Stub, row: Option<Salted>) -> Result<Left> {
        let now = row.as_ref().and_then(Salted::hash);
        let mut version = row.map(|row| (row.record.id, row.record.data));
        if now == stub.entry.after {
            return Ok(Left {
                left: version,
                edited: false,
            });
        }
        let number = stub.number();
        let salt = salt(self.connection, number)?.unwrap_or_default();
        let now = version.clone();
        let mut edited = false;
        for later in stubs_since(self.connection, self.target.name(), stub)? {
            if later.entry.before != later.entry.after {
                edited |= self.foreign.get(&later.batch).is_some_and(|foreign| *foreign);
                version = before_of(&later, version.as_ref());
            }
        }
        let holds = |(id, data): &(String, String)| Some(commitment(&salt, id, data)) == stub.entry.after;
        Ok(match version.filter(holds) {
            Some(left) if !edited => Left {
                left: Some(left),
                edited,
            },
            // Somebody else has changed it: what counts is what stands there.
            _ => Left {
                left: now,
                edited: true,
            },
        })
    }
}

/// A row as a stub has left it, unless somebody else has changed it since.
struct Left {
    left: Option<(String, String)>,
    edited: bool,
}

/// A row before a stub's change, from the row after it.
fn before_of(stub: &Stub, after: Option<&(String, String)>) -> Option<(String, String)> {
    match &stub.image {
        Some((ImageKind::Patch, patch)) => {
            let (id, data) = after?;
            let patch = std::str::from_utf8(patch).ok()?;
            Some((id.clone(), apply_patch(data, patch)?))
        }
        Some((ImageKind::Whole | ImageKind::Refused, body)) => {
            split_whole(body).map(|(id, data)| (id.to_owned(), data.to_owned()))
        }
        _ if stub.entry.before == stub.entry.after => after.cloned(),
        _ => None,
    }
}

fn record(number: i64, id: String, data: String) -> Record {
    Record {
        record: number,
        id,
        data,
    }
}

fn not_carried(source: Record, now_us: i64) -> Carried {
    Carried {
        id: source.id.clone(),
        source: Some(source),
        targets: Vec::new(),
        fate: Some(Cause::NotCarried),
        now_us,
    }
}

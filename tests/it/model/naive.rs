//! The naive model: databases as maps, the ledger as two lists of what happened, and no idea of batches, images,
//! hashes, cursors or transactions. How many records a batch took is read off the store; which, and what became of
//! them, is for the model to say.

use std::collections::{BTreeMap, BTreeSet};

use counterfoil::stage::OnConflict;

use super::stages::{Made, STAGES, databases, make};

/// A row: id and data.
pub(super) type Row = (String, String);
/// What names a row in the model: the record's number, and for a derived one its id.
pub(super) type Key = (i64, String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Load,
    Edit,
    Apply(u32),
    Retry(u32),
    Waive(u32),
    /// A rollback of one record in a stage.
    Single(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    Settled,
    Filtered,
    Refused,
    /// It was gone before the first pass of the stage began, which has read the whole table.
    Gone,
}

#[derive(Clone, Debug)]
struct Change {
    database: &'static str,
    key: Key,
    before: Option<Row>,
    /// The source record that it was done for.
    record: i64,
    at: usize,
    kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) struct Pass {
    pub(super) kind: Kind,
    pub(super) runs: Vec<i64>,
    pub(super) undone: bool,
    pub(super) ended: bool,
    changes: Vec<Change>,
    /// What is still to be read: `None` for the whole table after the last record read.
    list: Option<Vec<i64>>,
    last: i64,
    began: usize,
    /// The revision of stage 1 that was applied.
    version: i64,
}

#[derive(Clone, Debug)]
struct Seen {
    at: usize,
    pass: usize,
    kind: Kind,
    record: i64,
    became: Became,
    database: &'static str,
    after: bool,
    image: Option<Row>,
}

#[derive(Clone, Debug)]
struct Written {
    at: usize,
    pass: usize,
    kind: Kind,
    database: &'static str,
    record: i64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) rows: BTreeMap<&'static str, BTreeMap<Key, Row>>,
    pub(super) passes: Vec<Pass>,
    seen: Vec<Seen>,
    written: Vec<Written>,
    clock: usize,
    newest: i64,
    /// The id that each number began with.
    origins: BTreeMap<i64, String>,
    pub(super) version: i64,
    replaces: Option<OnConflict>,
}

fn plain(record: i64) -> Key {
    (record, String::new())
}

fn stage_of(kind: Kind) -> Option<u32> {
    match kind {
        Kind::Apply(stage) | Kind::Retry(stage) | Kind::Waive(stage) | Kind::Single(stage) => Some(stage),
        Kind::Load | Kind::Edit => None,
    }
}

impl Model {
    pub(super) fn new(on_conflict: OnConflict) -> Self {
        Self {
            replaces: Some(on_conflict),
            ..Self::default()
        }
    }

    pub(super) fn by_id(&self, database: &str) -> BTreeMap<String, String> {
        let rows = self.rows.get(database).into_iter().flatten();
        rows.map(|(_, row)| row.clone()).collect()
    }

    pub(super) fn begin(&mut self, kind: Kind, run: i64) -> usize {
        self.clock += 1;
        self.passes.push(Pass {
            kind,
            // Who carries records is known batch by batch.
            runs: match kind {
                Kind::Apply(_) | Kind::Retry(_) => Vec::new(),
                _ => vec![run],
            },
            undone: false,
            ended: false,
            changes: Vec::new(),
            list: Some(Vec::new()),
            last: 0,
            began: self.clock,
            version: self.version,
        });
        self.passes.len() - 1
    }

    /// Goes back to the revision that stands, as whoever rolls a revision back has to do; or on to a new one.
    pub(super) fn settle_version(&mut self, revise: bool) {
        let newest = self
            .passes
            .iter()
            .map(|pass| pass.version)
            .max()
            .unwrap_or(0)
            .max(self.version);
        let applied = self
            .passes
            .iter()
            .filter(|pass| pass.kind == Kind::Apply(1) && !pass.undone);
        let standing = applied.map(|pass| pass.version).next_back();
        self.version = if revise {
            newest + 1
        } else {
            standing.unwrap_or(self.version)
        };
    }

    /// A pass has read everything.
    pub(super) fn end(&mut self, pass: usize) {
        self.passes[pass].ended = true;
        let Pass {
            kind, list, began, ..
        } = self.passes[pass].clone();
        let (Kind::Apply(stage), None) = (kind, list) else {
            return;
        };
        let (source, target) = databases(stage);
        let gone = |record: &i64| {
            let rows = self.rows.get(source);
            !rows.is_some_and(|rows| rows.contains_key(&plain(*record)))
                && !self
                    .seen
                    .iter()
                    .any(|seen| seen.pass == pass && seen.record == *record)
        };
        for record in (1..=self.newest).filter(gone).collect::<Vec<_>>() {
            self.seen.push(Seen {
                at: began,
                pass,
                kind,
                record,
                became: Became::Gone,
                database: target,
                after: false,
                image: None,
            });
        }
    }

    fn owner(&self, database: &str, id: &str) -> Option<Key> {
        let rows = self.rows.get(database)?;
        rows.iter()
            .find(|(_, row)| row.0 == id)
            .map(|(key, _)| key.clone())
    }

    fn set(&mut self, pass: usize, database: &'static str, key: Key, record: i64, after: Option<&Row>) {
        let rows = self.rows.entry(database).or_default();
        let before = match after {
            Some(row) => rows.insert(key.clone(), row.clone()),
            None => rows.remove(&key),
        };
        if before.as_ref() == after {
            return;
        }
        self.clock += 1;
        let (at, kind) = (self.clock, self.passes[pass].kind);
        self.written.push(Written {
            at,
            pass,
            kind,
            database,
            record: key.0,
        });
        self.passes[pass].changes.push(Change {
            database,
            key,
            before,
            record,
            at,
            kind,
        });
    }

    fn saw(&mut self, pass: usize, record: i64, became: Became, image: Option<Row>) {
        self.clock += 1;
        let kind = self.passes[pass].kind;
        let database = stage_of(kind).map_or("", |stage| databases(stage).1);
        let after = self
            .rows
            .get(database)
            .is_some_and(|rows| rows.contains_key(&plain(record)));
        self.seen.push(Seen {
            at: self.clock,
            pass,
            kind,
            record,
            became,
            database,
            after,
            image,
        });
    }

    /// Writes a record from outside; `false` where it is there with other data and may not be replaced.
    pub(super) fn put(
        &mut self,
        pass: usize,
        database: &'static str,
        id: &str,
        data: &str,
        replace: bool,
    ) -> bool {
        let row = (id.to_owned(), data.to_owned());
        match self.owner(database, id) {
            Some(key) if self.rows[database][&key] == row => true,
            Some(_) if !replace => false,
            Some(key) => {
                self.set(pass, database, key.clone(), key.0, Some(&row));
                true
            }
            None => {
                let record = self.corrected(database, id).unwrap_or_else(|| {
                    self.newest += 1;
                    self.origins.insert(self.newest, id.to_owned());
                    self.newest
                });
                self.set(pass, database, plain(record), record, Some(&row));
                true
            }
        }
    }

    /// The record that a stage in place has refused and that waits for a correction under this id.
    fn corrected(&self, database: &str, id: &str) -> Option<i64> {
        let in_place = STAGES
            .into_iter()
            .filter(|stage| databases(*stage) == (database, database));
        let waiting =
            in_place.flat_map(|stage| self.refused(stage).into_iter().map(move |record| (stage, record)));
        let newest = waiting.filter_map(|(stage, record)| {
            let refusal = self.seen.iter().rfind(|seen| {
                seen.record == record && stage_of(seen.kind) == Some(stage) && seen.became == Became::Refused
            })?;
            let fits = refusal.image.as_ref().is_some_and(|row| row.0 == id);
            let absent = !self
                .rows
                .get(database)
                .is_some_and(|rows| rows.contains_key(&plain(record)));
            (fits && absent).then_some((refusal.at, record))
        });
        newest.max().map(|(_, record)| record)
    }

    pub(super) fn delete(&mut self, pass: usize, database: &'static str, id: &str) -> bool {
        let Some(key) = self.owner(database, id) else {
            return false;
        };
        self.set(pass, database, key.clone(), key.0, None);
        true
    }

    fn stands(&self, pass: usize) -> bool {
        !self.passes[pass].undone
    }

    /// Whether something that stands has written the record to the stage's source, and the stage has not seen it
    /// since.
    fn is_waiting(&self, stage: u32, record: i64) -> bool {
        let (source, target) = databases(stage);
        let in_place = source == target;
        let seen: Vec<&Seen> = self
            .seen
            .iter()
            .filter(|seen| {
                stage_of(seen.kind) == Some(stage) && seen.record == record && self.stands(seen.pass)
            })
            .filter(|seen| !matches!(seen.kind, Kind::Single(_)))
            .collect();
        let feeds = |written: &&Written| {
            let by_stage = stage_of(written.kind);
            written.record == record
                && written.database == source
                && self.stands(written.pass)
                && by_stage.is_none_or(|by| by < stage)
        };
        let unseen = |written: &Written| {
            !seen.iter().any(|seen| {
                let same_shape = in_place && written.kind == Kind::Edit && seen.became == Became::Settled;
                seen.at > written.at || same_shape
            })
        };
        if self.written.iter().filter(feeds).any(unseen) {
            return true;
        }
        // A record that was rolled back by itself is carried again.
        let taken_back = |single: &&Seen| single.kind == Kind::Single(stage) && single.record == record;
        let unseen_since = |single: &Seen| !seen.iter().any(|seen| seen.at > single.at);
        if self.seen.iter().filter(taken_back).any(unseen_since) {
            return true;
        }
        // What the stage has refused in place may be left out by an earlier stage now.
        in_place
            && self.seen.iter().any(|left_out| {
                left_out.record == record
                    && left_out.became == Became::Filtered
                    && matches!(left_out.kind, Kind::Apply(by) | Kind::Retry(by) if by < stage)
                    && left_out.database == source
                    && self.stands(left_out.pass)
                    && self.has_refused_before(stage, record, left_out.at)
                    && !seen.iter().any(|seen| seen.at > left_out.at)
            })
    }

    fn has_refused_before(&self, stage: u32, record: i64, at: usize) -> bool {
        self.seen.iter().any(|seen| {
            seen.at < at
                && seen.record == record
                && stage_of(seen.kind) == Some(stage)
                && seen.became == Became::Refused
        })
    }

    /// The records that a stage has refused, and that nothing has happened to in it since.
    pub(super) fn refused(&self, stage: u32) -> BTreeSet<i64> {
        let mut refused = BTreeSet::new();
        for seen in self
            .seen
            .iter()
            .filter(|seen| stage_of(seen.kind) == Some(stage) && self.stands(seen.pass))
        {
            match seen.became {
                Became::Refused => drop(refused.insert(seen.record)),
                Became::Gone => {}
                Became::Settled | Became::Filtered => drop(refused.remove(&seen.record)),
            }
        }
        refused
    }

    fn waiting(&self, stage: u32) -> Vec<i64> {
        (1..=self.newest)
            .filter(|record| self.is_waiting(stage, *record))
            .collect()
    }

    pub(super) fn is_applied(&self, stage: u32) -> bool {
        self.passes
            .iter()
            .any(|pass| pass.kind == Kind::Apply(stage) && !pass.undone)
    }

    pub(super) fn open(&self, kind: Kind) -> Option<usize> {
        self.passes
            .iter()
            .rposition(|pass| pass.kind == kind && !pass.undone && !pass.ended)
    }

    /// What an apply pass that begins has to read. A pass of an earlier revision that is open ends first.
    pub(super) fn begin_apply(&mut self, stage: u32, run: i64, revised: bool) -> usize {
        let list = if self.is_applied(stage) {
            let mut list: BTreeSet<i64> = self.waiting(stage).into_iter().collect();
            if revised {
                list.extend(self.refused(stage));
            }
            Some(list.into_iter().collect())
        } else {
            None
        };
        if let Some(open) = self.open(Kind::Apply(stage)) {
            self.passes[open].ended = true;
        }
        let pass = self.begin(Kind::Apply(stage), run);
        self.passes[pass].list = list;
        pass
    }

    pub(super) fn begin_retry(&mut self, stage: u32, run: i64) -> usize {
        let list = self.refused(stage).into_iter().collect();
        let pass = self.begin(Kind::Retry(stage), run);
        self.passes[pass].list = Some(list);
        pass
    }

    /// The next records of a pass.
    pub(super) fn next(&self, pass: usize, count: usize) -> Vec<i64> {
        let Pass { kind, list, last, .. } = &self.passes[pass];
        let all: Vec<i64> = match (list, stage_of(*kind)) {
            (Some(list), _) => list.clone(),
            (None, Some(stage)) => {
                let source = self.rows.get(databases(stage).0).into_iter().flatten();
                source.map(|(key, _)| key.0).collect()
            }
            (None, None) => Vec::new(),
        };
        all.into_iter()
            .filter(|record| record > last)
            .take(count)
            .collect()
    }

    /// Carries one record through the stage of a pass.
    pub(super) fn carry(&mut self, pass: usize, record: i64) -> Became {
        self.passes[pass].last = record;
        let stage = stage_of(self.passes[pass].kind).expect("only stages carry records");
        let (source, target) = databases(stage);
        let present = self
            .rows
            .get(source)
            .and_then(|rows| rows.get(&plain(record)).cloned());
        let image = (source == target).then(|| self.image(stage, record)).flatten();
        let row = present.clone().or(image);
        let made = match &row {
            Some((id, data)) => make(stage, self.version, id, data),
            None => Made::Filter,
        };
        let outputs = match made {
            Made::Write(id, data) => vec![(plain(record), (id, data))],
            Made::Derive(parts) => parts
                .into_iter()
                .map(|(id, data)| ((record, id.clone()), (id, data)))
                .collect(),
            Made::Filter => Vec::new(),
            Made::Refuse => return self.refuse(pass, record, row),
        };
        let in_place = source == target;
        if outputs.is_empty() {
            return self.leave_out(pass, record, in_place.then_some(row).flatten());
        }
        for (_, (id, _)) in &outputs {
            let Some(owner) = self.owner(target, id).filter(|owner| owner.0 != record) else {
                continue;
            };
            let policy = if stage == 2 { self.replaces } else { None };
            match policy.unwrap_or(OnConflict::Refuse) {
                OnConflict::Refuse => return self.refuse(pass, record, row),
                OnConflict::Skip => return self.leave_out(pass, record, None),
                OnConflict::Replace => self.set(pass, target, owner, record, None),
            }
        }
        let stay: BTreeSet<&Key> = outputs.iter().map(|(key, _)| key).collect();
        for key in self.keys_of(target, record) {
            if !stay.contains(&key) {
                self.set(pass, target, key, record, None);
            }
        }
        for (key, row) in outputs {
            self.set(pass, target, key, record, Some(&row));
        }
        self.saw(pass, record, Became::Settled, None);
        Became::Settled
    }

    fn keys_of(&self, database: &str, record: i64) -> Vec<Key> {
        let rows = self.rows.get(database).into_iter().flatten();
        rows.map(|(key, _)| key.clone())
            .filter(|key| key.0 == record)
            .collect()
    }

    fn refuse(&mut self, pass: usize, record: i64, row: Option<Row>) -> Became {
        let (source, target) = databases(stage_of(self.passes[pass].kind).expect("a stage refuses"));
        if source == target {
            self.set(pass, target, plain(record), record, None);
        }
        self.saw(pass, record, Became::Refused, row);
        Became::Refused
    }

    /// Left out of a copy, what stood there goes; in place the record stays, or comes back, as it was.
    fn leave_out(&mut self, pass: usize, record: i64, in_place: Option<Row>) -> Became {
        let (source, target) = databases(stage_of(self.passes[pass].kind).expect("a stage filters"));
        if let Some(row) = in_place {
            if self.owner(target, &row.0).is_some_and(|owner| owner.0 != record) {
                return self.refuse(pass, record, Some(row));
            }
            self.set(pass, target, plain(record), record, Some(&row));
        } else if source != target {
            for key in self.keys_of(target, record) {
                self.set(pass, target, key, record, None);
            }
        }
        self.saw(pass, record, Became::Filtered, None);
        Became::Filtered
    }

    /// What a stage in place has refused, where that is the last thing that happened to the record there.
    fn image(&self, stage: u32, record: i64) -> Option<Row> {
        let refusal = self.seen.iter().rfind(|seen| {
            seen.record == record && stage_of(seen.kind) == Some(stage) && seen.became == Became::Refused
        })?;
        let since = self.seen.iter().any(|seen| {
            seen.at > refusal.at
                && seen.record == record
                && seen.database == databases(stage).1
                && (seen.after || (seen.became == Became::Filtered && !matches!(seen.kind, Kind::Waive(_))))
        });
        (!since).then(|| refusal.image.clone()).flatten()
    }

    pub(super) fn waive(&mut self, stage: u32, run: i64) -> usize {
        let refused = self.refused(stage);
        if refused.is_empty() {
            return 0;
        }
        let pass = self.begin(Kind::Waive(stage), run);
        self.passes[pass].ended = true;
        for record in &refused {
            self.saw(pass, *record, Became::Filtered, None);
        }
        refused.len()
    }

    /// Undoes whole passes: their changes, newest first.
    pub(super) fn undo(&mut self, passes: &[usize]) {
        self.undo_while(passes, |_, _| true);
    }

    /// Undoes passes change by change, the newest first, while each is possible; tells whether one was not.
    fn undo_while(&mut self, passes: &[usize], possible: impl Fn(&Self, &Change) -> bool) -> bool {
        let mut changes: Vec<Change> = Vec::new();
        for pass in passes {
            changes.extend(self.passes[*pass].changes.clone());
            self.passes[*pass].undone = true;
        }
        changes.sort_by_key(|change| std::cmp::Reverse(change.at));
        for change in changes {
            if self.is_overwritten(&change, passes) {
                self.cut_out(&change);
                continue;
            }
            if !possible(self, &change) {
                return true;
            }
            self.restore(&change);
        }
        false
    }

    /// What stands on a change stands on what was beneath it from now on.
    fn cut_out(&mut self, cut: &Change) {
        let standing = self.passes.iter_mut().filter(|pass| !pass.undone);
        let changes = standing.flat_map(|pass| &mut pass.changes);
        let above = changes
            .filter(|change| change.database == cut.database && change.key == cut.key && change.at > cut.at);
        if let Some(next) = above.min_by_key(|change| change.at) {
            next.before.clone_from(&cut.before);
        }
    }

    /// Whether a load or an earlier stage, outside of what is undone, has written again what the stage in place had
    /// changed: then the row has the shape from before the stage already.
    fn is_overwritten(&self, change: &Change, undone: &[usize]) -> bool {
        let standing = self.passes.iter().enumerate();
        let mut others = standing.filter(|(at, pass)| !pass.undone && !undone.contains(at));
        let in_place = |stage: u32| databases(stage).0 == databases(stage).1;
        stage_of(change.kind).is_some_and(in_place)
            && others.any(|(_, pass)| {
                let earlier = match pass.kind {
                    Kind::Load => true,
                    Kind::Apply(stage) | Kind::Retry(stage) => Some(stage) < stage_of(change.kind),
                    _ => false,
                };
                let again = |other: &Change| {
                    other.at > change.at && other.database == change.database && other.key == change.key
                };
                earlier && pass.changes.iter().any(again)
            })
    }

    fn restore(&mut self, change: &Change) {
        let rows = self.rows.entry(change.database).or_default();
        match &change.before {
            Some(row) => rows.insert(change.key.clone(), row.clone()),
            None => rows.remove(&change.key),
        };
    }

    /// The newest pass, not a load, whose change of the row stands, with the source record that it was done for.
    pub(super) fn newest_change(&self, database: &str, id: &str) -> Option<(usize, i64)> {
        let key = self.owner(database, id).or_else(|| self.gone(database, id))?;
        self.passes.iter().enumerate().rev().find_map(|(at, pass)| {
            let of_row = |change: &&Change| change.database == database && change.key == key;
            let change = pass.changes.iter().find(of_row)?;
            (!pass.undone && pass.kind != Kind::Load).then_some((at, change.record))
        })
    }

    /// The newest record that began with an id and has been in a database.
    fn gone(&self, database: &str, id: &str) -> Option<Key> {
        let origins = self.origins.iter().rev().filter(|(_, origin)| *origin == id);
        let mut records = origins.map(|(record, _)| *record);
        let was_there = |record: &i64| {
            let here = |written: &Written| written.record == *record && written.database == database;
            self.written.iter().any(here)
        };
        records.find(was_there).map(plain)
    }

    /// Whether a stage that stands has carried the record on after the pass.
    pub(super) fn is_carried_on(&self, pass: usize, database: &str, record: i64) -> bool {
        self.passes.iter().enumerate().any(|(at, later)| {
            at > pass
                && !later.undone
                && matches!(later.kind, Kind::Apply(stage) | Kind::Retry(stage) if databases(stage).0 == database)
                && later.changes.iter().any(|change| change.record == record)
        })
    }

    /// Undoes what a pass did for one record.
    pub(super) fn undo_single(&mut self, pass: usize, record: i64, run: i64) {
        let (mine, rest): (Vec<Change>, Vec<Change>) = std::mem::take(&mut self.passes[pass].changes)
            .into_iter()
            .partition(|change| change.record == record);
        self.passes[pass].changes = rest;
        for change in mine.iter().rev() {
            self.restore(change);
        }
        if let Some(stage) = stage_of(self.passes[pass].kind) {
            let single = self.begin(Kind::Single(stage), run);
            self.passes[single].ended = true;
            self.saw(single, record, Became::Settled, None);
        }
    }

    /// The standing passes that a rollback may name, by what fits.
    pub(super) fn standing(&self, fits: impl Fn(&Pass) -> bool) -> Vec<usize> {
        let all = self.passes.iter().enumerate();
        all.filter(|(_, pass)| !pass.undone && !matches!(pass.kind, Kind::Single(_)) && fits(pass))
            .map(|(at, _)| at)
            .collect()
    }

    pub(super) fn stage(pass: &Pass) -> Option<u32> {
        stage_of(pass.kind)
    }

    pub(super) fn newest_stage(&self) -> Option<u32> {
        STAGES.into_iter().rev().find(|stage| {
            !self
                .standing(|pass| stage_of(pass.kind) == Some(*stage))
                .is_empty()
        })
    }

    /// Whether a row would come back under an id that another row has by then, when these passes are undone change by
    /// change, the newest first.
    pub(super) fn needs_a_taken_id(&self, passes: &[usize]) -> bool {
        let mut trial = self.clone();
        trial.undo_while(passes, |model, change| {
            let id = change.before.as_ref().map(|row| row.0.as_str());
            let owner = id.and_then(|id| model.owner(change.database, id));
            owner.is_none_or(|owner| owner == change.key)
        })
    }

    /// Whether anything written from outside to a stage's target stands.
    pub(super) fn has_foreign_writes(&self) -> bool {
        self.passes.iter().any(|pass| {
            !pass.undone
                && matches!(pass.kind, Kind::Load | Kind::Edit)
                && pass
                    .changes
                    .iter()
                    .any(|change| matches!(change.database, "b" | "c"))
        })
    }

    /// Nothing is left to do for the stages up to a number.
    pub(super) fn is_up_to_date(&self, to: u32) -> bool {
        STAGES.into_iter().filter(|stage| *stage <= to).all(|stage| {
            self.is_applied(stage)
                && self.open(Kind::Apply(stage)).is_none()
                && self.waiting(stage).is_empty()
        })
    }
}

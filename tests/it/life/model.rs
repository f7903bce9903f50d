//! What a project's databases would be, had all stages run from scratch over the sources as they are: maps, lists and
//! loops, and no idea of a ledger.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::stages::{Conflict, Made, STAGES, Stage};

/// Id and data.
pub(super) type Row = (String, String);

/// What a file of records has come to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    /// So many lines are in the database.
    Open(usize),
    Whole,
}

/// What is known beside the store.
#[derive(Clone, Default)]
pub(super) struct Model {
    /// The databases that no stage writes to, in the order of arrival.
    sources: BTreeMap<String, Vec<Row>>,
    /// What was put by hand into databases that stages write to, where nothing stood under that id: as it came.
    hand: BTreeMap<String, Vec<Row>>,
    /// The files that were loaded, by database, name and lines.
    courses: BTreeMap<(String, String, Vec<String>), Course>,
}

/// Which stages there are, and which of them as revised.
pub(super) struct Applied<'a> {
    pub(super) stages: &'a BTreeSet<u32>,
    pub(super) revised: &'a BTreeSet<u32>,
}

impl Applied<'_> {
    pub(super) fn all(&self) -> impl Iterator<Item = &'static Stage> {
        STAGES.iter().filter(|stage| self.stages.contains(&stage.number))
    }

    fn make(&self, stage: &Stage, (id, data): &Row) -> Made {
        stage.make(id, data, self.revised.contains(&stage.number))
    }
}

impl Model {
    pub(super) fn source(&self, database: &str) -> &[Row] {
        self.sources.get(database).map_or(&[], Vec::as_slice)
    }

    /// Where a load of a file begins; `None` where the file is known as a whole.
    pub(super) fn begins(&self, database: &str, file: &str, lines: &[String]) -> Option<usize> {
        let mut begins = 0;
        for ((of, name, known), course) in &self.courses {
            match course {
                Course::Whole if of == database && known == lines => return None,
                Course::Open(at) if of == database && name == file && lines.starts_with(&known[..*at]) => {
                    begins = begins.max(*at);
                }
                _ => {}
            }
        }
        Some(begins)
    }

    /// Loads the lines of a file between two places.
    pub(super) fn load(
        &mut self,
        database: &str,
        file: &str,
        lines: &[String],
        (from, to): (usize, usize),
        replace: bool,
    ) {
        let rows = self.sources.entry(database.to_owned()).or_default();
        for line in &lines[from..to] {
            let Ok(value) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let id = value["id"].as_str().expect("records have ids").to_owned();
            match rows.iter_mut().find(|row| row.0 == id) {
                Some(row) if replace => row.1.clone_from(line),
                Some(_) => {}
                None => rows.push((id, line.clone())),
            }
        }
        let is_same = |name: &str, of: &str, known: &[String], course: &Course| {
            of == database
                && name == file
                && matches!(course, Course::Open(at) if lines.starts_with(&known[..*at]))
        };
        self.courses
            .retain(|(of, name, known), course| !is_same(name, of, known, course));
        let key = (database.to_owned(), file.to_owned(), lines.to_vec());
        let course = if to == lines.len() {
            Course::Whole
        } else {
            Course::Open(to)
        };
        if to > 0 {
            self.courses.insert(key, course);
        }
    }

    /// The files that were cut off.
    pub(super) fn cut_off(&self) -> Vec<(String, String)> {
        let open = self
            .courses
            .iter()
            .filter(|(_, course)| **course != Course::Whole);
        open.map(|((database, file, _), _)| (database.clone(), file.clone()))
            .collect()
    }

    pub(super) fn delete(&mut self, database: &str, id: &str) {
        for rows in [&mut self.sources, &mut self.hand] {
            if let Some(rows) = rows.get_mut(database) {
                rows.retain(|row| row.0 != id);
            }
        }
    }

    /// A row was put by hand where none was.
    pub(super) fn put_by_hand(&mut self, database: &str, row: Row) {
        self.hand.entry(database.to_owned()).or_default().push(row);
    }

    pub(super) fn is_by_hand(&self, database: &str, id: &str) -> bool {
        self.hand
            .get(database)
            .is_some_and(|rows| rows.iter().any(|row| row.0 == id))
    }

    /// What a target would be, given what its stages read, as it is.
    pub(super) fn scratch(
        &self,
        target: &str,
        applied: &Applied<'_>,
        is: &BTreeMap<String, Vec<Row>>,
    ) -> BTreeMap<String, String> {
        let mut table: BTreeMap<String, String> =
            self.hand.get(target).into_iter().flatten().cloned().collect();
        for stage in applied.all().filter(|stage| stage.target == target) {
            if stage.in_place() {
                let rows = std::mem::take(&mut table).into_iter();
                let made = rows.filter_map(|row| match applied.make(stage, &row) {
                    Made::Write(id, data) => Some((id, data)),
                    Made::Filter => Some(row),
                    Made::Refuse | Made::Parts(_) => None,
                });
                table = made.collect();
            } else {
                for row in is.get(stage.source).into_iter().flatten() {
                    put(&mut table, stage.on_conflict, applied.make(stage, row));
                }
            }
        }
        table
    }

    /// What a stage in place refuses of a target, as it came to that stage.
    pub(super) fn refused_in_place(
        &self,
        target: &str,
        applied: &Applied<'_>,
        is: &BTreeMap<String, Vec<Row>>,
    ) -> Vec<Row> {
        let in_place: Vec<u32> = applied
            .all()
            .filter(|stage| stage.target == target && stage.in_place())
            .map(|stage| stage.number)
            .collect();
        let Some(first) = in_place.first() else {
            return Vec::new();
        };
        let before: BTreeSet<u32> = applied
            .stages
            .iter()
            .copied()
            .filter(|number| number < first)
            .collect();
        let raw = Applied {
            stages: &before,
            revised: applied.revised,
        };
        let came = self.scratch(target, &raw, is);
        let stays = self.scratch(target, applied, is);
        came.into_iter()
            .filter(|(id, _)| !stays.contains_key(id))
            .collect()
    }
}

fn put(table: &mut BTreeMap<String, String>, on_conflict: Conflict, made: Made) {
    let parts = match made {
        Made::Write(id, data) => vec![(id, data)],
        Made::Parts(parts) => parts,
        Made::Filter | Made::Refuse => return,
    };
    if on_conflict == Conflict::Refuse && parts.iter().any(|(id, _)| table.contains_key(id)) {
        return;
    }
    for (id, data) in parts {
        if on_conflict == Conflict::Replace || !table.contains_key(&id) {
            table.insert(id, data);
        }
    }
}

//! What the reason of a refusal names by numbers: the part of a derived record, and the record that has a key. Reasons hold
//! no value, so that their ids are looked up when they are shown: from the row, or by carrying the record once more.

use std::collections::HashMap;

use super::{Quarantined, standing};
use crate::context::Context;
use crate::error::Result;
use crate::expression::Scope;
use crate::ledger::read::{self, salt};
use crate::ledger::split_whole;
use crate::lineage::Origin;
use crate::path::{Path, Segment};
use crate::record::Record;
use crate::stage::{LineagePlace, Stage};
use crate::store::{Store, Table};

/// Something that a refusal names by its number.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Named {
    /// A part of the record, or another record.
    pub what: NamedKind,
    /// The number of the part, or of the record.
    pub number: i64,
    /// The part before it that was given the same id, where that is what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<i64>,
    /// The database in which it is, or would be.
    pub database: String,
    /// Its id there, `[redacted]` where it is made of what is redacted; `None` where it has none: a part that was refused
    /// before it was given one, a record that has gone.
    pub id: Option<String>,
    /// Where a part stands in the source record, as a JSON Pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub child: Option<String>,
    /// The rule under which another record has the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// What a refusal names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NamedKind {
    /// One of the records that the refused one would become.
    Part,
    /// The record that has its key under a rule.
    Holder,
}

/// What stands for an id that must not show.
const HIDDEN: &str = "[redacted]";
/// The most that is looked up of one refusal.
const MOST: usize = 5;

/// Looks up what refusals name. Each stage is read once.
#[derive(Debug)]
pub struct Naming<'s> {
    store: &'s Store,
    /// What is redacted, whichever stage says so.
    redact: Vec<Path>,
    /// By the batch that refused: what it was carried with.
    batches: HashMap<i64, Option<Carrier>>,
}

/// What a batch carried records with.
#[derive(Debug)]
struct Carrier {
    project: String,
    stage: Stage,
    now_us: i64,
    /// Whether the ids that it gives are made of what is redacted.
    hides_ids: bool,
}

/// A path as lineages have them: an element of a list stands for all of them.
fn of_every_element(path: &Path) -> Path {
    let segments = path.segments().iter().map(|segment| match segment {
        Segment::Index(_) => Segment::Each,
        Segment::Key(key) if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) => {
            Segment::Each
        }
        other => other.clone(),
    });
    Path::of(segments.collect())
}

impl<'s> Naming<'s> {
    /// For refusals of a store, and what is redacted there beside what the refusing stages redact themselves.
    #[must_use]
    pub fn of(store: &'s Store, redact: &[Path]) -> Self {
        Self {
            store,
            redact: redact.to_vec(),
            batches: HashMap::new(),
        }
    }

    /// What a refusal names: the first five.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn named(&mut self, refused: &Quarantined) -> Result<Vec<Named>> {
        let Some(database) = &refused.database else {
            return Ok(Vec::new());
        };
        let mut named: Vec<Named> = Vec::new();
        let mut add = |new: Named| {
            let is_there =
                |old: &Named| (old.what, old.number, &old.rule) == (new.what, new.number, &new.rule);
            if named.len() < MOST && !named.iter().any(is_there) {
                named.push(new);
            }
        };
        for violation in &refused.reason.violations {
            if let Some(part) = &violation.part {
                add(Named {
                    what: NamedKind::Part,
                    number: part.number,
                    other: part.other.filter(|_| violation.code == "derive.same_id"),
                    database: database.clone(),
                    id: None,
                    child: part.child.clone(),
                    rule: None,
                });
            }
            if let Some(holder) = &violation.holder {
                add(Named {
                    what: NamedKind::Holder,
                    number: holder.record,
                    other: None,
                    database: database.clone(),
                    id: self.id_of(database, holder.record)?,
                    child: None,
                    rule: violation.rule.clone(),
                });
            }
        }
        if named.iter().any(|named| named.what == NamedKind::Part) {
            self.name_parts(refused, &mut named)?;
        }
        if !named.is_empty()
            && self
                .carrier(refused.batch)?
                .is_some_and(|carrier| carrier.hides_ids)
        {
            for id in named.iter_mut().filter_map(|named| named.id.as_mut()) {
                HIDDEN.clone_into(id);
            }
        }
        Ok(named)
    }

    fn id_of(&self, database: &str, record: i64) -> Result<Option<String>> {
        let (connection, table) = (self.store.connection(), Table::of(database)?);
        if !table.exists(connection)? {
            return Ok(None);
        }
        let row = table.by_number(connection, record)?;
        Ok(row.map(|row| row.record.id))
    }

    /// The ids that the stage gave the parts. Stages are pure: carried once more, the record becomes the same.
    fn name_parts(&mut self, refused: &Quarantined, named: &mut [Named]) -> Result<()> {
        let Some(record) = self.as_refused(refused)? else {
            return Ok(());
        };
        let store = self.store;
        let salt = salt(store.connection(), refused.record)?;
        let Some(carrier) = self.carrier(refused.batch)? else {
            return Ok(());
        };
        let mut scope = Scope::new(Context {
            project: &carrier.project,
            stage: carrier.stage.number(),
            id: &record.id,
            salt,
            now_us: carrier.now_us,
            secrets: &store.surroundings().secrets,
            limits: store.options().limits,
            roundings: None,
            tally: None,
        });
        scope.note_parts();
        // What is asked for are the ids that it gives on the way.
        let _ = carrier.stage.transform_in(&record, &mut scope);
        let parts = named.iter_mut().filter(|named| named.what == NamedKind::Part);
        for part in parts {
            part.id = scope.part_id(part.number).map(str::to_owned);
        }
        Ok(())
    }

    /// The record as it was refused; `None` where its image is gone.
    fn as_refused(&self, refused: &Quarantined) -> Result<Option<Record>> {
        let body = standing::image(self.store.connection(), refused)?;
        let found = body.as_deref().and_then(split_whole);
        Ok(found.map(|(id, data)| Record {
            record: refused.record,
            id: id.to_owned(),
            data: data.to_owned(),
        }))
    }

    /// Whether a stage makes ids of what is redacted: where they come from is followed through the whole of it.
    fn hides_ids(&self, stage: &Stage) -> bool {
        let lineage = stage.lineage();
        let mut redacted = self.redact.iter().chain(stage.redact());
        let meets = |path: &Path| {
            let own = Origin::Field(of_every_element(path));
            let sources = lineage.fields.get(&LineagePlace::Id).into_iter().flatten();
            sources
                .filter(|source| !source.masked)
                .any(|source| source.origin.meets(&own))
        };
        redacted.any(meets)
    }

    /// The stage as it was applied then; `None` where the ledger's text does not give it, as of one built in Rust.
    fn carrier(&mut self, batch: i64) -> Result<Option<&Carrier>> {
        if !self.batches.contains_key(&batch) {
            let connection = self.store.connection();
            let pass = match standing::pass_of(connection, batch)? {
                Some(pass) => read::pass(connection, pass)?,
                None => None,
            };
            let carrier = pass.and_then(|pass| {
                let row = pass.row.stage?;
                let stage = Stage::as_applied(row.number, &row.slug, &row.source_text, &row.meaning)?;
                Some(Carrier {
                    project: row.project,
                    now_us: pass.row.now_us,
                    hides_ids: self.hides_ids(&stage),
                    stage,
                })
            });
            // Refusals come in the order of their batches: only the newest is asked for again.
            self.batches.clear();
            self.batches.insert(batch, carrier);
        }
        Ok(self.batches.get(&batch).and_then(Option::as_ref))
    }
}

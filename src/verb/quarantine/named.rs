//! What the reason of a refusal names by numbers: the part of a derived record, and the record that has a key. Reasons
//! hold no values, so their ids are looked up when they are shown: from the row, or by processing the record again.

use std::collections::HashMap;

use super::input::RetriedInput;
use crate::context::Context;
use crate::engine::{Answers, looking_up};
use crate::error::Result;
use crate::expression::Scope;
use crate::history::HiddenIds;
use crate::ledger::quarantine::Quarantined;
use crate::ledger::read::{self, salt};
use crate::lookup::Lookups;
use crate::path::Path;
use crate::record::{BatchId, REDACTED, RecordNumber};
use crate::stage::Stage;
use crate::store::{Store, Table};

/// Something that a refusal names by its number.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Named {
    /// A part of the record, or another record.
    pub what: NamedKind,
    /// Number of the part, or of the record.
    pub number: i64,
    /// Earlier part with the same id, if that is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<i64>,
    /// Database in which it is, or would be.
    pub database: String,
    /// Id there, `[redacted]` if it is derived from redacted values; `None` if it has none: a part that was refused
    /// before it was given one, or a record that is gone.
    pub id: Option<String>,
    /// Place of the part in the source record, as a JSON Pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub child: Option<String>,
    /// Rule under which another record has the key.
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

/// Maximum number of characters of an id that are shown.
const LETTERS: usize = 80;

impl Named {
    /// Describes it with the id; `None` when there is nothing to say beyond the number.
    #[must_use]
    pub fn in_words(&self) -> Option<String> {
        let cut = |id: &String| match id.char_indices().nth(LETTERS) {
            Some((at, _)) => format!("{}\u{2026}", &id[..at]),
            None => id.clone(),
        };
        let (number, database) = (self.number, &self.database);
        Some(match (self.what, self.other, self.id.as_ref().map(cut)) {
            (NamedKind::Part, Some(other), Some(id)) => {
                format!("parts {other} and {number} have the id `{id}`")
            }
            (NamedKind::Part, None, Some(id)) => format!("part {number} has the id `{id}`"),
            (NamedKind::Holder, _, Some(id)) => format!("record {number} of {database} is `{id}`"),
            (NamedKind::Holder, _, None) => format!("record {number} has left {database}"),
            _ => return None,
        })
    }
}

/// Maximum number of look-ups for one refusal.
const MOST: usize = 5;

/// Looks up what refusals name. Reads each stage once.
#[derive(Debug)]
pub struct Naming<'s> {
    store: &'s Store,
    /// Paths that any stage redacts.
    redact: Vec<Path>,
    hidden: Option<HiddenIds>,
    /// Stage that processed each refusing batch.
    batches: HashMap<BatchId, Option<BatchStage>>,
}

/// The stage that a batch processed records with.
#[derive(Debug)]
struct BatchStage {
    project: String,
    stage: Stage,
    now_us: i64,
}

impl<'s> Naming<'s> {
    /// Creates a look-up for the refusals of a store; `redact` adds to what the stages in its ledger redact.
    #[must_use]
    pub fn new(store: &'s Store, redact: &[Path]) -> Self {
        Self {
            store,
            redact: redact.to_vec(),
            hidden: None,
            batches: HashMap::new(),
        }
    }

    /// Returns the first five things that a refusal names.
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
                    number: holder.record.get(),
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
        for named in named.iter_mut().filter(|named| named.id.is_some()) {
            if self.hidden()?.hides(&named.database) {
                named.id = Some(REDACTED.to_owned());
            }
        }
        Ok(named)
    }

    /// Returns the databases whose ids must not be shown; looks them up once.
    fn hidden(&mut self) -> Result<&HiddenIds> {
        if self.hidden.is_none() {
            let mut redact = self.store.redacted_paths()?;
            redact.extend(self.redact.iter().cloned());
            self.hidden = Some(HiddenIds::new(self.store, [], &redact)?);
        }
        Ok(self.hidden.get_or_insert_default())
    }

    fn id_of(&self, database: &str, record: RecordNumber) -> Result<Option<String>> {
        let (connection, table) = (self.store.connection(), Table::from_name(database)?);
        if !table.exists(connection)? {
            return Ok(None);
        }
        let row = table.by_number(connection, record)?;
        Ok(row.map(|row| row.record.id))
    }

    /// Looks up the ids that the stage gave the parts. Stages are pure: processed again, the record gives the same
    /// result.
    fn name_parts(&mut self, refused: &Quarantined, named: &mut [Named]) -> Result<()> {
        let Some(RetriedInput::Record(record)) = RetriedInput::new(self.store.connection(), refused)? else {
            return Ok(());
        };
        let store = self.store;
        let salt = salt(store.connection(), refused.record)?;
        let Some(carrier) = self.carrier(refused.batch)? else {
            return Ok(());
        };
        let wanted = named.iter_mut().filter(|named| named.what == NamedKind::Part);
        let mut wanted: Vec<&mut Named> = wanted.collect();
        let ids_of_parts = |lookups: Option<&dyn Lookups>| {
            let mut scope = Scope::new(Context {
                project: &carrier.project,
                stage: carrier.stage.number(),
                id: &record.id,
                salt,
                now_us: carrier.now_us,
                secrets: &store.environment().secrets,
                limits: store.options().limits,
                probe: None,
                lookups,
            });
            scope.note_parts();
            // Only the ids that the stage gives along the way are needed.
            let _ = carrier.stage.transform_in(&record, &mut scope);
            let ids = wanted
                .iter()
                .map(|part| scope.part_id(part.number).map(str::to_owned));
            ids.collect::<Vec<Option<String>>>()
        };
        let answers = Answers::of(&carrier.stage);
        let ids = looking_up(store.connection(), answers.as_ref(), ids_of_parts)?;
        for (part, id) in wanted.iter_mut().zip(ids) {
            part.id = id;
        }
        Ok(())
    }

    /// Returns the stage as it was applied then; `None` when the ledger's text does not define it, as for a stage built
    /// in Rust.
    fn carrier(&mut self, batch: BatchId) -> Result<Option<&BatchStage>> {
        if !self.batches.contains_key(&batch) {
            let connection = self.store.connection();
            let pass = match read::pass_of(connection, batch)? {
                Some(pass) => read::pass(connection, pass)?,
                None => None,
            };
            let carrier = pass.and_then(|pass| {
                let row = pass.row.stage?;
                let stage = Stage::as_applied(row.number, &row.slug, &row.source_text, &row.meaning)?;
                Some(BatchStage {
                    project: row.project,
                    now_us: pass.row.now_us,
                    stage,
                })
            });
            // Refusals come in the order of their batches, so only the newest batch is needed again.
            self.batches.clear();
            self.batches.insert(batch, carrier);
        }
        Ok(self.batches.get(&batch).and_then(Option::as_ref))
    }
}

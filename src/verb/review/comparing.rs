//! What the comparison of single pairs needs: the stage as it was judged, and what of its members may be seen.

use std::collections::{BTreeMap, HashMap};

use super::compared::{ComparedField, ComparedMember};
use super::pair::Side;
use super::values::{ShownMember, ShownValues};
use crate::engine::MergeAsJudged;
use crate::error::Result;
use crate::ledger::processed::{first_database, first_id};
use crate::ledger::review::bands;
use crate::matching::{Bits, Blocks, Likeness, PairScore, Scorer, What, in_words};
use crate::record::{REDACTED, Record, RecordNumber};
use crate::stage::{Stages, role_name};
use crate::store::{Store, Table};

/// What compares the pairs of one stage.
pub(super) struct Comparing<'c, 's> {
    pub(super) store: &'c Store,
    pub(super) judged: &'c MergeAsJudged<'s>,
    pub(super) scorer: &'c Scorer<'c>,
    source: Table,
    pub(super) shown: ShownValues<'c>,
    blocks: Option<Blocks>,
    members: HashMap<RecordNumber, ComparedMember>,
    decided_by: HashMap<RecordNumber, String>,
    /// The pairs that wait for a decision, by their records.
    pub(super) waiting: BTreeMap<(RecordNumber, RecordNumber), String>,
}

impl<'c, 's> Comparing<'c, 's> {
    pub(super) fn new(
        store: &'c Store,
        stages: &Stages,
        judged: &'c MergeAsJudged<'s>,
        scorer: &'c Scorer<'c>,
    ) -> Result<Self> {
        Ok(Self {
            shown: ShownValues::new(store, stages, judged.stage, judged.merge)?,
            source: Table::from_name(judged.stage.source())?,
            store,
            judged,
            scorer,
            blocks: None,
            members: HashMap::new(),
            decided_by: HashMap::new(),
            waiting: bands(store.connection(), stages.project(), judged.stage.number())?,
        })
    }

    /// Masks no value and no id.
    pub(super) fn revealing(self) -> Self {
        Self {
            shown: ShownValues::revealed(self.judged.merge),
            ..self
        }
    }

    /// Returns a member with its values; `None` if the record is not one.
    pub(super) fn shown_member(&self, record: RecordNumber) -> Result<Option<ShownMember>> {
        let Some(at) = self.judged.index_of(record) else {
            return Ok(None);
        };
        let row = self.source.by_number(self.store.connection(), record)?;
        row.map(|row| self.shown.member(at, &row.record)).transpose()
    }

    /// Describes a member.
    pub(super) fn member(&mut self, record: RecordNumber) -> Result<ComparedMember> {
        if let Some(known) = self.members.get(&record) {
            return Ok(known.clone());
        }
        let connection = self.store.connection();
        let row: Option<Record> = self.source.by_number(connection, record)?.map(|row| row.record);
        let id = match row {
            Some(row) => Some(row.id),
            None => first_id(connection, record)?,
        };
        let golden = self.judged.golden(record);
        let member = ComparedMember {
            side: Side {
                record,
                id: id.map(|id| {
                    if self.shown.hides_ids {
                        REDACTED.to_owned()
                    } else {
                        id
                    }
                }),
            },
            system: first_database(connection, record)?,
            golden,
            members: golden.map_or(0, |golden| self.judged.members_of(golden).len() as u64),
        };
        self.members.insert(record, member.clone());
        Ok(member)
    }

    /// Says of each compared field what it says of a pair.
    pub(super) fn fields(&self, a: &ShownMember, b: &ShownMember, score: &PairScore) -> Vec<ComparedField> {
        let (features, comparison) = (self.judged.features(), &self.scorer.comparison);
        let slots = comparison.slots.iter().zip(&score.slots);
        let fields = slots.map(|(slot, said)| {
            let fields = match slot.what {
                What::Field(field) => vec![field],
                What::Group(group) => {
                    let parts = comparison.group(group).levels.iter().flatten();
                    let mut fields: Vec<usize> = Vec::new();
                    for part in parts {
                        if !fields.contains(&part.field) {
                            fields.push(part.field);
                        }
                    }
                    fields
                }
            };
            let mut redacted = false;
            let mut side = |member: &ShownMember| {
                let mut texts: Vec<String> = Vec::new();
                for field in &fields {
                    let value = self.shown.field(features, member, *field);
                    redacted |= value.redacted;
                    texts.extend(value.text);
                }
                texts.dedup_by(|one, other| one == REDACTED && one == other);
                (!texts.is_empty()).then(|| texts.join(", "))
            };
            ComparedField {
                name: slot.name.clone(),
                role: role_name(slot.role).to_owned(),
                a: side(a),
                b: side(b),
                redacted,
                level: said.likeness.map(|likeness| match (likeness, slot.what) {
                    (Likeness::Together(level), What::Group(group)) => self.group_level(group, level),
                    _ => in_words(likeness, slot.bins > 1),
                }),
                bits: Bits::new(said.weight),
            }
        });
        fields.collect()
    }

    /// Names the fields that agree at a level of a group.
    fn group_level(&self, group: usize, level: u8) -> String {
        let fields = &self.judged.settings().fields;
        let parts = self.scorer.comparison.group(group).levels.get(usize::from(level));
        let named = |similar: bool| -> Vec<&str> {
            let parts = parts.into_iter().flatten();
            parts
                .filter(|part| part.similar == similar)
                .map(|part| fields[part.field].name.as_str())
                .collect()
        };
        let said = [("equal", named(false)), ("similar", named(true))];
        let said = said.into_iter().filter(|(_, names)| !names.is_empty());
        let said: Vec<String> = said
            .map(|(word, names)| format!("{word} {}", names.join(", ")))
            .collect();
        said.join(", ")
    }

    /// Returns the name of a slot.
    pub(super) fn slot_name(&self, slot: usize) -> &str {
        let slot = self.scorer.comparison.slots.get(slot);
        slot.map_or("?", |slot| slot.name.as_str())
    }

    /// Returns the blocks of the stage's keys, which are found once.
    pub(super) fn blocks(&mut self) -> Result<&Blocks> {
        let blocks = match self.blocks.take() {
            Some(blocks) => blocks,
            None => self.judged.blocks()?,
        };
        Ok(self.blocks.insert(blocks))
    }

    /// Returns what brought a member to its golden record: `auto`, `rule` or `review`.
    pub(super) fn decided_by(&mut self, record: RecordNumber) -> Result<Option<&str>> {
        let number = self.judged.stage.number();
        if !self.decided_by.contains_key(&record) {
            let golden = self.store.golden(&[record])?;
            let members = golden.iter().filter(|golden| golden.stage == number);
            for member in members.flat_map(|golden| &golden.members) {
                self.decided_by.insert(member.record, member.decided_by.clone());
            }
        }
        Ok(self.decided_by.get(&record).map(String::as_str))
    }
}

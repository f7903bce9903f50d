//! Merges built in Rust.

use rust_decimal::Decimal;

use super::compiled::Merge;
use super::draft::{
    Draft, DraftBlock, DraftConflict, DraftField, DraftGroup, DraftSurvival, DraftWeight, Written,
};
use super::kind::KindRow;
use super::survival::Survive;
use crate::matching::{Caution, Classes, Compare, Join, Kind, Role, Then};
use crate::problem::Problem;
use crate::reading::Reading;
use crate::toml::Collected;

impl Merge {
    /// Begins the merge of a stage that is built in Rust.
    #[expect(
        clippy::new_ret_no_self,
        reason = "`Merge::new()` begins the builder, as `Stage::new` does"
    )]
    pub fn new() -> MergeBuilder {
        MergeBuilder::default()
    }
}

/// A builder of merges in Rust, for [`StageBuilder::merge`](crate::stage::StageBuilder::merge). Where a value is a
/// path, it may also be an expression that begins with `= `.
///
/// ```
/// use counterfoil::stage::{Merge, Stage, Survive};
///
/// let merge = Merge::new()
///     .identity("given", "name.first")
///     .identity("birth", "dob")
///     .shared("surname", "name.last")
///     .survive("allergies", Survive::Union);
/// let stage = Stage::new(4, "people").source("register").target("people").merge(merge).build()?;
/// assert!(stage.merge().is_some());
/// # Ok::<(), counterfoil::Problems>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct MergeBuilder {
    draft: Draft,
}

/// More about a field of a merge, for [`MergeBuilder::field`].
#[derive(Clone, Debug)]
#[must_use]
pub struct MergeField {
    draft: DraftField,
}

/// A blocking key of a merge, for [`MergeBuilder::block`]: members that agree in all its parts are compared.
#[derive(Clone, Debug)]
#[must_use]
pub struct MergeBlock {
    draft: DraftBlock,
}

impl MergeField {
    /// Begins a field with this name.
    pub fn new(name: &str) -> Self {
        Self {
            draft: DraftField::new(Written::by_program(name)),
        }
    }

    /// Sets where its value comes from: a path, or an expression that begins with `= `.
    pub fn value(mut self, value: &str) -> Self {
        self.draft.value = Some(Written::by_program(value));
        self
    }

    /// Sets what it holds. Default: by its name.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.draft.kind = Some(KindRow::of(kind));
        self
    }

    /// Sets how two values are compared. Default: by its kind.
    pub fn compare(mut self, compare: Compare) -> Self {
        self.draft.compare = Some(compare);
        self
    }

    /// Sets the similarities, in thousandths and descending from 1000, at which its levels end. Default: by its
    /// comparison.
    pub fn levels(mut self, levels: impl IntoIterator<Item = u16>) -> Self {
        let levels = levels.into_iter().map(|level| Decimal::new(i64::from(level), 3));
        self.draft.levels = Some(levels.collect());
        self
    }

    /// Sets the field whose value may stand in its place, and the other way round.
    pub fn swap(mut self, field: &str) -> Self {
        self.draft.swap = Some(Written::by_program(field));
        self
    }

    /// Sets whether agreement on a rare value counts more. Default: by its kind.
    pub fn frequency(mut self, frequency: bool) -> Self {
        self.draft.frequency = Some(frequency);
        self
    }

    /// Sets what agreement in it says.
    pub fn role(mut self, role: Role) -> Self {
        self.draft.role = Some(role);
        self
    }
}

impl MergeBlock {
    /// Makes a key of these parts, each an expression over the names of the fields.
    pub fn new<'k>(key: impl IntoIterator<Item = &'k str>) -> Self {
        Self {
            draft: DraftBlock {
                key: key.into_iter().map(Written::by_program).collect(),
                limit: None,
                refine: Vec::new(),
                place: None,
            },
        }
    }

    /// Sets the size of the largest block that is compared as it is. Default: 500.
    pub fn limit(mut self, limit: usize) -> Self {
        self.draft.limit = Some(limit);
        self
    }

    /// Adds a part that is added to the key where a block is larger. Default: chosen from the fields.
    pub fn refine(mut self, part: &str) -> Self {
        self.draft.refine.push(Written::by_program(part));
        self
    }
}

impl MergeBuilder {
    /// Adds a field that must be equal, as must all others added so: instead of a model, all of them are the key.
    pub fn by(mut self, name: &str, value: &str) -> Self {
        self.draft.by.push(MergeField::new(name).value(value).draft);
        self
    }

    /// Adds a field that identifies: without agreement in one of these, two members are never one.
    pub fn identity(self, name: &str, value: &str) -> Self {
        self.listed(name, value, Role::Identity)
    }

    /// Adds a field that members of a household share.
    pub fn shared(self, name: &str, value: &str) -> Self {
        self.listed(name, value, Role::Shared)
    }

    fn listed(mut self, name: &str, value: &str, role: Role) -> Self {
        let mut field = MergeField::new(name).value(value).draft;
        field.listed = Some(role);
        if self.draft.field(name).is_some() {
            self.draft.problems.push(super::read_values::twice(
                &field.name,
                "in two roles, or twice in one",
            ));
        } else {
            self.draft.fields.push(field);
        }
        self
    }

    /// Adds a field, or says more about one that was added before.
    pub fn field(mut self, field: MergeField) -> Self {
        let field = field.draft;
        match self.draft.field(&field.name.text) {
            Some(known) => {
                *known = DraftField {
                    listed: known.listed,
                    value: field.value.clone().or_else(|| known.value.take()),
                    ..field
                };
            }
            None => self.draft.fields.push(field),
        }
        self
    }

    /// Adds a group of fields that determine each other, so that they count once. Each level lists the fields that agree,
    /// the strongest level first; `~` before a name: it is enough that they are similar. Default: the parts of a place.
    pub fn group<'n, L: IntoIterator<Item = &'n str>>(
        mut self,
        name: &str,
        levels: impl IntoIterator<Item = L>,
    ) -> Self {
        let level = |level: L| level.into_iter().map(Written::by_program).collect();
        self.draft.groups.get_or_insert_default().push(DraftGroup {
            name: Written::by_program(name),
            levels: levels.into_iter().map(level).collect(),
        });
        self
    }

    /// Declares that no fields determine each other, not even the parts of a place.
    pub fn without_groups(mut self) -> Self {
        self.draft.groups = Some(Vec::new());
        self
    }

    /// Adds a blocking key. Default: chosen from the fields.
    pub fn block(mut self, block: MergeBlock) -> Self {
        self.draft.blocks.push(block.draft);
        self
    }

    /// Adds a condition on two members `a` and `b` that speaks against merging them.
    pub fn conflict(mut self, name: &str, when: &str, then: Then) -> Self {
        self.draft.conflicts.push(DraftConflict {
            name: Written::by_program(name),
            when: Written::by_program(when),
            then,
        });
        self
    }

    /// Gives the weights of a field or group, in millibits: one for each level, and the last for disagreement. With
    /// weights nothing is learned, so that all fields and groups need them.
    pub fn weight(mut self, of: &str, millibits: impl IntoIterator<Item = i32>) -> Self {
        let bits = millibits.into_iter().map(|bits| Decimal::new(i64::from(bits), 3));
        self.draft.weights.push(DraftWeight {
            of: Written::by_program(of),
            bits: bits.collect(),
        });
        self
    }

    /// Sets the number of classes that the model distinguishes. Default: three if there are shared fields.
    pub fn classes(mut self, classes: Classes) -> Self {
        self.draft.classes = Some(classes);
        self
    }

    /// Sets how strictly the identity rule holds. Default: [`Caution::High`].
    pub fn caution(mut self, caution: Caution) -> Self {
        self.draft.caution = Some(caution);
        self
    }

    /// Sets the least probability of a pair that is merged without a person, in parts per million. Default: 990,000.
    pub fn auto(mut self, ppm: u32) -> Self {
        self.draft.auto = Some(Decimal::new(i64::from(ppm), 6));
        self
    }

    /// Sets the least probability of a pair that is shown to a person, in parts per million. Default: 500,000.
    pub fn review(mut self, ppm: u32) -> Self {
        self.draft.review = Some(Decimal::new(i64::from(ppm), 6));
        self
    }

    /// Sets the share of all pairs that are one, in parts per million million. Default: estimated.
    pub fn prior(mut self, parts: u64) -> Self {
        self.draft.prior = Some(Decimal::from(parts) / Decimal::from(1_000_000_000_000_u64));
        self
    }

    /// Sets what two clusters need to be joined. Default: [`Join::Mean`].
    pub fn join(mut self, join: Join) -> Self {
        self.draft.join = Some(join);
        self
    }

    /// Sets the most members of a cluster. Default: 25.
    pub fn max(mut self, members: usize) -> Self {
        self.draft.most = Some(members);
        self
    }

    /// Sets an expression over a member: a cluster has at most one member of each of its values. Default: none.
    pub fn one_per(mut self, expression: &str) -> Self {
        self.draft.one_per = Some(Written::by_program(expression));
        self
    }

    /// Sets how fields without a rule survive. Default: [`Survive::MostComplete`].
    pub fn survive_default(mut self, rule: Survive) -> Self {
        self.draft.survivals.push(DraftSurvival {
            path: None,
            rule,
            of: None,
            whole: false,
        });
        self
    }

    /// Sets how the field at a path survives.
    pub fn survive(mut self, path: &str, rule: Survive) -> Self {
        self.push_survival(path, rule, false);
        self
    }

    /// Sets how everything at and below a path survives: all of it from one member.
    pub fn survive_whole(mut self, path: &str, rule: Survive) -> Self {
        self.push_survival(path, rule, true);
        self
    }

    fn push_survival(&mut self, path: &str, rule: Survive, whole: bool) {
        self.draft.survivals.push(DraftSurvival {
            path: Some(Written::by_program(path)),
            rule,
            of: None,
            whole,
        });
    }

    /// Sets a field of the golden record that says which member each value comes from, by its id: an object of JSON
    /// Pointers. A member alone is its golden record, without this field. Default: none.
    pub fn provenance(mut self, field: &str) -> Self {
        self.draft.provenance = Some(Written::by_program(field));
        self
    }

    /// Sets the most candidate pairs. Default: 50 million.
    pub fn max_pairs(mut self, pairs: u64) -> Self {
        self.draft.pairs = Some(pairs);
        self
    }

    /// Sets the most memory, in bytes. Default: 512 MiB.
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.draft.memory = Some(bytes);
        self
    }

    /// Compiles the merge; expressions count lines and columns within themselves.
    pub(in crate::stage) fn compile(self, reading: &Reading<'_>) -> Result<Merge, Vec<Problem>> {
        let mut problems = Collected::default();
        let merge = self.draft.compile(reading, &mut problems);
        let problems = problems.sorted();
        match merge {
            Some(merge) if problems.is_empty() => Ok(merge),
            _ => Err(problems),
        }
    }
}

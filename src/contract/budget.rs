//! How much work a schema makes of a record: bounded before the validator begins, which is not to be interrupted.
//!
//! Schemas refer to each other, and a schema that refers to another twice for the same value doubles the work; twenty such
//! steps, or a recursive schema and a record of depth twenty, are a million times as much. What is counted here is how
//! often the validator would look at a value by a schema at most. The count goes as the validator would and gives up where
//! there are too many, so that it needs no memory and takes no longer than the most that is allowed.

mod reading;
mod unfolding;

use serde_json::Value as Parsed;

use self::reading::{Applied, Below};
use self::unfolding::{Unfolding, doubles, longest_chain};
use super::tree::{Tree, TreeFields};

/// So many looks are always allowed.
const STEPS: u64 = 1_000_000;
/// So many for every value of a record: a large one has many.
const STEPS_PER_VALUE: u64 = 16;
/// And never more than so many: what is counted in some tenth of a second.
const MOST_STEPS: u64 = 32_000_000;
/// So many looks may be looks that find something wrong, each of which the validator keeps with a kilobyte of words.
const TOLD: u64 = 20_000;
/// The deepest chain of schemas and values: what the stack of a thread holds in any build.
const DEPTH: u32 = 1_000;
/// A chain of schemas that is no longer than this, in a schema that does not recur, keeps to that depth in any record.
const SHALLOW: usize = 8;
/// So often one value may be looked at over again before it is remarked on.
const OFTEN: u64 = 1_000;

/// The schemas of a whole, and what a record may cost.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    schemas: Vec<Applied>,
    /// How often it looks at a record at most, for each value of it; `None` where the records have to be counted.
    looks: Option<u64>,
    /// How often each look is made.
    again: u64,
    /// What there is to say about the schema.
    remark: Option<BudgetReason>,
}

/// Why a schema can make too much work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BudgetReason {
    /// It refers to itself without going down into a value: it would never end.
    Endless,
    /// It refers to itself more than once for the same value, so that every level of a record doubles the work.
    Doubles,
    /// Unfolded it is more than a million schemas.
    Unfolds,
    /// Schemas that leave out what others have looked at stand inside one another, and each doubles the work.
    LeavesOut,
}

/// A record would take more steps than are allowed, or go deeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exceeded;

/// How much can be said of what is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    Everything,
    /// The first that is found.
    First,
    /// That there is something.
    Nothing,
}

impl Budget {
    /// Looks at a schema that is valid.
    pub(super) fn from_schema(schema: &Parsed) -> Self {
        let Some(schemas) = reading::read(schema) else {
            return Self {
                schemas: Vec::new(),
                looks: None,
                again: 1,
                remark: Some(BudgetReason::Unfolds),
            };
        };
        let mut unfolding = Unfolding::new(&schemas);
        let unfolded = unfolding.unfolded();
        let chain = longest_chain(&schemas);
        let remark = if chain.is_none() {
            Some(BudgetReason::Endless)
        } else if unfolding.recurs && doubles(&schemas) {
            Some(BudgetReason::Doubles)
        } else if unfolded.schemas > STEPS {
            Some(BudgetReason::Unfolds)
        } else if unfolded.again > OFTEN {
            Some(BudgetReason::LeavesOut)
        } else {
            None
        };
        let is_counted = unfolding.recurs || chain.is_none_or(|length| length > SHALLOW);
        Self {
            looks: (!is_counted).then_some(unfolded.looks),
            again: unfolded.again,
            schemas,
            remark,
        }
    }

    /// What there is to say about the schema itself.
    pub(super) fn remark(&self) -> Option<BudgetReason> {
        self.remark
    }

    /// Whether a record keeps within the budget.
    pub(super) fn allows(&self, record: &Tree<'_>) -> Result<(), Exceeded> {
        if self.is_below(STEPS, record) {
            return Ok(());
        }
        let most = MOST_STEPS.min(STEPS.max(STEPS_PER_VALUE * record.size(MOST_STEPS)));
        self.count(record, most / self.again).map(|_| ())
    }

    /// How much may be said of a record that breaks the schema, and that the budget allows. The validator gathers
    /// everything that is wrong before it tells the first, and of alternatives also where only the first is asked for.
    pub(super) fn describe(&self, record: &Tree<'_>) -> Detail {
        if self.is_below(TOLD, record) {
            return Detail::Everything;
        }
        match self.count(record, MOST_STEPS) {
            Ok(counted) if counted.all <= TOLD => Detail::Everything,
            Ok(counted) if counted.of_alternatives <= TOLD => Detail::First,
            _ => Detail::Nothing,
        }
    }

    /// Whether so many looks are enough for a record, whatever it looks like, as far as its size alone tells.
    fn is_below(&self, steps: u64, record: &Tree<'_>) -> bool {
        self.looks.is_some_and(|looks| {
            let values = steps / looks.saturating_mul(self.again);
            record.size(values + 1) <= values
        })
    }

    fn count(&self, record: &Tree<'_>, most: u64) -> Result<Counted, Exceeded> {
        let mut counting = CheckCounter {
            schemas: &self.schemas,
            left: most,
            of_alternatives: 0,
        };
        counting.look(0, record, DEPTH)?;
        Ok(Counted {
            all: most - counting.left,
            of_alternatives: counting.of_alternatives,
        })
    }
}

/// The looks at a record.
struct Counted {
    all: u64,
    /// The most by alternatives for one value.
    of_alternatives: u64,
}

/// The looks at one record, as they are counted.
struct CheckCounter<'b> {
    schemas: &'b [Applied],
    /// How many more there may be.
    left: u64,
    of_alternatives: u64,
}

impl CheckCounter<'_> {
    fn look(&mut self, schema: usize, value: &Tree<'_>, depth: u32) -> Result<(), Exceeded> {
        let schemas = self.schemas;
        let applied = schemas.get(schema).ok_or(Exceeded)?;
        self.take(1 + applied.asks)?;
        if applied.is_last() {
            return Ok(());
        }
        let depth = depth.checked_sub(1).ok_or(Exceeded)?;
        let before = self.left;
        for (_, inner) in &applied.here {
            self.look(*inner, value, depth)?;
        }
        if applied.has_alternatives {
            self.of_alternatives = self.of_alternatives.max(before - self.left);
        }
        match value {
            Tree::Object(fields) => {
                self.fields(applied, fields, depth)?;
            }
            Tree::List(parts) => {
                for (below, inner) in &applied.below {
                    let (first, most) = match below {
                        Below::Part(number) => (*number, 1),
                        Below::Parts(first) => (*first, usize::MAX),
                        _ => continue,
                    };
                    for part in parts.iter().skip(first).take(most) {
                        self.look(*inner, part, depth)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn fields(&mut self, applied: &Applied, fields: &TreeFields<'_>, depth: u32) -> Result<(), Exceeded> {
        let named = &applied.named;
        // The names of the smaller side are looked up on the other.
        if fields.len() <= named.len() {
            self.take(fields.len() as u64)?;
            for (name, value) in fields.iter() {
                if let Some(inner) = named.get(&**name) {
                    self.look(*inner, value, depth)?;
                }
            }
        } else {
            self.take(named.len() as u64)?;
            for (name, inner) in named {
                if let Some(value) = fields.get(name) {
                    self.look(*inner, value, depth)?;
                }
            }
        }
        for (below, inner) in &applied.below {
            if !matches!(below, Below::Others | Below::Any | Below::Names) {
                continue;
            }
            for (name, value) in fields.iter() {
                match below {
                    Below::Others if named.contains_key(&**name) => self.take(1)?,
                    Below::Names => self.look(*inner, &Tree::Null, depth)?,
                    _ => self.look(*inner, value, depth)?,
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, looks: u64) -> Result<(), Exceeded> {
        self.left = self.left.checked_sub(looks).ok_or(Exceeded)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

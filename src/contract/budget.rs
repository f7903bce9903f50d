//! Bounds the work that a schema causes for a record before the validator begins, because the validator cannot be
//! interrupted.
//!
//! Schemas refer to each other, and a schema that refers to another twice for the same value doubles the work; twenty
//! such steps, or a recursive schema and a record of depth twenty, multiply it by a million. The count is an upper
//! bound of how often the validator would check a value against a schema. Counting follows the validator's path and
//! stops at the limit, so that it needs no memory and takes no longer than the maximum allows.

mod reading;
mod unfolding;

use serde_json::Value as Parsed;

use self::reading::{Applied, Below};
use self::unfolding::{Unfolding, doubles, longest_chain};
use super::tree::{Tree, TreeFields};

/// This many checks are always allowed.
const STEPS: u64 = 1_000_000;
/// Additional checks for every value of a record: a large record has many values.
const STEPS_PER_VALUE: u64 = 16;
/// The upper limit in any case: counting this many takes a fraction of a second.
const MOST_STEPS: u64 = 32_000_000;
/// Number of failing checks allowed; the validator keeps about a kilobyte of text for each.
const TOLD: u64 = 20_000;
/// The maximum depth of a chain of schemas and values: what fits on the stack of a thread in any build.
const DEPTH: u32 = 1_000;
/// A chain of schemas up to this length, in a schema without recursion, keeps within that depth in any record.
const SHALLOW: usize = 8;
/// A value may be checked again this often before a remark.
const OFTEN: u64 = 1_000;

/// The schemas of a document, and the maximum cost of a record.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    schemas: Vec<Applied>,
    /// The maximum number of checks of a record, for each value of it; `None` where the values have to be counted.
    looks: Option<u64>,
    /// How often each check is repeated.
    again: u64,
    /// The remark about the schema.
    remark: Option<BudgetReason>,
}

/// Why a schema can cause too much work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BudgetReason {
    /// The schema refers to itself without descending into a value: validation would never end.
    Endless,
    /// The schema refers to itself more than once for the same value, so that every level of a record doubles the work.
    Doubles,
    /// Unfolded, the schema consists of more than a million schemas.
    Unfolds,
    /// Schemas that exclude what others have evaluated are nested, and each doubles the work.
    LeavesOut,
}

/// A record would take more steps than allowed, or exceed the depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exceeded;

/// How much can be reported about a record's violations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    Everything,
    /// Only the first violation found.
    First,
    /// Only that there is a violation.
    Nothing,
}

impl Budget {
    /// Examines a valid schema.
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

    /// Returns the remark about the schema itself.
    pub(super) fn remark(&self) -> Option<BudgetReason> {
        self.remark
    }

    /// Checks whether a record keeps within the budget.
    pub(super) fn allows(&self, record: &Tree<'_>) -> Result<(), Exceeded> {
        if self.is_below(STEPS, record) {
            return Ok(());
        }
        let most = MOST_STEPS.min(STEPS.max(STEPS_PER_VALUE * record.size(MOST_STEPS)));
        self.count(record, most / self.again).map(|_| ())
    }

    /// Returns how much may be reported about a record that violates the schema and is within the budget. The validator
    /// collects all violations before it returns the first, and for alternatives even where only the first is
    /// requested.
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

    /// Whether this many steps suffice for any record of this size, judging by the size alone.
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

/// The counted checks of a record.
struct Counted {
    all: u64,
    /// The largest number of checks of alternatives for one value.
    of_alternatives: u64,
}

/// Counts the checks of one record.
struct CheckCounter<'b> {
    schemas: &'b [Applied],
    /// Number of checks that remain.
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
        // Look up the names of the smaller side in the other.
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

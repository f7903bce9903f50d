//! Golden records: the members of a cluster become one document.
//!
//! Objects are walked field by field, and each leaf survives by the rule of the longest path that covers it, or by the
//! default. A list is a leaf. A value of a golden record is always one that a member has, in the text that it has there.

mod choice;
mod filled;
mod golden;
mod member;
mod standing;
#[cfg(test)]
mod tests;

use super::survival::{Survival, SurvivalRule, Survive};
pub(crate) use golden::Golden;
pub(crate) use member::Member;

//! The results of a reconciliation.

use rust_decimal::Decimal;

use crate::engine::Stopped;
use crate::record::PassId;
use crate::record::RunId;

/// Results of the verb `reconcile`.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[non_exhaustive]
pub struct ReconcileReport {
    /// Run number; `None` if there was nothing to reconcile.
    pub run: Option<RunId>,
    /// Results by stage, in order.
    pub stages: Vec<StageReconciled>,
    /// Why it stopped early.
    pub stopped: Option<Stopped>,
}

impl ReconcileReport {
    /// Returns whether nothing is left unexplained.
    #[must_use]
    pub fn is_reconciled(&self) -> bool {
        self.stages.iter().all(StageReconciled::is_reconciled)
    }
}

/// The reconciliations of one stage.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct StageReconciled {
    /// Number of the stage.
    pub stage: u32,
    /// Name of the stage.
    pub slug: String,
    /// Database that the stage reads.
    pub source: String,
    /// Database that the stage writes.
    pub target: String,
    /// Whether it covered every record that the stage has processed, rather than those of some passes.
    pub whole: bool,
    /// Results: of a stage that aggregates, the readings and the sums that both sides have; then one for each
    /// `[[reconcile]]`. What `apply` has done is compared by its readings alone.
    pub reconciliations: Vec<Reconciliation>,
    /// Pass in the ledger that keeps the result.
    #[serde(skip)]
    pub pass: PassId,
}

impl StageReconciled {
    /// Returns whether nothing is left unexplained.
    #[must_use]
    pub fn is_reconciled(&self) -> bool {
        self.reconciliations
            .iter()
            .all(|reconciliation| reconciliation.holds)
    }
}

/// One side of a reconciliation. Amounts are exact.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Side {
    /// Number of records that have an amount.
    pub records: u64,
    /// Sum of the amounts.
    pub amount: Decimal,
    /// Sum of the amounts above zero.
    pub positive: Decimal,
    /// Sum of the amounts below zero.
    pub negative: Decimal,
    /// Smallest amount.
    pub least: Option<Decimal>,
    /// Largest amount.
    pub greatest: Option<Decimal>,
    /// Number of distinct keys, if there are keys; null counts as one.
    pub keys: Option<u64>,
}

/// The cause of a difference between a record's two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DifferenceCause {
    /// The stage refused it.
    Refused,
    /// The stage refused it, and it was waived.
    Waived,
    /// The stage left it out.
    Filtered,
    /// It came late, and the stage left it out.
    Late,
    /// The record, or a part of it, was left out because another record has its place in the target.
    Skipped,
    /// It was merged into another record.
    Merged,
    /// The stage has not processed it yet, or not what its source has become since.
    #[serde(rename = "not_carried")]
    NotProcessed,
    /// The stage holds its window back (`hold`).
    Held,
    /// The stage refused the current version, and the copy of an earlier one still exists.
    Stale,
    /// Another record has taken its place in the target since.
    Replaced,
    /// A load or an edit has changed its source or its target since.
    EditedSince,
    /// The stage has rounded by exactly that.
    Rounding,
    /// It has no amount in the source; with the others of its key it makes up for what was filtered there.
    Counterpart,
    /// Its amount cannot be read on either side.
    Unreadable,
    /// None of the other causes.
    Unexplained,
}

impl DifferenceCause {
    /// A cause, given by its JSON text, in words; a text that is no cause is shown as it is.
    #[must_use]
    pub fn words(json_text: &str) -> String {
        let cause: Result<Self, _> = serde_json::from_value(json_text.into());
        cause.map_or_else(|_| json_text.to_owned(), |cause| cause.name().to_owned())
    }

    /// The cause in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Waived => "waived",
            Self::Filtered => "filtered",
            Self::Late => "late",
            Self::Skipped => "skipped",
            Self::Merged => "merged",
            Self::NotProcessed => "not processed yet",
            Self::Held => "held back",
            Self::Stale => "stale",
            Self::Replaced => "replaced",
            Self::EditedSince => "edited since",
            Self::Rounding => "rounding",
            Self::Counterpart => "counterpart of filtered",
            Self::Unreadable => "unreadable",
            Self::Unexplained => "unexplained",
        }
    }
}

/// The part of a difference with one cause.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Attribution {
    /// Cause of this part.
    pub cause: DifferenceCause,
    /// Number of records.
    pub records: u64,
    /// Amount that they add to the difference, target minus source.
    pub amount: Decimal,
    /// Number of these records whose amount could not be determined.
    pub unmeasured: u64,
    /// Ids of the first of these records.
    pub ids: Vec<String>,
    /// For replaced records, the ids of the records that took their places: one for each of `ids`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
}

/// A key whose sums differ by more than the tolerance, apart from what is explained.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Discrepancy {
    /// The key; `None` is the group of records whose key is null.
    pub key: Option<String>,
    /// The target's sum minus the source's.
    pub difference: Decimal,
    /// The unexplained part of the difference.
    pub unexplained: Decimal,
}

/// The result of one `[[reconcile]]`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Reconciliation {
    /// Name of the rule.
    pub name: String,
    /// Largest difference that is not a discrepancy.
    pub tolerance: Decimal,
    /// Amounts of the source.
    pub source: Side,
    /// Amounts of the target.
    pub target: Side,
    /// The target's amount minus the source's.
    pub difference: Decimal,
    /// The causes that explain the difference.
    pub causes: Vec<Attribution>,
    /// The unexplained remainder over all keys.
    pub unexplained: Decimal,
    /// Number of keys with a remainder above the tolerance.
    pub discrepancies: u64,
    /// The first of these keys.
    pub keys: Vec<Discrepancy>,
    /// Number of differing records with a row that does not match the ledger; no tolerance covers them.
    pub behind: u64,
    /// Whether nothing remains beyond the tolerance, for any key and in total, and nothing was changed without a ledger
    /// entry.
    pub holds: bool,
}

//! What a reconciliation comes to.

use rust_decimal::Decimal;

use crate::engine::Stopped;
use crate::record::PassId;
use crate::record::RunId;

/// What a reconciliation came to.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[non_exhaustive]
pub struct ReconcileReport {
    /// The run's number; `None` when there was nothing to reconcile.
    pub run: Option<RunId>,
    /// The stages, in their order.
    pub stages: Vec<StageReconciled>,
    /// Why it stopped before its end.
    pub stopped: Option<Stopped>,
}

impl ReconcileReport {
    /// Whether nothing is left unexplained.
    #[must_use]
    pub fn is_reconciled(&self) -> bool {
        self.stages.iter().all(StageReconciled::is_reconciled)
    }
}

/// The reconciliations of one stage.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct StageReconciled {
    /// The stage's number.
    pub stage: u32,
    /// Its name.
    pub slug: String,
    /// The database that it reads.
    pub source: String,
    /// The database that it writes.
    pub target: String,
    /// Whether every record that the stage has carried was looked at; else those of some passes.
    pub whole: bool,
    /// One for each `[[reconcile]]`.
    pub reconciliations: Vec<Reconciliation>,
    /// The pass in the ledger that keeps the result.
    #[serde(skip)]
    pub pass: PassId,
}

impl StageReconciled {
    /// Whether nothing is left unexplained.
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
    /// The records that have an amount.
    pub records: u64,
    /// The sum of the amounts.
    pub amount: Decimal,
    /// The sum of those above zero.
    pub positive: Decimal,
    /// The sum of those below zero.
    pub negative: Decimal,
    /// The least.
    pub least: Option<Decimal>,
    /// The greatest.
    pub greatest: Option<Decimal>,
    /// The different keys, where there are keys; null is one of them.
    pub keys: Option<u64>,
}

/// Why both sides differ for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DifferenceCause {
    /// The stage has refused it.
    Refused,
    /// The stage has refused it, and it was waived.
    Waived,
    /// The stage has left it out.
    Filtered,
    /// It was left out, or a part of it, because another record has its place in the target.
    Skipped,
    /// It was merged into another.
    Merged,
    /// The stage has not carried it yet, or not what its source has become since.
    #[serde(rename = "not_carried")]
    NotProcessed,
    /// The stage has refused what it has become, and the copy of what it was still stands.
    Stale,
    /// Another record has taken its place in the target since.
    Replaced,
    /// A load or an edit has changed its source or its target since.
    EditedSince,
    /// The stage has rounded by exactly that.
    Rounding,
    /// It has no amount of its own in the source; with the others of its key it makes up for what was filtered there.
    Counterpart,
    /// Its amount cannot be read on either side.
    Unreadable,
    /// None of these.
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
            Self::Skipped => "skipped",
            Self::Merged => "merged",
            Self::NotProcessed => "not processed yet",
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

/// How much of a difference has one cause.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Attribution {
    /// The cause.
    pub cause: DifferenceCause,
    /// The records.
    pub records: u64,
    /// What they add to the difference, target less source.
    pub amount: Decimal,
    /// Those of them that have no amount that could be told.
    pub unmeasured: u64,
    /// The ids of the first of them.
    pub ids: Vec<String>,
    /// Of replaced records, the ids of those that have taken their places: one for each of `ids`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
}

/// A key whose sums differ by more than the tolerance, less what is explained.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Discrepancy {
    /// The key; `None` is the bucket of those that have null.
    pub key: Option<String>,
    /// The target's sum less the source's.
    pub difference: Decimal,
    /// What of it is not explained.
    pub unexplained: Decimal,
}

/// What one `[[reconcile]]` came to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Reconciliation {
    /// Its name.
    pub name: String,
    /// The largest difference that is not a discrepancy.
    pub tolerance: Decimal,
    /// The source.
    pub source: Side,
    /// The target.
    pub target: Side,
    /// The target's amount less the source's.
    pub difference: Decimal,
    /// What explains it, and what nothing explains.
    pub causes: Vec<Attribution>,
    /// What is left, over all keys.
    pub unexplained: Decimal,
    /// How many keys are left with more than the tolerance.
    pub discrepancies: u64,
    /// The first of them.
    pub keys: Vec<Discrepancy>,
    /// How many records differ of which a row is not what the ledger says; no tolerance covers them.
    pub behind: u64,
    /// Whether nothing is left beyond the tolerance, of any key and in total, and nothing was changed behind the ledger.
    pub holds: bool,
}

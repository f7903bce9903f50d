//! The results of the reconciliations of a run's stages, as the ledger keeps them.

use rusqlite::Connection;

use crate::error::Result;
use crate::ledger::reconciled;
use crate::record::RunId;
use crate::shown::utc;

/// A reconciliation of a stage.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct StageReconciliation {
    /// Run that reconciled; a later one if this run did not reach it.
    pub run: RunId,
    /// Time of the reconciliation, ISO 8601 in UTC.
    pub at: String,
    /// Number of the stage.
    pub stage: u32,
    /// Name of the stage.
    pub slug: String,
    /// Database that the stage reads.
    pub source: Option<String>,
    /// Database that the stage writes.
    pub target: Option<String>,
    /// Whether it covered everything that the stage processed, rather than the work of some passes.
    pub whole: bool,
    /// Results, one for each `[[reconcile]]`.
    pub results: Vec<ReconciliationResult>,
}

/// The result of one `[[reconcile]]`. Amounts are exact decimals, as texts.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct ReconciliationResult {
    /// Name of the rule.
    pub name: String,
    /// Tolerance: a difference is a discrepancy if it is strictly greater.
    pub tolerance: String,
    /// Number of source records that have an amount.
    pub source_records: u64,
    /// Sum of the source's amounts.
    pub source_amount: String,
    /// Number of target records that have an amount.
    pub target_records: u64,
    /// Sum of the target's amounts.
    pub target_amount: String,
    /// The target's amount minus the source's.
    pub difference: String,
    /// The causes that explain the difference.
    pub causes: Vec<CauseTotal>,
    /// The unexplained remainder.
    pub unexplained: String,
    /// Number of keys with a remainder above the tolerance.
    pub discrepancies: u64,
    /// Number of differing records with a row that does not match the ledger; older reconciliations did not check this.
    #[serde(default)]
    pub behind: u64,
    /// Whether nothing remains beyond the tolerance.
    pub holds: bool,
}

impl ReconciliationResult {
    /// Describes why the result does not hold.
    #[must_use]
    pub fn why_open(&self) -> Option<String> {
        if self.holds {
            return None;
        }
        let is_open = |cause: &&CauseTotal| cause.cause == "unexplained";
        let unmeasured = self
            .causes
            .iter()
            .find(is_open)
            .map_or(0, |cause| cause.unmeasured);
        let mut why = Vec::new();
        match self.discrepancies {
            0 => {}
            1 => why.push("1 key beyond the tolerance".to_owned()),
            keys => why.push(format!("{keys} keys beyond the tolerance")),
        }
        match unmeasured {
            0 => {}
            1 => why.push("1 record without an amount".to_owned()),
            records => why.push(format!("{records} records without an amount")),
        }
        match self.behind {
            0 => {}
            1 => why.push("1 record changed outside the ledger".to_owned()),
            records => why.push(format!("{records} records changed outside the ledger")),
        }
        if why.is_empty() {
            why.push("more than the tolerance".to_owned());
        }
        Some(why.join(", "))
    }

    /// Gives all amounts the same number of decimal places, so that they align; their values stay the same.
    fn aligned(mut self) -> Self {
        let own = [
            &mut self.tolerance,
            &mut self.source_amount,
            &mut self.target_amount,
            &mut self.difference,
            &mut self.unexplained,
        ];
        let of_causes = self.causes.iter_mut().map(|cause| &mut cause.amount);
        let mut amounts: Vec<&mut String> = own.into_iter().chain(of_causes).collect();
        let most = amounts.iter().map(|amount| places(amount)).max().unwrap_or(0);
        for amount in &mut amounts {
            let (had, digits) = (places(amount), amount.trim_start_matches('-'));
            if digits.is_empty()
                || !digits
                    .bytes()
                    .all(|digit| digit.is_ascii_digit() || digit == b'.')
            {
                continue;
            }
            if had == 0 && most > 0 {
                amount.push('.');
            }
            amount.extend(std::iter::repeat_n('0', most - had));
        }
        self
    }
}

/// Returns the number of digits after an amount's decimal point.
fn places(amount: &str) -> usize {
    amount.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

/// The part of a difference with one cause.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct CauseTotal {
    /// Name of the cause, as [`DifferenceCause`](crate::reconcile::DifferenceCause) is written.
    pub cause: String,
    /// Number of records.
    pub records: u64,
    /// Amount that they add to the difference.
    pub amount: String,
    /// Number of these records whose amount could not be determined.
    pub unmeasured: u64,
}

/// The remark of a reconciliation.
#[derive(serde::Deserialize)]
struct ReportRemark {
    whole: bool,
    reconciled: Vec<ReconciliationResult>,
}

/// Returns the reconciliations of a run and, of the later ones that covered what this run processed, the newest of each
/// stage.
pub(super) fn looks(connection: &Connection, run: RunId) -> Result<Vec<StageReconciliation>> {
    let mut looks: Vec<StageReconciliation> = Vec::new();
    for look in reconciled::looks(connection, run)? {
        // A remark of another kind has no result; `verify` detects whether it was changed.
        let Ok(remark) = serde_json::from_str::<ReportRemark>(&look.remark) else {
            continue;
        };
        let look = StageReconciliation {
            run: look.run,
            at: utc(look.committed_us),
            stage: look.stage,
            slug: look.slug,
            source: look.source,
            target: look.target,
            whole: remark.whole,
            results: remark
                .reconciled
                .into_iter()
                .map(ReconciliationResult::aligned)
                .collect(),
        };
        if look.run != run {
            looks.retain(|older| older.run == run || older.stage != look.stage);
        }
        looks.push(look);
    }
    Ok(looks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(unexplained: &str, tolerance: &str) -> ReconciliationResult {
        ReconciliationResult {
            name: String::new(),
            tolerance: tolerance.to_owned(),
            source_records: 1,
            source_amount: "12.5".to_owned(),
            target_records: 1,
            target_amount: "-3".to_owned(),
            difference: "-15.5".to_owned(),
            causes: vec![CauseTotal {
                cause: "unexplained".to_owned(),
                records: 11,
                amount: "0".to_owned(),
                unmeasured: 11,
            }],
            unexplained: unexplained.to_owned(),
            discrepancies: 0,
            behind: 0,
            holds: false,
        }
    }

    #[test]
    fn amounts_stand_one_below_the_other_and_say_what_they_said() {
        let aligned = result("0", "0.005").aligned();
        let described = [
            &aligned.tolerance,
            &aligned.source_amount,
            &aligned.target_amount,
            &aligned.unexplained,
            &aligned.causes[0].amount,
        ];
        assert_eq!(described, ["0.005", "12.500", "-3.000", "0.000", "0.000"]);
        let whole = result("7", "").aligned();
        assert_eq!(
            (whole.unexplained.as_str(), whole.tolerance.as_str()),
            ("7.0", "")
        );
    }

    #[test]
    fn what_does_not_hold_says_why() {
        let mut open = result("0", "0");
        assert_eq!(open.why_open().unwrap(), "11 records without an amount");
        open.discrepancies = 1;
        assert_eq!(
            open.why_open().unwrap(),
            "1 key beyond the tolerance, 11 records without an amount"
        );
        (open.discrepancies, open.causes, open.behind) = (0, Vec::new(), 2);
        assert_eq!(open.why_open().unwrap(), "2 records changed outside the ledger");
        open.behind = 0;
        assert_eq!(open.why_open().unwrap(), "more than the tolerance");
        open.holds = true;
        assert!(open.why_open().is_none());
    }
}

//! What stands in quarantine, by stage and code, as several commands tell of it in the end.

use counterfoil::quarantine::{quarantine_totals, quarantine_totals_of};
use counterfoil::store::Store;
use serde_json::{Value as Json, json};

use super::failure::Failure;
use super::render::{bold, count, table};

/// How many records stand in quarantine that one stage has refused with one code.
#[derive(Clone, Debug)]
pub(crate) struct QuarantineTotal {
    /// `None`: a load has refused them.
    pub(crate) stage: Option<u32>,
    pub(crate) code: String,
    pub(crate) records: u64,
}

impl From<(Option<u32>, String, u64)> for QuarantineTotal {
    fn from((stage, code, records): (Option<u32>, String, u64)) -> Self {
        Self { stage, code, records }
    }
}

/// What stands in quarantine of a project.
pub(crate) fn totals(store: &Store, project: &str) -> Result<Vec<QuarantineTotal>, Failure> {
    let totals = quarantine_totals(store, project)?;
    Ok(totals.into_iter().map(Into::into).collect())
}

/// What stands in quarantine of what one pass has refused.
pub(crate) fn totals_of_pass(store: &Store, pass: i64) -> Result<Vec<QuarantineTotal>, Failure> {
    let totals = quarantine_totals_of(store, pass)?;
    Ok(totals.into_iter().map(Into::into).collect())
}

/// The records of all of them.
pub(crate) fn records(totals: &[QuarantineTotal]) -> u64 {
    totals.iter().map(|total| total.records).sum()
}

/// The table of refusals under its heading; empty where there is none.
pub(crate) fn refusals(refused: &[QuarantineTotal]) -> String {
    if refused.is_empty() {
        return String::new();
    }
    format!("\n{}\n{}", bold("In quarantine"), refusals_table(refused))
}

/// The table of refusals.
pub(crate) fn refusals_table(refused: &[QuarantineTotal]) -> String {
    let rows = refused
        .iter()
        .map(|total| vec![refused_by(total.stage), total.code.clone(), count(total.records)]);
    table(&["refused by", "code", ">records"], rows)
}

pub(crate) fn refusals_json(refused: &[QuarantineTotal]) -> Json {
    refused
        .iter()
        .map(|total| json!({ "stage": total.stage, "code": total.code, "records": total.records }))
        .collect()
}

/// `stage 2`, or `load`.
pub(crate) fn refused_by(stage: Option<u32>) -> String {
    stage.map_or_else(|| "load".to_owned(), |stage| format!("stage {stage}"))
}

//! What stands in quarantine, by stage and code, as several commands tell of it in the end.

pub(crate) use counterfoil::quarantine::QuarantineTotal;
use counterfoil::record::PassId;
use counterfoil::store::Store;
use serde_json::{Value as Json, json};

use super::failure::Failure;
use super::render::{bold, count, table};

/// What stands in quarantine of a project.
pub(crate) fn totals(store: &Store, project: &str) -> Result<Vec<QuarantineTotal>, Failure> {
    Ok(store.quarantine_totals(project)?)
}

/// What stands in quarantine of what one pass has refused.
pub(crate) fn totals_of_pass(store: &Store, pass: PassId) -> Result<Vec<QuarantineTotal>, Failure> {
    Ok(store.quarantine_totals_of_pass(pass)?)
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

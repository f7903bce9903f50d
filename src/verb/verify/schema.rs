//! Verifies the tables, triggers and views of the ledger against their built-in text, and everything else beside them:
//! a foreign trigger changes data without an entry, and a changed view shows an auditor false information.

use rusqlite::Connection;

use super::outcome::{Finding, VerifyReport};
use crate::error::Result;
use crate::store::derived::derived_problems;
use crate::store::schema::{damage, differences, version};

pub(super) fn verify(connection: &Connection, report: &mut VerifyReport) -> Result<()> {
    let version = version(connection)?;
    for difference in differences(connection, version)? {
        report.found(finding(difference.code, difference.message));
    }
    for problem in derived_problems(connection, version)? {
        // Once is enough: the statements refill the whole table.
        let mut mend = format!("; `{}` fixes it", problem.mended_by);
        for batch in problem.batches {
            let message = problem.what.to_owned() + &std::mem::take(&mut mend);
            report.found(Finding {
                batch,
                ..finding("schema.derived", message)
            });
        }
    }
    Ok(())
}

/// Tables of the ledger that are not read row by row elsewhere.
const SMALL: [&str; 5] = [
    "ledger_stage",
    "ledger_run",
    "ledger_pass",
    "ledger_checkpoint",
    "ledger_erasure",
];

/// Runs SQLite's structure check on the small tables and their indexes.
pub(super) fn structure(connection: &Connection, report: &mut VerifyReport) {
    for table in SMALL {
        for problem in damage(connection, table) {
            report.found(finding("file.damaged", format!("the table `{table}`: {problem}")));
        }
    }
}

fn finding(code: &'static str, message: String) -> Finding {
    Finding {
        code,
        batch: None,
        database: None,
        record: None,
        message,
    }
}

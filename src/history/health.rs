//! What monitoring asks for, by a few look-ups: who ran last, what stands open, how old the quarantine is, and what was
//! refused of late.

use chrono::DateTime;
use rusqlite::{OptionalExtension as _, params};

use super::unfinished::{UnfinishedPass, unfinished};
use crate::error::Result;
use crate::store::checkpoints::signed;
use crate::store::{SignedUpTo, Store};

/// What is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// What the newest run that has read records has refused.
    LastRun,
    /// What was refused in so many microseconds before now.
    Time(i64),
}

/// How a store does.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Health {
    /// The newest run that wrote.
    pub last_run: Option<LastRun>,
    /// The passes that have begun and not ended.
    pub unfinished: Vec<UnfinishedPass>,
    /// How many records stand in quarantine.
    pub quarantined: u64,
    /// When the oldest of them was refused, ISO 8601 in UTC.
    pub oldest_refusal: Option<String>,
    /// How many seconds ago that was.
    pub oldest_refusal_age: Option<u64>,
    /// How many of them were refused of late.
    pub refused_since: u64,
    /// How far the ledger is signed; `None` where nothing of it is.
    pub signed: Option<SignedUpTo>,
}

/// A run that wrote.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LastRun {
    /// Its number.
    pub run: i64,
    /// Its command.
    pub command: String,
    /// When it committed last, ISO 8601 in UTC.
    pub at: String,
    /// How many seconds ago that was.
    pub age: u64,
}

/// How a store does, as far as a project is concerned.
///
/// # Errors
/// When the ledger cannot be read.
pub fn health(store: &Store, project: &str, since: Since) -> Result<Health> {
    let connection = store.connection();
    let now = store.surroundings().clock.now_us();
    let age = |at: i64| (now - at).max(0).unsigned_abs() / 1_000_000;
    let last = "SELECT r.run, r.command, b.committed_us FROM ledger_batch b JOIN ledger_run r ON r.run=b.run
     ORDER BY b.batch DESC LIMIT 1";
    let last_run = connection.query_row(last, [], |row| {
        let at: i64 = row.get(2)?;
        Ok(LastRun {
            run: row.get(0)?,
            command: row.get(1)?,
            at: iso(at),
            age: age(at),
        })
    });
    let (first_run, first_us) = match since {
        Since::LastRun => {
            let sql = "SELECT b.run FROM ledger_batch b JOIN ledger_pass p ON p.pass=b.pass
             WHERE b.read>0 AND p.kind IN('load','apply','retry') ORDER BY b.batch DESC LIMIT 1";
            let run: Option<i64> = connection
                .prepare_cached(sql)?
                .query_row([], |row| row.get(0))
                .optional()?;
            (run.unwrap_or(i64::MAX), i64::MIN)
        }
        Since::Time(us) => (i64::MIN, now.saturating_sub(us)),
    };
    let sql = "SELECT count(*), min(b.committed_us), coalesce(sum(b.run>=?2 AND b.committed_us>=?3),0)
     FROM audit_quarantine q JOIN ledger_batch b ON b.batch=q.batch WHERE q.project IS NULL OR q.project=?1";
    let (quarantined, oldest, new): (i64, Option<i64>, i64) = connection
        .prepare_cached(sql)?
        .query_row(params![project, first_run, first_us], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    Ok(Health {
        last_run: last_run.optional()?,
        unfinished: unfinished(store)?,
        quarantined: quarantined.unsigned_abs(),
        oldest_refusal: oldest.map(iso),
        oldest_refusal_age: oldest.map(age),
        refused_since: new.unsigned_abs(),
        signed: signed(connection)?,
    })
}

fn iso(us: i64) -> String {
    let at = DateTime::from_timestamp_micros(us).unwrap_or_default();
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

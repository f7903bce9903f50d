//! What monitoring asks for, by a few look-ups: who ran last, what stands open, how old the quarantine is, and what was
//! refused of late.

use std::collections::HashSet;

use chrono::DateTime;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::unfinished::{UnfinishedPass, unfinished};
use crate::error::Result;
use crate::store::checkpoints::signed;
use crate::store::{SignedUpTo, Store};

/// What is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// What the newest load of a database has refused, and the newest run of a stage, unless a database that feeds the
    /// stage was loaded since. So a load and the apply after it are both seen, and what was refused before them is not
    /// told for ever.
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
    /// By whom.
    pub refused_by: Vec<RefusedBy>,
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

/// What one pass has refused of late.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RefusedBy {
    /// What it did: `load`, `apply` or `retry`.
    pub kind: String,
    /// The number of its stage; a load has none.
    pub stage: Option<u32>,
    /// The database that it loaded, or that the stage fills.
    pub database: String,
    /// The run that worked on it last.
    pub run: i64,
    /// How many records it has refused.
    pub records: u64,
}

/// A pass that has refused what still stands in quarantine.
struct Refusing {
    pass: i64,
    stage: Option<(String, u32)>,
    source: Option<String>,
    by: RefusedBy,
    oldest_us: i64,
    records: i64,
    /// How many of them in the time that is asked for.
    in_time: i64,
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
    let first_us = match since {
        Since::LastRun => i64::MIN,
        Since::Time(us) => now.saturating_sub(us),
    };
    let refusing = refusing(connection, project, first_us)?;
    let oldest = refusing.iter().map(|pass| pass.oldest_us).min();
    let quarantined: i64 = refusing.iter().map(|pass| pass.records).sum();
    let mut refused_by = Vec::new();
    for pass in refusing {
        if pass.in_time > 0 && (since != Since::LastRun || is_newest(connection, &pass)?) {
            refused_by.push(pass.by);
        }
    }
    Ok(Health {
        last_run: last_run.optional()?,
        unfinished: unfinished(store)?,
        quarantined: quarantined.unsigned_abs(),
        oldest_refusal: oldest.map(iso),
        oldest_refusal_age: oldest.map(age),
        refused_since: refused_by.iter().map(|by| by.records).sum(),
        refused_by,
        signed: signed(connection)?,
    })
}

/// The passes that have refused what still stands in quarantine, in their order.
fn refusing(connection: &Connection, project: &str, first_us: i64) -> Result<Vec<Refusing>> {
    let sql = "SELECT q.pass, q.kind, q.project, q.number, q.source, q.database,
      (SELECT run FROM ledger_batch WHERE pass=q.pass ORDER BY batch DESC LIMIT 1),
      count(*), min(b.committed_us), sum(b.committed_us>=?2)
     FROM audit_quarantine q JOIN ledger_batch b ON b.batch=q.batch
     WHERE q.project IS NULL OR q.project=?1 GROUP BY q.pass ORDER BY q.pass";
    let read = |row: &Row<'_>| {
        let (project, number): (Option<String>, Option<u32>) = (row.get(2)?, row.get(3)?);
        let in_time: i64 = row.get(9)?;
        let database: Option<String> = row.get(5)?;
        Ok(Refusing {
            pass: row.get(0)?,
            stage: project.zip(number),
            source: row.get(4)?,
            by: RefusedBy {
                kind: row.get(1)?,
                stage: number,
                database: database.unwrap_or_default(),
                run: row.get(6)?,
                records: in_time.unsigned_abs(),
            },
            records: row.get(7)?,
            oldest_us: row.get(8)?,
            in_time,
        })
    };
    let mut statement = connection.prepare_cached(sql)?;
    let passes = statement.query_map(params![project, first_us], read)?;
    Ok(passes.collect::<rusqlite::Result<_>>()?)
}

/// Whether no run has read records for the same since: after a load, for its database; after a pass of a stage, for the
/// stage, or into a database that feeds it.
fn is_newest(connection: &Connection, pass: &Refusing) -> Result<bool> {
    let Some((project, number)) = &pass.stage else {
        return Ok(!was_loaded_since(connection, &pass.by.database, pass)?);
    };
    let sql = "SELECT EXISTS(SELECT 1 FROM ledger_stage s JOIN ledger_pass p ON p.stage=s.stage JOIN ledger_batch b ON b.pass=p.pass
     WHERE s.project=?1 AND s.number=?2 AND p.kind IN('apply','retry') AND p.pass>?3 AND b.read>0 AND b.run>?4)";
    let is_followed: bool = connection
        .prepare_cached(sql)?
        .query_row(params![project, number, pass.pass, pass.by.run], |row| row.get(0))?;
    if is_followed {
        return Ok(false);
    }
    for database in feeding(connection, pass.source.as_deref())? {
        if was_loaded_since(connection, &database, pass)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn was_loaded_since(connection: &Connection, database: &str, pass: &Refusing) -> Result<bool> {
    let sql = "SELECT EXISTS(SELECT 1 FROM ledger_pass p JOIN ledger_batch b ON b.pass=p.pass
     WHERE p.target=?1 AND p.pass>?2 AND p.kind='load' AND b.read>0 AND b.run>?3)";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![database, pass.pass, pass.by.run], |row| row.get(0))?)
}

/// The databases whose records come to a database, by whatever stages, itself included.
fn feeding(connection: &Connection, database: Option<&str>) -> Result<HashSet<String>> {
    // All passes of a revision read and fill the same two.
    let sql = "SELECT p.source, p.target FROM ledger_stage s
     JOIN ledger_pass p ON p.pass=(SELECT pass FROM ledger_pass WHERE stage=s.stage LIMIT 1)
     WHERE p.source IS NOT NULL AND p.target IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let routes = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let routes: Vec<(String, String)> = routes.collect::<rusqlite::Result<_>>()?;
    let mut feeding: HashSet<String> = database.map(str::to_owned).into_iter().collect();
    loop {
        let leads_here =
            |(source, target): &&(String, String)| feeding.contains(target) && !feeding.contains(source);
        let Some((source, _)) = routes.iter().find(leads_here) else {
            return Ok(feeding);
        };
        feeding.insert(source.clone());
    }
}

fn iso(us: i64) -> String {
    let at = DateTime::from_timestamp_micros(us).unwrap_or_default();
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

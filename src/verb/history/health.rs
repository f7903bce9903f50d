//! What monitoring needs, by a few look-ups: the last run, the open passes, the age of the quarantine, and recent
//! refusals.

use std::collections::HashSet;

use rusqlite::Connection;

use crate::engine::UnfinishedPass;
use crate::error::Result;
use crate::ledger::open::was_loaded_after;
use crate::ledger::refusers::{RefusingPass, refusing_passes};
use crate::ledger::revisions::{StageDatabases, all_ends};
use crate::ledger::runs::newest_commit;
use crate::ledger::stage_history::has_read_after;
use crate::record::RunId;
use crate::shown::utc;
use crate::store::checkpoints::signed;
use crate::store::{SignedUpTo, Store};

/// Which refusals count as recent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Refusals of the newest load of each database, and of the newest run of each stage unless a database that feeds
    /// the stage was loaded since. A load and the apply after it are therefore both seen, and older refusals are not
    /// reported forever.
    LastRun,
    /// Refusals within this number of microseconds before now.
    Time(i64),
}

/// Health of a store.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Health {
    /// Newest run that wrote.
    pub last_run: Option<LastRun>,
    /// Passes that have begun and not ended.
    pub unfinished: Vec<UnfinishedPass>,
    /// Number of records in quarantine.
    pub quarantined: u64,
    /// Time of the oldest refusal among them, ISO 8601 in UTC.
    pub oldest_refusal: Option<String>,
    /// Number of seconds since then.
    pub oldest_refusal_age: Option<u64>,
    /// Number of them that were refused recently.
    pub refused_since: u64,
    /// Recent refusals by pass.
    pub refused_by: Vec<RefusedBy>,
    /// Up to which batch the ledger is signed; `None` when nothing is signed.
    pub signed: Option<SignedUpTo>,
}

/// A run that wrote.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct LastRun {
    /// Number of the run.
    pub run: RunId,
    /// Command of the run.
    pub command: String,
    /// Time of its last commit, ISO 8601 in UTC.
    pub at: String,
    /// Number of seconds since then.
    pub age: u64,
}

/// Recent refusals of one pass.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct RefusedBy {
    /// Kind of the pass: `load`, `apply` or `retry`.
    pub kind: String,
    /// Number of its stage; `None` for a load.
    pub stage: Option<u32>,
    /// Database that was loaded, or that the stage fills.
    pub database: String,
    /// Last run that worked on the pass.
    pub run: RunId,
    /// Number of records that it refused.
    pub records: u64,
}

impl Store {
    /// Returns the health of the store for a project.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn health(&self, project: &str, since: Since) -> Result<Health> {
        let connection = self.connection();
        let now = self.environment().clock.now_us();
        let age = |at: i64| (now - at).max(0).unsigned_abs() / 1_000_000;
        let last_run = newest_commit(connection)?.map(|newest| LastRun {
            run: newest.run,
            command: newest.command,
            at: utc(newest.committed_us),
            age: age(newest.committed_us),
        });
        let first_us = match since {
            Since::LastRun => i64::MIN,
            Since::Time(us) => now.saturating_sub(us),
        };
        let refusing = refusing_passes(connection, project, first_us)?;
        let oldest = refusing.iter().map(|pass| pass.oldest_us).min();
        let quarantined = refusing.iter().map(|pass| pass.records).sum();
        let mut refused_by = Vec::new();
        for pass in refusing {
            if pass.in_time > 0 && (since != Since::LastRun || is_newest(connection, &pass)?) {
                refused_by.push(RefusedBy {
                    kind: pass.kind,
                    stage: pass.number,
                    database: pass.database.unwrap_or_default(),
                    run: pass.run,
                    records: pass.in_time,
                });
            }
        }
        Ok(Health {
            last_run,
            unfinished: self.unfinished()?,
            quarantined,
            oldest_refusal: oldest.map(utc),
            oldest_refusal_age: oldest.map(age),
            refused_since: refused_by.iter().map(|by| by.records).sum(),
            refused_by,
            signed: signed(connection)?,
        })
    }
}

/// Returns whether no later run has read records for the same purpose: after a load, for its database; after a pass of
/// a stage, for the stage or into a database that feeds it.
fn is_newest(connection: &Connection, pass: &RefusingPass) -> Result<bool> {
    let Some((project, number)) = pass.project.as_ref().zip(pass.number) else {
        let database = pass.database.as_deref().unwrap_or_default();
        return Ok(!was_loaded_after(connection, database, pass.pass, pass.run)?);
    };
    if has_read_after(connection, project, number, pass.pass, pass.run)? {
        return Ok(false);
    }
    for database in feeding(connection, pass.source.as_deref())? {
        if was_loaded_after(connection, &database, pass.pass, pass.run)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the databases whose records reach a database through any stages, itself included.
fn feeding(connection: &Connection, database: Option<&str>) -> Result<HashSet<String>> {
    let routes = all_ends(connection)?;
    let mut feeding: HashSet<String> = database.map(str::to_owned).into_iter().collect();
    loop {
        let leads_here =
            |route: &&StageDatabases| feeding.contains(&route.target) && !feeding.contains(&route.source);
        let Some(route) = routes.iter().find(leads_here) else {
            return Ok(feeding);
        };
        feeding.insert(route.source.clone());
    }
}

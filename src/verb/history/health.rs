//! What monitoring asks for, by a few look-ups: who ran last, what stands open, how old the quarantine is, and what was
//! refused of late.

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
#[non_exhaustive]
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
#[non_exhaustive]
pub struct LastRun {
    /// Its number.
    pub run: RunId,
    /// Its command.
    pub command: String,
    /// When it committed last, ISO 8601 in UTC.
    pub at: String,
    /// How many seconds ago that was.
    pub age: u64,
}

/// What one pass has refused of late.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct RefusedBy {
    /// What it did: `load`, `apply` or `retry`.
    pub kind: String,
    /// The number of its stage; a load has none.
    pub stage: Option<u32>,
    /// The database that it loaded, or that the stage fills.
    pub database: String,
    /// The run that worked on it last.
    pub run: RunId,
    /// How many records it has refused.
    pub records: u64,
}

impl Store {
    /// How a store does, as far as a project is concerned.
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

/// Whether no run has read records for the same since: after a load, for its database; after a pass of a stage, for the
/// stage, or into a database that feeds it.
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

/// The databases whose records come to a database, by whatever stages, itself included.
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

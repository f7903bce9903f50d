//! The passes that have begun but not ended, each with the command that continues it, as reported by `status`, `plan`,
//! `apply`, `report` and `load`.

use chrono::DateTime;
use rusqlite::Connection;
use serde_json::Value as Json;

use crate::error::Result;
use crate::input::{Format, TOLD, option};
use crate::ledger::open::{OpenPass, last_writer, open_passes, run_started_us, written_since};
use crate::ledger::{Counts, PassKind};
use crate::record::{PassId, RunId};
use crate::shown::{grouped, utc};
use crate::store::Store;

/// A pass that has begun but not ended.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct UnfinishedPass {
    /// Pass number.
    pub pass: PassId,
    /// Kind of the pass.
    pub kind: PassKind,
    /// Project of its stage; for a rollback, of the stage that is rolled back.
    pub project: Option<String>,
    /// Number of that stage.
    pub stage: Option<u32>,
    /// Slug of that stage.
    pub slug: Option<String>,
    /// Database that it reads; for a load, the file.
    pub source: Option<String>,
    /// Database that it writes.
    pub database: Option<String>,
    /// The pass that it rolls back.
    pub reverses: Option<PassId>,
    /// Run that began it.
    pub begun_in: RunId,
    /// Run that worked on it last.
    pub last_run: RunId,
    /// Time of that run's last commit, ISO 8601 in UTC.
    pub last_commit: String,
    /// Outcomes so far.
    pub counts: Counts,
    /// Number of bytes of its input that a load has read.
    pub bytes: Option<u64>,
    /// Number of lines of its input that a load has read.
    pub lines: Option<u64>,
    /// Words of the command that continues it; words in capital letters are for the operator to fill in.
    pub go_on: Vec<String>,
    /// Words of the command that abandons it, if there is one.
    pub give_up: Option<Vec<String>>,
    /// The process that works on it at this moment, according to the lock: process, host and since when.
    pub running: Option<String>,
}

impl UnfinishedPass {
    /// Describes what has not ended, and how far it came.
    #[must_use]
    pub fn describe(&self) -> String {
        let database = self.database.as_deref().unwrap_or_default();
        let stage = match (self.stage, &self.slug) {
            (Some(number), Some(slug)) => format!("stage {number} ({slug})"),
            (Some(number), None) => format!("stage {number}"),
            (None, _) => format!("loads into {database}"),
        };
        let read = self.counts.read - self.counts.filtered;
        let stopped = match &self.running {
            Some(holder) => format!("is running ({holder}), in run {}", self.last_run),
            None => format!("stopped in run {}", self.last_run),
        };
        match self.kind {
            PassKind::Load => format!(
                "the load of {} into {database} {stopped} {}",
                self.input(),
                self.reached()
            ),
            PassKind::Rollback => {
                let what = match self.stage {
                    Some(_) => stage,
                    None => format!("pass {} in {database}", self.reverses.unwrap_or_default()),
                };
                format!("the rollback of {what} {stopped}")
            }
            PassKind::Retry => format!("the retry of records that {stage} refused {stopped}"),
            PassKind::Waive => format!("the waiver of records that {stage} refused {stopped}"),
            _ => format!(
                "the apply of {stage} {stopped} after {} record{}",
                grouped(read),
                if read == 1 { "" } else { "s" }
            ),
        }
    }

    /// Describes what the continuing command has to be given.
    #[must_use]
    pub fn given(&self) -> &'static str {
        match (self.kind, self.source.as_deref()) {
            (PassKind::Load, Some("-")) => " when it is given the same input from its beginning",
            (PassKind::Load, _) => " when it is given the same file, under any name",
            (PassKind::Apply, _) if self.counts.refused > 0 => {
                " once the records it refused are corrected, waived or within its limit"
            }
            _ => "",
        }
    }

    /// Returns the name of what a load reads.
    #[must_use]
    pub fn input(&self) -> &str {
        match self.source.as_deref() {
            Some("-") => "standard input",
            Some(name) => name,
            None => "",
        }
    }

    /// Describes how far a load has come in its input.
    #[must_use]
    pub fn reached(&self) -> String {
        let bytes = grouped(self.bytes.unwrap_or_default());
        match self.lines {
            None | Some(0) if self.bytes.is_none_or(|bytes| bytes == 0) => {
                "before its first record".to_owned()
            }
            None | Some(0) => format!("after byte {bytes}"),
            Some(line) => format!("after line {} (byte {bytes})", grouped(line)),
        }
    }

    /// Returns the number of a load's records that stay in the database whatever becomes of the rest.
    #[must_use]
    pub fn stay(&self) -> u64 {
        self.counts.written + self.counts.unchanged
    }
}

impl Store {
    /// Returns every pass that has begun but not ended, in order. Omits passes that a rollback is undoing, but includes
    /// the rollback.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn unfinished(&self) -> Result<Vec<UnfinishedPass>> {
        let mut unfinished = unfinished_in(self.connection())?;
        name_running(self, self.connection(), &mut unfinished)?;
        Ok(unfinished)
    }
}

/// Names the process that works on a pass at this moment: the holder of the store's lock, if its run was the last to
/// work on the pass.
pub(crate) fn name_running(
    store: &Store,
    connection: &Connection,
    unfinished: &mut [UnfinishedPass],
) -> Result<()> {
    if unfinished.is_empty() {
        return Ok(());
    }
    let Some(holder) = store.lock_holder() else {
        return Ok(());
    };
    let since = holder.rsplit(" since ").next().unwrap_or_default();
    let Ok(since) = DateTime::parse_from_rfc3339(since) else {
        return Ok(());
    };
    for pass in unfinished {
        if run_started_us(connection, pass.last_run)? == Some(since.timestamp_micros()) {
            pass.running = Some(holder.clone());
        }
    }
    Ok(())
}

pub(crate) fn unfinished_in(connection: &Connection) -> Result<Vec<UnfinishedPass>> {
    let open = open_passes(connection)?.into_iter();
    open.map(|pass| describe(connection, pass)).collect()
}

/// How far a load has come, and how it reads.
#[derive(Default)]
struct Reached {
    bytes: Option<u64>,
    lines: Option<u64>,
    /// The options that the command must repeat to continue it.
    options: Vec<String>,
}

fn describe(connection: &Connection, open: OpenPass) -> Result<UnfinishedPass> {
    let reached = match open.kind {
        PassKind::Load => Reached::new(connection, &open)?,
        _ => Reached::default(),
    };
    let load = |last: Vec<String>| {
        let names = [&open.target, &open.source].map(|name| name.clone().unwrap_or_default());
        let words = ["load".to_owned()].into_iter().chain(names);
        words.chain(last).collect::<Vec<String>>()
    };
    let (go_on, give_up) = match open.kind {
        PassKind::Load => (
            load(reached.options.clone()),
            Some(load(vec!["--give-up".to_owned()])),
        ),
        PassKind::Rollback => (rollback(connection, &open)?, None),
        PassKind::Retry => (of_stage("quarantine retry", &open), None),
        PassKind::Waive => (waive(&open), None),
        _ => (vec!["apply".to_owned()], None),
    };
    Ok(UnfinishedPass {
        pass: open.pass,
        kind: open.kind,
        project: open.project,
        stage: open.stage,
        slug: open.slug,
        source: open.source,
        database: open.target,
        reverses: open.reverses,
        begun_in: open.runs.0,
        last_run: open.runs.1,
        last_commit: utc(open.committed_us),
        counts: open.counts,
        bytes: reached.bytes,
        lines: reached.lines,
        go_on,
        give_up,
        running: None,
    })
}

impl Reached {
    fn new(connection: &Connection, open: &OpenPass) -> Result<Self> {
        let Some(cursor) = &open.cursor else {
            return Ok(Self {
                bytes: Some(0),
                lines: Some(0),
                options: Vec::new(),
            });
        };
        let cursor: Json = serde_json::from_str(cursor).unwrap_or_default();
        let mut options = reading_options(&cursor, open.source.as_deref());
        // What others wrote since is newer than the file: the operator decides whether to overwrite it.
        let database = open.target.as_deref().unwrap_or_default();
        if cursor["replace"].as_bool() == Some(true)
            && !written_since(connection, database, (open.pass, open.last_batch))?
        {
            options.extend(writing_options(&cursor));
        }
        Ok(Self {
            bytes: cursor["offset"].as_u64(),
            lines: cursor["line"].as_u64().map(|next| next.saturating_sub(1)),
            options,
        })
    }
}

/// Returns the options that a load needs to read its input as the load with this resume point did.
pub(crate) fn reading_options(cursor: &Json, source: Option<&str>) -> Vec<String> {
    let id = cursor["id"].as_str().filter(|id| *id != "id");
    let format = cursor["format"].as_str();
    // A comma is not noted, and the name may imply tabs.
    let is_by_tabs = source.is_some_and(Format::is_by_tabs);
    let comma = (is_by_tabs && format == Some("csv") && cursor["separator"].is_null()).then_some(",");
    let guessed = [
        ("id", id),
        ("format", format.filter(|format| !is_guessed(source, format))),
        ("separator", comma),
    ];
    let special = TOLD.iter().map(|name| (*name, cursor[*name].as_str()));
    let all = guessed.into_iter().chain(special);
    all.filter_map(|(name, value)| Some(option(name, value?)))
        .collect()
}

/// Returns the options that a load needs to overwrite existing records as the load with this resume point did.
pub(crate) fn writing_options(cursor: &Json) -> Vec<String> {
    let is_given = |name: &&str| cursor[*name].as_bool() == Some(true);
    let given = ["replace", "reprocess"].into_iter().filter(is_given);
    given.map(|name| option(name, "")).collect()
}

/// Returns whether a file's name, or its first byte, determines how it is read.
fn is_guessed(name: Option<&str>, format: &str) -> bool {
    match (Format::guess(name, b"["), Format::guess(name, b"{")) {
        (Format::Csv, _) => format == "csv",
        (Format::Array, _) => format != "csv",
        (Format::Lines, _) => format == "ndjson",
    }
}

/// Returns the arguments of the command that worked on a pass last.
fn arguments(open: &OpenPass) -> Vec<String> {
    serde_json::from_str(&open.arguments).unwrap_or_default()
}

/// Returns the options of a command that choose what it works on, as they were given; the operator has to supply an id,
/// which the ledger does not contain.
fn chosen(arguments: &[String], options: &[(&str, usize)]) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        for (option, values) in options {
            if argument == option {
                words.push(argument.clone());
                words.extend(rest.by_ref().take(*values).cloned());
            } else if argument.starts_with(&format!("{option}=")) {
                words.push(argument.clone());
            }
        }
    }
    words.iter().map(|word| word.replace("<id>", "ID")).collect()
}

/// Returns the command that continues a rollback: with the scope that it was begun with.
fn rollback(connection: &Connection, open: &OpenPass) -> Result<Vec<String>> {
    let mut words = vec!["rollback".to_owned()];
    let scope = chosen(
        &arguments(open),
        &[
            ("--to", 1),
            ("--stage", 1),
            ("--run", 1),
            ("--record", 2),
            ("--all", 0),
            ("--on-conflict", 1),
        ],
    );
    // Without a scope, the newest stage is meant. Work that no stage did is named by its run.
    if scope.is_empty()
        && open.stage.is_none()
        && let Some(undone) = open.reverses
        && let Some(run) = last_writer(connection, undone)?
    {
        words.extend(["--run".to_owned(), run.to_string()]);
    }
    words.extend(scope);
    Ok(words)
}

fn waive(open: &OpenPass) -> Vec<String> {
    let mut words = vec!["quarantine".to_owned(), "waive".to_owned()];
    let options = [
        ("--stage", 1),
        ("--code", 1),
        ("--id", 1),
        ("--record", 1),
        ("--all", 0),
    ];
    let scope = chosen(&arguments(open), &options);
    if scope.is_empty() {
        words.push("--all".to_owned());
    }
    words.extend(scope);
    words.extend(["--reason".to_owned(), "TEXT".to_owned()]);
    words
}

fn of_stage(command: &str, open: &OpenPass) -> Vec<String> {
    let mut words: Vec<String> = command.split(' ').map(str::to_owned).collect();
    if let Some(stage) = open.stage {
        words.extend(["--stage".to_owned(), stage.to_string()]);
    }
    words
}

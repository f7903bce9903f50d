//! The verbs of quarantine: the refused records, listed, shown, tried again, or let go. It is no table of its own but
//! a view over the ledger: refused, and nothing has happened to the record in that stage since.

mod input;
mod line;
mod named;
mod place;
mod standing;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::apply::{ApplyOptions, ApplyReport, apply_again};
use crate::engine::{Bounds, Limits, Pass, Purpose, Refused, Run, retries, run_pass};
use crate::error::{Error, Result};
use crate::history::redacted;
use crate::ledger::feed::Fed;
use crate::ledger::open::open_passes;
use crate::ledger::read;
use crate::ledger::selection::unread;
use crate::ledger::{Batch, Entry, EntryOutcome, PassKind, StageHistory, Step};
use crate::observe::Observer;
use crate::path::Path;
use crate::record::Document;
use crate::refusal::Refusal;
use crate::stage::{MaxErrors, OnError, Stage, Stages};
use crate::store::{Salted, Store, Table};

use standing::{Group, Numbers};

pub use input::{RefusedInput, refused_input};
pub use line::{is_read_otherwise, load_again, repeats_in_its_input};
pub use named::{Named, NamedKind, Naming};
pub use place::{InPlace, PlaceState, in_its_place};

/// Which refused records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// Only those that this stage refused.
    pub stage: Option<u32>,
    /// Only those with this refusal code.
    pub code: Option<String>,
    /// Only this record number.
    pub record: Option<i64>,
    /// Only the record with this id.
    pub id: Option<String>,
    /// Only what this pass refused.
    pub pass: Option<i64>,
}

/// One refused record.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Quarantined {
    /// Its number.
    pub record: i64,
    /// Its id, where it has one.
    pub id: Option<String>,
    /// The stage that refused it; `None`: it was refused at the door by a load.
    pub stage: Option<u32>,
    /// The stage's slug.
    pub slug: Option<String>,
    /// Where it came from.
    pub source: Option<String>,
    /// Where it would have gone.
    pub database: Option<String>,
    /// The batch that refused it.
    pub batch: i64,
    /// When, as ISO 8601 in UTC.
    pub at: String,
    /// Why.
    pub reason: Refusal,
}

/// The refused records, in the order in which they were refused; at most `limit` of them.
pub fn quarantined(
    store: &Store,
    project: &str,
    selected: &Selected,
    limit: usize,
) -> Result<Vec<Quarantined>> {
    let mut found = Vec::new();
    each_quarantined(store, project, selected, limit, |refused| {
        found.push(refused);
        Ok(true)
    })?;
    Ok(found)
}

/// As [`quarantined`], one record after the other, so that a long list is never in memory; `false` ends it.
pub fn each_quarantined(
    store: &Store,
    project: &str,
    selected: &Selected,
    limit: usize,
    mut tell: impl FnMut(Quarantined) -> Result<bool>,
) -> Result<()> {
    // A stage that redacts a path may have come after the one that refused.
    let redact = redacted(store)?;
    standing::each(store.connection(), (project, selected), limit, |mut refused| {
        refused.reason = refused.reason.cut_at(&redact);
        tell(refused)
    })
}

/// How many of the selected records that stand in quarantine stages have refused, and how many lines loads.
///
/// # Errors
/// When the ledger cannot be read.
pub fn quarantined_count(store: &Store, project: &str, selected: &Selected) -> Result<(u64, u64)> {
    standing::count(store.connection(), project, selected)
}

/// How many records are in quarantine, by stage and code, largest first.
pub fn quarantine_totals(store: &Store, project: &str) -> Result<Vec<(Option<u32>, String, u64)>> {
    let sql = "SELECT number, code, count(*) FROM audit_quarantine WHERE project IS NULL OR project=?1
     GROUP BY number, code ORDER BY 3 DESC, 1, 2";
    totals(store, sql, &project)
}

/// What one pass has refused and still stands so, by stage and code, as [`quarantine_totals`].
pub fn quarantine_totals_of(store: &Store, pass: i64) -> Result<Vec<(Option<u32>, String, u64)>> {
    let sql = "SELECT number, code, count(*) FROM audit_quarantine WHERE pass=?1
     GROUP BY number, code ORDER BY 3 DESC, 1, 2";
    totals(store, sql, &pass)
}

/// Those of these passes that have refused something which still stands so.
///
/// # Errors
/// When the ledger cannot be read.
pub fn still_refusing(store: &Store, passes: &[i64]) -> Result<Vec<i64>> {
    let sql = "SELECT DISTINCT pass FROM audit_quarantine WHERE pass IN(SELECT value FROM json_each(?1)) ORDER BY pass";
    let mut statement = store.connection().prepare_cached(sql)?;
    let listed = serde_json::json!(passes).to_string();
    let rows = statement.query_map([listed], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn totals(store: &Store, sql: &str, which: &dyn rusqlite::ToSql) -> Result<Vec<(Option<u32>, String, u64)>> {
    let mut statement = store.connection().prepare_cached(sql)?;
    let rows = statement.query_map([which], |row| {
        Ok((
            row.get(0)?,
            row.get::<_, Option<String>>(1)?.unwrap_or_default(),
            row.get::<_, i64>(2)?.unsigned_abs(),
        ))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How many of the records that stages have refused have an earlier version in the stage's target, which stays there
/// until the record is let in or taken back; by stage.
pub fn earlier_versions(store: &Store, project: &str) -> Result<Vec<(u32, String, u64)>> {
    let sql = format!(
        "SELECT q.number, q.database, count(*) FROM audit_quarantine q WHERE q.project=?1 AND {EARLIER_VERSION}
         GROUP BY q.number, q.database ORDER BY q.number"
    );
    let mut statement = store.connection().prepare_cached(&sql)?;
    let rows = statement.query_map([project], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?.unsigned_abs()))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether a stage has refused a record of which an earlier version stands in its target.
pub fn has_earlier_version(store: &Store, refused: &Quarantined) -> Result<bool> {
    let sql = format!("SELECT {EARLIER_VERSION} FROM audit_quarantine q WHERE q.batch=?1 AND q.record=?2");
    let mut statement = store.connection().prepare_cached(&sql)?;
    let found = statement.query_row([refused.batch, refused.record], |row| row.get(0));
    Ok(found.optional()?.unwrap_or(false))
}

/// The entries of a refusal say what stands in the target, where it is another database, and what was removed from it. A row
/// that somebody has changed by hand is no earlier version.
const EARLIER_VERSION: &str =
    "(q.number IS NOT NULL AND q.source<>q.database AND q.code<>'target.edited' AND EXISTS(SELECT 1 FROM ledger_entry e
   WHERE e.batch=q.batch AND e.record=q.record AND e.after IS NOT NULL AND NOT EXISTS(SELECT 1 FROM ledger_entry r
     WHERE r.batch=q.batch AND r.record=q.record AND r.part>e.part AND r.before=e.after AND r.after IS NULL)))";

/// Puts a fixed text in the place of every redacted value, and of what blocks the way to one.
pub fn mask(document: &mut Document, redact: &[Path]) {
    for path in redact {
        document.mask(path);
    }
}

/// Runs refused records through their stage again, as their source is now (or, where a stage in place took them out
/// of it, as they were), and what passes through every later stage that was applied.
///
/// # Errors
/// [`Error::Invalid`] when a selected record was refused by a load: its line has to be corrected and loaded.
pub fn retry(
    store: &mut Store,
    stages: &Stages,
    selected: &Selected,
    options: &ApplyOptions,
    observer: &mut dyn Observer,
) -> Result<ApplyReport> {
    let mut run = Run::begin(store, &options.purpose)?;
    // What stands now is tried, not what a stage refuses of that.
    let mut refused_by = standing::by_stage(run.connection(), stages.project(), selected)?;
    if !refused_by.is_empty() && refused_by.keys().all(Option::is_none) {
        return Err(Error::invalid(
            "these lines were refused at the door by a load",
            "correct them in the input and load it again; `quarantine waive` lets them go",
        ));
    }
    crate::engine::check_drift(run.connection(), stages, options.revise)?;
    let bounds = Bounds::new(&options.stop, options.max_time);
    let mut report = ApplyReport::default();
    let mut has_tried = false;
    for stage in stages.iter() {
        let mut refused = refused_by.remove(&Some(stage.number())).unwrap_or_default();
        has_tried |= leave_to_earlier(&run, stages, stage, &mut refused)?;
        end_superseded(&mut run, stages.project(), stage)?;
        let history = StageHistory::read(run.connection(), stages.project(), stage.number())?;
        let batches = |pass| read::batches_of(run.connection(), pass);
        for work in retries(stage, &history, &to_retry(&refused), batches)? {
            has_tried = true;
            // Whoever tries again wants to know about every record.
            let all = Limits {
                on_error: Some(OnError::Quarantine),
                max_errors: Some(MaxErrors::Count(u64::MAX)),
                ..options.limits()
            };
            let (done, stopped) = run_pass(&mut run, stages.project(), stage, work, &all, &bounds, observer)?;
            report.passes.push(done);
            report.stopped = stopped;
            if report.stopped.is_some() {
                break;
            }
        }
        if report.stopped.is_some() {
            break;
        }
        if !refused.is_empty() {
            report.stopped =
                crate::apply::reconcile_new(&mut run, stages.project(), stage, options, &mut report)?;
        }
    }
    if has_tried && report.stopped.is_none() {
        // The earlier stages too: what waits for one that works in place must not come to a later one before it.
        apply_again(&mut run, stages, options, &bounds, observer, &mut report)?;
    }
    report.run = run.has_written().then_some(run.number());
    report.quarantined = crate::apply::quarantined(&run, stages)?;
    run.finish()?;
    Ok(report)
}

fn to_retry(refused: &[Numbers]) -> Vec<Refused> {
    let numbers = refused.iter().map(|refused| Refused {
        record: refused.record,
        batch: refused.batch,
    });
    numbers.collect()
}

/// Leaves out what an earlier stage in place has still to read as it is now, which would come to this one before it: that
/// one is worked on first, and this one then finds it in its increment. `true` where there is any.
fn leave_to_earlier(
    run: &Run<'_>,
    stages: &Stages,
    stage: &Stage,
    refused: &mut Vec<Numbers>,
) -> Result<bool> {
    let all = refused.len();
    for earlier in stages.up_to(Some(stage.number() - 1)) {
        if refused.is_empty() {
            break;
        }
        if earlier.in_place() && earlier.target() == stage.source() {
            let unread = unread(run.connection(), Fed::of(stages.project(), earlier))?;
            refused.retain(|refused| !unread.iter().any(|unread| unread.has(refused.record)));
        }
    }
    Ok(refused.len() < all)
}

/// Ends retries that were interrupted and that nothing goes on with, because the stage has another meaning now.
fn end_superseded(run: &mut Run<'_>, project: &str, stage: &Stage) -> Result<()> {
    let history = StageHistory::read(run.connection(), project, stage.number())?;
    let is_superseded = |pass: &&crate::ledger::read::PassSummary| {
        let row = pass.row.stage.as_ref();
        row.is_some_and(|row| !stage.does_as(&row.meaning))
    };
    for open in history.open_retries().filter(is_superseded) {
        let mut end = Batch::new(Step::End);
        end.body = Some(r#"{"superseded":true}"#.to_owned());
        run.commit(&mut Pass::resumed(open), end)?;
    }
    Ok(())
}

/// Lets refused records go: they leave quarantine, and the ledger says who waived them and why. Returns how many.
pub fn waive(store: &mut Store, project: &str, selected: &Selected, purpose: &Purpose) -> Result<u64> {
    let mut run = Run::begin(store, purpose)?;
    let groups = standing::groups(run.connection(), project, selected)?;
    let mut waived = 0;
    let mut interrupted = settle_interrupted(&mut run, project, &groups)?;
    for group in &groups {
        let records = standing::of_group(run.connection(), (project, selected), group)?;
        let Some(first) = records.first() else { continue };
        let mut pass = match interrupted.take_if(|(open, _)| open == group) {
            Some((_, pass)) => pass,
            None => new_waiver(&run, group, first)?,
        };
        let mut slices = records.chunks(run.store().options().batch_size.max(1)).peekable();
        while let Some(slice) = slices.next() {
            let last = slices.peek().is_none();
            let mut batch = Batch::new(if last { Step::End } else { Step::Data });
            for refused in slice {
                batch.covers(refused.record);
                batch.counts.count(EntryOutcome::Filtered);
                let database = group.database.as_deref();
                batch
                    .entries
                    .extend(waived_entries(run.connection(), database, refused)?);
            }
            run.commit(&mut pass, batch)?;
        }
        waived += records.len() as u64;
    }
    run.finish()?;
    Ok(waived)
}

/// The waiver that was interrupted and goes on now. It does so where it was the last thing that happened, as the same
/// command again finds it; any other ends where it stands, because what it waived may be in quarantine once more.
fn settle_interrupted(run: &mut Run<'_>, project: &str, groups: &[Group]) -> Result<Option<(Group, Pass)>> {
    let mut goes_on = None;
    for open in open_passes(run.connection())? {
        let is_ours = open.project.as_deref().is_none_or(|other| other == project);
        if open.kind != PassKind::Waive || !is_ours {
            continue;
        }
        let Some(summary) = read::pass(run.connection(), open.pass)? else {
            continue;
        };
        let mut pass = Pass::resumed(&summary);
        let group = Group {
            stage: open.stage,
            database: open.target,
        };
        if open.last_batch + 1 == run.next_batch() && groups.contains(&group) {
            goes_on = Some((group, pass));
        } else {
            run.commit(&mut pass, Batch::new(Step::End))?;
        }
    }
    Ok(goes_on)
}

fn new_waiver(run: &Run<'_>, group: &Group, refused: &Numbers) -> Result<Pass> {
    let sql = "SELECT pass FROM ledger_batch WHERE batch=?1";
    let refusing = run
        .connection()
        .prepare_cached(sql)?
        .query_row([refused.batch], |row| row.get(0))?;
    let refusing = read::pass(run.connection(), refusing)?.map(|pass| pass.row);
    let (stage, source) = refusing.map_or((None, None), |row| (row.stage, row.source));
    let mut pass = run.new_pass(PassKind::Waive, stage)?;
    pass.row.source = source;
    pass.row.target.clone_from(&group.database);
    Ok(pass)
}

/// The stubs of a waived record: what the target holds for it stays as it is now.
fn waived_entries(connection: &Connection, database: Option<&str>, refused: &Numbers) -> Result<Vec<Entry>> {
    let sql = "SELECT record,part,outcome,target,input,before,after,reason FROM ledger_entry
     WHERE batch=?1 AND record=?2 ORDER BY part";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![refused.batch, refused.record], |row| {
        crate::ledger::read::entry(row, 0)
    })?;
    let target = database.map(Table::of).transpose()?;
    let mut entries = Vec::new();
    for old in rows {
        let old = old?;
        let mut entry = Entry::new(refused.record, old.part, EntryOutcome::Filtered);
        (entry.target, entry.input) = (old.target, old.input);
        let number = old.target.unwrap_or(old.record);
        let row = target.as_ref().map(|target| target.by_number(connection, number));
        entry.before = row.transpose()?.flatten().as_ref().and_then(Salted::hash);
        entry.after = entry.before;
        entry.reason = (old.part == 0).then(|| r#"{"code":"waived"}"#.to_owned());
        entries.push(entry);
    }
    Ok(entries)
}

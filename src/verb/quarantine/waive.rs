//! Waives refused records.

use rusqlite::Connection;

use crate::engine::{Pass, Run, RunInfo};
use crate::error::Result;
use crate::ledger::open::open_passes;
use crate::ledger::quarantine::{self as standing, RefusalGroup, RefusedNumbers, Selected};
use crate::ledger::{Batch, BatchKind, Entry, EntryOutcome, PassKind, read};
use crate::store::{Salted, Store, Table};

/// Waives refused records: they leave quarantine, and the ledger records who waived them and why. Returns how many.
pub fn waive(store: &mut Store, project: &str, selected: &Selected, run_info: &RunInfo) -> Result<u64> {
    let mut run = Run::begin(store, run_info)?;
    let groups = standing::groups(run.connection(), project, selected)?;
    let mut waived = 0;
    let mut interrupted = settle_interrupted(&mut run, project, &groups)?;
    for group in &groups {
        let records = standing::of_group(run.connection(), project, selected, group)?;
        let Some(first) = records.first() else { continue };
        let mut pass = match interrupted.take_if(|(open, _)| open == group) {
            Some((_, pass)) => pass,
            None => new_waiver(&run, group, first)?,
        };
        let mut slices = records.chunks(run.store().options().batch_size.max(1)).peekable();
        while let Some(slice) = slices.next() {
            let last = slices.peek().is_none();
            let mut batch = Batch::new(if last { BatchKind::End } else { BatchKind::Data });
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

/// Returns the interrupted waiver that continues now: it must be the last thing that happened, as when the same command
/// runs again. Any other ends where it is, because what it waived may be in quarantine again.
fn settle_interrupted(
    run: &mut Run<'_>,
    project: &str,
    groups: &[RefusalGroup],
) -> Result<Option<(RefusalGroup, Pass)>> {
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
        let group = RefusalGroup {
            stage: open.stage,
            database: open.target,
        };
        if open.last_batch.next() == run.next_batch() && groups.contains(&group) {
            goes_on = Some((group, pass));
        } else {
            run.commit(&mut pass, Batch::new(BatchKind::End))?;
        }
    }
    Ok(goes_on)
}

fn new_waiver(run: &Run<'_>, group: &RefusalGroup, refused: &RefusedNumbers) -> Result<Pass> {
    let refusing = match read::pass_of(run.connection(), refused.batch)? {
        Some(pass) => read::pass(run.connection(), pass)?.map(|pass| pass.row),
        None => None,
    };
    let (stage, source) = refusing.map_or((None, None), |row| (row.stage, row.source));
    let mut pass = run.new_pass(PassKind::Waive, stage)?;
    pass.row.source = source;
    pass.row.target.clone_from(&group.database);
    Ok(pass)
}

/// Returns the entries of a waived record: what the target holds for it stays as it is.
fn waived_entries(
    connection: &Connection,
    database: Option<&str>,
    refused: &RefusedNumbers,
) -> Result<Vec<Entry>> {
    let target = database.map(Table::from_name).transpose()?;
    let mut entries = Vec::new();
    for old in read::entries_in_batch(connection, refused.batch, refused.record)? {
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

//! Records that wait for a place. A record of a stage can find its id taken in the target, or lose its row to another
//! record. It then waits, and the stage processes it again as soon as the row in its place is gone or has another id.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::head::PassKind;
use super::image::id_in;
use super::read::salt;
use super::rows;
use super::sql::{of_record, of_row, standing_life};
use super::stage_input::StageInput;
use crate::digest::{Hash, Salt, sha256};
use crate::error::Result;
use crate::record::{PassId, RecordNumber};
use crate::refusal::Holder;
use crate::store::{Salted, Table};

/// Another record has the id of a stage's own record in the target.
pub(crate) const EXISTS: &str = "target.exists";
/// The row was changed by hand since the stage wrote it.
pub(crate) const EDITED: &str = "target.edited";
/// Another record has taken the place of the row.
pub(crate) const REPLACED: &str = "target.replaced";

impl Holder {
    /// Makes the holder of a place from the row under an id.
    pub(crate) fn from_row(record: RecordNumber, salt: &Salt, id: &str) -> Self {
        Self {
            record,
            id_sha256: Some(hex::encode(id_hash(salt, id))),
        }
    }

    /// Returns whether the row is still there, under the same id.
    pub(crate) fn still_holds(&self, connection: &Connection, target: &Table) -> Result<bool> {
        let Some(expected) = &self.id_sha256 else {
            return Ok(false);
        };
        let Some(row) = target.by_number(connection, self.record)? else {
            return was_refused_in_place(connection, target.name(), self.record);
        };
        let hash = row.salt.map(|salt| hex::encode(id_hash(&salt, &row.record.id)));
        Ok(hash.as_ref() == Some(expected))
    }
}

/// Returns whether a stage in place removed a row from a database because it refused it. The row's place is kept for
/// it, waived or not, until something else happens to it or the stage that brought it there is rolled back. A later
/// stage in place that did not find the row does not change this.
fn was_refused_in_place(connection: &Connection, database: &str, number: RecordNumber) -> Result<bool> {
    let sql = concat!(
        "SELECT e.batch, e.record, e.part, p.kind, p.source IS p.target, s.project, s.number, e.outcome, e.before IS e.after,
           e.after IS NULL, coalesce(e.reason,'') GLOB '{\"code\":\"target.*'
         FROM ledger_row_life e CROSS JOIN ledger_batch b ON b.batch=e.batch CROSS JOIN ledger_standing p ON p.pass=b.pass
         LEFT JOIN ledger_stage s ON s.stage=p.stage
         WHERE ",
        of_row!("e", "?2"),
        " AND p.target=?1 ORDER BY e.batch DESC, e.record DESC, e.part DESC"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![database, number])?;
    let (mut is_refused, mut taken_back) = (false, Vec::new());
    while let Some(row) = rows.next()? {
        let (kind, in_place): (PassKind, bool) = (row.get(3)?, row.get(4)?);
        let stage: (Option<String>, Option<u32>) = (row.get(5)?, row.get(6)?);
        let (is_refusal, is_same): (bool, bool) = (row.get::<_, i64>(7)? == 4, row.get(8)?);
        let (is_gone, is_about_a_place): (bool, bool) = (row.get(9)?, row.get(10)?);
        let by_a_stage = matches!(kind, PassKind::Apply | PassKind::Retry);
        if is_refused {
            // The stage whose row it was.
            if by_a_stage && !in_place && !is_gone && !is_about_a_place {
                return Ok(!taken_back.contains(&stage));
            }
            continue;
        }
        match (by_a_stage, in_place) {
            (true, true) if is_refusal => is_refused = true,
            (true, false) if is_same && is_gone && !is_about_a_place && !is_refusal => taken_back.push(stage),
            // The row stays as it was, or another stage in place did not find it.
            _ if is_same => {}
            _ => return Ok(false),
        }
    }
    Ok(is_refused)
}

/// Ids, each with the number and the salt of the record for which its place is kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeptPlaces {
    by_id: HashMap<String, (RecordNumber, Salt)>,
    ids: HashMap<RecordNumber, String>,
}

impl KeptPlaces {
    pub(crate) fn keep(&mut self, id: String, (number, salt): (RecordNumber, Salt)) {
        self.ids.insert(number, id.clone());
        self.by_id.insert(id, (number, salt));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Returns the number and the salt of the record for which an id is kept.
    pub(crate) fn holder(&self, id: &str) -> Option<(RecordNumber, Salt)> {
        self.by_id.get(id).copied()
    }

    /// Returns whether a place is kept for a record.
    pub(crate) fn has(&self, number: RecordNumber) -> bool {
        self.ids.contains_key(&number)
    }

    /// Releases the place of a record that takes it again.
    pub(crate) fn free(&mut self, number: RecordNumber) {
        if let Some(id) = self.ids.remove(&number)
            && self.by_id.get(&id).is_some_and(|(holder, _)| *holder == number)
        {
            self.by_id.remove(&id);
        }
    }
}

/// Returns the places in a database that are kept for records which a stage in place refused.
pub(crate) fn kept(connection: &Connection, target: &Table) -> Result<KeptPlaces> {
    let sql = "SELECT e.record, i.body, r.salt, e.batch FROM ledger_batch b CROSS JOIN ledger_standing p ON p.pass=b.pass
     CROSS JOIN ledger_refused e ON e.batch=b.batch
     CROSS JOIN ledger_image i ON i.batch=e.batch AND i.record=e.record AND i.part=e.part
     CROSS JOIN ledger_record r ON r.record=e.record
     WHERE b.refused>0 AND p.target=?1 AND p.source=p.target AND i.kind=4 AND r.salt IS NOT NULL ORDER BY +b.batch, e.record";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([target.name()])?;
    let mut refused: HashMap<RecordNumber, (RecordNumber, String, Salt)> = HashMap::new();
    while let Some(row) = rows.next()? {
        let body: Vec<u8> = row.get(1)?;
        if let Some(id) = id_in(&body) {
            refused.insert(row.get(0)?, (row.get(3)?, id.to_owned(), row.get(2)?));
        }
    }
    let mut refused: Vec<_> = refused.into_iter().collect();
    // If several records were refused under one id, the later one had taken the place of the earlier.
    refused.sort_by_key(|(number, (batch, ..))| (*batch, *number));
    let mut kept = KeptPlaces::default();
    for (number, (_, id, salt)) in refused {
        if target.by_number(connection, number)?.is_none()
            && was_refused_in_place(connection, target.name(), number)?
        {
            kept.keep(id, (number, salt));
        }
    }
    Ok(kept)
}

/// Returns the hash by which an id is recognized: with a record's salt, so that it does not reveal the id.
pub(super) fn id_hash(salt: &Salt, id: &str) -> Hash {
    sha256(&[salt, id.as_bytes()])
}

/// Returns the code of an entry's reason.
pub(crate) fn code(reason: &str) -> Option<String> {
    let reason: serde_json::Value = serde_json::from_str(reason).ok()?;
    Some(reason["code"].as_str()?.to_owned())
}

/// Parses what a reason records about a place: its code, and the row in the place.
pub(crate) fn reason(reason: &str) -> Option<(&'static str, Option<Holder>)> {
    let found = code(reason)?;
    let code = [EXISTS, EDITED, REPLACED]
        .into_iter()
        .find(|code| *code == found)?;
    let value: serde_json::Value = serde_json::from_str(reason).ok()?;
    Some((code, serde_json::from_value(value["holder"].clone()).ok()))
}

/// Whether the stage has processed the record of an entry after its place in the ledger: the batch, and within it the
/// record that it was processed with.
macro_rules! seen_behind {
    ($by:literal) => {
        concat!(
            "EXISTS(SELECT 1 FROM ",
            standing_life!(),
            " WHERE ",
            of_record!("f", "e.record"),
            " AND f.batch>=e.batch AND (f.batch>e.batch OR e.record>",
            $by,
            ") AND t.project=?1 AND t.number=?2 AND (q.kind<>'rollback' OR q.reverses IS NULL) AND q.kind<>'merge' AND (q.kind<>'waive' OR NOT ?4))"
        )
    };
}

/// The records of a stage whose rows another record has removed. A row has the number of its source, or the entry that
/// wrote it names it.
const LOST: &str = concat!(
    "SELECT e.record, e.reason->>'$.holder.record', e.reason->>'$.holder.id_sha256' FROM (
       SELECT batch, record AS by, reason, coalesce((SELECT w.record FROM ledger_entry w JOIN ledger_batch y ON y.batch=w.batch
           JOIN ledger_pass z ON z.pass=y.pass WHERE w.target=coalesce(d.target,d.record) AND z.kind IN('apply','retry')
           AND coalesce(w.reason,'') NOT GLOB '{\"code\":\"target.*' ORDER BY w.batch LIMIT 1), target, record) AS record
       FROM ledger_entry d WHERE reason GLOB '{\"code\":\"target.*' AND reason->>'$.code'='target.replaced') e
     CROSS JOIN ledger_batch b ON b.batch=e.batch CROSS JOIN ledger_standing p ON p.pass=b.pass
     WHERE p.target=?3 AND EXISTS(SELECT 1 FROM ",
    standing_life!(),
    " WHERE ",
    of_record!("f", "e.record"),
    " AND f.batch<=e.batch AND t.project=?1 AND t.number=?2 AND q.kind IN('apply','retry')) AND NOT ",
    seen_behind!("e.by")
);

/// The members of the golden records that another record has removed, unless the stage has merged them since.
const MEMBERS_LOST: &str = "SELECT m.member, e.reason->>'$.holder.record', e.reason->>'$.holder.id_sha256'
 FROM ledger_entry e CROSS JOIN ledger_batch b ON b.batch=e.batch CROSS JOIN ledger_standing p ON p.pass=b.pass
 CROSS JOIN ledger_member m ON m.golden=coalesce(e.target,e.record)
 WHERE e.reason GLOB '{\"code\":\"target.*' AND e.reason->>'$.code'='target.replaced' AND p.target=?3
   AND m.project=?1 AND m.number=?2 AND m.after IS NOT NULL AND m.batch<e.batch AND ?4 IS NOT NULL";

/// A record that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// The source record.
    pub(crate) record: RecordNumber,
    /// The row in its place; `None` if nothing records which.
    pub(crate) holder: Option<Holder>,
    /// Whether it is refused; otherwise it was left out or lost its row.
    pub(crate) refused: bool,
    /// Whether the row in its place is the record's own row, changed by hand.
    pub(crate) edited: bool,
}

impl Waiting {
    /// Returns whether what it waits for is still in its place. A golden record or a window that was changed by hand also makes
    /// room when it is again what it was: then all its members wait for nothing.
    pub(crate) fn is_held(
        &self,
        connection: &Connection,
        stage: StageInput<'_>,
        target: &Table,
    ) -> Result<bool> {
        let Some(holder) = &self.holder else {
            return Ok(false);
        };
        if !holder.still_holds(connection, target)? {
            return Ok(false);
        }
        let is_restored = (stage.merges || stage.aggregates)
            && self.edited
            && is_restored(connection, target, (stage.project, stage.number), holder.record)?;
        Ok(!is_restored)
    }
}

/// Returns whether a row that was changed by hand since a stage wrote it is again what it was before that.
pub(crate) fn is_restored(
    connection: &Connection,
    target: &Table,
    stage: (&str, u32),
    row: RecordNumber,
) -> Result<bool> {
    let now = target.by_number(connection, row)?;
    let changes = rows::changes_of_row(connection, target.name(), row)?;
    let now = now.as_ref().and_then(Salted::hash);
    Ok(!rows::is_still_edited(&changes, stage, now))
}

/// Returns the records of a stage that found their place taken (or their own row changed by hand), and those whose rows
/// another record removed. Nothing has happened to any of them in the stage since. With `waived`, also returns those
/// whose refusal was waived since and that wait for nothing.
pub(crate) fn waiting(connection: &Connection, stage: StageInput<'_>, waived: bool) -> Result<Vec<Waiting>> {
    let mut waiting = Vec::new();
    let own = concat!(
        "SELECT e.record, e.reason->>'$.holder.record', e.reason->>'$.holder.id_sha256', e.outcome=4,
           e.reason->>'$.code'='target.edited'
         FROM ledger_entry e CROSS JOIN ledger_batch b ON b.batch=e.batch CROSS JOIN ledger_standing p ON p.pass=b.pass
         JOIN ledger_stage s ON s.stage=p.stage
         WHERE e.reason GLOB '{\"code\":\"target.*' AND e.reason->>'$.code' IN('target.exists','target.edited')
           AND s.project=?1 AND s.number=?2 AND ?3 IS NOT NULL AND p.kind IN('apply','retry') AND NOT ",
        seen_behind!("e.record")
    );
    let mut statement = connection.prepare_cached(own)?;
    let mut rows = statement.query(params![stage.project, stage.number, stage.target, waived])?;
    while let Some(row) = rows.next()? {
        waiting.push(Waiting {
            record: row.get(0)?,
            holder: holder(row.get(1)?, row.get(2)?),
            refused: row.get(3)?,
            edited: row.get(4)?,
        });
    }
    let taken_away = if stage.merges { MEMBERS_LOST } else { LOST };
    let mut statement = connection.prepare_cached(taken_away)?;
    let mut rows = statement.query(params![stage.project, stage.number, stage.target, waived])?;
    while let Some(row) = rows.next()? {
        waiting.push(Waiting {
            record: row.get(0)?,
            holder: holder(row.get(1)?, row.get(2)?),
            refused: false,
            edited: false,
        });
    }
    Ok(waiting)
}

fn holder(record: Option<RecordNumber>, id_sha256: Option<String>) -> Option<Holder> {
    record.map(|record| Holder { record, id_sha256 })
}

/// Returns the waiting records whose place is now free, ascending.
pub(crate) fn free(connection: &Connection, stage: StageInput<'_>) -> Result<Vec<RecordNumber>> {
    if cfg!(counterfoil_fault = "waiting") {
        return Ok(Vec::new());
    }
    let target = Table::from_name(stage.target)?;
    let mut free = Vec::new();
    for waiting in waiting(connection, stage, false)? {
        if !waiting.is_held(connection, stage, &target)? {
            free.push(waiting.record);
        }
    }
    free.sort_unstable();
    free.dedup();
    Ok(free)
}

/// Returns the rows that a pass in place removed from its database to make room and whose records it has not reached
/// yet: number, salt and the row as `id || 0x00 || data`.
pub(crate) fn set_aside(connection: &Connection, pass: PassId) -> Result<Vec<(RecordNumber, Salt, Vec<u8>)>> {
    let sql = concat!(
        "SELECT e.target, i.body FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
     JOIN ledger_image i ON i.batch=e.batch AND i.record=e.record AND i.part=e.part
     WHERE b.pass=?1 AND e.reason GLOB '{\"code\":\"target.*' AND e.reason->>'$.code'='target.replaced' AND i.kind=1
       AND NOT EXISTS(SELECT 1 FROM ledger_life f CROSS JOIN ledger_batch c ON c.batch=f.batch WHERE ",
        of_record!("f", "e.target"),
        " AND c.pass=?1 AND (f.batch>e.batch OR (f.batch=e.batch AND e.target>e.record)))
         ORDER BY e.target"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([pass], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut aside = Vec::new();
    for row in rows {
        let (record, body): (RecordNumber, Vec<u8>) = row?;
        if let Some(salt) = salt(connection, record)? {
            aside.push((record, salt, body));
        }
    }
    Ok(aside)
}

/// Returns the row that a stage in place removed from its database to make room, as `id || 0x00 || data`, if nothing
/// has happened to it there since.
pub(crate) fn image_set_aside(
    connection: &Connection,
    stage: StageInput<'_>,
    number: RecordNumber,
) -> Result<Option<Vec<u8>>> {
    let sql = concat!(
        "SELECT i.body FROM ledger_entry e CROSS JOIN ledger_batch b ON b.batch=e.batch
         CROSS JOIN ledger_standing p ON p.pass=b.pass JOIN ledger_stage s ON s.stage=p.stage
         JOIN ledger_image i ON i.batch=e.batch AND i.record=e.record AND i.part=e.part
         WHERE e.target=?4 AND e.reason->>'$.code'='target.replaced' AND i.kind=1 AND p.target=?3 AND p.source=p.target
           AND s.project=?1 AND s.number=?2
           AND NOT EXISTS(SELECT 1 FROM ledger_life f CROSS JOIN ledger_batch c ON c.batch=f.batch
             CROSS JOIN ledger_pass q ON q.pass=c.pass WHERE ",
        of_record!("f", "?4"),
        " AND f.target IS NULL AND q.target=?3 AND f.batch>=e.batch AND (f.batch>e.batch OR ?4>e.record))
         ORDER BY e.batch DESC LIMIT 1"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let key = params![stage.project, stage.number, stage.target, number];
    Ok(statement.query_row(key, |row| row.get(0)).optional()?)
}

//! The batches as they are recorded, for verifying the chain: each batch's own claims, its entries and the header that
//! was hashed; also rows that no batch covers.

use rusqlite::{Connection, Row, Statement};

use super::entry::{Batch, BatchKind, Counts};
use super::read::{counts, entry};
use super::renamed::{HeadTexts, Renamed, StageNames};
use crate::digest::Hash;
use crate::error::{Error, Result};
use crate::record::{BatchId, PassId, RecordNumber};

/// The claims of a batch's row.
pub(crate) struct Recorded {
    pub(crate) batch: BatchId,
    pub(crate) pass: PassId,
    pub(crate) step: BatchKind,
    pub(crate) counts: Counts,
    pub(crate) range: (Option<RecordNumber>, Option<RecordNumber>),
    pub(crate) entries: i64,
    pub(crate) committed_us: i64,
    pub(crate) entries_sha256: Hash,
    pub(crate) previous_head: Hash,
    pub(crate) head: Hash,
    pub(crate) tree_size: i64,
    pub(crate) tree_root: Hash,
    pub(crate) frontier: Vec<u8>,
    pub(crate) header_text: String,
    /// Set if the header was hashed with another name of its stage that nobody has accepted yet.
    pub(crate) renamed: Option<Renamed>,
}

const BATCH: &str = "SELECT b.batch, b.pass, b.step, b.read, b.written, b.unchanged, b.filtered, b.refused, b.merged,
   b.first_record, b.last_record, b.entries, b.committed_us, b.entries_sha256, b.previous_head, b.head, b.tree_size,
   b.tree_root, b.frontier, h.header_text
 FROM ledger_batch b LEFT JOIN header h USING(batch) WHERE b.batch=?1";

/// The numbers of the batches, ascending.
pub(crate) fn batch_numbers(connection: &Connection) -> Result<Vec<BatchId>> {
    let mut statement = connection.prepare("SELECT batch FROM ledger_batch ORDER BY batch")?;
    let numbers = statement.query_map([], |row| row.get(0))?;
    Ok(numbers.collect::<rusqlite::Result<_>>()?)
}

/// Reads batches with their entries.
pub(crate) struct Batches<'c> {
    batches: Statement<'c>,
    entries: Statement<'c>,
}

impl<'c> Batches<'c> {
    /// `headers` is the view of headers as this program built it in: a changed view must not determine what was hashed.
    pub(crate) fn new(connection: &'c Connection, headers: &str) -> Result<Self> {
        Ok(Self {
            batches: connection.prepare(&format!("WITH header AS ({headers}) {BATCH}"))?,
            entries: connection.prepare(
                "SELECT record,part,outcome,target,input,before,after,reason,batch FROM ledger_entry WHERE batch=?1",
            )?,
        })
    }

    /// Reads one batch: its recorded claims and its entries.
    pub(crate) fn read(&mut self, number: BatchId, names: &StageNames) -> Result<(Recorded, Batch)> {
        let recorded = self.batches.query_row([number], recorded)?.named(names);
        let mut batch = Batch::new(recorded.step);
        let mut found = self.entries.query([number])?;
        while let Some(row) = found.next()? {
            // In a damaged file, an entry may be stored among those of another batch.
            if row.get::<_, BatchId>(8)? != number {
                let what = "an entry of another batch is among its entries".to_owned();
                return Err(Error::Damaged { what });
            }
            batch.entries.push(entry(row, 0)?);
        }
        Ok((recorded, batch))
    }
}

fn recorded(row: &Row<'_>) -> rusqlite::Result<Recorded> {
    Ok(Recorded {
        batch: row.get(0)?,
        pass: row.get(1)?,
        step: row.get(2)?,
        counts: counts(row, 3)?,
        range: (row.get(9)?, row.get(10)?),
        entries: row.get(11)?,
        committed_us: row.get(12)?,
        entries_sha256: row.get(13)?,
        previous_head: row.get(14)?,
        head: row.get(15)?,
        tree_size: row.get(16)?,
        tree_root: row.get(17)?,
        frontier: row.get(18)?,
        header_text: row.get::<_, Option<String>>(19)?.unwrap_or_default(),
        renamed: None,
    })
}

impl Recorded {
    /// Substitutes the header that was hashed, if it differs only in the name of its stage.
    fn named(mut self, names: &StageNames) -> Self {
        let text = std::mem::take(&mut self.header_text);
        let header = names.hashed(self.batch, &self.head, text);
        if let HeadTexts::Renamed(_, renamed) = &header {
            self.renamed = Some(renamed.clone());
        }
        self.header_text = header.into_text();
        self
    }
}

/// The texts of a stage's revision, and the hashes that the headers cover.
pub(crate) struct StageTexts {
    pub(crate) stage: i64,
    pub(crate) text: String,
    pub(crate) text_sha256: Hash,
    pub(crate) meaning: String,
    pub(crate) meaning_sha256: Hash,
}

/// Reads the texts of all revisions, in order.
pub(crate) fn stage_texts(connection: &Connection) -> Result<Vec<StageTexts>> {
    let sql =
        "SELECT stage, source_text, text_sha256, meaning, meaning_sha256 FROM ledger_stage ORDER BY stage";
    let mut statement = connection.prepare(sql)?;
    let texts = statement.query_map([], |row| {
        Ok(StageTexts {
            stage: row.get(0)?,
            text: row.get(1)?,
            text_sha256: row.get(2)?,
            meaning: row.get(3)?,
            meaning_sha256: row.get(4)?,
        })
    })?;
    Ok(texts.collect::<rusqlite::Result<_>>()?)
}

/// Numbers of batches that do not exist but have entries.
pub(crate) fn batches_of_stray_entries(connection: &Connection) -> Result<Vec<BatchId>> {
    // From batch number to batch number: one look-up for each, not one for each entry.
    let sql = "WITH RECURSIVE numbers(batch) AS (SELECT min(batch) FROM ledger_entry
       UNION ALL SELECT (SELECT min(e.batch) FROM ledger_entry e WHERE e.batch>numbers.batch) FROM numbers
         WHERE numbers.batch IS NOT NULL)
     SELECT batch FROM numbers WHERE batch IS NOT NULL AND batch NOT IN (SELECT batch FROM ledger_batch)";
    batches(connection, sql)
}

/// Batches that erasures name but whose runs do not erase, one for each such erasure.
pub(crate) fn batches_of_stray_erasures(connection: &Connection) -> Result<Vec<BatchId>> {
    let sql = "SELECT x.batch FROM ledger_erasure x WHERE NOT EXISTS(SELECT 1 FROM ledger_batch b JOIN ledger_pass p USING(pass)
     WHERE b.batch=x.batch AND p.kind='erase')";
    batches(connection, sql)
}

/// Batches that have images without entries.
pub(crate) fn batches_of_stray_images(connection: &Connection) -> Result<Vec<BatchId>> {
    let sql = "SELECT DISTINCT i.batch FROM ledger_image i WHERE NOT EXISTS(SELECT 1 FROM ledger_entry e
     WHERE e.batch=i.batch AND e.record=i.record AND e.part=i.part)";
    batches(connection, sql)
}

fn batches(connection: &Connection, sql: &str) -> Result<Vec<BatchId>> {
    let mut statement = connection.prepare(sql)?;
    let batches = statement.query_map([], |row| row.get(0))?;
    Ok(batches.collect::<rusqlite::Result<_>>()?)
}

/// Passes, runs and stage revisions that no batch belongs to, in words: `pass 7`.
pub(crate) fn without_batch(connection: &Connection) -> Result<Vec<String>> {
    let sql = "SELECT 'pass ' || pass FROM ledger_pass WHERE pass NOT IN (SELECT pass FROM ledger_batch)
     UNION ALL SELECT 'run ' || run FROM ledger_run WHERE run NOT IN (SELECT run FROM ledger_batch)
     UNION ALL SELECT 'stage revision ' || stage FROM ledger_stage
       WHERE stage NOT IN (SELECT stage FROM ledger_pass WHERE stage IS NOT NULL)";
    let mut statement = connection.prepare(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// Passes whose stage revisions do not exist, in words. Their headers are hashed like those of passes without a stage.
pub(crate) fn without_stage(connection: &Connection) -> Result<Vec<String>> {
    let sql = "SELECT 'pass ' || pass || ' of stage revision ' || stage FROM ledger_pass
     WHERE stage IS NOT NULL AND stage NOT IN (SELECT stage FROM ledger_stage)";
    let mut statement = connection.prepare(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// Runs and stage revisions whose numbers do not follow their order, in words. No header covers these numbers.
pub(crate) fn out_of_order(connection: &Connection) -> Result<Vec<String>> {
    let sql = "SELECT 'run ' || run FROM (SELECT run, row_number() OVER (ORDER BY first) AS place
       FROM (SELECT run, min(batch) AS first FROM ledger_batch GROUP BY run)) WHERE run<>place
     UNION ALL SELECT 'stage revision ' || stage FROM (SELECT stage, row_number() OVER (ORDER BY first) AS place
       FROM (SELECT stage, min(pass) AS first FROM ledger_pass WHERE stage IS NOT NULL GROUP BY stage)) WHERE stage<>place";
    let mut statement = connection.prepare(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

//! Keys of rules over more than one record, in a private temporary table of one connection. It spills to an unnamed
//! file if it outgrows its cache, so memory is bounded, and nothing remains of it whatever happens.

use rusqlite::{Connection, params};

use crate::error::Result;
use crate::record::RecordNumber;

/// Table of the keys, by rule and by record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuleKeyTable<'c> {
    connection: &'c Connection,
}

impl<'c> RuleKeyTable<'c> {
    /// Returns the keys of a connection on which [`begin`](Self::begin) was called.
    pub(crate) fn on(connection: &'c Connection) -> Self {
        Self { connection }
    }

    /// Begins without keys.
    pub(crate) fn begin(connection: &'c Connection) -> Result<Self> {
        connection.execute_batch(
            "PRAGMA temp.cache_size=-16384; PRAGMA temp.journal_mode=OFF;
             DROP TABLE IF EXISTS temp.contract_key;
             CREATE TEMP TABLE contract_key(rule INTEGER NOT NULL, key TEXT NOT NULL, record INTEGER NOT NULL,
               PRIMARY KEY(rule, key, record)) STRICT, WITHOUT ROWID;
             CREATE INDEX temp.contract_key_record ON contract_key(record);",
        )?;
        Ok(Self { connection })
    }

    /// Notes that a record has a key.
    pub(crate) fn take(self, rule: i64, key: &str, record: RecordNumber) -> Result<()> {
        let mut write = self
            .connection
            .prepare_cached("INSERT OR IGNORE INTO temp.contract_key VALUES(?1,?2,?3)")?;
        write.execute(params![rule, key, record])?;
        Ok(())
    }

    /// Notes that a record no longer has its keys.
    pub(crate) fn release(self, record: RecordNumber) -> Result<()> {
        let mut write = self
            .connection
            .prepare_cached("DELETE FROM temp.contract_key WHERE record=?1")?;
        write.execute([record])?;
        Ok(())
    }

    /// Returns the first record that has a key, except those in `beside`.
    pub(crate) fn holder(
        self,
        rule: i64,
        key: &str,
        beside: &[RecordNumber],
    ) -> Result<Option<RecordNumber>> {
        let sql = "SELECT record FROM temp.contract_key WHERE rule=?1 AND key=?2 ORDER BY record";
        let mut read = self.connection.prepare_cached(sql)?;
        let mut rows = read.query(params![rule, key])?;
        while let Some(row) = rows.next()? {
            let record = row.get(0)?;
            if !beside.contains(&record) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// Returns the records that share a key of a rule with another, including the first of them.
    pub(crate) fn shared(self, rule: i64) -> Result<Vec<(RecordNumber, RecordNumber)>> {
        let sql = "SELECT k.record, s.first FROM
            (SELECT key, min(record) AS first FROM temp.contract_key WHERE rule=?1 GROUP BY key HAVING count(*)>1) s
            JOIN temp.contract_key k ON k.rule=?1 AND k.key=s.key ORDER BY k.record";
        let mut read = self.connection.prepare(sql)?;
        let rows = read.query_map([rule], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns the records that refer to a key of one rule which no record has under another, and the key, in order.
    pub(crate) fn unmet(self, wanted: i64, rule: i64) -> Result<Vec<(RecordNumber, String)>> {
        let sql = "SELECT k.record, k.key FROM temp.contract_key k WHERE k.rule=?1
            AND NOT EXISTS(SELECT 1 FROM temp.contract_key h WHERE h.rule=?2 AND h.key=k.key) ORDER BY k.record, k.key";
        let mut read = self.connection.prepare(sql)?;
        let rows = read.query_map([wanted, rule], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
